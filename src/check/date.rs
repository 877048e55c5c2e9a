//! Calendar dates inside numbers.

use super::digits::{are_digits, is_repeated, number_at};
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[Check { name: "not_a_date", form: Form::Compact, worth: 0, run: not_a_date }];

/// Returns whether `digits` are more than a day of the calendar, and more than one digit all over.
///
/// # Source
/// ISO 8601-1 §5.2.2 (year, month, day), and the order of day, month, year.
fn not_a_date(digits: &[u8]) -> bool {
    let at = |from, to| number_at(digits, from, to);
    let year = |year: u64| (1900..2100).contains(&year);
    let date = digits.len() == 8
        && match (at(0, 4), at(4, 6), at(6, 8), at(0, 2), at(2, 4), at(4, 8)) {
            (Some(y), Some(m), Some(d), ..) if year(y) && is_date(y, m, d) => true,
            (.., Some(d), Some(m), Some(y)) => year(y) && (is_date(y, m, d) || is_date(y, d, m)),
            _ => false,
        };
    are_digits(digits) && !date && !is_repeated(digits)
}

/// Returns whether that day exists in the Gregorian calendar.
///
/// # Source
/// ISO 8601-1, the proleptic Gregorian calendar.
#[must_use]
pub(super) const fn is_date(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    1 <= day && day <= last
}

/// Returns whether `text` begins with `YYMMDD`, a day of the twentieth or the twenty-first century.
#[must_use]
pub(super) fn starts_with_yymmdd(text: &[u8]) -> bool {
    let (Some(year), Some(month), Some(day)) = (number_at(text, 0, 2), number_at(text, 2, 4), number_at(text, 4, 6))
    else {
        return false;
    };
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// Returns whether the six digits from `at` are a day, the year last (`DDMMYY`).
#[must_use]
pub(super) fn has_ddmmyy(text: &[u8], at: usize) -> bool {
    let Some([a, b, c, d, e, f]) = text.get(at..at + 6) else { return false };
    starts_with_yymmdd(&[*e, *f, *c, *d, *a, *b])
}

/// Returns whether the six digits from `at` are a day, the year first (`YYMMDD`).
#[must_use]
pub(super) fn has_yymmdd(text: &[u8], at: usize) -> bool {
    text.get(at..).is_some_and(starts_with_yymmdd)
}

/// Returns whether the eight digits from `at` are a day from 1850 to 2099, the year first (`YYYYMMDD`).
#[must_use]
pub(super) fn has_yyyymmdd(text: &[u8], at: usize) -> bool {
    let (Some(year), Some(month), Some(day)) =
        (number_at(text, at, at + 4), number_at(text, at + 4, at + 6), number_at(text, at + 6, at + 8))
    else {
        return false;
    };
    (1850..2100).contains(&year) && is_date(year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        for (date, expected) in [
            ((2024, 2, 29), true),
            ((2023, 2, 29), false),
            ((1900, 2, 29), false),
            ((2000, 2, 29), true),
            ((2023, 4, 31), false),
            ((2023, 13, 1), false),
            ((2023, 12, 0), false),
        ] {
            assert_eq!(is_date(date.0, date.1, date.2), expected, "{date:?}");
        }
        assert!(has_ddmmyy(b"x290200", 1) && !has_ddmmyy(b"310499", 0) && !has_ddmmyy(b"0101", 0));
        assert!(has_yymmdd(b"x000229", 1) && has_yyyymmdd(b"x20000229", 1) && !has_yyyymmdd(b"21000101", 0));
        assert!(starts_with_yymmdd(b"000229x"), "2000 was a leap year, 1900 was not");
        assert!(!starts_with_yymmdd(b"010229") && !starts_with_yymmdd(b"9913") && !starts_with_yymmdd(b"80 101"));
    }
}
