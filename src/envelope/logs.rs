//! Lines of logs: where do their fields stand?
//!
//! ```text
//! 192.0.2.7 - ana [03/Mar/2026:12:00:00 +0000] "GET /reset?mail=ana%40example.org HTTP/1.1" 200 512 "-" "curl/8"
//! time=2026-03-03T12:00:00Z level=info user="Ana Lima" ip=192.0.2.7
//! <34>Mar  3 12:00:00 host app[77]: {"user":"ana"}
//! ```
//!
//! A line is only taken apart where its shape leaves no doubt, because a value that is cut is no value; everything else is
//! text, as it stands. What is between fields is text, too.

use super::fields::Fields;

/// What a line turns out to be. Places are bytes of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// From here on a JSON document.
    Json(usize),
    /// A line of an access log, in the format that web servers call combined, or common.
    Access(Access),
    /// From here on pairs of key and value alone.
    Pairs(usize),
}

/// Where the parts of a line of an access log stand, as start and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) address: (usize, usize),
    pub(super) user: (usize, usize),
    pub(super) time: (usize, usize),
    pub(super) request: (usize, usize),
    /// Behind status and length: what is there of referer, agent and further addresses, in quotes.
    pub(super) rest: usize,
}

/// A pair of key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: (usize, usize),
    pub(super) value: (usize, usize),
    /// Where it ends, with the quote.
    pub(super) end: usize,
}

/// The names of an access log's fields, after nginx.
pub(super) const NAMES: [&str; 7] =
    ["remote_addr", "remote_user", "time_local", "request", "http_referer", "http_user_agent", "http_x_forwarded_for"];

/// Looks at a line; nothing where it is text.
pub(super) fn shape(line: &[u8]) -> Option<Shape> {
    if line.contains(&b'\n') {
        return None;
    }
    let from = header_end(line);
    let body = line.get(from..)?;
    let start = from + body.len() - body.trim_ascii_start().len();
    if let [b'{', b'"' | b' ', .., b'}'] | b"{}" = body.trim_ascii() {
        return Some(Shape::Json(start));
    }
    // Behind any head, as containers and shippers write it.
    if body.trim_ascii_end().ends_with(b"}")
        && let Some(at) = memchr::memmem::find(body, b" {\"")
    {
        return Some(Shape::Json(from + at + 1));
    }
    // The name of the server may stand before the address; an address looks like one, or is a label by now.
    let second = word_end(line, start) + 1;
    let is_address =
        line.get(second..word_end(line, second)).is_some_and(|word| word.iter().any(|byte| b".:[".contains(byte)));
    let shifted = if is_address { access(line, second) } else { None };
    if let Some(access) = shifted.or_else(|| access(line, start)) {
        return Some(Shape::Access(access));
    }
    pairs(line, start).map(Shape::Pairs)
}

/// Whether most of the first lines are of logs.
pub(super) fn is_log(lines: impl Iterator<Item = impl AsRef<[u8]>>) -> bool {
    let (mut n, mut n_shaped) = (0, 0);
    for line in lines.take(10) {
        let line = line.as_ref();
        n += 1;
        n_shaped += usize::from(header_end(line) > 0 || shape(line).is_some());
    }
    n_shaped > 0 && n_shaped * 2 > n
}

