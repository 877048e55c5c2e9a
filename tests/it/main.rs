//! Everything through the front door.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod alloc;
#[cfg(feature = "cli")]
mod batch;
#[cfg(feature = "cli")]
mod cli;
mod crypt;
mod envelope;
#[cfg(feature = "cli")]
mod eval;
mod examples;
mod explain;
mod floors;
mod introductions;
mod lines;
mod names;
mod operators;
mod oracle;
mod packs;
mod plan;
mod policy;
mod presets;
mod profiles;
#[cfg(feature = "cli")]
mod readme;
mod redact;
mod scan;
mod silence;
#[cfg(feature = "stream")]
mod stream;
mod table;
mod tokens;
mod validate;
