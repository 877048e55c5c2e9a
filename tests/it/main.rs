//! Everything through the front door.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "tests say so by failing"
)]

mod alloc;
mod examples;
mod floors;
mod oracle;
mod packs;
mod plan;
mod scan;
mod validate;
