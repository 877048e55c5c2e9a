//! Guesses the format of an input from its name and its first bytes.

use super::fields::Fields;
use super::json::{self, BOM};
use super::lines::spoken;
use super::logs::is_log;
use super::{EnvelopeFault, Format, JsonFault, Selectors};
use crate::limits::Limits;

/// Returns the format of an input.
///
/// `name` is a file name (an ending `.gz` is looked through), `head` the first bytes of what is in it. The name decides,
/// but for `.json` files that hold a document on every line; without a telling name, the content does. When in doubt between
/// text and JSON that is broken it is JSON, because a text scan would not see through escapes.
///
/// # Errors
/// The input is in UTF-16, which no format here reads: scanned as bytes, it would pass for clean.
pub fn detect(name: Option<&str>, head: &[u8]) -> Result<Format, EnvelopeFault> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(EnvelopeFault::NotUtf8 { at: 0 });
    }
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    Ok(match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("jsonl" | "ndjson") => Format::JsonLines,
        Some("log") => Format::Log,
        Some("csv") => Format::Csv(delimiter(head)),
        Some("tsv" | "tab") => Format::Csv(b'\t'),
        Some("vcf" | "vcard") => Format::Vcard,
        Some("txt" | "text") if is_chat(head) => Format::WhatsApp,
        Some("txt" | "text") if is_log(lines(head)) => Format::Log,
        Some("txt" | "text" | "md") => Format::Text,
        Some("json") if !many(head) => Format::Json,
        Some("json") => Format::JsonLines,
        _ => by_content(head),
    })
}

