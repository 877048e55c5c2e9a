//! Values to tokens and back.

use super::cache::Cache;
use super::derive::{Keys, LaneClass, Purpose, TenantKey};
use super::token::{self, Class, Epoch, Mode, SHORT_BODY_BYTES, SIV_TAG_BYTES, Token};
use crate::ids::TenantId;
use crate::sensitive::Sensitive;
use aes_siv::siv::Aes256Siv;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher;
use zeroize::Zeroizing;

/// Turns values into tokens, and opens those that can be opened. Immutable; shared by all workers.
///
/// # Security
/// `Debug` tells environment, epoch and sizes.
pub struct Tokenizer {
    keys: Keys,
    config: TokenizerConfig,
    cache_key: Zeroizing<[u8; 16]>,
}

/// How much memory a [`Tokenizer`] may take for speed. No setting changes a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenizerConfig {
    /// Values whose tokens each worker remembers, in powers of two up to 16,777,216; 66 bytes each. Zero: none.
    /// Those longer than 30 bytes are not remembered for `s` tokens.
    pub cache_entries: usize,
    /// Tenants whose keys each worker keeps ready, about 1 KiB for each class in use. One more and all start over.
    pub ready_tenants: usize,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self { cache_entries: 1 << 16, ready_tenants: 1_024 }
    }
}

/// What makes tokens comparable: equal values have equal tokens where these three are equal, and unrelated ones elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope<'t> {
    /// The client that the message is processed for.
    pub tenant: TenantId<'t>,
    /// What the token stands for.
    pub class: Class,
    /// The lane and whether the token can be opened.
    pub purpose: Purpose,
}

/// Within what equal values have equal codes.
#[derive(Clone, Copy)]
pub enum Within<'w> {
    /// A conversation of the tenant, by its id.
    Conversation(&'w [u8]),
    /// What is about one person, by its id.
    Subject(&'w [u8]),
    /// All that the tenant has.
    Tenant,
}

impl fmt::Debug for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conversation(_) => "Conversation(..)",
            Self::Subject(_) => "Subject(..)",
            Self::Tenant => "Tenant",
        })
    }
}

impl Tokenizer {
    /// Makes a tokenizer.
    ///
    /// # Security
    /// `cache_key` is of randomness, new in each process. It keeps whoever sends messages from choosing values that meet
    /// in the cache; it has no part in tokens.
    #[must_use]
    pub fn new(keys: Keys, config: TokenizerConfig, cache_key: [u8; 16]) -> Self {
        Self { keys, config, cache_key: Zeroizing::new(cache_key) }
    }

    /// Makes the memory of one worker.
    #[must_use]
    pub fn scratch(&self) -> TokenScratch {
        TokenScratch {
            cache: Cache::new(self.config.cache_entries),
            ready: Ready { tenants: BTreeMap::new(), limit: self.config.ready_tenants.max(1) },
            // Never grows past this, so no copy of a value is left behind.
            body: Vec::with_capacity(token::MAX_BODY_BYTES),
        }
    }

