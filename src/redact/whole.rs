//! Fields that a profile says are one value: where in the field is it, and does it look like one?
//!
//! A profile knows what a field is for, not what somebody wrote into it. What cannot be the value is scanned like any text; what is
//! nobody (a short code, a sender's name in letters, an empty text) stays.

use crate::entity::Kind;
use crate::ids::Region;
use crate::plan;
use crate::scan::fold_into;
use crate::span::Span;
use std::net::IpAddr;

/// What a field turns out to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// The value, at this place.
    Value(Span),
    /// Something else: it is to be scanned.
    Other,
    /// Nothing that is anybody's.
    Nobody,
}

/// Whether a text is of the plainest sort: all of it is the value, and [`find`] would say so. Most are.
#[inline]
pub(super) const fn is_plain(kind: Kind, text: &[u8]) -> bool {
    let ([first, ..], [.., last]) = (text, text) else { return false };
    if *last <= b' ' {
        return false;
    }
    match kind {
        Kind::PhoneNumber
        | Kind::EmailAddress
        | Kind::Url
        | Kind::IpAddress
        | Kind::GeoCoordinate
        | Kind::DateTime
        | Kind::Age => false,
        // Roles are short, and have no blank.
        Kind::Person => first.is_ascii_alphabetic() && !may_be_role(text),
        Kind::Address | Kind::Location | Kind::Organization => first.is_ascii_alphabetic(),
        _ => match text {
            [b, c, d, e, f, ..] => {
                b.is_ascii_alphanumeric()
                    & c.is_ascii_alphanumeric()
                    & d.is_ascii_alphanumeric()
                    & e.is_ascii_alphanumeric()
                    & f.is_ascii_alphanumeric()
            }
            _ => false,
        },
    }
}

/// Looks into a field that should hold a value of `kind`. `value` is its text without blanks around it; the place is one in
/// that.
// Within the loop over fields it takes the registers of that.
#[inline(never)]
pub(super) fn find(kind: Kind, value: &[u8]) -> Whole {
    if value.is_empty() {
        return Whole::Nobody;
    }
    let at = |start: usize, end: usize| Whole::Value(Span::new(small(start), small(end)));
    match kind {
        Kind::PhoneNumber => match phone(value) {
            Some((start, end)) => at(start, end),
            None => Whole::Other,
        },
        Kind::EmailAddress if value.contains(&b'@') => at(0, value.len()),
        Kind::EmailAddress | Kind::Url => Whole::Other,
        Kind::IpAddress => match address(value) {
            Some((start, end)) => at(start, end),
            None => Whole::Other,
        },
        Kind::GeoCoordinate => match coordinates(value) {
            Some((start, end)) => at(start, end),
            None => Whole::Other,
        },
        Kind::Person if is_role(value) => Whole::Nobody,
        Kind::Person | Kind::Address | Kind::Location | Kind::Organization => {
            // Letters of all scripts; a name of digits and dots is none, and an address of digits alone could be anything.
            let has_letter = value.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
            if has_letter { at(0, value.len()) } else { Whole::Other }
        }
        Kind::DateTime | Kind::Age => {
            if value.iter().any(u8::is_ascii_digit) || !value.is_ascii() {
                at(0, value.len())
            } else {
                Whole::Other
            }
        }
        Kind::UserId if value == b"0" => Whole::Nobody,
        _ => {
            let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte >= 0x80;
            match value.iter().filter(is_part).take(5).count() {
                0 => Whole::Nobody,
                // What a mask has left is not masked again.
                1..=4 if value.contains(&b'*') => Whole::Nobody,
                _ => at(0, value.len()),
            }
        }
    }
}

/// What stands where a name is asked for and is nobody's: who somebody is in a dialogue, or that nobody is known. No names are
/// among them.
const ROLES: &[&str] = &[
    "admin",
    "administrator",
    "agent",
    "anonymous",
    "assistant",
    "bot",
    "callee",
    "caller",
    "chatbot",
    "customer",
    "moderator",
    "operator",
    "receiver",
    "recipient",
    "system",
    "undefined",
    "unknown",
    "user",
    "visitor",
];
/// The same in small letters; some are called so.
const LOWER_ROLES: &[&str] =
    &["client", "function", "human", "none", "null", "patient", "sender", "staff", "support", "tool"];

/// Whether a role may begin so and be as long.
const fn may_be_role(text: &[u8]) -> bool {
    /// By the lower five bits of the first letter a bit for each length.
    #[expect(clippy::indexing_slicing, reason = "in a constant, what is out of bounds does not compile")]
    const LENGTHS: [u32; 32] = {
        let mut lengths = [0; 32];
        let mut lists = [ROLES, LOWER_ROLES].as_slice();
        while let [list, others @ ..] = lists {
            let mut rest = *list;
            while let [role, others @ ..] = rest {
                lengths[(role.as_bytes()[0] & 31) as usize] |= 1 << role.len();
                rest = others;
            }
            lists = others;
        }
        lengths
    };
    match text {
        #[expect(clippy::indexing_slicing, reason = "five bits")]
        [first, ..] if text.len() < 32 => LENGTHS[(*first & 31) as usize] >> text.len() & 1 != 0,
        _ => false,
    }
}

