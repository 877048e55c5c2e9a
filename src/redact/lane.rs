//! What becomes of a record on one lane: each detection gets what the lane's policy says, and the envelope puts it back.

use super::embedded::Embedded;
use super::find::{FieldDetection, Found, FoundRecord};
use super::tokens::{Canonicals, TOKEN_LIKE, TOKEN_LIKE_LABEL};
use super::{Applied, Given, Minting, Redactor, quarantine, small, told};
use crate::crypt::{LaneClass, Mode, TokenScratch};
use crate::detection::Detection;
use crate::entity::{Entity, Kind};
use crate::envelope::{
    Armour, Change, Copied, Edit, Field, FieldKind, Format, Record, Spliced, Splicer, Stamp, Straight, Treatment,
};
use crate::ids::{EntityId, Region, TenantId};
use crate::operator::{self, Digits, Known, Minter, PhoneClass};
use crate::policy::{Form, Lane, Operator};
use crate::sensitive::Sensitive;
use crate::span::{DocSpan, Span};

/// Writes the output of one lane.
pub(super) struct LaneWriter<'w> {
    pub(super) redactor: &'w Redactor,
    pub(super) lane: &'w Lane,
    pub(super) at: usize,
    pub(super) buffer: &'w [u8],
    pub(super) found: &'w Found,
    pub(super) edits: &'w mut Vec<Edit>,
    pub(super) replacements: &'w mut Vec<u8>,
    pub(super) tokens: Option<&'w mut TokenScratch>,
    pub(super) canonicals: &'w mut Canonicals,
    pub(super) given: &'w Given,
    pub(super) class: LaneClass,
    pub(super) needs_owner: bool,
    /// What of the lane's answers is ready beforehand, by entity.
    pub(super) ready: &'w [Ready],
    /// The tenant of all records, where there is one.
    pub(super) fixed: Option<TenantId<'w>>,
    /// Of the record at hand.
    pub(super) owner: Owner<'w>,
    /// The telephone numbers of the record at hand.
    pub(super) phones: Phones<'w>,
    /// The last field whose document was written.
    pub(super) embedded: Option<u32>,
    pub(super) applied: &'w mut Applied,
}

/// What a lane knows to write in the place of an entity before it sees the value.
pub(super) enum Ready {
    /// Nothing.
    No,
    /// All of it: the label.
    Label(Stamp),
    /// How the label begins that tells country and line of a telephone number.
    PhoneClass(Box<[u8]>),
}

/// What is left of the telephone numbers of a record when they are generalised. There are few, and the same come again.
#[derive(Default)]
pub(super) struct Phones<'w> {
    known: [(Phone<'w>, Option<PhoneClass>); 4],
    n: usize,
}

/// A telephone number, and what else than its record says how to read it.
#[derive(Clone, Copy, Default)]
struct Phone<'w> {
    text: &'w [u8],
    digits: Digits,
    country: Option<Region>,
}

impl<'w> Phones<'w> {
    fn class(&mut self, phone: Phone<'w>, regions: &[Region]) -> Option<PhoneClass> {
        let Phone { text, digits, country } = phone;
        let same =
            |known: &Phone<'_>| told::same(known.text, text) && (known.digits, known.country) == (digits, country);
        let mut known = self.known.iter().take(self.n);
        if let Some(&(_, class)) = known.find(|(known, _)| same(known)) {
            return class;
        }
        let known = Known { regions, country, digits };
        let class = operator::number_range(Sensitive::new(text), &known).map(PhoneClass::from);
        if let Some(place) = self.known.get_mut(self.n) {
            (*place, self.n) = ((phone, class), self.n + 1);
        }
        class
    }
}

/// What a record says of itself that tokens depend on.
#[derive(Clone, Copy)]
pub(super) struct Owner<'w> {
    pub(super) regions: &'w [Region],
    pub(super) tenant: Option<TenantId<'w>>,
    /// The record, and what it stands in. Few lanes ask for more of it.
    pub(super) of: Option<(&'w [u8], &'w Found, &'w FoundRecord)>,
}

