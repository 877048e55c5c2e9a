//! What people type to be let in.

use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    // It says what a value is not, and words say what it is.
    Check { name: "password", form: Form::Raw, worth: 0, run: password },
];

/// Fewest bytes of one. Shorter values that words stand before are mostly rooms, versions and amounts.
const FEWEST: usize = 5;
/// What stands behind amounts, in lower case.
const UNITS: &[&[u8]] = &[
    b"st", b"nd", b"rd", b"th", b"am", b"pm", b"h", b"hr", b"hrs", b"hour", b"hours", b"min", b"mins", b"minute",
    b"minutes", b"s", b"sec", b"secs", b"seconds", b"day", b"days", b"week", b"weeks", b"month", b"months", b"year",
    b"years", b"yr", b"yrs", b"x", b"k", b"m", b"kb", b"mb", b"gb", b"tb", b"bit", b"bits", b"byte", b"bytes", b"px",
    b"mm", b"cm", b"km", b"kg", b"lb", b"lbs", b"char", b"chars", b"digit", b"digits", b"times", b"usd", b"eur",
    b"ksh", b"rwf", b"ugx", b"tzs",
];

/// Returns whether `text` may be a password of letters, digits and signs: both letters and digits, not an amount with its unit,
/// and no sign at its end that is the sentence's.
///
/// # Source
/// NIST SP 800-63B §5.1.1.2: any printing character may stand in one. Amounts and ends are what people write, no standard.
fn password(text: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    let n_digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let unit = text.get(n_digits..).unwrap_or_default().to_ascii_lowercase();
    text.len() >= FEWEST
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && text.iter().all(u8::is_ascii_graphic)
        && !text.last().is_some_and(|last| b".,;:?-'\")]}>".contains(last))
        && !(n_digits > 0 && UNITS.contains(&unit.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        for (text, expected) in [
            ("hunter2", true),
            ("Tr0ub4dor&3", true),
            ("abc123!", true),
            ("2Fast", true),
            ("123abc", true),
            ("correct-horse9", true),
            ("24hours", false),
            ("1000KB", false),
            ("12345", false),
            ("horse", false),
            ("ab1", false),
            ("hunter2.", false),
            ("hunter2?", false),
            ("hunter 2", false),
            ("", false),
        ] {
            assert_eq!(password(text.as_bytes()), expected, "{text}");
        }
    }
}
