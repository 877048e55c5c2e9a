//! Reads decimal digits out of a compact candidate.
//!
//! Algorithms in this room take ASCII digits, most significant first; these few functions turn them into numbers and
//! refuse anything else.

/// Returns whether `text` is one or more ASCII digits and nothing else.
#[must_use]
pub(super) fn are_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Returns the number that `text` writes, or nothing where it is not 1 to 18 digits.
#[must_use]
pub(super) fn number(text: &[u8]) -> Option<u64> {
    (are_digits(text) && text.len() <= 18).then(|| text.iter().fold(0, |n, &byte| n * 10 + u64::from(byte - b'0')))
}

/// Returns the number that the bytes `from..to` of `text` write.
#[must_use]
pub(super) fn number_at(text: &[u8], from: usize, to: usize) -> Option<u64> {
    number(text.get(from..to)?)
}

/// Returns whether every byte of `text` is the same; such numbers pass most sums and are not issued.
#[must_use]
pub(super) fn is_repeated(text: &[u8]) -> bool {
    text.first().is_some_and(|first| text.iter().all(|byte| byte == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("1999999999999999999", None),
            ("", None),
            ("1a", None),
            ("\u{661}", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(number_at(b"ab12", 2, 4), Some(12));
        assert_eq!(number_at(b"12", 1, 4), None);
        assert!(is_repeated(b"111") && !is_repeated(b"112") && !is_repeated(b""));
    }
}
