//! The walks over what is no JSON: cells of a table, parameters of a form, cards of contacts, exported chats.
//!
//! ```text
//! from,text              From=%2B000&Body=hi    TEL;TYPE=CELL:000    [03/03/2026, 12:00:00] Awa: hi
//! "000","say ""hi"""     ^^^^ ^^^^^^            ^^^           ^^^    - not walked -         ^^^  ^^
//!  ^^^   ^^^^^^^^^^^
//! ```
//!
//! A field has the name of its column, parameter or property, as if the line were an object; so profiles and selectors
//! speak of it as they do of JSON.

use super::fields::{Column, Dropped, Escape, Field, FieldKind, Fields, Home, MEMBER, NONE, Node, ROOT, number};
use super::logs::{Access, NAMES, Shape, pair, quote_end};
use super::{EnvelopeFault, Format, More, Selectors};
use crate::limits::Limits;
use crate::span::{DocSpan, Span};

/// Walks one record.
pub(super) struct Lines<'w> {
    pub(super) buffer: &'w [u8],
    pub(super) record: DocSpan,
    pub(super) limits: &'w Limits,
    pub(super) selectors: &'w Selectors,
    pub(super) fields: &'w mut Fields,
    /// How many fields there may be in all.
    pub(super) max_fields: usize,
}

/// How text stands in the raw bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// As it is.
    Plain,
    /// `""` is a quote.
    Quoted,
    /// `%40` and `+`.
    Percent,
    /// `%40`; a plus is one.
    Path,
}

/// Where a field stands in its record.
#[derive(Clone, Copy)]
struct Place {
    kind: FieldKind,
    name: u32,
    index: u32,
    state: super::StateId,
}

