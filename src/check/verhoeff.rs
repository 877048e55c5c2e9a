//! The dihedral check of Verhoeff.

use super::digits::are_digits;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[Check { name: "verhoeff", form: Form::Compact, worth: 33, run: verhoeff }];

/// Multiplication in the dihedral group of order ten.
const PRODUCT: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// The permutation by place, counted from the right.
const PERMUTATION: [[u8; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Returns whether `digits` ends in a correct Verhoeff check digit.
///
/// # Units
/// ASCII digits, most significant first. An empty slice is not valid.
///
/// # Cost
/// Two table look-ups a digit, no allocation.
///
/// # Source
/// J. Verhoeff, Error Detecting Decimal Codes, Mathematical Centre Tract 29, Amsterdam 1969; worked example `236` gives
/// 3. Finds every single-digit error and every swap of neighbours.
#[must_use]
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let step = |sum: u8, (place, &byte): (usize, &u8)| {
        let digit = usize::from(byte.wrapping_sub(b'0'));
        let moved = PERMUTATION.get(place % 8)?.get(digit)?;
        PRODUCT.get(usize::from(sum))?.get(usize::from(*moved)).copied()
    };
    are_digits(digits) && digits.iter().rev().enumerate().try_fold(0, step) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::verhoeff;

    #[test]
    fn table() {
        for (text, expected) in
            [("2363", true), ("2364", false), ("3263", false), ("1234567890120", true), ("", false), ("23a3", false)]
        {
            assert_eq!(verhoeff(text.as_bytes()), expected, "{text}");
        }
    }
}
