//! Numbers that African states issue.

use super::date::starts_with_yymmdd;
use super::luhn::luhn;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    // Luhn passes one in ten, a date of six digits one in 27, the citizenship digit three in ten.
    Check { name: "za_idnr", form: Form::Compact, worth: 98, run: za_idnr },
];

/// Returns whether `digits` is a South African identity number: date of birth, sequence, citizenship (0 citizen, 1 permanent
/// resident, 2 refugee), a digit without meaning since 1986, Luhn.
///
/// # Source
/// Department of Home Affairs, Identification Act 68 of 1997 §7 and its regulations; Luhn by ISO/IEC 7812-1.
#[must_use]
pub(super) fn za_idnr(digits: &[u8]) -> bool {
    digits.len() == 13 && matches!(digits.get(10), Some(b'0'..=b'2')) && starts_with_yymmdd(digits) && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::za_idnr;

    #[test]
    fn south_africa() {
        for (text, expected) in [
            ("8001015009087", true),  // the number on the specimen document
            ("8001015009086", false), // check digit
            ("8013015009083", false), // month
            ("8001015009384", false), // citizenship
            ("0000000000000", false),
            ("800101500908", false),
            ("", false),
        ] {
            assert_eq!(za_idnr(text.as_bytes()), expected, "{text}");
        }
    }
}