impl Lines<'_> {
    pub(super) fn walk(&mut self, format: Format) -> Result<(), EnvelopeFault> {
        if self.record.is_empty() {
            return Ok(());
        }
        self.fields.nodes.push(Node { node: NONE, name: NONE, index: ROOT });
        match format {
            Format::Csv(delimiter) => self.cells(delimiter),
            Format::Form => self.parameters(),
            Format::Vcard => self.property(),
            _ => self.said(),
        }
    }

    /// The cells of a row (RFC 4180). The first row that is walked names the columns, unless the caller did.
    fn cells(&mut self, delimiter: u8) -> Result<(), EnvelopeFault> {
        let doc = self.record.of(self.buffer).unwrap_or_default();
        let heads = self.fields.columns.is_empty();
        let first = self.fields.fields.len();
        for (at, (start, end, quoted)) in cells(doc, delimiter).enumerate() {
            let column = self.fields.columns.get(at).copied();
            let place = match column {
                Some(Column { name, state }) if name != NONE => {
                    Place { kind: FieldKind::Cell, name, index: MEMBER, state }
                }
                _ => {
                    let state = self.selectors.index(self.selectors.root(), number(at));
                    Place { kind: FieldKind::Cell, name: NONE, index: number(at), state }
                }
            };
            self.push(start, end, if quoted { Coding::Quoted } else { Coding::Plain }, place)?;
        }
        if heads {
            let cells = first..self.fields.fields.len();
            let text = |at: usize| {
                let field = self.fields.fields.get(at);
                field.map(|field| self.fields.text(self.buffer, field)).unwrap_or_default()
            };
            let is_head = cells.clone().all(|at| is_name(text(at)));
            let columns: Vec<_> = cells
                .map(|at| match is_head {
                    true => Column { name: number(at), state: self.selectors.key(self.selectors.root(), text(at)) },
                    false => Column { name: NONE, state: self.selectors.root() },
                })
                .collect();
            self.fields.columns = columns;
        }
        Ok(())
    }

    /// The parameters of a form or query string.
    fn parameters(&mut self) -> Result<(), EnvelopeFault> {
        let doc = self.record.of(self.buffer).unwrap_or_default();
        self.parameters_in(usize::from(doc.first() == Some(&b'?')), doc.len())
    }

    fn parameters_in(&mut self, mut start: usize, end: usize) -> Result<(), EnvelopeFault> {
        let doc = self.record.of(self.buffer).and_then(|doc| doc.get(..end)).unwrap_or_default();
        while start < doc.len() {
            let rest = doc.get(start..).unwrap_or_default();
            let end = start + rest.iter().position(|&byte| byte == b'&').unwrap_or(rest.len());
            let parameter = doc.get(start..end).unwrap_or_default();
            let name = number(self.fields.fields.len());
            let root = self.selectors.root();
            match parameter.iter().position(|&byte| byte == b'=') {
                Some(equals) => {
                    let place = Place { kind: FieldKind::ParamName, name, index: MEMBER, state: root };
                    self.push(start, start + equals, Coding::Percent, place)?;
                    let state = match self.fields.field(name) {
                        Some(key) => self.selectors.key(root, self.fields.text(self.buffer, key)),
                        None => root,
                    };
                    if let Some(key) = self.fields.fields.last_mut() {
                        key.state = state;
                    }
                    let place = Place { kind: FieldKind::Param, name, index: MEMBER, state };
                    self.push(start + equals + 1, end, Coding::Percent, place)?;
                    let lanes = self.selectors.drops(state);
                    if lanes != 0 {
                        let at = DocSpan::new(self.place(start), self.place(end));
                        self.fields.drops.push(Dropped { at, lanes });
                    }
                }
                None if start < end => {
                    let place = Place { kind: FieldKind::Param, name: NONE, index: ROOT, state: root };
                    self.push(start, end, Coding::Percent, place)?;
                }
                None => {}
            }
            start = end + 1;
        }
        Ok(())
    }

    /// A line of a card (RFC 6350): its name, and its value in the parts that semicolons make where the name has several.
    fn property(&mut self) -> Result<(), EnvelopeFault> {
        let doc = self.record.of(self.buffer).unwrap_or_default();
        let Some(colon) = doc.iter().position(|&byte| byte == b':') else { return self.all() };
        let head = doc.get(..colon).unwrap_or_default();
        let name_end = head.iter().position(|&byte| byte == b';').unwrap_or(colon);
        let group = head.get(..name_end).and_then(|name| name.iter().position(|&byte| byte == b'.'));
        let name_start = group.map_or(0, |dot| dot + 1);
        let property = doc.get(name_start..name_end).unwrap_or_default();
        if property.is_empty() || !property.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            return self.all();
        }
        let parts = [&b"N"[..], b"ADR", b"ORG"].iter().any(|known| property.eq_ignore_ascii_case(known));
        let name = number(self.fields.fields.len());
        let state = self.selectors.key(self.selectors.root(), property);
        let place = Place { kind: FieldKind::Label, name, index: MEMBER, state };
        self.push(name_start, name_end, Coding::Plain, place)?;
        let (label, plain) = (Place { kind: FieldKind::Plain, ..place }, Coding::Plain);
        let mut start = name_end + 1;
        while start < colon {
            let rest = doc.get(start..colon).unwrap_or_default();
            let end = start + rest.iter().position(|&byte| byte == b';').unwrap_or(rest.len());
            let equals = doc.get(start..end).and_then(|one| one.iter().position(|&byte| byte == b'='));
            let name = number(self.fields.fields.len());
            let parameter = match equals {
                Some(equals) => {
                    self.push(start, start + equals, plain, Place { name, ..place })?;
                    start += equals + 1;
                    Place { name, ..label }
                }
                None => Place { name: NONE, index: ROOT, ..label },
            };
            self.push(start, end, plain, parameter)?;
            start = end + 1;
        }
        let mut start = colon + 1;
        if parts {
            while let Some(at) = doc.get(start..).and_then(|rest| rest.iter().position(|&byte| byte == b';')) {
                self.push(start, start + at, plain, label)?;
                start += at + 1;
            }
        }
        self.push(start, doc.len(), plain, label)
    }

    /// A line of an exported chat: who, and what.
    fn said(&mut self) -> Result<(), EnvelopeFault> {
        let doc = self.record.of(self.buffer).unwrap_or_default();
        let (speaker, text) = (self.column(0), self.column(1));
        match spoken(doc) {
            Some((from, Some((start, end)))) => {
                self.push(from, start, Coding::Plain, speaker)?;
                self.push(end, doc.len(), Coding::Plain, text)
            }
            Some((from, None)) => self.push(from, doc.len(), Coding::Plain, text),
            None => self.push(0, doc.len(), Coding::Plain, text),
        }
    }

    /// The place of the column of this number.
    fn column(&self, column: usize) -> Place {
        let Column { name, state } = self.fields.columns.get(column).copied().unwrap_or_default();
        Place { kind: FieldKind::Plain, name, index: MEMBER, state }
    }

    /// What stands before the document in a line of a log.
    pub(super) fn head(&mut self, end: usize) -> Result<(), EnvelopeFault> {
        if end > 0 { self.gap(0, end) } else { Ok(()) }
    }

    /// A line of a log that has fields: they in their order, and what is between them.
    pub(super) fn logged(&mut self, shape: Shape) -> Result<(), EnvelopeFault> {
        self.fields.nodes.push(Node { node: NONE, name: NONE, index: ROOT });
        match shape {
            Shape::Json(_) => Ok(()),
            Shape::Access(access) => self.access(access),
            Shape::Pairs(from) => self.pairs(from),
        }
    }

    fn access(&mut self, access: Access) -> Result<(), EnvelopeFault> {
        let Access { address, user, time, request, rest } = access;
        let doc = self.record.of(self.buffer).unwrap_or_default();
        let mut at = 0;
        for (column, (start, end)) in [address, user, time].into_iter().enumerate() {
            self.gap(at, start)?;
            self.push(start, end, Coding::Plain, self.column(column))?;
            at = end;
        }
        self.gap(at, request.0)?;
        self.link(request.0, request.1, self.column(3))?;
        at = request.1;
        // Referer, agent and further addresses.
        let (mut next, mut column) = (rest, 4);
        while let Some(b" \"") = doc.get(next..next + 2)
            && let Some(end) = quote_end(doc, next + 2)
            && column < NAMES.len()
        {
            self.gap(at, next + 2)?;
            self.link(next + 2, end, self.column(column))?;
            (at, next, column) = (end, end + 1, column + 1);
        }
        self.gap(at, doc.len())
    }

    /// A text that may have a link in it: its parameters are fields of their own.
    fn link(&mut self, start: usize, end: usize, place: Place) -> Result<(), EnvelopeFault> {
        let doc = self.record.of(self.buffer).and_then(|doc| doc.get(..end)).unwrap_or_default();
        let text = doc.get(start..).unwrap_or_default();
        let query = memchr::memchr(b'?', text).map(|at| start + at).filter(|at| {
            let rest = doc.get(at + 1..).unwrap_or_default();
            rest.iter().take_while(|byte| !b" &#".contains(byte)).any(|&byte| byte == b'=')
        });
        let path_end = query.unwrap_or(end);
        let path = doc.get(start..path_end).unwrap_or_default();
        if path.contains(&b'%') {
            self.push(start, path_end, Coding::Path, Place { kind: FieldKind::Param, ..place })?;
        } else {
            self.push(start, path_end, Coding::Plain, place)?;
        }
        let Some(query) = query else { return Ok(()) };
        let rest = doc.get(query..).unwrap_or_default();
        let query_end = query + rest.iter().position(|byte| b" #\"".contains(byte)).unwrap_or(rest.len());
        self.parameters_in(query + 1, query_end)?;
        self.gap(query_end, end)
    }

    fn pairs(&mut self, from: usize) -> Result<(), EnvelopeFault> {
        let doc = self.record.of(self.buffer).unwrap_or_default();
        self.gap(0, from)?;
        let mut at = from;
        while let Some(pair) = pair(doc, at) {
            let name = number(self.fields.fields.len());
            let key = doc.get(pair.key.0..pair.key.1).unwrap_or_default();
            let state = self.selectors.key(self.selectors.root(), key);
            let place = Place { kind: FieldKind::Label, name, index: MEMBER, state };
            self.push(pair.key.0, pair.key.1, Coding::Plain, place)?;
            self.push(pair.value.0, pair.value.1, Coding::Plain, Place { kind: FieldKind::Plain, ..place })?;
            at = pair.end;
            at += doc.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        }
        self.gap(at, doc.len())
    }

    /// Text between fields; nothing where it is marks alone.
    fn gap(&mut self, start: usize, end: usize) -> Result<(), EnvelopeFault> {
        let doc = self.record.of(self.buffer).unwrap_or_default();
        let text = doc.get(start..end).unwrap_or_default();
        if !text.iter().any(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80) {
            return Ok(());
        }
        let place = Place { kind: FieldKind::Plain, name: NONE, index: ROOT, state: self.selectors.root() };
        self.push(start, end, Coding::Plain, place)
    }

    /// All of the record is text.
    fn all(&mut self) -> Result<(), EnvelopeFault> {
        let end = self.record.len();
        let place = Place { kind: FieldKind::Plain, name: NONE, index: ROOT, state: self.selectors.root() };
        self.push(0, end, Coding::Plain, place)
    }

    fn push(&mut self, start: usize, end: usize, coding: Coding, place: Place) -> Result<(), EnvelopeFault> {
        let (len, limit) = (end.saturating_sub(start), self.limits.field_bytes);
        if len > limit {
            return Err(EnvelopeFault::FieldTooLong { at: start, len, limit });
        }
        if self.fields.fields.len() >= self.max_fields {
            return Err(EnvelopeFault::TooManyFields { at: start, limit: self.limits.fields });
        }
        let raw = DocSpan::new(self.place(start), self.place(end));
        let bytes = raw.of(self.buffer).unwrap_or_default();
        let is_coded = match coding {
            Coding::Plain => false,
            Coding::Quoted => bytes.contains(&b'"'),
            Coding::Percent => bytes.iter().any(|byte| matches!(byte, b'%' | b'+')),
            Coding::Path => bytes.contains(&b'%'),
        };
        let (text, home) = if is_coded {
            (self.fields.decode(raw, bytes, coding), Home::Side)
        } else {
            (Span::new(raw.start, raw.end), Home::Record)
        };
        let Place { kind, name, index, state } = place;
        let node = number(self.fields.nodes.len().saturating_sub(1));
        self.fields.fields.push(Field { raw, kind, home, state, text, name, node, index });
        Ok(())
    }

    fn place(&self, at: usize) -> u32 {
        self.record.start.saturating_add(number(at))
    }
}

