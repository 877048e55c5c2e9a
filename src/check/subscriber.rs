//! What networks know their subscribers and devices by, beside the IMEI.

use super::digits::{are_digits, is_repeated, number_at};
use super::luhn::luhn;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    // Luhn, 89 in front, and a country code.
    Check { name: "iccid", form: Form::Compact, worth: 90, run: iccid },
    // Country codes cover a quarter of what there is.
    Check { name: "imsi", form: Form::Compact, worth: 20, run: imsi },
    Check { name: "meid", form: Form::Compact, worth: 10, run: meid },
    Check { name: "uuid", form: Form::Compact, worth: 10, run: uuid },
];

/// Returns whether `digits` is the serial number of a SIM: 89, issuer, account, Luhn; 19 or 20 digits. Twenty digits are
/// also printed without a check digit of their own, a filler behind nineteen.
///
/// # Source
/// ITU-T E.118 §4 (89 is telecommunications) and ETSI TS 102 221 §13.2.
fn iccid(digits: &[u8]) -> bool {
    let digits = digits.strip_suffix(b"F").unwrap_or(digits);
    matches!(digits.len(), 18..=20)
        && digits.starts_with(b"89")
        && luhn(digits)
        && !is_repeated(digits.get(2..).unwrap_or(digits))
}

/// Returns whether `digits` can be a subscriber identity: 14 or 15 digits that begin with a mobile country code.
///
/// # Source
/// ITU-T E.212 and its annex of geographic mobile country codes; 001 and 999 are for tests and private networks, 901 is
/// shared.
fn imsi(digits: &[u8]) -> bool {
    let Some(country) = number_at(digits, 0, 3) else { return false };
    matches!(digits.len(), 14 | 15)
        && are_digits(digits)
        && !is_repeated(digits.get(5..).unwrap_or(digits))
        && matches!(
            country,
            1 | 202..=208 | 212..=216 | 218..=222 | 225..=226 | 228 | 230..=232 | 234..=235 | 238 | 240 | 242 | 244
                | 246..=248 | 250 | 255 | 257 | 259..=260 | 262 | 266 | 268 | 270 | 272 | 274 | 276 | 278 | 280 | 282..=284
                | 286 | 288..=290 | 292..=295 | 297 | 302 | 308 | 310..=316 | 330 | 332 | 334 | 338 | 340 | 342 | 344 | 346
                | 348 | 350 | 352 | 354 | 356 | 358 | 360 | 362..=366 | 368 | 370 | 372 | 374 | 376 | 400..=402 | 404..=406
                | 410 | 412..=422 | 424..=432 | 434 | 436..=438 | 440..=441 | 450 | 452 | 454..=457 | 460..=461 | 466..=467
                | 470 | 472 | 502 | 505 | 510 | 514..=515 | 520 | 525 | 528 | 530 | 536..=537 | 539..=555 | 602..=643
                | 645..=659 | 702 | 704 | 706 | 708 | 710 | 712 | 714 | 716 | 722 | 724 | 730 | 732 | 734 | 736 | 738 | 740
                | 742 | 744 | 746 | 748 | 750 | 901 | 999
        )
}

/// Returns whether `text` is a mobile equipment identifier: fourteen hexadecimal digits from A0, or eighteen decimal ones,
/// with or without the check digit.
///
/// # Source
/// 3GPP2 X.S0008 and TIA-1082: the check digit is Luhn's formula, in base 16 for hexadecimal digits.
fn meid(text: &[u8]) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let luhn_16 = || {
        let weigh = |(at, &byte): (usize, &u8)| {
            let product = digit(byte)? * if at % 2 == 0 { 1 } else { 2 };
            Some(product / 16 + product % 16)
        };
        text.iter().rev().enumerate().map(weigh).try_fold(0, |sum, v| Some(sum + v?)).is_some_and(|sum| sum % 16 == 0)
    };
    let hexadecimal = || matches!(text.first(), Some(b'A'..=b'F')) && text.iter().all(|&b| digit(b).is_some());
    // Ten digits for 32 bits, eight for 24.
    let decimal = |text: &[u8]| {
        let (Some(maker), Some(serial)) = (number_at(text, 0, 10), number_at(text, 10, 18)) else { return false };
        !is_repeated(text) && (0xa000_0000..=0xffff_ffff).contains(&maker) && serial <= 0xff_ffff
    };
    match text.len() {
        14 => hexadecimal(),
        15 => hexadecimal() && luhn_16(),
        18 => decimal(text),
        19 => text.get(..18).is_some_and(decimal) && luhn(text),
        _ => false,
    }
}

/// Returns whether `text` is a UUID of a version that is defined; nil and all ones name nothing.
///
/// # Source
/// RFC 9562 §4 (variant) and §5 (versions 1 to 8, nil, max).
fn uuid(text: &[u8]) -> bool {
    text.len() == 32
        && text.iter().all(u8::is_ascii_hexdigit)
        && matches!(text.get(12), Some(b'1'..=b'8'))
        && matches!(text.get(16), Some(b'8' | b'9' | b'A' | b'B'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let check = |run: fn(&[u8]) -> bool, table: &[(&str, bool)]| {
            for &(text, expected) in table {
                assert_eq!(run(text.as_bytes()), expected, "{text}");
            }
        };
        check(iccid, &[("8991101200003204514", true), ("8991101200003204511", false), ("7991101200003204514", false)]);
        check(imsi, &[("310150123456789", true), ("000150123456789", false), ("31015012345678901", false)]);
        check(meid, &[("AF0123450ABCDE", true), ("AF0123450ABCDEC", true), ("AF0123450ABCDED", false)]);
        check(
            uuid,
            &[
                ("F81D4FAE7DEC11D0A76500A0C91E6BF6", true),
                ("00000000000000000000000000000000", false),
                ("F81D4FAE7DEC91D0A76500A0C91E6BF6", false),
            ],
        );
    }
}
