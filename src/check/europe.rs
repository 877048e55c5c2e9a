//! Numbers that European states issue.

use super::digits::{are_digits, is_repeated, number, number_at};
use super::iso7064::mod_11_10;
use super::weighted::{split_check, weighted_sum};
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    // MOD 11,10 passes one in ten, the rule about repeated digits 3.8 % of the rest.
    Check { name: "de_idnr", form: Form::Compact, worth: 80, run: de_idnr },
    Check { name: "es_dni", form: Form::Compact, worth: 45, run: es_dni },
    Check { name: "es_nie", form: Form::Compact, worth: 45, run: es_nie },
    Check { name: "es_nif", form: Form::Compact, worth: 45, run: es_nif },
    // 97 for the key; sex and month pass about one in four.
    Check { name: "fr_nir", form: Form::Compact, worth: 86, run: fr_nir },
    Check { name: "gb_nhs", form: Form::Compact, worth: 35, run: gb_nhs },
    Check { name: "gb_nino", form: Form::Compact, worth: 5, run: gb_nino },
];

/// Returns whether `digits` is a German tax identification number (IdNr): eleven digits, not from zero, of the first ten
/// exactly one occurs twice or three times and the others once at most, MOD 11,10.
///
/// That a digit which occurs three times never stands three times in a row is not asked for: few numbers are concerned, and
/// published test numbers break it.
///
/// # Source
/// Bundeszentralamt für Steuern, structure of the IdNr by § 139b AO and its check digit (ISO 7064 MOD 11,10); three
/// equal digits since 2016.
#[must_use]
pub(super) fn de_idnr(digits: &[u8]) -> bool {
    let Some(body) = digits.get(..10) else { return false };
    let mut counts = [0_u8; 10];
    for &byte in body {
        if let Some(count) = counts.get_mut(usize::from(byte.wrapping_sub(b'0'))) {
            *count += 1;
        }
    }
    let n_more = counts.iter().filter(|&&n| n > 1).count();
    digits.len() == 11
        && digits.first() != Some(&b'0')
        && n_more == 1
        && counts.iter().all(|&n| n <= 3)
        && mod_11_10(digits)
}

/// The letters of the Spanish numbers, by the remainder of 23.
const ES_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn es_letter_fits(number: u64, letter: u8) -> bool {
    usize::try_from(number % 23).ok().and_then(|at| ES_LETTERS.get(at)) == Some(&letter)
}

/// Returns whether `text` is the number of a Spanish identity document: eight digits and the letter of their remainder.
///
/// # Source
/// Ministerio del Interior, «Cálculo del dígito de control del NIF/NIE»; specimen `00000000T`, `12345678Z`.
#[must_use]
pub(super) fn es_dni(text: &[u8]) -> bool {
    let Some((&letter, digits)) = text.split_last() else { return false };
    digits.len() == 8 && number(digits).is_some_and(|number| es_letter_fits(number, letter))
}

/// Returns whether `text` is the number of a foreigner in Spain: `X`, `Y` or `Z` for a leading 0, 1 or 2, seven digits, the
/// letter.
///
/// # Source
/// As [`es_dni`]; Real Decreto 557/2011 article 206.
#[must_use]
pub(super) fn es_nie(text: &[u8]) -> bool {
    let [first @ b'X'..=b'Z', digits @ .., letter] = text else { return false };
    digits.len() == 7
        && number(digits).is_some_and(|number| es_letter_fits(u64::from(first - b'X') * 10_000_000 + number, *letter))
}

/// Returns whether `text` is the tax number of a person in Spain: a [DNI](es_dni), a [NIE](es_nie), or `K`, `L`, `M`, seven
/// digits and the letter (children, Spaniards abroad, foreigners without a NIE).
///
/// # Source
/// Orden EHA/451/2008 and Real Decreto 1065/2007 articles 19 and 20; the letter as in [`es_dni`].
#[must_use]
pub(super) fn es_nif(text: &[u8]) -> bool {
    let special = match text {
        [b'K'..=b'M', digits @ .., letter] if digits.len() == 7 => {
            number(digits).is_some_and(|number| es_letter_fits(number, *letter))
        }
        _ => false,
    };
    special || es_dni(text) || es_nie(text)
}

