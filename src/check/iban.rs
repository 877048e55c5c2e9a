//! International bank account numbers: country, length, structure, MOD 97-10.

use super::digits::number_at;
use super::iso7064::remainder_97;
use super::weighted::weighted_sum;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    // 97 for the remainder; country, length and structure pass about one candidate in eight of the pattern.
    Check { name: "iban", form: Form::Compact, worth: 96, run: iban },
    // Written without its country, as at home: length and 97.
    Check { name: "pl_nrb", form: Form::Compact, worth: 66, run: pl_nrb },
];

/// Country and the structure of what follows the check digits: runs of digits (`n`), letters (`a`), either (`c`); by country.
const COUNTRIES: &[(&[u8; 2], &str)] = &[
    (b"AD", "8n12c"),
    (b"AE", "19n"),
    (b"AL", "8n16c"),
    (b"AT", "16n"),
    (b"AZ", "4a20c"),
    (b"BA", "16n"),
    (b"BE", "12n"),
    (b"BG", "4a6n8c"),
    (b"BH", "4a14c"),
    (b"BI", "23n"),
    (b"BR", "23n1a1c"),
    (b"BY", "4c4n16c"),
    (b"CH", "5n12c"),
    (b"CR", "18n"),
    (b"CY", "8n16c"),
    (b"CZ", "20n"),
    (b"DE", "18n"),
    (b"DJ", "23n"),
    (b"DK", "14n"),
    (b"DO", "4c20n"),
    (b"EE", "16n"),
    (b"EG", "25n"),
    (b"ES", "20n"),
    (b"FI", "14n"),
    (b"FK", "2a12n"),
    (b"FO", "14n"),
    (b"FR", "10n11c2n"),
    (b"GB", "4a14n"),
    (b"GE", "2a16n"),
    (b"GI", "4a15c"),
    (b"GL", "14n"),
    (b"GR", "7n16c"),
    (b"GT", "24c"),
    (b"HN", "4a20n"),
    (b"HR", "17n"),
    (b"HU", "24n"),
    (b"IE", "4a14n"),
    (b"IL", "19n"),
    (b"IQ", "4a15n"),
    (b"IS", "22n"),
    (b"IT", "1a10n12c"),
    (b"JO", "4a4n18c"),
    (b"KW", "4a22c"),
    (b"KZ", "3n13c"),
    (b"LB", "4n20c"),
    (b"LC", "4a24c"),
    (b"LI", "5n12c"),
    (b"LT", "16n"),
    (b"LU", "3n13c"),
    (b"LV", "4a13c"),
    (b"LY", "21n"),
    (b"MC", "10n11c2n"),
    (b"MD", "20c"),
    (b"ME", "18n"),
    (b"MK", "3n10c2n"),
    (b"MN", "16n"),
    (b"MR", "23n"),
    (b"MT", "4a5n18c"),
    (b"MU", "4a19n3a"),
    (b"NI", "4a20n"),
    (b"NL", "4a10n"),
    (b"NO", "11n"),
    (b"OM", "3n16c"),
    (b"PK", "4a16c"),
    (b"PL", "24n"),
    (b"PS", "4a21c"),
    (b"PT", "21n"),
    (b"QA", "4a21c"),
    (b"RO", "4a16c"),
    (b"RS", "18n"),
    (b"RU", "14n15c"),
    (b"SA", "2n18c"),
    (b"SC", "4a20n3a"),
    (b"SD", "14n"),
    (b"SE", "20n"),
    (b"SI", "15n"),
    (b"SK", "20n"),
    (b"SM", "1a10n12c"),
    (b"SO", "19n"),
    (b"ST", "21n"),
    (b"SV", "4a20n"),
    (b"TL", "19n"),
    (b"TN", "20n"),
    (b"TR", "6n16c"),
    (b"UA", "6n19c"),
    (b"VA", "18n"),
    (b"VG", "4a16n"),
    (b"XK", "16n"),
    (b"YE", "4a4n18c"),
];

/// Not in the registry, printed by banks in the same form with the same check digits: the central banks of West and
/// Central Africa (BCEAO, BEAC) and of Algeria, Angola, Cabo Verde, Comoros, Guinea-Bissau, Iran, Madagascar, Morocco
/// and Mozambique prescribe them for payments.
const UNREGISTERED: &[(&[u8; 2], &str)] = &[
    (b"AO", "21n"),
    (b"BF", "2c22n"),
    (b"BJ", "2c22n"),
    (b"CF", "23n"),
    (b"CG", "23n"),
    (b"CI", "2c22n"),
    (b"CM", "23n"),
    (b"CV", "21n"),
    (b"DZ", "22n"),
    (b"GA", "23n"),
    (b"GQ", "23n"),
    (b"GW", "2c19n"),
    (b"IR", "22n"),
    (b"KM", "23n"),
    (b"MA", "24n"),
    (b"MG", "23n"),
    (b"ML", "2c22n"),
    (b"MZ", "21n"),
    (b"NE", "2c22n"),
    (b"SN", "2c22n"),
    (b"TD", "23n"),
    (b"TG", "2c22n"),
];

/// Returns the structure of the account numbers of a country.
fn structure_of(country: &[u8; 2]) -> Option<&'static str> {
    let find = |table: &[(&[u8; 2], &'static str)]| {
        let at = table.binary_search_by_key(&country, |(country, _)| country).ok()?;
        table.get(at).map(|(_, structure)| *structure)
    };
    find(COUNTRIES).or_else(|| find(UNREGISTERED))
}