    /// Returns the epoch of new tokens.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.keys.epoch()
    }

    /// Appends the token of a value to `out`.
    ///
    /// `canonical` is the one spelling that all spellings of the value share: two spellings give two tokens.
    ///
    /// # Errors
    /// [`TokenError`]; `out` is then as it was. The value must not be passed on: quarantine the message.
    ///
    /// # Security
    /// An `s` token is as long as its value: 46 letters and twice the value's bytes.
    ///
    /// # Cost
    /// No allocation once the keys of the scope are ready and `out` has room.
    pub fn token(
        &self,
        scope: &Scope<'_>,
        canonical: Sensitive<'_>,
        out: &mut Vec<u8>,
        scratch: &mut TokenScratch,
    ) -> Result<(), TokenError> {
        let tag = self.tag(scope.tenant, scope.class, canonical);
        self.token_tagged(scope, canonical, tag, out, scratch)
    }

    /// Does what [`Tokenizer::token`] does for a value whose [`Tokenizer::tag`] is known, so that a value that goes to many
    /// lanes is hashed once.
    ///
    /// # Errors
    /// As [`Tokenizer::token`].
    ///
    /// # Security
    /// `tag` is that of this tenant, class and value, or of a spelling of it: under another's, the cache would answer with the
    /// other's token.
    pub fn token_tagged(
        &self,
        scope: &Scope<'_>,
        canonical: Sensitive<'_>,
        tag: ValueTag,
        out: &mut Vec<u8>,
        scratch: &mut TokenScratch,
    ) -> Result<(), TokenError> {
        let value = canonical.expose();
        if value.is_empty() {
            return Err(TokenError::Empty);
        }
        if value.len() > MAX_CANONICAL_BYTES {
            return Err(TokenError::TooLong { len: value.len(), limit: MAX_CANONICAL_BYTES });
        }
        let tag = tag.of(scope.purpose);
        if let Some((body, crc)) = scratch.cache.get(tag) {
            return self.write(scope, body, Some(crc), out).map(drop);
        }
        scratch.ready.key(&self.keys, scope)?.seal(value, &mut scratch.body)?;
        let crc = self.write(scope, &scratch.body, None, out)?;
        scratch.cache.put(tag, &scratch.body, crc);
        Ok(())
    }

    /// Returns a number of 64 bits that a value has within something, such as a conversation: equal values, equal numbers,
    /// within one lane, tenant and class. Nobody turns it back; the holder of the key can try values.
    ///
    /// # Errors
    /// As [`Tokenizer::token`].
    ///
    /// # Cost
    /// One HMAC; nothing is remembered.
    pub fn code(
        &self,
        (tenant, class, lane): (TenantId<'_>, Class, LaneClass),
        within: Within<'_>,
        canonical: Sensitive<'_>,
        scratch: &mut TokenScratch,
    ) -> Result<u64, TokenError> {
        let value = canonical.expose();
        if value.is_empty() {
            return Err(TokenError::Empty);
        }
        let scope = Scope { tenant, class, purpose: Purpose::code(lane) };
        let Key::Mac(keyed) = scratch.ready.key(&self.keys, &scope)? else { return Err(TokenError::Primitive) };
        let mut mac = Hmac::clone(keyed);
        let (letter, id) = match within {
            Within::Conversation(id) => (b'c', id),
            Within::Subject(id) => (b's', id),
            Within::Tenant => (b't', &b""[..]),
        };
        mac.update(&[letter]);
        mac.update(&(id.len() as u64).to_be_bytes());
        mac.update(id);
        mac.update(value);
        let code = mac.finalize().into_bytes();
        Ok(code.iter().take(8).fold(0, |code, &byte| code << 8 | u64::from(byte)))
    }

    /// Brings near what the cache knows of values whose tokens will be asked for soon.
    ///
    /// # Cost
    /// A table larger than the processor's caches makes each answer wait for memory, one after the other; here the waits
    /// overlap.
    pub fn warm(&self, tags: impl Iterator<Item = ValueTag>, purposes: &[Purpose], scratch: &TokenScratch) {
        let touched = tags.fold(0, |touched, tag| {
            purposes.iter().fold(touched, |touched, &purpose| touched | scratch.cache.touch(tag.of(purpose)))
        });
        std::hint::black_box(touched);
    }

    /// Opens an `s` token of a tenant.
    ///
    /// # Errors
    /// [`OpenError`], the same for another tenant's token, another environment's or key's, a forged or damaged one, one
    /// of another mode, and text that is no token.
    ///
    /// # Security
    /// Every well-formed `s` token costs the same derivation, decryption and comparison in constant time, whoever made
    /// it. Who may ask for which token is for the caller to decide.
    ///
    /// # Cost
    /// Derives the keys anew: microseconds.
    pub fn open(&self, tenant: TenantId<'_>, token: &[u8]) -> Result<Opened, OpenError> {
        let token = Token::parse(token).map_err(|_| OpenError)?;
        if token.mode() != Mode::Siv {
            return Err(OpenError);
        }
        let (class, epoch) = (token.class(), token.epoch());
        let scope = Scope { tenant, class, purpose: Purpose::StorageSiv };
        let mut key = self.keys.tenant(tenant).and_then(|tenant| Key::new(&self.keys, &tenant, &scope, epoch));
        let mut value = Zeroizing::new(Vec::with_capacity(token.body().len()));
        value.extend(token.body());
        match key.as_mut().map(|key| key.open(&mut value)) {
            Some(Ok(())) => Ok(Opened { class, epoch, value }),
            _ => Err(OpenError),
        }
    }

    /// Returns what the cache knows a value by.
    ///
    /// # Source
    /// SipHash-1-3 with 128 bits: Aumasson and Bernstein, *SipHash: a fast short-input PRF*, 2012, and its reference code. One
    /// and three rounds are what hash tables of the standard library use: who sends messages sees no tag.
    #[must_use]
    pub fn tag(&self, tenant: TenantId<'_>, class: Class, canonical: Sensitive<'_>) -> ValueTag {
        let mut hasher = SipHasher13::new_with_key(&self.cache_key);
        let tenant = tenant.as_str().as_bytes();
        let [c0, c1] = class.bytes();
        // The tenant has at most 255 bytes. The value comes last and so needs no length.
        hasher.write(&[tenant.len() as u8, c0, c1]);
        hasher.write(tenant);
        hasher.write(canonical.expose());
        ValueTag(hasher.finish128().as_u128())
    }

    /// Begins the tags of values as they are written, for values of one tenant whose canonical forms depend on `context`, too.
    ///
    /// Nothing where `context` is longer than 255 bytes.
    #[must_use]
    pub fn spelling(&self, tenant: TenantId<'_>, context: &[u8]) -> Option<Spelling> {
        let tenant = tenant.as_str().as_bytes();
        let mut hasher = SipHasher13::new_with_key(&self.cache_key);
        // No tag of a canonical value begins with a zero: a tenant has a name, of at most 255 bytes.
        hasher.write(&[0, tenant.len() as u8, u8::try_from(context.len()).ok()?]);
        hasher.write(tenant);
        hasher.write(context);
        // What is hashed in words from here on is hashed faster.
        let n = 3 + tenant.len() + context.len();
        hasher.write([0; 8].get(..n.next_multiple_of(8) - n).unwrap_or_default());
        Some(Spelling(hasher))
    }

    /// Appends the token of a value of which the cache knows one under `tag`; tells whether it does.
    ///
    /// # Errors
    /// As [`Tokenizer::token`].
    ///
    /// # Security
    /// As [`Tokenizer::token_tagged`].
    pub fn remembered(
        &self,
        scope: &Scope<'_>,
        tag: ValueTag,
        out: &mut Vec<u8>,
        scratch: &mut TokenScratch,
    ) -> Result<bool, TokenError> {
        match scratch.cache.get(tag.of(scope.purpose)) {
            Some((body, crc)) => self.write(scope, body, Some(crc), out).map(|_| true),
            None => Ok(false),
        }
    }

    fn write(&self, scope: &Scope<'_>, body: &[u8], crc: Option<u8>, out: &mut Vec<u8>) -> Result<u8, TokenError> {
        let start = out.len();
        out.resize(start + token::encoded_len(body.len()), 0);
        let place = out.get_mut(start..).unwrap_or_default();
        let crc = token::write(scope.class, scope.purpose.mode(), self.epoch(), body, crc, place);
        if crc.is_none() {
            out.truncate(start);
        }
        crc.ok_or(TokenError::Primitive)
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer").field("keys", &self.keys).field("config", &self.config).finish_non_exhaustive()
    }
}

