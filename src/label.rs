//! Labels: what operators leave in a text in the place of a value, and how they are known again.
//!
//! ```text
//! [PHONE_NUMBER]               the entity
//! [PERSON-KAMURO]              and which of those of one conversation
//! [PHONE_NUMBER +221 mobile]   and what sort of it
//! ```
//!
//! Nothing in a label is detected, and words around a value do not count across it: redacting twice is redacting once.
//! The grammar is closed, so that nobody can hide a value by putting brackets around it.

/// Longest name of an entity in a label.
const NAME_BYTES: usize = 64;
/// Longest label.
pub const MAX_LABEL_BYTES: usize = 128;
/// Letters of a code.
pub const CODE_LETTERS: usize = 6;

/// Words that a form may hold: sorts of telephone numbers, of mail domains, of hosts, of cards.
pub const WORDS: &[&str] = &[
    // Telephone numbers.
    "mobile",
    "fixed",
    "fixed-or-mobile",
    "toll-free",
    "premium",
    "shared-cost",
    "voip",
    "personal",
    "pager",
    "business",
    "other",
    "zone",
    // Domains of mail and hosts.
    "free-mail",
    "corporate",
    "education",
    "government",
    "example",
    "disposable",
    "short",
    "social",
    "search",
    "video",
    "shop",
    "chat",
    "maps",
    "files",
    "local",
    // Addresses of the internet.
    "private",
    "loopback",
    "shared",
    "link-local",
    "multicast",
    // Cards.
    "visa",
    "mastercard",
    "amex",
    "diners",
    "discover",
    "jcb",
    "unionpay",
    "maestro",
    "verve",
    "mir",
    "rupay",
    "elo",
];

/// Returns the length of the label that `text` begins with.
#[must_use]
pub fn label_at(text: &[u8]) -> Option<usize> {
    let inner = text.strip_prefix(b"[")?;
    let name = inner.iter().take(NAME_BYTES).take_while(|b| is_name(**b)).count();
    if name == 0 {
        return None;
    }
    let rest = inner.get(name..)?;
    // What tells more stands behind the name of an entity, not behind `AB12`.
    let plain = rest.first() == Some(&b']');
    if !plain && inner.iter().take(name).any(u8::is_ascii_digit) {
        return None;
    }
    let more = match rest.first()? {
        b']' => 0,
        b'-' => {
            let code = rest.iter().skip(1).take_while(|b| b.is_ascii_uppercase()).count();
            (code == CODE_LETTERS).then_some(code + 1)?
        }
        b' ' => {
            let form = rest.get(1..)?;
            let len = memchr::memchr(b']', form.get(..MAX_LABEL_BYTES.min(form.len()))?)?;
            is_form(form.get(..len)?).then_some(len + 1)?
        }
        _ => return None,
    };
    (rest.get(more) == Some(&b']')).then_some(1 + name + more + 1)
}

/// Returns the length of the label that `text` begins with where it tells more than an entity's name. What is only capitals and
/// digits in brackets may be a value.
#[must_use]
pub fn telling_label_at(text: &[u8]) -> Option<usize> {
    let len = label_at(text)?;
    text.get(..len)?.iter().any(|byte| matches!(byte, b' ' | b'-')).then_some(len)
}

/// Returns where the label begins that ends right before `end`.
#[must_use]
pub fn label_before(text: &[u8], end: usize) -> Option<usize> {
    let low = end.saturating_sub(MAX_LABEL_BYTES);
    let start = low + memchr::memrchr(b'[', text.get(low..end)?)?;
    (start + label_at(text.get(start..end)?)? == end).then_some(start)
}

