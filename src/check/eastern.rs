//! Numbers that the states of central, eastern and south-eastern Europe and of the Caucasus issue.
//!
//! One row is one scheme. Where a scheme is a weighted sum and nothing else, the row is all there is of it.

use super::date::{has_ddmmyy, has_yymmdd, is_date};
use super::digits::{are_digits, is_repeated, number, number_at};
use super::iso7064::mod_11_10;
use super::luhn::luhn;
use super::weighted::{Rest, ends_in, in_two_rounds, is_at, is_multiple, place, split_check, value_sum, weighted_sum};
use super::western::after;
use super::{Check, Form};

const fn row(name: &'static str, worth: i16, run: fn(&[u8]) -> bool) -> Check {
    Check { name, form: Form::Compact, worth, run }
}

/// Weights from one to nine and on from one.
const UP: &[u32] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1];
const UP_3: &[u32] = &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3];

pub(super) const CHECKS: &[Check] = &[
    // GRAO Bulgaria, EGN: day (20 or 40 more in the month for other centuries), sum by 11.
    row("bg_egn", 82, bg_egn),
    // Ministry of the Interior Bulgaria, LNCh: weights by ten.
    row("bg_pnf", 33, |n| ends_in(n, &[21, 19, 17, 13, 11, 9, 7, 3, 1], 10, Rest::Same) && !is_repeated(n)),
    row("bg_vat", 33, bg_vat),
    // Ministry of Taxes Belarus, UNP: two letters may stand for the first digits, weights by 11.
    row("by_unp", 35, by_unp),
    // Tax Department Cyprus, TIC: odd places by a table, letter by 26.
    row("cy_vat", 48, cy_vat),
    // Zákon 133/2000 Sb. and 301/1995 Z. z., rodné číslo: day (women 50 more), multiple of 11 since 1954.
    row("cz_rc", 76, cz_rc),
    // ČSÚ and ŠÚ SR, IČO: eleven less the sum by 11.
    row("cz_ico", 35, |n| ends_in(n, &[8, 7, 6, 5, 4, 3, 2], 11, Rest::Complement) && !is_repeated(n)),
    row("cz_vat", 34, cz_vat),
    row("sk_vat", 45, |n| {
        let n = after(n, b"SK");
        n.len() == 10
            && !n.starts_with(b"0")
            && matches!(n.get(2), Some(b'2' | b'3' | b'4' | b'7' | b'8' | b'9'))
            && number(n).is_some_and(|n| n % 11 == 0)
    }),
    // Rahvastikuregister, isikukood, and Gyventojų registras, asmens kodas: century and sex, day, two rounds by 11.
    row("baltic_person", 92, baltic_person),
    // Lithuania gives numbers from 9 to those whose day of birth is not known.
    row("lt_person", 70, |n| baltic_person(n) || n.starts_with(b"9") && !is_repeated(n) && in_two_rounds(n, UP, UP_3)),
    // EMTA, KMKR: weights 3, 7, 1 by ten.
    row("ee_vat", 33, |n| is_multiple(after(n, b"EE"), &[3, 7, 1, 3, 7, 1, 3, 7, 1], 10)),
    // Äriregister, registrikood: two rounds by 11.
    row("ee_registrikood", 34, |n| {
        in_two_rounds(n, &[1, 2, 3, 4, 5, 6, 7], &[3, 4, 5, 6, 7, 8, 9])
            && !is_repeated(n)
            && matches!(n.first(), Some(b'1' | b'7'..=b'9'))
    }),
    row("lt_vat", 50, lt_vat),
    // PMLP, personas kods: day, sum by 11; since 2017 from 32 and without a day.
    row("lv_personas_kods", 82, lv_person),
    row("lv_vat", 34, |n| {
        let n = after(n, b"LV");
        // A person trades under the personal number, whose last digit follows from the others here.
        lv_person(n) && lv_sum(n)
            || n.first().is_some_and(|first| *first > b'3')
                && weighted_sum(n, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]).is_some_and(|sum| sum % 11 == 3)
    }),
    // ΗΔΙΚΑ, ΑΜΚΑ: day, Luhn.
    row("gr_amka", 81, |n| n.len() == 11 && has_ddmmyy(n, 0) && luhn(n)),
    // ΑΑΔΕ, ΑΦΜ: powers of two by 11.
    row("gr_vat", 35, |n| {
        let n = n.strip_prefix(b"EL").or_else(|| n.strip_prefix(b"GR")).unwrap_or(n);
        ends_in(n, &[256, 128, 64, 32, 16, 8, 4, 2], 11, Rest::Same) && !is_repeated(n)
    }),
    // Porezna uprava, OIB: ISO 7064 MOD 11,10.
    row("hr_oib", 33, |n| after(n, b"HR").len() == 11 && mod_11_10(after(n, b"HR")) && !is_repeated(n)),
    // NAV, adószám: weights 9, 7, 3, 1 by ten; personal tax number: begins with 8, sum by 11.
    row("hu_vat", 33, |n| {
        let n = after(n, b"HU");
        let eight = n.get(..8).unwrap_or_default();
        matches!(n.len(), 8 | 11)
            && are_digits(n)
            && !is_repeated(eight)
            && is_multiple(eight, &[9, 7, 3, 1, 9, 7, 3, 1], 10)
    }),
    row("hu_tax_id", 68, |n| n.starts_with(b"8") && ends_in(n, &[1, 2, 3, 4, 5, 6, 7, 8, 9], 11, Rest::SameOrNone)),
    // 1996. évi XX. törvény: TAJ, weights 3 and 7 by ten.
    row("hu_taj", 33, |n| ends_in(n, &[3, 7, 3, 7, 3, 7, 3, 7], 10, Rest::Same) && !is_repeated(n)),
    // The same law: personal number, day, sum by 11 (weights turned round for births since 1997).
    row("hu_person", 85, hu_person),
    // MAI Moldova, IDNO and IDNP: weights 7, 3, 1 by ten.
    row("md_idno", 33, |n| ends_in(n, &[7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1], 10, Rest::Same) && !is_repeated(n)),
    // JMBG, Zakon o jedinstvenom matičnom broju građana 1976: day, register, sum by 11.
    row("ba_jmbg", 110, |n| jmbg(n, 10..=19)),
    row("me_jmbg", 110, |n| jmbg(n, 20..=29)),
    row("hr_jmbg", 110, |n| jmbg(n, 30..=39)),
    row("mk_embg", 110, |n| jmbg(n, 40..=49)),
    row("si_emso", 110, |n| jmbg(n, 50..=59)),
    row("rs_jmbg", 105, |n| jmbg(n, 70..=89)),
    row("xk_jmbg", 110, |n| jmbg(n, 90..=99)),
    row("me_pib", 35, |n| ends_in(n, &[8, 7, 6, 5, 4, 3, 2], 11, Rest::Less) && !is_repeated(n)),
    row("mk_edb", 45, |n| {
        let n = after(n, b"MK");
        matches!(n.first(), Some(b'4' | b'5' | b'8'))
            && ends_in(n, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 11, Rest::Less)
    }),
    row("rs_pib", 33, |n| after(n, b"RS").len() == 9 && mod_11_10(after(n, b"RS")) && !is_repeated(n)),
    // Ustawa o ewidencji ludności, PESEL: day (20 more in the month for each century), weights by ten.
    row("pl_pesel", 70, pl_pesel),
    // Ministerstwo Finansów, NIP, and GUS, REGON: weights by 11.
    row("pl_nip", 36, |n| {
        let n = after(n, b"PL");
        ends_in(n, &[6, 5, 7, 2, 3, 4, 5, 6, 7], 11, Rest::SameOrNone) && !is_repeated(n)
    }),
    row("pl_regon", 35, |n| {
        let nine = n.get(..9).unwrap_or_default();
        let long = [2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8];
        ends_in(nine, &[8, 9, 2, 3, 4, 5, 6, 7], 11, Rest::Same)
            && !is_repeated(n)
            && (n.len() == 9 || ends_in(n, &long, 11, Rest::Same))
    }),
    // Rozporządzenie MSWiA, dowód osobisty: letters as numbers, weights 7, 3, 1 by ten; passports the same way.
    row("pl_id_card", 33, |n| value_sum(n, &[7, 3, 1, 9, 7, 3, 1, 7, 3]).is_some_and(|sum| sum % 10 == 0)),
    row("pl_passport", 33, |n| value_sum(n, &[7, 3, 9, 1, 7, 3, 1, 7, 3]).is_some_and(|sum| sum % 10 == 0)),
    // OUG 97/2005, CNP: sex and century, day, county, sum by 11.
    row("ro_cnp", 105, ro_cnp),
    // Codul fiscal, cod de înregistrare în scopuri de TVA: the CUI, or the CNP of a person.
    row("ro_vat", 35, |n| ro_cui(n) || ro_cnp(after(n, b"RO"))),
    // Codul fiscal, CUI: up to ten digits, weights by 11.
    row("ro_cui", 33, ro_cui),
    // FNS, INN of ten and twelve digits.
    row("ru_inn", 40, ru_inn),
    // FNS, OGRN (13 digits) and OGRNIP (15 digits).
    row("ru_ogrn", 40, |n| {
        let Some((check, body)) = split_check(n) else { return false };
        let by = match n.len() {
            13 => 11,
            15 => 13,
            _ => return false,
        };
        // Organisations begin with 1 or 5 (and 2, 4, 6 to 9 for other entries), sole traders with 3.
        (n.first() == Some(&b'3')) == (by == 13)
            && !n.starts_with(b"0")
            && matches!(number_at(n, 3, 5), Some(1..=99))
            && number(body).is_some_and(|body| body % by % 10 == u64::from(check))
    }),
    // PFR, SNILS: weights 9 to 1, by 101.
    row("ru_snils", 66, |n| {
        let (Some(body), Some(check)) = (n.get(..9), number_at(n, 9, 11)) else { return false };
        n.len() == 11
            && !is_repeated(n)
            && weighted_sum(body, &[9, 8, 7, 6, 5, 4, 3, 2, 1]).is_some_and(|sum| u64::from(sum % 101 % 100) == check)
    }),
    // FURS, davčna številka: eleven less the sum by 11.
    row("si_vat", 36, |n| {
        let n = after(n, b"SI");
        let sum = n.get(..7).and_then(|body| weighted_sum(body, &[8, 7, 6, 5, 4, 3, 2]));
        !n.starts_with(b"0")
            && !is_repeated(n)
            && sum.is_some_and(|sum| sum % 11 != 0)
            && ends_in(n, &[8, 7, 6, 5, 4, 3, 2], 11, Rest::Less)
    }),
    // AJPES, matična številka: seven digits, then three characters of the unit.
    row("si_maticna", 35, |n| {
        let body = n.get(..6).and_then(|body| weighted_sum(body, &[7, 6, 5, 4, 3, 2]));
        matches!(n.len(), 7 | 10)
            && body.is_some_and(|sum| sum % 11 != 0)
            && n.get(..7).is_some_and(|n| ends_in(n, &[7, 6, 5, 4, 3, 2], 11, Rest::Less) && !is_repeated(n))
    }),
    // NVI Türkiye, T.C. kimlik numarası: two sums by ten.
    row("tr_tckimlik", 66, tr_tckimlik),
    // GİB, vergi kimlik numarası: powers of two by nine.
    row("tr_vkn", 33, |n| tr_vkn(after(n, b"TR"))),
    // Karayolları Trafik Yönetmeliği: province 01 to 81.
    row("tr_plate", 3, |n| number_at(n, 0, 2).is_some_and(|province| (1..=81).contains(&province))),
    // DPS Ukraine, RNOKPP: weights by 11; EDRPOU by range.
    row("ua_rntrc", 35, |n| ends_in(n, &[10, 5, 7, 9, 4, 6, 10, 5, 7], 11, Rest::Same) && !is_repeated(n)),
    row("ua_edrpou", 34, |n| {
        let middle = number(n).is_some_and(|n| (30_000_000..=60_000_000).contains(&n));
        let (one, two): (&[u32], &[u32]) = if middle {
            (&[7, 1, 2, 3, 4, 5, 6], &[9, 3, 4, 5, 6, 7, 8])
        } else {
            (&[1, 2, 3, 4, 5, 6, 7], &[3, 4, 5, 6, 7, 8, 9])
        };
        in_two_rounds(n, one, two) && !is_repeated(n)
    }),
    // Vergilər Nazirliyi, VÖEN: sum by 11 at the ninth place, kind of person at the tenth.
    row("az_voen", 58, |n| {
        let mut ten = [b'0'; 10];
        let Some(skip) = 10_usize.checked_sub(n.len()).filter(|&n| n <= 1) else { return false };
        ten.iter_mut().skip(skip).zip(n).for_each(|(place, &byte)| *place = byte);
        matches!(n.last(), Some(b'1' | b'2'))
            && ten.get(..9).is_some_and(|n| ends_in(n, &[4, 1, 8, 6, 2, 7, 5, 3], 11, Rest::SameOrNone))
    }),
];

