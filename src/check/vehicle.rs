//! Vehicles.

use super::weighted::is_at;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "vin", form: Form::Compact, worth: 35, run: vin },
    Check { name: "vin_any", form: Form::Compact, worth: 5, run: vin_any },
];

/// Returns the remainder of the weighted sum of a vehicle identification number by 11.
fn remainder(text: &[u8]) -> Option<u32> {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'H' => Some(u32::from(byte - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(byte - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u32::from(byte - b'S') + 2),
        _ => None,
    };
    let sum = text.iter().zip(WEIGHTS).try_fold(0, |sum, (&byte, weight)| Some(sum + value(byte)? * weight));
    sum.filter(|_| text.len() == WEIGHTS.len()).map(|sum| sum % 11)
}

/// Returns whether `text` is a vehicle identification number whose ninth character is the check digit that North America
/// and China ask for.
///
/// # Source
/// ISO 3779 and 49 CFR 565.15: transliterated letters, weights, remainder by 11, X for ten; worked example
/// `11111111111111111`.
fn vin(text: &[u8]) -> bool {
    vin_any(text)
        && remainder(text).is_some_and(|at| text.get(8).is_some_and(|&check| is_at(b"0123456789X", at, check)))
}

/// Returns whether `text` has the form of a vehicle identification number: 17 letters and digits without I, O and Q, three
/// digits or more.
///
/// # Source
/// ISO 3779 §4: the check digit is optional outside of North America.
fn vin_any(text: &[u8]) -> bool {
    remainder(text).is_some() && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, checked, any) in [
            ("11111111111111111", true, true),
            ("1M8GDM9AXKP042788", true, true),
            ("1M8GDM9A1KP042788", false, true),
            ("WVWZZZ1KZ6W000001", false, true),
            ("1M8GDM9AXKP04278O", false, false),
            ("1M8GDM9AXKP04278", false, false),
        ] {
            assert_eq!((vin(text.as_bytes()), vin_any(text.as_bytes())), (checked, any), "{text}");
        }
    }
}
