//! Records of one stream are cast from few moulds: what stands between their values is the same, byte for byte.
//!
//! A record that an earlier one was like needs no grammar: what stands between its values is compared, and the values
//! are walked as ever. What comes out is what the walk over it would have found, because the grammar of JSON reads from left
//! to right: after the same bytes it expects the same.
//!
//! ```text
//! {"from":"+000","at":5}      {"from":"    ","at":  }      steps, each with the bytes before a value and what comes then
//! ```
//!
//! Steps make a tree, so that records that part late share what is before.

use super::fields::{Field, FieldKind, Home, NONE, Node, number};
use std::fmt;
use std::sync::Arc;

/// What records of one mould have in common, but for their bytes. Places are counted from the record's own first field and
/// node, or from where a step begins.
///
/// # Security
/// Holds keys of a record, and a key may be somebody's number; its `Debug` tells only counts.
pub struct Mould {
    pub(super) fields: Box<[Cast]>,
    pub(super) nodes: Box<[Node]>,
    /// The texts of its keys, by the number of the field; of keys that are not listed behind them.
    pub(super) keys: Box<[Option<Box<str>>]>,
    /// How deep arrays and objects stand in each other.
    pub(super) depth: usize,
    pub(super) longest_key: usize,
    /// Its fields, those among them that are not listed.
    pub(super) n_fields: usize,
    /// Where not all are listed, the place of each among those that are; behind them those of the keys that are not.
    pub(super) listed: Option<Box<[u32]>>,
}

impl Mould {
    /// Whether keys are left out; see [`super::Fields::shorten`].
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.listed.is_some()
    }

    /// Returns how many keys and values a record has, those that are not listed among them.
    #[must_use]
    pub const fn n_fields(&self) -> usize {
        self.n_fields
    }
}

impl fmt::Debug for Mould {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mould({} fields, {} of them listed)", self.n_fields, self.fields.len())
    }
}

/// A field of a mould.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cast {
    /// The number of the step that it begins at, and how far behind its beginning.
    pub(super) from: (u16, u32),
    /// The number of the step that it ends at, and how far behind its beginning, or before.
    pub(super) to: (u16, u32),
    pub(super) kind: FieldKind,
    pub(super) name: u32,
    pub(super) node: u32,
    pub(super) index: u32,
}

/// The moulds of the records that were walked.
///
/// # Security
/// Holds keys of records, and a key may be somebody's number.
pub(super) struct Moulds {
    steps: Vec<Step>,
    /// What stands before values, one behind the other.
    bytes: Vec<u8>,
    moulds: Vec<Arc<Mould>>,
    /// Fields of all moulds.
    n_fields: usize,
    /// Records that may be learned, in eighths; see [`Moulds::learn`].
    credit: u32,
    /// Whether none was learned ever.
    fresh: bool,
    /// Whether one was not learned because there is no room.
    full: bool,
}

/// Where the steps of the record at hand begin in the buffer.
pub(super) struct Begins(Box<[u32; MOST_STEPS_OF_ONE]>);

impl Default for Begins {
    fn default() -> Self {
        Self(Box::new([0; MOST_STEPS_OF_ONE]))
    }
}

impl Begins {
    /// Takes note of where a step begins.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "the remainder is less than the length")]
    pub(super) fn set(&mut self, step: usize, at: u32) {
        self.0[step % MOST_STEPS_OF_ONE] = at;
    }

    /// Returns where each step begins; what is behind the last is of another record.
    pub(super) const fn all(&self) -> &[u32; MOST_STEPS_OF_ONE] {
        &self.0
    }
}

/// What stands before a value, and what the value is.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// The first bytes of it, and which of them count; the last bytes, where it is longer than that.
    head: [u64; 2],
    mask: [u64; 2],
    tail: [u64; 2],
    from: u32,
    to: u32,
    pub(super) value: Value,
    /// The number of its value among the fields of the record.
    pub(super) field: u32,
    /// The first of the steps after this; at the end of a record its mould.
    pub(super) next: u32,
    /// The next of the steps that may be here instead.
    other: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// The bytes before it end with its quote.
    Text,
    Number,
    /// `true`, `false` or `null`.
    Literal,
    /// None: the record ends here.
    End,
}

impl Default for Moulds {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            bytes: Vec::new(),
            moulds: Vec::new(),
            n_fields: 0,
            // Not enough for the first record: many a one is walked with memory of its own, and no other after it.
            credit: LEARNING - 2,
            fresh: true,
            full: false,
        }
    }
}