impl<'w> Owner<'w> {
    fn conversation(&self) -> Option<&'w [u8]> {
        let (buffer, found, record) = self.of?;
        found.conversation(buffer, record)
    }

    fn subject(&self) -> Option<&'w [u8]> {
        let (buffer, found, record) = self.of?;
        found.subject(buffer, record)
    }
}

/// What is replaced.
#[derive(Clone, Copy)]
struct Place {
    field: u32,
    span: Span,
    /// The entity that labels tell.
    entity: EntityId,
    /// The number of the detection among those of the call; none for a whole field.
    detection: Option<usize>,
    country: Option<Region>,
}

impl<'w> LaneWriter<'w> {
    /// Appends one record to `out`.
    pub(super) fn record(&mut self, format: Format, record: &'w FoundRecord, splicer: &mut Splicer, out: &mut Vec<u8>) {
        let Record { body, whole } = record.record;
        let walked = match record.walked {
            Ok(walked) => walked,
            Err(reason) => {
                quarantine(format, reason, out);
                return self.line_end(format, body, whole, out);
            }
        };
        let detections = self.found.detections(record);
        let selectors = self.redactor.finder.selectors();
        if detections.is_empty() && selectors.is_trivial() {
            return out.extend_from_slice(whole.of(self.buffer).unwrap_or_default());
        }
        if self.tokens.is_some() || self.needs_owner {
            self.owner = self.redactor.owner(self.fixed, self.buffer, self.found, record, self.given);
            self.phones.n = 0;
        }
        if selectors.is_trivial() && is_straight(self.found, detections) {
            return self.straight(format, record, detections, out);
        }
        self.edits.clear();
        self.replacements.clear();
        let mut rest = (Found::first_detection(record)..).zip(detections);
        if selectors.is_trivial() {
            for (number, detected) in rest {
                self.edit(number, detected);
            }
        } else {
            let mut rest = rest.by_ref().peekable();
            for number in walked.fields() {
                let Some(field) = self.found.fields().field(number) else { continue };
                let treatment = self.redactor.finder.treatment(field, self.at);
                if let Treatment::Operator(entity) = treatment {
                    let (entity, span) = (EntityId(entity), Span::new(0, small(field.text().len())));
                    let place = Place { field: number, span, entity, detection: None, country: None };
                    self.replace(place, entity, self.lane.decide(entity, None));
                }
                // Another lane may have had the field scanned.
                while let Some((at, detected)) = rest.next_if(|(_, detected)| detected.field == number) {
                    match treatment {
                        Treatment::Scan => self.edit(at, detected),
                        Treatment::Keep => self.applied.count(detected.detection.entity, &Operator::Keep),
                        Treatment::Drop => self.applied.count(detected.detection.entity, &Operator::Drop),
                        Treatment::Operator(_) => {}
                    }
                }
            }
        }
        let source =
            Spliced { fields: self.found.fields(), buffer: self.buffer, walked, replacements: self.replacements };
        splicer.splice(&source, self.edits, self.at, out);
        self.line_end(format, body, whole, out);
    }

    /// Appends a record of which new text takes the place of detections, one behind the other, and nothing else.
    fn straight(&mut self, format: Format, record: &FoundRecord, detections: &'w [FieldDetection], out: &mut Vec<u8>) {
        let Record { body, whole } = record.record;
        let fields = self.found.fields();
        let mut way = Straight::new(fields, self.buffer, body);
        for (number, detected) in (Found::first_detection(record)..).zip(detections) {
            let Some(field) = fields.field(detected.field) else { continue };
            let detection = &detected.detection;
            if detection.rival.is_none() {
                match self.ready.get(usize::from(detection.entity.0)) {
                    Some(Ready::Label(stamp)) => {
                        way.stamp(field, detection.span, stamp, out);
                        self.applied.count(detection.entity, &Operator::Redact);
                        continue;
                    }
                    Some(Ready::PhoneClass(head)) => {
                        if let Some(class) = self.phone_class(field, detection) {
                            way.replace(field, detection.span, out, |out| {
                                class.label(head, out);
                                true
                            });
                            self.applied.count(detection.entity, self.lane.decide(detection.entity, None));
                            continue;
                        }
                    }
                    Some(Ready::No) | None => {}
                }
            }
            let (place, owner, operator) = self.decided(number, detected);
            if *operator == Operator::Keep {
                self.applied.count(place.entity, operator);
                continue;
            }
            way.replace(field, place.span, out, |out| self.put(place, owner, operator, out));
        }
        way.end(if format == Format::Json { body.end } else { whole.end }, out);
    }

