//! Stub, replaced soon.

use crate::ids::Region;
use crate::span::Span;

/// A telephone number in text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phone {
    pub(crate) span: Span,
    pub(crate) country: Option<Region>,
    pub(crate) evidence: i16,
}

pub(crate) fn find(_text: &[u8], _at: usize, _floor: usize, _regions: &[Region]) -> Option<Phone> {
    None
}
