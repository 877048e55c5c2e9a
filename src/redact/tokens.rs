//! Tokens in the input, and the canonical values that tokens of the output are made of.

use super::find::{FieldDetection, Finder, Found, FoundRecord};
use super::small;
use crate::crypt::{Class, Shape, Spelling, Tokenizer, ValueTag, find_tokens, token_at};
use crate::detection::Detection;
use crate::entity::{Entity, Kind};
use crate::envelope::{Field, FieldKind, Fields};
use crate::ids::{EntityId, Region, RuleId, TenantId};
use crate::operator::{Digits, Known, canonical};
use crate::scan::fold_into;
use crate::sensitive::Sensitive;
use crate::span::Span;

/// What a token in the input is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// Our own work: the input went through efface before. A token stays, so that redacting twice is redacting once.
    #[default]
    Processed,
    /// Somebody else's: people wrote the input. What looks like a token is copied or made up, and becomes `[TOKEN-LIKE]`,
    /// so that nobody has a token opened that was not made here.
    Raw,
}

/// The entity of what looks like a token in raw input; no rule set has it.
pub(super) const TOKEN_LIKE: EntityId = EntityId(u16::MAX);

/// What is written in the place of what looks like a token in raw input.
pub(super) const TOKEN_LIKE_LABEL: &[u8] = b"[TOKEN-LIKE]";

/// Removes the detections that a token is a part of: an address whose number became a token looks like that of somebody
/// (`tok_ph_…@s.whatsapp.net`).
pub(super) fn spare(buffer: &[u8], fields: &Fields, detections: &mut Vec<FieldDetection>) {
    if detections.is_empty() || !any_token(buffer, fields) {
        return;
    }
    detections.retain(|detected| {
        fields
            .field(detected.field)
            .is_none_or(|field| !meets_token(fields.text(buffer, field), detected.detection.span))
    });
}

/// Whether something in the records begins like a token.
fn any_token(buffer: &[u8], fields: &Fields) -> bool {
    [buffer, fields.side()].iter().any(|text| memchr::memmem::find(text, b"tok_").is_some())
}

/// Whether a token overlaps `span`.
fn meets_token(text: &[u8], span: Span) -> bool {
    let (start, end) = (span.range().start, span.range().end);
    let before = text.get(..start).unwrap_or_default();
    // A token is one word. Where it begins before the span, only its letters stand between.
    let letters = before.iter().rev().take_while(|&&byte| byte.is_ascii_lowercase() || byte == b'_').count();
    let from = start - letters;
    let window = text.get(from..end).unwrap_or_default();
    memchr::memchr_iter(b'_', window).any(|at| {
        let Some(at) = (from + at).checked_sub(3) else { return false };
        token_at(text, at).is_some_and(|token| token.shape == Shape::WellFormed && token.span.range().end > start)
    })
}

/// Adds what looks like a token to the detections.
pub(super) fn claim(
    buffer: &[u8],
    fields: &Fields,
    scans: impl Fn(&Field) -> bool,
    detections: &mut Vec<FieldDetection>,
) {
    if !any_token(buffer, fields) {
        return;
    }
    let n_found = detections.len();
    for (number, field) in (0..).zip(fields.all()) {
        if field.kind == FieldKind::Literal || !scans(field) {
            continue;
        }
        let text = fields.text(buffer, field);
        for token in find_tokens(text) {
            // Letters that follow at once go with it: of a damaged token a part may be well formed by chance.
            let rest = text.get(token.span.range().end..).unwrap_or_default();
            let n_letters = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
            let mut span = Span::new(token.span.start, token.span.end + small(n_letters));
            let mut covered = false;
            // Those of this field; there are few messages with tokens.
            for other in detections.iter_mut().take(n_found).filter(|other| other.field == number) {
                let own = other.detection.span;
                if own.start >= span.end || span.start >= own.end {
                    continue;
                }
                if own.start <= span.start && span.end <= own.end {
                    covered = true;
                } else {
                    span = Span::new(own.start.min(span.start), own.end.max(span.end));
                    other.detection.entity = GONE;
                }
            }
            if !covered {
                let detection = Detection {
                    text: 0,
                    span,
                    entity: TOKEN_LIKE,
                    rule: RuleId(u16::MAX),
                    rival: None,
                    country: None,
                    score: 1000,
                };
                detections.push(FieldDetection { field: number, detection, embedded: false });
            }
        }
    }
    detections.retain(|detected| detected.detection.entity != GONE);
    detections.sort_unstable_by_key(|detected| (detected.field, detected.detection.span));
}

/// Marks a detection that a wider one has taken the place of.
const GONE: EntityId = EntityId(u16::MAX - 1);

/// The canonical values of the detections of a call, of which most are never made: what is written like an earlier value,
/// and where the same was known, has its token.
///
/// # Security
/// Holds values in clear, as the buffer does that they stand in. Used again; wiped by nothing.
#[derive(Default)]
pub(super) struct Canonicals {
    bytes: Vec<u8>,
    /// One for each detection of the call: where its value stands, if it was made, and what the cache knows it by.
    values: Vec<(Option<Span>, Option<ValueTag>)>,
    folded: Vec<u8>,
}

