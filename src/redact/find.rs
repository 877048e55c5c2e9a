//! Records in, detections out: the envelope says where text is, the scanner what is in it.

use super::ask::{Alike, Asked, Asking};
use super::embedded::{self, Embedded, FORMATS};
use super::tokens::{self, Input};
use super::told::{self, Numbers, People, Told};
use super::{Options, Reason, Tenant, TenantFault};
use crate::detection::Detection;
use crate::entity::Kind;
use crate::envelope::{
    Armour, Envelope, EnvelopeFault, Field, FieldKind, Fields, Format, Home, LaneSelectors, MAX_SPEAKERS, Mark, Record,
    Selector, SelectorError, Selectors, Treatment, Walked, speaker,
};
use crate::ids::{EntityId, Region, RuleId, TenantId};
use crate::limits::Limits;
use crate::policy::{self, FieldRule};
use crate::profile::{self, Assigned, Holds, Marks, Profiles};
use crate::scan::{Hints, NameBook, Scanner, Text};
use crate::span::{DocSpan, Span};
use std::sync::Arc;

/// Finds the detections of records, many at a time.
pub struct Finder {
    scanner: Arc<Scanner>,
    envelope: Envelope,
    regions: Vec<Region>,
    limits: Limits,
    tenants: Tenants,
    input: Input,
    profiles: Option<Arc<Profiles>>,
    /// For documents inside of fields; it does not look into fields itself.
    inner: Option<Box<Self>>,
    names: bool,
    /// The marks of ids that records say.
    ids: u8,
    book: Option<Arc<NameBook>>,
}

/// Whether records name their tenant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tenants {
    /// They need not.
    Unasked,
    /// In a field that was named.
    Field,
    /// Where their profile says.
    Profile,
}

/// The working memory of one worker, and the answer to its last call.
pub struct Found {
    record_scratch: crate::scan::Scratch,
    side_scratch: crate::scan::Scratch,
    fields: Fields,
    records: Vec<FoundRecord>,
    detections: Vec<FieldDetection>,
    /// Of those, the ones that are put in order.
    later: Vec<FieldDetection>,
    /// What profiles say of the fields.
    assigned: Assigned,
    /// Names of people that records hold in fields of their own, in the order of the records.
    names: Vec<KnownName>,
    /// The fields that are looked into, in the order of the records.
    open: Vec<u32>,
    /// Fields of a record that are not what its profile says they are, and what they are instead.
    others: Vec<(u32, Holds)>,
    /// The texts that go to the scanner: those of one home, in order.
    asked: Vec<Asked>,
    /// Which hints the fields of the last record have.
    alike: Alike,
    /// Memory of vectors that borrow from a call; empty between calls.
    hints: Vec<Hints<'static>>,
    texts: Vec<Text<'static>>,
    known: Vec<&'static [u8]>,
    /// Whether nobody asks for a pointer, or for a key that profiles know.
    pub(super) brief: bool,
    /// Whether the caller tells whose the records are, so that they need not.
    pub(super) given: bool,
    /// The first row of the table that the records are of, where it is not among them; of a chat the names of all who speak.
    head: Vec<u8>,
    /// The names of those who speak in the chat of the last call.
    speakers: Option<NameBook>,
    /// Documents that stand in fields.
    pub(super) embedded: Vec<Embedded>,
    /// Regions of the records, where they stand in others: those of the others, by where the records begin.
    around: Vec<(u32, OwnRegions)>,
}

/// What a document that stands in a field tells the fields around it.
pub(super) struct Asker<'a> {
    pub(super) detections: &'a mut Vec<FieldDetection>,
    assigned: &'a mut Assigned,
    fields: &'a Fields,
}

impl Asker<'_> {
    /// The field needs no scan: it is a document, and that was scanned.
    pub(super) fn is_done(&mut self, field: u32) {
        self.assigned.set(field, Holds::Id);
    }

    /// Returns the length of a field's text.
    pub(super) fn len(&self, field: u32) -> u32 {
        self.fields.field(field).map_or(0, |field| small(field.text().len()))
    }
}

