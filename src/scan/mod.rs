//! The hot room: text in, detections out.
//!
//! [`Scanner::build`] is dear and can fail; the scanner is immutable and shared; each worker owns a [`Scratch`]. The
//! room knows no document, key, tenant or lane, and allocates nothing once the scratch has grown to its work.

mod automaton;
mod build;
mod candidates;
mod compile;
mod context;
mod explain;
mod fold;
mod gates;
mod leads;
mod lexicon;
mod lookup;
mod openers;
mod phone;
mod prose;
mod quiet;
mod resolve;
mod score;
mod sieve;
pub mod simd;
mod validate;
mod verify;
mod words;

pub use explain::{Edge, Explained, Explainer, Fate, Mention, Observation, Owner, Refusal, What};
pub use fold::fold_into;
pub use lexicon::{Lexicon, LexiconScratch};
pub use lookup::{MAX_NAMES, NameBook, NameBookError};
pub use phone::Trait;
pub use validate::Validator;

use automaton::Automata;
use build::Recognizer;
use candidates::{Job, Work};
use simd::{BLOCK, Level, Masks};

use crate::detection::Detection;
use crate::ids::{Region, RuleId};
use crate::rules::RuleSet;
use crate::span::Span;
use std::fmt;

/// What the caller knows about a text. Plain values, never a callback.
///
/// # Security
/// `Debug` tells how many names there are, not which.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Hints<'h> {
    /// Regions whose national phone formats are tried, most likely first.
    pub regions: &'h [Region],
    /// The name of the field that the text stands in (a JSON key, a CSV column); its words count as context.
    pub field: Option<&'h str>,
    /// Names that the record itself carries, in UTF-8 as texts are; of more than 32 the first.
    pub names: &'h [&'h [u8]],
    /// Names that its tenant knows.
    pub book: Option<&'h NameBook>,
    /// Names of those who speak in the chat that the text is of.
    pub speakers: Option<&'h NameBook>,
}

impl<'h> Hints<'h> {
    /// Returns these hints with default regions.
    #[must_use]
    pub const fn regions(mut self, regions: &'h [Region]) -> Self {
        self.regions = regions;
        self
    }

    /// Returns these hints with a field name.
    #[must_use]
    pub const fn field(mut self, field: Option<&'h str>) -> Self {
        self.field = field;
        self
    }

    /// Returns these hints with the names of people that the record carries: of its contact, of its agent.
    #[must_use]
    pub const fn names(mut self, names: &'h [&'h [u8]]) -> Self {
        self.names = names;
        self
    }

    /// Returns these hints with the names that its tenant knows.
    #[must_use]
    pub const fn book(mut self, book: Option<&'h NameBook>) -> Self {
        self.book = book;
        self
    }

    /// Returns these hints with the names of those who speak in the chat that the text is of.
    #[must_use]
    pub const fn speakers(mut self, speakers: Option<&'h NameBook>) -> Self {
        self.speakers = speakers;
        self
    }

    const fn has_names(&self) -> bool {
        !self.names.is_empty() || self.book.is_some() || self.speakers.is_some()
    }

    fn has_book(&self) -> bool {
        [self.book, self.speakers].iter().flatten().any(|book| !book.is_empty())
    }
}

impl fmt::Debug for Hints<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hints")
            .field("regions", &self.regions)
            .field("field", &self.field)
            .field("names", &self.names.len())
            .field("book", &self.book)
            .field("speakers", &self.speakers)
            .finish()
    }
}

/// One text of a batch: where it stands in the shared buffer, and what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Text<'h> {
    /// Where in the buffer.
    pub span: Span,
    /// What the caller knows.
    pub hints: &'h Hints<'h>,
}

/// Why a text was not scanned to its end. Its record is to be quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanFault {
    /// More detections than the limit.
    TooManyDetections,
    /// More candidates than the work budget.
    TooManyCandidates,
    /// Longer than a scanner can address (4 GiB).
    TooLong,
    /// The text does not stand in the buffer as it should: a bug of the caller.
    OutOfBounds,
}

/// What a scanner is built with, besides rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanConfig {
    /// Detections below this score are not reported, `0..=1000`.
    pub min_score: u16,
    /// Bounds on one text.
    pub limits: crate::limits::Limits,
}

impl Default for ScanConfig {
    fn default() -> Self {
        Self { min_score: 500, limits: crate::limits::Limits::default() }
    }
}

