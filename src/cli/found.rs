//! Detections of many records in two calls of the scanner: one over the piece itself, one over decoded text.

use super::selection::Selected;
use crate::batch::Piece;
use crate::detection::Detection;
use crate::envelope::{
    Envelope, Field, FieldKind, Fields, Home, LaneSelectors, Mark, Records, Selector, Selectors, Treatment, Walked,
};
use crate::ids::{EntityId, Region};
use crate::limits::Limits;
use crate::policy::{self, FieldRule};
use crate::scan::{Hints, ScanFault, Scanner, Scratch, Text};

/// Finds the detections of records.
pub(super) struct Finder {
    scanner: Scanner,
    envelope: Envelope,
    regions: Vec<Region>,
    limits: Limits,
}

/// The working memory of one thread, and the answer to its last call.
pub(super) struct State {
    scratch: Scratch,
    pub(super) fields: Fields,
    /// Every record of the piece, in order.
    pub(super) records: Vec<Found>,
    /// By record, field and place.
    pub(super) detections: Vec<(u32, Detection)>,
}

/// One record.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// Counted from 1, every line counts.
    pub(super) number: u64,
    /// Its fields, or why it cannot be handled.
    pub(super) walked: Result<Walked, &'static str>,
    /// The country that the record itself names.
    region: Option<Region>,
}

impl Finder {
    /// Takes the scanner and the fields that were asked for; `rules` say what a policy does with whole fields.
    pub(super) fn new(selected: Selected, rules: &[FieldRule]) -> anyhow::Result<Self> {
        let scan = |pointer| Selector { pointer, treatment: Treatment::Scan };
        let other = if selected.text_field.is_some() { Treatment::Keep } else { Treatment::Scan };
        let rules = rules.iter().map(|rule| Selector {
            pointer: rule.at.clone(),
            treatment: match rule.treat {
                policy::Treatment::Scan => Treatment::Scan,
                policy::Treatment::Keep => Treatment::Keep,
                policy::Treatment::Drop => Treatment::Drop,
                policy::Treatment::Redact(entity) => Treatment::Operator(entity.0),
            },
        });
        let selectors = selected.text_field.into_iter().map(scan).chain(rules).collect();
        let lane = LaneSelectors { other, selectors };
        let marks: Vec<Mark> = selected.region_field.into_iter().map(|pointer| Mark { pointer, bit: 0 }).collect();
        let selectors = Selectors::build(&[lane], &marks)?;
        let envelope = Envelope::new(selected.limits, selectors);
        Ok(Self { scanner: selected.scanner, envelope, regions: selected.regions, limits: selected.limits })
    }

    /// Returns the entity that the whole of a field is of, where the policy says so.
    pub(super) fn whole(&self, field: &Field) -> Option<EntityId> {
        if matches!(field.kind, FieldKind::Plain | FieldKind::Key) {
            return None;
        }
        match self.envelope.selectors().treatment(field.state, 0) {
            Treatment::Operator(entity) => Some(EntityId(entity)),
            _ => None,
        }
    }

    /// Makes the working memory of one thread.
    pub(super) fn state(&self) -> State {
        let scratch = self.scanner.scratch();
        State { scratch, fields: Fields::default(), records: Vec::new(), detections: Vec::new() }
    }

    /// Fills `state` with the records of a piece and their detections.
    pub(super) fn find(&self, piece: &Piece<'_>, state: &mut State) {
        state.fields.clear();
        state.records.clear();
        state.detections.clear();
        self.walk(piece, state);
        for home in [Home::Record, Home::Side] {
            self.scan(piece.bytes, home, state);
        }
        state.detections.sort_unstable_by_key(|(field, detection)| (*field, detection.span));
        for record in &mut state.records {
            let Ok(walked) = record.walked else { continue };
            let fields = walked.fields();
            let from = state.detections.partition_point(|(field, _)| *field < fields.start);
            let to = state.detections.partition_point(|(field, _)| *field < fields.end);
            if to - from > self.limits.detections {
                record.walked = Err(reason(ScanFault::TooManyDetections));
            }
        }
    }