/// A detection, and the field in whose text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldDetection {
    /// The number of the field; see [`Found::fields`].
    pub field: u32,
    /// What was found. `text` counts the texts of one call of the scanner and says nothing here.
    pub detection: Detection,
    /// Whether it is in a document that stands in the field, and so written with that.
    pub(super) embedded: bool,
}

/// The name of a person that stands in a field of its own, and so may stand in the record's texts as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownName {
    /// The number of the field; see [`Found::fields`].
    pub field: u32,
    /// Where in the field.
    pub span: Span,
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
    /// The regions of the telephone numbers that a profile knows it by; see [`Finder::regions`].
    own_regions: OwnRegions,
    marks: Marks,
    first_name: u32,
    last_name: u32,
    /// Its part of the fields that are looked into.
    first_open: u32,
    last_open: u32,
    /// The field that names its tenant, where records do.
    tenant: Option<u32>,
    conversation: Option<u32>,
    subject: Option<u32>,
    first: u32,
    last: u32,
}

/// Up to two regions.
#[derive(Clone, Copy, Debug, Default)]
enum OwnRegions {
    #[default]
    None,
    One([Region; 1]),
    Two([Region; 2]),
}

impl OwnRegions {
    const fn as_slice(&self) -> &[Region] {
        match self {
            Self::None => &[],
            Self::One(one) => one,
            Self::Two(two) => two,
        }
    }

    fn add(&mut self, region: Region) {
        *self = match *self {
            Self::None => Self::One([region]),
            Self::One([first]) if first != region => Self::Two([first, region]),
            full => full,
        };
    }
}

