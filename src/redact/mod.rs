//! One message: bytes in, bytes out for every lane, or a quarantine.
//!
//! The glue of the street: the envelope says where text is, the scanner what is in it, the policy of each lane what
//! becomes of it, operators do it, the envelope puts it back. One walk and one scan serve all lanes. Many records of one
//! buffer go through together, because the scanner is twice as fast over many short texts as in many calls.
//!
//! ```text
//! chunk ─▶ records ─▶ walk ─▶ scan ─▶ Found ─┬─▶ policy of lane 0 ─▶ edits ─▶ splice ─▶ output 0
//!                                            └─▶ policy of lane 1 ─▶ edits ─▶ splice ─▶ output 1
//! ```
//!
//! What cannot be handled reaches no lane: its record is replaced by a mark that tells why in one word of a closed list.
//!
//! # Example
//! ```
//! use efface::envelope::Format;
//! use efface::policy::{Policy, Source};
//! use efface::redact::{Options, Redactor};
//! use efface::scan::{ScanConfig, Scanner};
//! use efface::{RuleSet, tally::Tally};
//!
//! let rules = RuleSet::builtin()?;
//! let policy = Policy::compile(&Source::builtin("default").ok_or("no default")?, rules.entities())?;
//! let scanner = Scanner::build(&rules, ScanConfig::default())?;
//! let redactor = Redactor::build(scanner, &rules, policy.lanes().to_vec(), &Options::default())?;
//!
//! let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
//! redactor.redact(Format::JsonLines, br#"{"text":"nothing in here"}"#, &mut scratch, &mut tally)?;
//! assert_eq!(scratch.lane(0), br#"{"text":"nothing in here"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ask;
mod embedded;
mod find;
mod lane;
mod tokens;
mod told;
mod whole;

pub use find::{FieldDetection, Finder, Found, FoundRecord, KnownName};
pub use tokens::Input;

use crate::crypt::{Mode, Purpose, TokenScratch, Tokenizer};
use crate::entity::{Entity, Kind};
use crate::envelope::{Edit, EnvelopeFault, FieldKind, Format, Record, Records, SelectorError, Splicer, Stamp};
use crate::ids::{EntityId, Region, RuleId, TenantId};
use crate::limits::Limits;
use crate::operator;
use crate::policy::{Alerts, Form, Lane, Operator};
use crate::profile::{self, Profiles};
use crate::rules::RuleSet;
use crate::scan::{Lexicon, LexiconScratch, NameBook, ScanFault, Scanner};
use crate::span::{DocSpan, Span};
use crate::tally::{Category, Tally};
use lane::{LaneWriter, Owner, Phones, Ready};
use std::ops::Range;
use std::sync::Arc;
use tokens::{Canonicals, TOKEN_LIKE};

/// What is known about an input, besides its format.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Regions of records that do not say theirs, most likely first.
    pub regions: Vec<Region>,
    /// The field that says a record's region, as a JSON Pointer. Where the field is there, it alone counts, and one that is
    /// empty or no region means none.
    pub region_field: Option<String>,
    /// The only field that is scanned, as a JSON Pointer; everything else is kept but for what a policy says of it. Lines
    /// of text are scanned all the same.
    pub text_field: Option<String>,
    /// Fields that hold the name of a person, as JSON Pointers: these names are looked for in all texts of their record.
    pub name_fields: Vec<String>,
    /// Names that are looked for in every text.
    pub book: Option<Arc<NameBook>>,
    /// The field that says which conversation a record belongs to, as a JSON Pointer: for codes of conversations.
    pub conversation_field: Option<String>,
    /// The field that says whom a record is about, as a JSON Pointer: for shifted dates.
    pub subject_field: Option<String>,
    /// What is counted because clients promised not to send it.
    pub alerts: Option<Alerts>,
    /// Bounds on one record.
    pub limits: Limits,
    /// What makes tokens, for policies that write them.
    pub tokenizer: Option<Arc<Tokenizer>>,
    /// Whose the records are; tokens of two tenants have nothing in common.
    pub tenant: Tenant,
    /// What a token in the input is.
    pub input: Input,
    /// What fields hold, and which of them are not scanned. Without any, all text is scanned.
    pub profiles: Option<Arc<Profiles>>,
}

