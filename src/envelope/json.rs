//! The walk over JSON: one pass over raw bytes that checks the whole grammar (RFC 8259) and lists every string, number
//! and key. No value tree, no recursion; strings are crossed eight bytes at a time.

use super::EnvelopeFault;
use super::fault::JsonFault;
use super::fields::{Dropped, Escape, Field, FieldKind, Fields, Home, Level, MEMBER, NONE, Node, ROOT, number};
use super::mould::{Mould, Moulds, Value};
use super::select::{Selectors, StateId};
use crate::limits::Limits;
use crate::span::{DocSpan, Span};

/// An array or object that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    shape: Shape,
    /// Its own place among the nodes.
    node: u32,
    /// The key that names its elements.
    name: u32,
    /// The element that is being walked; [`MEMBER`] in an object.
    index: u32,
    state: StateId,
    /// Where a drop of this array or object begins, in the record, and on which lanes.
    drop_from: usize,
    drop_lanes: u8,
    /// Lanes on which it is dropped, be it with what is around it.
    dropped: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Around the document.
    Document,
    Array,
    Object,
}

/// Where the value that comes next stands.
#[derive(Clone, Copy)]
struct Place {
    name: u32,
    index: u32,
    state: StateId,
    /// Where its member or element begins, in the record.
    from: usize,
}

struct Walk<'w> {
    /// The record.
    doc: &'w [u8],
    /// Where the record begins in the buffer.
    base: u32,
    limits: &'w Limits,
    selectors: &'w Selectors,
    fields: &'w mut Fields,
    /// How many fields there may be in all.
    max_fields: usize,
    /// The innermost array or object; those around it are in `fields.frames`.
    top: Frame,
    fault: EnvelopeFault,
}

/// The walk is over; [`Walk::fault`] says why. Small, so that the hot path returns in registers.
struct Stop;

/// Walks the JSON document `doc`, which begins at `base` in its buffer. Blanks alone are a document without fields. Returns
/// the number of the mould that it is from, or `NONE`.
pub(super) fn walk(
    doc: &[u8],
    base: u32,
    limits: &Limits,
    selectors: &Selectors,
    fields: &mut Fields,
) -> Result<u32, EnvelopeFault> {
    // Most records of a stream have neither escapes nor line breaks; then a quote ends a string, and nothing else does. Many
    // have ASCII alone. One pass with vectors to know that costs a tenth of what it saves.
    let (slash, low, high) = doc
        .iter()
        .fold((false, u8::MAX, 0), |(slash, low, high), &byte| (slash | (byte == b'\\'), low.min(byte), high | byte));
    let clean = !slash && low >= b' ';
    if high >= 0x80
        && simdutf8::basic::from_utf8(doc).is_err()
        && let Err(err) = std::str::from_utf8(doc)
    {
        return Err(EnvelopeFault::NotUtf8 { at: err.valid_up_to() });
    }
    fields.frames.clear();
    let top = Frame {
        shape: Shape::Document,
        node: NONE,
        name: NONE,
        index: ROOT,
        state: selectors.root(),
        drop_from: 0,
        drop_lanes: 0,
        dropped: 0,
    };
    let max_fields = fields.fields.len().saturating_add(limits.fields);
    let fault = EnvelopeFault::NotUtf8 { at: 0 };
    if !selectors.is_trivial() {
        let mut walk = Walk { doc, base, limits, selectors, fields, max_fields, top, fault };
        let walked = if clean { walk.document::<true, true>() } else { walk.document::<false, true>() };
        return walked.map(|()| NONE).map_err(|Stop| walk.fault);
    }
    let mut moulds = fields.moulds.take().unwrap_or_default();
    let level = fields.level();
    let mut walk = Walk { doc, base, limits, selectors, fields, max_fields, top, fault };
    let learns = moulds.count();
    let known = if clean { walk.follow::<true>(&moulds) } else { walk.follow::<false>(&moulds) };
    let walked = match known {
        Ok(mould) => Ok(mould),
        Err(Stop) => {
            walk.fields.truncate(level);
            walk.top = top;
            let walked = if clean { walk.document::<true, false>() } else { walk.document::<false, false>() };
            if walked.is_ok() && learns {
                walk.learn(&mut moulds, level);
            }
            walked.map(|()| NONE).map_err(|Stop| walk.fault)
        }
    };
    fields.moulds = Some(moulds);
    walked
}

