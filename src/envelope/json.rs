//! The walk over JSON: one pass over raw bytes that checks the whole grammar (RFC 8259) and lists every string, number
//! and key. No value tree, no recursion; strings are crossed eight bytes at a time.

use super::EnvelopeFault;
use super::fault::JsonFault;
use super::fields::{Dropped, Escape, Field, FieldKind, Fields, Home, NONE, Node, Step, number};
use super::select::{Selectors, StateId};
use crate::limits::Limits;
use crate::span::{DocSpan, Span};

/// An array or object that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    shape: Shape,
    /// Its own place among the nodes.
    node: u32,
    /// The key that names its elements.
    name: u32,
    /// The element that is being walked.
    index: u32,
    state: StateId,
    /// Where a drop of this array or object begins, in the buffer, and on which lanes.
    drop_from: u32,
    drop_lanes: u8,
    /// Lanes on which it is dropped, be it with what is around it.
    dropped: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Around the document.
    Document,
    Array,
    Object,
}

/// Where the value that comes next stands.
#[derive(Clone, Copy)]
struct Place {
    step: Step,
    name: u32,
    state: StateId,
    /// Where its member or element begins, in the record.
    from: usize,
}

struct Walk<'w> {
    /// The record.
    doc: &'w [u8],
    /// Where the record begins in the buffer.
    base: u32,
    at: usize,
    limits: &'w Limits,
    selectors: &'w Selectors,
    fields: &'w mut Fields,
    /// How many fields there may be in all.
    max_fields: usize,
    /// The innermost array or object; those around it are in `fields.frames`.
    top: Frame,
}

/// Walks the JSON document `doc`, which begins at `base` in its buffer. Blanks alone are a document without fields.
pub(super) fn walk(
    doc: &[u8],
    base: u32,
    limits: &Limits,
    selectors: &Selectors,
    fields: &mut Fields,
) -> Result<(), EnvelopeFault> {
    if let Err(err) = std::str::from_utf8(doc) {
        return Err(EnvelopeFault::NotUtf8 { at: err.valid_up_to() });
    }
    fields.frames.clear();
    let max_fields = fields.fields.len().saturating_add(limits.fields);
    let top = Frame {
        shape: Shape::Document,
        node: NONE,
        name: NONE,
        index: 0,
        state: selectors.root(),
        drop_from: 0,
        drop_lanes: 0,
        dropped: 0,
    };
    let at = if doc.starts_with(BOM) { BOM.len() } else { 0 };
    Walk { doc, base, at, limits, selectors, fields, max_fields, top }.document()
}

type Step1 = Result<(), EnvelopeFault>;

