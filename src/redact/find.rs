//! Records in, detections out: the envelope says where text is, the scanner what is in it.

use super::tokens::{self, Input};
use super::{Options, Reason, Tenant, TenantFault};
use crate::detection::Detection;
use crate::envelope::{
    Envelope, EnvelopeFault, Field, FieldKind, Fields, Format, Home, LaneSelectors, Mark, Record, Selector,
    SelectorError, Selectors, Treatment, Walked,
};
use crate::ids::{EntityId, Region, TenantId};
use crate::limits::Limits;
use crate::policy::{self, FieldRule};
use crate::scan::{Hints, NameBook, Scanner, Text};
use crate::span::{DocSpan, Span};
use std::sync::Arc;

/// Finds the detections of records, many at a time.
pub struct Finder {
    scanner: Scanner,
    envelope: Envelope,
    regions: Vec<Region>,
    limits: Limits,
    tenants: bool,
    input: Input,
    names: bool,
    /// The marks of ids that records say.
    ids: u8,
    book: Option<Arc<NameBook>>,
}

/// The working memory of one worker, and the answer to its last call.
pub struct Found {
    record_scratch: crate::scan::Scratch,
    side_scratch: crate::scan::Scratch,
    fields: Fields,
    records: Vec<FoundRecord>,
    detections: Vec<FieldDetection>,
    /// The texts that go to the scanner: those of one home, in order.
    asked: Vec<Asked>,
    /// The fields that hold names of people, by record.
    name_fields: Vec<u32>,
    /// Memory of vectors that borrow from a call; empty between calls.
    hints: Vec<Hints<'static>>,
    texts: Vec<Text<'static>>,
    names: Vec<&'static str>,
    /// Whether the caller tells whose the records are, so that they need not.
    pub(super) given: bool,
}

/// A detection, and the field in whose text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldDetection {
    /// The number of the field; see [`Found::fields`].
    pub field: u32,
    /// What was found. `text` counts the texts of one call of the scanner and says nothing here.
    pub detection: Detection,
}

/// One record of a call.
#[derive(Clone, Copy, Debug)]
pub struct FoundRecord {
    /// Where it stands.
    pub record: Record,
    /// Its fields, or why it cannot be handled.
    pub walked: Result<Walked, Reason>,
    /// Where the record itself says what its region is: that, or none.
    region: Option<Option<Region>>,
    /// The field that names its tenant, where records do.
    tenant: Option<u32>,
    conversation: Option<u32>,
    subject: Option<u32>,
    /// Its part of the names.
    names: (u32, u32),
    first: u32,
    last: u32,
}

/// A text for the scanner.
#[derive(Clone, Copy)]
struct Asked {
    span: Span,
    field: u32,
    hints: u32,
}