/// Returns whether `text` is an IBAN: a country that has them, its length and structure, check digits.
///
/// Belgium, Spain, Montenegro and Norway put check digits of their own into every account number; these are asked for.
///
/// # Units
/// Upper-case letters and digits, separators already removed.
///
/// # Cost
/// A search in a table of 111 rows, then two passes; no allocation.
///
/// # Source
/// ISO 13616-1 and the SWIFT IBAN registry (ISO 13616 registration authority); MOD 97-10 of ISO 7064.
#[must_use]
pub(super) fn iban(text: &[u8]) -> bool {
    let [a, b, c, d, account @ ..] = text else { return false };
    let country = [*a, *b];
    let Some(structure) = structure_of(&country) else { return false };
    // Check digits run from 02 to 98: 00, 01 and 99 have the right remainder and are never computed.
    let check_digits = [*c, *d];
    check_digits.iter().all(u8::is_ascii_digit)
        && !matches!(&check_digits, b"00" | b"01" | b"99")
        && follows(account, structure)
        && remainder_97(account.iter().chain([a, b, c, d]).copied()) == Some(1)
        && match &country {
            b"BE" => is_belgian(account),
            b"ES" => is_spanish(account),
            b"ME" => remainder_97(account.iter().copied()) == Some(1),
            b"NO" => is_norwegian(account),
            _ => true,
        }
}

/// Returns whether `digits` are a Polish account number without its country: an IBAN but for the letters.
///
/// # Source
/// Narodowy Bank Polski, standard NRB: 26 digits, MOD 97-10 with PL for the country.
fn pl_nrb(digits: &[u8]) -> bool {
    let mut text = [0; 28];
    let Some((country, number)) = text.split_first_chunk_mut() else { return false };
    *country = *b"PL";
    digits.len() == number.len() && {
        number.copy_from_slice(digits);
        iban(&text)
    }
}

/// The last two digits are the remainder of the first ten by 97, 97 for none (Febelfin, structure of the account number).
fn is_belgian(account: &[u8]) -> bool {
    let (Some(body), Some(check)) = (number_at(account, 0, 10), number_at(account, 10, 12)) else { return false };
    check == if body % 97 == 0 { 97 } else { body % 97 }
}

/// The ninth digit checks bank and branch, the tenth the account (Banco de España, Circular 8/1984: weights are powers of
/// two by 11).
fn is_spanish(account: &[u8]) -> bool {
    const WEIGHTS: &[u32] = &[1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let digit = |digits: Option<&[u8]>| {
        let digits = digits?;
        let sum = weighted_sum(digits, WEIGHTS.get(WEIGHTS.len().checked_sub(digits.len())?..)?)?;
        Some(match 11 - sum % 11 {
            10 => 1,
            11 => 0,
            digit => u64::from(digit),
        })
    };
    let (first, second) = (digit(account.get(..8)), digit(account.get(10..)));
    first.is_some() && first == number_at(account, 8, 9) && second.is_some() && second == number_at(account, 9, 10)
}

/// The last digit is a weighted sum by 11 (Bits, Norwegian account numbers).
fn is_norwegian(account: &[u8]) -> bool {
    weighted_sum(account, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_some_and(|sum| sum % 11 == 0)
}

/// Returns whether `text` follows `structure` to its end.
fn follows(text: &[u8], structure: &str) -> bool {
    let mut rest = text;
    let mut run = 0_usize;
    for byte in structure.bytes() {
        if byte.is_ascii_digit() {
            run = run * 10 + usize::from(byte - b'0');
            continue;
        }
        let Some((part, after)) = rest.split_at_checked(run) else { return false };
        let fits = match byte {
            b'n' => part.iter().all(u8::is_ascii_digit),
            b'a' => part.iter().all(u8::is_ascii_uppercase),
            _ => part.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()),
        };
        if !fits {
            return false;
        }
        rest = after;
        run = 0;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_registry() {
        for (text, expected) in [
            ("AD1200012030200359100100", true),
            ("AE070331234567890123456", true),
            ("BE68539007547034", true),
            ("BR1800360305000010009795493C1", true),
            ("CH9300762011623852957", true),
            ("DE89370400440532013000", true),
            ("EG380019000500000000263180002", true),
            ("ES9121000418450200051332", true),
            ("FR1420041010050500013M02606", true),
            ("GB29NWBK60161331926819", true),
            ("IT60X0542811101000000123456", true),
            ("LC55HEMM000100010012001200023015", true),
            ("MT84MALT011000012345MTLCAST001S", true),
            ("MU17BOMM0101101030300200000MUR", true),
            ("NL91ABNA0417164300", true),
            ("NO9386011117947", true),
            ("SA0380000000608010167519", true),
            ("TR330006100519786457841326", true),
            ("XK051212012345678906", true),
            ("ME25505000012345678951", true),
            ("BE41091811735141", false), // national check digits, the others are right
            ("ES2121000418450200051331", false),
            ("GB29NWBK60161331926818", false), // check digits
            ("GB29NWBK6016133192681", false),  // one short
            ("GB296016NWBK1331926819", false), // structure
            ("ZZ29NWBK60161331926819", false), // no such country
            ("gb29nwbk60161331926819", false), // not compact
            ("GB", false),
            ("", false),
        ] {
            assert_eq!(iban(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn structures_are_well_formed() {
        for (country, structure) in COUNTRIES.iter().chain(UNREGISTERED) {
            assert_eq!(structure_of(country), Some(*structure));
            let account: Vec<u8> = structure
                .split_inclusive(|c: char| c.is_ascii_alphabetic())
                .flat_map(|part| {
                    let (n, class) = part.split_at(part.len() - 1);
                    std::iter::repeat_n(if class == "a" { b'A' } else { b'1' }, n.parse().unwrap())
                })
                .collect();
            assert!(follows(&account, structure), "{}", String::from_utf8_lossy(*country));
            assert!((11..=30).contains(&account.len()));
        }
    }
}