    /// Rewrites the document that stands in a field, by edits of the field.
    fn embedded(&mut self, field: u32) {
        // Its detections follow one another; the first of them writes all.
        if self.embedded.replace(field) == Some(field) {
            return;
        }
        let set = |set: &'w Embedded| set.of(field).map(|(armour, at)| (set, armour, at));
        let Some((set, armour, at)) = self.found.embedded.iter().find_map(set) else { return };
        let (mut clear, mut copied) = (Vec::new(), Vec::new());
        let (mut edits, mut replacements, mut splicer) = (Vec::new(), Vec::new(), Splicer::default());
        for record in set.records(at) {
            let Ok(walked) = record.walked else { continue };
            edits.clear();
            replacements.clear();
            let mut inner = LaneWriter {
                redactor: self.redactor,
                lane: self.lane,
                at: self.at,
                buffer: &set.buffer,
                found: &set.found,
                edits: &mut edits,
                replacements: &mut replacements,
                tokens: self.tokens.as_deref_mut(),
                canonicals: &mut *self.canonicals,
                given: self.given,
                class: self.class,
                needs_owner: self.needs_owner,
                ready: self.ready,
                phones: Phones::default(),
                fixed: self.fixed,
                owner: self.owner,
                embedded: None,
                applied: &mut *self.applied,
            };
            for detected in set.found.detections(record) {
                // Canonical values of detections are those of the fields around.
                inner.edit(usize::MAX, detected);
            }
            let source =
                Spliced { fields: set.found.fields(), buffer: &set.buffer, walked, replacements: &replacements };
            splicer.trace(&source, &edits, &mut clear, &mut copied);
            let Record { body, whole } = record.record;
            let end = DocSpan::new(body.end, whole.end);
            copied.push(Copied { from: end, to: clear.len() });
            clear.extend_from_slice(end.of(&set.buffer).unwrap_or_default());
        }
        if armour != Armour::None {
            let len = self.found.fields().field(field).map_or(0, |field| field.text().len());
            let start = small(self.replacements.len());
            armour.close(&clear, self.replacements);
            let with = Span::new(start, small(self.replacements.len()));
            return self.edits.push(Edit { field, change: Change::Replace { span: Span::new(0, small(len)), with } });
        }
        // What stands between two pieces that were copied is new.
        let (mut from, mut to) = (at.start, 0);
        let last = Copied { from: DocSpan::new(at.end, at.end), to: clear.len() };
        for copy in copied.into_iter().chain([last]) {
            if copy.from.start > from || copy.to > to {
                let start = small(self.replacements.len());
                self.replacements.extend_from_slice(clear.get(to..copy.to).unwrap_or_default());
                let with = Span::new(start, small(self.replacements.len()));
                let span = Span::new(from - at.start, copy.from.start.saturating_sub(at.start));
                self.edits.push(Edit { field, change: Change::Replace { span, with } });
            }
            (from, to) = (copy.from.end, copy.to + copy.from.len());
        }
    }

    fn edit(&mut self, number: usize, detected: &FieldDetection) {
        if detected.embedded {
            return self.embedded(detected.field);
        }
        let (place, owner, operator) = self.decided(number, detected);
        self.replace(place, owner, operator);
    }

