//! Numbers that the states of western and northern Europe issue, beside those of [`super::europe`].
//!
//! One row is one scheme. Where a scheme is a weighted sum and nothing else, the row is all there is of it.

use super::date::{has_ddmmyy, has_yymmdd, is_date};
use super::digits::{are_digits, is_repeated, number, number_at};
use super::europe::{es_dni, es_nie, es_nif};
use super::iso7064::{mod_11_10, mod_97_10, remainder_97};
use super::luhn::luhn;
use super::weighted::{Rest, ends_in, is_at, is_multiple, place, split_check, value, weighted_sum};
use super::{Check, Form};

const fn row(name: &'static str, worth: i16, run: fn(&[u8]) -> bool) -> Check {
    Check { name, form: Form::Compact, worth, run }
}

pub(super) const CHECKS: &[Check] = &[
    // Govern d'Andorra, Decret del número de registre tributari: letter of the kind, serial of its range, letter.
    row("ad_nrt", 10, ad_nrt),
    // Dachverband der Sozialversicherungsträger, Versicherungsnummer: the fourth digit is the sum of the others by 11. The
    // month goes on behind 12 where the serials of a day are used up.
    row("at_vnr", 60, at_vnr),
    // BMF Austria, structure of the Abgabenkontonummer: nine digits, Luhn.
    row("at_tin", 33, |n| n.len() == 9 && !is_repeated(n) && luhn(n)),
    // BMF Austria, Konstruktionsregeln der UID: U and eight digits, Luhn with a constant of four.
    row("at_vat", 33, at_vat),
    // Arrêté royal du 3 avril 1984 (registre national): 97 less the remainder, from 2000 with a 2 in front.
    row("be_nn", 95, |n| be_number(n, &[0])),
    // Arrêté royal du 8 février 1991 (BCSS): as the national number, month and 20 or 40.
    row("be_bis", 95, |n| be_number(n, &[20, 40])),
    row("be_ssn", 90, |n| be_number(n, &[0, 20, 40])),
    // SPF Intérieur, numéro de la carte d'identité: the last two are the remainder of the first ten by 97, or 97.
    row("be_eid", 66, |n| n.len() == 12 && remainder_or(n, 10, 97)),
    // SPF Économie, numéro d'entreprise: 97 less the remainder.
    row("be_vat", 76, be_vat),
    // Verordnung über die AHV (AHVV) art. 133; GS1 digit over 756 and nine digits.
    row("ch_ahv", 33, |n| n.len() == 13 && n.starts_with(b"756") && gs1(n)),
    // Bundesamt für Statistik, UID: eleven less the remainder.
    row("ch_uid", 35, ch_uid),
    // Deutsche Rentenversicherung, VKVV § 2: area, birth, letter of the name as two digits, serial, check digit.
    row("de_svnr", 75, de_svnr),
    // GKV-Spitzenverband, § 290 SGB V: letter as two digits, weights 1 and 2 in turn, sums of digits.
    row("de_kvnr", 33, de_kvnr),
    // Länder, structure of the Steuernummer: 10 or 11 digits, 13 in the form of ELSTER (0 at the fifth place).
    row("de_stnr", 8, de_stnr),
    // BZSt, USt-IdNr.: ISO 7064 MOD 11,10.
    row("de_vat", 33, |n| mod_11_10(after(n, b"DE")) && after(n, b"DE").len() == 9 && !n.starts_with(b"DE0")),
    // ICAO 9303: where a tenth character is written it is the check digit of the nine before it.
    row("icao_9", 3, icao_9),
    // CPR-kontoret, Personnummeret i CPR-systemet: a day of birth; the sum by 11 is not kept since 2007.
    // The seventh digit and the year tell the century.
    row("dk_cpr", 48, |n| {
        let (Some(year), Some(&seventh)) = (number_at(n, 4, 6), n.get(6)) else { return false };
        let century = match seventh {
            b'0'..=b'3' => 1900,
            b'4' | b'9' if year > 36 => 1900,
            b'5'..=b'8' if year > 57 => 1800,
            _ => 2000,
        };
        let (Some(month), Some(day)) = (number_at(n, 2, 4), number_at(n, 0, 2)) else { return false };
        n.len() == 10 && are_digits(n) && century + year <= LAST_BIRTH && is_date(century + year, month, day)
    }),
    // Erhvervsstyrelsen, CVR-nummer: sum by 11.
    row("dk_cvr", 35, |n| {
        let n = after(n, b"DK");
        is_multiple(n, &[2, 7, 6, 5, 4, 3, 2, 1], 11) && !n.starts_with(b"0")
    }),
    // TGSS, número de afiliación: province, number, remainder by 97.
    row("es_nuss", 68, es_nuss),
    // Orden EHA/451/2008: letter of the form, seven digits, digit or letter of a Luhn sum.
    row("es_cif", 33, es_cif),
    row("es_vat", 33, |n| {
        let n = after(n, b"ES");
        es_dni(n) || es_nie(n) || es_nif(n) || es_cif(n)
    }),
    // DVV, henkilötunnus: day, sign of the century, number, character of the remainder by 31.
    row("fi_hetu", 98, fi_hetu),
    // PRH and Verohallinto, Y-tunnus: sum by 11, a remainder of one is not issued.
    row("fi_ytunnus", 35, |n| is_multiple(after(n, b"FI"), &[7, 9, 10, 5, 8, 4, 2, 1], 11) && !is_repeated(n)),
    row("fi_veronumero", 33, |n| n.len() == 12 && !is_repeated(n) && luhn(n)),
    // DGFiP, numéro fiscal de référence (SPI): first digit 0 to 3, remainder of the first ten by 511.
    row("fr_nif", 99, |n| {
        n.len() == 13 && matches!(n.first(), Some(b'0'..=b'3')) && !is_repeated(n) && {
            let (body, check) = (number_at(n, 0, 10), number_at(n, 10, 13));
            body.is_some() && body.map(|body| body % 511) == check
        }
    }),
    // INSEE, SIREN and SIRET: Luhn; establishments of La Poste: sum of the digits by five.
    row("fr_siren", 33, |n| n.len() == 9 && !is_repeated(n) && luhn(n)),
    row("fr_siret", 40, fr_siret),
    // DGFiP, numéro de TVA intracommunautaire: key of two characters over the SIREN.
    row("fr_vat", 90, fr_vat),
    // HMRC, unique taxpayer reference: the first digit checks the nine others.
    row("gb_utr", 35, gb_utr),
    row("gb_tin", 5, |n| gb_utr(n) || super::europe::gb_nino(n)),
    // DVLA, INF104: no I, Q in the area, no I, Q in the letters behind; ages from 01.
    row("gb_plate", 12, |n| {
        let [a, b, c, d, rest @ ..] = n else { return false };
        [a, b].into_iter().all(|l| l.is_ascii_uppercase() && !matches!(l, b'I' | b'Q' | b'Z'))
            && number(&[*c, *d]).is_some_and(|age| age > 0)
            && rest.len() == 3
            && rest.iter().all(|l| l.is_ascii_uppercase() && !matches!(l, b'I' | b'Q'))
    }),
    // HMRC, VAT registration number: sum and last two digits are 0 or 42 by 97; GD and HA bodies have three digits.
    row("gb_vat", 56, gb_vat),
    // ISD Scotland, Community Health Index: a day of birth and the check digit of the NHS number.
    row("gb_chi", 83, |n| has_ddmmyy(n, 0) && super::europe::gb_nhs(n)),
    // DVLA, driver number: surname, decade, month (women 50 more), day, year, initials, three characters.
    row("gb_driver", 40, gb_driver),
    // Revenue, PPSN: letter of the sum by 23; a second letter weighs nine.
    row("ie_pps", 45, ie_pps),
    row("ie_vat", 45, ie_vat),
    // Þjóðskrá, kennitala: day (companies 40 more), sum by 11, century.
    row("is_kennitala", 95, is_kennitala),
    // CTIE Luxembourg, numéro d'identification: day, Luhn over twelve, Verhoeff over the first eleven and the last.
    row("lu_nin", 120, lu_nin),
    // AED Luxembourg, TVA: the last two digits are the remainder by 89.
    row("lu_vat", 65, |n| {
        let n = after(n, b"LU");
        n.len() == 8 && number_at(n, 0, 6).map(|body| body % 89) == number_at(n, 6, 8) && !is_repeated(n)
    }),
    // RvIG, burgerservicenummer: the eleven test.
    row("nl_bsn", 35, nl_bsn),
    // DUO, onderwijsnummer: begins with 10, the eleven test leaves five.
    row("nl_onderwijsnummer", 60, |n| {
        n.starts_with(b"10") && weighted_sum(n, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_some_and(|sum| sum % 11 == 5)
    }),
    // Belastingdienst, btw-id: a BSN or RSIN before the B, or MOD 97-10 with NL in front (since 2020).
    row("nl_vat", 32, nl_vat),
    // Skatteetaten, fødselsnummer: day (D-number 40 more), two sums by 11.
    row("no_fodselsnummer", 118, no_fodselsnummer),
    // Brønnøysundregistrene, organisasjonsnummer: sum by 11.
    row("no_orgnr", 35, |n| {
        let n = after(n, b"NO");
        is_multiple(n.strip_suffix(b"MVA").unwrap_or(n), &[3, 2, 7, 6, 5, 4, 3, 2, 1], 11)
    }),
    // Autoridade Tributária, NIF: sum by 11, a check digit of ten or eleven is zero.
    row("pt_nif", 40, |n| pt_nif(after(n, b"PT"))),
    // IRN, cartão de cidadão: Luhn with letters.
    row("pt_cc", 33, pt_cc),
    // Instituto da Segurança Social, NISS: prime weights by ten.
    row("pt_niss", 45, |n| {
        matches!(n.first(), Some(b'1' | b'2'))
            && split_check(n).is_some_and(|(check, body)| {
                weighted_sum(body, &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]).is_some_and(|sum| 9 - sum % 10 == check)
            })
    }),
    // Banco de Portugal, NIB: MOD 97-10.
    row("pt_nib", 66, |n| n.len() == 21 && are_digits(n) && mod_97_10(n)),
    // Skatteverket, personnummer (SKV 704) and samordningsnummer: day (60 more), Luhn over the last ten digits.
    row("se_personnummer", 81, |n| se_person(n, 0)),
    row("se_samordningsnummer", 85, |n| se_person(n, 60)),
    // Bolagsverket, organisationsnummer: third digit from 2, Luhn; VAT: 01 behind it.
    row("se_orgnr", 38, |n| n.len() == 10 && matches!(n.get(2), Some(b'2'..=b'9')) && luhn(n)),
    row("se_vat", 33, |n| {
        let n = after(n, b"SE");
        n.len() == 12 && n.ends_with(b"01") && n.get(..10).is_some_and(luhn)
    }),
    // Agenzia delle Entrate, partita IVA: Luhn, province at the eighth place.
    row("it_vat", 40, |n| {
        let n = after(n, b"IT");
        n.len() == 11
            && !n.starts_with(b"0000000")
            && matches!(number_at(n, 7, 10), Some(1..=100 | 120 | 121 | 888 | 999))
            && luhn(n)
    }),
    // DM 23 dicembre 1976, codice fiscale: consonants, year, month, day (women 40 more), place, letter of a table sum.
    row("it_codice_fiscale", 85, it_codice_fiscale),
    // VAT Department Malta: weighted sum by 37.
    row("mt_vat", 52, |n| {
        let n = after(n, b"MT");
        is_multiple(n, &[3, 4, 6, 7, 8, 9, 10, 1], 37) && !n.starts_with(b"0")
    }),
];

