//! Stub, replaced soon.
/// Rewrites.
pub struct Redactor;
