//! Writes a record again, with new text in some places and some members gone. Every other byte is copied as it is.

use super::fields::{Dropped, Field, FieldKind, Fields, MEMBER, ROOT, Walked};
use super::json::special;
use crate::span::{DocSpan, Span};
use std::cell::RefCell;
use std::io::Write;

/// New text for one place of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The number of the field.
    pub field: u32,
    /// What becomes of it.
    pub change: Change,
}

/// What an edit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Puts other text in the place of a part of the field, or of all of it.
    Replace {
        /// Which part, from the start of the field's text. One that cuts an escape or a character takes all of it; any part
        /// of a number is the whole number.
        span: Span,
        /// Where the new text stands in the buffer of replacements. It is escaped as the field needs it.
        with: Span,
    },
    /// Removes the member or element that holds the field, with its comma. A document that is one value becomes `null`; a
    /// line of text becomes empty.
    Drop,
}

/// Writes records; holds a little memory for the keys it has rewritten.
#[derive(Debug, Default)]
pub struct Splicer {
    keys: Vec<WrittenKey>,
}

/// A key that was rewritten, so that the next that comes out the same can be told from it.
#[derive(Clone, Copy, Debug)]
struct WrittenKey {
    object: u32,
    start: usize,
    end: usize,
}

/// Bytes that were copied as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where they stand in the buffer.
    pub from: DocSpan,
    /// Where they begin in the output.
    pub to: usize,
}

/// What is written from.
struct Source<'s> {
    fields: &'s Fields,
    buffer: &'s [u8],
    record: DocSpan,
    replacements: &'s [u8],
    /// Raw bytes up to here are written or gone.
    cursor: u32,
    /// Where the record begins in the output.
    out_start: usize,
    /// What was copied, where somebody wants to know.
    copied: Option<&'s RefCell<Vec<Copied>>>,
}

impl Splicer {
    /// Appends the record to `out`.
    ///
    /// `edits` are sorted by field, then by place, and do not overlap; `lane` says which of the drops that selectors asked
    /// for apply. Where edits overlap all the same, the part that two of them share is written by the first.
    ///
    /// # Cost
    /// A copy of the record, and a few nanoseconds an edit. Rewritten keys of one object are compared with each other.
    pub fn splice(&mut self, source: &Spliced<'_>, edits: &[Edit], lane: usize, out: &mut Vec<u8>) {
        self.write(source, edits, lane, out, None);
    }

    /// Does what [`Splicer::splice`] does, and appends to `copied` what is copied, in order. No selector drops anything here.
    pub fn trace(&mut self, source: &Spliced<'_>, edits: &[Edit], out: &mut Vec<u8>, copied: &mut Vec<Copied>) {
        let cell = RefCell::new(std::mem::take(copied));
        self.write(source, edits, usize::MAX, out, Some(&cell));
        *copied = cell.into_inner();
    }

    fn write(
        &mut self,
        source: &Spliced<'_>,
        edits: &[Edit],
        lane: usize,
        out: &mut Vec<u8>,
        copied: Option<&RefCell<Vec<Copied>>>,
    ) {
        let &Spliced { fields, buffer, walked, replacements } = source;
        self.keys.clear();
        let record = walked.record;
        let mut source =
            Source { fields, buffer, record, replacements, cursor: record.start, out_start: out.len(), copied };
        let drops = fields.drops.get(walked.first_drop as usize..walked.last_drop as usize).unwrap_or_default();
        let on_lane =
            |drop: &&Dropped| u32::try_from(lane).is_ok_and(|lane| drop.lanes.checked_shr(lane).unwrap_or(0) & 1 == 1);
        let mut drops = drops.iter().filter(on_lane).peekable();
        let removes = edits.iter().any(|edit| edit.change == Change::Drop);
        let mut rest = edits;
        while let Some(&Edit { field: number, .. }) = rest.first() {
            let (now, later) = rest.split_at(n_same_field(rest));
            rest = later;
            let Some(field) = fields.field(number) else { continue };
            while let Some(Dropped { at, .. }) = drops.next_if(|drop| drop.at.start <= field.raw.start) {
                source.drop(*at, out);
            }
            // What begins before the cursor is gone with something around it.
            if field.raw.start < source.cursor {
                continue;
            }
            if !removes {
                self.replace(&mut source, field, now, out);
                continue;
            }
            // A key is not written where its value takes it away; the value's field is the next.
            let value =
                fields.field(number.saturating_add(1)).filter(|value| value.name == number && value.index == MEMBER);
            let own = later.split_at(n_same_field(later)).0;
            let takes_key = value.is_some()
                && own.iter().any(|edit| edit.field == number.saturating_add(1) && edit.change == Change::Drop);
            if takes_key || now.iter().any(|edit| edit.change == Change::Drop) {
                source.drop_member(field, out);
            } else {
                self.replace(&mut source, field, now, out);
            }
        }
        for Dropped { at, .. } in drops {
            source.drop(*at, out);
        }
        source.copy_to(record.end, out);
    }

