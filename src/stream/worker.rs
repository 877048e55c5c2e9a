//! From records to what each lane gets; pure work on bytes, for any number of threads.
//!
//! Values, keys and header values of many records are laid side by side and scanned in one call, because the scanner is
//! twice as fast over many short texts. A record of which any part cannot be handled goes to no lane.

use super::config::{Key, Layout};
use super::lanes::LanePlan;
use crate::envelope::{Format, Record};
use crate::redact::{Reason, Redactor, Scratch};
use crate::span::DocSpan;
use crate::tally::Tally;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A record as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Incoming<'m> {
    /// Nothing is a tombstone.
    pub(super) value: Option<&'m [u8]>,
    pub(super) key: Option<&'m [u8]>,
    /// Headers that some lane passes on: their number in [`Worker::headers`], and the value.
    pub(super) headers: Vec<(u16, Option<&'m [u8]>)>,
    /// It can only be quarantined.
    pub(super) refused: Option<&'static str>,
}

/// Rewrites records.
pub(super) struct Worker {
    work: Work,
    layout: Layout,
    lanes: Vec<LanePlan>,
    /// Every header that some lane passes on.
    headers: Vec<String>,
    scans_keys: bool,
}

/// How records become outputs.
pub(super) enum Work {
    Redact(Box<Redactor>),
    /// As they are, on every lane: the yardstick of benches. No configuration leads here.
    PassThrough,
}

/// The memory of one chunk, and the answer.
pub(super) struct Sheet {
    json: Pile,
    text: Pile,
    rows: Vec<Row>,
    headers: Vec<(u16, Part)>,
    pub(super) tally: Tally,
}

/// Texts of one format, side by side.
struct Pile {
    buffer: Vec<u8>,
    records: Vec<Record>,
    scratch: Option<Scratch>,
}

/// Where the parts of a record are.
#[derive(Clone, Copy)]
struct Row {
    value: Part,
    key: Part,
    headers: (u32, u32),
    refused: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    None,
    Empty,
    Json(u32),
    Text(u32),
}

/// What a lane gets of a record.
pub(super) struct Output<'s> {
    sheet: &'s Sheet,
    row: Row,
    lane: usize,
}

impl Worker {
    pub(super) fn new(work: Work, layout: Layout, lanes: Vec<LanePlan>) -> Self {
        let mut headers: Vec<String> = lanes.iter().flat_map(|lane| lane.headers.iter().cloned()).collect();
        headers.sort_unstable();
        headers.dedup();
        let scans_keys = lanes.iter().any(|lane| lane.key == Key::Scan);
        Self { work, layout, lanes, headers, scans_keys }
    }

    pub(super) fn lanes(&self) -> &[LanePlan] {
        &self.lanes
    }

    /// Returns every header that some lane passes on.
    pub(super) fn headers(&self) -> &[String] {
        &self.headers
    }

    pub(super) fn sheet(&self) -> Sheet {
        let pile = || Pile { buffer: Vec::new(), records: Vec::new(), scratch: self.scratch() };
        Sheet { json: pile(), text: pile(), rows: Vec::new(), headers: Vec::new(), tally: Tally::default() }
    }

    fn scratch(&self) -> Option<Scratch> {
        match &self.work {
            Work::Redact(redactor) => Some(redactor.scratch()),
            Work::PassThrough => None,
        }
    }