/// Whether a label with this name of an entity may tell more than it, and is known again.
#[must_use]
pub(crate) fn is_telling_name(name: &[u8]) -> bool {
    (1..=NAME_BYTES).contains(&name.len()) && name.iter().all(|&byte| is_name(byte) && !byte.is_ascii_digit())
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Whether operators write such a form: one to three words of a closed list, country codes, networks, rounded numbers.
fn is_form(form: &[u8]) -> bool {
    let mut n = 0;
    form.split(|&b| b == b' ').all(|part| {
        n += 1;
        n <= 3 && (is_country_code(part) || is_word(part) || is_net(part) || is_rounded(part))
    })
}

fn is_word(part: &[u8]) -> bool {
    WORDS.iter().any(|word| word.as_bytes() == part)
}

/// `+221`, `+6x`.
fn is_country_code(part: &[u8]) -> bool {
    let Some(code) = part.strip_prefix(b"+") else { return false };
    let code = code.strip_suffix(b"x").unwrap_or(code);
    (1..=3).contains(&code.len()) && code.iter().all(u8::is_ascii_digit)
}

/// `203.0.113.0/24`, `2001:db8:1::/48`.
fn is_net(part: &[u8]) -> bool {
    let text = std::str::from_utf8(part).unwrap_or_default();
    let four = || text.strip_suffix("/24")?.parse::<std::net::Ipv4Addr>().ok();
    let six = || text.strip_suffix("/48")?.parse::<std::net::Ipv6Addr>().ok();
    four().is_some_and(|net| net.octets()[3] == 0) || six().is_some_and(|net| net.segments()[3..] == [0; 5])
}

/// Numbers that were rounded: `18-24`, `<18`, `90+`, `1k-10k`, `/16`, `2026`, `2026-04`, `2026-04-17`, `-14.69,17.44`.
fn is_rounded(part: &[u8]) -> bool {
    let n_digits = |part: &[u8]| part.iter().filter(|b| b.is_ascii_digit()).count();
    let all = |part: &[u8], others: &[u8]| part.iter().all(|b| b.is_ascii_digit() || others.contains(b));
    let number = |part: &[u8]| (1..=4).contains(&n_digits(part)) && all(part, b"km");
    let degrees = |part: &[u8]| {
        let part = part.strip_prefix(b"-").unwrap_or(part);
        let mut halves = part.split(|&b| b == b'.');
        let (whole, rest) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        halves.next().is_none()
            && (1..=3).contains(&whole.len())
            && rest.len() <= 2
            && all(whole, b"")
            && all(rest, b"")
    };
    let mut halves = part.splitn(2, |&b| b == b'-');
    let (low, high) = (halves.next().unwrap_or_default(), halves.next());
    let range = number(low) && high.is_none_or(number);
    let date = part.len() == 10 && low.len() == 4 && n_digits(part) == 8 && all(part, b"-");
    let open = part.strip_prefix(b"<").or_else(|| part.strip_suffix(b"+")).is_some_and(number);
    let mut axes = part.split(|&b| b == b',');
    let place = part.contains(&b',')
        && axes.next().is_some_and(degrees)
        && axes.next().is_some_and(degrees)
        && axes.next().is_none();
    range || date || open || place || degrees(part) || part.strip_prefix(b"/").is_some_and(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for label in [
            "[PHONE_NUMBER]",
            "[PERSON-KAMURO]",
            "[PHONE_NUMBER +221 mobile]",
            "[PHONE_NUMBER +6x other]",
            "[EMAIL_ADDRESS free-mail]",
            "[IP_ADDRESS 203.0.113.0/24]",
            "[IP_ADDRESS 2001:db8:1::/48]",
            "[IP_ADDRESS private]",
            "[DATE_TIME 2026-04]",
            "[DATE_TIME 2026]",
            "[DATE_TIME 2026-04-17]",
            "[AGE 18-24]",
            "[AGE <13]",
            "[AGE 90+]",
            "[GEO_COORDINATES 14.69,-17.44]",
            "[GEO_COORDINATES -0.12]",
            "[CREDIT_CARD visa /16]",
            "[OTHER 1k-10k]",
        ] {
            assert_eq!(label_at(format!("{label} x").as_bytes()), Some(label.len()), "{label}");
            let text = format!("x {label}");
            assert_eq!(label_before(text.as_bytes(), text.len()), Some(2), "{label}");
        }
        for text in [
            "[]",
            "[phone]",
            "[PHONE_NUMBER",
            "[PERSON-AWA]",
            "[PHONE_NUMBER +221771234567]",
            "[PHONE_NUMBER 77 123 45 67]",
            "[URL ana.example.org]",
            "[IP_ADDRESS 203.0.113.7/24]",
            "[X 77123-45678]",
            "[PERSON awa]",
            "[X a@b.c]",
            "[AB12 2026]",
            "[AB12-KAMURO]",
            "[AGE 18-24 18-24 18-24 18-24]",
            "[X 2026-04-177]",
            "[X ]",
        ] {
            assert_eq!(label_at(text.as_bytes()), None, "{text}");
        }
    }
}
