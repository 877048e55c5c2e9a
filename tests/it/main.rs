//! Everything through the front door.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[cfg(feature = "cli")]

mod alloc;
mod eval;
mod examples;
mod floors;
mod oracle;
mod packs;
mod plan;
mod scan;
mod validate;