/// Whose records are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tenant {
    /// Nobody said. No token is written.
    #[default]
    None,
    /// All of one tenant.
    Fixed(String),
    /// Each says so itself, in the field at this JSON Pointer. One that does not is quarantined.
    Field(String),
    /// Each says so itself, where its profile says. One that does not is quarantined.
    Profile,
    /// The caller says it of each record: [`Redactor::redact_records_of`]. One that nobody speaks of gets labels.
    Given,
}

/// Why a [`Redactor`] cannot be put together. An operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A JSON Pointer is not one, or there are too many.
    #[error(transparent)]
    Selector(#[from] SelectorError),
    /// A lane writes tokens, and there is no key to make them with.
    #[error("the policy writes tokens on the lane {lane}, and there is no key\n  hint: name one: --key file:root.key")]
    NoKey {
        /// The lane.
        lane: String,
    },
    /// A lane writes tokens, and nobody said whose the records are.
    #[error(
        "the policy writes tokens on the lane {lane}, and nobody said whose the records are\n  hint: --tenant NAME, or --tenant-field /tenant where records say so"
    )]
    NoTenant {
        /// The lane.
        lane: String,
    },
    /// A lane writes codes of conversations, and neither a field nor a profile says where a record names its own.
    #[error(
        "the policy writes codes of conversations on the lane {lane}, and nobody said which conversation a record is of\n  hint: --conversation-field /conversation/id, or where records say so; or a profile that knows it: --envelope auto"
    )]
    NoConversation {
        /// The lane.
        lane: String,
    },
    /// The name of the tenant is none.
    #[error(
        "the tenant's name is empty, longer than 255 bytes or holds control characters\n  hint: a short name that never changes"
    )]
    Tenant,
}

/// Why a record that should name its tenant does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantFault {
    /// The field is not there, or is no text or number.
    Missing,
    /// It is empty, too long or holds control characters.
    Invalid,
}

/// Why a record cannot be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It is broken, too deep or too long.
    #[error(transparent)]
    Envelope(EnvelopeFault),
    /// A field could not be scanned to its end.
    #[error("{}", self.word())]
    Scan(ScanFault),
    /// More detections in all its fields than the limit.
    #[error("{}", self.word())]
    TooManyDetections,
    /// It does not name its tenant.
    #[error("{}", self.word())]
    Tenant(TenantFault),
}

impl Reason {
    /// Returns the reason as one word of a closed list, for a quarantined record and for metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Envelope(fault) => fault.reason(),
            Self::TooManyDetections | Self::Scan(ScanFault::TooManyDetections) => "too_many_detections",
            Self::Scan(ScanFault::TooManyCandidates) => "too_many_candidates",
            Self::Scan(ScanFault::TooLong) => "field_too_long",
            Self::Scan(ScanFault::OutOfBounds) => "internal_error",
            Self::Tenant(TenantFault::Missing) => "tenant_missing",
            Self::Tenant(TenantFault::Invalid) => "tenant_invalid",
        }
    }
}

/// Rewrites records for every lane.
pub struct Redactor {
    finder: Finder,
    lanes: Vec<LaneWork>,
    entities: Vec<Entity>,
    /// By entity.
    labels: Vec<Box<[u8]>>,
    /// Whether a lane may write something else in its place than the first, by entity. Nothing where the lanes differ in
    /// what they do with fields.
    varied: Option<Vec<bool>>,
    minting: Option<Minting>,
    alerts: Option<Lexicon>,
}

/// What tokens are made with, where a lane writes some.
struct Minting {
    tokenizer: Arc<Tokenizer>,
    /// None where each record names its own.
    tenant: Option<String>,
    /// Whether a lane writes tokens of it, by entity.
    minted: Vec<bool>,
    /// Of the tokens that lanes write.
    purposes: Vec<Purpose>,
}

/// A lane, and what is known of it beforehand.
struct LaneWork {
    lane: Lane,
    /// An earlier lane that says the same of everything.
    twin: Option<usize>,
    needs_owner: bool,
    /// What is known of what it writes in the place of an entity whatever the value is, by entity.
    ready: Vec<Ready>,
}

/// The working memory of one worker, and the answer to its last call.
pub struct Scratch {
    found: Found,
    splicer: Splicer,
    edits: Vec<Edit>,
    replacements: Vec<u8>,
    tokens: Option<TokenScratch>,
    canonicals: Canonicals,
    lexicon: LexiconScratch,
    given: Given,
    summary: Summary,
    outputs: Vec<Vec<u8>>,
    /// Where each record ends, per lane: `ends[lane][record]`.
    ends: Vec<Vec<usize>>,
    applied: Vec<Applied>,
}