/// The last year of birth that a number may hold whose century is known: a little after this was written.
const LAST_BIRTH: u64 = 2030;

/// The text without `prefix`.
pub(super) fn after<'t>(text: &'t [u8], prefix: &[u8]) -> &'t [u8] {
    text.strip_prefix(prefix).unwrap_or(text)
}

/// Whether the two digits from `at` are the remainder of the digits before them by `modulus`, which stands for zero.
fn remainder_or(digits: &[u8], at: usize, modulus: u64) -> bool {
    let (Some(body), Some(check)) = (number_at(digits, 0, at), number_at(digits, at, at + 2)) else { return false };
    check == if body % modulus == 0 { modulus } else { body % modulus }
}

/// The check digit of GS1: weights one and three in turn.
///
/// # Source
/// GS1 General Specifications §7.9.
pub(super) fn gs1(digits: &[u8]) -> bool {
    let weight = |(at, &byte): (usize, &u8)| u32::from(byte - b'0') * if at % 2 == 0 { 1 } else { 3 };
    are_digits(digits) && digits.iter().rev().enumerate().map(weight).sum::<u32>() % 10 == 0
}

fn ad_nrt(text: &[u8]) -> bool {
    let [first, digits @ .., last] = text else { return false };
    let Some(serial) = number(digits) else { return false };
    digits.len() == 6
        && last.is_ascii_uppercase()
        && match first {
            b'F' => serial <= 699_999,
            b'A' | b'L' => (700_000..800_000).contains(&serial),
            b'C' | b'D' | b'E' | b'G' | b'O' | b'P' | b'U' => true,
            _ => false,
        }
}