impl Moulds {
    pub(super) fn mould(&self, number: u32) -> Option<&Arc<Mould>> {
        self.moulds.get(number as usize)
    }

    /// Returns the first step of all records.
    pub(super) const fn first(&self) -> u32 {
        if self.steps.is_empty() { NONE } else { 0 }
    }

    /// Returns the step from `number` on, among those that may be here instead, that `rest` goes on with, and what is
    /// behind it.
    #[inline(always)]
    pub(super) fn step<'d>(&self, mut number: u32, rest: &'d [u8]) -> Option<(&Step, &'d [u8])> {
        loop {
            let step = self.steps.get(number as usize)?;
            if let Some(rest) = self.behind(step, rest)
                && step.value.begins(rest.first())
            {
                return Some((step, rest));
            }
            number = step.other;
        }
    }

    /// Returns what is behind the bytes of a step, where `rest` begins with them.
    #[inline(always)]
    fn behind<'d>(&self, step: &Step, rest: &'d [u8]) -> Option<&'d [u8]> {
        let len = (step.to - step.from) as usize;
        let Some(own) = rest.first_chunk::<HEAD_BYTES>() else {
            let bytes = self.bytes.get(step.from as usize..step.to as usize)?;
            return rest.split_at_checked(len).filter(|(own, _)| same(own, bytes)).map(|(_, rest)| rest);
        };
        let ([low, high], Step { head, mask, tail, .. }) = (halves(own), step);
        if ((low ^ head[0]) & mask[0]) | ((high ^ head[1]) & mask[1]) != 0 {
            return None;
        }
        let (own, rest) = rest.split_at_checked(len)?;
        if len > HEAD_BYTES {
            let [low, high] = halves(own.last_chunk()?);
            if (low ^ tail[0]) | (high ^ tail[1]) != 0 {
                return None;
            }
            if len > 2 * HEAD_BYTES && !same(own, self.bytes.get(step.from as usize..step.to as usize)?) {
                return None;
            }
        }
        Some(rest)
    }

    /// Forgets everything where there is no room for more. To be called where no record that was walked is asked about again.
    pub(super) fn make_room(&mut self) {
        if self.full {
            *self = Self { credit: self.credit, fresh: false, ..Self::default() };
        }
    }

    /// Leaves out of the records that are from a mould the keys for which `keeps` does not say otherwise, and arrays and objects.
    /// Such records are of another mould from then on: that, and its number.
    #[cold]
    pub(super) fn shorten(&mut self, mould: u32, keeps: impl Fn(u32) -> bool) -> Option<(usize, &Arc<Mould>)> {
        let full = self.moulds.get(mould as usize).filter(|full| full.listed.is_none())?;
        let end = self.steps.iter().position(|step| step.value == Value::End && step.next == mould)?;
        let (mut stay, mut go) = (Vec::new(), Vec::new());
        for (at, cast) in (0..).zip(&full.fields) {
            if cast.kind != FieldKind::Key || keeps(at) { stay.push(at) } else { go.push(at) }
        }
        // Keys that are not listed have numbers behind those that are.
        let mut places = vec![NONE; full.fields.len()];
        for (place, &at) in (0..).zip(stay.iter().chain(&go)) {
            places.get_mut(at as usize).into_iter().for_each(|own| *own = place);
        }
        let place = |at: u32| places.get(at as usize).copied().unwrap_or(NONE);
        let fields = stay.iter().filter_map(|&at| full.fields.get(at as usize));
        let fields = fields.map(|cast| Cast { name: place(cast.name), ..*cast }).collect();
        let keys = stay.iter().chain(&go).map(|&at| full.keys.get(at as usize).cloned().flatten()).collect();
        let Mould { depth, longest_key, n_fields, .. } = **full;
        let listed = Some(places.into());
        let at = self.moulds.len();
        self.n_fields += stay.len();
        self.moulds.push(Arc::new(Mould { fields, nodes: Box::default(), keys, depth, longest_key, n_fields, listed }));
        self.steps.get_mut(end)?.next = number(at);
        self.moulds.get(at).map(|mould| (at, mould))
    }

    /// Takes note that a record was walked; whether one more may be learned.
    #[inline]
    pub(super) fn count(&mut self) -> bool {
        // Where no two records are alike, one in eight is learned for nothing.
        self.credit = (self.credit + 1).min(MOST_CREDIT);
        self.credit >= LEARNING
    }

    /// Learns the record `doc`, which begins at `base` in its buffer; `own` and `nodes` are what the walk found, and `first`
    /// and `first_node` their numbers. No literal is among the fields.
    #[cold]
    pub(super) fn learn(
        &mut self,
        doc: &[u8],
        base: u32,
        (own, first): (&[Field], u32),
        (nodes, first_node): (&[Node], u32),
    ) {
        let n_bytes: usize = own.iter().filter(|field| field.is_key()).map(|field| field.raw.len()).sum();
        let is_plain = |field: &Field| !field.is_key() || field.home == Home::Record;
        if own.len() > MOST_FIELDS || n_bytes > MOST_KEY_BYTES || !own.iter().all(is_plain) {
            return;
        }
        // Of a stream's first records all are learned.
        self.credit = if std::mem::take(&mut self.fresh) { MOST_CREDIT } else { self.credit } - LEARNING;
        self.n_fields += own.len();
        if self.steps.len() + MOST_FIELDS > MOST_STEPS
            || self.bytes.len() > MOST_BYTES
            || self.moulds.len() >= MOST_MOULDS
            || self.n_fields > MOST_CASTS
        {
            self.full = true;
            return;
        }
        let relative = |number: u32, first: u32| if number == NONE { NONE } else { number.wrapping_sub(first) };
        let mut line = Line { moulds: self, doc, last: NONE, from: 0 };
        let (mut casts, mut n_steps) = (Vec::with_capacity(own.len()), 0_u16);
        let (mut at, mut rest) = (0, own);
        let (mut n_nodes, mut open, mut depth) = (0, 0_usize, 0);
        while let Some(&byte) = doc.get(at) {
            // The last of them is that of the end.
            if usize::from(n_steps) + 2 > MOST_STEPS_OF_ONE {
                return;
            }
            match byte {
                b'"' | b'-' | b'0'..=b'9' => {
                    let Some((field, others)) = rest.split_first() else { return };
                    rest = others;
                    let start = at + usize::from(byte == b'"');
                    if field.raw.start.wrapping_sub(base) as usize != start {
                        return;
                    }
                    let end = start + field.raw.len();
                    let (name, node, index) =
                        (relative(field.name, first), relative(field.node, first_node), field.index);
                    let from = (n_steps, number(start - line.from));
                    let (to, value) = match field.kind {
                        FieldKind::Key => ((n_steps, number(end - line.from)), None),
                        // Its quote goes with it.
                        FieldKind::Text => ((n_steps + 1, 0_u32.wrapping_sub(1)), Some(Value::Text)),
                        FieldKind::Number => ((n_steps + 1, 0), Some(Value::Number)),
                        _ => return,
                    };
                    at = end + usize::from(byte == b'"');
                    if let Some(value) = value {
                        if !line.step(start, at, value, number(casts.len())) {
                            return;
                        }
                        n_steps += 1;
                    }
                    casts.push(Cast { from, to, kind: field.kind, name, node, index });
                }
                b't' | b'f' | b'n' => {
                    let start = at;
                    at += if byte == b'f' { 5 } else { 4 };
                    if !line.step(start, at, Value::Literal, NONE) {
                        return;
                    }
                    n_steps += 1;
                }
                b'{' | b'[' => {
                    n_nodes += 1;
                    open += 1;
                    depth = depth.max(open);
                    at += 1;
                }
                b'}' | b']' => {
                    open = open.saturating_sub(1);
                    at += 1;
                }
                _ => at += 1,
            }
        }
        if !rest.is_empty() || n_nodes != nodes.len() {
            return;
        }
        let nodes = nodes.iter().map(|node| Node {
            node: relative(node.node, first_node),
            name: relative(node.name, first),
            index: node.index,
        });
        let longest_key = own.iter().filter(|field| field.is_key()).map(|key| key.raw.len()).max().unwrap_or(0);
        // What is learned is UTF-8, and no key of it has escapes.
        let key = |field: &Field| {
            let start = field.raw.start.checked_sub(base)? as usize;
            let text = doc.get(start..start + field.raw.len()).filter(|_| field.is_key())?;
            std::str::from_utf8(text).ok().map(Box::from)
        };
        let (nodes, keys) = (nodes.collect(), own.iter().map(key).collect());
        let n_fields = casts.len();
        line.end(Mould { fields: casts.into(), nodes, keys, depth, longest_key, n_fields, listed: None });
    }
}

