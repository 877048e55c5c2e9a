//! Kafka in, redacted lanes out.

mod machine;

pub use machine::{Bounds, Command, Machine, Partition, Place, Progress, Refusal, Room, Taken, Verdict};
