//! What is made of a code of 64 bits: a word that is easy to tell and to say, a made-up value that is nobody's.

use crate::entity::Kind;
use crate::label::CODE_LETTERS;
use std::io::Write as _;
use std::net::IpAddr;

const CONSONANTS: &[u8; 20] = b"bcdfghjklmnpqrstvwyz";
const VOWELS: &[u8; 5] = b"aeiou";

/// Makes a word of three syllables: one of a million.
///
/// # Security
/// Of 40 people in a conversation two share a word with a probability of 0.08 %.
pub(super) fn word(code: u64) -> [u8; CODE_LETTERS] {
    let mut rest = code;
    let mut word = [0; CODE_LETTERS];
    for (n, place) in word.iter_mut().enumerate() {
        let letters: &[u8] = if n % 2 == 0 { CONSONANTS } else { VOWELS };
        let len = letters.len() as u64;
        *place = usize::try_from(rest % len).ok().and_then(|at| letters.get(at)).copied().unwrap_or(b'a');
        rest /= len;
    }
    word
}

/// Appends a made-up value of ranges that are kept for examples and tests. Tells whether there is one for this kind.
///
/// # Source
/// NANP 555-0100 to 555-0199 (ATIS-0300115); RFC 2606 domains; RFC 5737 and RFC 3849 addresses; RFC 7042 §2.1.1; test numbers
/// that the card schemes publish.
pub(super) fn fake(kind: Kind, value: &[u8], code: u64, out: &mut Vec<u8>) -> bool {
    let pick = |list: &[&str], code: u64| {
        let at = usize::try_from(code % list.len().max(1) as u64).unwrap_or(0);
        list.get(at).copied().unwrap_or_default().to_owned()
    };
    let word = word(code);
    let word = std::str::from_utf8(&word).unwrap_or("kamuro");
    let (low, high) = (code >> 8 & 0xff, code >> 16);
    // Writing to memory does not fail.
    let _ = match kind {
        // Digits alone are a number of an account of WhatsApp, or what a field of digits holds.
        Kind::PhoneNumber if value.iter().all(u8::is_ascii_digit) => {
            write!(out, "1{}55501{:02}", pick(AREAS, high), low % 100)
        }
        Kind::PhoneNumber => write!(out, "+1 {}-555-01{:02}", pick(AREAS, high), low % 100),
        Kind::EmailAddress => write!(out, "{word}@example.org"),
        Kind::CreditCard if value.iter().filter(|b| b.is_ascii_digit()).count() >= 12 => {
            write!(out, "{}", pick(CARDS, code))
        }
        Kind::IpAddress if value.contains(&b':') => write!(out, "2001:db8:{:x}::{:x}", high & 0xffff, low + 1),
        Kind::IpAddress => write!(out, "{}.{}", pick(&["192.0.2", "198.51.100", "203.0.113"], high), 1 + low % 254),
        Kind::MacAddress => write!(out, "00:00:5E:00:53:{low:02X}"),
        Kind::Url => write!(out, "https://example.org/{word}"),
        Kind::Person => {
            let (first, rest) = word.split_at_checked(1).unwrap_or_default();
            write!(out, "{}{rest} Example", first.to_ascii_uppercase())
        }
        Kind::Username if value.first() == Some(&b'@') => write!(out, "@example_{word}"),
        Kind::Username => write!(out, "example_{word}"),
        _ => return false,
    };
    true
}

/// Whether a canonical value is one that [`fake`] makes, or one of the same ranges: it is nobody's already.
pub(super) fn is_fake(kind: Kind, canonical: &[u8]) -> bool {
    let text = std::str::from_utf8(canonical).unwrap_or_default();
    match kind {
        Kind::PhoneNumber => {
            let digits = text.strip_prefix('+').unwrap_or(text).as_bytes();
            digits.len() == 11 && digits.first() == Some(&b'1') && digits.get(4..9) == Some(b"55501")
        }
        Kind::EmailAddress => text.ends_with("@example.org"),
        Kind::CreditCard => CARDS.contains(&text),
        Kind::IpAddress => match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(four)) => {
                matches!(four.octets(), [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _])
            }
            Ok(IpAddr::V6(six)) => matches!(six.segments(), [0x2001, 0xdb8, ..]),
            Err(_) => false,
        },
        Kind::MacAddress => text.starts_with("00005E0053"),
        Kind::Url => text.strip_prefix("https://example.org/").is_some_and(|rest| rest.len() == CODE_LETTERS),
        Kind::Person => text.ends_with(" example"),
        Kind::Username => text.starts_with("example_"),
        _ => false,
    }
}

/// Area codes of the United States.
const AREAS: &[&str] = &[
    "201", "202", "203", "205", "206", "207", "208", "209", "210", "212", "213", "214", "215", "216", "217", "218",
    "219", "303", "304", "305", "307", "308", "309", "312", "313", "314", "315", "316", "317", "318", "319", "401",
    "402", "404", "405", "406", "407", "408",
];

/// Test numbers that card schemes and their processors publish.
const CARDS: &[&str] = &[
    "4111111111111111",
    "4012888888881881",
    "5555555555554444",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3530111333300000",
    "3566002020360505",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ() {
        let words: std::collections::BTreeSet<_> = (0..1_000_000).step_by(997).map(word).collect();
        assert_eq!(words.len(), 1_000_000_usize.div_ceil(997));
        assert_eq!(word(0), *b"bababa");
    }

    #[test]
    fn what_is_made_up_is_known() {
        for (kind, value, canonical) in [
            (Kind::PhoneNumber, "+221 77", "+12015550100"),
            (Kind::PhoneNumber, "22177", "12015550100"),
            (Kind::EmailAddress, "a@b.c", "bababa@example.org"),
            (Kind::CreditCard, "4000000000000000", "4111111111111111"),
            (Kind::IpAddress, "1.2.3.4", "192.0.2.1"),
            (Kind::IpAddress, "1::2", "2001:db8:0::1"),
            (Kind::MacAddress, "x", "00005E005300"),
            (Kind::Url, "x", "https://example.org/bababa"),
            (Kind::Person, "x", "bababa example"),
            (Kind::Username, "x", "example_bababa"),
        ] {
            let mut out = Vec::new();
            assert!(fake(kind, value.as_bytes(), 0, &mut out), "{kind}");
            let strip = |text: &str| text.to_lowercase().replace([' ', '-', '+', ':'], "");
            assert_eq!(strip(std::str::from_utf8(&out).unwrap()), strip(canonical), "{kind}");
            assert!(is_fake(kind, canonical.as_bytes()), "{kind}");
            assert!(!is_fake(kind, b"221771234567"), "{kind}");
        }
        assert!(!fake(Kind::Iban, b"x", 0, &mut Vec::new()));
    }
}