/// The six digits from `YYMMDD` with `month` instead of the one written.
fn day_with(digits: &[u8], month: u64) -> bool {
    let (Some(year), Some(day)) = (number_at(digits, 0, 2), number_at(digits, 4, 6)) else { return false };
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

fn bg_egn(digits: &[u8]) -> bool {
    let Some(month) = number_at(digits, 2, 4) else { return false };
    digits.len() == 10
        && day_with(
            digits,
            if month > 40 {
                month - 40
            } else if month > 20 {
                month - 20
            } else {
                month
            },
        )
        && ends_in(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6], 11, Rest::Same)
}

fn bg_vat(text: &[u8]) -> bool {
    let digits = after(text, b"BG");
    match digits.len() {
        9 => in_two_rounds(digits, &[1, 2, 3, 4, 5, 6, 7, 8], &[3, 4, 5, 6, 7, 8, 9, 10]),
        10 => {
            bg_egn(digits)
                || ends_in(digits, &[21, 19, 17, 13, 11, 9, 7, 3, 1], 10, Rest::Same)
                || ends_in(digits, &[4, 3, 2, 7, 6, 5, 4, 3, 2], 11, Rest::LessOrNone)
        }
        _ => false,
    }
}

fn by_unp(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"BY").filter(|rest| rest.len() == 9).unwrap_or(text);
    let mut digits = [0; 9];
    if text.len() != digits.len() {
        return false;
    }
    digits.copy_from_slice(text);
    let [first, second, ..] = &mut digits;
    // Both letters or none.
    if first.is_ascii_digit() != second.is_ascii_digit() {
        return false;
    }
    if !matches!(first, b'1'..=b'7' | b'A' | b'B' | b'C' | b'E' | b'H' | b'K' | b'M') {
        return false;
    }
    if let Some(at) = place(b"ABCEHKMOPT", *second) {
        *second = b'0' + u8::try_from(at).unwrap_or(0);
    }
    let Some((check, body)) = split_check(&digits) else { return false };
    !is_repeated(text) && value_sum(body, &[29, 23, 19, 17, 13, 7, 5, 3]).is_some_and(|sum| sum % 11 == check)
}