/// What the records of a call hold, summed up.
#[derive(Default)]
struct Summary {
    /// Detections, by entity.
    counts: Vec<u32>,
    /// The entities that were counted.
    touched: Vec<EntityId>,
    /// The numbers of the records of which one lane may write something else than another, in ascending order.
    varied: Vec<usize>,
}

impl Summary {
    fn clear(&mut self) {
        for entity in self.touched.drain(..) {
            self.counts.get_mut(usize::from(entity.0)).into_iter().for_each(|n| *n = 0);
        }
        self.varied.clear();
    }

    #[inline]
    fn count(&mut self, entity: EntityId) {
        match self.counts.get_mut(usize::from(entity.0)) {
            Some(n) if *n > 0 => *n += 1,
            _ => self.count_first(entity),
        }
    }

    #[cold]
    #[inline(never)]
    fn count_first(&mut self, entity: EntityId) {
        let at = usize::from(entity.0);
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts.get_mut(at).into_iter().for_each(|n| *n = 1);
        self.touched.push(entity);
    }

    /// Yields every entity that was counted, and how often.
    fn each(&self) -> impl Iterator<Item = (EntityId, u32)> {
        let count = |entity: EntityId| self.counts.get(usize::from(entity.0)).copied().unwrap_or(0);
        self.touched.iter().map(move |&entity| (entity, count(entity)))
    }

    /// Leaves the detections of records out of the counts that are varied.
    fn leave_varied_out(&mut self, found: &Found) {
        for record in self.varied.iter().filter_map(|&number| found.records().get(number)) {
            for detected in found.detections(record) {
                let counted = self.counts.get_mut(usize::from(detected.detection.entity.0));
                counted.into_iter().for_each(|n| *n = n.saturating_sub(1));
            }
        }
    }
}

/// How often which operator was applied on a lane in a call, by entity.
#[derive(Clone, Default)]
struct Applied {
    counts: Vec<Counts>,
    /// The entities that have counts.
    touched: Vec<EntityId>,
}

/// Of one entity, by [`Operator::number`].
#[derive(Clone, Copy, Default)]
struct Counts {
    /// Whether there is one.
    any: bool,
    n: [u32; Operator::NAMES.len()],
}

impl Applied {
    fn clear(&mut self) {
        for entity in self.touched.drain(..) {
            self.counts.get_mut(usize::from(entity.0)).into_iter().for_each(|counts| *counts = Default::default());
        }
    }

    #[inline]
    fn count(&mut self, entity: EntityId, operator: &Operator) {
        self.count_many(entity, operator, 1);
    }

    #[inline]
    fn count_many(&mut self, entity: EntityId, operator: &Operator, more: u32) {
        match self.counts.get_mut(usize::from(entity.0)) {
            Some(Counts { any: true, n }) => n.get_mut(operator.number()).into_iter().for_each(|n| *n += more),
            _ => self.count_first(entity, operator, more),
        }
    }

    #[cold]
    #[inline(never)]
    fn count_first(&mut self, entity: EntityId, operator: &Operator, more: u32) {
        // What looks like a token is counted by itself.
        if entity == TOKEN_LIKE {
            return;
        }
        let at = usize::from(entity.0);
        if self.counts.len() <= at {
            self.counts.resize(at + 1, Default::default());
        }
        let Some(counts) = self.counts.get_mut(at) else { return };
        counts.any = true;
        counts.n.get_mut(operator.number()).into_iter().for_each(|n| *n += more);
        self.touched.push(entity);
    }
}