impl Walk<'_> {
    /// Walks everything. `CLEAN`: there is neither a backslash nor a control character. `SELECT`: selectors have a say.
    fn document<const CLEAN: bool, const SELECT: bool>(&mut self) -> Result<(), Stop> {
        let doc = self.doc;
        let mut at = blank_end(doc, if doc.starts_with(BOM) { BOM.len() } else { 0 });
        if at == doc.len() {
            return Ok(());
        }
        let mut place = Place { name: NONE, index: ROOT, state: self.selectors.root(), from: at };
        loop {
            // A value; where an array or object opens, on to its first.
            at = blank_end(doc, at);
            let Some(&byte) = doc.get(at) else { return self.stop(at, JsonFault::Ends) };
            match byte {
                b'"' => at = self.string::<CLEAN>(FieldKind::Text, at + 1, place)?,
                b'-' | b'0'..=b'9' => at = self.number(at, place)?,
                b'{' => {
                    self.open::<SELECT>(Shape::Object, at, place)?;
                    at = blank_end(doc, at + 1);
                    if doc.get(at) != Some(&b'}') {
                        (place, at) = self.member::<CLEAN, SELECT>(at)?;
                        continue;
                    }
                    at = self.close(at);
                }
                b'[' => {
                    self.open::<SELECT>(Shape::Array, at, place)?;
                    at = blank_end(doc, at + 1);
                    if doc.get(at) != Some(&b']') {
                        place = self.element::<SELECT>(at);
                        continue;
                    }
                    at = self.close(at);
                }
                _ => at = self.literal(at, byte, place)?,
            }
            if SELECT && !matches!(byte, b'{' | b'[') {
                let lanes = self.selectors.drops(place.state) & !self.top.dropped;
                if lanes != 0 {
                    self.drop(place.from, at, lanes);
                }
            }
            // After a value: close what closes, until something goes on.
            place = loop {
                at = blank_end(doc, at);
                match (self.top.shape, doc.get(at)) {
                    (Shape::Object, Some(b',')) => {
                        let (place, end) = self.member::<CLEAN, SELECT>(blank_end(doc, at + 1))?;
                        at = end;
                        break place;
                    }
                    (Shape::Array, Some(b',')) => {
                        at = blank_end(doc, at + 1);
                        self.top.index += 1;
                        break self.element::<SELECT>(at);
                    }
                    (Shape::Object, Some(b'}')) | (Shape::Array, Some(b']')) => at = self.close(at),
                    (Shape::Document, None) => return Ok(()),
                    (Shape::Document, _) => return self.stop(at, JsonFault::Trailing),
                    (_, None) => return self.stop(at, JsonFault::Ends),
                    _ => return self.stop(at, JsonFault::NoComma),
                }
            };
        }
    }

    /// Walks a record that is from a mould. Stops where it is from none, or where a limit might be passed: the record is then
    /// walked from its beginning.
    fn follow<const CLEAN: bool>(&mut self, moulds: &Moulds) -> Result<u32, Stop> {
        let doc = self.doc;
        let doc_end = self.place(doc.len());
        self.fields.odd.clear();
        let (mut rest, mut next, mut n_steps) = (doc, moulds.first(), 0);
        let mould = loop {
            // A record is at most as long as its buffer.
            self.fields.begins.set(n_steps, doc_end - rest.len() as u32);
            n_steps += 1;
            let (step, value) = moulds.step(next, rest).ok_or(Stop)?;
            let len = match step.value {
                Value::Text => {
                    let end = if CLEAN { quote(value, 0) } else { plain_end(value, 0) };
                    if value.get(end) == Some(&b'"') && end <= self.limits.field_bytes {
                        end + 1
                    } else {
                        let at = doc.len() - value.len();
                        self.oddly(step.field, |walk, place| walk.string_slowly(FieldKind::Text, at, at + end, place))?
                            - at
                    }
                }
                Value::Number => {
                    let whole_from = usize::from(value.first() == Some(&b'-'));
                    let end = digits_end(value, whole_from);
                    let is_whole = matches!(value.get(whole_from..end), Some([b'0'] | [b'1'..=b'9', ..]));
                    if is_whole && !matches!(value.get(end), Some(b'.' | b'e' | b'E')) && end <= self.limits.field_bytes
                    {
                        end
                    } else {
                        let at = doc.len() - value.len();
                        let number = |walk: &mut Self, place| walk.number_slowly(at, at + whole_from, at + end, place);
                        self.oddly(step.field, number)? - at
                    }
                }
                Value::Literal => match value {
                    [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => 4,
                    [b'f', b'a', b'l', b's', b'e', ..] => 5,
                    _ => return Err(Stop),
                },
                Value::End => break step.next,
            };
            rest = value.get(len..).ok_or(Stop)?;
            next = step.next;
        };
        self.cast(moulds.mould(mould).ok_or(Stop)?)?;
        Ok(mould)
    }

    /// Walks a value that is not plain, and keeps for later what is not as a mould says.
    #[cold]
    fn oddly(&mut self, field: u32, walk: impl FnOnce(&mut Self, Place) -> Result<usize, Stop>) -> Result<usize, Stop> {
        let end = walk(self, Place { name: NONE, index: ROOT, state: self.selectors.root(), from: 0 })?;
        let odd = self.fields.fields.pop().ok_or(Stop)?;
        self.fields.odd.push((field, odd.text, odd.home));
        Ok(end)
    }

    /// Lists the fields of a record, of which is known where the steps of its mould begin.
    fn cast(&mut self, mould: &Mould) -> Result<(), Stop> {
        let Self { fields, limits, max_fields, .. } = self;
        let Fields { fields, nodes, begins, odd, .. } = &mut **fields;
        if fields.len() + mould.n_fields > *max_fields
            || mould.depth > limits.depth
            || mould.longest_key > limits.field_bytes
        {
            return Err(Stop);
        }
        let (first, first_node) = (number(fields.len()), number(nodes.len()));
        let absolute = move |own: u32, first: u32| if own == NONE { NONE } else { first.wrapping_add(own) };
        // By value, or each field would look for them in memory again.
        let (begins, state) = (begins.all(), self.selectors.root());
        #[expect(clippy::indexing_slicing, reason = "the remainder is less than the length")]
        let place = move |(step, at): (u16, u32)| begins[usize::from(step) % begins.len()].wrapping_add(at);
        fields.extend(mould.fields.iter().map(move |cast| {
            let (start, end) = (place(cast.from), place(cast.to));
            Field {
                raw: DocSpan { start, end },
                text: Span { start, end },
                name: absolute(cast.name, first),
                index: cast.index,
                node: absolute(cast.node, first_node),
                state,
                kind: cast.kind,
                home: Home::Record,
            }
        }));
        nodes.extend(mould.nodes.iter().map(|node| Node {
            node: absolute(node.node, first_node),
            name: absolute(node.name, first),
            index: node.index,
        }));
        for &(field, text, home) in odd.iter() {
            // Values are listed, all of them.
            let place = mould.listed.as_ref().map_or(Some(field), |listed| listed.get(field as usize).copied());
            if let Some(field) = place.and_then(|place| fields.get_mut(first as usize + place as usize)) {
                (field.text, field.home) = (text, home);
            }
        }
        Ok(())
    }

    /// Makes a mould of the record, which was walked since `level`.
    #[cold]
    fn learn(&mut self, moulds: &mut Moulds, level: Level) {
        let own = self.fields.fields.get(level.fields..).unwrap_or_default();
        let nodes = self.fields.nodes.get(level.nodes..).unwrap_or_default();
        moulds.learn(self.doc, self.base, (own, number(level.fields)), (nodes, number(level.nodes)));
    }

    /// Walks the key of a member, at `at`, and its colon. Returns the place of the value, and where to go on.
    #[inline(always)]
    fn member<const CLEAN: bool, const SELECT: bool>(&mut self, at: usize) -> Result<(Place, usize), Stop> {
        let doc = self.doc;
        if doc.get(at) != Some(&b'"') {
            return self.stop(at, if at < doc.len() { JsonFault::NoKey } else { JsonFault::Ends });
        }
        let own = number(self.fields.fields.len());
        let mut place = Place { name: own, index: MEMBER, state: self.top.state, from: at };
        let end = self.string::<CLEAN>(FieldKind::Key, at + 1, place)?;
        if SELECT && let Some(key) = self.fields.fields.last_mut() {
            let text = match key.home {
                Home::Record => doc.get(at + 1..end - 1),
                Home::Side => key.text.of(&self.fields.side),
            };
            place.state = self.selectors.key(place.state, text.unwrap_or_default());
            key.state = place.state;
        }
        let at = blank_end(doc, end);
        match doc.get(at) {
            Some(b':') => Ok((place, at + 1)),
            Some(_) => self.stop(at, JsonFault::NoColon),
            None => self.stop(at, JsonFault::Ends),
        }
    }

    #[inline]
    fn element<const SELECT: bool>(&mut self, at: usize) -> Place {
        let Frame { name, index, state, .. } = self.top;
        let state = if SELECT { self.selectors.index(state, index) } else { state };
        Place { name, index, state, from: at }
    }

    #[inline]
    fn open<const SELECT: bool>(&mut self, shape: Shape, at: usize, place: Place) -> Result<(), Stop> {
        if self.fields.frames.len() >= self.limits.depth {
            self.fault = EnvelopeFault::TooDeep { at, limit: self.limits.depth };
            return Err(Stop);
        }
        let dropped = if SELECT { self.selectors.drops(place.state) } else { 0 };
        let frame = Frame {
            shape,
            node: number(self.fields.nodes.len()),
            name: place.name,
            index: if shape == Shape::Array { 0 } else { MEMBER },
            state: place.state,
            drop_from: place.from,
            drop_lanes: dropped & !self.top.dropped,
            dropped,
        };
        self.fields.nodes.push(Node { node: self.top.node, name: place.name, index: place.index });
        self.fields.frames.push(std::mem::replace(&mut self.top, frame));
        Ok(())
    }

    /// Closes the innermost array or object, whose bracket stands at `at`. Returns where to go on.
    #[inline]
    fn close(&mut self, at: usize) -> usize {
        if self.top.drop_lanes != 0 {
            self.drop(self.top.drop_from, at + 1, self.top.drop_lanes);
        }
        if let Some(around) = self.fields.frames.pop() {
            self.top = around;
        }
        at + 1
    }

    #[cold]
    fn drop(&mut self, from: usize, to: usize, lanes: u8) {
        self.fields.drops.push(Dropped { at: DocSpan::new(self.place(from), self.place(to)), lanes });
    }

    /// Walks a string from behind its opening quote. Returns the place behind the closing one.
    #[inline(always)]
    fn string<const CLEAN: bool>(&mut self, kind: FieldKind, start: usize, place: Place) -> Result<usize, Stop> {
        let end = if CLEAN { quote(self.doc, start) } else { plain_end(self.doc, start) };
        if self.doc.get(end) != Some(&b'"') || end - start > self.limits.field_bytes {
            return self.string_slowly(kind, start, end, place);
        }
        let (from, to) = (self.place(start), self.place(end));
        self.push(kind, DocSpan { start: from, end: to }, Span { start: from, end: to }, Home::Record, place)?;
        Ok(end + 1)
    }

    /// Walks a string whose first `at - start` bytes are plain and that then has an escape, or a fault.
    #[cold]
    #[inline(never)]
    fn string_slowly(&mut self, kind: FieldKind, start: usize, mut at: usize, place: Place) -> Result<usize, Stop> {
        let (doc, limit) = (self.doc, self.limits.field_bytes);
        let side = self.fields.side.len();
        let mut from = start;
        loop {
            self.fields.side.extend_from_slice(doc.get(from..at).unwrap_or_default());
            match doc.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {}
                Some(_) => return self.stop(at, JsonFault::Control),
                None => return self.stop(at, JsonFault::Ends),
            }
            let (c, raw_len) = match escape(doc.get(at..).unwrap_or_default()) {
                Ok(escape) => escape,
                Err(fault) => return self.stop(at, fault),
            };
            let mut utf8 = [0; 4];
            let utf8 = c.encode_utf8(&mut utf8).as_bytes();
            self.fields.escapes.push(Escape {
                side: number(self.fields.side.len()),
                raw: self.place(at),
                side_len: u8::try_from(utf8.len()).unwrap_or(u8::MAX),
                raw_len,
            });
            self.fields.side.extend_from_slice(utf8);
            from = at + usize::from(raw_len);
            at = plain_end(doc, from);
        }
        let len = self.fields.side.len() - side;
        if len > limit {
            self.fault = EnvelopeFault::FieldTooLong { at: start, len, limit };
            return Err(Stop);
        }
        let text = Span::new(number(side), number(self.fields.side.len()));
        self.fields.side.push(GAP);
        self.push(kind, DocSpan::new(self.place(start), self.place(at)), text, Home::Side, place)?;
        Ok(at + 1)
    }

    /// Walks a number. Its text is what a reader sees: without a fraction of zeros, and with the exponent written out, so
    /// that `2.2177e11` hides nothing. Returns the place behind it.
    #[inline]
    fn number(&mut self, start: usize, place: Place) -> Result<usize, Stop> {
        let doc = self.doc;
        let whole_from = start + usize::from(doc.get(start) == Some(&b'-'));
        let whole_end = digits_end(doc, whole_from);
        let whole = doc.get(whole_from..whole_end).unwrap_or_default();
        let ok = matches!(whole, [b'0'] | [b'1'..=b'9', ..]);
        if !ok || matches!(doc.get(whole_end), Some(b'.' | b'e' | b'E')) || whole_end - start > self.limits.field_bytes
        {
            return self.number_slowly(start, whole_from, whole_end, place);
        }
        let (from, to) = (self.place(start), self.place(whole_end));
        self.push(FieldKind::Number, DocSpan::new(from, to), Span::new(from, to), Home::Record, place)?;
        Ok(whole_end)
    }

    /// Walks a number that is not a plain integer, if it is one.
    #[cold]
    #[inline(never)]
    fn number_slowly(
        &mut self,
        start: usize,
        whole_from: usize,
        whole_end: usize,
        place: Place,
    ) -> Result<usize, Stop> {
        let doc = self.doc;
        let whole = doc.get(whole_from..whole_end).unwrap_or_default();
        if !matches!(whole, [b'0'] | [b'1'..=b'9', ..]) {
            // No digit, or one too many after a zero.
            let at = whole_from + usize::from(!whole.is_empty());
            return self.stop(at, if at < doc.len() { JsonFault::Number } else { JsonFault::Ends });
        }
        let mut end = whole_end;
        let mut fraction: &[u8] = &[];
        if doc.get(end) == Some(&b'.') {
            let from = end + 1;
            end = self.digits(from)?;
            fraction = doc.get(from..end).unwrap_or_default();
        }
        let mut exponent = None;
        if let Some(b'e' | b'E') = doc.get(end) {
            let from = end + 1;
            end = self.digits(from + usize::from(matches!(doc.get(from), Some(b'+' | b'-'))))?;
            exponent = doc.get(from..end);
        }
        let (len, limit) = (end - start, self.limits.field_bytes);
        if len > limit {
            self.fault = EnvelopeFault::FieldTooLong { at: start, len, limit };
            return Err(Stop);
        }
        let raw = DocSpan::new(self.place(start), self.place(end));
        let mut text = Span::new(raw.start, raw.end);
        let mut home = Home::Record;
        if let Some(exponent) = exponent {
            let side = self.fields.side.len();
            let sign = doc.get(start..whole_from).unwrap_or_default();
            if write_out(sign, whole, fraction, exponent, &mut self.fields.side) {
                text = Span::new(number(side), number(self.fields.side.len()));
                home = Home::Side;
                self.fields.side.push(GAP);
            }
        } else if fraction.iter().all(|&digit| digit == b'0') {
            text.end = self.place(whole_end);
        }
        self.push(FieldKind::Number, raw, text, home, place)?;
        Ok(end)
    }

    /// Walks one digit or more. Returns the place behind them.
    fn digits(&mut self, from: usize) -> Result<usize, Stop> {
        let end = digits_end(self.doc, from);
        if end == from {
            return self.stop(end, if end < self.doc.len() { JsonFault::Number } else { JsonFault::Ends });
        }
        Ok(end)
    }

    /// Walks `true`, `false` or `null`, or finds that it is none. Returns the place behind it.
    #[inline(never)]
    fn literal(&mut self, at: usize, first: u8, place: Place) -> Result<usize, Stop> {
        let word: &[u8] = match first {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => return self.stop(at, JsonFault::NoValue),
        };
        let rest = self.doc.get(at..).unwrap_or_default();
        let end = at + word.len();
        if !rest.starts_with(word) {
            let end = at + rest.iter().zip(word).take_while(|(a, b)| a == b).count();
            return self.stop(end, if end < self.doc.len() { JsonFault::Literal } else { JsonFault::Ends });
        }
        // `null` holds nothing that an operator could hide.
        if first != b'n' && self.selectors.operates(place.state) {
            let (from, to) = (self.place(at), self.place(end));
            self.push(FieldKind::Literal, DocSpan::new(from, to), Span::new(from, to), Home::Record, place)?;
        }
        Ok(end)
    }

    #[inline(always)]
    fn push(&mut self, kind: FieldKind, raw: DocSpan, text: Span, home: Home, place: Place) -> Result<(), Stop> {
        if self.fields.fields.len() >= self.max_fields {
            return self.too_many(raw.start);
        }
        let Place { name, index, state, .. } = place;
        self.fields.fields.push(Field { raw, text, name, index, node: self.top.node, state, kind, home });
        Ok(())
    }

    #[cold]
    fn too_many(&mut self, raw_start: u32) -> Result<(), Stop> {
        let at = (raw_start - self.base) as usize;
        self.fault = EnvelopeFault::TooManyFields { at, limit: self.limits.fields };
        Err(Stop)
    }

    /// Returns a place in the record as one in the buffer.
    #[inline(always)]
    const fn place(&self, at: usize) -> u32 {
        // A buffer is at most `MAX_BUFFER` long.
        self.base + at as u32
    }

    #[cold]
    fn stop<T>(&mut self, at: usize, fault: JsonFault) -> Result<T, Stop> {
        // A NUL is no blank and no end; it is whatever was not expected there.
        self.fault = EnvelopeFault::Json { at, fault };
        Err(Stop)
    }
}