/// What the cache knows a value of one tenant and class by.
///
/// # Security
/// A hash under a key of the process; it is in no output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ValueTag(u128);

impl ValueTag {
    /// Returns the tag of the value's token of one purpose. Every purpose moves all tags alike, so two that differ still do.
    const fn of(self, purpose: Purpose) -> u128 {
        // Any odd number with as many ones as zeros: it moves the bits that choose a place in the cache, too.
        self.0 ^ (purpose as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

/// Makes the tags of values as they are written.
///
/// # Security
/// Holds a hash under a key of the process.
#[derive(Clone)]
pub struct Spelling(SipHasher13);

impl Spelling {
    /// Returns what the cache knows a value by that is written `value`; `how` is all else that its canonical form depends on.
    ///
    /// Two values that differ in anything that is told here have two tags, though their tokens may be the same.
    #[must_use]
    pub fn tag(&self, class: Class, how: [u8; 6], value: Sensitive<'_>) -> ValueTag {
        let value = value.expose();
        let ([c0, c1], [h0, h1, h2, h3, h4, h5]) = (class.bytes(), how);
        let head = [c0, c1, h0, h1, h2, h3, h4, h5];
        let mut room = [0; 8 + SHORT_VALUE_BYTES];
        // The value comes last and so needs no length.
        let hash = match room.split_first_chunk_mut::<8>() {
            Some((own, rest)) if value.len() <= SHORT_VALUE_BYTES => {
                *own = head;
                if let Some(place) = rest.get_mut(..value.len()) {
                    place.copy_from_slice(value);
                }
                self.0.hash(room.get(..8 + value.len()).unwrap_or_default())
            }
            _ => {
                let mut hasher = self.0;
                hasher.write(&head);
                hasher.write(value);
                hasher.finish128()
            }
        };
        ValueTag(hash.as_u128())
    }
}

impl fmt::Debug for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spelling(..)")
    }
}

impl fmt::Debug for ValueTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueTag(..)")
    }
}