impl Redactor {
    /// Puts the parts together. `rules` are those that the scanner was built from, `lanes` those of a policy that was
    /// compiled against them; outputs come in their order.
    ///
    /// # Errors
    /// A JSON Pointer of the options or of a policy is not one, or there is too much of something; a lane writes tokens, and
    /// there is no key or no tenant.
    pub fn build(scanner: Scanner, rules: &RuleSet, lanes: Vec<Lane>, options: &Options) -> Result<Self, BuildError> {
        let minting = minting(&lanes, rules, options)?;
        let finder = Finder::build(scanner, lanes.iter().map(Lane::fields), options)?;
        let n_entities = u16::try_from(rules.entities().len()).unwrap_or(u16::MAX);
        let same = |a: &Lane, b: &Lane| {
            // The same token on two sorts of lane is two tokens.
            (a.class() == b.class() || !a.is_keyed())
                && a.business() == b.business()
                && a.fields() == b.fields()
                && (0..n_entities).map(EntityId).all(|entity| a.decide(entity, None) == b.decide(entity, None))
        };
        let twins: Vec<_> = (0..lanes.len())
            .map(|at| lanes.iter().take(at).position(|earlier| lanes.get(at).is_some_and(|lane| same(earlier, lane))))
            .collect();
        let entities = rules.entities().to_vec();
        let label = |entity: &Entity| {
            let mut label = Vec::new();
            operator::label(entity, &mut label);
            label.into_boxed_slice()
        };
        let labels: Vec<_> = entities.iter().map(label).collect();
        let varied = finder.selectors().is_trivial().then(|| varied(&lanes, &entities));
        let lanes = lanes
            .into_iter()
            .zip(twins)
            .map(|(lane, twin)| {
                let ready = ready(&lane, &entities, &labels);
                LaneWork { needs_owner: lane.needs_owner(), lane, twin, ready }
            })
            .collect();
        let alerts = options.alerts.as_ref().filter(|alerts| !alerts.categories.is_empty());
        let alerts = alerts.map(|alerts| Lexicon::build(rules, &alerts.categories, alerts.minor_age));
        Ok(Self { finder, lanes, entities, labels, varied, minting, alerts })
    }