    /// Rewrites a chunk of records.
    pub(super) fn rewrite(&self, records: &[Incoming<'_>], sheet: &mut Sheet) {
        if catch_unwind(AssertUnwindSafe(|| self.rewrite_together(records, sheet))).is_ok() {
            return;
        }
        // A bug of ours: find the record that trips it, so that it costs a message and not a chunk.
        let mut marked = records.to_vec();
        for record in &mut marked {
            *sheet = self.sheet();
            let one = std::slice::from_ref(record);
            if catch_unwind(AssertUnwindSafe(|| self.rewrite_together(one, sheet))).is_err() {
                *record = Incoming { refused: Some(INTERNAL), ..Incoming::default() };
            }
        }
        *sheet = self.sheet();
        if catch_unwind(AssertUnwindSafe(|| self.rewrite_together(&marked, sheet))).is_err() {
            let all: Vec<_> =
                records.iter().map(|_| Incoming { refused: Some(INTERNAL), ..Incoming::default() }).collect();
            *sheet = self.sheet();
            sheet.lay(self, &all);
        }
    }

    fn rewrite_together(&self, records: &[Incoming<'_>], sheet: &mut Sheet) {
        sheet.lay(self, records);
        let Work::Redact(redactor) = &self.work else { return };
        for (format, pile) in [(Format::Json, &mut sheet.json), (Format::Text, &mut sheet.text)] {
            if let (false, Some(scratch)) = (pile.records.is_empty(), &mut pile.scratch) {
                redactor.redact_records(format, &pile.buffer, pile.records.iter().copied(), scratch, &mut sheet.tally);
            }
        }
        for at in 0..sheet.rows.len() {
            let Some(&row) = sheet.rows.get(at) else { continue };
            let parts = [row.value, row.key];
            let headers = sheet.headers_of(row).iter().map(|(_, part)| *part);
            let fault = parts.into_iter().chain(headers).find_map(|part| sheet.fault(part));
            if let (Some(row), Some(reason)) = (sheet.rows.get_mut(at), fault) {
                row.refused = row.refused.or(Some(reason.word()));
            }
        }
    }
}

const INTERNAL: &str = "internal_error";

impl Sheet {
    fn lay(&mut self, worker: &Worker, records: &[Incoming<'_>]) {
        self.tally = Tally::default();
        self.rows.clear();
        self.headers.clear();
        for pile in [&mut self.json, &mut self.text] {
            pile.buffer.clear();
            pile.records.clear();
        }
        for record in records {
            if record.refused.is_some() {
                self.rows.push(Row { value: Part::None, key: Part::None, headers: (0, 0), refused: record.refused });
                continue;
            }
            let value = record.value.map_or(Part::None, |value| match worker.layout.of(value) {
                Format::Json | Format::JsonLines => self.json.add(value).map_or(Part::Empty, Part::Json),
                Format::Text | Format::Log => self.text.add(value).map_or(Part::Empty, Part::Text),
            });
            let key = match record.key {
                Some(key) if worker.scans_keys => self.text.add(key).map_or(Part::Empty, Part::Text),
                _ => Part::None,
            };
            let begin = self.headers.len() as u32;
            for (number, value) in &record.headers {
                let part = value.map_or(Part::None, |value| self.text.add(value).map_or(Part::Empty, Part::Text));
                self.headers.push((*number, part));
            }
            self.rows.push(Row { value, key, headers: (begin, self.headers.len() as u32), refused: None });
        }
    }

    fn fault(&self, part: Part) -> Option<Reason> {
        let (pile, at) = match part {
            Part::None | Part::Empty => return None,
            Part::Json(at) => (&self.json, at),
            Part::Text(at) => (&self.text, at),
        };
        pile.scratch.as_ref()?.found().records().get(at as usize)?.walked.err()
    }

    fn headers_of(&self, row: Row) -> &[(u16, Part)] {
        self.headers.get(row.headers.0 as usize..row.headers.1 as usize).unwrap_or_default()
    }

    fn text(&self, part: Part, lane: usize) -> Option<&[u8]> {
        let (pile, at) = match part {
            Part::None => return None,
            Part::Empty => return Some(&[]),
            Part::Json(at) => (&self.json, at as usize),
            Part::Text(at) => (&self.text, at as usize),
        };
        Some(match &pile.scratch {
            Some(scratch) => scratch.record(at, lane),
            None => pile.records.get(at).and_then(|record| record.whole.of(&pile.buffer)).unwrap_or_default(),
        })
    }

    /// Returns what a lane gets of the record at a place of the chunk, or why no lane gets it.
    pub(super) fn output(&self, at: usize, lane: usize) -> Result<Output<'_>, &'static str> {
        match self.rows.get(at) {
            Some(&Row { refused: Some(reason), .. }) => Err(reason),
            Some(&row) => Ok(Output { sheet: self, row, lane }),
            None => Err(INTERNAL),
        }
    }
}

impl<'s> Output<'s> {
    pub(super) fn value(&self) -> Option<&'s [u8]> {
        self.sheet.text(self.row.value, self.lane)
    }

    /// The rewritten key.
    pub(super) fn key(&self) -> Option<&'s [u8]> {
        self.sheet.text(self.row.key, self.lane)
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = (u16, Option<&'s [u8]>)> + '_ {
        self.sheet.headers_of(self.row).iter().map(|&(number, part)| (number, self.sheet.text(part, self.lane)))
    }
}

impl Pile {
    /// Adds a text, and tells its number; an empty one needs no work.
    fn add(&mut self, text: &[u8]) -> Option<u32> {
        if text.is_empty() {
            return None;
        }
        let at = self.records.len() as u32;
        let start = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        self.buffer.extend_from_slice(text);
        let span = DocSpan::new(start, u32::try_from(self.buffer.len()).unwrap_or(u32::MAX));
        self.records.push(Record { body: span, whole: span });
        self.buffer.push(b'\n');
        Some(at)
    }
}
