//! The key and the tenant, as flags.

use super::Fault;
use super::selection::pointer;
use crate::crypt::{KeyConfig, KeySource, Keys, Tokenizer, TokenizerConfig};
use crate::ids::TenantId;
use crate::redact::{Options, Tenant};
use anyhow::Context;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

/// What tokens are made with.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct KeyArgs {
    /// Where the root key is: file:PATH, env:NAME or command:PROGRAM
    ///
    /// A file of 64 hexadecimal digits that nobody else may read: (umask 077 && openssl rand -hex 32 > root.key)
    #[arg(long, value_name = "SOURCE")]
    key: Option<String>,
    /// Whose the records are [default: default]
    ///
    /// Tokens of two tenants have nothing in common.
    #[arg(long, value_name = "NAME", conflicts_with = "tenant_field")]
    tenant: Option<String>,
    /// JSON: the field that holds each record's tenant
    ///
    /// A record without is quarantined.
    #[arg(long, value_name = "POINTER")]
    tenant_field: Option<String>,
    /// Which installation this is; tokens of one do not open in another [default: default]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    environment: Option<String>,
}

impl KeyArgs {
    /// Puts key and tenant into the options of a run.
    pub(crate) fn options(&self, options: &mut Options) -> anyhow::Result<()> {
        if let Some(key) = &self.key {
            options.tokenizer =
                Some(Arc::new(tokenizer(key, self.environment.as_deref(), TokenizerConfig::default())?));
        }
        options.tenant = match pointer(self.tenant_field.as_ref(), "--tenant-field")? {
            Some(pointer) => Tenant::Field(pointer),
            None => Tenant::Fixed(tenant(self.tenant.as_deref())?.as_str().to_owned()),
        };
        Ok(())
    }
}

/// Reads a tenant's name; who has one tenant needs none.
pub(super) fn tenant(name: Option<&str>) -> anyhow::Result<TenantId<'_>> {
    TenantId::new(name.unwrap_or("default")).ok_or_else(|| {
        Fault::new("--tenant: not a name", "1 to 255 bytes without control characters, and never another one").into()
    })
}

/// Reads the root key and derives from it.
pub(super) fn tokenizer(key: &str, environment: Option<&str>, config: TokenizerConfig) -> anyhow::Result<Tokenizer> {
    let root = KeySource::parse(key).and_then(|source| source.read(|name| std::env::var_os(name))).context("--key")?;
    let mut keys = KeyConfig::default();
    if let Some(environment) = environment {
        environment.clone_into(&mut keys.environment);
    }
    let keys = Keys::build(&root, keys).context("--environment")?;
    Ok(Tokenizer::new(keys, config, cache_key()))
}

/// Sixteen bytes that nobody outside can guess. The standard library seeds its hash tables from the system; this one only
/// has to keep messages from meeting in a cache on purpose.
fn cache_key() -> [u8; 16] {
    let half = || RandomState::new().build_hasher().finish();
    let mut key = [0; 16];
    for (place, byte) in key.iter_mut().zip(half().to_le_bytes().into_iter().chain(half().to_le_bytes())) {
        *place = byte;
    }
    key
}