/// Returns the first place from `at` on that is no blank, or the end.
#[inline(always)]
fn blank_end(doc: &[u8], at: usize) -> usize {
    match doc.get(at) {
        Some(b' ' | b'\t' | b'\n' | b'\r') => blanks_end(doc, at + 1),
        _ => at,
    }
}

#[inline(never)]
fn blanks_end(doc: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = doc.get(at) {
        at += 1;
    }
    at
}

/// Returns the first place of a quote from `at` on, or the end.
#[inline(always)]
fn quote(doc: &[u8], at: usize) -> usize {
    let rest = doc.get(at..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    let mut end = at;
    for word in words {
        let word = u64::from_le_bytes(*word) ^ (ONES * b'"' as u64);
        let marks = word.wrapping_sub(ONES) & !word & (ONES * 0x80);
        if marks != 0 {
            return end + (marks.trailing_zeros() / 8) as usize;
        }
        end += 8;
    }
    end + tail.iter().take_while(|&&byte| byte != b'"').count()
}

/// Returns the first place from `at` on of a quote, a backslash or a control character, or the end.
#[inline]
fn plain_end(doc: &[u8], at: usize) -> usize {
    let rest = doc.get(at..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    let mut end = at;
    for word in words {
        let marks = special(u64::from_le_bytes(*word));
        if marks != 0 {
            return end + (marks.trailing_zeros() / 8) as usize;
        }
        end += 8;
    }
    end + tail.iter().take_while(|&&byte| byte >= b' ' && byte != b'"' && byte != b'\\').count()
}

/// Marks with its high bit the first byte that is a quote, a backslash or below a blank; bytes above the first may be
/// marked wrongly.
///
/// # Source
/// Mycroft's test for a zero byte: `(x - 0x01..01) & !x & 0x80..80` is exact up to and with the lowest zero byte.
#[inline]
pub(super) const fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    let quotes = quote.wrapping_sub(ONES) & !quote;
    let slashes = slash.wrapping_sub(ONES) & !slash;
    let controls = word.wrapping_sub(ONES * b' ' as u64) & !word;
    (quotes | slashes | controls) & (ONES * 0x80)
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Returns the first place from `at` on that is no digit, or the end.
#[inline]
fn digits_end(doc: &[u8], at: usize) -> usize {
    let rest = doc.get(at..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    let mut end = at;
    for word in words {
        // Digits become 0 to 9. What is more is marked with its high bit, if it has not got it; what the sum carries over goes
        // to bytes above the first that is marked.
        let word = u64::from_le_bytes(*word) ^ (ONES * b'0' as u64);
        let marks = (word.wrapping_add(ONES * (0x80 - 10)) | word) & (ONES * 0x80);
        if marks != 0 {
            return end + (marks.trailing_zeros() / 8) as usize;
        }
        end += 8;
    }
    end + tail.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Reads the escape sequence that `rest` begins with: the character, and how many bytes the sequence has.
fn escape(rest: &[u8]) -> Result<(char, u8), JsonFault> {
    let c = match *rest.get(1).ok_or(JsonFault::Ends)? {
        c @ (b'"' | b'\\' | b'/') => char::from(c),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = hex4(rest.get(2..).unwrap_or_default())?;
            return match first {
                0xd800..=0xdbff => {
                    let low = match rest.get(6..8) {
                        Some(b"\\u") => hex4(rest.get(8..).unwrap_or_default())?,
                        _ if rest.len() < 8 => return Err(JsonFault::Ends),
                        _ => return Err(JsonFault::LoneSurrogate),
                    };
                    if !(0xdc00..=0xdfff).contains(&low) {
                        return Err(JsonFault::LoneSurrogate);
                    }
                    let code = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                    char::from_u32(code).map(|c| (c, 12)).ok_or(JsonFault::LoneSurrogate)
                }
                _ => char::from_u32(first).map(|c| (c, 6)).ok_or(JsonFault::LoneSurrogate),
            };
        }
        _ => return Err(JsonFault::Escape),
    };
    Ok((c, 2))
}

fn hex4(digits: &[u8]) -> Result<u32, JsonFault> {
    let mut code = 0;
    for at in 0..4 {
        let digit = *digits.get(at).ok_or(JsonFault::Ends)?;
        code = code << 4 | char::from(digit).to_digit(16).ok_or(JsonFault::Escape)?;
    }
    Ok(code)
}

/// Writes a number with an exponent without it; returns whether that is short enough to be something that was a plain
/// number once (at most 20 digits before the point).
fn write_out(sign: &[u8], whole: &[u8], fraction: &[u8], exponent: &[u8], out: &mut Vec<u8>) -> bool {
    let (down, exponent) = match exponent {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let shift = exponent.iter().fold(0_usize, |n, digit| n.saturating_mul(10).saturating_add(usize::from(digit & 15)));
    let Some(point) = (if down { whole.len().checked_sub(shift) } else { Some(whole.len().saturating_add(shift)) })
        .filter(|&n| n > 0)
    else {
        return false;
    };
    let n_zeros = whole.iter().chain(fraction).take_while(|&&digit| digit == b'0').count();
    if n_zeros >= point || n_zeros == whole.len() + fraction.len() || point - n_zeros > 20 {
        return false;
    }
    out.extend_from_slice(sign);
    let mut digits = whole.iter().chain(fraction).copied();
    out.extend(digits.by_ref().chain(std::iter::repeat(b'0')).take(point).skip(n_zeros));
    let rest = out.len();
    out.push(b'.');
    out.extend(whole.iter().chain(fraction).copied().skip(point));
    while let Some(b'0' | b'.') = out.last()
        && out.len() > rest
    {
        out.pop();
    }
    true
}

/// Stands between two texts of the side buffer, so that whoever reads it in one go does not see one text.
const GAP: u8 = b'\n';

/// The byte order mark in UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specials() {
        for at in 0..8 {
            for byte in 0..=255_u8 {
                for around in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
                    let mut word = [around; 8];
                    word[at] = byte;
                    let marked = byte < b' ' || byte == b'"' || byte == b'\\';
                    assert_eq!(plain_end(&word, 0), if marked { at } else { 8 }, "{byte:#x} at {at} in {around:#x}");
                }
            }
        }
    }

    #[test]
    fn ends_of_digits() {
        for at in 0..8 {
            for byte in 0..=255_u8 {
                for around in [b'0', b'9', b'5'] {
                    for after in [b'0', b'/', b':', 0xff, 0x7f] {
                        let mut word = [around; 8];
                        word[at + 1..].fill(after);
                        word[at] = byte;
                        let own = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
                        assert_eq!(digits_end(&word, 0), own, "{word:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_written_out() {
        #[track_caller]
        fn check(whole: &str, fraction: &str, exponent: &str, expected: Option<&str>) {
            let mut out = Vec::new();
            let done = write_out(b"-", whole.as_bytes(), fraction.as_bytes(), exponent.as_bytes(), &mut out);
            let got = done.then(|| String::from_utf8(out).unwrap());
            assert_eq!(got, expected.map(|text| format!("-{text}")), "{whole}.{fraction}e{exponent}");
        }
        check("2", "21771234567", "11", Some("221771234567"));
        check("2", "21771234567", "+11", Some("221771234567"));
        check("2", "5", "3", Some("2500"));
        check("2", "50", "0", Some("2.5"));
        check("33", "868800", "-1", Some("3.38688"));
        check("0", "254712345678", "12", Some("254712345678"));
        check("1", "", "19", Some("10000000000000000000"));
        check("1", "", "20", None);
        check("1", "", "99999999999999999999999999", None);
        check("1", "", "-1", None);
        check("0", "", "5", None);
        check("120", "", "-1", Some("12"));
    }
}