    /// Says what becomes of a detection: where it is, and the operator, and which entity that is of.
    fn decided(&mut self, number: usize, detected: &FieldDetection) -> (Place, EntityId, &'w Operator) {
        let detection = &detected.detection;
        let (owner, mut operator) = self.lane.decided(detection.entity, detection.rival);
        let place = Place {
            field: detected.field,
            span: detection.span,
            entity: detection.entity,
            // Of another entity, the canonical value is another.
            detection: (owner == detection.entity).then_some(number),
            country: detection.country,
        };
        if let Some(business) = self.lane.business()
            && self.is_business(place, owner)
        {
            operator = business;
        }
        (place, owner, operator)
    }

    /// Whether a place is the telephone number of a business.
    fn is_business(&mut self, place: Place, owner: EntityId) -> bool {
        let redactor = self.redactor;
        let Some(entity) = redactor.entities.get(usize::from(owner.0)) else { return false };
        entity.kind == Kind::PhoneNumber && {
            let span = self.canonical(place, entity, self.text(place));
            operator::is_business(self.canonicals.value(span).expose())
        }
    }

    /// What is left of a telephone number; nothing where its canonical form is to be asked.
    fn phone_class(&mut self, field: &Field, detection: &Detection) -> Option<PhoneClass> {
        let text = self.found.fields().text(self.buffer, field);
        let range = detection.span.range();
        let (before, value, after) = (text.get(..range.start)?, text.get(range.clone())?, text.get(range.end..)?);
        let phone = Phone { text: value, digits: Digits::between(before, after), country: detection.country };
        value.is_ascii().then(|| self.phones.class(phone, self.owner.regions)).flatten()
    }

    /// Where the canonical value of a place stands.
    fn canonical(&mut self, place: Place, entity: &Entity, text: &[u8]) -> Span {
        let Place { detection, span, country, .. } = place;
        self.canonicals.of(detection, entity, text, span, country, self.owner.regions)
    }

