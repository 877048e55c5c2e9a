//! Identifiers, each with its own type.

use std::fmt;

/// An entity's place in the [`crate::RuleSet`] that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub u16);

/// A rule's place in the [`crate::RuleSet`] that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u16);

/// A country or region: two ASCII upper-case letters of ISO 3166-1 (`001` regions of a numbering plan have none).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 2]);

impl Region {
    /// Reads two ASCII letters of any case.
    #[must_use]
    pub const fn new(code: &[u8]) -> Option<Self> {
        match code {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// Returns the two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Returns the two letters as bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The client that a message is processed for: 1 to [`MAX_TENANT_BYTES`] bytes of text without control characters.
///
/// # Security
/// `Debug` tells only the length: a tenant's name is no label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId<'t>(&'t str);

/// Longest tenant id, in bytes.
pub const MAX_TENANT_BYTES: usize = 255;

impl<'t> TenantId<'t> {
    /// Reads an id; nothing where it is empty, too long or holds a control character.
    #[must_use]
    pub fn new(id: &'t str) -> Option<Self> {
        let fits = (1..=MAX_TENANT_BYTES).contains(&id.len());
        (fits && !id.chars().any(char::is_control)).then_some(Self(id))
    }

    /// Returns the id.
    #[must_use]
    pub const fn as_str(self) -> &'t str {
        self.0
    }
}

impl fmt::Debug for TenantId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TENANT_BYTES, Region, TenantId};

    #[test]
    fn tenants() {
        assert_eq!(TenantId::new("north").map(TenantId::as_str), Some("north"));
        assert_eq!(format!("{:?}", TenantId::new("north")), "Some(TenantId(5 bytes))");
        let longest = "n".repeat(MAX_TENANT_BYTES);
        assert!(TenantId::new(&longest).is_some() && TenantId::new(&format!("{longest}n")).is_none());
        assert!(TenantId::new("").is_none() && TenantId::new("a\nb").is_none());
    }

    #[test]
    fn regions() {
        assert_eq!(Region::new(b"sn").map(|r| r.to_string()), Some("SN".to_owned()));
        assert_eq!(Region::new(b"S1"), None);
        assert_eq!(Region::new(b"SEN"), None);
    }
}