impl Fields {
    /// Names what a line of a chat holds, once a call.
    pub(super) fn name_chat(&mut self, selectors: &Selectors) {
        if self.columns.is_empty() {
            for name in ["speaker", "text"] {
                let column = self.synthetic(name.as_bytes());
                let state = selectors.key(selectors.root(), name.as_bytes());
                self.columns.push(Column { name: column, state });
            }
        }
    }

    /// Adds the name of a column that stands in no record.
    pub(super) fn synthetic(&mut self, name: &[u8]) -> u32 {
        let own = number(self.fields.len());
        let start = number(self.side.len());
        self.side.extend_from_slice(name);
        let text = Span::new(start, number(self.side.len()));
        self.side.push(b'\n');
        let (raw, kind, home) = (DocSpan::new(0, 0), FieldKind::Label, Home::Side);
        let state = super::StateId::default();
        self.fields.push(Field { raw, kind, home, state, text, name: own, node: NONE, index: ROOT });
        own
    }

    /// Adds the text of coded bytes to the side buffer.
    fn decode(&mut self, raw: DocSpan, bytes: &[u8], coding: Coding) -> Span {
        let start = number(self.side.len());
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let (decoded, raw_len) = match (coding, byte) {
                // The plus of a telephone number that nobody encoded.
                (Coding::Percent, b'+') if at == 0 && bytes.get(1).is_some_and(u8::is_ascii_digit) => (byte, 1),
                (Coding::Percent, b'+') => (b' ', 1),
                (Coding::Percent | Coding::Path, b'%') => match bytes.get(at + 1..at + 3).and_then(hex) {
                    Some(decoded) => (decoded, 3),
                    None => (byte, 1),
                },
                (Coding::Quoted, b'"') if bytes.get(at + 1) == Some(&b'"') => (b'"', 2),
                _ => (byte, 1),
            };
            if raw_len > 1 {
                let (side, raw) = (number(self.side.len()), raw.start + number(at));
                self.escapes.push(Escape { side, raw, side_len: 1, raw_len });
            }
            self.side.push(decoded);
            at += usize::from(raw_len);
        }
        let text = Span::new(start, number(self.side.len()));
        self.side.push(b'\n');
        text
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// Yields the cells of a row: start, end, and whether quotes stand around it.
pub(super) fn cells(row: &[u8], delimiter: u8) -> impl Iterator<Item = (usize, usize, bool)> + '_ {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let rest = row.get(start..)?;
        if let Quoted::Closed(len) = quoted(rest, delimiter) {
            let end = start + len;
            next = (end < row.len()).then_some(end + 1);
            return Some((start + 1, end - 1, true));
        }
        let end = start + memchr::memchr(delimiter, rest).unwrap_or(rest.len());
        next = (end < row.len()).then_some(end + 1);
        Some((start, end, false))
    })
}