/// Passes over the head of a line of syslog: up to its message, or its structured data.
///
/// # Source
/// RFC 5424, section 6, and RFC 3164, section 4.
fn header_end(line: &[u8]) -> usize {
    let mut at = 0;
    if line.first() == Some(&b'<') {
        let n = line.iter().skip(1).take(4).take_while(|byte| byte.is_ascii_digit()).count();
        if n == 0 || line.get(n + 1) != Some(&b'>') {
            return 0;
        }
        at = n + 2;
        if let Some([b'1', b' ']) = line.get(at..at + 2) {
            // Version, time, host, application, process, message.
            let mut end = at;
            for _ in 0..6 {
                end = word_end(line, end) + 1;
            }
            // Structured data, or a dash where there is none.
            match line.get(end..) {
                Some([b'-', b' ', ..]) => end += 2,
                Some([b'[', ..]) => {
                    end += memchr::memmem::find(line.get(end..).unwrap_or_default(), b"] ").map_or(0, |at| at + 2)
                }
                _ => {}
            }
            return end.min(line.len());
        }
    }
    // `Mar  3 12:00:00 host app[77]: `
    let rest = line.get(at..).unwrap_or_default();
    let [a, b, c, b' ', day, digit, b' ', clock @ ..] = rest else { return 0 };
    let month = [a, b, c].iter().all(|byte| byte.is_ascii_alphabetic());
    let is_clock = clock.len() > 9
        && clock.iter().take(8).enumerate().all(|(n, byte)| match n {
            2 | 5 => *byte == b':',
            _ => byte.is_ascii_digit(),
        });
    if !month || !(day.is_ascii_digit() || *day == b' ') || !digit.is_ascii_digit() || !is_clock {
        return 0;
    }
    let host = word_end(line, at + 16);
    let tag = word_end(line, host + 1);
    // Without a colon it is no tag, and the message begins behind the host.
    let end = if tag.checked_sub(1).and_then(|last| line.get(last)) == Some(&b':') { tag + 1 } else { host + 1 };
    end.min(line.len())
}

/// Reads a line of an access log whose address begins at `start`.
///
/// # Source
/// nginx, `ngx_http_log_module`, the format `combined`; Apache httpd, `mod_log_config`, `%h %l %u %t "%r" %>s %b`.
fn access(line: &[u8], start: usize) -> Option<Access> {
    let address = (start, word_end(line, start));
    let ident = word_end(line, address.1 + 1);
    let rest = line.get(ident + 1..)?;
    // A name may have blanks; what follows begins with a bracket.
    let bracket = memchr::memmem::find(rest, b" [")?;
    let user = (ident + 1, ident + 1 + bracket);
    let opens = user.1 + 2;
    let closes = opens + memchr::memchr(b']', line.get(opens..)?)?;
    let time = line.get(opens..closes)?;
    let is_time = time.contains(&b':') && time.first().is_some_and(u8::is_ascii_digit) && time.len() <= 40;
    if address.0 == address.1 || user.1 - user.0 > 256 || !is_time || line.get(closes..closes + 3) != Some(b"] \"") {
        return None;
    }
    let request = (closes + 3, quote_end(line, closes + 3)?);
    let status = request.1 + 2;
    let status_end = word_end(line, status);
    let length_end = word_end(line, status_end + 1);
    let is_number = |from: usize, to: usize| {
        let number = line.get(from..to).unwrap_or_default();
        number == b"-" || !number.is_empty() && number.iter().all(u8::is_ascii_digit)
    };
    let numbers = is_number(status, status_end) && is_number(status_end + 1, length_end);
    numbers.then_some(Access { address, user, time: (opens, closes), request, rest: length_end.min(line.len()) })
}

/// Returns where pairs begin that go on to the end of the line. One alone may be anything.
fn pairs(line: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut first, mut n) = (from, from, 0);
    while at < line.len() {
        at += line.get(at..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match pair(line, at) {
            Some(pair) => {
                first = if n == 0 { at } else { first };
                n += 1;
                at = pair.end;
            }
            None if at < line.len() => {
                n = 0;
                at = word_end(line, at);
            }
            None => {}
        }
    }
    (n > 1).then_some(first)
}

/// Reads the pair that begins at `at`: `key=value`, `key="a value"`.
pub(super) fn pair(line: &[u8], at: usize) -> Option<Pair> {
    let rest = line.get(at..)?;
    if !rest.first()?.is_ascii_alphabetic() {
        return None;
    }
    let n = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)).count();
    let (key, value) = ((at, at + n), at + n + 1);
    if rest.get(n) != Some(&b'=') || n > MAX_KEY {
        return None;
    }
    match line.get(value) {
        Some(b'"') => {
            let end = quote_end(line, value + 1)?;
            let behind = line.get(end + 1).is_none_or(|byte| byte.is_ascii_whitespace() || b",;]".contains(byte));
            let comma = usize::from(matches!(line.get(end + 1), Some(b',' | b';')));
            behind.then_some(Pair { key, value: (value + 1, end), end: end + 1 + comma })
        }
        Some(b'=') => None,
        _ => {
            let end = word_end(line, value);
            let comma = usize::from(end > value && matches!(line.get(end - 1), Some(b',' | b';')));
            Some(Pair { key, value: (value, end - comma), end })
        }
    }
}