fn is_role(text: &[u8]) -> bool {
    may_be_role(text)
        && (ROLES.iter().any(|role| role.as_bytes().eq_ignore_ascii_case(text))
            || LOWER_ROLES.iter().any(|role| role.as_bytes() == text))
}

/// Returns the country of the telephone number that a field of a profile holds.
// Within the loop over fields it takes the registers of that.
#[inline(never)]
pub(super) fn region(number: &[u8]) -> Option<Region> {
    let mut room = [0; plan::MAX_DIGITS];
    let digits = if number.iter().all(u8::is_ascii_digit) {
        Some(number).filter(|number| number.len() <= plan::MAX_DIGITS)?
    } else {
        let mut n = 0;
        for &digit in number.iter().filter(|byte| byte.is_ascii_digit()) {
            *room.get_mut(n)? = digit;
            n += 1;
        }
        room.get(..n)?
    };
    let digits = digits.strip_prefix(b"00").unwrap_or(digits);
    plan::read_international::<plan::NumberRange>(digits)?.region()
}

/// Returns where the text of a field stands, without blanks around it.
#[inline]
pub(super) fn trimmed(text: &[u8]) -> Span {
    if let ([first, ..], [.., last]) = (text, text)
        && *first > b' '
        && *last > b' '
    {
        return Span::new(0, small(text.len()));
    }
    let start = text.len() - text.trim_ascii_start().len();
    Span::new(small(start), small(start + text.trim_ascii().len()))
}

/// Finds the number in `+221 77 …`, `tel:+221…`, `whatsapp:221…?auth=…`, `221…@s.whatsapp.net`. Without seven digits it is a short
/// code, a sender's name or something else.
fn phone(value: &[u8]) -> Option<(usize, usize)> {
    // Most are digits and what stands between them, be it behind `tel:`.
    let (before, number) = value.strip_prefix(b"tel:").map_or((0, value), |number| (4, number));
    let sums = number.iter().fold(0, |sums: usize, &byte| {
        sums.wrapping_add(usize::from(PHONE_PARTS.get(usize::from(byte)).copied().unwrap_or(FOREIGN)))
    });
    if number.len() < usize::from(FOREIGN) && sums < usize::from(FOREIGN) {
        return (sums >= PHONE_DIGITS).then_some((before, value.len()));
    }
    let mut start = 0;
    if let Some(colon) = value.iter().position(|&byte| byte == b':')
        && value.get(..colon).is_some_and(|scheme| !scheme.is_empty() && scheme.iter().all(u8::is_ascii_alphabetic))
    {
        start = colon + 1;
        // `//` of a link; the link is somebody else's.
        if value.get(start..start + 2) == Some(b"//") {
            return None;
        }
    }
    // What follows as a parameter or display name goes with the number.
    let rest = value.get(start..)?;
    let end = rest.iter().position(|&byte| byte == b'@').map_or(value.len(), |at| start + at);
    let number = value.get(start..end)?;
    let n = if number.is_ascii() {
        n_digits(number)
    } else {
        let mut folded = Vec::with_capacity(number.len());
        fold_into(number, &mut folded);
        n_digits(&folded)
    };
    let is_mail = value.get(end) == Some(&b'@')
        && ![&b"@s.whatsapp.net"[..], b"@c.us", b"@lid"]
            .iter()
            .any(|host| value.get(end..).is_some_and(|rest| rest.starts_with(host)));
    (n >= PHONE_DIGITS && !is_mail).then_some((start, end))
}

/// Finds the address in `192.0.2.1:443`, `[2001:db8::1]:443`, `2001:db8::1%eth0`.
fn address(value: &[u8]) -> Option<(usize, usize)> {
    let parses = |start: usize, end: usize| {
        let text = std::str::from_utf8(value.get(start..end)?).ok()?;
        text.parse::<IpAddr>().ok().map(|_| (start, end))
    };
    let zone = value.iter().position(|&byte| byte == b'%').unwrap_or(value.len());
    let port = value.iter().rposition(|&byte| byte == b':').unwrap_or(value.len());
    let net = value.iter().position(|&byte| byte == b'/').unwrap_or(value.len());
    let bracket = value.iter().position(|&byte| byte == b']').unwrap_or(0);
    parses(0, value.len())
        .or_else(|| parses(0, zone))
        .or_else(|| parses(0, net))
        .or_else(|| value.starts_with(b"[").then(|| parses(1, bracket)).flatten())
        .or_else(|| parses(0, port))
}