/// What one worker owns: keys that are ready, and tokens that it remembers.
///
/// # Security
/// Holds no value: what the cache knows a value by is its hash under a key of the process. Keys are wiped on drop.
pub struct TokenScratch {
    cache: Cache,
    ready: Ready,
    body: Vec<u8>,
}

impl fmt::Debug for TokenScratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenScratch").field("ready_tenants", &self.ready.tenants.len()).finish_non_exhaustive()
    }
}

/// What a token held.
///
/// # Security
/// The value is wiped on drop; `Debug` tells its length.
pub struct Opened {
    class: Class,
    epoch: Epoch,
    value: Zeroizing<Vec<u8>>,
}

impl Opened {
    /// Returns what the value is.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Returns the generation of keys that made the token.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the canonical value.
    #[must_use]
    pub fn value(&self) -> Sensitive<'_> {
        Sensitive::new(&self.value)
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("class", &self.class)
            .field("epoch", &self.epoch)
            .field("value", &self.value())
            .finish()
    }
}

/// Why a value has no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no value.
    #[error("value is empty")]
    Empty,
    /// The value is longer than any that a token can hold.
    #[error("value is {len} bytes, limit is {limit}")]
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A primitive refused a length that it is documented to take. Never seen; a bug of ours.
    #[error("key derivation or cipher refused its input")]
    Primitive,
}

/// A token that does not open. There is one such error, so that nobody learns why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown token")]
pub struct OpenError;

/// Keys that were derived, by tenant.
struct Ready {
    tenants: BTreeMap<Box<str>, ReadyTenant>,
    limit: usize,
}

struct ReadyTenant {
    key: TenantKey,
    scopes: Vec<((Purpose, Class), Key)>,
}

