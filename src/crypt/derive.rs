//! From the root key to the key of one scope.
//!
//! ```text
//! root ─extract "efface/v1"─▶ ─expand efface/v1/tenant · environment · tenant─▶ tenant key
//!                                       ─expand efface/v1/<purpose> · header─▶ key of one scope
//! header = version · environment · tenant · lane · class · mode · epoch       every part with its length before it
//! ```
//!
//! The tenant key is a step of its own so that it can later be a stored random one, without any change below it.
//!
//! # Source
//! HKDF-SHA-256 is RFC 5869.

use super::source::{KeyError, RootKey};
use super::token::{Class, Epoch, Mode};
use crate::ids::TenantId;
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// What keys depend on besides the root key and the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyConfig {
    /// Which installation this is (`production`, `test`): tokens of one do not open in another, even under one root key.
    pub environment: String,
    /// The epoch of new tokens. Tokens of other epochs still open.
    pub epoch: Epoch,
}

impl Default for KeyConfig {
    fn default() -> Self {
        Self { environment: "default".to_owned(), epoch: Epoch::default() }
    }
}

/// The sort of lane that a token is for: may what it carries be reversed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LaneClass {
    /// Reversible by those who hold the key.
    Storage,
    /// Never reversible.
    Analytics,
}

/// What a key is for. There is none that would make a reversible token for analytics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Reversible tokens for storage.
    StorageSiv,
    /// Tokens for storage that nobody reverses.
    StorageMac,
    /// Tokens for analytics.
    AnalyticsMac,
    /// Codes for storage: pseudonyms of one conversation, made-up values, shifts of dates.
    StorageCode,
    /// Codes for analytics.
    AnalyticsCode,
}

impl Purpose {
    /// Every purpose of tokens.
    pub const ALL: [Self; 3] = [Self::StorageSiv, Self::StorageMac, Self::AnalyticsMac];

    /// Returns the purpose of codes on a lane.
    #[must_use]
    pub const fn code(lane: LaneClass) -> Self {
        match lane {
            LaneClass::Storage => Self::StorageCode,
            LaneClass::Analytics => Self::AnalyticsCode,
        }
    }

    /// Returns the purpose of tokens of a mode on a lane; nothing where there is none: reversible tokens for analytics,
    /// and tokens of a vault, which no derived key makes.
    #[must_use]
    pub const fn new(lane: LaneClass, mode: Mode) -> Option<Self> {
        match (lane, mode) {
            (LaneClass::Storage, Mode::Siv) => Some(Self::StorageSiv),
            (LaneClass::Storage, Mode::Mac) => Some(Self::StorageMac),
            (LaneClass::Analytics, Mode::Mac) => Some(Self::AnalyticsMac),
            (LaneClass::Analytics, Mode::Siv) | (_, Mode::Vault) => None,
        }
    }

    /// Returns the lane.
    #[must_use]
    pub const fn lane(self) -> LaneClass {
        match self {
            Self::StorageSiv | Self::StorageMac | Self::StorageCode => LaneClass::Storage,
            Self::AnalyticsMac | Self::AnalyticsCode => LaneClass::Analytics,
        }
    }

    /// Returns the mode.
    #[must_use]
    pub const fn mode(self) -> Mode {
        match self {
            Self::StorageSiv => Mode::Siv,
            Self::StorageMac | Self::AnalyticsMac | Self::StorageCode | Self::AnalyticsCode => Mode::Mac,
        }
    }

    /// Returns the label of the last derivation.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::StorageSiv => b"efface/v1/storage-siv",
            Self::StorageMac => b"efface/v1/storage-mac",
            Self::AnalyticsMac => b"efface/v1/analytics-mac",
            Self::StorageCode => b"efface/v1/storage-code",
            Self::AnalyticsCode => b"efface/v1/analytics-code",
        }
    }
}

/// Derives the keys of every scope. Immutable; shared by all workers.
///
/// # Security
/// `Debug` tells environment and epoch. Not to be cloned; wiped on drop.
pub struct Keys {
    root: Hkdf<Sha256>,
    environment: Box<str>,
    epoch: Epoch,
}

impl Keys {
    /// Starts the derivation. The root key is not needed after it.
    ///
    /// # Errors
    /// [`KeyError::Environment`] where the environment's name is empty or too long.
    pub fn build(root: &RootKey, config: KeyConfig) -> Result<Self, KeyError> {
        if !(1..=MAX_ENVIRONMENT_BYTES).contains(&config.environment.len()) {
            return Err(KeyError::Environment { limit: MAX_ENVIRONMENT_BYTES });
        }
        Ok(Self {
            root: Hkdf::new(Some(VERSION), root.expose()),
            environment: config.environment.into(),
            epoch: config.epoch,
        })
    }