impl Walk<'_> {
    fn document(mut self) -> Step1 {
        if self.blank().is_none() && self.at == self.doc.len() {
            return Ok(());
        }
        let mut place = Place { step: Step::Root, name: NONE, state: self.selectors.root(), from: self.at };
        loop {
            // A value; arrays and objects open, and only an empty one is over at once.
            if let Some(next) = self.value(place)? {
                place = next;
                continue;
            }
            // After a value: close what closes, until something goes on.
            place = loop {
                match (self.top.shape, self.blank()) {
                    (Shape::Object, Some(b',')) => {
                        self.at += 1;
                        break self.member()?;
                    }
                    (Shape::Array, Some(b',')) => {
                        self.at += 1;
                        self.top.index += 1;
                        break self.element();
                    }
                    (Shape::Object, Some(b'}')) | (Shape::Array, Some(b']')) => self.close(),
                    (Shape::Document, None) if self.at == self.doc.len() => return Ok(()),
                    (Shape::Document, _) => return Err(self.fault(JsonFault::Trailing)),
                    (_, None) if self.at == self.doc.len() => return Err(self.fault(JsonFault::Ends)),
                    _ => return Err(self.fault(JsonFault::NoComma)),
                }
            };
        }
    }

    /// Walks one value. Returns the place of the next where an array or object opened.
    #[inline]
    fn value(&mut self, place: Place) -> Result<Option<Place>, EnvelopeFault> {
        match self.blank() {
            Some(b'"') => {
                self.at += 1;
                let (raw, text, home) = self.string()?;
                self.push(FieldKind::Text, raw, text, home, place)?;
            }
            Some(b'-' | b'0'..=b'9') => self.number(place)?,
            Some(b'{') => {
                self.open(Shape::Object, place)?;
                if self.blank() != Some(b'}') {
                    return self.member().map(Some);
                }
                self.close();
                return Ok(None);
            }
            Some(b'[') => {
                self.open(Shape::Array, place)?;
                if self.blank() != Some(b']') {
                    return Ok(Some(self.element()));
                }
                self.close();
                return Ok(None);
            }
            Some(b't') => self.literal(b"true", place)?,
            Some(b'f') => self.literal(b"false", place)?,
            Some(b'n') => self.literal(b"null", place)?,
            None if self.at == self.doc.len() => return Err(self.fault(JsonFault::Ends)),
            _ => return Err(self.fault(JsonFault::NoValue)),
        }
        let lanes = self.selectors.drops(place.state) & !self.top.dropped;
        if lanes != 0 {
            self.drop_from(self.place(place.from), lanes);
        }
        Ok(None)
    }

    /// Walks the key of a member and its colon.
    #[inline]
    fn member(&mut self) -> Result<Place, EnvelopeFault> {
        match self.blank() {
            Some(b'"') => {}
            None if self.at == self.doc.len() => return Err(self.fault(JsonFault::Ends)),
            _ => return Err(self.fault(JsonFault::NoKey)),
        }
        let from = self.at;
        self.at += 1;
        let (raw, text, home) = self.string()?;
        let own = number(self.fields.fields.len());
        let key = match home {
            Home::Record => self.doc.get(from + 1..self.at - 1),
            Home::Side => text.of(&self.fields.side),
        };
        let state = self.selectors.key(self.top.state, key.unwrap_or_default());
        let place = Place { step: Step::Key(own), name: own, state, from };
        self.push(FieldKind::Key, raw, text, home, place)?;
        match self.blank() {
            Some(b':') => self.at += 1,
            None if self.at == self.doc.len() => return Err(self.fault(JsonFault::Ends)),
            _ => return Err(self.fault(JsonFault::NoColon)),
        }
        Ok(place)
    }

    #[inline]
    fn element(&mut self) -> Place {
        self.blank();
        let index = self.top.index;
        let state = self.selectors.index(self.top.state, index);
        Place { step: Step::Index(index), name: self.top.name, state, from: self.at }
    }

    #[inline]
    fn open(&mut self, shape: Shape, place: Place) -> Step1 {
        if self.fields.frames.len() >= self.limits.depth {
            return Err(EnvelopeFault::TooDeep { at: self.at, limit: self.limits.depth });
        }
        let dropped = self.selectors.drops(place.state);
        let frame = Frame {
            shape,
            node: number(self.fields.nodes.len()),
            name: place.name,
            index: 0,
            state: place.state,
            drop_from: self.place(place.from),
            drop_lanes: dropped & !self.top.dropped,
            dropped,
        };
        self.fields.nodes.push(Node { node: self.top.node, step: place.step });
        self.fields.frames.push(std::mem::replace(&mut self.top, frame));
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.at += 1;
        if self.top.drop_lanes != 0 {
            self.drop_from(self.top.drop_from, self.top.drop_lanes);
        }
        if let Some(around) = self.fields.frames.pop() {
            self.top = around;
        }
    }

    #[cold]
    fn drop_from(&mut self, from: u32, lanes: u8) {
        self.fields.drops.push(Dropped { at: DocSpan::new(from, self.place(self.at)), lanes });
    }

    /// Walks a string whose opening quote is passed, and its closing quote.
    #[inline]
    fn string(&mut self) -> Result<(DocSpan, Span, Home), EnvelopeFault> {
        let start = self.at;
        let end = plain_end(self.doc, start);
        match self.doc.get(end) {
            Some(b'"') => {
                self.at = end + 1;
                self.check_length(start, end - start)?;
                let (start, end) = (self.place(start), self.place(end));
                Ok((DocSpan::new(start, end), Span::new(start, end), Home::Record))
            }
            Some(b'\\') => self.escaped(start, end),
            _ => Err(self.broken_string(end)),
        }
    }

    /// Walks a string that has its first escape at `at`.
    #[cold]
    #[inline(never)]
    fn escaped(&mut self, start: usize, mut at: usize) -> Result<(DocSpan, Span, Home), EnvelopeFault> {
        let side = self.fields.side.len();
        let mut from = start;
        loop {
            self.fields.side.extend_from_slice(self.doc.get(from..at).unwrap_or_default());
            match self.doc.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {}
                _ => return Err(self.broken_string(at)),
            }
            let (c, raw_len) =
                escape(self.doc.get(at..).unwrap_or_default()).map_err(|fault| EnvelopeFault::Json { at, fault })?;
            let mut utf8 = [0; 4];
            let utf8 = c.encode_utf8(&mut utf8).as_bytes();
            self.fields.escapes.push(Escape {
                side: number(self.fields.side.len()),
                raw: self.place(at),
                side_len: u8::try_from(utf8.len()).unwrap_or(u8::MAX),
                raw_len,
            });
            self.fields.side.extend_from_slice(utf8);
            from = at + usize::from(raw_len);
            at = plain_end(self.doc, from);
        }
        self.at = at + 1;
        self.check_length(start, self.fields.side.len() - side)?;
        let text = Span::new(number(side), number(self.fields.side.len()));
        Ok((DocSpan::new(self.place(start), self.place(at)), text, Home::Side))
    }

    /// Walks a number. Its text is what a reader sees: without a fraction of zeros, and with the exponent written out, so
    /// that `2.2177e11` hides nothing.
    #[inline]
    fn number(&mut self, place: Place) -> Step1 {
        let start = self.at;
        let whole_from = start + usize::from(self.doc.get(start) == Some(&b'-'));
        let whole_end = digits_end(self.doc, whole_from);
        let whole = self.doc.get(whole_from..whole_end).unwrap_or_default();
        let mut end = whole_end;
        let mut ok = matches!(whole, [b'0'] | [b'1'..=b'9', ..]);
        let mut fraction: &[u8] = &[];
        if self.doc.get(end) == Some(&b'.') {
            let from = end + 1;
            end = digits_end(self.doc, from);
            fraction = self.doc.get(from..end).unwrap_or_default();
            ok &= !fraction.is_empty();
        }
        let mut exponent = None;
        if let Some(b'e' | b'E') = self.doc.get(end) {
            let sign = usize::from(matches!(self.doc.get(end + 1), Some(b'+' | b'-')));
            let from = end + 1 + sign;
            let digits_end = digits_end(self.doc, from);
            ok &= digits_end > from;
            exponent = self.doc.get(end + 1..digits_end);
            end = digits_end;
        }
        if !ok {
            self.at = end;
            return Err(self.fault(if end == self.doc.len() { JsonFault::Ends } else { JsonFault::Number }));
        }
        self.at = end;
        self.check_length(start, end - start)?;
        let raw = DocSpan::new(self.place(start), self.place(end));
        let mut text = Span::new(raw.start, raw.end);
        let mut home = Home::Record;
        if let Some(exponent) = exponent {
            let side = self.fields.side.len();
            let sign = self.doc.get(start..whole_from).unwrap_or_default();
            if write_out(sign, whole, fraction, exponent, &mut self.fields.side) {
                text = Span::new(number(side), number(self.fields.side.len()));
                home = Home::Side;
            }
        } else if fraction.iter().all(|&digit| digit == b'0') {
            text.end = self.place(whole_end);
        }
        self.push(FieldKind::Number, raw, text, home, place)
    }

    fn literal(&mut self, word: &[u8], place: Place) -> Step1 {
        let rest = self.doc.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            let same = rest.iter().zip(word).take_while(|(a, b)| a == b).count();
            self.at += same;
            return Err(self.fault(if self.at == self.doc.len() { JsonFault::Ends } else { JsonFault::Literal }));
        }
        let start = self.place(self.at);
        self.at += word.len();
        // `null` holds nothing that an operator could hide.
        if word != b"null" && self.selectors.operates(place.state) {
            let end = self.place(self.at);
            self.push(FieldKind::Literal, DocSpan::new(start, end), Span::new(start, end), Home::Record, place)?;
        }
        Ok(())
    }

    #[inline]
    fn push(&mut self, kind: FieldKind, raw: DocSpan, text: Span, home: Home, place: Place) -> Step1 {
        if self.fields.fields.len() >= self.max_fields {
            let at = (raw.start - self.base) as usize;
            return Err(EnvelopeFault::TooManyFields { at, limit: self.limits.fields });
        }
        let (state, node) = (place.state, self.top.node);
        self.fields.fields.push(Field { raw, kind, home, state, text, name: place.name, node, step: place.step });
        Ok(())
    }

    /// Passes blanks and returns the byte after them; nothing at the end, and at a NUL.
    #[inline]
    fn blank(&mut self) -> Option<u8> {
        loop {
            match self.doc.get(self.at) {
                Some(&byte) if byte > b' ' => return Some(byte),
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                _ => return None,
            }
        }
    }

    /// Returns a place in the record as one in the buffer.
    #[inline]
    fn place(&self, at: usize) -> u32 {
        self.base + number(at)
    }

    #[inline]
    fn check_length(&self, at: usize, len: usize) -> Step1 {
        let limit = self.limits.field_bytes;
        if len > limit { Err(EnvelopeFault::FieldTooLong { at, len, limit }) } else { Ok(()) }
    }

    #[cold]
    fn fault(&self, fault: JsonFault) -> EnvelopeFault {
        EnvelopeFault::Json { at: self.at, fault }
    }

    #[cold]
    fn broken_string(&self, at: usize) -> EnvelopeFault {
        let fault = if at < self.doc.len() { JsonFault::Control } else { JsonFault::Ends };
        EnvelopeFault::Json { at, fault }
    }
}