/// How a cell begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoted {
    /// Without quotes, or with some that are part of it.
    No,
    /// With a quote that nothing closes.
    Open,
    /// With quotes; so long, both of them included.
    Closed(usize),
}

/// Tells whether `rest` begins with a quoted cell: behind the last quote stands the delimiter, a line end or nothing.
fn quoted(rest: &[u8], delimiter: u8) -> Quoted {
    if rest.first() != Some(&b'"') {
        return Quoted::No;
    }
    let mut at = 1;
    loop {
        let Some(quote) = rest.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) else { return Quoted::Open };
        at += quote + 1;
        match rest.get(at) {
            Some(b'"') => at += 1,
            None | Some(b'\n') => return Quoted::Closed(at),
            Some(b'\r') if rest.get(at + 1).is_none_or(|&byte| byte == b'\n') => return Quoted::Closed(at),
            Some(&byte) if byte == delimiter => return Quoted::Closed(at),
            Some(_) => return Quoted::No,
        }
    }
}

/// Returns the end of the row that begins at `from`, with its line end; line breaks between quotes do not end it. Nothing where
/// the end is not in `table`; a quote that stays open is a part of its cell, unless more may follow.
pub(super) fn row_end(table: &[u8], from: usize, delimiter: u8, more: More) -> Option<usize> {
    let mut at = from;
    loop {
        match quoted(table.get(at..)?, delimiter) {
            Quoted::Closed(len) => at += len,
            Quoted::Open if more == More::Follows => return None,
            Quoted::Open | Quoted::No => {}
        }
        let rest = table.get(at..)?;
        let end = memchr::memchr2(delimiter, b'\n', rest)?;
        at += end + 1;
        if rest.get(end) == Some(&b'\n') {
            return Some(at);
        }
    }
}