/// Why a scanner could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The automaton of a rule's pattern would be too large.
    #[error("rule {rule}: the automaton of its pattern is too large")]
    TooLarge {
        /// The rule's id.
        rule: String,
    },
    /// More rules than a scanner can number.
    #[error("too many rules: {n_rules}, the limit is 65,535")]
    TooMany {
        /// How many there are.
        n_rules: usize,
    },
}

/// Finds personal data in text.
pub struct Scanner {
    config: ScanConfig,
    level: Level,
    recognizers: Vec<Recognizer>,
    /// Rules for digits and separators only.
    number: Automata,
    /// Rules for numbers that hold letters.
    code: Automata,
    quad: Automata,
    token: Automata,
    script: Automata,
    long: Automata,
    at: Automata,
    /// Rules around an `@` that take bytes above ASCII.
    at_wide: Automata,
    scheme: Automata,
    host: Automata,
    colon: Automata,
    dashes: Automata,
    /// What opens rules that count for nothing without a word or a default region.
    gates: gates::Gates,
    /// The recognizer that the numbering plans serve.
    phone: Option<usize>,
    /// Rules for words with a capital letter that begin a value.
    opened: Automata,
    /// Rules for those behind a phrase.
    introduced: Automata,
    openers: openers::Openers,
    /// The recognizer of known names.
    name: Option<u16>,
    /// What keeps everyday words from being names.
    everyday: lookup::Guards,
    /// Fewest digits of any candidate in `number`.
    number_digits: usize,
    /// Digits that are too few for any of the numbering plans, `number` and `code`, plus one.
    fewest_digits: usize,
    /// Digits that are many enough for the numbering plans, `number` and `code`.
    fewest_enough: usize,
    /// Fewest digits in `code` before a candidate can end or go on with a letter.
    code_digits: usize,
    /// Names of entities that could be taken for a value: they hold a digit or are long.
    labels: Vec<String>,
    words: context::Words,
    /// Small words that are no part of an id.
    prose: prose::Prose,
    scores: score::Table,
}

/// The working memory of one worker, and the answer to its last call.
pub struct Scratch {
    masks: Box<[Masks]>,
    work: Work,
    shadow: fold::Shadow,
    shadow_masks: Box<[Masks]>,
    detections: Vec<Detection>,
    faults: Vec<(u32, ScanFault)>,
}

impl Scratch {
    /// Returns the detections of the last call: by text, then by place; disjoint within a text.
    #[must_use]
    pub fn detections(&self) -> &[Detection] {
        &self.detections
    }

    /// Returns the texts of the last call that could not be scanned to their end, in order. Such a text has no
    /// detections: quarantine its record.
    #[must_use]
    pub fn faults(&self) -> &[(u32, ScanFault)] {
        &self.faults
    }
}

impl Scanner {
    /// Compiles `rules` for the best vector level of this CPU, on this thread.
    ///
    /// # Errors
    /// A pattern that cannot be compiled within bounds.
    pub fn build(rules: &RuleSet, config: ScanConfig) -> Result<Self, BuildError> {
        Self::build_on(rules, config, 1)
    }

    /// Does the same with others to help, up to `n_threads` threads in all, of which four are of use; they end with the call.
    ///
    /// # Errors
    /// A pattern that cannot be compiled within bounds.
    pub fn build_on(rules: &RuleSet, config: ScanConfig, n_threads: usize) -> Result<Self, BuildError> {
        build::build(rules, config, Level::best(), n_threads)
    }

    /// Compiles `rules` for a given vector level; every level gives the same answers.
    ///
    /// # Errors
    /// A pattern that cannot be compiled within bounds.
    pub fn build_for(rules: &RuleSet, config: ScanConfig, level: Level) -> Result<Self, BuildError> {
        build::build(rules, config, level, 1)
    }

