//! efface finds personal data in text and rewrites it.
//!
//! The street that data walks, each step a plain function from values to values:
//!
//! ```text
//! bytes ─▶ envelope ─▶ fields ─▶ scan ─▶ detections ─▶ policy ─▶ decisions ─▶ operator ─▶ edits ─▶ bytes per lane
//! ```
//!
//! The four types that most programs need are at the root: [`Scanner`] finds, [`Policy`] decides, [`Redactor`] rewrites,
//! and [`RuleSet`] holds the facts that they work from.
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

// Floor 0, words: plain values.
pub mod detection;
pub mod entity;
pub mod ids;
pub mod label;
pub mod limits;
pub mod sensitive;
pub mod span;
pub mod tally;

// Floor 1, mechanisms, strangers to each other.
pub mod check;
pub mod crypt;
pub mod envelope;
#[cfg(feature = "stream")]
pub mod metrics;
pub mod plan;

// Floor 2, meaning.
pub mod policy;
pub mod profile;
pub mod rules;

// Floor 3, the two engines.
pub mod operator;
pub mod scan;

// Floor 4, one message.
pub mod redact;

// Floor 5, runners.
#[cfg(feature = "cli")]
pub mod batch;
#[cfg(feature = "cli")]
pub mod eval;
#[cfg(feature = "stream")]
pub mod stream;

// Floor 6, what a run found.
#[cfg(feature = "cli")]
pub mod report;

// Floor 7, the command line.
#[cfg(feature = "cli")]
pub mod cli;

pub use detection::Detection;
pub use policy::Policy;
pub use redact::Redactor;
pub use rules::RuleSet;
pub use scan::{Hints, Scanner};
pub use span::Span;
