//! How good is detection? Reads labelled messages and other detectors' cases, scans them, and reports what was found,
//! missed and found in vain: per source, kind and entity, never pooled, because sources differ in size by a factor of a
//! hundred.
//!
//! ```text
//! files ─▶ corpus ─▶ scan (parallel) ─▶ score ─▶ report ─▶ table | JSON
//!          labels                       rules    floors, comparison with an earlier report
//! ```
//!
//! The room changes nothing and knows no rule: it takes a [`crate::RuleSet`] only to know entities by name. It shows
//! text of a corpus only where it is told to ([`Values::Shown`]).

mod compare;
mod corpus;
mod fit;
mod peer;
mod report;
mod run;
mod score;
mod select;

pub use compare::{Change, FloorError, Floors, Shortfall, changes};
pub use corpus::{Ask, Case, Corpora, Corpus, CorpusError, Doubt, Fault, Gold, Label, Record};
pub use fit::{Effect, Figures, Fit, Proposal, Share, fit, reweighed, with_worth};
pub use peer::{LeftOut, Passed, Sorts, Validate};
pub use report::{CorpusReport, Mean, PeerReport, PeerRow, Report, Row, SilentReport, Speed};
pub use run::{Options, run};
pub use score::{By, Counts, Failure, Keep, Values, Went};
pub use select::{Reach, Selection};