/// Returns whether `text` is a French social security number with its key: sex, year, month, department (`2A` and `2B` for
/// Corsica), commune, order, key.
///
/// # Source
/// INSEE, «Numéro d'inscription au répertoire (NIR)», décret 82-103: the key is 97 less the remainder of the thirteen
/// digits, `2A` read as 19 and `2B` as 18. Months 20 to 42 and 50 to 99 stand for unknown dates of birth.
#[must_use]
pub(super) fn fr_nir(text: &[u8]) -> bool {
    let mut compact = [0_u8; 15];
    if text.len() != compact.len() {
        return false;
    }
    compact.copy_from_slice(text);
    let corsica = match text.get(5..7) {
        Some(b"2A") => Some(b"19"),
        Some(b"2B") => Some(b"18"),
        _ => None,
    };
    if let (Some(stands_for), Some(department)) = (corsica, compact.get_mut(5..7)) {
        department.copy_from_slice(stands_for);
    }
    let (Some(body), Some(key)) = (number_at(&compact, 0, 13), number_at(&compact, 13, 15)) else { return false };
    let (Some(month), Some(department)) = (number_at(&compact, 3, 5), number_at(&compact, 5, 7)) else { return false };
    matches!(text.first(), Some(b'1'..=b'4' | b'7' | b'8'))
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && department != 0
        && compact.get(10..13) != Some(b"000")
        && key == 97 - body % 97
}

/// Returns whether `digits` is a number of the National Health Service of England, Wales and the Isle of Man: ten digits,
/// weighted sum by 11. Ten equal digits pass the sum and are not issued.
///
/// # Source
/// NHS Data Dictionary, «NHS NUMBER»; worked example `943 476 5919`. The range from 999 is for tests and is detected.
#[must_use]
pub(super) fn gb_nhs(digits: &[u8]) -> bool {
    let Some((check, body)) = split_check(digits) else { return false };
    let Some(sum) = weighted_sum(body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) else { return false };
    // A check digit of ten is not issued; eleven stands for zero.
    (11 - sum % 11) % 11 == check && !is_repeated(digits)
}

/// Returns whether `text` is a British national insurance number: two letters of an allocated prefix, six digits, and a
/// letter from `A` to `D`. There is no check digit.
///
/// # Source
/// HM Revenue & Customs, National Insurance Manual NIM39110: neither letter is D, F, I, Q, U or V, the second is not O, and
/// BG, GB, KN, NK, NT, TN and ZZ are not used.
#[must_use]
pub(super) fn gb_nino(text: &[u8]) -> bool {
    let [first, second, digits @ .., suffix] = text else { return false };
    let never = |letter: &u8| !letter.is_ascii_uppercase() || matches!(letter, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V');
    digits.len() == 6
        && are_digits(digits)
        && !never(first)
        && !never(second)
        && *second != b'O'
        && !matches!(&[*first, *second], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ")
        && matches!(suffix, b'A'..=b'D')
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
    fn germany() {
        // The first is the published sample of the tax administration's forms.
        check(
            de_idnr,
            &[
                ("86095742719", true),
                ("65929970489", true),
                ("36574261809", true),
                ("36574261808", false),
                ("12345678903", false), // no digit twice
                ("06574261809", false),
                ("3657426180", false),
                ("", false),
            ],
        );
    }

    #[test]
    fn spain() {
        check(
            es_dni,
            &[("12345678Z", true), ("00000000T", true), ("12345678A", false), ("X1234567L", false), ("", false)],
        );
        check(
            es_nie,
            &[("X0000000T", true), ("Y1234567X", true), ("Z1234567R", true), ("W1234567L", false), ("", false)],
        );
        check(
            es_nif,
            &[("12345678Z", true), ("X1234567L", true), ("M0000000T", true), ("A28123453", false), ("", false)],
        );
    }

    #[test]
    fn france() {
        // The first is the specimen that INSEE and the health insurance print.
        check(
            fr_nir,
            &[
                ("255081416802538", true),
                ("255081416802539", false),
                ("255131416802538", false),
                ("180012A00400122", false),
                ("", false),
            ],
        );
        let corsica = |department: &str, stands_for: u64| {
            let body = format!("18001{stands_for:02}004001").parse::<u64>().unwrap();
            format!("18001{department}004001{:02}", 97 - body % 97)
        };
        assert!(fr_nir(corsica("2A", 19).as_bytes()) && fr_nir(corsica("2B", 18).as_bytes()));
        assert!(!fr_nir(corsica("2C", 18).as_bytes()));
    }

    #[test]
    fn britain() {
        check(
            gb_nhs,
            &[("9434765919", true), ("9434765918", false), ("0000000000", false), ("943476591", false), ("", false)],
        );
        check(
            gb_nino,
            &[
                ("AB123456C", true),
                ("JG103759A", true),
                ("QQ123456C", false), // the specimen that HMRC prints because it is never issued
                ("GB123456A", false),
                ("AO123456A", false),
                ("AB123456E", false),
                ("AB12345A", false),
                ("", false),
            ],
        );
    }
}