fn cy_vat(text: &[u8]) -> bool {
    const ODD: [u32; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let text = after(text, b"CY");
    let Some((&letter, digits)) = text.split_last() else { return false };
    let sum = digits.iter().enumerate().try_fold(0, |sum, (at, &byte)| {
        let digit = byte.is_ascii_digit().then(|| usize::from(byte - b'0'))?;
        Some(sum + if at % 2 == 0 { *ODD.get(digit)? } else { u32::try_from(digit).ok()? })
    });
    digits.len() == 8
        && !digits.starts_with(b"12")
        && sum.is_some_and(|sum| is_at(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", sum % 26, letter))
}

fn cz_rc(digits: &[u8]) -> bool {
    let (Some(year), Some(month)) = (number_at(digits, 0, 2), number_at(digits, 2, 4)) else { return false };
    let month = month % 50;
    let month = if month > 20 { month - 20 } else { month };
    day_with(digits, month)
        && match digits.len() {
            // Nine digits end with 1953; whoever was born before 1900 has a year from 80.
            9 => matches!(year, 0..=53 | 80..=99) && !digits.ends_with(b"000"),
            10 => {
                let Some((check, body)) = split_check(digits) else { return false };
                let rest = number(body).map(|body| body % 11);
                // Until 1985 a remainder of ten was written as zero.
                rest.is_some_and(|rest| rest == u64::from(check) || rest == 10 && check == 0)
            }
            _ => false,
        }
}

fn cz_vat(text: &[u8]) -> bool {
    let digits = after(text, b"CZ");
    match digits {
        [b'6', rest @ ..] if rest.len() == 8 => {
            let Some((check, body)) = split_check(rest) else { return false };
            let special = weighted_sum(body, &[8, 7, 6, 5, 4, 3, 2])
                .is_some_and(|sum| 8_u32.checked_sub((21 - sum % 11) % 11) == Some(check));
            special || cz_rc(digits)
        }
        _ if digits.len() == 8 => {
            !digits.starts_with(b"9") && ends_in(digits, &[8, 7, 6, 5, 4, 3, 2], 11, Rest::Complement)
        }
        _ => cz_rc(digits),
    }
}

fn baltic_person(digits: &[u8]) -> bool {
    matches!(digits.first(), Some(b'1'..=b'8')) && has_yymmdd(digits, 1) && in_two_rounds(digits, UP, UP_3)
}

fn lt_vat(text: &[u8]) -> bool {
    let digits = after(text, b"LT");
    match digits.len() {
        9 => {
            digits.get(7) == Some(&b'1') && in_two_rounds(digits, &[1, 2, 3, 4, 5, 6, 7, 8], &[3, 4, 5, 6, 7, 8, 9, 1])
        }
        12 => {
            digits.get(10) == Some(&b'1')
                && in_two_rounds(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4])
        }
        _ => false,
    }
}

fn lv_person(digits: &[u8]) -> bool {
    (digits.starts_with(b"32") && digits.len() == 11 && are_digits(digits)) || (has_ddmmyy(digits, 0) && lv_sum(digits))
}

fn lv_sum(digits: &[u8]) -> bool {
    split_check(digits).is_some_and(|(check, body)| {
        weighted_sum(body, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]).is_some_and(|sum| (1 + sum) % 11 % 10 == check)
    })
}

fn hu_person(digits: &[u8]) -> bool {
    const DOWN: &[u32] = &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
    const UPWARDS: &[u32] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    matches!(digits.first(), Some(b'1'..=b'8'))
        && has_yymmdd(digits, 1)
        && (ends_in(digits, DOWN, 11, Rest::SameOrNone) || ends_in(digits, UPWARDS, 11, Rest::SameOrNone))
}

fn jmbg(digits: &[u8], regions: std::ops::RangeInclusive<u64>) -> bool {
    let (Some(day), Some(month), Some(year)) =
        (number_at(digits, 0, 2), number_at(digits, 2, 4), number_at(digits, 4, 7))
    else {
        return false;
    };
    let year = if year < 800 { 2000 + year } else { 1000 + year };
    digits.len() == 13
        && is_date(year, month, day)
        && number_at(digits, 7, 9).is_some_and(|region| regions.contains(&region))
        && ends_in(digits, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 11, Rest::Less)
}

fn pl_pesel(digits: &[u8]) -> bool {
    let Some(month) = number_at(digits, 2, 4) else { return false };
    day_with(digits, month % 20)
        && matches!(month, 1..=12 | 21..=32 | 41..=52 | 61..=72 | 81..=92)
        && is_multiple(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10)
}

fn ro_cnp(digits: &[u8]) -> bool {
    let Some((check, body)) = split_check(digits) else { return false };
    let Some(sum) = weighted_sum(body, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) else { return false };
    let county = number_at(digits, 7, 9);
    matches!(digits.first(), Some(b'1'..=b'9'))
        && has_yymmdd(digits, 1)
        && county.is_some_and(|county| matches!(county, 1..=48 | 51 | 52 | 70 | 80..=83 | 90..=99))
        && check == if sum % 11 == 10 { 1 } else { sum % 11 }
}

fn ro_cui(text: &[u8]) -> bool {
    let digits = after(text, b"RO");
    let Some((check, body)) = split_check(digits) else { return false };
    let weights: &[u32] = &[7, 5, 3, 2, 1, 7, 5, 3, 2];
    let Some(skip) = weights.len().checked_sub(body.len()) else { return false };
    (2..=10).contains(&digits.len())
        && !digits.starts_with(b"0")
        && weights
            .get(skip..)
            .and_then(|weights| weighted_sum(body, weights))
            .is_some_and(|sum| sum * 10 % 11 % 10 == check)
}

fn ru_inn(digits: &[u8]) -> bool {
    const LAST: &[u32] = &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    !is_repeated(digits)
        && match digits.len() {
            10 => ends_in(digits, &[2, 4, 10, 3, 5, 9, 4, 6, 8], 11, Rest::Same),
            12 => {
                digits.get(..11).is_some_and(|n| ends_in(n, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], 11, Rest::Same))
                    && ends_in(digits, LAST, 11, Rest::Same)
            }
            _ => false,
        }
}

fn tr_tckimlik(digits: &[u8]) -> bool {
    let Some((last, ten)) = split_check(digits) else { return false };
    let Some((tenth, nine)) = split_check(ten) else { return false };
    let (Some(odd), Some(even)) =
        (weighted_sum(nine, &[1, 0, 1, 0, 1, 0, 1, 0, 1]), weighted_sum(nine, &[0, 1, 0, 1, 0, 1, 0, 1, 0]))
    else {
        return false;
    };
    !digits.starts_with(b"0") && (odd * 7 + 90 - even) % 10 == tenth && (odd + even + tenth) % 10 == last
}

fn tr_vkn(digits: &[u8]) -> bool {
    let Some((check, body)) = split_check(digits) else { return false };
    if body.len() != 9 || !are_digits(body) || is_repeated(digits) {
        return false;
    }
    let sum: u32 = body
        .iter()
        .rev()
        .zip(1_u32..)
        .map(|(&byte, at)| {
            let moved = (u32::from(byte - b'0') + at) % 10;
            let product = (moved << at) % 9;
            if moved != 0 && product == 0 { 9 } else { product }
        })
        .sum();
    (10 - sum % 10) % 10 == check
}
