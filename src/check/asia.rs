//! Numbers that Asian states issue.

use super::verhoeff::verhoeff;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "in_aadhaar", form: Form::Compact, worth: 36, run: in_aadhaar },
    Check { name: "in_pan", form: Form::Compact, worth: 13, run: in_pan },
];

/// Returns whether `digits` is an Indian Aadhaar number: twelve digits, the first from 2 to 9, Verhoeff, and not the same
/// read backwards.
///
/// # Source
/// Unique Identification Authority of India, «A UID Numbering Scheme» (2010): 0 and 1 are reserved, the last digit is
/// Verhoeff's.
#[must_use]
pub(super) fn in_aadhaar(digits: &[u8]) -> bool {
    let is_palindrome = digits.iter().eq(digits.iter().rev());
    digits.len() == 12 && matches!(digits.first(), Some(b'2'..=b'9')) && !is_palindrome && verhoeff(digits)
}

/// Returns whether `text` is an Indian permanent account number: five letters, of which the fourth names the kind of holder,
/// a serial of four digits that is not 0000, a letter. How the last letter follows is not published.
///
/// # Source
/// Income Tax Department of India, Protean (NSDL) «About PAN»: P person, C company, H Hindu undivided family, A, B, F, G, J,
/// L, T others; K appears on documents of government bodies.
#[must_use]
pub(super) fn in_pan(text: &[u8]) -> bool {
    let [a, b, c, holder, e, d1, d2, d3, d4, last] = text else { return false };
    [a, b, c, e, last].into_iter().all(u8::is_ascii_uppercase)
        && matches!(holder, b'A'..=b'C' | b'E'..=b'H' | b'J'..=b'L' | b'P' | b'T')
        && [d1, d2, d3, d4].into_iter().all(u8::is_ascii_digit)
        && [d1, d2, d3, d4] != [&b'0'; 4]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(run: fn(&[u8]) -> bool, table: &[(&str, bool)]) {
        for &(text, expected) in table {
            assert_eq!(run(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn india() {
        check(
            in_aadhaar,
            &[
                ("499118665246", true), // test numbers that the authority gives to integrators
                ("999941057058", true),
                ("999971658847", true),
                ("999941057059", false),
                ("199941057058", false),
                ("222222222222", false),
                ("99994105705", false),
                ("", false),
            ],
        );
        check(
            in_pan,
            &[
                ("ABCPE1234F", true),
                ("AAACA0001B", true),
                ("ABCXE1234F", false),
                ("ABCPE0000F", false),
                ("ABCPE12345", false),
                ("abcpe1234f", false),
                ("", false),
            ],
        );
    }
}