fn at_vnr(digits: &[u8]) -> bool {
    let (Some(day), Some(month)) = (number_at(digits, 4, 6), number_at(digits, 6, 8)) else { return false };
    !digits.starts_with(b"0")
        && (1..=31).contains(&day)
        && (1..=16).contains(&month)
        && weighted_sum(digits, &[3, 7, 9, 10, 5, 8, 4, 2, 1, 6]).is_some_and(|sum| sum % 11 == 0)
}

fn at_vat(text: &[u8]) -> bool {
    let Some(digits) = after(text, b"AT").strip_prefix(b"U") else { return false };
    let Some((check, body)) = split_check(digits) else { return false };
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let weigh = |(at, &byte): (usize, &u8)| {
        let digit = u32::from(byte - b'0');
        if at % 2 == 0 { digit } else { doubled(digit) }
    };
    body.len() == 7 && are_digits(body) && (96 - body.iter().enumerate().map(weigh).sum::<u32>()) % 10 == check
}

/// A Belgian number of a person whose month is `added` more than one of the calendar. Month and day may be unknown (0).
fn be_number(digits: &[u8], added: &[u64]) -> bool {
    let (Some(body), Some(check)) = (number_at(digits, 0, 9), number_at(digits, 9, 11)) else { return false };
    let parts = (number_at(digits, 0, 2), number_at(digits, 2, 4), number_at(digits, 4, 6));
    let (Some(year), Some(month), Some(day)) = parts else { return false };
    let of = |century: u64, body: u64| {
        97 - body % 97 == check
            && added.iter().any(|&added| {
                month.checked_sub(added).is_some_and(|month| {
                    // A day that is not known is counted on, past those of the calendar too.
                    is_date(century + year, month, day)
                        || (month <= 12 && (month == 0 || day == 0 || day > 31) && century + year <= LAST_BIRTH)
                })
            })
    };
    digits.len() == 11 && !is_repeated(digits) && (of(1900, body) || of(2000, 2_000_000_000 + body))
}

