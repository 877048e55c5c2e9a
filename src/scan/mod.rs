//! The hot room: text in, detections out.
//!
//! [`Scanner::build`] is dear and can fail; the scanner is immutable and shared; each worker owns a [`Scratch`]. The
//! room knows no document, key, tenant or lane, and allocates nothing once the scratch has grown to its work.

#[expect(dead_code, reason = "the scanner that calls it comes next")]
mod phone;

use crate::detection::Detection;
use crate::ids::Region;
use crate::rules::RuleSet;
use crate::span::Span;

/// What the caller knows about a text. Plain values, never a callback.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Hints<'h> {
    /// Regions whose national phone formats are tried, most likely first.
    pub regions: &'h [Region],
    /// The name of the field that the text stands in (a JSON key, a CSV column); its words count as context.
    pub field: Option<&'h str>,
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
}

/// Finds personal data in text.
pub struct Scanner {
    config: ScanConfig,
}

/// The working memory of one worker, and the answer to its last call.
#[derive(Default)]
pub struct Scratch {
    detections: Vec<Detection>,
    faults: Vec<(u32, ScanFault)>,
}

impl Scratch {
    /// Returns the detections of the last call: by text, then by place; disjoint within a text.
    #[must_use]
    pub fn detections(&self) -> &[Detection] {
        &self.detections
    }

    /// Returns the texts of the last call that could not be scanned to their end, in order. No detection of such a text
    /// can be relied on: quarantine its record.
    #[must_use]
    pub fn faults(&self) -> &[(u32, ScanFault)] {
        &self.faults
    }
}

impl Scanner {
    /// Compiles `rules`.
    ///
    /// # Errors
    /// A pattern that cannot be compiled within bounds.
    pub fn build(_rules: &RuleSet, config: ScanConfig) -> Result<Self, BuildError> {
        Ok(Self { config })
    }

    /// Makes the working memory for one worker.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        let _ = self.config;
        Scratch::default()
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

    /// Scans many texts that stand in one buffer, in ascending order and without overlap; bytes between them are not
    /// read as text. Results are in `scratch`: spans count from the start of their own text.
    pub fn scan_batch(&self, _buffer: &[u8], _texts: &[Text<'_>], scratch: &mut Scratch) {
        scratch.detections.clear();
        scratch.faults.clear();
    }
}