impl FoundRecord {
    /// Returns the fields of the record that are looked into; `open` are those of all records.
    fn open<'o>(&self, open: &'o [u32]) -> &'o [u32] {
        open.get(self.first_open as usize..self.last_open as usize).unwrap_or_default()
    }
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
            Tenant::None | Tenant::Fixed(_) | Tenant::Given | Tenant::Profile => None,
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
        let scanner = Arc::new(scanner);
        let inner = Self {
            scanner: Arc::clone(&scanner),
            envelope: Envelope::new(options.limits, Selectors::default()),
            regions: options.regions.clone(),
            limits: options.limits,
            tenants: Tenants::Unasked,
            input: options.input,
            profiles: options.profiles.clone(),
            inner: None,
            names: false,
            ids: 0,
            book: options.book.clone(),
        };
        Ok(Self {
            scanner,
            // Without profiles, a field is text and nothing else.
            inner: options.profiles.is_some().then(|| Box::new(inner)),
            envelope,
            regions: options.regions.clone(),
            limits: options.limits,
            tenants: match &options.tenant {
                Tenant::Field(_) => Tenants::Field,
                Tenant::Profile => Tenants::Profile,
                Tenant::None | Tenant::Fixed(_) | Tenant::Given => Tenants::Unasked,
            },
            input: options.input,
            profiles: options.profiles.clone(),
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
            later: Vec::new(),
            assigned: Assigned::default(),
            names: Vec::new(),
            open: Vec::new(),
            others: Vec::new(),
            asked: Vec::new(),
            alike: Alike::default(),
            hints: Vec::new(),
            texts: Vec::new(),
            known: Vec::new(),
            brief: false,
            given: false,
            head: Vec::new(),
            speakers: None,
            embedded: (self.inner.iter())
                .flat_map(|inner| FORMATS.map(|format| Embedded::new(format, inner.scratch())))
                .collect(),
            around: Vec::new(),
        }
    }

    /// Returns the id of the rule of a detection that no pack has: `profile.` and the name of the profile that says what a
    /// field holds.
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> Option<String> {
        self.profiles.as_ref()?.rule(rule)
    }

    /// Whether what comes in was rewritten before.
    pub(super) const fn input(&self) -> Input {
        self.input
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
            (FieldKind::Plain | FieldKind::Label, _) => Treatment::Scan,
            (_, Treatment::Operator(_)) if field.is_key() => Treatment::Scan,
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
        found.assigned.clear();
        found.names.clear();
        found.open.clear();
        if !found.head.is_empty() {
            self.envelope.head(format, &found.head, &mut found.fields);
        }
        let marked = self.selectors().has_marks();
        for record in records {
            let walked = self.envelope.walk(format, buffer, record.body, &mut found.fields).map_err(Reason::Envelope);
            let region = match walked {
                Ok(walked) if marked => self.region(buffer, &found.fields, walked),
                _ => None,
            };
            let first_name = small(found.names.len());
            let first_open = small(found.open.len());
            let (marks, own_regions) = match (&self.profiles, walked) {
                (Some(profiles), Ok(walked)) if !is_line(&found.fields, walked) => {
                    self.profile(profiles, buffer, walked, found)
                }
                (_, walked) => {
                    found.open.extend(walked.map_or(0..0, |walked| walked.fields()));
                    if let Ok(walked) = walked
                        && found.brief
                    {
                        self.shorten(buffer, walked, found);
                    }
                    (Marks::default(), OwnRegions::None)
                }
            };
            let last_open = small(found.open.len());
            let (walked, tenant) = match walked {
                Ok(walked) if self.tenants != Tenants::Unasked && !found.given => {
                    match self.tenant(buffer, &found.fields, walked, &marks) {
                        Ok(field) => (Ok(walked), Some(field)),
                        Err(fault) => (Err(Reason::Tenant(fault)), None),
                    }
                }
                walked => (walked, None),
            };
            if let Ok(walked) = walked
                && self.names
            {
                let Found { fields, names, .. } = &mut *found;
                names.extend(walked.fields().filter(|&number| self.is_marked(fields, number, NAME)).map(|number| {
                    let len = fields.field(number).map_or(0, |field| small(field.text().len()));
                    KnownName { field: number, span: Span::new(0, len) }
                }));
            }
            let last_name = small(found.names.len());
            // A field that was named goes before the one that a profile knows.
            let id = |bit: u8, mark: profile::Mark| match walked {
                Ok(walked) if self.ids & 1 << bit != 0 => self.marked(&found.fields, walked, bit),
                _ => marks.get(mark as usize).copied().flatten(),
            };
            let conversation = id(CONVERSATION, profile::Mark::Conversation);
            let subject = id(SUBJECT, profile::Mark::Subject);
            // A document in a field is of the country of the record around it, if it does not say its own.
            let own_regions = match own_regions {
                OwnRegions::None => {
                    let n = found.around.partition_point(|(start, _)| *start <= record.whole.start);
                    n.checked_sub(1).and_then(|at| found.around.get(at)).map_or(OwnRegions::None, |(_, own)| *own)
                }
                own => own,
            };
            found.records.push(FoundRecord {
                record,
                walked,
                region,
                own_regions,
                marks,
                first_name,
                last_name,
                first_open,
                last_open,
                tenant,
                conversation,
                subject,
                first: 0,
                last: 0,
            });
        }
        found.speakers =
            if format == Format::WhatsApp && self.profiles.is_some() { speakers(buffer, found) } else { None };
        found.assigned.fill(small(found.fields.all().len()));
        let n_told = found.detections.len();
        if let Some(inner) = &self.inner {
            self.embedded(inner, buffer, found);
        }
        let n_given = found.detections.len();
        self.scan(buffer, Home::Record, found);
        let n_before = found.detections.len();
        if !found.fields.side().is_empty() {
            self.scan(buffer, Home::Side, found);
        }
        let n = found.detections.len();
        if n_told == n_given && n_before == n {
            merge(&mut found.detections, n_told, &mut found.later);
        } else if n_given < n || n_told < n_given {
            // Few runs, each in order: the stable sort merges them.
            found.detections.sort_by_key(place);
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

    /// Looks for documents inside of fields, and finds what is in them.
    fn embedded(&self, inner: &Self, buffer: &[u8], found: &mut Found) {
        let mut sets = std::mem::take(&mut found.embedded);
        sets.iter_mut().for_each(Embedded::clear);
        let scans_all = self.selectors().scans_all();
        for set in &mut sets {
            set.found.around.clear();
        }
        for record in &found.records {
            if record.walked.is_err() {
                continue;
            }
            for &number in record.open(&found.open) {
                let Some(field) = found.fields.field(number) else { continue };
                if embedded::may_hold(field, found.assigned.role(number).holds) && (scans_all || self.scans(field)) {
                    let text = found.fields.text(buffer, field);
                    if !embedded::may_begin(text) && !Armour::may_open(text) {
                        continue;
                    }
                    if let Some((set, start)) = embedded::gather(&mut sets, number, text)
                        && let Some(set) = sets.get_mut(set)
                    {
                        set.found.around.push((start, record.own_regions));
                    }
                }
            }
        }
        let Found { detections, assigned, fields, .. } = found;
        let mut asker = Asker { detections, assigned, fields };
        sets.iter_mut().for_each(|set| set.find(inner, &mut asker));
        found.embedded = sets;
    }

    /// Asks the profiles what the fields of a record hold. What is a value as a whole becomes a detection here; what is
    /// nobody's is marked so that it is not scanned.
    fn profile(&self, profiles: &Profiles, buffer: &[u8], walked: Walked, found: &mut Found) -> (Marks, OwnRegions) {
        let Found { fields, assigned, detections, names, open, others, brief, side_scratch, .. } = found;
        let marks = profiles.assign(buffer, fields, walked, assigned);
        if *brief {
            profiles.shorten(buffer, fields, walked, assigned, |key| self.is_quiet(key, side_scratch));
        }
        let mut regions = OwnRegions::None;
        let mut numbers = Numbers::default();
        for &number in assigned.regions() {
            let text = fields.field(number).map(|field| fields.text(buffer, field)).unwrap_or_default();
            let named = Region::new(text).filter(|region| crate::plan::country_code(*region).is_some());
            if let Some(region) = named.or_else(|| numbers.region(text)) {
                regions.add(region);
            }
        }
        let scans_all = self.selectors().scans_all();
        let mut people = People::default();
        others.clear();
        // A key that a profile names is nobody's, and not among them.
        for &(number, role) in assigned.telling() {
            let Some(field) = fields.field(number).filter(|field| scans_all || self.scans(field)) else { continue };
            let text = fields.text(buffer, field);
            let span = match told::judge(profiles, role, text) {
                Told::Nobody => continue,
                Told::Value(span) => span,
                Told::Other(other) => {
                    others.push((number, other));
                    continue;
                }
            };
            let Holds::Entity(entity) = role.holds else { continue };
            let value = || span.of(text).unwrap_or_default();
            let country = match profiles.kind(entity) {
                Kind::PhoneNumber => numbers.region(value()),
                Kind::Person => {
                    if people.is_new(value()) {
                        names.push(KnownName { field: number, span });
                    }
                    None
                }
                _ => None,
            };
            country.into_iter().for_each(|country| regions.add(country));
            let (rule, rival) = (role.rule, None);
            let detection = Detection { text: 0, span, entity, rule, rival, country, score: 1000 };
            detections.push(FieldDetection { field: number, detection, embedded: false });
        }
        let mut text = assigned.open();
        for &(number, _) in others.iter() {
            // Those before it that profiles know to be text.
            let (before, after) = text.split_at(text.partition_point(|at| *at < number));
            open.extend_from_slice(before);
            open.push(number);
            text = after;
        }
        open.extend_from_slice(text);
        others.iter().for_each(|&(number, holds)| assigned.set(number, holds));
        (marks, regions)
    }

    /// Leaves the keys of a record without profiles out of later ones like it, where nothing can be found in them.
    fn shorten(&self, buffer: &[u8], walked: Walked, found: &mut Found) {
        let Found { fields, side_scratch, .. } = found;
        if fields.mould(walked).is_none_or(|(_, mould)| mould.is_short()) {
            return;
        }
        let own = (0..).zip(fields.all().get(walked.fields().start as usize..).unwrap_or_default());
        let mut speaks = |field: &Field| field.is_key() && !self.is_quiet(fields.text(buffer, field), side_scratch);
        let keeps: Vec<u32> = own.filter(|(_, field)| speaks(field)).map(|(at, _)| at).collect();
        let _ = fields.shorten(walked, |at| keeps.binary_search(&at).is_ok());
    }

    /// Whether nothing is ever found in a key, whatever else is known of its record but the names of people.
    fn is_quiet(&self, key: &[u8], scratch: &mut crate::scan::Scratch) -> bool {
        // What a country has a say in has digits; and with more names than those of a record any word may be one.
        if self.book.is_some() || !key.is_ascii() || key.iter().any(u8::is_ascii_digit) {
            return false;
        }
        let hints = Hints::default().regions(&self.regions);
        let text = Text { span: Span::new(0, small(key.len())), hints: &hints };
        self.scanner.scan_batch(key, &[text], scratch);
        scratch.detections().is_empty() && scratch.faults().is_empty()
    }

    fn region(&self, buffer: &[u8], fields: &Fields, walked: Walked) -> Option<Option<Region>> {
        let field = fields.field(self.marked(fields, walked, REGION)?)?;
        Some(Region::new(fields.text(buffer, field)))
    }

    /// Returns the number of the field that names a record's tenant.
    fn tenant(&self, buffer: &[u8], fields: &Fields, walked: Walked, marks: &Marks) -> Result<u32, TenantFault> {
        let number = match self.tenants {
            Tenants::Profile => marks.get(profile::Mark::Tenant as usize).copied().flatten(),
            Tenants::Field | Tenants::Unasked => self.marked(fields, walked, TENANT),
        };
        let number = number.ok_or(TenantFault::Missing)?;
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
            matches!(field.kind, FieldKind::Text | FieldKind::Number | FieldKind::Cell | FieldKind::Param)
                && self.selectors().marks(field.state) & (1 << bit) != 0
        })
    }

    /// Returns the regions whose national numbers a record may hold: that of its region field; or those that its profile tells
    /// it by; or the default ones.
    pub(super) fn regions<'f>(&'f self, record: &'f FoundRecord) -> &'f [Region] {
        match (&record.region, record.own_regions.as_slice()) {
            (Some(region), _) => region.as_slice(),
            (None, []) => &self.regions,
            (None, own) => own,
        }
    }

    /// Returns the scanner that looks for detections.
    #[must_use]
    pub fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// Returns what the scanner was told of a field of the last call; nothing where it did not look there.
    #[must_use]
    pub fn hints<'f>(
        &'f self,
        buffer: &'f [u8],
        found: &'f Found,
        record: &'f FoundRecord,
        field: &Field,
    ) -> Option<Hints<'f>> {
        if !(self.selectors().scans_all() || self.scans(field)) {
            return None;
        }
        // A key does not speak for itself.
        let name = if field.kind == FieldKind::Key { None } else { found.fields.name(field) };
        let name = name.zip(record.walked.ok()).and_then(|(key, walked)| found.fields.key(buffer, walked, key));
        Some(Hints::default().regions(self.regions(record)).field(name))
    }

    /// Scans all texts of one home in one call.
    fn scan(&self, buffer: &[u8], home: Home, found: &mut Found) {
        let Found {
            record_scratch,
            side_scratch,
            fields,
            records,
            detections,
            later: _,
            assigned,
            names: carried,
            open,
            others: _,
            asked,
            alike,
            hints: kept_hints,
            texts: kept_texts,
            known: kept_names,
            brief: _,
            given: _,
            head: _,
            speakers,
            embedded: _,
            around: _,
        } = found;
        let (scratch, text_buffer) = match home {
            Home::Record => (record_scratch, buffer),
            Home::Side => (side_scratch, fields.side()),
        };
        let scans_all = self.selectors().scans_all();
        let mut hints: Vec<Hints<'_>> = std::mem::take(kept_hints);
        let mut texts: Vec<Text<'_>> = std::mem::take(kept_texts);
        asked.clear();
        let mut names: Vec<&[u8]> = std::mem::take(kept_names);
        // One for each, so that the parts of records stay where they are.
        names.extend(carried.iter().map(|&KnownName { field, span }| {
            let text = fields.field(field).map(|field| fields.text(buffer, field)).unwrap_or_default();
            span.of(text).unwrap_or_default()
        }));
        let book = self.book.as_deref();
        // The last record without names: its hints and regions.
        let mut last: Option<(u32, &[Region])> = None;
        alike.forget();
        for record in records.iter() {
            let Ok(walked) = record.walked else { continue };
            let regions = self.regions(record);
            let plain = small(hints.len());
            let own = names.get(record.first_name as usize..record.last_name as usize).unwrap_or_default();
            let known = Hints::default().regions(regions).names(own).book(book).speakers(speakers.as_ref());
            // Most lines know what the one before knows.
            let same = |before: &[Region]| std::ptr::eq(before, regions) || before == regions;
            let plain = match last.filter(|&(_, before)| own.is_empty() && same(before)) {
                Some((same, _)) => same,
                None => {
                    hints.push(known);
                    last = own.is_empty().then_some((plain, regions));
                    plain
                }
            };
            // What a record knows of names is its own.
            let mould = fields.mould(walked).filter(|_| own.is_empty());
            alike.begin(mould.map(|(number, mould)| ((number, &**mould), plain)), walked);
            let asking = Asking { buffer, fields, assigned, home, walked, plain, known };
            asking.about(record.open(open), |field| scans_all || self.scans(field), asked, &mut hints, alike);
        }
        // Every text refers to hints that are there; the two lists are as long.
        texts.extend(
            asked.iter().filter_map(|asked| Some(Text { span: asked.span, hints: hints.get(asked.hints as usize)? })),
        );
        self.scanner.scan_batch(text_buffer, &texts, scratch);
        for &(mut detection) in scratch.detections() {
            let Some(asked) = asked.get(detection.text as usize) else { continue };
            if assigned.role(asked.field).holds == Holds::File {
                let kind = self.profiles.as_ref().map(|profiles| profiles.kind(detection.entity));
                if matches!(kind, Some(Kind::Url | Kind::DeviceId)) {
                    continue;
                }
                let offset =
                    asked.span.start - fields.field(asked.field).map_or(asked.span.start, |own| own.text().start);
                detection.span = Span::new(detection.span.start + offset, detection.span.end + offset);
            }
            detections.push(FieldDetection { field: asked.field, detection, embedded: false });
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
            FieldKind::Plain | FieldKind::Label => true,
            FieldKind::Key | FieldKind::ParamName => self.selectors().scans_key(field.state),
            FieldKind::Text | FieldKind::Number | FieldKind::Cell | FieldKind::Param => {
                self.selectors().scans(field.state)
            }
            FieldKind::Literal => false,
        }
    }
}

