//! Host names: what an email address has after its `@` and a link after its scheme.

use super::ip::{is_groups, is_quad};

/// Longest name, in bytes.
const NAME_BYTES: usize = 253;
/// Longest label, in bytes.
const LABEL_BYTES: usize = 63;

/// Returns whether `text` is a domain name of at least two labels whose last is a top-level domain: two to 63 letters of
/// any script, or punycode. The list of top-level domains is not consulted: it grows, and a name with a slip of the
/// finger (`gmail.con`) is still somebody's address.
///
/// # Source
/// RFC 1035 §2.3.1 and RFC 1123 §2.1 (labels), RFC 5890 §2.3 (internationalised labels), RFC 3696 §2 (top-level domains
/// are not all digits).
pub(super) fn is_domain(text: &[u8]) -> bool {
    let Some(dot) = text.iter().rposition(|&byte| byte == b'.') else { return false };
    let (Some(above), Some(top)) = (text.get(..dot), text.get(dot + 1..)) else { return false };
    text.len() <= NAME_BYTES && is_top(top) && above.split(|&byte| byte == b'.').all(is_label)
}

/// Returns whether `text` is what a link may have as its host: a domain, a single label, an IPv4 address, an IPv6 address
/// in brackets. An underscore may stand in a label that no registry hands out: a single one, or below the last two.
///
/// # Source
/// RFC 3986 §3.2.2; RFC 2181 §11 (a name in the DNS may hold any byte), RFC 8552 (underscored labels).
pub(super) fn is_host(text: &[u8]) -> bool {
    if let [b'[', inside @ .., b']'] = text {
        return is_groups(inside);
    }
    let text = text.strip_suffix(b".").unwrap_or(text);
    if text.is_empty() || text.len() > NAME_BYTES {
        return false;
    }
    let n_labels = 1 + text.iter().filter(|&&byte| byte == b'.').count();
    if n_labels == 4 && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return is_quad(text);
    }
    text.split(|&byte| byte == b'.').enumerate().all(|(at, label)| {
        let registered = n_labels > 1 && at + 2 >= n_labels;
        if registered { is_label(label) } else { is_loose_label(label) }
    }) && (n_labels == 1 || text.rsplit(|&byte| byte == b'.').next().is_some_and(is_top))
}

/// How sure a top-level domain makes that a name with dots is a host, and not two sentences without a blank between them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Top {
    /// The generic ones that everybody knows, and the registries' second levels below countries (`.co.ke`).
    Generic,
    /// Hardly any word of a language.
    Plain,
    /// Also a word (`be`, `to`, `me`, `no`), or rare: a path must follow.
    Common,
}

/// Returns whether `text` is a domain of a top-level domain in common use.
///
/// # Source
/// IANA root zone database; which ones are common in messages is our choice.
pub(super) fn is_known(text: &[u8], top: Top) -> bool {
    let Some(dot) = text.iter().rposition(|&byte| byte == b'.') else { return false };
    let Some(label) = text.get(dot + 1..) else { return false };
    let within = |list: &[&str]| {
        list.binary_search_by(|known| {
            let lower = label.iter().map(u8::to_ascii_lowercase);
            known.bytes().cmp(lower)
        })
        .is_ok()
    };
    let known = match top {
        Top::Generic => {
            let second =
                text.get(..dot).and_then(|above| above.rsplit(|&byte| byte == b'.').next()).unwrap_or_default();
            let registry = SECOND_LEVELS.iter().any(|known| second.eq_ignore_ascii_case(known.as_bytes()));
            within(GENERIC_TOPS) || (label.len() == 2 && registry && second.len() < dot)
        }
        Top::Plain => within(PLAIN_TOPS),
        Top::Common => within(PLAIN_TOPS) || within(COMMON_TOPS),
    };
    known && is_domain(text)
}

/// Returns whether `label` is letters, digits and inner hyphens.
fn is_label(label: &[u8]) -> bool {
    !label.contains(&b'_') && is_loose_label(label)
}

/// As [`is_label`], underscores too.
fn is_loose_label(label: &[u8]) -> bool {
    (1..=LABEL_BYTES).contains(&label.len())
        && label.first() != Some(&b'-')
        && label.last() != Some(&b'-')
        && is_text_of(label, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_top(label: &[u8]) -> bool {
    if let Some(code) = label.get(..4).filter(|head| head.eq_ignore_ascii_case(b"xn--")).and(label.get(4..)) {
        return !code.is_empty() && label.len() <= LABEL_BYTES && is_label(label);
    }
    (2..=LABEL_BYTES).contains(&label.len()) && is_text_of(label, |byte| byte.is_ascii_alphabetic())
}

/// Returns whether `text` is UTF-8 of which every ASCII byte is `allowed` and every other character can stand in a word.
#[inline]
pub(super) fn is_text_of(text: &[u8], allowed: impl Fn(u8) -> bool) -> bool {
    if text.is_ascii() {
        return text.iter().all(|&byte| allowed(byte));
    }
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars().all(|c| match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => allowed(byte),
            _ => is_word_char(c),
        })
    })
}

