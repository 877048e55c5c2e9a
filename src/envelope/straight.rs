//! Writes a record from its beginning to its end, with new text in some places, while that text is made.
//!
//! Most edits of most records are of one sort: the place stands in the record as it is, and new text takes its place. Then
//! what stands between two places is copied, and the new text is written right behind it; there is no list of edits. What
//! needs more than that (keys, cells, parameters, escapes, members that go) is for [`super::Splicer`].

use super::fields::{Field, FieldKind, Fields, Home};
use super::splice::{escape, is_plain};
use crate::span::{DocSpan, Span};
use std::fmt;

/// The way through one record while it is written.
///
/// # Security
/// `Debug` tells how far it is, not what the record holds.
pub struct Straight<'s> {
    fields: &'s Fields,
    buffer: &'s [u8],
    /// Raw bytes up to here are written or gone.
    cursor: u32,
}

/// Text that goes as it stands into every kind of field, with room behind it.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// At least as long as what is copied at once.
    room: Box<[u8]>,
    len: usize,
}

impl Stamp {
    /// Makes a stamp of a text; nothing where it is not the content of a JSON string as it stands.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut room = text.to_vec();
        room.resize(text.len().max(AT_ONCE), 0);
        is_plain(text).then(|| Self { room: room.into(), len: text.len() })
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }
}

impl<'s> Straight<'s> {
    /// Begins with the record at `record` in `buffer`, whose fields are among `fields`.
    #[must_use]
    pub const fn new(fields: &'s Fields, buffer: &'s [u8], record: DocSpan) -> Self {
        Self { fields, buffer, cursor: record.start }
    }

    /// Returns whether places of a field can be written so. Of one number only one place can.
    #[inline]
    #[must_use]
    pub const fn suits(field: &Field) -> bool {
        matches!(field.home, Home::Record)
            && matches!(field.kind, FieldKind::Text | FieldKind::Plain | FieldKind::Number)
    }

    /// Puts a stamp in the place of a part of a field. Places come in ascending order.
    #[inline]
    pub fn stamp(&mut self, field: &Field, span: Span, stamp: &Stamp, out: &mut Vec<u8>) {
        self.open(field, span, out);
        copy(&stamp.room, 0, stamp.len, out);
        self.close(field, out);
    }

    /// Puts in the place of a part of a field what `write` appends, and tells whether that is ASCII that stands in a JSON string
    /// as it is: else it is looked at. Places come in ascending order.
    pub fn replace(&mut self, field: &Field, span: Span, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        self.open(field, span, out);
        let start = out.len();
        let plain = write(out);
        debug_assert!(!plain || is_plain(out.get(start..).unwrap_or_default()));
        if !plain && field.kind != FieldKind::Plain && !is_plain(out.get(start..).unwrap_or_default()) {
            let text = out.split_off(start);
            escape(&text, out);
        }
        self.close(field, out);
    }

    /// Copies what is left up to `end`.
    pub fn end(mut self, end: u32, out: &mut Vec<u8>) {
        self.copy_to(end, out);
    }

    /// Copies up to a place, and opens the quote that takes the place of a number.
    #[inline]
    fn open(&mut self, field: &Field, span: Span, out: &mut Vec<u8>) {
        // Most places are the whole of their field.
        let raw = if span.start == 0 && span.end == field.raw.end - field.raw.start {
            field.raw
        } else {
            self.fields.raw(self.buffer, field, span)
        };
        self.copy_to(raw.start, out);
        self.cursor = self.cursor.max(raw.end);
        if field.kind == FieldKind::Number {
            out.push(b'"');
        }
    }

    #[inline]
    fn close(&self, field: &Field, out: &mut Vec<u8>) {
        if field.kind == FieldKind::Number {
            out.push(b'"');
        }
    }

    #[inline]
    fn copy_to(&mut self, at: u32, out: &mut Vec<u8>) {
        copy(self.buffer, self.cursor as usize, at as usize, out);
        self.cursor = self.cursor.max(at);
    }
}

impl fmt::Debug for Straight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Straight").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