/// Returns the byte that stands between the cells of a table: of those in use, the one that its first row has most of.
fn delimiter(head: &[u8]) -> u8 {
    let row = lines(head).next().unwrap_or_default();
    let count = |delimiter: u8| row.iter().filter(|&&byte| byte == delimiter).count();
    // The last of those that are equal is taken.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

/// Returns whether an exported chat begins here: most of its first lines begin with date, comma and time. Without the comma it
/// may as well be a log.
fn is_chat(head: &[u8]) -> bool {
    let (mut n, mut n_spoken) = (0, 0);
    for line in lines(head).take(10) {
        n += 1;
        let comma = line.iter().take(24).skip_while(|byte| !byte.is_ascii_digit()).any(|&byte| byte == b',');
        n_spoken += usize::from(comma && spoken(line).is_some());
    }
    n_spoken > 0 && n_spoken * 2 >= n
}

/// Returns whether a line is the body of a form: parameters, each with its name, and nothing that would have to be encoded.
#[must_use]
pub fn is_form(line: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%+*()!',:/@;$[]&=".contains(byte);
    let parameters = || line.split(|&byte| byte == b'&');
    let named = |parameter: &[u8]| parameter.iter().position(|&byte| byte == b'=').is_some_and(|at| at > 0);
    line.iter().all(is_part) && parameters().count() > 1 && parameters().all(named)
}

/// Returns whether the first two lines that are not blank begin and end a document each.
fn many(head: &[u8]) -> bool {
    let mut lines = lines(head);
    lines.next().is_some_and(|line| walk(line).is_ok())
        && lines.next().is_some_and(|line| line.starts_with(b"{") || line.starts_with(b"["))
}

fn by_content(head: &[u8]) -> Format {
    let Some(first) = lines(head).next() else { return Format::Text };
    let object =
        matches!(first, [b'{', rest @ ..] if matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}') | None));
    if first.eq_ignore_ascii_case(b"BEGIN:VCARD") {
        return Format::Vcard;
    }
    if is_form(first) {
        return Format::Form;
    }
    if is_chat(head) {
        return Format::WhatsApp;
    }
    if !object && first.first() != Some(&b'[') {
        if is_log(lines(head)) {
            return Format::Log;
        }
        return Format::Text;
    }
    let cut = memchr::memchr(b'\n', head).is_none();
    match walk(first) {
        Ok(()) if object || many(head) => Format::JsonLines,
        Ok(()) => Format::Json,
        // A line that goes on behind the head could be either; on one line, a document is a record.
        Err(EnvelopeFault::Json { fault: JsonFault::Ends, .. }) if cut && object => Format::JsonLines,
        // A document over several lines goes on as JSON; a broken line does not.
        Err(EnvelopeFault::Json { fault: JsonFault::Ends, .. }) => match walk(head) {
            Ok(()) | Err(EnvelopeFault::Json { fault: JsonFault::Ends, .. } | EnvelopeFault::NotUtf8 { .. }) => {
                Format::Json
            }
            Err(_) if object => Format::JsonLines,
            Err(_) => Format::Text,
        },
        Err(_) if object => Format::JsonLines,
        Err(_) => Format::Text,
    }
}

/// Yields the lines that are not blank, without the blanks around them and a byte order mark.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

fn walk(line: &[u8]) -> Result<(), EnvelopeFault> {
    json::walk(line, 0, &Limits::default(), &Selectors::default(), &mut Fields::default()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        #[track_caller]
        fn check(name: &str, head: &str, expected: Format) {
            let name = (!name.is_empty()).then_some(name);
            assert_eq!(detect(name, head.as_bytes()), Ok(expected), "{name:?} {head:?}");
        }
        check("a.jsonl", "hello", Format::JsonLines);
        check("A.NDJSON.GZ", "", Format::JsonLines);
        check("a.log", "{\"a\":1}", Format::Log);
        check("a.csv", "a,b", Format::Csv(b','));
        check("a.csv.gz", "a;b, c;d\n1,2,3,4", Format::Csv(b';'));
        check("a.tsv", "a", Format::Csv(b'\t'));
        check("a.vcf", "", Format::Vcard);
        check("", "BEGIN:VCARD\r\nFN:Awa\r\n", Format::Vcard);
        check("", "From=%2B000&Body=hi+there\n", Format::Form);
        check("", "a=b c&d=e", Format::Text);
        check("", "a=b", Format::Text);
        check("_chat.txt", "[03/03/2026, 12:00:00] Awa: hi\nmore\n", Format::WhatsApp);
        check("a.txt", "hello", Format::Text);
        check("a.json", "{\"a\":1}", Format::Json);
        check("a.json", "hello", Format::Json);
        check("a.json", "{\"a\":1}\n\n{\"a\":2", Format::JsonLines);
        check("a.json.gz", "[\n1]", Format::Json);
        check("a.b.dump", "hello", Format::Text);
        check("", "", Format::Text);
        check("", " \n", Format::Text);
        check("", "{\"a\":1}\n", Format::JsonLines);
        check("", "\u{feff}{\"a\":1}\n", Format::JsonLines);
        check("", "{\n  \"a\": 1\n}\n", Format::Json);
        check("", "{\"a\": {\n  \"a\": 1\n}}\n", Format::Json);
        check("", "{\"a\": \"head ends here", Format::JsonLines);
        check("", "{\"a\": \"broken\n{\"a\": 2}\n", Format::JsonLines);
        check("", "[a\n]", Format::Text);
        check("", "{\"a\": \\u0040\n", Format::JsonLines);
        check("access.log.1", "192.0.2.7 - - [03/Mar/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n", Format::Log);
        check("", "Mar  3 12:00:00 host app[7]: hello\n", Format::Log);
        check("a.txt", "level=info user=ana\nlevel=warn user=awa\n", Format::Log);
        check("", "see a=1 b=2\nhello\nhello\n", Format::Text);
        check("", "{x}\n", Format::Text);
        check("", "[1,2]\n[3]\n", Format::JsonLines);
        check("", "[1,2]\n", Format::Json);
        check("", "[\n1,2]\n", Format::Json);
        check("", "[2024-01-01] hello\n", Format::Text);
        assert!(detect(None, b"\xff\xfeh\0").is_err());
        assert!(detect(Some("a.log"), b"\xfe\xff\0h").is_err());
    }
}