/// The way of one record through the steps, while it is learned.
struct Line<'l> {
    moulds: &'l mut Moulds,
    doc: &'l [u8],
    /// The step before.
    last: u32,
    /// Where the step at hand begins in the record.
    from: usize,
}

impl Line<'_> {
    /// Goes on by a step whose bytes end at `to`, and whose value ends at `value_end`; whether there is room for it.
    fn step(&mut self, to: usize, value_end: usize, value: Value, field: u32) -> bool {
        let Self { moulds, doc, last, from } = self;
        let own = doc.get(*from..to).unwrap_or_default();
        let mut at = moulds.steps.get(*last as usize).map_or(moulds.first(), |last| last.next);
        let (mut before, mut n_others) = (NONE, 0);
        while let Some(step) = moulds.steps.get(at as usize) {
            let bytes = moulds.bytes.get(step.from as usize..step.to as usize).unwrap_or_default();
            if step.value == value && bytes == own {
                break;
            }
            (before, at, n_others) = (at, step.other, n_others + 1);
        }
        if at == NONE {
            if n_others >= MOST_OTHERS {
                return false;
            }
            at = number(moulds.steps.len());
            let bytes_from = number(moulds.bytes.len());
            moulds.bytes.extend_from_slice(own);
            let bytes_to = number(moulds.bytes.len());
            let (mut head, mut mask) = ([0; HEAD_BYTES], [0; HEAD_BYTES]);
            for ((head, mask), &byte) in head.iter_mut().zip(&mut mask).zip(own) {
                (*head, *mask) = (byte, u8::MAX);
            }
            let (head, mask) = (halves(&head), halves(&mask));
            let tail = own.last_chunk().map(halves).unwrap_or_default();
            let (from, to) = (bytes_from, bytes_to);
            moulds.steps.push(Step { head, mask, tail, from, to, value, field, next: NONE, other: NONE });
            if let Some(before) = moulds.steps.get_mut(before as usize) {
                before.other = at;
            } else if let Some(last) = moulds.steps.get_mut(*last as usize) {
                last.next = at;
            }
        }
        (*last, *from) = (at, value_end);
        true
    }

    /// Ends the record.
    fn end(mut self, mould: Mould) {
        let len = self.doc.len();
        if !self.step(len, len, Value::End, NONE) {
            return;
        }
        let Self { moulds, last, .. } = self;
        if let Some(end) = moulds.steps.get_mut(last as usize)
            && end.next == NONE
        {
            end.next = number(moulds.moulds.len());
            moulds.moulds.push(Arc::new(mould));
        }
    }
}