    fn walk(&self, piece: &Piece<'_>, state: &mut State) {
        let records = match Records::new(piece.format, piece.bytes) {
            Ok(records) => records,
            Err(fault) => {
                let walked = Err(fault.reason());
                return state.records.push(Found { number: piece.first_record, walked, region: None });
            }
        };
        let mut number = piece.first_record;
        for record in records {
            let fields = &mut state.fields;
            let walked =
                self.envelope.walk(piece.format, piece.bytes, record.body, fields).map_err(|fault| fault.reason());
            let region = walked.ok().and_then(|walked| self.region(piece.bytes, fields, walked));
            state.records.push(Found { number, walked, region });
            let bytes = record.whole.of(piece.bytes).unwrap_or_default();
            number += (memchr::memchr_iter(b'\n', bytes).count() as u64).max(1);
        }
    }

    fn region(&self, buffer: &[u8], fields: &Fields, walked: Walked) -> Option<Region> {
        let selectors = self.envelope.selectors();
        let marked = |field: &&Field| {
            !matches!(field.kind, FieldKind::Key | FieldKind::Plain) && selectors.marks(field.state) != 0
        };
        let own = fields.all().get(walked.fields().start as usize..walked.fields().end as usize)?;
        own.iter().find(marked).and_then(|field| Region::new(fields.text(buffer, field)))
    }

    fn scan(&self, buffer: &[u8], home: Home, state: &mut State) {
        let State { scratch, fields, records, detections } = state;
        let text_buffer = if home == Home::Record { buffer } else { fields.side() };
        let selectors = self.envelope.selectors();
        // What is known about each text, then the texts, which refer to it.
        let mut numbers = Vec::new();
        let mut owners = Vec::new();
        let mut hints = Vec::new();
        for (owner, record) in records.iter().enumerate() {
            let Ok(walked) = record.walked else { continue };
            let regions = record.region.as_ref().map_or(self.regions.as_slice(), std::slice::from_ref);
            for number in walked.fields() {
                let Some(field) = fields.field(number).filter(|field| field.home == home) else { continue };
                let scanned = match field.kind {
                    FieldKind::Plain => true,
                    FieldKind::Key => selectors.scans_key(field.state),
                    FieldKind::Text | FieldKind::Number => selectors.scans(field.state),
                    FieldKind::Literal => false,
                };
                if !scanned {
                    continue;
                }
                // A key does not speak for itself.
                let name = fields.name(field).filter(|&name| name != number).and_then(|name| fields.field(name));
                let name = name.and_then(|name| std::str::from_utf8(fields.text(buffer, name)).ok());
                numbers.push(number);
                owners.push(owner);
                hints.push(Hints::default().regions(regions).field(name));
            }
        }
        let texts: Vec<Text<'_>> = numbers
            .iter()
            .zip(&hints)
            .filter_map(|(&number, hints)| Some(Text { span: fields.field(number)?.text(), hints }))
            .collect();
        self.scanner.scan_batch(text_buffer, &texts, scratch);
        for detection in scratch.detections() {
            if let Some(&number) = numbers.get(detection.text as usize) {
                detections.push((number, *detection));
            }
        }
        for &(text, fault) in scratch.faults() {
            if let Some(record) = owners.get(text as usize).and_then(|&owner| records.get_mut(owner)) {
                record.walked = Err(reason(fault));
            }
        }
    }
}

const fn reason(fault: ScanFault) -> &'static str {
    match fault {
        ScanFault::TooManyDetections => "too_many_detections",
        ScanFault::TooManyCandidates => "too_many_candidates",
        ScanFault::TooLong => "field_too_long",
        ScanFault::OutOfBounds => "internal_error",
    }
}