/// Returns the first place from `at` on of a quote, a backslash or a control character, or the end.
///
/// # Cost
/// About a third of a nanosecond a byte in short strings, a tenth in long ones.
#[inline]
fn plain_end(doc: &[u8], mut at: usize) -> usize {
    while let Some(eight) = doc.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let marks = special(u64::from_le_bytes(*eight));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = doc.get(at) {
        if byte < b' ' || byte == b'"' || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// Marks with its high bit the first byte that is a quote, a backslash or below a blank; bytes above the first may be
/// marked wrongly.
///
/// # Source
/// Mycroft's test for a zero byte: `(x - 0x01..01) & !x & 0x80..80` is exact up to and with the lowest zero byte.
#[inline]
const fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    let quotes = quote.wrapping_sub(ONES) & !quote;
    let slashes = slash.wrapping_sub(ONES) & !slash;
    let controls = word.wrapping_sub(ONES * b' ' as u64) & !word;
    (quotes | slashes | controls) & (ONES * 0x80)
}

#[inline]
fn digits_end(doc: &[u8], mut at: usize) -> usize {
    while doc.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// Reads the escape sequence that `rest` begins with: the character, and how many bytes the sequence has.
fn escape(rest: &[u8]) -> Result<(char, u8), JsonFault> {
    let c = match *rest.get(1).ok_or(JsonFault::Ends)? {
        c @ (b'"' | b'\\' | b'/') => char::from(c),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = hex4(rest.get(2..).unwrap_or_default())?;
            return match first {
                0xd800..=0xdbff => {
                    let low = match rest.get(6..8) {
                        Some(b"\\u") => hex4(rest.get(8..).unwrap_or_default())?,
                        _ if rest.len() < 8 => return Err(JsonFault::Ends),
                        _ => return Err(JsonFault::LoneSurrogate),
                    };
                    if !(0xdc00..=0xdfff).contains(&low) {
                        return Err(JsonFault::LoneSurrogate);
                    }
                    let code = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                    char::from_u32(code).map(|c| (c, 12)).ok_or(JsonFault::LoneSurrogate)
                }
                _ => char::from_u32(first).map(|c| (c, 6)).ok_or(JsonFault::LoneSurrogate),
            };
        }
        _ => return Err(JsonFault::Escape),
    };
    Ok((c, 2))
}

fn hex4(digits: &[u8]) -> Result<u32, JsonFault> {
    let mut code = 0;
    for at in 0..4 {
        let digit = *digits.get(at).ok_or(JsonFault::Ends)?;
        code = code << 4 | char::from(digit).to_digit(16).ok_or(JsonFault::Escape)?;
    }
    Ok(code)
}

/// Writes a number with an exponent without it; returns whether that is short enough to be something that was a plain
/// number once (at most 20 digits before the point).
fn write_out(sign: &[u8], whole: &[u8], fraction: &[u8], exponent: &[u8], out: &mut Vec<u8>) -> bool {
    let (down, exponent) = match exponent {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let shift = exponent.iter().fold(0_usize, |n, digit| n.saturating_mul(10).saturating_add(usize::from(digit & 15)));
    let Some(point) = (if down { whole.len().checked_sub(shift) } else { Some(whole.len().saturating_add(shift)) })
        .filter(|&n| n > 0)
    else {
        return false;
    };
    let n_zeros = whole.iter().chain(fraction).take_while(|&&digit| digit == b'0').count();
    if n_zeros >= point || n_zeros == whole.len() + fraction.len() || point - n_zeros > 20 {
        return false;
    }
    out.extend_from_slice(sign);
    let mut digits = whole.iter().chain(fraction).copied();
    out.extend(digits.by_ref().chain(std::iter::repeat(b'0')).take(point).skip(n_zeros));
    let rest = out.len();
    out.push(b'.');
    out.extend(whole.iter().chain(fraction).copied().skip(point));
    while let Some(b'0' | b'.') = out.last()
        && out.len() > rest
    {
        out.pop();
    }
    true
}

/// The byte order mark in UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specials() {
        for at in 0..8 {
            for byte in 0..=255_u8 {
                for around in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
                    let mut word = [around; 8];
                    word[at] = byte;
                    let marked = byte < b' ' || byte == b'"' || byte == b'\\';
                    assert_eq!(plain_end(&word, 0), if marked { at } else { 8 }, "{byte:#x} at {at} in {around:#x}");
                }
            }
        }
    }

    #[test]
    fn numbers_written_out() {
        #[track_caller]
        fn check(whole: &str, fraction: &str, exponent: &str, expected: Option<&str>) {
            let mut out = Vec::new();
            let done = write_out(b"-", whole.as_bytes(), fraction.as_bytes(), exponent.as_bytes(), &mut out);
            let got = done.then(|| String::from_utf8(out).unwrap());
            assert_eq!(got, expected.map(|text| format!("-{text}")), "{whole}.{fraction}e{exponent}");
        }
        check("2", "21771234567", "11", Some("221771234567"));
        check("2", "21771234567", "+11", Some("221771234567"));
        check("2", "5", "3", Some("2500"));
        check("2", "50", "0", Some("2.5"));
        check("33", "868800", "-1", Some("3.38688"));
        check("0", "254712345678", "12", Some("254712345678"));
        check("1", "", "19", Some("10000000000000000000"));
        check("1", "", "20", None);
        check("1", "", "99999999999999999999999999", None);
        check("1", "", "-1", None);
        check("0", "", "5", None);
        check("120", "", "-1", Some("12"));
    }
}