impl Found {
    /// Tells the first row of the table that the records of the next calls are of; nothing where it is the first of them
    /// itself. Of a chat, the names of all who speak in it, one on a line; nothing where the call has all of it.
    pub fn set_head(&mut self, head: &[u8]) {
        self.head.clear();
        self.head.extend_from_slice(head);
    }

    /// Forgets the last call.
    pub(super) fn clear(&mut self) {
        self.fields.clear();
        self.records.clear();
        self.detections.clear();
        self.assigned.clear();
        self.names.clear();
        self.open.clear();
    }

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

    /// Returns the names of people that a record holds in fields of their own; of most that stand there
    /// twice the first.
    #[must_use]
    pub fn names(&self, record: &FoundRecord) -> &[KnownName] {
        self.names.get(record.first_name as usize..record.last_name as usize).unwrap_or_default()
    }

    /// Returns the field in which a record says something of itself, where its profile knows one.
    #[must_use]
    pub fn mark(&self, record: &FoundRecord, mark: profile::Mark) -> Option<&Field> {
        self.fields.field(record.marks.get(mark as usize).copied().flatten()?)
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
            own_regions: OwnRegions::None,
            marks: Marks::default(),
            first_name: 0,
            last_name: 0,
            first_open: 0,
            last_open: 0,
            tenant: None,
            conversation: None,
            subject: None,
            first: 0,
            last: 0,
        });
    }
}