fn be_vat(text: &[u8]) -> bool {
    let digits = after(text, b"BE");
    let (Some(number), true) = (number(digits), matches!(digits.len(), 9 | 10)) else { return false };
    (digits.len() == 9 || matches!(digits.first(), Some(b'0' | b'1')))
        && number / 100 > 0
        && 97 - number / 100 % 97 == number % 100
}

fn ch_uid(text: &[u8]) -> bool {
    let mut digits = after(text, b"CHE");
    for language in [&b"MWST"[..], b"TVA", b"IVA", b"TPV", b"HR"] {
        digits = digits.strip_suffix(language).unwrap_or(digits);
    }
    ends_in(digits, &[5, 4, 3, 2, 7, 6, 5, 4], 11, Rest::LessOrNone) && !digits.starts_with(b"00")
}

fn de_svnr(text: &[u8]) -> bool {
    let (Some(head), Some(&letter), Some(tail)) = (text.get(..8), text.get(8), text.get(9..)) else { return false };
    let Some(letter) = value(letter).and_then(|at| at.checked_sub(9)) else { return false };
    let letters = [letter / 10, letter % 10];
    if !are_digits(head) || !are_digits(tail) || tail.len() != 3 {
        return false;
    }
    let digit = |byte: &u8| u32::from(byte - b'0');
    let body = head.iter().map(digit).chain(letters).chain(tail.iter().take(2).map(digit));
    let sum: u32 = body.zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).map(|(d, w)| d * w).map(|p| p / 10 + p % 10).sum();
    // A day above 31 is one whose serials were used up.
    let (Some(day), Some(month)) = (number_at(text, 2, 4), number_at(text, 4, 6)) else { return false };
    tail.last().map(digit) == Some(sum % 10) && matches!(day, 1..=31 | 51..=81) && (1..=12).contains(&month)
}