    /// Makes the working memory for one worker.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        let mut found = self.finder.scratch();
        // Words of other categories may stand in every text, and what looks like a token in every key.
        found.brief = self.alerts.is_none() && self.finder.input() == Input::Processed;
        Scratch {
            found,
            splicer: Splicer::default(),
            edits: Vec::new(),
            replacements: Vec::new(),
            tokens: self.minting.as_ref().map(|minting| minting.tokenizer.scratch()),
            canonicals: Canonicals::default(),
            lexicon: LexiconScratch::default(),
            given: Given::default(),
            summary: Summary::default(),
            outputs: self.lanes.iter().map(|_| Vec::new()).collect(),
            ends: self.lanes.iter().map(|_| Vec::new()).collect(),
            applied: vec![Applied::default(); self.lanes.len()],
        }
    }

    /// Returns the lanes, in the order of the outputs.
    pub fn lanes(&self) -> impl ExactSizeIterator<Item = &Lane> {
        self.lanes.iter().map(|work| &work.lane)
    }

    /// Returns what finds the detections.
    #[must_use]
    pub const fn finder(&self) -> &Finder {
        &self.finder
    }

    /// Rewrites one record, such as a message of a stream; a text of several lines is one record here. The outputs are in
    /// `scratch`.
    ///
    /// # Errors
    /// The record cannot be handled; all outputs hold the mark of a quarantined record, or nothing for [`Format::Json`].
    pub fn redact(
        &self,
        format: Format,
        record: &[u8],
        scratch: &mut Scratch,
        tally: &mut Tally,
    ) -> Result<(), Reason> {
        let whole = DocSpan::new(0, small(record.len()));
        self.redact_records(format, record, [Record { body: whole, whole }], scratch, tally);
        match scratch.found.records().first().map(|record| record.walked) {
            Some(Err(reason)) => Err(reason),
            _ => Ok(()),
        }
    }

    /// Rewrites all records of a chunk that begins and ends where a record does. The outputs are in `scratch`, and in
    /// [`Found::records`] what became of each record.
    pub fn redact_chunk(&self, format: Format, chunk: &[u8], scratch: &mut Scratch, tally: &mut Tally) {
        match Records::new(format, chunk) {
            Ok(records) => self.redact_records(format, chunk, records, scratch, tally),
            Err(fault) => {
                scratch.given.clear();
                scratch.found.fail(chunk, fault);
                self.write(format, chunk, scratch, tally);
            }
        }
    }

    /// Rewrites records of one buffer, in ascending order and without overlap; what is between them is not written.
    pub fn redact_records(
        &self,
        format: Format,
        buffer: &[u8],
        records: impl IntoIterator<Item = Record>,
        scratch: &mut Scratch,
        tally: &mut Tally,
    ) {
        scratch.given.clear();
        scratch.found.given = false;
        self.finder.find(format, buffer, records, &mut scratch.found);
        self.write(format, buffer, scratch, tally);
    }

    /// Does what [`redact_records`](Self::redact_records) does for records of which the caller knows the tenant; what a
    /// record says of that itself is not asked.
    pub fn redact_records_of<'t>(
        &self,
        format: Format,
        buffer: &[u8],
        records: impl IntoIterator<Item = (Record, Option<TenantId<'t>>)>,
        scratch: &mut Scratch,
        tally: &mut Tally,
    ) {
        let Scratch { found, given, .. } = scratch;
        given.clear();
        found.given = true;
        let records = records.into_iter().map(|(record, tenant)| {
            given.add(record, tenant);
            record
        });
        self.finder.find(format, buffer, records, found);
        self.write(format, buffer, scratch, tally);
    }

    fn write(&self, format: Format, buffer: &[u8], scratch: &mut Scratch, tally: &mut Tally) {
        self.sum_up(&scratch.found, &mut scratch.summary, tally);
        if let Some(lexicon) = &self.alerts {
            self.count_alerts(lexicon, buffer, scratch, tally);
        }
        let Scratch {
            found,
            splicer,
            edits,
            replacements,
            tokens,
            canonicals,
            lexicon: _,
            given,
            summary,
            outputs,
            ends,
            applied,
        } = scratch;
        canonicals.clear();
        applied.iter_mut().for_each(Applied::clear);
        let fixed = self.fixed();
        if let Some(minting) = &self.minting {
            let minted = |entity: EntityId| {
                let at = usize::from(entity.0);
                minting.minted.get(at).filter(|minted| **minted).and_then(|_| self.entities.get(at))
            };
            let tenant = |record| fixed.or_else(|| own_tenant(buffer, found, record, given));
            canonicals.fill(buffer, found, &self.finder, &minting.tokenizer, tenant, minted);
            if let Some(scratch) = tokens {
                minting.tokenizer.warm(canonicals.tags(), &minting.purposes, scratch);
            }
        }
        for (at, work) in self.lanes.iter().enumerate() {
            let (earlier, rest) = outputs.split_at_mut(at);
            let (earlier_ends, rest_ends) = ends.split_at_mut(at);
            let (Some(out), Some(ends)) = (rest.first_mut(), rest_ends.first_mut()) else { continue };
            out.clear();
            ends.clear();
            let (earlier_applied, rest_applied) = applied.split_at_mut(at);
            let Some(applied) = rest_applied.first_mut() else { continue };
            if let Some(twin) = work.twin {
                if let Some(twin) = earlier_applied.get(twin) {
                    applied.counts.clone_from(&twin.counts);
                    applied.touched.clone_from(&twin.touched);
                }
                out.extend_from_slice(earlier.get(twin).map(Vec::as_slice).unwrap_or_default());
                ends.extend_from_slice(earlier_ends.get(twin).map(Vec::as_slice).unwrap_or_default());
                continue;
            }
            let mut lane = LaneWriter {
                redactor: self,
                lane: &work.lane,
                at,
                buffer,
                found,
                edits,
                replacements,
                tokens: tokens.as_mut(),
                canonicals,
                given,
                class: work.lane.class(),
                needs_owner: work.needs_owner,
                ready: &work.ready,
                phones: Phones::default(),
                fixed,
                owner: Owner { regions: &[], tenant: None, of: None },
                embedded: None,
                applied,
            };
            let records = found.records();
            if let (Some(_), Some(first)) = (&self.varied, earlier.first().zip(earlier_ends.first())) {
                let mut from = 0;
                for &number in &summary.varied {
                    copy_records(first, from..number, out, ends);
                    if let Some(record) = records.get(number) {
                        lane.record(format, record, splicer, out);
                        ends.push(out.len());
                    }
                    from = number + 1;
                }
                copy_records(first, from..records.len(), out, ends);
                for (entity, n) in summary.each().filter(|&(_, n)| n > 0) {
                    lane.applied.count_many(entity, work.lane.decide(entity, None), n);
                }
                continue;
            }
            for record in records {
                lane.record(format, record, splicer, out);
                ends.push(out.len());
            }
        }
    }

    /// Whether a lane may write something else in the place of an entity than the first.
    fn is_varied(&self, entity: EntityId) -> bool {
        self.varied.as_ref().and_then(|varied| varied.get(usize::from(entity.0))).is_none_or(|&varied| varied)
    }

    /// Counts what the records of a call hold, and takes note of those of which a lane may write something else than the first.
    fn sum_up(&self, found: &Found, summary: &mut Summary, tally: &mut Tally) {
        summary.clear();
        for (number, record) in found.records().iter().enumerate() {
            tally.n_records += 1;
            tally.n_quarantined += u64::from(record.walked.is_err());
            let mut is_varied = false;
            for &FieldDetection { detection, embedded, .. } in found.detections(record) {
                if detection.entity == TOKEN_LIKE {
                    tally.n_token_like += 1;
                } else {
                    summary.count(detection.entity);
                }
                is_varied |= embedded || detection.rival.is_some() || self.is_varied(detection.entity);
            }
            // Where every record is written for each lane, nobody asks.
            if is_varied && self.varied.is_some() {
                summary.varied.push(number);
            }
        }
        summary.each().for_each(|(entity, n)| tally.count_many(entity, u64::from(n)));
        summary.leave_varied_out(found);
    }
}

