//! Numbers that African states issue.

use super::date::{has_ddmmyy, has_yymmdd, has_yyyymmdd, starts_with_yymmdd};
use super::digits::{are_digits, is_repeated, number, number_at};
use super::luhn::luhn;
use super::weighted::{Rest, ends_in, is_at, value};
use super::{Check, Form};

const fn row(name: &'static str, worth: i16, run: fn(&[u8]) -> bool) -> Check {
    Check { name, form: Form::Compact, worth, run }
}

pub(super) const CHECKS: &[Check] = &[
    // Luhn passes one in ten, a date of six digits one in 27, the citizenship digit three in ten.
    Check { name: "za_idnr", form: Form::Compact, worth: 98, run: za_idnr },
    // SARS, tax reference number: first digit 0 to 3 or 9, Luhn.
    row("za_tin", 45, |n| n.len() == 10 && matches!(n.first(), Some(b'0'..=b'3' | b'9')) && !is_repeated(n) && luhn(n)),
    // وزارة الداخلية, national number of Egypt: century, day, governorate.
    row("eg_national_id", 80, |n| {
        n.len() == 14
            && matches!(n.first(), Some(b'2' | b'3'))
            && has_yymmdd(n, 1)
            && number_at(n, 7, 9).is_some_and(|g| matches!(g, 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88))
            && are_digits(n)
    }),
    // GRA Ghana, TIN: letter of the kind, 00, weights 1 to 9 by 11, X for ten.
    row("gh_tin", 35, |n| {
        let Some((&check, body)) = n.split_last() else { return false };
        let Some((b'C' | b'G' | b'P' | b'Q' | b'V', digits)) = body.split_first() else { return false };
        let sum: u32 = digits.iter().zip(1..).map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight).sum();
        n.len() == 11 && are_digits(digits) && digits.starts_with(b"00") && is_at(b"0123456789X", sum % 11, check)
    }),
    // DGI Guinée, NIF permanent: Luhn.
    row("gn_nifp", 33, |n| n.len() == 9 && !is_repeated(n) && luhn(n)),
    // OMPIC Maroc, ICE: MOD 97-10.
    row("ma_ice", 66, |n| n.len() == 15 && !is_repeated(n) && number(n).is_some_and(|n| n % 97 == 0 && n > 0)),
    // Civil Status Division Mauritius: letter, day, serial, character by 17.
    row("mu_nid", 90, |n| {
        let Some((&check, body)) = n.split_last() else { return false };
        let sum = body.iter().zip((2..=14).rev()).try_fold(0, |sum, (&byte, w)| Some(sum + value(byte)? * w));
        n.len() == 14
            && has_ddmmyy(n, 1)
            && sum.is_some_and(|sum| is_at(b"0123456789ABCDEFG", (17 - sum % 17) % 17, check))
    }),
    // Autoridade Tributária de Moçambique, NUIT: weights by 11.
    row("mz_nuit", 35, |n| {
        let Some((&check, body)) = n.split_last() else { return false };
        super::weighted::weighted_sum(body, &[8, 9, 4, 5, 6, 7, 8, 9])
            .is_some_and(|sum| is_at(b"01234567891", sum % 11, check))
            && !is_repeated(n)
    }),
    // Home Affairs Namibia: day. NIDA Tanzania: day. NIDA Rwanda: status, year, sex.
    row("na_national_id", 48, |n| n.len() == 11 && are_digits(n) && has_yymmdd(n, 0)),
    row("tz_nida", 90, |n| n.len() == 20 && are_digits(n) && has_yyyymmdd(n, 0)),
    row("rw_nid", 90, |n| {
        n.len() == 16
            && are_digits(n)
            && matches!(n.first(), Some(b'1'..=b'3'))
            && number_at(n, 1, 5).is_some_and(|year| (1900..2030).contains(&year))
            && matches!(n.get(5), Some(b'7' | b'8'))
    }),
    // Ministère des Finances de Tunisie, matricule fiscal: up to seven digits, a letter without I, O, U; then the letters of
    // VAT and of the sort of taxpayer and the number of the establishment, which only a branch (E) has.
    row("tn_mf", 20, |n| {
        let digits = n.iter().take_while(|b| b.is_ascii_digit()).count();
        let (Some(&key), Some(rest)) = (n.get(digits), n.get(digits + 1..)) else { return false };
        (1..=7).contains(&digits)
            && key.is_ascii_uppercase()
            && !matches!(key, b'I' | b'O' | b'U')
            && match rest {
                [] => true,
                [b'A' | b'B' | b'D' | b'F' | b'N' | b'P', sort @ (b'C' | b'E' | b'M' | b'N' | b'P'), branch @ ..] => {
                    branch.len() == 3 && are_digits(branch) && (branch == b"000") == (*sort != b'E')
                }
                _ => false,
            }
    }),
    // DGID Sénégal, NINEA: weights 1 and 2 by ten.
    row("sn_ninea", 33, |n| {
        let digits = match n.len() {
            7 | 9 => n,
            _ => n.get(..n.len().saturating_sub(3)).unwrap_or_default(),
        };
        // The first digit behind it is the sort of taxpayer.
        let is_sort = |n: &[u8]| matches!(n.first(), None | Some(b'0'..=b'2'));
        is_sort(n.get(digits.len()..).unwrap_or_default())
            && match digits.len() {
                7 => ends_in(digits, &[1, 2, 1, 2, 1, 2], 10, Rest::Less),
                9 => ends_in(digits, &[1, 2, 1, 2, 1, 2, 1, 2], 10, Rest::Less),
                _ => false,
            }
    }),
    // Registrar General of Zimbabwe: letter of the remainder by 23.
    row("zw_national_id", 45, |n| {
        let letter = n.iter().position(u8::is_ascii_uppercase).unwrap_or(0);
        let (Some(body), Some(&check), Some(district)) = (n.get(..letter), n.get(letter), n.get(letter + 1..)) else {
            return false;
        };
        let at = number(body).and_then(|body| u32::try_from((body + 22) % 23).ok());
        district.len() == 2 && are_digits(district) && at.is_some_and(|at| is_at(b"ABCDEFGHJKLMNPQRSTVWXYZ", at, check))
    }),
    // CBN, BVN: eleven digits from 22. Civil registry of Libya: sex, year of birth.
    row("ng_bvn", 66, |n| n.len() == 11 && n.starts_with(b"22") && are_digits(n)),
    row("ly_national_id", 60, |n| {
        n.len() == 12
            && matches!(n.first(), Some(b'1' | b'2'))
            && number_at(n, 1, 5).is_some_and(|year| (1900..2030).contains(&year))
            && are_digits(n)
    }),
    // NIRA Uganda: citizen, alien or other, sex, year, serial.
    row("ug_nin", 66, |n| {
        matches!(n.first(), Some(b'C' | b'A' | b'P'))
            && matches!(n.get(1), Some(b'M' | b'F'))
            && number_at(n, 2, 7).is_some()
    }),
    // Omang Botswana: nine digits, the fifth tells the sex.
    row("bw_omang", 23, |n| n.len() == 9 && are_digits(n) && matches!(n.get(4), Some(b'1' | b'2'))),
];

/// Returns whether `digits` is a South African identity number: date of birth, sequence, citizenship (0 citizen, 1 permanent
/// resident, 2 refugee), a digit without meaning since 1986, Luhn.
///
/// # Source
/// Department of Home Affairs, Identification Act 68 of 1997 §7 and its regulations; Luhn by ISO/IEC 7812-1.
#[must_use]
pub(super) fn za_idnr(digits: &[u8]) -> bool {
    digits.len() == 13 && matches!(digits.get(10), Some(b'0'..=b'2')) && starts_with_yymmdd(digits) && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::za_idnr;

    #[test]
    fn south_africa() {
        for (text, expected) in [
            ("8001015009087", true),  // the number on the specimen document
            ("8001015009086", false), // check digit
            ("8013015009083", false), // month
            ("8001015009384", false), // citizenship
            ("0000000000000", false),
            ("800101500908", false),
            ("", false),
        ] {
            assert_eq!(za_idnr(text.as_bytes()), expected, "{text}");
        }
    }
}