fn de_kvnr(text: &[u8]) -> bool {
    // The number of the health insurer (nine digits) and a check digit of all may follow.
    let text = text.get(..10).filter(|_| text.len() == 20 && text.get(10..).is_some_and(are_digits)).unwrap_or(text);
    let [letter, digits @ .., last] = text else { return false };
    let Some(letter) = value(*letter).and_then(|at| at.checked_sub(9)) else { return false };
    let body = [letter / 10, letter % 10].into_iter().chain(digits.iter().map(|b| u32::from(b.wrapping_sub(b'0'))));
    let sum: u32 = body.zip([1, 2].into_iter().cycle()).map(|(d, w)| d * w).map(|p| p / 10 + p % 10).sum();
    digits.len() == 8 && are_digits(digits) && u32::from(last.wrapping_sub(b'0')) == sum % 10
}

fn de_stnr(digits: &[u8]) -> bool {
    are_digits(digits)
        && !is_repeated(digits)
        && match digits.len() {
            10 | 11 => true,
            13 => {
                let land = matches!(
                    digits.get(..2),
                    Some(
                        b"10"
                            | b"11"
                            | b"21"
                            | b"22"
                            | b"23"
                            | b"24"
                            | b"26"
                            | b"27"
                            | b"28"
                            | b"30"
                            | b"31"
                            | b"32"
                            | b"40"
                            | b"41"
                    )
                ) || matches!(digits.first(), Some(b'5' | b'9'));
                land && digits.get(4) == Some(&b'0')
            }
            _ => false,
        }
}

pub(super) fn icao_731(text: &[u8]) -> Option<u32> {
    let weights = [7, 3, 1].into_iter().cycle();
    text.iter().zip(weights).try_fold(0, |sum, (&byte, weight)| Some(sum + value(byte)? * weight)).map(|sum| sum % 10)
}

fn icao_9(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"D").filter(|_| text.len() == 11).unwrap_or(text);
    match (text.get(..9), text.get(9)) {
        (Some(_), None) => text.iter().any(u8::is_ascii_digit) && !is_repeated(text),
        (Some(body), Some(&check)) => text.len() == 10 && icao_731(body).is_some() && icao_731(body) == value(check),
        _ => false,
    }
}

fn es_nuss(digits: &[u8]) -> bool {
    let (Some(province), Some(serial), Some(check)) =
        (number_at(digits, 0, 2), number_at(digits, 2, 10), number_at(digits, 10, 12))
    else {
        return false;
    };
    let body = if serial < 10_000_000 { province * 10_000_000 + serial } else { province * 100_000_000 + serial };
    // Programs that join province and serial without looking at its size are common.
    let joined = province * 100_000_000 + serial;
    digits.len() == 12 && (matches!(province, 1..=53 | 66)) && (body % 97 == check || joined % 97 == check)
}

fn es_cif(text: &[u8]) -> bool {
    let [b'A'..=b'H' | b'J' | b'N' | b'P'..=b'S' | b'U'..=b'W', digits @ .., check] = text else {
        return false;
    };
    if digits.len() != 7 || !are_digits(digits) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(at, byte)| (at, u32::from(byte - b'0')))
        .map(|(at, d)| if at % 2 == 1 { d } else { 2 * d / 10 + 2 * d % 10 })
        .sum();
    let digit = (10 - sum % 10) % 10;
    let as_digit = u32::from(check.wrapping_sub(b'0')) == digit;
    let as_letter = is_at(b"JABCDEFGHI", digit, *check);
    // Which forms end in a letter and which in a digit changed over time, and both were issued.
    as_digit || as_letter
}