impl Redactor {
    /// Returns the id of the rule of a detection that no pack has; see [`Finder::rule`].
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> Option<String> {
        self.finder.rule(rule)
    }

    /// Returns the tenant of all records, where there is one.
    fn fixed(&self) -> Option<TenantId<'_>> {
        TenantId::new(self.minting.as_ref()?.tenant.as_deref()?)
    }

    /// Returns what a record says of itself; `fixed` is the tenant of all.
    fn owner<'w>(
        &'w self,
        fixed: Option<TenantId<'w>>,
        buffer: &'w [u8],
        found: &'w Found,
        record: &'w FoundRecord,
        given: &'w Given,
    ) -> Owner<'w> {
        let tenant = fixed.or_else(|| own_tenant(buffer, found, record, given));
        Owner { regions: self.finder.regions(record), tenant, of: Some((buffer, found, record)) }
    }

    /// Counts what clients promised not to send: entities that are of a category, and words that speak of one.
    fn count_alerts(&self, lexicon: &Lexicon, buffer: &[u8], scratch: &mut Scratch, tally: &mut Tally) {
        let Scratch { found, lexicon: memory, .. } = scratch;
        for record in found.records() {
            let Ok(walked) = record.walked else { continue };
            for detected in found.detections(record) {
                let field = found.fields().field(detected.field);
                let text = field.map(|field| found.fields().text(buffer, field)).unwrap_or_default();
                let value = detected.detection.span.of(text).unwrap_or_default();
                let kind = self.entities.get(usize::from(detected.detection.entity.0)).map(|entity| entity.kind);
                let category = kind.and_then(|kind| category(kind, value));
                if let Some(category) = category.filter(|category| lexicon.categories().contains(category)) {
                    tally.alert(category);
                }
            }
            for field in walked.fields().filter_map(|number| found.fields().field(number)) {
                if matches!(field.kind, FieldKind::Text | FieldKind::Plain) && self.finder.scans(field) {
                    lexicon.find(found.fields().text(buffer, field), memory, |category| tally.alert(category));
                }
            }
        }
    }
}

/// Returns the tenant of a record that the caller told, or that it names itself.
fn own_tenant<'w>(
    buffer: &'w [u8],
    found: &'w Found,
    record: &'w FoundRecord,
    given: &'w Given,
) -> Option<TenantId<'w>> {
    if found.given { given.of(record.record) } else { found.tenant(buffer, record) }
}

/// Returns what was written of a record on a lane.
fn written<'o>(outputs: &'o [Vec<u8>], ends: &[Vec<usize>], lane: usize, record: usize) -> Option<&'o [u8]> {
    let ends = ends.get(lane)?;
    let start = match record.checked_sub(1) {
        Some(before) => *ends.get(before)?,
        None => 0,
    };
    outputs.get(lane)?.get(start..*ends.get(record)?)
}

/// Appends what was written of records on another lane, given by that and where each record ends there.
fn copy_records(
    (from, from_ends): (&Vec<u8>, &Vec<usize>),
    records: Range<usize>,
    out: &mut Vec<u8>,
    ends: &mut Vec<usize>,
) {
    let start = records.start.checked_sub(1).map_or(Some(0), |before| from_ends.get(before).copied());
    let (Some(start), Some(own_ends)) = (start, from_ends.get(records)) else { return };
    let (Some(&end), shift) = (own_ends.last(), out.len()) else { return };
    out.extend_from_slice(from.get(start..end).unwrap_or_default());
    ends.extend(own_ends.iter().map(|end| end - start + shift));
}

