//! Text that may be personal, wrapped so that it cannot be printed by accident.

use std::fmt;

/// Text that may be personal. Its `Debug` tells only the length; there is no `Display`, no `Serialize`.
///
/// # Security
/// The only way to the bytes is [`Sensitive::expose`], which is easy to find in a review.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sensitive<'t>(&'t [u8]);

impl<'t> Sensitive<'t> {
    /// Wraps bytes.
    #[must_use]
    pub const fn new(bytes: &'t [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for an operator or a check and never for a message.
    #[must_use]
    pub const fn expose(self) -> &'t [u8] {
        self.0
    }
}

impl fmt::Debug for Sensitive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sensitive({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Sensitive;

    #[test]
    fn debug_tells_the_length_only() {
        assert_eq!(format!("{:?}", Sensitive::new(b"a.b@example.org")), "Sensitive(15 bytes)");
    }
}