    /// Returns the epoch of new tokens.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Derives what the keys of one tenant are derived from.
    pub(super) fn tenant(&self, tenant: TenantId<'_>) -> Option<TenantKey> {
        let info = join(&[b"efface/v1/tenant", self.environment.as_bytes(), tenant.as_str().as_bytes()]);
        let mut key = Zeroizing::new([0; 32]);
        self.root.expand(&info, &mut *key).ok()?;
        Hkdf::from_prk(&*key).ok().map(TenantKey)
    }

    /// Returns everything that a token depends on besides keys and value, joined so that no two scopes give the same
    /// bytes. It is the associated data of `s` tokens as well.
    pub(super) fn header(&self, tenant: TenantId<'_>, class: Class, purpose: Purpose, epoch: Epoch) -> Box<[u8]> {
        let lane: &[u8] = match purpose.lane() {
            LaneClass::Storage => b"storage",
            LaneClass::Analytics => b"analytics",
        };
        join(&[
            VERSION,
            self.environment.as_bytes(),
            tenant.as_str().as_bytes(),
            lane,
            &class.bytes(),
            &[purpose.mode().letter()],
            &epoch.letters(),
        ])
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("environment", &self.environment)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// What the keys of one tenant are derived from.
pub(super) struct TenantKey(Hkdf<Sha256>);

impl TenantKey {
    /// Derives a key of `N` bytes.
    pub(super) fn expand<const N: usize>(&self, purpose: Purpose, header: &[u8]) -> Option<Zeroizing<[u8; N]>> {
        let mut key = Zeroizing::new([0; N]);
        self.0.expand_multi_info(&[&join(&[purpose.label()]), header], &mut *key).ok()?;
        Some(key)
    }
}

/// Joins parts, each with its length before it in two bytes, most significant first.
fn join(parts: &[&[u8]]) -> Box<[u8]> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| 2 + part.len()).sum());
    for part in parts {
        // Every part is bounded by a type or at build: the longest are 255 bytes.
        debug_assert!(part.len() <= usize::from(u16::MAX));
        joined.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined.into()
}

/// Longest name of an environment, in bytes.
pub const MAX_ENVIRONMENT_BYTES: usize = 255;

const VERSION: &[u8] = b"efface/v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Kind;

    #[test]
    fn purposes() {
        for lane in [LaneClass::Storage, LaneClass::Analytics] {
            for mode in Mode::ALL {
                if let Some(purpose) = Purpose::new(lane, mode) {
                    assert_eq!((purpose.lane(), purpose.mode()), (lane, mode));
                }
            }
        }
        assert_eq!(Purpose::new(LaneClass::Analytics, Mode::Siv), None);
        assert_eq!(Purpose::new(LaneClass::Storage, Mode::Vault), None);
    }

    #[test]
    fn joined_parts_do_not_run_into_each_other() {
        assert_eq!(*join(&[b"ab", b"", b"c"]), *b"\0\x02ab\0\0\0\x01c");
        assert_ne!(join(&[b"ab", b"c"]), join(&[b"a", b"bc"]));
        assert_ne!(join(&[b"ab", b""]), join(&[b"", b"ab"]));
    }

    #[test]
    fn headers() {
        let root = RootKey::generate(|_| Ok::<_, ()>(())).unwrap();
        let keys = Keys::build(&root, KeyConfig { environment: "test".to_owned(), ..KeyConfig::default() }).unwrap();
        let tenant = TenantId::new("north").unwrap();
        let header = keys.header(tenant, Class::of(Kind::Iban), Purpose::StorageSiv, Epoch::default());
        assert_eq!(*header, *b"\0\x09efface/v1\0\x04test\0\x05north\0\x07storage\0\x02ac\0\x01s\0\x03bbb");
        assert_eq!(format!("{keys:?}"), "Keys { environment: \"test\", epoch: bbb, .. }");
    }

    #[test]
    fn environments() {
        let root = RootKey::generate(|_| Ok::<_, ()>(())).unwrap();
        let build = |n: usize| {
            let config = KeyConfig { environment: "e".repeat(n), ..KeyConfig::default() };
            Keys::build(&root, config).is_ok()
        };
        assert_eq!([0, 1, 255, 256].map(build), [false, true, true, false]);
    }
}
