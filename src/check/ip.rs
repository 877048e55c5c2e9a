//! Internet addresses, version 4 and 6, with an optional prefix length.

use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "ipv4", form: Form::Raw, worth: 10, run: ipv4 },
    Check { name: "ipv6", form: Form::Raw, worth: 30, run: ipv6 },
];

/// Returns whether `text` is an IPv4 address of four decimal octets, with a prefix length of 0 to 32 or without.
///
/// # Source
/// RFC 3986 §3.2.2 (`IPv4address`: no leading zeros, some systems read them as octal), RFC 4632 §3.1 (prefix length).
#[must_use]
pub(super) fn ipv4(text: &[u8]) -> bool {
    let (address, prefix) = split_prefix(text);
    is_quad(address) && prefix.is_none_or(|prefix| is_decimal(prefix, 32))
}

/// Returns whether `text` is an IPv6 address in any of its written forms, with a zone, with a prefix length of 0 to 128,
/// or without.
///
/// # Source
/// RFC 4291 §2.2 (forms, `::`, embedded IPv4) and §2.3 (prefix), RFC 4007 §11 (zone after `%`).
#[must_use]
pub(super) fn ipv6(text: &[u8]) -> bool {
    let (address, prefix) = split_prefix(text);
    let (address, zone) = split_once(address, b'%').map_or((address, None), |(address, zone)| (address, Some(zone)));
    let zone_fits = zone.is_none_or(|zone| {
        (1..=32).contains(&zone.len())
            && zone.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~'))
    });
    zone_fits && prefix.is_none_or(|prefix| is_decimal(prefix, 128)) && is_groups(address)
}

/// Returns whether `text` is four octets with dots between them.
pub(super) fn is_quad(text: &[u8]) -> bool {
    let mut n = 0;
    text.split(|&byte| byte == b'.').all(|octet| {
        n += 1;
        is_decimal(octet, 255)
    }) && n == 4
}

/// Returns whether `text` is an IPv6 address without prefix and zone.
pub(super) fn is_groups(text: &[u8]) -> bool {
    let gap = text.windows(2).position(|pair| pair == b"::");
    match gap {
        None => count_groups(text, Last::MayBeQuad) == Some(8),
        Some(at) => {
            let (Some(before), Some(after)) = (text.get(..at), text.get(at + 2..)) else { return false };
            let n_before = if before.is_empty() { Some(0) } else { count_groups(before, Last::Group) };
            let n_after = if after.is_empty() { Some(0) } else { count_groups(after, Last::MayBeQuad) };
            // A gap stands for one group or more.
            matches!((n_before, n_after), (Some(a), Some(b)) if a + b <= 7)
        }
    }
}

/// What the last group may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Group,
    MayBeQuad,
}

/// Counts groups of one to four hexadecimal digits with colons between them; an IPv4 address at the end counts as two.
fn count_groups(text: &[u8], last: Last) -> Option<usize> {
    let (groups, quad) = match text.iter().rposition(|&byte| byte == b':') {
        _ if !text.contains(&b'.') => (text, None),
        None => (&b""[..], Some(text)),
        Some(at) => (text.get(..at)?, text.get(at + 1..)),
    };
    if quad.is_some_and(|quad| last == Last::Group || !is_quad(quad)) {
        return None;
    }
    let n_quad = if quad.is_some() { 2 } else { 0 };
    if groups.is_empty() {
        return quad.map(|_| n_quad);
    }
    groups.split(|&byte| byte == b':').try_fold(n_quad, |n, group| {
        let fits = (1..=4).contains(&group.len()) && group.iter().all(u8::is_ascii_hexdigit);
        fits.then_some(n + 1)
    })
}

fn is_decimal(text: &[u8], most: u32) -> bool {
    let canonical = matches!(text, [_] | [b'1'..=b'9', _] | [b'1'..=b'9', _, _]);
    canonical
        && text.iter().all(u8::is_ascii_digit)
        && text.iter().fold(0, |n, &byte| n * 10 + u32::from(byte - b'0')) <= most
}

fn split_prefix(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    split_once(text, b'/').map_or((text, None), |(address, prefix)| (address, Some(prefix)))
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = text.splitn(2, |&byte| byte == at);
    Some((parts.next()?, parts.next()?))
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
    fn version_4() {
        check(
            ipv4,
            &[
                ("192.0.2.1", true),
                ("0.0.0.0", true),
                ("255.255.255.255", true),
                ("198.51.100.0/24", true),
                ("198.51.100.0/33", false),
                ("192.0.2.256", false),
                ("192.0.02.1", false),
                ("192.0.2", false),
                ("192.0.2.1.5", false),
                ("192.0.2.", false),
                ("192.0.2.1/", false),
                ("", false),
            ],
        );
    }

    #[test]
    fn version_6() {
        // The forms of RFC 4291 §2.2 and the zone of RFC 4007 §11.2.
        check(
            ipv6,
            &[
                ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", true),
                ("2001:DB8:0:0:8:800:200C:417A", true),
                ("2001:DB8::8:800:200C:417A", true),
                ("FF01::101", true),
                ("::1", true),
                ("::", true),
                ("1::", true),
                ("0:0:0:0:0:0:13.1.68.3", true),
                ("::FFFF:129.144.52.38", true),
                ("2001:0DB8:0:CD30::/60", true),
                ("fe80::1234%1", true),
                ("fe80::1%eth0", true),
                ("1:2:3:4:5:6:7::", true),
                ("1:2:3:4:5:6:7:8::", false),
                ("1:2:3:4:5:6:7", false),
                ("1:2:3:4:5:6:7:8:9", false),
                ("1::2::3", false),
                (":::", false),
                (":1", false),
                ("1:", false),
                ("12345::1", false),
                ("g::1", false),
                ("::1%", false),
                ("::192.0.2.256", false),
                ("192.0.2.1::", false),
                ("192.0.2.1", false),
                ("2001:db8::/129", false),
                ("", false),
            ],
        );
    }
}