/// Tells by entity whether a lane may write something else in its place than the first, or whether that is for the value or its
/// owner to say.
fn varied(lanes: &[Lane], entities: &[Entity]) -> Vec<bool> {
    let same = |at: u16, entity: &Entity| {
        let mut operators = lanes.iter().map(|lane| lane.decide(EntityId(at), None));
        let first = operators.next();
        let is_plain = matches!(
            first,
            Some(Operator::Keep | Operator::Mask { .. } | Operator::MaskMiddle | Operator::Redact | Operator::Drop)
        );
        let is_business = entity.kind == Kind::PhoneNumber && lanes.iter().any(|lane| lane.business().is_some());
        is_plain && !is_business && operators.all(|operator| Some(operator) == first)
    };
    (0..).zip(entities).map(|(at, entity)| !same(at, entity)).collect()
}

/// Tells by entity what a lane writes in its place whatever the value is: the label, where that is all that its policy says; how
/// a label begins.
fn ready(lane: &Lane, entities: &[Entity], labels: &[Box<[u8]>]) -> Vec<Ready> {
    let ready = |at: u16, entity: &Entity, label: &[u8]| {
        let is_phone = entity.kind == Kind::PhoneNumber;
        if is_phone && lane.business().is_some() {
            return Ready::No;
        }
        match lane.decide(EntityId(at), None) {
            Operator::Redact => Stamp::new(label).map_or(Ready::No, Ready::Label),
            Operator::Generalise { to: Form::CountryType } if is_phone => {
                operator::phone_head(entity).map_or(Ready::No, Ready::PhoneClass)
            }
            _ => Ready::No,
        }
    };
    (0..).zip(entities.iter().zip(labels)).map(|(at, (entity, label))| ready(at, entity, label)).collect()
}

/// The category that a value is of, if it is of one.
fn category(kind: Kind, value: &[u8]) -> Option<Category> {
    match kind {
        Kind::UsSsn | Kind::NationalId | Kind::Passport | Kind::DriverLicense => Some(Category::GovId),
        Kind::CreditCard | Kind::Iban | Kind::BankAccount => Some(Category::Financial),
        Kind::MedicalId => Some(Category::Health),
        Kind::GeoCoordinate => {
            let decimals = |part: &[u8]| part.iter().take_while(|byte| byte.is_ascii_digit()).count();
            value.split(|&byte| byte == b'.').skip(1).any(|part| decimals(part) > 2).then_some(Category::PreciseGeo)
        }
        _ => None,
    }
}

/// Puts together what tokens are made with, and refuses what is missing.
fn minting(lanes: &[Lane], rules: &RuleSet, options: &Options) -> Result<Option<Minting>, BuildError> {
    let fixed = match &options.tenant {
        Tenant::Fixed(name) => Some(TenantId::new(name).ok_or(BuildError::Tenant)?.as_str().to_owned()),
        Tenant::None | Tenant::Field(_) | Tenant::Given | Tenant::Profile => None,
    };
    // Where a record does not say its conversation after all, it gets labels, which tell less than codes.
    let told = || options.profiles.as_ref().is_some_and(|profiles| profiles.tells(profile::Mark::Conversation));
    if let Some(lane) = lanes.iter().find(|lane| lane.has_conv())
        && options.conversation_field.is_none()
        && !told()
    {
        return Err(BuildError::NoConversation { lane: lane.name().to_owned() });
    }
    let Some(lane) = lanes.iter().find(|lane| lane.is_keyed()) else { return Ok(None) };
    let lane = || lane.name().to_owned();
    let tokenizer = options.tokenizer.as_ref().ok_or_else(|| BuildError::NoKey { lane: lane() })?;
    if options.tenant == Tenant::None {
        return Err(BuildError::NoTenant { lane: lane() });
    }
    let mints = |entity| lanes.iter().any(|lane| lane.decide(entity, None).is_keyed());
    let minted = (0..small(rules.entities().len())).map(|at| u16::try_from(at).is_ok_and(|at| mints(EntityId(at))));
    let writes = |lane: &Lane, mode| {
        let entities = (0..small(rules.entities().len())).filter_map(|at| u16::try_from(at).ok()).map(EntityId);
        entities.into_iter().any(|entity| *lane.decide(entity, None) == Operator::Token { mode })
    };
    let purpose = |lane, mode| if writes(lane, mode) { lane.purpose(mode) } else { None };
    let mut purposes: Vec<_> =
        lanes.iter().flat_map(|lane| Mode::ALL.map(|mode| purpose(lane, mode))).flatten().collect();
    purposes.sort_unstable();
    purposes.dedup();
    Ok(Some(Minting { tokenizer: Arc::clone(tokenizer), tenant: fixed, minted: minted.collect(), purposes }))
}

