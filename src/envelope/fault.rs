//! What can be wrong with a record: a closed list, with a place and never with text.

use std::fmt;

/// Why a record could not be walked to its end. Its record is to be quarantined.
///
/// # Units
/// `at` counts bytes from the start of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeFault {
    /// The JSON grammar (RFC 8259) is broken.
    #[error("JSON is broken at byte {at}: {fault}")]
    Json {
        /// Where.
        at: usize,
        /// How.
        fault: JsonFault,
    },
    /// JSON is UTF-8 by definition, and this is not; or a text file is in UTF-16.
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 {
        /// Where.
        at: usize,
    },
    /// Arrays and objects are nested deeper than the limit.
    #[error("nested deeper than {limit} at byte {at}")]
    TooDeep {
        /// Where the array or object opens that is one too many.
        at: usize,
        /// The limit.
        limit: usize,
    },
    /// The record is longer than the limit.
    #[error("record is {len} bytes, limit is {limit}")]
    RecordTooLong {
        /// Its length in bytes.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// A decoded field is longer than the limit.
    #[error("field at byte {at} is {len} bytes, limit is {limit}")]
    FieldTooLong {
        /// Where its content begins.
        at: usize,
        /// Its decoded length in bytes.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// The record has more fields than the limit.
    #[error("more than {limit} fields at byte {at}")]
    TooManyFields {
        /// Where the field begins that is one too many.
        at: usize,
        /// The limit.
        limit: usize,
    },
}

impl EnvelopeFault {
    /// Returns the place in the record, in bytes; the start for a record that is too long.
    #[must_use]
    pub const fn at(&self) -> usize {
        match *self {
            Self::Json { at, .. }
            | Self::NotUtf8 { at }
            | Self::TooDeep { at, .. }
            | Self::FieldTooLong { at, .. }
            | Self::TooManyFields { at, .. } => at,
            Self::RecordTooLong { .. } => 0,
        }
    }

    /// Returns the fault as one word of a closed list, for a quarantined record and for metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Json { .. } => "broken_json",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::TooDeep { .. } => "too_deep",
            Self::RecordTooLong { .. } => "record_too_long",
            Self::FieldTooLong { .. } => "field_too_long",
            Self::TooManyFields { .. } => "too_many_fields",
        }
    }
}

/// How the JSON grammar is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonFault {
    /// The record ends inside a value.
    Ends,
    /// A value was expected.
    NoValue,
    /// A key in quotes was expected.
    NoKey,
    /// A colon was expected.
    NoColon,
    /// A comma or a closing bracket was expected.
    NoComma,
    /// A number is not written as JSON writes numbers.
    Number,
    /// A word that is not `true`, `false` or `null`.
    Literal,
    /// A backslash is followed by nothing that JSON knows.
    Escape,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// A control character stands in a string.
    Control,
    /// Something follows the document.
    Trailing,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ends => "it ends too early",
            Self::NoValue => "no value",
            Self::NoKey => "no key",
            Self::NoColon => "no colon",
            Self::NoComma => "no comma or closing bracket",
            Self::Number => "not a number",
            Self::Literal => "not a literal",
            Self::Escape => "not an escape",
            Self::LoneSurrogate => "half of a surrogate pair",
            Self::Control => "control character in a string",
            Self::Trailing => "something follows the document",
        })
    }
}