impl Ready {
    /// Returns the key of a scope, derived now if it is not ready.
    fn key(&mut self, keys: &Keys, scope: &Scope<'_>) -> Result<&mut Key, TokenError> {
        let name = scope.tenant.as_str();
        if !self.tenants.contains_key(name) {
            // Tenants come with messages, and so their number is bounded. Starting over is simple and cannot be wrong; it
            // costs microseconds per tenant in use.
            if self.tenants.len() >= self.limit {
                self.tenants.clear();
            }
            let key = keys.tenant(scope.tenant).ok_or(TokenError::Primitive)?;
            self.tenants.insert(name.into(), ReadyTenant { key, scopes: Vec::new() });
        }
        let tenant = self.tenants.get_mut(name).ok_or(TokenError::Primitive)?;
        let wanted = (scope.purpose, scope.class);
        let place = match tenant.scopes.iter().position(|(held, _)| *held == wanted) {
            Some(place) => place,
            None => {
                let key = Key::new(keys, &tenant.key, scope, keys.epoch()).ok_or(TokenError::Primitive)?;
                tenant.scopes.push((wanted, key));
                tenant.scopes.len() - 1
            }
        };
        tenant.scopes.get_mut(place).map(|(_, key)| key).ok_or(TokenError::Primitive)
    }
}

/// The key of one scope and epoch.
enum Key {
    /// Keyed once: a clone of the state saves two of four compressions per value.
    Mac(Box<Hmac<Sha256>>),
    Siv {
        cipher: Box<Aes256Siv>,
        header: Box<[u8]>,
    },
}

impl Key {
    fn new(keys: &Keys, tenant: &TenantKey, scope: &Scope<'_>, epoch: Epoch) -> Option<Self> {
        let header = keys.header(scope.tenant, scope.class, scope.purpose, epoch);
        Some(match scope.purpose.mode() {
            Mode::Siv => {
                let key = tenant.expand::<64>(scope.purpose, &header)?;
                Self::Siv { cipher: Box::new(Aes256Siv::new_from_slice(&*key).ok()?), header }
            }
            Mode::Mac => {
                let key = tenant.expand::<32>(scope.purpose, &header)?;
                Self::Mac(Box::new(Hmac::new_from_slice(&*key).ok()?))
            }
            Mode::Vault => return None,
        })
    }

    /// Makes the body of a value's token in `body`.
    fn seal(&mut self, value: &[u8], body: &mut Vec<u8>) -> Result<(), TokenError> {
        body.clear();
        match self {
            Self::Mac(keyed) => {
                let mut mac = Hmac::clone(keyed);
                mac.update(value);
                body.extend(mac.finalize().into_bytes().into_iter().take(SHORT_BODY_BYTES));
            }
            Self::Siv { cipher, header } => {
                body.resize(SIV_TAG_BYTES, 0);
                body.extend_from_slice(value);
                let (tag, text) = body.split_first_chunk_mut::<SIV_TAG_BYTES>().ok_or(TokenError::Primitive)?;
                *tag =
                    cipher.encrypt_inout_detached([&*header], text.into()).map_err(|_| TokenError::Primitive)?.into();
            }
        }
        Ok(())
    }

    /// Turns the body of a token into its value, in place.
    fn open(&mut self, body: &mut Vec<u8>) -> Result<(), OpenError> {
        let Self::Siv { cipher, header } = self else { return Err(OpenError) };
        let (tag, text) = body.split_first_chunk_mut::<SIV_TAG_BYTES>().ok_or(OpenError)?;
        cipher.decrypt_inout_detached([&*header], text.into(), &(*tag).into()).map_err(|_| OpenError)?;
        body.drain(..SIV_TAG_BYTES);
        Ok(())
    }
}

/// Values up to this are hashed in one go.
const SHORT_VALUE_BYTES: usize = 56;

/// Longest canonical value, in bytes.
pub const MAX_CANONICAL_BYTES: usize = token::MAX_BODY_BYTES - SIV_TAG_BYTES;