impl Canonicals {
    /// Forgets the values of the last call.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.values.clear();
    }

    /// Tells what the cache knows all detections of the entities that `minted` knows by. `tenant` tells whose a record is.
    pub(super) fn fill<'r>(
        &mut self,
        buffer: &[u8],
        found: &'r Found,
        finder: &'r Finder,
        tokenizer: &Tokenizer,
        tenant: impl Fn(&'r FoundRecord) -> Option<TenantId<'r>>,
        minted: impl Fn(EntityId) -> Option<&'r Entity>,
    ) {
        self.clear();
        // Neighbours are mostly of one tenant and know the same regions.
        let mut last: Option<(&[Region], Option<TenantId<'_>>, Option<Spelling>)> = None;
        for record in found.records() {
            let detections = found.detections(record);
            if detections.is_empty() {
                continue;
            }
            // What stands before belongs to records that cannot be handled.
            self.values.resize(self.values.len().max(Found::first_detection(record)), (None, None));
            let (regions, tenant) = (finder.regions(record), tenant(record));
            let spelling = match &last {
                Some((r, t, spelling)) if *t == tenant && (std::ptr::eq(*r, regions) || *r == regions) => spelling,
                _ => {
                    let spelling = tenant.and_then(|tenant| spelling(tokenizer, tenant, regions));
                    &last.insert((regions, tenant, spelling)).2
                }
            };
            for detected in detections {
                let detection = &detected.detection;
                let tag = match (spelling, minted(detection.entity)) {
                    (Some(spelling), Some(entity)) => {
                        let field = found.fields().field(detected.field);
                        let text = field.map(|field| found.fields().text(buffer, field));
                        text.and_then(|text| tag(spelling, entity, text, detection.span, detection.country))
                    }
                    _ => None,
                };
                self.values.push((None, tag));
            }
        }
    }

    /// Yields what the cache knows the values by.
    pub(super) fn tags(&self) -> impl Iterator<Item = ValueTag> + '_ {
        self.values.iter().filter_map(|(_, tag)| *tag)
    }

    /// Returns what the cache knows a detection by.
    pub(super) fn tag(&self, detection: usize) -> Option<ValueTag> {
        self.values.get(detection)?.1
    }

    /// Returns where the canonical value of a place stands; it is made now if it is not there. `detection` is the number of the
    /// detection, where it is one of the call.
    pub(super) fn of(
        &mut self,
        detection: Option<usize>,
        entity: &Entity,
        text: &[u8],
        span: Span,
        country: Option<Region>,
        regions: &[Region],
    ) -> Span {
        let place = |values: &[(Option<Span>, _)]| values.get(detection?)?.0;
        if let Some(made) = place(&self.values) {
            return made;
        }
        let made = self.add(entity, text, span, country, regions);
        if let Some((place, _)) = detection.and_then(|detection| self.values.get_mut(detection)) {
            *place = Some(made);
        }
        made
    }

    /// Makes the canonical value of a place in a text.
    fn add(&mut self, entity: &Entity, text: &[u8], span: Span, country: Option<Region>, regions: &[Region]) -> Span {
        let range = span.range();
        let (Some(before), Some(value), Some(after)) =
            (text.get(..range.start), text.get(range.clone()), text.get(range.end..))
        else {
            return Span::new(0, 0);
        };
        let known = Known { regions, country, digits: Digits::between(before, after) };
        let value = if value.is_ascii() {
            value
        } else {
            self.folded.clear();
            fold_into(value, &mut self.folded);
            &self.folded
        };
        let start = small(self.bytes.len());
        canonical(entity, Sensitive::new(value), &known, &mut self.bytes);
        Span::new(start, small(self.bytes.len()))
    }

    /// Returns a canonical value.
    pub(super) fn value(&self, span: Span) -> Sensitive<'_> {
        Sensitive::new(span.of(&self.bytes).unwrap_or_default())
    }
}

/// Begins what the cache knows values of a tenant by, where these regions are known.
fn spelling(tokenizer: &Tokenizer, tenant: TenantId<'_>, regions: &[Region]) -> Option<Spelling> {
    let mut context = [0; 2 * MOST_REGIONS];
    let (pairs, _) = context.as_chunks_mut::<2>();
    let own = pairs.get_mut(..regions.len())?;
    for (pair, region) in own.iter_mut().zip(regions) {
        *pair = region.bytes();
    }
    tokenizer.spelling(tenant, own.as_flattened())
}

/// Returns what the cache knows a place in a text by: all that its canonical value is made from; see [`Canonicals::add`].
fn tag(spelling: &Spelling, entity: &Entity, text: &[u8], span: Span, country: Option<Region>) -> Option<ValueTag> {
    let range = span.range();
    let (before, value, after) = (text.get(..range.start)?, text.get(range.clone())?, text.get(range.end..)?);
    // Of other kinds what stands around them says nothing.
    let digits = match entity.kind {
        Kind::PhoneNumber => Digits::between(before, after),
        _ => Digits::default(),
    };
    let [a, b] = country.map_or([0; 2], Region::bytes);
    let how = [entity.kind as u8, digits as u8, a, b, 0, 0];
    Some(spelling.tag(Class::of(entity.kind), how, Sensitive::new(value)))
}

/// Regions of a record up to which its values are known as they are written.
const MOST_REGIONS: usize = 16;
