//! Numbers that American states issue.

use super::digits::{is_repeated, number_at};
use super::weighted::weighted_sum;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "br_cpf", form: Form::Compact, worth: 66, run: br_cpf },
    Check { name: "us_ssn", form: Form::Compact, worth: 2, run: us_ssn },
    Check { name: "us_itin", form: Form::Compact, worth: 12, run: us_itin },
];

/// Returns whether `digits` is a Brazilian CPF: eleven digits, the last two weighted sums by 11. Eleven equal digits pass and
/// are not issued.
///
/// # Source
/// Receita Federal do Brasil, Instrução Normativa RFB 2172/2024 (CPF), module 11 with weights 10 to 2 and 11 to 2.
#[must_use]
pub(super) fn br_cpf(digits: &[u8]) -> bool {
    // A remainder below two gives zero.
    let digit = |sum: u32| (sum * 10 % 11) % 10;
    let (Some(first), Some(second)) = (digits.get(..9), digits.get(..10)) else { return false };
    let sums =
        (weighted_sum(first, &[10, 9, 8, 7, 6, 5, 4, 3, 2]), weighted_sum(second, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let (Some(first), Some(second)) = sums else { return false };
    digits.len() == 11
        && !is_repeated(digits)
        && number_at(digits, 9, 11) == Some(u64::from(digit(first) * 10 + digit(second)))
}

/// Returns whether `digits` can be a social security number of the United States: no area 000, 666 or from 900, no group 00,
/// no serial 0000, and not one of the numbers that the administration withdrew after they were printed in advertisements.
/// There is no check digit.
///
/// # Source
/// Social Security Administration, POMS RM 10201.030 (invalid numbers) and «Social Security Number Randomization»;
/// 078-05-1120 and 219-09-9999 are named there as withdrawn.
#[must_use]
pub(super) fn us_ssn(digits: &[u8]) -> bool {
    let parts = (number_at(digits, 0, 3), number_at(digits, 3, 5), number_at(digits, 5, 9));
    let (Some(area), Some(group), Some(serial)) = parts else { return false };
    digits.len() == 9
        && !matches!(area, 0 | 666 | 900..)
        && group != 0
        && serial != 0
        && !matches!(digits, b"078051120" | b"219099999")
}

/// Returns whether `digits` can be an individual taxpayer identification number of the United States: area from 900, group
/// 50 to 65, 70 to 88, 90 to 92 or 94 to 99 (93 is for adoptions). There is no check digit.
///
/// # Source
/// Internal Revenue Service, Internal Revenue Manual 3.21.263 (ITIN format and ranges).
#[must_use]
pub(super) fn us_itin(digits: &[u8]) -> bool {
    let parts = (number_at(digits, 0, 3), number_at(digits, 3, 5), number_at(digits, 5, 9));
    let (Some(area), Some(group), Some(_)) = parts else { return false };
    digits.len() == 9 && area >= 900 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)
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
    fn brazil() {
        check(
            br_cpf,
            &[
                ("52998224725", true),
                ("11144477735", true), // the example of the authority's own description
                ("52998224726", false),
                ("52998224735", false),
                ("11111111111", false),
                ("00000000000", false),
                ("5299822472", false),
                ("", false),
            ],
        );
    }

    #[test]
    fn united_states() {
        check(
            us_ssn,
            &[
                ("123456789", true),
                ("899999999", true),
                ("000123456", false),
                ("666123456", false),
                ("900123456", false),
                ("123006789", false),
                ("123450000", false),
                ("078051120", false),
                ("219099999", false),
                ("12345678", false),
                ("", false),
            ],
        );
        check(
            us_itin,
            &[
                ("900700000", true),
                ("912903456", true),
                ("912933456", false),
                ("912893456", false),
                ("812703456", false),
                ("", false),
            ],
        );
    }
}