/// Appends what stands in the place of a record that cannot be handled; nothing for a whole document.
pub fn quarantine(format: Format, reason: Reason, out: &mut Vec<u8>) {
    match format {
        Format::Json => {}
        Format::JsonLines => {
            for part in ["{\"efface\":\"quarantined\",\"reason\":\"", reason.word(), "\"}"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        _ => out.extend_from_slice(b"[QUARANTINED]"),
    }
}

impl Scratch {
    /// Returns the output of a lane, all records with their line ends.
    #[must_use]
    pub fn lane(&self, lane: usize) -> &[u8] {
        self.outputs.get(lane).map(Vec::as_slice).unwrap_or_default()
    }

    /// Puts the output of a lane into `out`, and takes the memory of `out` for the next call. Afterwards the lane is empty here.
    pub fn give(&mut self, lane: usize, out: &mut Vec<u8>) {
        out.clear();
        if let Some(own) = self.outputs.get_mut(lane) {
            std::mem::swap(own, out);
        }
    }

    /// Returns the output of one record on a lane, with its line end.
    #[must_use]
    pub fn record(&self, record: usize, lane: usize) -> &[u8] {
        written(&self.outputs, &self.ends, lane, record).unwrap_or_default()
    }

    /// Yields what was done on a lane in the last call: the entity that was found, the operator that was applied to it in the
    /// end ([`Operator::NAMES`]), and how often. Where a token, a code or a sort could not be written, a label was.
    pub fn applied(&self, lane: usize) -> impl Iterator<Item = (EntityId, usize, u64)> + '_ {
        let of =
            |applied: &'_ Applied, entity: EntityId| applied.counts.get(usize::from(entity.0)).map(|counts| counts.n);
        self.applied.get(lane).into_iter().flat_map(move |applied| {
            let counts = applied.touched.iter().filter_map(move |&entity| Some((entity, of(applied, entity)?)));
            counts.flat_map(|(entity, counts)| {
                counts.into_iter().enumerate().filter(|(_, n)| *n > 0).map(move |(at, n)| (entity, at, u64::from(n)))
            })
        })
    }

    /// Returns the tenant that a record of the last call, which was over `buffer`, names itself.
    #[must_use]
    pub fn tenant<'s>(&'s self, buffer: &'s [u8], record: usize) -> Option<TenantId<'s>> {
        self.found.tenant(buffer, self.found.records().get(record)?)
    }

    /// Tells the first row of a table, or the names of all who speak in a chat; see [`Found::set_head`].
    pub fn set_head(&mut self, head: &[u8]) {
        self.found.set_head(head);
    }

    /// Returns what was found in the records of the last call.
    #[must_use]
    pub const fn found(&self) -> &Found {
        &self.found
    }
}

/// The tenants that the caller told, by where their records begin.
#[derive(Default)]
struct Given {
    names: String,
    records: Vec<(u32, Span)>,
}

impl Given {
    fn clear(&mut self) {
        self.names.clear();
        self.records.clear();
    }

    fn add(&mut self, record: Record, tenant: Option<TenantId<'_>>) {
        let Some(tenant) = tenant else { return };
        // Neighbours are mostly of one tenant.
        let before = self.records.last().map(|(_, span)| *span);
        let span = before.filter(|span| self.name(*span) == Some(tenant)).unwrap_or_else(|| {
            let start = small(self.names.len());
            self.names.push_str(tenant.as_str());
            Span::new(start, small(self.names.len()))
        });
        self.records.push((record.whole.start, span));
    }

    fn of(&self, record: Record) -> Option<TenantId<'_>> {
        let at = self.records.binary_search_by_key(&record.whole.start, |(start, _)| *start).ok()?;
        self.name(self.records.get(at)?.1)
    }

    fn name(&self, span: Span) -> Option<TenantId<'_>> {
        TenantId::new(self.names.get(span.range())?)
    }
}

/// A buffer is at most 512 MiB long; what is longer is refused before.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