    fn replace(&mut self, source: &mut Source<'_>, field: &Field, edits: &[Edit], out: &mut Vec<u8>) {
        match field.kind {
            FieldKind::Plain | FieldKind::Label | FieldKind::Text | FieldKind::Param => {
                source.replace_in(field, edits, out);
            }
            FieldKind::Cell => source.replace_cell(field, edits, out),
            FieldKind::Key | FieldKind::ParamName => {
                source.copy_to(field.raw.start, out);
                let start = out.len();
                source.replace_in(field, edits, out);
                source.copy_to(field.raw.end, out);
                let written = WrittenKey { object: field.node, start, end: out.len() };
                let text = out.get(start..).unwrap_or_default();
                let same = |key: &&WrittenKey| key.object == field.node && out.get(key.start..key.end) == Some(text);
                let n = self.keys.iter().filter(same).count();
                if n > 0 {
                    // Writing into a vector does not fail.
                    let _ = write!(out, "_{}", n + 1);
                }
                self.keys.push(written);
            }
            FieldKind::Number | FieldKind::Literal => {
                source.copy_to(field.raw.start, out);
                out.push(b'"');
                for edit in edits {
                    if let Change::Replace { with, .. } = edit.change {
                        escape(with.of(source.replacements).unwrap_or_default(), out);
                    }
                }
                out.push(b'"');
                source.cursor = field.raw.end;
            }
        }
    }
}

fn n_same_field(edits: &[Edit]) -> usize {
    let first = edits.first().map(|edit| edit.field);
    edits.iter().take_while(|edit| Some(edit.field) == first).count()
}

/// A record to be written again.
#[derive(Clone, Copy)]
pub struct Spliced<'s> {
    /// Its fields, and maybe others.
    pub fields: &'s Fields,
    /// The buffer that was walked.
    pub buffer: &'s [u8],
    /// Which fields are its own.
    pub walked: Walked,
    /// The new text of all edits.
    pub replacements: &'s [u8],
}