impl Finder {
    /// Puts a scanner and an envelope together; `rules` are what each lane's policy does with whole fields.
    ///
    /// # Errors
    /// A pointer of the options or of a policy is not one, or there are too many.
    pub fn build<'r>(
        scanner: Scanner,
        rules: impl IntoIterator<Item = &'r [FieldRule]>,
        options: &Options,
    ) -> Result<Self, SelectorError> {
        let lanes: Vec<_> = rules.into_iter().map(|rules| lane_selectors(rules, options)).collect();
        let tenant_field = match &options.tenant {
            Tenant::Field(pointer) => Some(pointer),
            Tenant::None | Tenant::Fixed(_) | Tenant::Given => None,
        };
        let mark = |pointer: &String, bit| Mark { pointer: pointer.clone(), bit };
        let region_mark = options.region_field.as_ref().map(|pointer| mark(pointer, REGION));
        let tenant_mark = tenant_field.map(|pointer| mark(pointer, TENANT));
        let name_marks = options.name_fields.iter().map(|pointer| mark(pointer, NAME));
        let conversation = options.conversation_field.iter().map(|pointer| mark(pointer, CONVERSATION));
        let subject = options.subject_field.iter().map(|pointer| mark(pointer, SUBJECT));
        let marks = region_mark.into_iter().chain(tenant_mark).chain(name_marks).chain(conversation).chain(subject);
        let marks: Vec<_> = marks.collect();
        let selectors = Selectors::build(&lanes, &marks)?;
        let envelope = Envelope::new(options.limits, selectors);
        Ok(Self {
            scanner,
            envelope,
            regions: options.regions.clone(),
            limits: options.limits,
            tenants: tenant_field.is_some(),
            input: options.input,
            names: !options.name_fields.is_empty(),
            ids: u8::from(options.conversation_field.is_some()) << CONVERSATION
                | u8::from(options.subject_field.is_some()) << SUBJECT,
            book: options.book.clone(),
        })
    }

    /// Makes the working memory for one worker.
    #[must_use]
    pub fn scratch(&self) -> Found {
        Found {
            record_scratch: self.scanner.scratch(),
            side_scratch: self.scanner.scratch(),
            fields: Fields::default(),
            records: Vec::new(),
            detections: Vec::new(),
            asked: Vec::new(),
            name_fields: Vec::new(),
            hints: Vec::new(),
            texts: Vec::new(),
            names: Vec::new(),
            given: false,
        }
    }

    /// Returns what is done with fields on each lane.
    #[must_use]
    pub const fn selectors(&self) -> &Selectors {
        self.envelope.selectors()
    }

    /// Returns the entity that a policy says the whole of a field is of.
    #[must_use]
    pub fn whole(&self, field: &Field, lane: usize) -> Option<EntityId> {
        match self.treatment(field, lane) {
            Treatment::Operator(entity) => Some(EntityId(entity)),
            _ => None,
        }
    }

    /// Returns what becomes of a field on a lane: what selectors say, but for a line of text, which they do not speak of,
    /// and for the key of a place that goes to an operator; both are scanned.
    #[must_use]
    pub fn treatment(&self, field: &Field, lane: usize) -> Treatment {
        match (field.kind, self.selectors().treatment(field.state, lane)) {
            (FieldKind::Plain, _) | (FieldKind::Key, Treatment::Operator(_)) => Treatment::Scan,
            (_, treatment) => treatment,
        }
    }

    /// Finds the detections of `records`, which stand in `buffer` in ascending order and without overlap. The answer is in
    /// `found`.
    ///
    /// # Cost
    /// One walk over every record and at most two calls of the scanner, one over the buffer and one over text that had
    /// escapes. No allocation once `found` has grown to its work.
    pub fn find(&self, format: Format, buffer: &[u8], records: impl IntoIterator<Item = Record>, found: &mut Found) {
        found.fields.clear();
        found.records.clear();
        found.detections.clear();
        found.name_fields.clear();
        let marked = self.selectors().has_marks();
        for record in records {
            let walked = self.envelope.walk(format, buffer, record.body, &mut found.fields).map_err(Reason::Envelope);
            let region = match walked {
                Ok(walked) if marked => self.region(buffer, &found.fields, walked),
                _ => None,
            };
            let (walked, tenant) = match walked {
                Ok(walked) if self.tenants && !found.given => match self.tenant(buffer, &found.fields, walked) {
                    Ok(field) => (Ok(walked), Some(field)),
                    Err(fault) => (Err(Reason::Tenant(fault)), None),
                },
                walked => (walked, None),
            };
            let names = small(found.name_fields.len());
            if let Ok(walked) = walked
                && self.names
            {
                let fields = &found.fields;
                found.name_fields.extend(walked.fields().filter(|&number| self.is_marked(fields, number, NAME)));
            }
            let names = (names, small(found.name_fields.len()));
            let one = |bit: u8| {
                let walked = walked.ok().filter(|_| self.ids & 1 << bit != 0)?;
                self.marked(&found.fields, walked, bit)
            };
            let (conversation, subject) = (one(CONVERSATION), one(SUBJECT));
            found.records.push(FoundRecord {
                record,
                walked,
                region,
                tenant,
                conversation,
                subject,
                names,
                first: 0,
                last: 0,
            });
        }
        self.scan(buffer, Home::Record, found);
        if !found.fields.side().is_empty() {
            let n_before = found.detections.len();
            self.scan(buffer, Home::Side, found);
            if n_before > 0 && found.detections.len() > n_before {
                found.detections.sort_unstable_by_key(|detected| (detected.field, detected.detection.span));
            }
        }
        match self.input {
            Input::Processed => tokens::spare(buffer, &found.fields, &mut found.detections),
            Input::Raw => {
                let scans = |field: &Field| self.selectors().scans_all() || self.scans(field);
                tokens::claim(buffer, &found.fields, scans, &mut found.detections);
            }
        }
        let mut at = 0;
        for record in &mut found.records {
            let Ok(walked) = record.walked else { continue };
            let rest = found.detections.get(at..).unwrap_or_default();
            // What was found in a record that is now quarantined stands before.
            let skipped = rest.iter().take_while(|detected| detected.field < walked.fields().start).count();
            let n = rest.iter().skip(skipped).take_while(|detected| detected.field < walked.fields().end).count();
            record.first = small(at + skipped);
            at += skipped + n;
            record.last = small(at);
            if n > self.limits.detections {
                record.walked = Err(Reason::TooManyDetections);
            }
        }
    }

    fn region(&self, buffer: &[u8], fields: &Fields, walked: Walked) -> Option<Option<Region>> {
        let field = fields.field(self.marked(fields, walked, REGION)?)?;
        Some(Region::new(fields.text(buffer, field)))
    }

    /// Returns the number of the field that names a record's tenant.
    fn tenant(&self, buffer: &[u8], fields: &Fields, walked: Walked) -> Result<u32, TenantFault> {
        let number = self.marked(fields, walked, TENANT).ok_or(TenantFault::Missing)?;
        match tenant_in(buffer, fields, number) {
            Some(_) => Ok(number),
            None => Err(TenantFault::Invalid),
        }
    }

    /// Returns the number of the first text or number of a record with this mark.
    fn marked(&self, fields: &Fields, walked: Walked, bit: u8) -> Option<u32> {
        walked.fields().find(|&number| self.is_marked(fields, number, bit))
    }

    fn is_marked(&self, fields: &Fields, number: u32, bit: u8) -> bool {
        fields.field(number).is_some_and(|field| {
            matches!(field.kind, FieldKind::Text | FieldKind::Number)
                && self.selectors().marks(field.state) & (1 << bit) != 0
        })
    }

    /// Returns the regions whose national numbers a record may hold.
    pub(super) fn regions<'f>(&'f self, record: &'f FoundRecord) -> &'f [Region] {
        match &record.region {
            Some(region) => region.as_slice(),
            None => &self.regions,
        }
    }

    /// Scans all texts of one home in one call.
    fn scan(&self, buffer: &[u8], home: Home, found: &mut Found) {
        let Found {
            record_scratch,
            side_scratch,
            fields,
            records,
            detections,
            asked,
            hints: kept_hints,
            texts: kept_texts,
            names: kept_names,
            name_fields,
            given: _,
        } = found;
        let (scratch, text_buffer) = match home {
            Home::Record => (record_scratch, buffer),
            Home::Side => (side_scratch, fields.side()),
        };
        // Keys are UTF-8, or the record would have been refused; one look at all of the buffer saves one at every key.
        let valid = std::str::from_utf8(buffer).ok();
        let scans_all = self.selectors().scans_all();
        let mut hints: Vec<Hints<'_>> = std::mem::take(kept_hints);
        let mut texts: Vec<Text<'_>> = std::mem::take(kept_texts);
        asked.clear();
        let mut names: Vec<&str> = std::mem::take(kept_names);
        // One for each, so that the parts of records stay where they are.
        names.extend(name_fields.iter().map(|&number| {
            let text = fields.field(number).map(|field| fields.text(buffer, field)).unwrap_or_default();
            std::str::from_utf8(text).unwrap_or_default()
        }));
        let book = self.book.as_deref();
        for record in records.iter() {
            let Ok(walked) = record.walked else { continue };
            let regions = self.regions(record);
            let plain = small(hints.len());
            let own = names.get(record.names.0 as usize..record.names.1 as usize).unwrap_or_default();
            let known = Hints::default().regions(regions).names(own).book(book);
            hints.push(known);
            let (mut named, mut named_by) = (plain, None);
            let range = walked.fields();
            let own = fields.all().get(range.start as usize..range.end as usize).unwrap_or_default();
            for (number, field) in range.zip(own) {
                if field.home != home || !(scans_all || self.scans(field)) {
                    continue;
                }
                // A key does not speak for itself.
                let name = if field.kind == FieldKind::Key { None } else { fields.name(field) };
                let hints = match name {
                    None => plain,
                    Some(_) if named_by == name => named,
                    Some(key) => {
                        named = small(hints.len());
                        named_by = name;
                        hints.push(known.field(key_text(buffer, valid, fields, key)));
                        named
                    }
                };
                asked.push(Asked { span: field.text(), field: number, hints });
            }
        }
        // Every text refers to hints that are there; the two lists are as long.
        texts.extend(
            asked.iter().filter_map(|asked| Some(Text { span: asked.span, hints: hints.get(asked.hints as usize)? })),
        );
        self.scanner.scan_batch(text_buffer, &texts, scratch);
        for &detection in scratch.detections() {
            if let Some(asked) = asked.get(detection.text as usize) {
                detections.push(FieldDetection { field: asked.field, detection });
            }
        }
        *kept_texts = emptied(texts, |_| None);
        *kept_hints = emptied(hints, |_| None);
        *kept_names = emptied(names, |_| None);
        for &(text, fault) in scratch.faults() {
            let Some(field) = asked.get(text as usize).map(|asked| asked.field) else { continue };
            let own = |record: &&mut FoundRecord| record.walked.is_ok_and(|walked| walked.fields().contains(&field));
            if let Some(record) = records.iter_mut().find(own) {
                record.walked = Err(Reason::Scan(fault));
            }
        }
    }

    pub(super) fn scans(&self, field: &Field) -> bool {
        match field.kind {
            FieldKind::Plain => true,
            FieldKind::Key => self.selectors().scans_key(field.state),
            FieldKind::Text | FieldKind::Number => self.selectors().scans(field.state),
            FieldKind::Literal => false,
        }
    }
}

