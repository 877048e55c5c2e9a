//! Everything through the front door.

mod plan;