/// Whether a cell of the first row can be the name of a column: no address, no number.
fn is_name(text: &[u8]) -> bool {
    let n_digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    text.len() <= 128 && !text.contains(&b'@') && n_digits < 5
}

/// Takes apart a line of an exported chat: where it goes on behind date and time, and, where somebody speaks, the end of the
/// name and the start of the text.
///
/// `[03/03/2026, 12:00:00] Awa: hi` (iOS), `3/3/26, 12:00 PM - Awa: hi` (Android); separators and order of dates follow the
/// language of the phone.
pub(super) fn spoken(line: &[u8]) -> Option<(usize, Option<(usize, usize)>)> {
    let mut at = marks_end(line, 0);
    let bracket = line.get(at) == Some(&b'[');
    at += usize::from(bracket);
    let date = at;
    let is_date = |byte: &u8| byte.is_ascii_digit() || b"/.-".contains(byte);
    at += line.get(at..)?.iter().take_while(|byte| is_date(byte)).count();
    let day = line.get(date..at)?;
    let n_digits = day.iter().filter(|byte| byte.is_ascii_digit()).count();
    if !(4..=8).contains(&n_digits) || day.iter().filter(|byte| !byte.is_ascii_digit()).count() < 2 {
        return None;
    }
    // A comma, blanks, then the time, with what follows it (AM, p. m., narrow blanks).
    let rest = line.get(at..)?;
    let end = if bracket { memchr::memchr(b']', rest)? } else { memchr::memmem::find(rest, b" - ")? };
    let time = rest.get(..end)?;
    if end > 40 || !time.contains(&b':') && !time.contains(&b'.') || !time.iter().any(u8::is_ascii_digit) {
        return None;
    }
    at += end + if bracket { 1 } else { 3 };
    at = marks_end(line, at);
    // `~` stands before names that are not in the phone's contacts.
    if line.get(at) == Some(&b'~') {
        at = marks_end(line, at + 1);
    }
    let said = line.get(at..)?;
    let name = memchr::memmem::find(said, b": ").or_else(|| said.strip_suffix(b":").map(<[u8]>::len));
    let name = name.filter(|&name| (1..=MAX_SPEAKER).contains(&name));
    Some((at, name.map(|name| (at + name, (at + name + 2).min(line.len())))))
}

