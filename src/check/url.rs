//! Links.

use super::host::{Top, is_host, is_known, is_text_of};
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "url", form: Form::Raw, worth: 10, run: url },
    Check { name: "url_host", form: Form::Raw, worth: 10, run: url_host },
    Check { name: "url_known_host", form: Form::Raw, worth: 10, run: url_known_host },
    Check { name: "common_host", form: Form::Raw, worth: 10, run: common_host },
    Check { name: "known_host", form: Form::Raw, worth: 10, run: known_host },
    Check { name: "url_credentials", form: Form::Raw, worth: 10, run: url_credentials },
];

/// Returns whether `text` is an absolute link with a host: scheme, `://`, user information or none, host, port or none, and
/// whatever path, query and fragment follow.
///
/// # Units
/// The candidate as it stands, UTF-8.
///
/// # Source
/// RFC 3986 §3 (syntax), RFC 3987 (letters of any script).
#[must_use]
pub(super) fn url(text: &[u8]) -> bool {
    after_scheme(text).is_some_and(|rest| is_authority_and_rest(rest, Users::Allowed))
}

/// Returns whether `text` is a link without a scheme: a domain name and what follows it.
///
/// # Source
/// As [`url`]; RFC 3986 §4.5 (suffix reference).
#[must_use]
pub(super) fn url_host(text: &[u8]) -> bool {
    let authority = text.split(|byte| is_authority_end(*byte)).next().unwrap_or_default();
    authority.contains(&b'.') && is_authority_and_rest(text, Users::Refused)
}

/// Returns whether `text` is a link without a scheme whose host has a common top-level domain, and a path, query or
/// fragment behind it.
///
/// # Source
/// As [`url_host`]; IANA root zone database.
#[must_use]
pub(super) fn url_known_host(text: &[u8]) -> bool {
    let Some(end) = text.iter().position(|byte| is_authority_end(*byte)) else { return false };
    let authority = text.get(..end).unwrap_or_default();
    let host = authority.split(|&byte| byte == b':').next().unwrap_or_default();
    is_known(host, Top::Common) && url_host(text)
}

/// Returns whether `text` is a domain name below one of the best known generic top-level domains or of a registry's
/// second level.
///
/// # Source
/// RFC 1123 §2.1; IANA root zone database.
#[must_use]
pub(super) fn common_host(text: &[u8]) -> bool {
    is_known(text, Top::Generic)
}

/// Returns whether `text` is a domain name whose top-level domain is common and no word of a language.
///
/// # Source
/// RFC 1123 §2.1; IANA root zone database.
#[must_use]
pub(super) fn known_host(text: &[u8]) -> bool {
    is_known(text, Top::Plain)
}

/// Returns whether `text` is an absolute link that carries a user's name and password.
///
/// Connection strings may name several hosts with commas between them; the first is looked at. The password may hold what a standard would have written as `%23`: connection strings are typed by hand.
///
/// # Source
/// RFC 3986 §3.2.1 (`user:password`, deprecated there for good reason), and RFC 1738 §3.1.
#[must_use]
pub(super) fn url_credentials(text: &[u8]) -> bool {
    let Some(rest) = after_scheme(text) else { return false };
    let Some(at) = rest.iter().position(|&byte| byte == b'@') else { return false };
    let (Some(user), Some(host)) = (rest.get(..at), rest.get(at + 1..)) else { return false };
    let mut parts = user.splitn(2, |&byte| byte == b':');
    let (Some(name), Some(password)) = (parts.next(), parts.next()) else { return false };
    !password.is_empty()
        && !name.iter().any(|byte| is_authority_end(*byte))
        && !password.contains(&b'/')
        && is_visible(user)
        && is_visible(host)
        && host.split(|&byte| byte == b',').next().is_some_and(|first| is_authority_and_rest(first, Users::Refused))
}

/// Whether user information may stand before the host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Users {
    Allowed,
    Refused,
}

fn is_authority_and_rest(text: &[u8], users: Users) -> bool {
    let end = text.iter().position(|byte| is_authority_end(*byte)).unwrap_or(text.len());
    let (authority, rest) = text.split_at_checked(end).unwrap_or_default();
    let host_and_port = match authority.iter().rposition(|&byte| byte == b'@') {
        None => authority,
        Some(_) if users == Users::Refused => return false,
        Some(at) => authority.get(at + 1..).unwrap_or_default(),
    };
    let bracket = host_and_port.iter().rposition(|&byte| byte == b']').unwrap_or(0);
    let (host, port) = match host_and_port.iter().rposition(|&byte| byte == b':').filter(|&colon| colon > bracket) {
        None => (host_and_port, &b""[..]),
        Some(colon) => {
            (host_and_port.get(..colon).unwrap_or_default(), host_and_port.get(colon + 1..).unwrap_or_default())
        }
    };
    let port_fits = port.len() <= 5
        && port.iter().all(u8::is_ascii_digit)
        && port.iter().fold(0_u32, |n, &byte| n * 10 + u32::from(byte - b'0')) <= 65_535;
    is_host(host) && port_fits && is_visible(authority) && is_visible(rest)
}

fn after_scheme(text: &[u8]) -> Option<&[u8]> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = text.split_at_checked(colon)?;
    let fits = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    rest.strip_prefix(b"://").filter(|_| fits)
}

const fn is_authority_end(byte: u8) -> bool {
    matches!(byte, b'/' | b'?' | b'#' | b'\\')
}

/// Returns whether nothing in `text` is a blank or a control character, and all of it is UTF-8.
fn is_visible(text: &[u8]) -> bool {
    is_text_of(text, |byte| byte.is_ascii_graphic())
        || std::str::from_utf8(text).is_ok_and(|text| !text.chars().any(|c| c.is_whitespace() || c.is_control()))
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
    fn links() {
        check(
            url,
            &[
                ("https://example.org", true),
                ("HTTP://WWW.EXAMPLE.ORG/", true),
                ("http://user@example.org", true),
                ("http://user:secret@example.org:8080/a?b=c#d", true),
                ("ftp://192.0.2.1:", true),
                ("http://[2001:db8::1]:80/x", true),
                ("http://localhost:8080", true),
                ("http://пример.рф/путь", true),
                ("http://example.org/\u{1f600}", true),
                ("http://example.org:70000/", false),
                ("http://example.org:abc", false),
                ("http://exa mple.org/", false),
                ("http://example.org/a b", false),
                ("http://-example.org", false),
                ("http://*.example.org", false),
                ("http://", false),
                ("http:example.org", false),
                ("://example.org", false),
                ("example.org", false),
                ("", false),
            ],
        );
    }

    #[test]
    fn hosts() {
        check(
            url_host,
            &[
                ("www.example.org", true),
                ("example.org/a?b", true),
                ("example.org?a=http://b.example", true),
                ("example.org:80/a", true),
                ("user@example.org/a", false),
                ("localhost/a", false),
                ("/a.b", false),
                ("", false),
            ],
        );
    }

    #[test]
    fn credentials() {
        check(
            url_credentials,
            &[
                ("https://user:secret@example.org/", true),
                ("postgres://app:p%23ss@192.0.2.1:5432/db", true),
                ("postgres://app:p#ss$1!@db_1:5432/db", true),
                ("redis://:secret@localhost", true),
                ("mongodb://app:secret@db1:27017,db2:27017/db", true),
                ("https://user@example.org/", false),
                ("https://user:@example.org/", false),
                ("https://example.org:80/@x", false),
                ("https://example.org/a:b@c", false),
                ("https://user:se cret@example.org/", false),
                ("", false),
            ],
        );
    }
}
