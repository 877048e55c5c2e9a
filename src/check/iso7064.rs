//! The check character systems of ISO 7064.

use super::digits::are_digits;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "mod_97_10", form: Form::Compact, worth: 66, run: mod_97_10 },
    Check { name: "mod_11_10", form: Form::Compact, worth: 33, run: mod_11_10 },
    Check { name: "mod_11_2", form: Form::Compact, worth: 35, run: mod_11_2 },
];

/// Returns the remainder of `text` by 97, letters read as two digits (`A` is 10, `Z` is 35).
///
/// # Units
/// Upper-case letters and digits; nothing where another byte is met.
///
/// # Source
/// ISO 7064 §8 (pure systems, MOD 97-10) with the letters of ISO 13616-1.
pub(super) fn remainder_97(text: impl IntoIterator<Item = u8>) -> Option<u32> {
    text.into_iter().try_fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => Some((sum * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((sum * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    })
}

/// Returns whether the last two digits of `text` are its MOD 97-10 check digits.
///
/// # Source
/// ISO 7064 §8; worked example `794` gives `44`.
#[must_use]
pub(super) fn mod_97_10(text: &[u8]) -> bool {
    text.len() > 2 && remainder_97(text.iter().copied()) == Some(1)
}

/// Returns whether the last digit is the check digit of the hybrid system MOD 11,10.
///
/// # Source
/// ISO 7064 §9 (hybrid systems); worked example `0794` gives `5`.
#[must_use]
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((&last, rest)) = digits.split_last() else { return false };
    if !are_digits(digits) || rest.is_empty() {
        return false;
    }
    let product = rest.iter().fold(10, |product, &byte| {
        let sum = (product + u32::from(byte - b'0')) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (product + u32::from(last - b'0')) % 10 == 1
}

/// Returns whether the last character is the check character of the pure system MOD 11-2 (`X` stands for ten).
///
/// # Source
/// ISO 7064 §7; worked example `0794` gives `0`. GB 11643 uses it for the Chinese resident number.
#[must_use]
pub(super) fn mod_11_2(text: &[u8]) -> bool {
    let Some((&last, rest)) = text.split_last() else { return false };
    let last = match last {
        b'0'..=b'9' => u32::from(last - b'0'),
        b'X' => 10,
        _ => return false,
    };
    let product = rest.iter().fold(0, |product, &byte| (product + u32::from(byte.wrapping_sub(b'0'))) * 2 % 11);
    are_digits(rest) && (product + last) % 11 == 1
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
    fn examples_of_the_standard() {
        check(mod_97_10, &[("79444", true), ("79445", false), ("44", false), ("7944x", false), ("", false)]);
        check(mod_11_10, &[("07945", true), ("07946", false), ("5", false), ("", false), ("079X5", false)]);
        check(mod_11_2, &[("07940", true), ("0794X", false), ("079X", true), ("X", false), ("", false)]);
    }
}