/// Appends `from[start..end]`; nothing where there is no such part.
#[inline]
fn copy(from: &[u8], start: usize, end: usize, out: &mut Vec<u8>) {
    let Some(len) = end.checked_sub(start) else { return };
    // Most parts are short, and a copy of a length that is known beforehand needs no call; what is too much goes again.
    match from.get(start..).and_then(<[u8]>::first_chunk::<AT_ONCE>) {
        Some(part) if len <= AT_ONCE => {
            let end = out.len() + len;
            out.extend_from_slice(part);
            out.truncate(end);
        }
        _ => out.extend_from_slice(from.get(start..end).unwrap_or_default()),
    }
}

/// Bytes that are copied at once.
const AT_ONCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::{Change, Edit, Envelope, Format, Spliced, Splicer};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stamps() {
        assert_eq!(Stamp::new(b"[X]").map(|stamp| stamp.text().to_vec()), Some(b"[X]".to_vec()));
        let long = [b'A'; 2 * AT_ONCE];
        assert_eq!(Stamp::new(&long).map(|stamp| stamp.text().to_vec()), Some(long.to_vec()));
        for text in [&b"\""[..], b"\\", b"\n", "é".as_bytes()] {
            assert!(Stamp::new(text).is_none());
        }
    }

    #[test]
    fn debug_tells_nothing_of_the_record() {
        let fields = Fields::default();
        let straight = Straight::new(&fields, b"awa@example.org", DocSpan::new(0, 15));
        assert_eq!(format!("{straight:?}"), "Straight { cursor: 0, .. }");
    }

    proptest! {
        /// What is written so is what the splicer writes.
        #[test]
        fn straight_is_spliced(
            texts in prop::collection::vec("[a-zé]{0,50}", 1..6),
            numbers in prop::collection::vec(any::<i32>(), 1..4),
            cuts in prop::collection::vec((0..12_usize, 0..60_u32, 0..60_u32), 0..12),
            new in "[A-Z\"\\\\\n]{0,40}",
            format in prop_oneof![Just(Format::JsonLines), Just(Format::Text)],
        ) {
            let texts: Vec<_> = texts.iter().map(|text| format!("\"{text}\"")).collect();
            let numbers: Vec<_> = numbers.iter().map(i32::to_string).collect();
            let doc = format!("[{},{}]", texts.join(","), numbers.join(","));
            let (buffer, mut fields) = (doc.as_bytes(), Fields::default());
            let record = DocSpan::new(0, doc.len() as u32);
            let walked = Envelope::default().walk(format, buffer, record, &mut fields).unwrap();
            let mut places: Vec<_> = cuts
                .into_iter()
                .map(|(at, a, b)| {
                    let number = (at % fields.all().len()) as u32;
                    let len = fields.field(number).unwrap().text().len() as u32;
                    (number, Span::new(a.min(b).min(len), a.max(b).min(len)))
                })
                .collect();
            places.sort();
            places.dedup_by(|b, a| {
                let is_number = fields.field(a.0).unwrap().kind == FieldKind::Number;
                a.0 == b.0 && (is_number || b.1.start < a.1.end)
            });
            let edits: Vec<_> = places
                .iter()
                .map(|&(field, span)| Edit { field, change: Change::Replace { span, with: Span::new(0, new.len() as u32) } })
                .collect();
            let (mut spliced, mut own, mut stamped) = (Vec::new(), Vec::new(), Vec::new());
            let source = Spliced { fields: &fields, buffer, walked, replacements: new.as_bytes() };
            Splicer::default().splice(&source, &edits, 0, &mut spliced);
            let (mut straight, mut with_stamps) = (Straight::new(&fields, buffer, record), Straight::new(&fields, buffer, record));
            let stamp = Stamp::new(new.as_bytes());
            for (number, span) in places {
                let field = fields.field(number).unwrap();
                prop_assert!(Straight::suits(field));
                straight.replace(field, span, &mut own, |out| {
                    out.extend_from_slice(new.as_bytes());
                    false
                });
                if let Some(stamp) = &stamp {
                    with_stamps.stamp(field, span, stamp, &mut stamped);
                }
            }
            straight.end(record.end, &mut own);
            with_stamps.end(record.end, &mut stamped);
            prop_assert_eq!(&own, &spliced);
            if stamp.is_some() {
                prop_assert_eq!(stamped, spliced);
            }
        }
    }
}
