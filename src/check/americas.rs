//! Numbers that American states issue.

use super::date::{has_ddmmyy, has_yymmdd};
use super::digits::{are_digits, is_repeated, number, number_at};
use super::luhn::luhn;
use super::weighted::{Rest, ends_in, is_at, is_multiple, place, split_check, weighted_sum};
use super::{Check, Form};

const fn row(name: &'static str, worth: i16, run: fn(&[u8]) -> bool) -> Check {
    Check { name, form: Form::Compact, worth, run }
}

pub(super) const CHECKS: &[Check] = &[
    Check { name: "br_cpf", form: Form::Compact, worth: 66, run: br_cpf },
    Check { name: "us_ssn", form: Form::Compact, worth: 2, run: us_ssn },
    Check { name: "us_itin", form: Form::Compact, worth: 12, run: us_itin },
    // AFIP, CUIT and CUIL: kind of holder, weights by 11.
    row("ar_cuit", 65, |n| {
        let kind = matches!(n.get(..2), Some(b"20" | b"23" | b"24" | b"25" | b"26" | b"27" | b"30" | b"33" | b"34" | b"50" | b"51" | b"55"));
        let n = n.get(..11).filter(|_| n.len() == 11).unwrap_or_default();
        kind && split_check(n).is_some_and(|(check, body)| {
            weighted_sum(body, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2])
                .is_some_and(|sum| [0, 9, 9, 8, 7, 6, 5, 4, 3, 2, 1].get(sum as usize % 11) == Some(&check))
        })
    }),
    // BCRA, Comunicación «A» 2622, CBU: a check digit for bank and branch, one for the account.
    row("ar_cbu", 66, |n| {
        let (Some(bank), Some(account)) = (n.get(..8), n.get(8..)) else { return false };
        !is_repeated(n)
            && is_multiple(bank, &[7, 1, 3, 9, 7, 1, 3, 1], 10)
            && is_multiple(account, &[3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3, 1], 10)
    }),
    // Receita Federal, Instrução Normativa RFB 2119/2022 (CNPJ; letters since 2026): two sums by 11 over ASCII less 48.
    row("br_cnpj", 66, br_cnpj),
    // Service Canada, SIN: Luhn, does not begin with 0 or 8.
    row("ca_sin", 36, |n| n.len() == 9 && !matches!(n.first(), Some(b'0' | b'8')) && !is_repeated(n) && luhn(n)),
    // British Columbia, personal health number: begins with 9, sum by 11.
    row("ca_bc_phn", 68, |n| match n {
        [b'9', rest @ ..] => ends_in(rest, &[2, 4, 8, 5, 10, 9, 7, 3], 11, Rest::LessOrNone),
        _ => false,
    }),
    // Ontario, health number: ten digits, Luhn, and a version code.
    row("ca_ohip", 36, |n| {
        let ten = n.get(..10).unwrap_or_default();
        !n.starts_with(b"0") && luhn(ten) && n.get(10..).is_some_and(|version| version.iter().all(u8::is_ascii_uppercase))
    }),
    // RAMQ: four letters of the name, day (women 50 more in the month), two digits.
    row("ca_ramq", 48, |n| {
        let mut day = [0; 6];
        day.copy_from_slice(n.get(4..10).unwrap_or(&[0; 6]));
        if let [_, _, tens @ b'5'..=b'6', ..] = &mut day {
            *tens -= 5;
        }
        n.len() == 12 && has_yymmdd(&day, 0) && n.get(10..).is_some_and(are_digits)
    }),
    // CRA, business number: Luhn; program and reference behind it.
    row("ca_bn", 33, |n| n.get(..9).is_some_and(|nine| luhn(nine) && !is_repeated(nine))),
    // Servicio de Registro Civil, RUN: weights 2 to 7 from the right by 11, K for ten.
    row("cl_rut", 35, |n| {
        let Some((&check, body)) = n.split_last() else { return false };
        let sum = rising(body, &[2, 3, 4, 5, 6, 7]);
        (7..=8).contains(&body.len()) && !is_repeated(body) && sum.is_some_and(|sum| is_at(b"0K987654321", sum % 11, check))
    }),
    // DIAN, NIT: prime weights from the right by 11.
    row("co_nit", 35, |n| {
        let Some((&check, body)) = n.split_last() else { return false };
        let sum = rising(body, &[3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71]);
        (7..=15).contains(&body.len()) && sum.is_some_and(|sum| is_at(b"01987654321", sum % 11, check)) && !is_repeated(n)
    }),
    // Tribunal Supremo de Elecciones, cédula: province, volume, entry.
    row("cr_cpf", 3, |n| match n.len() {
        9 => matches!(n.first(), Some(b'1'..=b'9')),
        10 => n.starts_with(b"0") && !n.starts_with(b"00"),
        _ => false,
    } && are_digits(n)),
    // Registro Nacional de Costa Rica, cédula jurídica: class, kind, number.
    row("cr_cpj", 20, cr_cpj),
    // DGME, DIMEX: eleven or twelve digits from 1.
    row("cr_dimex", 33, |n| matches!(n.len(), 11 | 12) && n.starts_with(b"1") && are_digits(n)),
    // Cuba, carné de identidad: day of birth.
    row("cu_ni", 48, |n| n.len() == 11 && has_yymmdd(n, 0)),
    // JCE, cédula: Luhn. DGII, RNC: weights by 11. NCF: form and type of the receipt.
    row("do_cedula", 33, |n| n.len() == 11 && !is_repeated(n) && luhn(n)),
    row("do_rnc", 35, |n| {
        split_check(n).is_some_and(|(check, body)| {
            weighted_sum(body, &[7, 9, 8, 6, 5, 4, 3, 2]).is_some_and(|sum| (10 - sum % 11) % 9 + 1 == check)
        }) && !is_repeated(n)
    }),
    row("do_ncf", 20, do_ncf),
    // Registro Civil, cédula: province, third digit, Luhn. SRI, RUC: natural, public, private.
    row("ec_ci", 60, ec_ci),
    // 24 provinces of 100, eight third digits of ten, one check digit of ten.
    row("ec_ruc", 57, ec_ruc),
    // SAT Guatemala, NIT: weights from the right by 11, K for ten. RENAP, CUI: sum of eight digits by 11, department.
    row("gt_nit", 35, |n| {
        let Some((&check, body)) = n.split_last() else { return false };
        let sum = rising(body, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        (1..=11).contains(&body.len()) && sum.is_some_and(|sum| is_at(b"0K987654321", sum % 11, check))
    }),
    row("gt_cui", 60, |n| {
        let (Some(nine), Some(department), Some(town)) = (n.get(..9), number_at(n, 9, 11), number_at(n, 11, 13)) else {
            return false;
        };
        n.len() == 13
            && (1..=22).contains(&department)
            && (1..=40).contains(&town)
            && ends_in(nine, &[2, 3, 4, 5, 6, 7, 8, 9], 11, Rest::SameOrNone)
    }),
    // RENAPO, CURP: day, sex, state, digit by ten over an alphabet of 37.
    row("mx_curp", 115, mx_curp),
    // SAT, RFC: name, day, three characters.
    Check { name: "mx_rfc", form: Form::Raw, worth: 50, run: mx_rfc },
    row("mx_elector", 60, |n| n.len() == 18 && has_yymmdd(n, 6)),
    // IMSS, NSS: Luhn. Banxico, CLABE: weights 3, 7, 1 by ten.
    row("mx_nss", 33, |n| n.len() == 11 && !is_repeated(n) && luhn(n)),
    row("mx_clabe", 33, |n| {
        let three = |digits: &[u8]| {
            let Some((check, body)) = split_check(digits) else { return false };
            let sum: u32 = body.iter().zip([3, 7, 1].into_iter().cycle()).map(|(b, w)| u32::from(b - b'0') * w % 10).sum();
            (10 - sum % 10) % 10 == check
        };
        n.len() == 18 && are_digits(n) && !is_repeated(n) && three(n)
    }),
    // Consejo Supremo Electoral, cédula: town, day, serial, letter.
    row("ni_cedula", 48, |n| n.len() == 14 && has_ddmmyy(n, 3)),
    // RENIEC, CUI: digit or letter of a sum by 11. SUNAT, RUC: kind, weights by 11.
    row("pe_cui", 35, |n| {
        // Many write it as it stands on the front, without the ninth place.
        let Some((&check, body)) = n.split_last().filter(|_| n.len() > 8) else { return n.len() == 8 && are_digits(n) };
        weighted_sum(body, &[3, 2, 7, 6, 5, 4, 3, 2])
            .is_some_and(|sum| is_at(b"65432110987", sum % 11, check) || is_at(b"KJIHGFEDCBA", sum % 11, check))
    }),
    row("pe_ruc", 75, |n| {
        matches!(n.get(..2), Some(b"10" | b"15" | b"16" | b"17" | b"20"))
            && ends_in(n, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 11, Rest::Complement)
    }),
    // DNIT Paraguay, RUC: weights from the right by 11.
    row("py_ruc", 35, |n| {
        let Some((check, body)) = split_check(n) else { return false };
        let sum = rising(body, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        (4..=8).contains(&body.len()) && sum.is_some_and(|sum| (11 - sum % 11) % 11 % 10 == check)
    }),
    // Ministerio de Hacienda de El Salvador, NIT: two sets of weights by serial. RNPN, DUI: weights by ten.
    row("sv_nit", 50, |n| {
        let Some(serial) = number_at(n, 10, 13) else { return false };
        matches!(n.first(), Some(b'0' | b'1' | b'9'))
            && if serial <= 100 {
                ends_in(n, &[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2], 11, Rest::Same)
            } else {
                ends_in(n, &[2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 11, Rest::Less)
            }
    }),
    row("sv_dui", 33, |n| ends_in(n, &[9, 8, 7, 6, 5, 4, 3, 2], 10, Rest::Less) && !is_repeated(n)),
    // IRS: adoption (9xx-93) and preparer numbers; employer prefixes that are assigned.
    row("us_atin", 40, |n| n.len() == 9 && n.starts_with(b"9") && n.get(3..5) == Some(b"93")),
    row("us_ein", 4, us_ein),
    row("us_tin", 2, |n| us_ssn(n) || us_itin(n) || us_ein(n)),
    // ABA: range of the Federal Reserve district, weights 3, 7, 1 by ten.
    row("us_aba", 48, |n| {
        number_at(n, 0, 2).is_some_and(|head| matches!(head, 1..=12 | 21..=32 | 61..=72 | 80))
            && is_multiple(n, &[3, 7, 1, 3, 7, 1, 3, 7, 1], 10)
    }),
    // CMS: NPI, Luhn with 80840 in front; MBI and HICN, classes of places.
    row("us_npi", 55, |n| {
        let mut card = *b"808400000000000";
        card.iter_mut().skip(5).zip(n).for_each(|(place, &byte)| *place = byte);
        n.len() == 10 && matches!(n.first(), Some(b'1' | b'2')) && luhn(&card)
    }),
    // CMS, MBI format: each of the eleven places is a digit, a letter, or either; no S, L, O, I, B, Z.
    row("us_mbi", 30, |n| {
        let letter = |b: u8| b.is_ascii_uppercase() && !matches!(b, b'S' | b'L' | b'O' | b'I' | b'B' | b'Z');
        n.len() == 11
            && !n.starts_with(b"0")
            && n.iter().zip(b"NAMNAMNAANN").all(|(&b, &class)| match class {
                b'N' => b.is_ascii_digit(),
                b'A' => letter(b),
                _ => b.is_ascii_digit() || letter(b),
            })
    }),
    // DEA: letters of the registrant, (1st + 3rd + 5th) + 2 (2nd + 4th + 6th) by ten.
    row("us_dea", 33, |n| n.get(2..).is_some_and(|n| ends_in(n, &[1, 2, 1, 2, 1, 2], 10, Rest::Same))),
    // DNIC Uruguay, cédula: weights by ten. DGI, RUT: weights by 11.
    row("uy_ci", 33, |n| {
        let mut eight = [b'0'; 8];
        let skip = 8_usize.saturating_sub(n.len());
        eight.iter_mut().skip(skip).zip(n).for_each(|(place, &byte)| *place = byte);
        matches!(n.len(), 7 | 8) && !is_repeated(n) && ends_in(&eight, &[2, 9, 8, 7, 6, 3, 4], 10, Rest::Less)
    }),
    row("uy_rut", 65, |n| {
        number_at(n, 0, 2).is_some_and(|head| (1..=22).contains(&head))
            && n.get(2..8) != Some(b"000000")
            && n.get(8..11) == Some(b"001")
            && ends_in(n, &[4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], 11, Rest::LessOrNone)
    }),
    // SENIAT, RIF: the letter weighs, sum by 11.
    row("ve_rif", 35, |n| {
        let [first, digits @ ..] = n else { return false };
        let letter = match first {
            b'V' => 4,
            b'E' => 8,
            b'J' | b'C' => 12,
            b'P' => 16,
            b'G' => 20,
            _ => return false,
        };
        let Some((&check, body)) = digits.split_last() else { return false };
        weighted_sum(body, &[3, 2, 7, 6, 5, 4, 3, 2])
            .is_some_and(|sum| is_at(b"00987654321", (sum + letter) % 11, check))
    }),
];

/// The sum of `digits` times `weights` counted from the right, over and over.
fn rising(digits: &[u8], weights: &[u32]) -> Option<u32> {
    are_digits(digits).then(|| {
        digits.iter().rev().zip(weights.iter().cycle()).map(|(&byte, &weight)| u32::from(byte - b'0') * weight).sum()
    })
}

/// Returns whether `text` is a Brazilian company number (CNPJ): twelve digits, since July 2026 also letters, and two check digits.
///
/// # Source
/// Receita Federal, Instrução Normativa RFB 2229/2024: weights 2 to 9 from the right by 11 over ASCII less 48.
fn br_cnpj(text: &[u8]) -> bool {
    let digit = |body: &[u8]| {
        let sum: u32 = body
            .iter()
            .rev()
            .zip((2..=9).cycle())
            .map(|(&byte, weight)| u32::from(byte.wrapping_sub(48)) * weight)
            .sum();
        if sum % 11 < 2 { 0 } else { 11 - sum % 11 }
    };
    let (Some(body), Some(thirteen), Some(check)) = (text.get(..12), text.get(..13), number_at(text, 12, 14)) else {
        return false;
    };
    text.len() == 14
        && text.iter().all(u8::is_ascii_alphanumeric)
        && !is_repeated(body)
        && u64::from(digit(body) * 10 + digit(thirteen)) == check
}

fn cr_cpj(digits: &[u8]) -> bool {
    let Some(kind) = number_at(digits, 1, 4) else { return false };
    digits.len() == 10
        && are_digits(digits)
        && match digits.first() {
            Some(b'2') => matches!(kind, 100 | 200 | 300 | 400),
            Some(b'3') => matches!(kind, 2..=14 | 101..=110),
            Some(b'4') => kind == 0,
            Some(b'5') => kind == 1,
            _ => false,
        }
}

fn do_ncf(text: &[u8]) -> bool {
    let kind = match text.len() {
        13 if text.starts_with(b"E") => number_at(text, 1, 3).filter(|kind| matches!(kind, 31..=34 | 41 | 43..=47)),
        11 if text.starts_with(b"B") => number_at(text, 1, 3).filter(|kind| matches!(kind, 1..=4 | 11..=17)),
        19 if text.starts_with(b"A") || text.starts_with(b"P") => {
            number_at(text, 9, 11).filter(|kind| matches!(kind, 1..=4 | 11..=17))
        }
        _ => None,
    };
    kind.is_some() && text.get(1..).is_some_and(are_digits)
}

fn ec_province(digits: &[u8]) -> bool {
    number_at(digits, 0, 2).is_some_and(|province| matches!(province, 1..=24 | 30 | 50))
}

fn ec_ci(digits: &[u8]) -> bool {
    digits.len() == 10 && ec_province(digits) && matches!(digits.get(2), Some(b'0'..=b'6')) && luhn(digits)
}

fn ec_ruc(digits: &[u8]) -> bool {
    let public = || {
        digits.get(9..).is_some_and(|n| n != b"0000")
            && digits.get(..9).is_some_and(|n| is_multiple(n, &[3, 2, 7, 6, 5, 4, 3, 2, 1], 11))
    };
    let Some(ten) = digits.get(..10) else { return false };
    let branch = digits.get(10..).is_some_and(|n| n != b"000");
    digits.len() == 13
        && are_digits(digits)
        && ec_province(digits)
        && match digits.get(2) {
            Some(b'0'..=b'5') => branch && ec_ci(ten),
            Some(b'6') => public() || branch && ec_ci(ten),
            Some(b'9') => branch && is_multiple(ten, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1], 11),
            _ => false,
        }
}

fn mx_curp(text: &[u8]) -> bool {
    /// The letter Ñ stands between N and O and does not occur in the compact form.
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ";
    const STATES: &[&[u8; 2]] = &[
        b"AS", b"BC", b"BS", b"CC", b"CH", b"CL", b"CM", b"CS", b"DF", b"DG", b"GR", b"GT", b"HG", b"JC", b"MC", b"MN",
        b"MS", b"NE", b"NL", b"NT", b"OC", b"PL", b"QR", b"QT", b"SL", b"SP", b"SR", b"TC", b"TL", b"TS", b"VZ", b"YN",
        b"ZS",
    ];
    let Some((check, body)) = split_check(text) else { return false };
    let sum =
        body.iter().zip((2..=18).rev()).try_fold(0, |sum, (&byte, weight)| Some(sum + place(ALPHABET, byte)? * weight));
    text.len() == 18
        && has_yymmdd(text, 4)
        && matches!(text.get(10), Some(b'H' | b'M' | b'X'))
        && text.get(11..13).is_some_and(|state| STATES.iter().any(|known| *known == state))
        && sum.is_some_and(|sum| (10 - sum % 10) % 10 == check)
}

/// Returns whether `text` is a taxpayer number of Mexico: three letters of a company, among them `&`, or four of a person, a
/// day, three characters.
///
/// # Source
/// SAT, Anexo 1 de la RMF, estructura del RFC.
fn mx_rfc(text: &[u8]) -> bool {
    let mut compact = [0; 13];
    let mut len = 0;
    for &byte in text {
        let byte = match byte {
            b'-' | b' ' | b'.' => continue,
            b'&' => b'N',
            other => other.to_ascii_uppercase(),
        };
        let Some(place) = compact.get_mut(len) else { return false };
        *place = byte;
        len += 1;
    }
    let Some(n) = compact.get(..len) else { return false };
    let letters = n.len().saturating_sub(9);
    matches!(letters, 3 | 4)
        && n.iter().take(letters).all(u8::is_ascii_uppercase)
        && n.iter().all(u8::is_ascii_alphanumeric)
        && has_yymmdd(n, letters)
}

fn us_ein(digits: &[u8]) -> bool {
    number_at(digits, 0, 2).is_some_and(|prefix| {
        matches!(prefix, 1..=6 | 10..=16 | 20..=27 | 30..=48 | 50..=68 | 71..=77 | 80..=88 | 90..=95 | 98 | 99)
    }) && digits.len() == 9
        && number(digits).is_some()
}

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
