//! Documents inside of fields: JSON in a JSON string, a card in a text, base64, quoted-printable. One level.
//!
//! The documents of all records stand in a buffer of their own and are found like records. What is found in one is told as
//! a detection of the field around it; what is written is made from the document itself, so that its own escapes hold.

use super::find::{Asker, FieldDetection, Finder, Found, FoundRecord};
use super::small;
use crate::envelope::{Armour, Field, FieldKind, Format, Record};
use crate::profile::Holds;
use crate::span::{DocSpan, Span};

/// The documents of one format that stand in fields of the records of a call.
pub(super) struct Embedded {
    pub(super) format: Format,
    pub(super) found: Found,
    pub(super) buffer: Vec<u8>,
    docs: Vec<Doc>,
}

/// One of them.
#[derive(Clone, Copy)]
struct Doc {
    /// The field that it stands in.
    field: u32,
    armour: Armour,
    /// Where it stands in the buffer; a card is several records.
    at: DocSpan,
}

impl Embedded {
    pub(super) fn new(format: Format, found: Found) -> Self {
        Self { format, found, buffer: Vec::new(), docs: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.docs.clear();
    }

    /// Finds what the documents hold. Those that turn out to be one are told to `asker`.
    pub(super) fn find(&mut self, inner: &Finder, asker: &mut Asker<'_>) {
        let Self { format, found, buffer, docs } = self;
        if docs.is_empty() {
            found.clear();
            return;
        }
        let lines = *format != Format::Json;
        let records = docs.iter().flat_map(|doc| records(buffer, doc.at, lines)).collect::<Vec<_>>();
        inner.find(*format, buffer, records, found);
        docs.retain(|doc| {
            let own = || found.records().iter().filter(|record| covers(doc.at, record));
            if own().any(|record| record.walked.is_err()) {
                return false;
            }
            let n = own().map(|record| found.detections(record).len()).sum::<usize>();
            // JSON is scanned as what it is; other text is scanned as it stands, too, unless something is found in it.
            if n > 0 || *format == Format::Json {
                asker.is_done(doc.field);
            }
            for detected in own().flat_map(|record| found.detections(record)) {
                let mut detection = detected.detection;
                let raw =
                    found.fields().field(detected.field).map(|field| found.fields().raw(buffer, field, detection.span));
                detection.span = match (doc.armour, raw) {
                    (Armour::None, Some(raw)) => Span::new(raw.start - doc.at.start, raw.end - doc.at.start),
                    _ => Span::new(0, asker.len(doc.field)),
                };
                asker.detections.push(FieldDetection { field: doc.field, detection, embedded: true });
            }
            n > 0
        });
    }

    /// Returns the document that stands in a field, and how: its records, and where it begins.
    pub(super) fn of(&self, field: u32) -> Option<(Armour, DocSpan)> {
        let at = self.docs.binary_search_by_key(&field, |doc| doc.field).ok()?;
        self.docs.get(at).map(|doc| (doc.armour, doc.at))
    }

    /// Yields the records of a document.
    pub(super) fn records(&self, at: DocSpan) -> impl Iterator<Item = &FoundRecord> {
        self.found.records().iter().filter(move |record| covers(at, record))
    }

    /// Takes note of the document that begins at `start` and ends with the buffer.
    fn add(&mut self, field: u32, armour: Armour, start: usize) -> u32 {
        let at = DocSpan::new(small(start), small(self.buffer.len()));
        self.buffer.push(b'\n');
        self.docs.push(Doc { field, armour, at });
        at.start
    }
}

fn covers(at: DocSpan, record: &FoundRecord) -> bool {
    at.covers(record.record.whole)
}

fn records(buffer: &[u8], at: DocSpan, lines: bool) -> Vec<Record> {
    if !lines {
        return vec![Record { body: at, whole: at }];
    }
    let mut all = Vec::new();
    let mut start = at.start;
    while start < at.end {
        let rest = buffer.get(start as usize..at.end as usize).unwrap_or_default();
        let end = start + memchr::memchr(b'\n', rest).map_or(small(rest.len()), |end| small(end + 1));
        let whole = DocSpan::new(start, end);
        let line = whole.of(buffer).unwrap_or_default();
        let n_end = line.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        all.push(Record { body: DocSpan::new(start, end - small(n_end)), whole });
        start = end;
    }
    all
}

/// Returns whether a document may stand in a field.
pub(super) fn may_hold(field: &Field, holds: Holds) -> bool {
    let len = field.text().len();
    holds == Holds::Text
        && matches!(field.kind, FieldKind::Text | FieldKind::Cell | FieldKind::Param)
        && (SHORTEST..=LONGEST).contains(&len)
}

/// Whether a document that has no armour may begin a text.
pub(super) const fn may_begin(text: &[u8]) -> bool {
    // What stands before a document is blank.
    matches!(text, [b'{' | b'[' | b'B' | b'b' | b' ' | b'\t' | b'\n' | b'\r' | 0x0c, ..])
}

/// Puts the document that stands in a field, if one seems to, among those of its format; tells which, and where it begins.
pub(super) fn gather(sets: &mut [Embedded], number: u32, text: &[u8]) -> Option<(usize, u32)> {
    let of = |sets: &[Embedded], format: Format| sets.iter().position(|set| set.format == format);
    let trimmed = text.trim_ascii();
    let (format, armour) = match trimmed {
        [b'{', b'"' | b' ' | b'\n' | b'\r' | b'\t', .., b'}'] | [b'[', .., b']'] => (Format::Json, Armour::None),
        [b'B' | b'b', ..] if trimmed.get(..11).is_some_and(|head| head.eq_ignore_ascii_case(b"BEGIN:VCARD")) => {
            (Format::Vcard, Armour::None)
        }
        _ if !Armour::may_open(text) => return None,
        _ => {
            let clear = sets.get_mut(of(sets, Format::Text)?)?;
            let start = clear.buffer.len();
            let armour = Armour::open(text, &mut clear.buffer)?;
            let is_json = matches!(
                clear.buffer.get(start..).unwrap_or_default().trim_ascii(),
                [b'{', .., b'}'] | [b'[', .., b']']
            );
            if !is_json {
                return Some((
                    of(sets, Format::Text)?,
                    sets.get_mut(of(sets, Format::Text)?)?.add(number, armour, start),
                ));
            }
            let text = clear.buffer.split_off(start);
            let at = of(sets, Format::Json)?;
            let set = sets.get_mut(at)?;
            let start = set.buffer.len();
            set.buffer.extend_from_slice(&text);
            return Some((at, set.add(number, armour, start)));
        }
    };
    let at = of(sets, format)?;
    let set = sets.get_mut(at)?;
    let start = set.buffer.len();
    set.buffer.extend_from_slice(text);
    Some((at, set.add(number, armour, start)))
}

/// Formats that stand in fields.
pub(super) const FORMATS: [Format; 3] = [Format::Json, Format::Vcard, Format::Text];

/// Shortest and longest text that is looked into.
const SHORTEST: usize = 8;
const LONGEST: usize = 1 << 20;
