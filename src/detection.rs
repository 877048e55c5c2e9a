//! What the scanner reports: offsets, never the text.

use crate::ids::{EntityId, Region, RuleId};
use crate::span::Span;

/// A verified place of personal data.
///
/// # Offsets
/// [`Detection::span`] counts from the start of its own text, also in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Which text of a batch; 0 for a single call.
    pub text: u32,
    /// Where.
    pub span: Span,
    /// What it is.
    pub entity: EntityId,
    /// Which rule says so.
    pub rule: RuleId,
    /// Where the same bytes are plausible as another entity too, that one; an operator honours the stricter of the two.
    pub rival: Option<EntityId>,
    /// The country that the value itself names (a phone's country, an IBAN's) or that its entity is bound to.
    pub country: Option<Region>,
    /// How sure, `0..=1000`.
    pub score: u16,
}