impl Found {
    /// Returns the fields of all records of the last call.
    #[must_use]
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Returns every record of the last call, in order.
    #[must_use]
    pub fn records(&self) -> &[FoundRecord] {
        &self.records
    }

    /// Returns the detections of a record, by field, then by place; none of one that cannot be handled.
    #[must_use]
    pub fn detections(&self, record: &FoundRecord) -> &[FieldDetection] {
        match record.walked {
            Ok(_) => self.detections.get(record.first as usize..record.last as usize).unwrap_or_default(),
            Err(_) => &[],
        }
    }

    /// Returns the number of a record's first detection among those of all records.
    pub(super) const fn first_detection(record: &FoundRecord) -> usize {
        record.first as usize
    }

    /// Returns the tenant that a record names itself.
    pub(super) fn tenant<'f>(&'f self, buffer: &'f [u8], record: &FoundRecord) -> Option<TenantId<'f>> {
        tenant_in(buffer, &self.fields, record.tenant?)
    }

    /// Returns the id of the conversation that a record belongs to, where it says so.
    pub(super) fn conversation<'f>(&'f self, buffer: &'f [u8], record: &FoundRecord) -> Option<&'f [u8]> {
        self.id(buffer, record.conversation)
    }

    /// Returns the id of whom a record is about, where it says so.
    pub(super) fn subject<'f>(&'f self, buffer: &'f [u8], record: &FoundRecord) -> Option<&'f [u8]> {
        self.id(buffer, record.subject)
    }