/// Where a detection stands.
const fn place(detected: &FieldDetection) -> (u32, Span) {
    (detected.field, detected.detection.span)
}

/// Puts detections in order, of which the first `n` are in order, and those behind them too; `later` is for memory.
fn merge(detections: &mut [FieldDetection], n: usize, later: &mut Vec<FieldDetection>) {
    if n == 0 || n == detections.len() {
        return;
    }
    later.clear();
    later.extend_from_slice(detections.get(n..).unwrap_or_default());
    let mut end = n;
    for (n_before, own) in later.iter().enumerate().rev() {
        let first = detections.get(..end).unwrap_or_default();
        let from = first.iter().rposition(|other| place(other) <= place(own)).map_or(0, |at| at + 1);
        detections.copy_within(from..end, from + n_before + 1);
        if let Some(free) = detections.get_mut(from + n_before) {
            *free = *own;
        }
        end = from;
    }
}

/// Whether a record is a line of text without a name, which no profile speaks of.
fn is_line(fields: &Fields, walked: Walked) -> bool {
    let own = walked.fields();
    own.len() == 1
        && fields.field(own.start).is_some_and(|field| field.kind == FieldKind::Plain && fields.name(field).is_none())
}

/// Makes the list of those who speak in a chat: all that were told, or else those of the records of the call.
fn speakers(buffer: &[u8], found: &Found) -> Option<NameBook> {
    let mut names: Vec<&str> = if found.head.is_empty() {
        let lines = found.records.iter().filter_map(|record| speaker(record.record.body.of(buffer)?));
        lines.filter_map(|name| std::str::from_utf8(name).ok()).collect()
    } else {
        std::str::from_utf8(&found.head).unwrap_or_default().lines().collect()
    };
    names.sort_unstable();
    names.dedup();
    names.truncate(MAX_SPEAKERS);
    NameBook::build(names).ok().filter(|book| !book.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Two runs become what a stable sort makes of them.
        #[test]
        fn merged_is_sorted(
            mut first in prop::collection::vec((0..6_u32, 0..4_u32), 0..12),
            mut later in prop::collection::vec((0..6_u32, 0..4_u32), 0..12),
        ) {
            first.sort_unstable();
            later.sort_unstable();
            let detected = |(score, &(field, start)): (u16, &(u32, u32))| {
                let (entity, rule, span) = (EntityId(0), RuleId(0), Span::new(start, start + 1));
                let detection = Detection { text: 0, span, entity, rule, rival: None, country: None, score };
                FieldDetection { field, detection, embedded: false }
            };
            let mut merged: Vec<_> = (0..).zip(first.iter().chain(&later)).map(detected).collect();
            let mut sorted = merged.clone();
            sorted.sort_by_key(place);
            merge(&mut merged, first.len(), &mut Vec::new());
            prop_assert_eq!(merged, sorted);
        }
    }
}