    /// Returns the vector level that was chosen.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Makes the working memory for one worker. It serves this scanner and no other.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        Scratch {
            masks: vec![Masks::default(); CHUNK_BLOCKS].into(),
            work: Work::default(),
            shadow: fold::Shadow::default(),
            shadow_masks: vec![Masks::default(); CHUNK_BLOCKS].into(),
            detections: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Scans one text.
    ///
    /// # Errors
    /// A limit was passed; the text must be treated as not scanned.
    pub fn scan<'s>(
        &self,
        text: &[u8],
        hints: &Hints<'_>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [Detection], ScanFault> {
        let Ok(end) = u32::try_from(text.len()) else { return Err(ScanFault::TooLong) };
        self.scan_batch(text, &[Text { span: Span::new(0, end), hints }], scratch);
        match scratch.faults.first() {
            Some(&(_, fault)) => Err(fault),
            None => Ok(&scratch.detections),
        }
    }

    /// Tells every place of one text that a rule's pattern, guards and check accept, before evidence is weighed and
    /// overlaps are resolved; telephone numbers apart. For whoever wants to know why a thing was or was not found.
    #[must_use]
    pub fn candidates(&self, text: &[u8], hints: &Hints<'_>, scratch: &mut Scratch) -> Vec<(RuleId, Span)> {
        let Scratch { masks, work, shadow, .. } = scratch;
        let folded = fold::needs_fold(text);
        if folded {
            shadow.fill(text);
        }
        let bytes = if folded { &shadow.bytes } else { text };
        let mut job = Job::new(bytes, hints, work);
        self.each_block(bytes, masks, |block, masks, anchors| self.anchors(&mut job, block, masks, anchors, work));
        job.verify_waiting(self, false, work);
        let mut out: Vec<_> = work
            .accepted()
            .iter()
            .filter_map(|accepted| {
                let (start, end) = match folded {
                    true => shadow.original(accepted.start, accepted.end),
                    false => (accepted.start, accepted.end),
                };
                Some((self.recognizers.get(usize::from(accepted.recognizer))?.rule, Span::new(start, end)))
            })
            .collect();
        out.sort_unstable_by_key(|&(rule, span)| (span, rule));
        out
    }

    /// Scans many texts that stand in one buffer, in ascending order and without overlap; bytes between them are not
    /// read as text. Results are in `scratch`: spans count from the start of their own text. A text that reaches
    /// beyond the buffer or begins before the end of the one before it is a fault.
    ///
    /// # Cost
    /// One classification of the whole buffer; texts without an anchor cost next to nothing, which is why one call
    /// over many short messages is cheaper than many calls.
    pub fn scan_batch(&self, buffer: &[u8], texts: &[Text<'_>], scratch: &mut Scratch) {
        scratch.detections.clear();
        scratch.faults.clear();
        let mut first = 0;
        while first < texts.len() {
            // What stands before a text must not reach into it: a text that follows a letter, digit or the like without
            // a gap begins a new pass.
            let mut last = first + 1;
            let mut end = texts.get(first).map_or(0, |t| t.span.end);
            while let Some(text) = texts.get(last) {
                let clean = text.span.start > end
                    && (text.span.start as usize)
                        .checked_sub(1)
                        .and_then(|at| buffer.get(at))
                        .is_some_and(|&b| separates(b));
                if !clean {
                    break;
                }
                end = text.span.end;
                last += 1;
            }
            self.pass(buffer, texts, first, last, scratch);
            first = last;
        }
    }

    /// One pass over `texts[first..last]`.
    fn pass(&self, buffer: &[u8], texts: &[Text<'_>], first: usize, last: usize, scratch: &mut Scratch) {
        let batch = texts.get(first..last).unwrap_or_default();
        let (Some(start), Some(end)) =
            (batch.first().map(|t| t.span.start as usize), batch.last().map(|t| t.span.end as usize))
        else {
            return;
        };
        let overlaps = first.checked_sub(1).and_then(|at| texts.get(at)).is_some_and(|t| t.span.end as usize > start);
        if overlaps || buffer.get(start..end).is_none() {
            for index in first..last {
                scratch.faults.push((u32::try_from(index).unwrap_or(u32::MAX), ScanFault::OutOfBounds));
            }
            return;
        };
        let Scratch { masks, work, shadow, shadow_masks, detections, faults } = scratch;
        // Texts without an anchor are asked for nothing but names.
        let named = self.name.is_some() && batch.iter().any(|text| text.hints.has_names());
        work.begin(self.level);
        let mut quiet = 0;
        // Without a job: all before `at` that had none. The memory is that of one job at a time.
        let mut close = |at: usize, job: Option<&mut Job<'_>>, needs_shadow: bool, work: &mut Work| {
            let Some(job) = job else {
                self.names_only(buffer, batch, quiet..at, first, work, detections, faults);
                quiet = at + 1;
                return;
            };
            let Some(text) = batch.get(at) else { return };
            let index = u32::try_from(first + at).unwrap_or(u32::MAX);
            job.named = named && text.hints.has_names() && work.may_be_named(buffer, batch, at);
            let n_before = detections.len();
            let result = if needs_shadow {
                self.scan_shadow(buffer, text, index, shadow, shadow_masks, work, detections)
            } else {
                let known = if job.named { None } else { job.known() };
                let result = job.finish(self, index, work, detections);
                if detections.len() == n_before && result.is_ok() {
                    known.into_iter().for_each(|known| work.quiet.keep(known));
                }
                result
            };
            if let Err(fault) = result {
                faults.push((index, fault));
            }
        };
        // The text that the last anchor stood in or before: which one, where, and what was found in it so far.
        let (mut at, mut from, mut upto) = (0, start, batch.first().map_or(start, |t| t.span.end as usize));
        let mut job: Option<Job<'_>> = None;
        let mut folded = false;
        let mut rest = batch;
        while let Some((next, after)) = rest.split_first() {
            // Texts that stand near each other are classified together; what is between others is not looked at.
            let (piece_start, mut piece_end) = (next.span.start as usize, next.span.end as usize);
            let near = after.iter().take_while(|text| {
                let is_near = (text.span.start as usize).saturating_sub(piece_end) < GAP;
                if is_near {
                    piece_end = text.span.end as usize;
                }
                is_near
            });
            rest = after.get(near.count()..).unwrap_or_default();
            // Whole blocks, where the buffer has them: what stands behind the last text is left out below.
            let whole = piece_start + (piece_end - piece_start).next_multiple_of(BLOCK);
            let Some(piece) = buffer.get(piece_start..whole).or_else(|| buffer.get(piece_start..piece_end)) else {
                break;
            };
            self.each_block(piece, masks, |block, masks, anchors| {
                let offset = piece_start + block * BLOCK;
                // Anchors of other sorts, and characters that fold, are never left out.
                let idle = self.idle(buffer, offset, anchors.capital) & !(anchors.others() | anchors.lead);
                let mut bits = (anchors.any() | anchors.lead) & !idle & skip_to(from, offset);
                if let Some(job) = &job {
                    bits &= skip_to(from + job.skip, offset) | anchors.lead;
                }
                while bits != 0 {
                    let bit = bits.trailing_zeros();
                    let pos = offset + bit as usize;
                    if pos >= upto {
                        if let Some(job) = &mut job {
                            close(at, Some(job), folded, work);
                        }
                        job = None;
                        folded = false;
                        while batch.get(at).is_some_and(|t| t.span.end as usize <= pos) {
                            at += 1;
                        }
                        let Some(text) = batch.get(at) else { return };
                        (from, upto) = (text.span.start as usize, text.span.end as usize);
                        // What stands between two texts is no text.
                        bits &= skip_to(from, offset);
                        continue;
                    }
                    bits &= bits - 1;
                    if anchors.lead & 1 << bit != 0 && !folded {
                        folded = buffer.get(pos..upto).is_some_and(fold::begins_with_fold);
                        if !folded {
                            continue;
                        }
                    }
                    let job = match &mut job {
                        Some(job) => job,
                        None => {
                            let (Some(text), Some(bytes)) = (batch.get(at), buffer.get(from..upto)) else { return };
                            if quiet::Known::of(bytes, text.hints).is_some_and(|known| work.quiet.holds(&known)) {
                                bits &= skip_to(upto, offset);
                                continue;
                            }
                            if named {
                                close(at, None, false, work);
                            }
                            job.insert(Job::new(bytes, text.hints, work))
                        }
                    };
                    if folded {
                        // The shadow is scanned when the text is closed.
                        bits &= skip_to(upto, offset);
                        continue;
                    }
                    self.anchor(job, pos - from, sieve::Near { masks, bit }, anchors, work);
                    bits &= skip_to(from + job.skip, offset) | anchors.lead;
                }
            });
        }
        if let Some(job) = &mut job {
            close(at, Some(job), folded, work);
        }
        if named {
            close(batch.len(), None, false, work);
        }
    }

    /// Which of the words with a capital letter in a block at `offset` need no look.
    #[inline]
    fn idle(&self, buffer: &[u8], offset: usize, capital: u64) -> u64 {
        let mut left = capital;
        let mut idle = capital;
        while left != 0 {
            let bit = left.trailing_zeros();
            if self.openers.may_open(buffer, offset + bit as usize) {
                idle &= !(1 << bit);
            }
            left &= left - 1;
        }
        idle
    }

    /// Looks for names in texts of a batch in which nothing else can be.
    #[expect(clippy::too_many_arguments, reason = "the parts of a scratch, borrowed one by one")]
    fn names_only(
        &self,
        buffer: &[u8],
        batch: &[Text<'_>],
        which: std::ops::Range<usize>,
        first: usize,
        work: &mut Work,
        detections: &mut Vec<Detection>,
        faults: &mut Vec<(u32, ScanFault)>,
    ) {
        for (at, text) in batch.iter().enumerate().take(which.end).skip(which.start) {
            if !(text.hints.has_names() && work.may_be_named(buffer, batch, at)) {
                continue;
            }
            let Some(bytes) = text.span.of(buffer) else { continue };
            let index = u32::try_from(first + at).unwrap_or(u32::MAX);
            if let Err(fault) = Job::new(bytes, text.hints, work).finish(self, index, work, detections) {
                faults.push((index, fault));
            }
        }
    }

    /// Calls `f` with the anchors of every block of `bytes` that has any.
    fn each_block(&self, bytes: &[u8], masks: &mut [Masks], mut f: impl FnMut(usize, &Masks, &sieve::Anchors)) {
        let mut carry = sieve::Carry::default();
        let mut block = 0;
        let mut rest = bytes;
        loop {
            let n_blocks = self.level.classify(rest, masks);
            for masks in masks.get(..n_blocks).unwrap_or_default() {
                let anchors = carry.anchors(masks);
                if anchors.any() | anchors.lead != 0 {
                    f(block, masks, &anchors);
                }
                block += 1;
            }
            rest = rest.get(n_blocks * BLOCK..).unwrap_or_default();
            if rest.is_empty() {
                return;
            }
            if rest.len() < BLOCK {
                let mut padded = [0_u8; BLOCK];
                padded.iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
                let mut last = [Masks::default()];
                self.level.classify(&padded, &mut last);
                for masks in &last {
                    f(block, masks, &carry.anchors(masks));
                }
                return;
            }
        }
    }

    #[inline(never)]
    fn anchors(&self, job: &mut Job<'_>, block: usize, masks: &Masks, anchors: &sieve::Anchors, work: &mut Work) {
        let mut any = anchors.any();
        while any != 0 {
            let bit = any.trailing_zeros();
            self.anchor(job, block * BLOCK + bit as usize, sieve::Near { masks, bit }, anchors, work);
            any &= any - 1;
        }
    }

    #[inline(always)]
    fn anchor(&self, job: &mut Job<'_>, at: usize, near: sieve::Near<'_>, anchors: &sieve::Anchors, work: &mut Work) {
        // Past the budget the text is a fault, whatever else it holds.
        if at < job.skip || job.n_candidates > self.config.limits.candidates {
            return;
        }
        let bit = 1 << near.bit;
        if anchors.digit & bit != 0 {
            job.digit(self, at, near, work);
        }
        if anchors.colons & bit != 0 {
            job.colons(self, at, work);
        }
        if anchors.scheme & bit != 0 {
            job.scheme(self, at, work);
        }
        if anchors.at & bit != 0 {
            job.mail(self, at, work);
        }
        if anchors.host & bit != 0 {
            job.host(self, at, work);
        }
        if anchors.long & bit != 0 {
            job.long(self, at, near, work);
        }
        if anchors.dashes & bit != 0 {
            job.dashes(self, at, work);
        }
        if anchors.capital & bit != 0 {
            job.capital(self, at, work);
        }
    }

    /// Scans the shadow of one text and reports on the original bytes.
    #[expect(clippy::too_many_arguments, reason = "the parts of a scratch, borrowed one by one")]
    fn scan_shadow(
        &self,
        buffer: &[u8],
        text: &Text<'_>,
        index: u32,
        shadow: &mut fold::Shadow,
        masks: &mut [Masks],
        work: &mut Work,
        detections: &mut Vec<Detection>,
    ) -> Result<(), ScanFault> {
        shadow.fill(text.span.of(buffer).unwrap_or_default());
        let mut job = Job::new(&shadow.bytes, text.hints, work);
        self.each_block(&shadow.bytes, masks, |block, masks, anchors| {
            self.anchors(&mut job, block, masks, anchors, work)
        });
        job.named = text.hints.has_names() && work.may_be_named_alone(&shadow.bytes, text.hints);
        let n_before = detections.len();
        job.finish(self, index, work, detections)?;
        for detection in detections.iter_mut().skip(n_before) {
            let (start, end) = shadow.original(detection.span.start, detection.span.end);
            detection.span = Span::new(start, end);
        }
        Ok(())
    }
}

/// Bytes between two texts from which on they are not classified with them.
const GAP: usize = 2 * BLOCK;
/// Blocks that are classified before they are looked at: 4 KiB of text, masks that stay in the first-level cache.
const CHUNK_BLOCKS: usize = 64;

/// The bits of a block at `offset` that stand at or after `pos`.
fn skip_to(pos: usize, offset: usize) -> u64 {
    match pos.saturating_sub(offset) {
        n if n >= BLOCK => 0,
        n => u64::MAX << n,
    }
}

/// Whether no anchor reaches over this byte.
const fn separates(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'/' | b'+') || byte >= 0x80)
}
