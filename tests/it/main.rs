//! Everything through the front door.

mod floors;
