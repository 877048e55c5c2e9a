//! Everything through the front door.