fn fi_hetu(text: &[u8]) -> bool {
    // The sign is gone from the compact form where it is `-` or `+`.
    let (Some(day), Some(&check)) = (text.get(..6), text.last()) else { return false };
    let rest = text.get(6..text.len() - 1).unwrap_or_default();
    let serial = match rest {
        [b'A'..=b'F' | b'U'..=b'Y', serial @ ..] if rest.len() == 4 => serial,
        serial => serial,
    };
    let (Some(day), Some(serial), true) = (number(day), number(serial), serial.len() == 3) else { return false };
    let at = u32::try_from((day * 1000 + serial) % 31).unwrap_or(u32::MAX);
    has_ddmmyy(text, 0) && serial >= 2 && is_at(b"0123456789ABCDEFHJKLMNPRSTUVWXY", at, check)
}

fn fr_siret(digits: &[u8]) -> bool {
    let Some(siren) = digits.get(..9) else { return false };
    let post = || digits.iter().map(|b| u32::from(b.wrapping_sub(b'0'))).sum::<u32>() % 5 == 0;
    digits.len() == 14
        && are_digits(digits)
        && !is_repeated(digits)
        && (luhn(siren) && luhn(digits) || siren == b"356000000" && post())
}

fn fr_vat(text: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let text = after(text, b"FR");
    let (Some(key @ &[a, b]), Some(siren)) = (text.first_chunk::<2>(), text.get(2..)) else { return false };
    let (Some(of_siren), true) = (number(siren), siren.len() == 9) else { return false };
    let by_key = if are_digits(key) {
        number(key) == Some((of_siren * 100 + 12) % 97)
    } else {
        let (Some(first), Some(second)) = (place(ALPHABET, a), place(ALPHABET, b)) else { return false };
        let key =
            if first < 10 { (first * 24 + second).checked_sub(10) } else { (first * 34 + second).checked_sub(100) };
        key.map(u64::from).is_some_and(|key| (of_siren + 1 + key / 11) % 11 == key % 11)
    };
    by_key && (luhn(siren) || siren.starts_with(b"000"))
}

fn gb_utr(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"K").unwrap_or(text);
    let Some((&first, rest)) = text.split_first() else { return false };
    weighted_sum(rest, &[6, 7, 8, 9, 10, 5, 4, 3, 2]).is_some_and(|sum| is_at(b"21987654321", sum % 11, first))
        && !is_repeated(text)
}

fn gb_vat(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"GB").or_else(|| text.strip_prefix(b"XI")).unwrap_or(text);
    if let Some(body) = text.strip_prefix(b"GD").or_else(|| text.strip_prefix(b"HA")) {
        let Some(body_number) = number(body) else { return false };
        return body.len() == 3 && (body_number < 500) == text.starts_with(b"GD");
    }
    let (Some(body), Some(check)) = (text.get(..7), number_at(text, 7, 9)) else { return false };
    // Numbers from 100 on may be of the second series, with 55 added.
    let is_rest = |rest: u64| rest == 0 || matches!(rest, 42 | 55) && !text.starts_with(b"0");
    weighted_sum(body, &[8, 7, 6, 5, 4, 3, 2]).is_some_and(|sum| is_rest((u64::from(sum) + check) % 97))
        && matches!(text.len(), 9 | 12)
        && are_digits(text)
        && !text.starts_with(b"000")
}

fn gb_driver(text: &[u8]) -> bool {
    let (Some(surname), Some(month), Some(day)) = (text.get(..5), number_at(text, 6, 8), number_at(text, 8, 10)) else {
        return false;
    };
    let padded = surname.iter().skip_while(|b| b.is_ascii_uppercase()).all(|&b| b == b'9');
    let initials = text.get(11..13).unwrap_or_default();
    matches!(text.len(), 16 | 18)
        && padded
        && surname.first().is_some_and(u8::is_ascii_uppercase)
        && matches!(month, 1..=12 | 51..=62)
        && (1..=31).contains(&day)
        && number_at(text, 5, 6).is_some()
        && number_at(text, 10, 11).is_some()
        && initials.iter().all(|&b| b.is_ascii_uppercase() || b == b'9')
        && initials != b"99"
}

const IE_LETTERS: &[u8] = b"WABCDEFGHIJKLMNOPQRSTUV";

