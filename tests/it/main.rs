//! Everything through the front door.

mod oracle;
mod scan;