impl Source<'_> {
    /// Copies what is untouched up to `at`.
    #[inline]
    fn copy_to(&mut self, at: u32, out: &mut Vec<u8>) {
        if let Some(bytes) = self.buffer.get(self.cursor as usize..at as usize) {
            if let Some(copied) = self.copied {
                copied.borrow_mut().push(Copied { from: DocSpan::new(self.cursor, at), to: out.len() });
            }
            out.extend_from_slice(bytes);
        }
        self.cursor = self.cursor.max(at);
    }

    fn replace_in(&mut self, field: &Field, edits: &[Edit], out: &mut Vec<u8>) {
        for edit in edits {
            let Change::Replace { span, with } = edit.change else { continue };
            let raw = self.fields.raw(self.buffer, field, span);
            self.copy_to(raw.start, out);
            let with = with.of(self.replacements).unwrap_or_default();
            match field.kind {
                FieldKind::Plain | FieldKind::Label => out.extend_from_slice(with),
                FieldKind::Param | FieldKind::ParamName => percent(with, out),
                FieldKind::Cell => double(with, out),
                _ => escape(with, out),
            }
            self.cursor = self.cursor.max(raw.end);
        }
    }

    /// Rewrites a cell of a table. One without quotes gets some where its new text needs them.
    fn replace_cell(&mut self, field: &Field, edits: &[Edit], out: &mut Vec<u8>) {
        self.copy_to(field.raw.start, out);
        let before = field.raw.start.checked_sub(1).filter(|at| *at >= self.record.start);
        let is_quoted = before.and_then(|at| self.byte(at)) == Some(b'"');
        let old = field.raw.of(self.buffer).unwrap_or_default();
        let start = out.len();
        let with = |edit: &Edit| match edit.change {
            Change::Replace { with, .. } => with.of(self.replacements).unwrap_or_default(),
            Change::Drop => &[],
        };
        // Every byte that stands between cells in one of the tables we read; a quote too many does no harm.
        let needs = |text: &[u8]| text.iter().any(|byte| b"\",;|\t\r\n".contains(byte));
        let wraps = !is_quoted && edits.iter().any(|edit| needs(with(edit)));
        if wraps {
            let kept = Self { copied: None, ..*self };
            out.push(b'"');
            let mut inner = Vec::new();
            let mut plain = kept;
            for edit in edits {
                let Change::Replace { span, with } = edit.change else { continue };
                let raw = plain.fields.raw(plain.buffer, field, span);
                plain.copy_to(raw.start, &mut inner);
                inner.extend_from_slice(with.of(plain.replacements).unwrap_or_default());
                plain.cursor = plain.cursor.max(raw.end);
            }
            plain.copy_to(field.raw.end, &mut inner);
            double(&inner, out);
            out.push(b'"');
            self.cursor = self.cursor.max(field.raw.end);
        } else {
            self.replace_in(field, edits, out);
            self.copy_to(field.raw.end, out);
        }
        // New text that a spreadsheet would run is marked as text; what was a formula before is not ours.
        let first = start + usize::from(wraps);
        if let Some(&byte) = out.get(first)
            && FORMULA.contains(&byte)
            && old.first() != Some(&byte)
        {
            out.insert(first, b'\'');
        }
    }

    /// Removes a member or element. The comma after it goes with it, and the blanks before the next, which takes its place;
    /// without one, the comma before it, which is the last thing written but blanks.
    fn drop(&mut self, at: DocSpan, out: &mut Vec<u8>) {
        if at.start < self.cursor {
            return;
        }
        self.copy_to(at.start, out);
        self.cursor = self.blanks_end(at.end);
        // Parameters of a form are parted by `&`, which never stands behind a value of JSON.
        if let Some(b',' | b'&') = self.byte(self.cursor) {
            self.cursor = self.blanks_end(self.cursor + 1);
            return;
        }
        self.cursor = at.end;
        let written = out.get(self.out_start..).unwrap_or_default();
        let n_blanks = written.iter().rev().take_while(|byte| is_blank(**byte)).count();
        let kept = written.len() - n_blanks;
        if let Some(b',' | b'&') = written.get(..kept).and_then(<[u8]>::last) {
            out.truncate(self.out_start + kept - 1);
        }
    }

    fn drop_member(&mut self, field: &Field, out: &mut Vec<u8>) {
        let quote = u32::from(matches!(field.kind, FieldKind::Text | FieldKind::Key));
        let (from, to) = (field.raw.start.saturating_sub(quote), field.raw.end.saturating_add(quote));
        let from = match (field.kind, field.index) {
            (FieldKind::Plain | FieldKind::Label | FieldKind::Cell, _) => {
                self.copy_to(field.raw.start, out);
                self.cursor = field.raw.end;
                return;
            }
            (_, ROOT) => {
                self.copy_to(from, out);
                out.extend_from_slice(b"null");
                self.cursor = to;
                return;
            }
            (_, MEMBER) => {
                let quote = u32::from(!matches!(field.kind, FieldKind::Param | FieldKind::ParamName));
                self.fields.field(field.name).map_or(from, |key| key.raw.start.saturating_sub(quote))
            }
            _ => from,
        };
        let to = if field.kind == FieldKind::Key {
            // The colon is the next thing after the key.
            self.value_end(self.blanks_end(self.blanks_end(to) + 1))
        } else if field.kind == FieldKind::ParamName {
            let rest = self.buffer.get(to as usize..self.record.end as usize).unwrap_or_default();
            to + super::fields::number(rest.iter().position(|&byte| byte == b'&').unwrap_or(rest.len()))
        } else {
            to
        };
        self.drop(DocSpan::new(from, to), out);
    }

    /// Returns the end of the value that begins at `at`. The walk has seen that it is one.
    fn value_end(&self, mut at: u32) -> u32 {
        let mut depth = 0_u32;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' => {
                    at += 1;
                    while let Some(byte) = self.byte(at).filter(|&byte| byte != b'"') {
                        at += if byte == b'\\' { 2 } else { 1 };
                    }
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' | b',' if depth == 0 => return at,
                b']' | b'}' => depth -= 1,
                byte if is_blank(byte) && depth == 0 => return at,
                _ => {}
            }
            at += 1;
            if depth == 0 && matches!(byte, b'"' | b']' | b'}') {
                return at;
            }
        }
        at
    }

    fn blanks_end(&self, mut at: u32) -> u32 {
        while self.byte(at).is_some_and(is_blank) {
            at += 1;
        }
        at
    }

    /// Returns a byte of the record.
    fn byte(&self, at: u32) -> Option<u8> {
        if at < self.record.end { self.buffer.get(at as usize).copied() } else { None }
    }
}

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: &[u8] = b"=+-@\t\r";

/// Appends text to a cell in quotes.
fn double(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
}

/// Appends text as a part of a form.
fn percent(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'*' => out.push(byte),
            b' ' => out.push(b'+'),
            byte => {
                let digit = |n: u8| if n < 10 { b'0' + n } else { b'A' + n - 10 };
                out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a text is the content of a JSON string as it stands, and ASCII.
pub(super) fn is_plain(text: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let marks = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        (special(word) | word) & HIGH
    };
    match text.last_chunk() {
        Some(last) => text.as_chunks().0.iter().fold(marks(last), |found, word| found | marks(word)) == 0,
        None => text.iter().all(|byte| (b' '..0x80).contains(byte) && *byte != b'"' && *byte != b'\\'),
    }
}

/// Appends `text` to `out` as the content of a JSON string. What is not UTF-8 becomes U+FFFD.
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) {
    if is_plain(text) {
        return out.extend_from_slice(text);
    }
    for part in text.utf8_chunks() {
        let mut plain = part.valid().as_bytes();
        while let Some(at) = plain.iter().position(|&byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            let (before, after) = plain.split_at(at);
            out.extend_from_slice(before);
            if let Some((&byte, after)) = after.split_first() {
                match byte {
                    b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    b'\r' => out.extend_from_slice(b"\\r"),
                    b'\t' => out.extend_from_slice(b"\\t"),
                    byte => {
                        let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
                        out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
                    }
                }
                plain = after;
            }
        }
        out.extend_from_slice(plain);
        if !part.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}