    fn text(&self, place: Place) -> &'w [u8] {
        let fields = self.found.fields();
        fields.field(place.field).map(|field| fields.text(self.buffer, field)).unwrap_or_default()
    }

    /// Replaces a place; `owner` is the entity that the operator is of.
    fn replace(&mut self, place: Place, owner: EntityId, operator: &Operator) {
        if *operator == Operator::Keep {
            return self.applied.count(place.entity, operator);
        }
        let mut replacements = std::mem::take(self.replacements);
        let start = small(replacements.len());
        self.put(place, owner, operator, &mut replacements);
        let with = Span::new(start, small(replacements.len()));
        *self.replacements = replacements;
        self.edits.push(Edit { field: place.field, change: Change::Replace { span: place.span, with } });
    }

    /// Appends what a place becomes; `owner` is the entity that the operator is of. Tells whether it is known to be ASCII that
    /// stands in a JSON string as it is.
    fn put(&mut self, place: Place, owner: EntityId, operator: &Operator, out: &mut Vec<u8>) -> bool {
        // Most of what is written is labels.
        if matches!(operator, Operator::Redact)
            && let Some(label) = self.redactor.labels.get(usize::from(place.entity.0))
        {
            out.extend_from_slice(label);
            self.applied.count(place.entity, operator);
            return false;
        }
        let text = self.text(place);
        let entity = |entity: EntityId| self.redactor.entities.get(usize::from(entity.0));
        // An entity or a text that is not there is a bug of ours; then the place is emptied, not kept.
        match (entity(place.entity), place.span.of(text)) {
            (Some(shown), Some(value)) => {
                let minted = match operator {
                    Operator::Token { mode } => {
                        entity(owner).is_some_and(|owner| self.mint(place, owner, *mode, text, out))
                    }
                    Operator::Conv | Operator::Fake | Operator::Generalise { .. } => {
                        entity(owner).is_some_and(|owner| self.rewrite(place, owner, operator, text, out))
                    }
                    _ => false,
                };
                // Digits that stay before an `@` would look like mail to a second run: those of an account of WhatsApp.
                let at = text.get(place.span.range().end) == Some(&b'@');
                let operator = match operator {
                    Operator::Mask { .. } if at => &Operator::Mask { keep_last: 0 },
                    other => other,
                };
                // What gets no token gets the label.
                if !minted {
                    operator::apply(operator, shown, Sensitive::new(value), out);
                }
                let falls_back = !minted && (operator.is_keyed() || matches!(operator, Operator::Generalise { .. }));
                self.applied.count(place.entity, if falls_back { &Operator::Redact } else { operator });
                minted && matches!(operator, Operator::Token { .. })
            }
            _ if place.entity == TOKEN_LIKE => {
                out.extend_from_slice(TOKEN_LIKE_LABEL);
                false
            }
            _ => false,
        }
    }

    /// Writes a code, a made-up value or the sort of a place; tells whether there is one.
    fn rewrite(&mut self, place: Place, entity: &Entity, operator: &Operator, text: &[u8], out: &mut Vec<u8>) -> bool {
        let span = self.canonical(place, entity, text);
        let canonical = self.canonicals.value(span);
        let minting = self.redactor.minting.as_ref();
        let mut minter = match (minting, self.tokens.as_deref_mut(), self.owner.tenant) {
            (Some(Minting { tokenizer, .. }), Some(scratch), Some(tenant)) => {
                Some(Minter { tokenizer, scratch, tenant, lane: self.class })
            }
            _ => None,
        };
        let value = Sensitive::new(place.span.of(text).unwrap_or_default());
        match operator {
            Operator::Conv => minter
                .zip(self.owner.conversation())
                .is_some_and(|(mut minter, conversation)| minter.conv(entity, conversation, canonical, out).is_ok()),
            Operator::Fake => minter.is_some_and(|mut minter| minter.fake(entity, value, canonical, out) == Ok(true)),
            Operator::Generalise { to } => {
                let shift = match (to, &mut minter, self.owner.subject()) {
                    (Form::Shift { days }, Some(minter), Some(subject)) => minter.shift(entity, subject, *days).ok(),
                    _ => None,
                };
                operator::generalise(to, entity, canonical, shift, out)
            }
            _ => false,
        }
    }

    /// Writes the token of a place; tells whether there is one.
    fn mint(&mut self, place: Place, entity: &Entity, mode: Mode, text: &[u8], out: &mut Vec<u8>) -> bool {
        let (Some(Minting { tokenizer, .. }), Some(scratch), Some(tenant)) =
            (&self.redactor.minting, self.tokens.as_deref_mut(), self.owner.tenant)
        else {
            return false;
        };
        let mut minter = Minter { tokenizer, scratch, tenant, lane: self.class };
        let Place { detection, span, country, .. } = place;
        let tag = detection.and_then(|number| self.canonicals.tag(number));
        if let Some(tag) = tag {
            match minter.remembered(mode, entity, tag, out) {
                Ok(false) => {}
                written => return written.is_ok(),
            }
        }
        let span = self.canonicals.of(detection, entity, text, span, country, self.owner.regions);
        let value = self.canonicals.value(span);
        let minted = match tag {
            Some(tag) => minter.token_tagged(mode, entity, value, tag, out),
            None => minter.token(mode, entity, value, out),
        };
        minted.is_ok()
    }

    fn line_end(&self, format: Format, body: DocSpan, whole: DocSpan, out: &mut Vec<u8>) {
        if format != Format::Json {
            out.extend_from_slice(DocSpan::new(body.end, whole.end).of(self.buffer).unwrap_or_default());
        }
    }
}

/// Whether all detections of a record can be written in one go.
fn is_straight(found: &Found, detections: &[FieldDetection]) -> bool {
    let mut before = None;
    detections.iter().all(|&FieldDetection { field: number, embedded, .. }| {
        let again = before.replace(number) == Some(number);
        !embedded
            && found.fields().field(number).is_some_and(|field| {
                // Whatever is found in a number, it is the whole of it that goes.
                Straight::suits(field) && !(again && field.kind == FieldKind::Number)
            })
    })
}