/// Returns where the blank stands that ends the word at `from`, or the end of the line.
fn word_end(line: &[u8], from: usize) -> usize {
    let rest = line.get(from..).unwrap_or_default();
    rest.iter().position(|byte| byte.is_ascii_whitespace()).map_or(line.len().max(from), |n| from + n)
}

/// Returns where the quote stands that ends what begins at `from`; one behind a backslash does not.
pub(super) fn quote_end(line: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match line.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

impl Fields {
    /// Names the fields of access logs, once a call.
    pub(super) fn name_log(&mut self, selectors: &super::Selectors) {
        if self.columns.is_empty() {
            for name in NAMES {
                let column = self.synthetic(name.as_bytes());
                let state = selectors.key(selectors.root(), name.as_bytes());
                self.columns.push(super::fields::Column { name: column, state });
            }
        }
    }
}

/// Longest key of a pair.
const MAX_KEY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            let got = match shape(line.as_bytes()) {
                None => "text".to_owned(),
                Some(Shape::Json(at)) => format!("json {}", line.get(at..).unwrap_or("?")),
                Some(Shape::Pairs(at)) => format!("pairs {}", line.get(at..).unwrap_or("?")),
                Some(Shape::Access(access)) => {
                    let Access { address, user, time, request, rest } = access;
                    let part = |(start, end): (usize, usize)| line.get(start..end).unwrap_or("?");
                    format!(
                        "{}|{}|{}|{}|{}",
                        part(address),
                        part(user),
                        part(time),
                        part(request),
                        line.get(rest..).unwrap_or("?")
                    )
                }
            };
            assert_eq!(got, expected, "{line}");
        }
        check(
            "192.0.2.7 - ana [03/Mar/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 512 \"-\" \"curl/8\"",
            "192.0.2.7|ana|03/Mar/2026:12:00:00 +0000|GET / HTTP/1.1| \"-\" \"curl/8\"",
        );
        check(
            "example.org:443 2001:db8::7 - - [03/Mar/2026:12:00:00 +0000] \"GET /\\\"a HTTP/1.1\" 400 -",
            "2001:db8::7|-|03/Mar/2026:12:00:00 +0000|GET /\\\"a HTTP/1.1|",
        );
        check(
            "192.0.2.7 - ana lima [03/Mar/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 5",
            "192.0.2.7|ana lima|03/Mar/2026:12:00:00 +0000|GET / HTTP/1.1|",
        );
        check("192.0.2.7 - - [today] \"GET /\" 200 1", "text");
        check("192.0.2.7 - - [03/Mar/2026:12:00:00 +0000] \"GET /", "text");
        check("time=1 level=info msg=\"a \\\"b\\\" c\"", "pairs time=1 level=info msg=\"a \\\"b\\\" c\"");
        check("2026-03-03 INFO user=ana ip=192.0.2.7", "pairs user=ana ip=192.0.2.7");
        check("a=1 b=2 and more", "text");
        check("a=1 and b=2 c=3", "pairs b=2 c=3");
        check("call to=+221 77 123 45 67", "text");
        check("a == b c = d", "text");
        check("x=1", "text");
        check("x=\"open y=2", "text");
        check("{\"a\":1}", "json {\"a\":1}");
        check("<34>Mar  3 12:00:00 host app[77]: {\"a\":1}", "json {\"a\":1}");
        check("<165>1 2026-03-03T12:00:00Z host app 77 ID - user=ana ip=192.0.2.7", "pairs user=ana ip=192.0.2.7");
        check("Mar  3 12:00:00 host app: user=ana ip=192.0.2.7", "pairs user=ana ip=192.0.2.7");
        check("<165>1 2026-03-03T12:00:00Z host app 77 ID [e@1 a=\"1\"] {\"a\":1}", "json {\"a\":1}");
        check("2026-03-03T12:00:00Z stdout F {\"a\":1}", "json {\"a\":1}");
        check("Mar  3 12:00:00 host app: hello", "text");
        check("a=1\nb=2 c=3", "text");
        check("", "text");
        check("<34", "text");
        check("<165>1 ", "text");
    }
}
