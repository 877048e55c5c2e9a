//! Keys and tokens: what turns a value into a token, and back for those who hold the key.
//!
//! A token is a function of the root key, the environment, the tenant, the class, the purpose, the epoch and the value,
//! and of nothing else: every process with the same key and configuration writes the same one. Two scopes that differ in
//! anything have unrelated keys, so tokens of two tenants, or of the storage and the analytics lane, cannot be compared.
//!
//! The room does not know what a value means: canonical values come in as bytes. It reads no clock and no randomness,
//! and no environment but through a function that the caller hands in ([`KeySource::read`], for runners). All keys are
//! *derived*: none can be destroyed alone, so no person can be forgotten by destroying one. A vault is what will do that.
//!
//! ```text
//! file | env | command ─▶ RootKey ─▶ Keys ─▶ Tokenizer ─▶ tok_ph_sbbb_…      open: tok_ph_sbbb_… ─▶ value
//!                                 HKDF   HMAC-SHA-256 or AES-256-SIV
//! ```
//!
//! # Security
//! Primitives are RustCrypto's; nothing here is a cipher or a hash of our own. Keys are wiped on drop as far as the
//! language allows: copies that a compiler spills to the stack are not.
//!
//! # Example
//! ```
//! use efface::crypt::{Class, KeyConfig, Keys, LaneClass, Mode, Purpose, RootKey, Scope, Tokenizer, TokenizerConfig};
//! use efface::{entity::Kind, ids::TenantId, sensitive::Sensitive};
//!
//! let root = RootKey::parse(b"c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6\n")?;
//! let tokenizer = Tokenizer::new(Keys::build(&root, KeyConfig::default())?, TokenizerConfig::default(), [0x5a; 16]);
//! let mut scratch = tokenizer.scratch();
//!
//! let tenant = TenantId::new("north").ok_or("no tenant")?;
//! let purpose = Purpose::new(LaneClass::Storage, Mode::Siv).ok_or("no such purpose")?;
//! let scope = Scope { tenant, class: Class::of(Kind::PhoneNumber), purpose };
//! let mut text = Vec::new();
//! tokenizer.token(&scope, Sensitive::new(b"+447400123456"), &mut text, &mut scratch)?;
//!
//! assert!(text.starts_with(b"tok_ph_sbbb_"));
//! assert_eq!(tokenizer.open(tenant, &text)?.value().expose(), b"+447400123456");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod derive;
mod source;
mod token;
mod tokenizer;

pub use derive::{KeyConfig, Keys, LaneClass, MAX_ENVIRONMENT_BYTES, Purpose};
pub use source::{KeyError, KeyFault, KeySource, RootKey};
pub use token::{
    Class, Epoch, Found, MAX_BODY_BYTES, Malformed, Mode, Shape, Token, encode, encoded_len, find_tokens, token_at,
};
pub use tokenizer::{
    MAX_CANONICAL_BYTES, OpenError, Opened, Scope, Spelling, TokenError, TokenScratch, Tokenizer, TokenizerConfig,
    ValueTag, Within,
};
