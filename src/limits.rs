//! The bounds that keep input from exhausting us. Past a bound a record is quarantined; every bound is an option.

/// Bounds on one record.
///
/// # Units
/// Bytes where the name says so, counts elsewhere. None is a clock: the same input meets the same bound everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nesting of arrays and objects.
    pub depth: usize,
    /// Length of one record, in bytes.
    pub record_bytes: usize,
    /// Length of one decoded field, in bytes.
    pub field_bytes: usize,
    /// Strings, numbers and keys of one record.
    pub fields: usize,
    /// Detections in one record.
    pub detections: usize,
    /// Candidates in one record that go past the sieve: the work budget.
    pub candidates: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: DEPTH,
            record_bytes: RECORD_BYTES,
            field_bytes: FIELD_BYTES,
            fields: FIELDS,
            detections: DETECTIONS,
            candidates: CANDIDATES,
        }
    }
}

/// Default nesting bound.
pub const DEPTH: usize = 64;
/// Default record bound: 16 MiB.
pub const RECORD_BYTES: usize = 16 << 20;
/// Default field bound: 8 MiB.
pub const FIELD_BYTES: usize = 8 << 20;
/// Default bound on the fields of a record. A field takes 40 bytes while its record is worked on, one of a byte too.
pub const FIELDS: usize = 2 << 20;
/// Default bound on detections in a record.
pub const DETECTIONS: usize = 4_096;
/// Default bound on verified candidates in a record.
pub const CANDIDATES: usize = 65_536;
/// Most lines of a PEM block that is one record.
pub const PEM_LINES: usize = 200;
/// Most bytes of a PEM block before its last line: 64 KiB, far more than any key has.
pub const PEM_BYTES: usize = 64 << 10;