    fn id<'f>(&'f self, buffer: &'f [u8], field: Option<u32>) -> Option<&'f [u8]> {
        let field = self.fields.field(field?)?;
        Some(self.fields.text(buffer, field)).filter(|text| !text.is_empty())
    }

    /// Makes the last call one that failed as a whole.
    pub(super) fn fail(&mut self, buffer: &[u8], fault: EnvelopeFault) {
        self.fields.clear();
        self.records.clear();
        self.detections.clear();
        let whole = DocSpan::new(0, small(buffer.len()));
        let (record, walked) = (Record { body: whole, whole }, Err(Reason::Envelope(fault)));
        self.records.push(FoundRecord {
            record,
            walked,
            region: None,
            tenant: None,
            conversation: None,
            subject: None,
            names: (0, 0),
            first: 0,
            last: 0,
        });
    }
}

/// The bits of marks.
const REGION: u8 = 0;
const TENANT: u8 = 1;
const NAME: u8 = 2;
const CONVERSATION: u8 = 3;
const SUBJECT: u8 = 4;

fn tenant_in<'f>(buffer: &'f [u8], fields: &'f Fields, number: u32) -> Option<TenantId<'f>> {
    let field = fields.field(number)?;
    TenantId::new(std::str::from_utf8(fields.text(buffer, field)).ok()?)
}

fn lane_selectors(rules: &[FieldRule], options: &Options) -> LaneSelectors {
    let text =
        options.text_field.iter().map(|pointer| Selector { pointer: pointer.clone(), treatment: Treatment::Scan });
    let rules = rules.iter().map(|rule| {
        let treatment = match rule.treat {
            policy::Treatment::Scan => Treatment::Scan,
            policy::Treatment::Keep => Treatment::Keep,
            policy::Treatment::Drop => Treatment::Drop,
            policy::Treatment::Redact(entity) => Treatment::Operator(entity.0),
        };
        Selector { pointer: rule.at.clone(), treatment }
    });
    let other = if options.text_field.is_some() { Treatment::Keep } else { Treatment::Scan };
    LaneSelectors { selectors: text.chain(rules).collect(), other }
}

fn key_text<'b>(buffer: &'b [u8], valid: Option<&'b str>, fields: &'b Fields, key: u32) -> Option<&'b str> {
    let key = fields.field(key)?;
    match (key.home, valid) {
        (Home::Record, Some(valid)) => valid.get(key.text().range()),
        _ => std::str::from_utf8(fields.text(buffer, key)).ok(),
    }
}

/// Returns the memory of a vector for values of another lifetime. The standard library collects in place; if it did not,
/// only the reuse would be lost, and a test would tell.
fn emptied<A, B>(mut from: Vec<A>, to: impl FnMut(A) -> Option<B>) -> Vec<B> {
    from.clear();
    from.into_iter().filter_map(to).collect()
}

/// A buffer is at most 512 MiB long, and so is what is counted in it.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