/// Returns whether a character beyond ASCII is a letter, digit or mark of a script, and not a blank, a sign or a picture.
fn is_word_char(c: char) -> bool {
    // Marks that belong to letters are not `alphanumeric` (the virama of Indic scripts, for one), so what is refused is
    // listed: signs of Latin-1, general punctuation to miscellaneous symbols, CJK and full-width punctuation, variation
    // selectors, private use, pictures.
    c.is_alphanumeric()
        || !(c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{80}'..='\u{bf}' | '\u{d7}' | '\u{f7}' | '\u{2000}'..='\u{2bff}' | '\u{2e00}'..='\u{2e7f}'
                | '\u{3000}'..='\u{303f}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe6f}' | '\u{feff}'
                | '\u{ff00}'..='\u{ff65}' | '\u{ffe0}'..='\u{ffff}' | '\u{1f000}'..='\u{10ffff}'))
}

/// The generic top-level domains that everybody knows, sorted.
const GENERIC_TOPS: &[&str] = &["biz", "com", "info", "net", "org"];

/// What registries of countries put below their top level.
const SECOND_LEVELS: &[&str] = &["co", "com", "net", "org", "ac", "gov", "edu", "or", "ne", "go"];

/// Top-level domains that are common in messages and no words, sorted.
const PLAIN_TOPS: &[&str] = &[
    "ae", "app", "ar", "at", "au", "biz", "br", "ca", "ch", "ci", "cl", "cn", "co", "com", "cz", "de", "dev", "dk",
    "edu", "eg", "es", "eu", "fi", "fr", "gh", "gov", "gr", "hk", "id", "ie", "in", "info", "io", "it", "jp", "ke",
    "kr", "ma", "mx", "my", "net", "ng", "nl", "nz", "online", "org", "pe", "ph", "pk", "pl", "pt", "ro", "ru", "rw",
    "sa", "se", "sg", "shop", "sn", "store", "th", "tr", "tv", "tz", "ua", "ug", "uk", "us", "vn", "xyz", "za", "zm",
    "zw",
];

/// The others that are common, sorted.
const COMMON_TOPS: &[&str] = &[
    "africa", "ai", "ao", "asia", "bd", "be", "bf", "bg", "bh", "blog", "bo", "bw", "by", "cc", "cloud", "club", "cm",
    "cr", "cu", "do", "dz", "ec", "ee", "et", "gd", "gg", "gl", "gt", "hn", "hr", "hu", "il", "int", "is", "jo", "kh",
    "kw", "lb", "link", "live", "lk", "lt", "lu", "lv", "ly", "me", "mg", "mil", "ml", "mobi", "mu", "mz", "na",
    "name", "news", "ni", "no", "np", "om", "pa", "page", "pro", "py", "qa", "rs", "si", "site", "sk", "sv", "tech",
    "tn", "to", "top", "tw", "uy", "ve",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tops_are_sorted() {
        assert!(GENERIC_TOPS.is_sorted() && PLAIN_TOPS.is_sorted() && COMMON_TOPS.is_sorted());
        for (text, expected) in [("a.com", true), ("a.co.ke", true), ("co.ke", false), ("a.ke", false)] {
            assert_eq!(is_known(text.as_bytes(), Top::Generic), expected, "{text}");
        }
        for (text, plain, common) in [
            ("example.org", true, true),
            ("EXAMPLE.CO.UK", true, true),
            ("let.me", false, true),
            ("ok.thanks", false, false),
            ("org", false, false),
            ("-.org", false, false),
        ] {
            assert_eq!(is_known(text.as_bytes(), Top::Plain), plain, "{text}");
            assert_eq!(is_known(text.as_bytes(), Top::Common), common, "{text}");
        }
    }

    #[track_caller]
    fn check(run: fn(&[u8]) -> bool, table: &[(&str, bool)]) {
        for &(text, expected) in table {
            assert_eq!(run(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn domains() {
        check(
            is_domain,
            &[
                ("example.org", true),
                ("a.b.example.co.uk", true),
                ("3com.example", true),
                ("xn--bcher-kva.example", true),
                ("example.xn--p1ai", true),
                ("bücher.example", true),
                ("пример.рф", true),
                ("उदाहरण.भारत", true),
                ("example", false),
                ("example.o", false),
                ("example.123", false),
                ("-a.example", false),
                ("a-.example", false),
                ("a..example", false),
                (".example", false),
                ("a_b.example", false),
                ("a\u{a0}b.example", false),
                ("a\u{2004}b.example", false),
                ("a\u{1f600}.example", false),
                ("", false),
            ],
        );
        let long = [&b"a".repeat(64)[..], b".example"].concat();
        assert!(!is_domain(&long));
        assert!(!is_domain(b"\xff\xfe.example"));
    }

    #[test]
    fn hosts() {
        check(
            is_host,
            &[
                ("localhost", true),
                ("rabbit_mq", true),
                ("192.0.2.1", true),
                ("192.0.2.256", false),
                ("[2001:db8::1]", true),
                ("[2001:db8::1", false),
                ("_dmarc.example.org", true),
                ("my_shop.example.org", true),
                ("my_shop.org", false),
                ("example.org.", true),
                ("*.example.org", false),
                ("-example.org", false),
                ("", false),
            ],
        );
    }
}