fn ie_pps(text: &[u8]) -> bool {
    let (Some(digits), Some(&check)) = (text.get(..7), text.get(7)) else { return false };
    let Some(sum) = weighted_sum(digits, &[8, 7, 6, 5, 4, 3, 2]) else { return false };
    let extra = match text.get(8..) {
        Some([] | [b'W' | b'T' | b'X']) => 0,
        Some(&[second @ (b'A'..=b'I')]) => 9 * place(IE_LETTERS, second).unwrap_or(0),
        _ => return false,
    };
    is_at(IE_LETTERS, (sum + extra) % 23, check) && !is_repeated(digits)
}

fn ie_vat(text: &[u8]) -> bool {
    let text = after(text, b"IE");
    if let [first, b'A'..=b'Z', digits @ .., check] = text
        && digits.len() == 5
    {
        // The old form: the letter of the second place is no part of the sum, the first digit stands last.
        let mut moved = [b'0'; 7];
        moved.iter_mut().skip(1).zip(digits.iter().chain([first])).for_each(|(place, &byte)| *place = byte);
        return weighted_sum(&moved, &[8, 7, 6, 5, 4, 3, 2]).is_some_and(|sum| is_at(IE_LETTERS, sum % 23, *check));
    }
    ie_pps(text)
}

fn is_kennitala(digits: &[u8]) -> bool {
    let (Some(&first), Some(body)) = (digits.first(), digits.get(..9)) else { return false };
    let mut day = [0; 6];
    day.copy_from_slice(digits.get(..6).unwrap_or(&[0; 6]));
    let [tens, ..] = &mut day;
    *tens = if first > b'3' { first.wrapping_sub(4) } else { first };
    digits.len() == 10
        && has_ddmmyy(&day, 0)
        && is_multiple(body, &[3, 2, 7, 6, 5, 4, 3, 2, 1], 11)
        && matches!(digits.last(), Some(b'8' | b'9' | b'0'))
}

fn lu_nin(digits: &[u8]) -> bool {
    let (Some(day), Some(twelve), Some(eleven)) = (digits.get(..8), digits.get(..12), digits.get(..11)) else {
        return false;
    };
    let mut other = [0; 12];
    other.iter_mut().zip(eleven.iter().chain(digits.get(12))).for_each(|(place, &byte)| *place = byte);
    digits.len() == 13 && super::date::has_yyyymmdd(day, 0) && luhn(twelve) && super::verhoeff::verhoeff(&other)
}

fn nl_bsn(digits: &[u8]) -> bool {
    let mut nine = [b'0'; 9];
    let Some(skip) = 9_usize.checked_sub(digits.len()).filter(|&n| n <= 1) else { return false };
    nine.iter_mut().skip(skip).zip(digits).for_each(|(place, &byte)| *place = byte);
    is_multiple(&nine, &[9, 8, 7, 6, 5, 4, 3, 2, 10], 11) && !is_repeated(digits)
}

fn nl_vat(text: &[u8]) -> bool {
    let text = after(text, b"NL");
    let Some(at) = text.iter().position(|&b| b == b'B') else { return false };
    let (Some(head), Some(tail)) = (text.get(..at), text.get(at + 1..)) else { return false };
    let company = tail.len() == 2 && number(tail).is_some_and(|n| n > 0);
    // Zeros in front may be left out.
    let mut nine = [b'0'; 9];
    nine.iter_mut().rev().zip(head.iter().rev()).for_each(|(place, &byte)| *place = byte);
    let mod_97 = || remainder_97(b"NL".iter().chain(&nine).chain(b"B").chain(tail).copied()) == Some(1);
    company && matches!(head.len(), 7..=9) && are_digits(head) && (nl_bsn(&nine) || mod_97())
}