/// Returns the name of who speaks in a line of an exported chat.
#[must_use]
pub fn speaker(line: &[u8]) -> Option<&[u8]> {
    let (from, said) = spoken(line)?;
    line.get(from..said?.0)
}

/// Most people of one chat whose names are known outside of their own lines. WhatsApp's groups have up to 1,024 members, who may
/// change their names.
pub const MAX_SPEAKERS: usize = 4_096;

/// Passes over blanks and the invisible marks of direction that exports hold.
fn marks_end(line: &[u8], mut at: usize) -> usize {
    loop {
        at += match line.get(at..).unwrap_or_default() {
            [b' ', ..] => 1,
            [0xc2, 0xa0, ..] => 2,
            [0xe2, 0x80, 0x8e | 0x8f | 0xaa..=0xaf, ..] => 3,
            [0xef, 0xbb, 0xbf, ..] => 3,
            _ => return at,
        };
    }
}

/// Longest name of a speaker in bytes.
const MAX_SPEAKER: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        #[track_caller]
        fn check(row: &str, expected: &[(&str, bool)]) {
            let got: Vec<_> = cells(row.as_bytes(), b',')
                .map(|(start, end, quoted)| (row.get(start..end).unwrap_or("?"), quoted))
                .collect();
            assert_eq!(got, expected, "{row}");
        }
        check("a,b", &[("a", false), ("b", false)]);
        check("a,", &[("a", false), ("", false)]);
        check("\"a,\"\"b\",c", &[("a,\"\"b", true), ("c", false)]);
        check("\"\",\"\"", &[("", true), ("", true)]);
        check("\"a\nb\",c", &[("a\nb", true), ("c", false)]);
        check("\"a\" b,c", &[("\"a\" b", false), ("c", false)]);
        check("\"open,c", &[("\"open", false), ("c", false)]);
        let end = |table: &[u8], more| row_end(table, 0, b',', more);
        assert_eq!(end(b"a,b\nc", More::Ends), Some(4));
        assert_eq!(end(b"\"a\nb\",c\r\nd", More::Follows), Some(9));
        assert_eq!(end(b"a,\"b\nc", More::Ends), Some(5));
        assert_eq!(end(b"a,\"b\nc", More::Follows), None);
        assert_eq!(end(b"a,b", More::Ends), None);
    }

    #[test]
    fn chats() {
        #[track_caller]
        fn check(line: &str, expected: Option<(&str, Option<&str>)>) {
            let got = spoken(line.as_bytes()).map(|(from, name)| match name {
                Some((end, text)) => (line.get(from..end).unwrap_or("?"), line.get(text..)),
                None => (line.get(from..).unwrap_or("?"), None),
            });
            assert_eq!(got, expected, "{line}");
        }
        check("[03/03/2026, 12:00:00] Awa Diop: hi: you", Some(("Awa Diop", Some("hi: you"))));
        check(
            "\u{200e}[3/3/26, 12:00:00\u{202f}PM] ~\u{a0}Awa: \u{200e}image omitted",
            Some(("Awa", Some("\u{200e}image omitted"))),
        );
        check("03/03/2026, 12:00 - Awa: hi", Some(("Awa", Some("hi"))));
        check("3.3.26, 12:00 - +221 77 123 45 67: hi", Some(("+221 77 123 45 67", Some("hi"))));
        check("2026-03-03, 12:00 p. m. - Awa: hi", Some(("Awa", Some("hi"))));
        check("03/03/2026, 12:00 - Messages are encrypted.", Some(("Messages are encrypted.", None)));
        check("just a line: with a colon", None);
        check("12/2 is a fraction - Awa: no", None);
    }
}
