//! The Luhn formula and the schemes that are nothing more than it.

use super::digits::{are_digits, is_repeated};
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "luhn", form: Form::Compact, worth: 33, run: luhn },
    Check { name: "imei", form: Form::Compact, worth: 33, run: imei },
];

/// Returns whether `digits` ends in a correct Luhn check digit.
///
/// # Units
/// ASCII digits, most significant first, separators already removed. An empty slice is not valid.
///
/// # Cost
/// One pass, no allocation, about one nanosecond per digit.
///
/// # Source
/// ISO/IEC 7812-1, annex on the Luhn formula. Finds every single-digit error; misses `09` <-> `90`. Says nothing about
/// issuers or length: that is the rule's `pattern` or another check.
#[must_use]
pub(super) fn luhn(digits: &[u8]) -> bool {
    // Every second digit from the right is doubled, and the digits of the product are added.
    let weigh = |(at, &byte): (usize, &u8)| {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        if at % 2 == 0 {
            digit
        } else if digit > 4 {
            2 * digit - 9
        } else {
            2 * digit
        }
    };
    are_digits(digits) && digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

/// Returns whether `digits` is an International Mobile Equipment Identity: 15 digits, Luhn, and a type allocation code
/// that is not empty.
///
/// The two digits of the reporting body are not looked at: old bodies are still on live devices. Rules that report a
/// bare number ask for the bodies in their pattern.
///
/// # Source
/// 3GPP TS 23.003 §6.2.1 (structure) and annex B (check digit, worked example `26053179311383` gives 7).
#[must_use]
pub(super) fn imei(digits: &[u8]) -> bool {
    digits.len() == 15 && !is_repeated(digits) && !digits.starts_with(b"00000000") && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formula() {
        for (text, expected) in [
            // The worked example of ISO/IEC 7812-1.
            ("79927398713", true),
            ("79927398710", false),
            // Test numbers that card schemes publish.
            ("4111111111111111", true),
            ("378282246310005", true),
            ("4111111111111112", false),
            ("0", true),
            ("", false),
            ("4111-1111", false),
        ] {
            assert_eq!(luhn(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn equipment() {
        for (text, expected) in [
            ("260531793113837", true), // 3GPP TS 23.003 annex B
            ("260531793113838", false),
            ("000000000000000", false),
            ("26053179311383", false),
        ] {
            assert_eq!(imei(text.as_bytes()), expected, "{text}");
        }
    }
}