/// Finds the numbers in `14.69`, `14.69,-17.44`, `geo:14.69,-17.44;u=30`, `POINT(-17.44 14.69)`.
fn coordinates(value: &[u8]) -> Option<(usize, usize)> {
    let start = match value {
        [b'g' | b'G', b'e' | b'E', b'o' | b'O', b':', ..] => 4,
        _ => 0,
    };
    let end = value.iter().position(|byte| b";?".contains(byte)).unwrap_or(value.len());
    let numbers = value.get(start..end)?;
    let is_part = |byte: &u8| byte.is_ascii_digit() || b".,+- eE()[]NSWEnsw".contains(byte) || *byte >= 0x80;
    (n_digits(numbers) > 0 && numbers.iter().all(is_part)).then_some((start, end))
}

fn n_digits(text: &[u8]) -> usize {
    text.iter().filter(|byte| byte.is_ascii_digit()).count()
}

/// What a byte counts for in a telephone number: a digit one, what may stand between digits nothing, others more than all
/// digits of a text that is shorter than this together.
const FOREIGN: u8 = 64;
const PHONE_PARTS: [u8; 256] = {
    let mut parts = [FOREIGN; 256];
    let mut digit = b'0';
    #[expect(clippy::indexing_slicing, reason = "at build, and there is one for each byte")]
    {
        while digit <= b'9' {
            parts[digit as usize] = 1;
            digit += 1;
        }
        parts[b'+' as usize] = 0;
        parts[b' ' as usize] = 0;
        parts[b'-' as usize] = 0;
    }
    parts
};

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Fewest digits of a telephone number in a field for one. Short codes have up to six.
const PHONE_DIGITS: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(kind: Kind, text: &str, expected: &str) {
        let value = text.get(trimmed(text.as_bytes()).range()).unwrap();
        let got = match find(kind, value.as_bytes()) {
            Whole::Value(span) => value.get(span.range()).unwrap_or("?"),
            Whole::Other => "?",
            Whole::Nobody => "-",
        };
        assert_eq!(got, expected, "{kind} {text:?}");
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("+221771234567", "+221771234567"),
            (" 221771234567 ", "221771234567"),
            ("tel:+221771234567", "+221771234567"),
            ("whatsapp:221771234567", "221771234567"),
            ("tel:+221771234567?channel=1#0771", "+221771234567?channel=1#0771"),
            ("221771234567@s.whatsapp.net", "221771234567"),
            ("٢٢١٧٧١٢٣٤٥٦٧", "٢٢١٧٧١٢٣٤٥٦٧"),
            ("20880", "?"),
            ("123456", "?"),
            ("RAPIDPRO", "?"),
            ("[PHONE_NUMBER]", "?"),
            ("tel:[PHONE_NUMBER]", "?"),
            ("1234567@example.org", "?"),
            ("https://example.org/1234567", "?"),
            ("", "-"),
            ("  ", "-"),
        ] {
            check(Kind::PhoneNumber, text, expected);
        }
        check(Kind::IpAddress, "192.0.2.7", "192.0.2.7");
        check(Kind::IpAddress, "192.0.2.7:51244", "192.0.2.7");
        check(Kind::IpAddress, "[2001:db8::7]:443", "2001:db8::7");
        check(Kind::IpAddress, "2001:db8::7", "2001:db8::7");
        check(Kind::IpAddress, "192.0.2.7, 192.0.2.8", "?");
        check(Kind::IpAddress, "unix:", "?");
        check(Kind::GeoCoordinate, "-14.692", "-14.692");
        check(Kind::GeoCoordinate, "geo:14.69,-17.44", "14.69,-17.44");
        check(Kind::GeoCoordinate, "image/jpeg:https://example.org/1.jpg", "?");
        check(Kind::Person, "Awa", "Awa");
        check(Kind::Person, "***", "?");
        for role in ["user", "Agent", "SYSTEM", "null", "staff"] {
            check(Kind::Person, role, "-");
        }
        for name in ["Null", "Staff", "Users", "Guest", "user Awa", "Ai"] {
            check(Kind::Person, name, name);
        }
        check(Kind::UserId, "0", "-");
        check(Kind::UserId, "7", "7");
        check(Kind::ApiKey, "--", "-");

        check(Kind::BankAccount, "****1111", "-");
    }

    proptest! {
        /// What is plain is what a closer look finds.
        #[test]
        fn plain_is_whole(text in "[ A-Ba0-1é*\\[_]{0,8}|[Uu]sers?|[Nn]ull|BOT", kind in prop::sample::select(Kind::ALL)) {
            let text = text.as_bytes();
            let whole = Span::new(0, small(text.len()));
            let is_whole = trimmed(text) == whole && find(kind, text) == Whole::Value(whole);
            prop_assert!(is_whole || !is_plain(kind, text));
        }
    }

    #[test]
    fn regions() {
        assert_eq!(region(b"+221 77 123 45 67"), Region::new(b"SN"));
        assert_eq!(region(b"00254712345678"), Region::new(b"KE"));
        assert_eq!(region(b"12"), None);
    }
}