fn no_fodselsnummer(digits: &[u8]) -> bool {
    let (Some(ten), Some(&first)) = (digits.get(..10), digits.first()) else { return false };
    let mut day = [0; 6];
    day.copy_from_slice(digits.get(..6).unwrap_or(&[0; 6]));
    let [tens, _, month, ..] = &mut day;
    // D-numbers add 40 to the day, H-numbers 40 to the month, synthetic ones of Skatteetaten 80 or 65.
    *tens = if first > b'3' { first.wrapping_sub(4) } else { first };
    *month = match *month {
        b'4' | b'5' => *month - 4,
        b'8' | b'9' => *month - 8,
        other => other,
    };
    let (Some(year), Some(serial)) = (number_at(digits, 4, 6), number_at(digits, 6, 9)) else { return false };
    // The serial tells the century; these were given out.
    let is_issued = match serial {
        500..=749 => year >= 54 || 2000 + year <= LAST_BIRTH,
        750..=899 => 2000 + year <= LAST_BIRTH,
        900..=999 => year >= 40 || 2000 + year <= LAST_BIRTH,
        _ => true,
    };
    digits.len() == 11
        && has_ddmmyy(&day, 0)
        && is_issued
        && is_multiple(ten, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1], 11)
        && is_multiple(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1], 11)
}

fn pt_nif(digits: &[u8]) -> bool {
    ends_in(digits, &[9, 8, 7, 6, 5, 4, 3, 2], 11, Rest::Less)
        && matches!(digits.first(), Some(b'1'..=b'3' | b'5' | b'6' | b'8' | b'9') | Some(b'4' | b'7'))
        && !is_repeated(digits)
}

fn pt_cc(text: &[u8]) -> bool {
    let weigh = |(at, &byte): (usize, &u8)| {
        let value = value(byte)?;
        let doubled = if at % 2 == 0 { 2 * value } else { value };
        Some(if at % 2 == 0 && doubled > 9 { doubled - 9 } else { doubled })
    };
    text.len() == 12
        && text.get(..9).is_some_and(are_digits)
        && text.last().is_some_and(u8::is_ascii_digit)
        && text.iter().enumerate().map(weigh).try_fold(0, |sum, v| Some(sum + v?)).is_some_and(|sum| sum % 10 == 0)
}

fn se_person(digits: &[u8], added: u8) -> bool {
    let ten = match digits.len() {
        10 => digits,
        12 if matches!(digits.get(..2), Some(b"18" | b"19" | b"20")) => digits.get(2..).unwrap_or_default(),
        _ => return false,
    };
    let mut day = [0; 6];
    day.copy_from_slice(ten.get(..6).unwrap_or(&[0; 6]));
    let [_, _, tens_of_month, month, tens, ones] = &mut day;
    *tens = tens.wrapping_sub(added / 10);
    // Where month or day of birth is not known, a coordination number has zeros there.
    if added > 0 {
        if (*tens_of_month, *month) == (b'0', b'0') {
            *month = b'1';
        }
        if (*tens, *ones) == (b'0', b'0') {
            *ones = b'1';
        }
    }
    are_digits(ten) && has_yymmdd(&day, 0) && luhn(ten)
}

fn it_codice_fiscale(text: &[u8]) -> bool {
    /// What a character at an odd place is worth.
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    /// What stands for a digit where two people would have the same code.
    const OMOCODIA: &[u8] = b"LMNPQRSTUV";
    let digit = |at: usize| {
        let byte = *text.get(at)?;
        if byte.is_ascii_digit() { Some(u64::from(byte - b'0')) } else { place(OMOCODIA, byte).map(u64::from) }
    };
    let two = |at: usize| Some(digit(at)? * 10 + digit(at + 1)?);
    let (Some(year), Some(day), Some(&month)) = (two(6), two(9), text.get(8)) else { return false };
    let Some(month) = place(b"ABCDEHLMPRST", month) else { return false };
    let day = if day > 40 { day - 40 } else { day };
    let month = u64::from(month) + 1;
    let sum = text.iter().take(15).enumerate().try_fold(0, |sum, (at, &byte)| {
        let value = if byte.is_ascii_digit() { u32::from(byte - b'0') } else { value(byte)?.checked_sub(10)? };
        let odd = usize::try_from(value).ok().and_then(|at| ODD.get(at)).copied();
        Some(sum + if at % 2 == 0 { odd? } else { value })
    });
    text.len() == 16
        && text.iter().take(6).all(u8::is_ascii_uppercase)
        && text.get(11).is_some_and(u8::is_ascii_uppercase)
        && (12..15).all(|at| digit(at).is_some())
        && (is_date(1900 + year, month, day) || is_date(2000 + year, month, day))
        && sum.is_some_and(|sum| text.last().copied().and_then(value) == Some(sum % 26 + 10))
}