impl Value {
    /// Whether such a value can begin with a byte.
    #[inline(always)]
    const fn begins(self, byte: Option<&u8>) -> bool {
        match self {
            Self::Text => true,
            Self::Number => matches!(byte, Some(b'-' | b'0'..=b'9')),
            Self::Literal => matches!(byte, Some(b't' | b'f' | b'n')),
            Self::End => byte.is_none(),
        }
    }
}

/// Returns sixteen bytes as two words.
#[inline(always)]
fn halves(bytes: &[u8; HEAD_BYTES]) -> [u64; 2] {
    let mut halves = [0; 2];
    halves.iter_mut().zip(bytes.as_chunks().0).for_each(|(half, bytes)| *half = u64::from_le_bytes(*bytes));
    halves
}

/// Compares bytes of the same length; most are fewer than a call is worth.
#[inline(always)]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    let eight = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let four = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let last_four = |bytes: &[u8]| bytes.last_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(last_a), Some(last_b)) => {
            let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
            eight(last_a) == eight(last_b) && words.into_iter().all(|(a, b)| eight(a) == eight(b))
        }
        _ if a.len() >= 4 => four(a) == four(b) && last_four(a) == last_four(b),
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

/// What a record that is learned costs, in records.
const LEARNING: u32 = 8;
/// So many can be learned one after the other.
const MOST_CREDIT: u32 = 64 * LEARNING;
/// Fields of a record that is learned, and bytes of its keys.
const MOST_FIELDS: usize = 256;
const MOST_KEY_BYTES: usize = 8 << 10;
/// Most moulds, and in all of them fields, steps and bytes: together two MiB.
const MOST_MOULDS: usize = 512;
const MOST_CASTS: usize = 32_768;
const MOST_STEPS: usize = 8_192;
const MOST_BYTES: usize = 256 << 10;
/// Most steps of one record.
pub(super) const MOST_STEPS_OF_ONE: usize = 512;
/// Bytes of a step that are compared at once.
const HEAD_BYTES: usize = 16;
/// Steps that may be in one place.
const MOST_OTHERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::{Envelope, EnvelopeFault, Fields, Format, Selectors, Walked};
    use super::*;
    use crate::limits::Limits;
    use crate::span::DocSpan;
    use proptest::prelude::*;

    fn walk(envelope: &Envelope, buffer: &[u8], record: DocSpan, fields: &mut Fields) -> Result<Walked, EnvelopeFault> {
        envelope.walk(Format::JsonLines, buffer, record, fields)
    }

    /// What a walk found, counted from the record's first field and node.
    fn found(buffer: &[u8], fields: &Fields, walked: Walked) -> String {
        let mut all = String::new();
        let relative = |number: u32, first: u32| if number == NONE { None } else { Some(number - first) };
        for number in walked.fields() {
            let field = fields.field(number).unwrap();
            let text = String::from_utf8_lossy(fields.text(buffer, field));
            let raw = (field.raw.start - walked.record.start, field.raw.end - walked.record.start);
            let (name, node) = (relative(field.name, walked.first), relative(field.node, walked.first_node));
            let end = fields.raw(buffer, field, crate::span::Span::new(1, 2));
            let end = (end.start - walked.record.start, end.end - walked.record.start);
            all += &format!("{:?} {raw:?} {text:?} {name:?} {node:?} {} {end:?}\n", field.kind, field.index);
        }
        for node in &fields.nodes[walked.first_node as usize..walked.last_node as usize] {
            let (name, own) = (relative(node.name, walked.first), relative(node.node, walked.first_node));
            all += &format!("{name:?} {own:?} {}\n", node.index);
        }
        all
    }

    /// Walks records one after the other with one memory, and each with its own; returns how many were from a mould.
    #[track_caller]
    fn check(limits: Limits, records: &[String]) -> usize {
        let envelope = Envelope::new(limits, Selectors::default());
        let buffer = records.join("\n").into_bytes();
        let (mut fields, mut start, mut n_known) = (Fields::default(), 0, 0);
        for record in records {
            let end = start + record.len();
            let at = DocSpan::new(start as u32, end as u32);
            start = end + 1;
            let mut own = Fields::default();
            let slow = walk(&envelope, &buffer, at, &mut own).map(|walked| found(&buffer, &own, walked));
            let n_before = fields.all().len();
            let fast = walk(&envelope, &buffer, at, &mut fields);
            n_known += usize::from(fast.is_ok_and(|walked| fields.mould(walked).is_some()));
            if fast.is_err() {
                assert_eq!(fields.all().len(), n_before);
            }
            assert_eq!(fast.map(|walked| found(&buffer, &fields, walked)), slow, "{record}");
            assert!(!format!("{fields:?}").contains("key"));
            let mould = fast.ok().and_then(|walked| fields.mould(walked));
            assert!(mould.is_none_or(|(_, mould)| !format!("{mould:?}").contains("key")));
        }
        n_known
    }

    fn of(records: &[&str]) -> usize {
        check(Limits::default(), &records.iter().map(|record| (*record).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn records_of_one_mould() {
        let one = r#"{"key":"x","a":{"b":[1,"y",{}]},"c":null,"d":[]}"#;
        assert_eq!(of(&[one, one, one]), 1, "the second is learned");
        let like = [
            r#"{"key":"","a":{"b":[-2.50,"\u00e9\n",{}]},"c":true,"d":[]}"#,
            r#"{"key":"\"}","a":{"b":[0,"é",{}]},"c":false,"d":[]}"#,
            r#"{"key":"y","a":{"b":[2.5e3,"",{}]},"c":null,"d":[]}"#,
        ];
        for other in like {
            assert_eq!(of(&[one, one, other]), 1, "{other}");
        }
        let unlike = [
            r#"{"kez":"x","a":{"b":[1,"y",{}]},"c":null,"d":[]}"#,
            r#"{"key":"x","a":{"b":[1,"y",{}]},"c":null,"d":[1]}"#,
            r#"{"key":"x","a":{"b":[1,"y",{}]},"c":"","d":[]}"#,
            r#"{"key":"x","a":{"b":[1,"y",{}]},"c":null,"d":[] }"#,
            r#"{"key":"x","a":{"b":[1,"y",{}]},"c":null,"d":[]}}"#,
            r#"{"key":"x","a":{"b":[1,"y",{}]},"c":null,"d":[]"#,
            r#"{"key":"x","a":{"b":[01,"y",{}]},"c":null,"d":[]}"#,
            r#"{"key":"x","a":{"b":[1.,"y",{}]},"c":null,"d":[]}"#,
            r#"{"key":"x","a":{"b":[1,"y",{}]},"c":nul,"d":[]}"#,
            r#"{"key":"x","a":{"b":[1,"\q",{}]},"c":null,"d":[]}"#,
            "{\"key\":\"\t\",\"a\":{\"b\":[1,\"y\",{}]},\"c\":null,\"d\":[]}",
            "",
        ];
        for other in unlike {
            assert_eq!(of(&[one, one, other]), 0, "{other}");
            let is_whole = walk(
                &Envelope::default(),
                other.as_bytes(),
                DocSpan::new(0, other.len() as u32),
                &mut Fields::default(),
            );
            assert_eq!(of(&[one, one, other, one, other, one]), 2 + usize::from(is_whole.is_ok()), "{other}");
        }
    }

    #[test]
    fn limits_hold() {
        let one = r#"{"key":"x","long_key":{"b":[1,"y"]}}"#.to_owned();
        for limits in [
            Limits { depth: 2, ..Limits::default() },
            Limits { fields: 5, ..Limits::default() },
            Limits { field_bytes: 7, ..Limits::default() },
        ] {
            let envelope = Envelope::default();
            let mut fields = Fields::default();
            let whole = DocSpan::new(0, one.len() as u32);
            for _ in 0..3 {
                walk(&envelope, one.as_bytes(), whole, &mut fields).unwrap();
            }
            let tight = Envelope::new(limits, Selectors::default());
            let slow = walk(&tight, one.as_bytes(), whole, &mut Fields::default()).unwrap_err();
            assert_eq!(walk(&tight, one.as_bytes(), whole, &mut fields).unwrap_err(), slow);
        }
        // A text may be longer than the limit of a later walk, too.
        check(
            Limits { field_bytes: 4, ..Limits::default() },
            &["x", "x", "xxxx", "xxxxx"].map(|text| format!(r#"{{"key":"{text}"}}"#)),
        );
    }

    #[test]
    fn many_looks_are_forgotten() {
        let mut fields = Fields::default();
        let envelope = Envelope::default();
        let mut most = 0;
        for round in 0..400 {
            for n in 0..20 {
                let record = format!(r#"{{"{round}":"x","{n}":{{"a":[1,2,3,4,5,6,7,8,9]}}}}"#);
                walk(&envelope, record.as_bytes(), DocSpan::new(0, record.len() as u32), &mut fields).unwrap();
            }
            fields.clear();
            most = most.max(fields.moulds.as_ref().unwrap().steps.len());
        }
        assert!(most <= MOST_STEPS, "{most}");
    }

    fn document() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            "[a-c\\\\\"]{0,3}".prop_map(|text| text.replace('\\', "\\\\").replace('"', "\\\"")),
            "[a-zé ]{0,20}",
            Just("\\u0040".to_owned()),
            Just("\\".to_owned()),
        ];
        let value = prop_oneof![
            4 => text.prop_map(|text| format!("\"{text}\"")),
            2 => prop_oneof![Just("0"), Just("-1"), Just("1.50"), Just("2e3"), Just("00"), Just("12345678901")]
                .prop_map(str::to_owned),
            1 => prop_oneof![Just("true"), Just("false"), Just("null"), Just("nul"), Just("[]"), Just("{}")]
                .prop_map(str::to_owned),
        ];
        let nested = value.prop_recursive(3, 12, 3, |inner| {
            let blank = || prop_oneof![9 => Just(""), 1 => Just(" ")];
            prop_oneof![
                (prop::collection::vec(inner.clone(), 0..3), blank())
                    .prop_map(|(all, blank)| format!("[{}{blank}]", all.join(","))),
                (prop::collection::vec(("key[ab]", inner, blank()), 0..3)).prop_map(|all| {
                    let members: Vec<_> =
                        all.iter().map(|(key, value, blank)| format!("\"{key}\":{blank}{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        });
        (nested, prop_oneof![9 => Just(""), 1 => Just(" "), 1 => Just("x")]).prop_map(|(all, end)| all + end)
    }

    proptest! {
        /// A record that others were like is walked as if it were the first.
        #[test]
        fn fast_is_slow(
            documents in prop::collection::vec(document(), 1..6),
            order in prop::collection::vec(0..6_usize, 1..40),
            depth in 1..6_usize,
        ) {
            let records: Vec<_> = order.iter().map(|at| documents[at % documents.len()].clone()).collect();
            check(Limits { depth, ..Limits::default() }, &records);
        }
    }
}
