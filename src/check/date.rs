//! Calendar dates inside numbers.

use super::digits::{are_digits, is_repeated, number, number_at};
use super::{Check, Form};
use std::ops::RangeInclusive;

pub(super) const CHECKS: &[Check] = &[
    Check { name: "not_a_date", form: Form::Compact, worth: 0, run: not_a_date },
    // Nearly all that is written like a date is one: a pass says nothing.
    Check { name: "birth_date", form: Form::Raw, worth: 0, run: birth_date },
    Check { name: "birth_date_of_old", form: Form::Raw, worth: 0, run: birth_date_of_old },
    Check { name: "birth_date_buddhist", form: Form::Raw, worth: 0, run: birth_date_buddhist },
];

/// Years in which somebody alive was born.
const YEARS: RangeInclusive<u64> = 1900..=2025;
/// Years in which somebody was born who may have papers and an account of his own.
const OLD_YEARS: RangeInclusive<u64> = 1900..=2012;
/// How many years the Buddhist calendar is ahead.
const BUDDHIST: u64 = 543;

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

/// Returns whether `text` is a day on which somebody alive may have been born, in any usual order.
///
/// # Source
/// ISO 8601-1 §5.2.2 (year, month, day), and Unicode CLDR, date formats: day and month in either order, then the year.
fn birth_date(text: &[u8]) -> bool {
    is_day_within(text, &YEARS, 0)
}

/// Returns whether `text` is a day on which somebody who has grown up may have been born; see [`birth_date`].
fn birth_date_of_old(text: &[u8]) -> bool {
    is_day_within(text, &OLD_YEARS, 0)
}

/// Returns whether `text` is such a day with a year of the Buddhist calendar, four digits of it.
///
/// # Source
/// Unicode CLDR, `buddhist` calendar: months and days are the Gregorian ones, the year is 543 ahead.
fn birth_date_buddhist(text: &[u8]) -> bool {
    is_day_within(text, &YEARS, BUDDHIST)
}

/// Returns whether `text` writes a day of one of `years`, which it writes `ahead` years later: three numbers with one sign between
/// them, eight digits, or a day and a year around the name of a month, whose length is not looked up. Years of two digits are of
/// either century.
fn is_day_within(text: &[u8], years: &RangeInclusive<u64>, ahead: u64) -> bool {
    let of_year = |year: u64| year.checked_sub(ahead).filter(|year| years.contains(year));
    let is_either = |year, a, b| is_date(year, a, b) || is_date(year, b, a);
    let is_day = |year: &[u8], a: u64, b: u64| match (year.len(), number(year)) {
        (4, Some(year)) => of_year(year).is_some_and(|year| is_either(year, a, b)),
        (2, Some(year)) if ahead == 0 => is_either(1900 + year, a, b) || is_either(2000 + year, a, b),
        _ => false,
    };
    let mut numbers = text.split(|b| !b.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let (first, second, third) = (numbers.next(), numbers.next(), numbers.next());
    if numbers.next().is_some() {
        return false;
    }
    match (first, second, third) {
        (Some(a), Some(b), Some(c)) => {
            let mut signs = text.iter().filter(|b| b.is_ascii_punctuation());
            let is_one = signs.next() == signs.next();
            let (Some(second), true) = (number(b), is_one && b.len() <= 2) else { return false };
            match (number(a), number(c)) {
                // The year first, and the month behind it.
                (Some(year), Some(day)) if a.len() == 4 && c.len() <= 2 => {
                    of_year(year).is_some_and(|year| is_date(year, second, day))
                }
                (Some(first), _) if a.len() <= 2 => is_day(c, first, second),
                _ => false,
            }
        }
        (Some(day), Some(year), None) if day.len() <= 2 && text.iter().any(u8::is_ascii_alphabetic) => {
            number(day).is_some_and(|day| (1..=31).contains(&day) && is_day(year, 1, day))
        }
        (Some(digits), None, None) if digits.len() == 8 && digits.len() == text.len() => {
            let at = |from, to| number_at(digits, from, to).unwrap_or(0);
            of_year(at(0, 4)).is_some_and(|year| is_date(year, at(4, 6), at(6, 8)))
                || of_year(at(4, 8)).is_some_and(|year| is_either(year, at(0, 2), at(2, 4)))
        }
        _ => false,
    }
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

    #[test]
    fn births() {
        // Whether it is a birth date, and whether it is that of somebody who has grown up.
        for (text, expected) in [
            ("12/04/1996", (true, true)),
            ("04/25/1996", (true, true)),
            ("25-4-1996", (true, true)),
            ("1.1.2000", (true, true)),
            ("12. 4. 1996", (true, true)),
            ("1996-04-12", (true, true)),
            ("1996年4月12日", (true, true)),
            ("12 April 1996", (true, true)),
            ("12th of April 96", (true, true)),
            ("12/04/96", (true, true)),
            ("19960412", (true, true)),
            ("12041996", (true, true)),
            ("04251996", (true, true)),
            ("29.02.2012", (true, true)),
            ("31/12/2013", (true, false)),
            ("2025-12-31", (true, false)),
            ("20250229", (false, false)),
            ("29.02.2013", (false, false)),
            ("31/04/1996", (false, false)),
            ("25/25/1996", (false, false)),
            ("1996-25-04", (false, false)),
            ("12/04-1996", (false, false)),
            ("12/04/1899", (false, false)),
            ("12/04/2026", (false, false)),
            ("32 April 1996", (false, false)),
            ("0 April 1996", (false, false)),
            ("12/04/996", (false, false)),
            ("12/1996", (false, false)),
            ("04/1996/12", (false, false)),
            ("12/04/1996/1", (false, false)),
            ("1996", (false, false)),
            ("x19960412", (false, false)),
            ("", (false, false)),
        ] {
            assert_eq!((birth_date(text.as_bytes()), birth_date_of_old(text.as_bytes())), expected, "{text}");
        }
        for (text, expected) in [
            ("12/04/2539", true),
            ("29/02/2543", true),
            ("29/02/2540", false),
            ("12/04/2442", false),
            ("12/04/2569", false),
            ("12/04/1996", false),
            ("12/04/39", false),
        ] {
            assert_eq!(birth_date_buddhist(text.as_bytes()), expected, "{text}");
        }
    }
}
