//! Everything through the front door.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "tests say so by failing"
)]

mod alloc;
mod crypt;
mod oracle;
mod plan;
mod scan;
