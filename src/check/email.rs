//! Email addresses, in ASCII and in other scripts.

use super::host::{is_domain, is_text_of};
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "email", form: Form::Raw, worth: 10, run: email },
    Check { name: "email_script", form: Form::Raw, worth: 10, run: email_script },
];

/// Longest address, in bytes.
const ADDRESS_BYTES: usize = 254;
/// Longest local part, in bytes.
const LOCAL_BYTES: usize = 64;

/// Returns whether `text` is an address: a local part of atoms with single dots between them, `@`, a domain. Letters of
/// any script may stand on both sides; quoted local parts and address literals are refused, people do not write them. Nor is
/// an account of WhatsApp one (`…@s.whatsapp.net`): it is a telephone number.
///
/// # Units
/// The candidate as it stands. Domains and names of the documentation pass: in a message they stand for an address.
///
/// # Source
/// RFC 5321 §4.5.3.1 (64 and 254 bytes) and §4.1.2 (dot-string), RFC 5322 §3.2.3 (atoms), RFC 6531 §3.3 and RFC 6532
/// (UTF-8).
#[must_use]
pub(super) fn email(text: &[u8]) -> bool {
    let Some(at) = text.iter().rposition(|&byte| byte == b'@') else { return false };
    let (Some(local), Some(domain)) = (text.get(..at), text.get(at + 1..)) else { return false };
    text.len() <= ADDRESS_BYTES
        && (1..=LOCAL_BYTES).contains(&local.len())
        && local.split(|&byte| byte == b'.').all(|atom| !atom.is_empty() && is_text_of(atom, is_atom_byte))
        && is_domain(domain)
        && !is_numbered_account(local, domain)
}

/// Whether an address is that of an account which is named by its telephone number.
fn is_numbered_account(local: &[u8], domain: &[u8]) -> bool {
    // The host cut short is no other host.
    [&b"s.whatsapp.net"[..], b"s.whatsapp", b"c.us"].iter().any(|host| domain.eq_ignore_ascii_case(host))
        && (7..=15).contains(&local.len())
        && local.iter().all(u8::is_ascii_digit)
}

/// Returns whether `text` is an address that holds characters beyond ASCII, and its parts are each of one piece: ASCII
/// letters do not stand next to letters of a script that is written without blanks (Chinese, Japanese, Thai, …). There the
/// words before and after an address touch it, and are not a part of it.
///
/// # Source
/// As [`email`]; Unicode Standard Annex 14, line breaking classes ID and SA, for the scripts.
#[must_use]
pub(super) fn email_script(text: &[u8]) -> bool {
    if text.is_ascii() || !email(text) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(text) else { return false };
    text.split(['@', '.']).all(|part| {
        let (mut ascii, mut dense) = (false, false);
        for c in part.chars() {
            ascii |= c.is_ascii_alphabetic();
            dense |= is_written_without_blanks(c);
        }
        !(ascii && dense)
    })
}

/// What may stand in an atom: RFC 5322 `atext`.
const fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'/'
                | b'='
                | b'?'
                | b'^'
                | b'_'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
                | b'~'
        )
}

const fn is_written_without_blanks(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{2e80}'..='\u{d7ff}' // CJK, kana, Yi, Hangul
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("user@example.org", true),
            ("first.last+tag@mail.example.co.uk", true),
            ("o'hara@example.org", true),
            ("x@1337.example", true),
            ("用户@例子.测试", true),
            ("jürgen@bücher.example", true),
            ("user@xn--bcher-kva.example", true),
            (".user@example.org", false),
            ("user.@example.org", false),
            ("us..er@example.org", false),
            ("user@example.org.", false),
            ("user@example", false),
            ("user@@example.org", false),
            ("us er@example.org", false),
            ("us\u{a0}er@example.org", false),
            ("user@example.o\u{205f}rg", false),
            ("@example.org", false),
            ("user@", false),
            ("447400123456@s.whatsapp.net", false),
            ("447400123456@c.us", false),
            ("447400123456@g.us", true),
            ("447400123456@example.org", true),
            ("12345@s.whatsapp.net", true),
            ("", false),
        ] {
            assert_eq!(email(text.as_bytes()), expected, "{text}");
        }
        assert!(email(format!("{}@example.org", "a".repeat(64)).as_bytes()));
        assert!(!email(format!("{}@example.org", "a".repeat(65)).as_bytes()));
        assert!(!email(format!("a@{}org", "example.".repeat(32)).as_bytes()), "254 bytes in all");
    }

    #[test]
    fn scripts() {
        for (text, expected) in [
            ("jürgen@example.org", true),
            ("用户@例子.测试", true),
            ("почта@пример.рф", true),
            ("邮箱user@example.org", false),
            ("user@example.org谢谢", false),
            ("user@example.org", false), // plain ASCII is the other check's
        ] {
            assert_eq!(email_script(text.as_bytes()), expected, "{text}");
        }
    }
}
