//! The answer of a walk: a flat list of fields, and what is needed to find the way back from decoded text to raw bytes.

use super::mould::{Begins, Mould, Moulds};
use super::select::StateId;
use crate::span::{DocSpan, Span};
use std::fmt;
use std::sync::Arc;

/// Pieces of text with their places, filled by [`crate::envelope::Envelope::walk`]. Owned by the caller and used again: it
/// allocates only while it grows to its work. One value may hold the fields of many records of one buffer, so that all of
/// them are scanned in one call.
///
/// # Security
/// Holds decoded text, and keys of earlier records, which are not forgotten; its `Debug` tells only counts.
#[derive(Default)]
pub struct Fields {
    pub(super) fields: Vec<Field>,
    /// Decoded text of fields whose raw form holds escapes, a line break after each.
    pub(super) side: Vec<u8>,
    /// Every escape of every field in `side`, in order.
    pub(super) escapes: Vec<Escape>,
    /// Every array and object, in order of their opening.
    pub(super) nodes: Vec<Node>,
    /// Members and elements that a selector drops.
    pub(super) drops: Vec<Dropped>,
    /// Of a table or a chat: the names of its columns.
    pub(super) columns: Vec<Column>,
    /// The arrays and objects that are open, in the walk.
    pub(super) frames: Vec<super::json::Frame>,
    /// Where the steps of the record at hand begin in the buffer, while it is walked along a mould.
    pub(super) begins: Begins,
    /// Of its fields those whose text is not what stands there: which, and the text.
    pub(super) odd: Vec<(u32, Span, Home)>,
    /// What earlier records looked like. Not there only within a walk.
    pub(super) moulds: Option<Box<Moulds>>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// The field that names it, or `NONE`.
    pub(super) name: u32,
    pub(super) state: StateId,
}

impl Default for Column {
    fn default() -> Self {
        Self { name: NONE, state: StateId::default() }
    }
}

/// One piece of text in a record.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The raw place in the buffer: what is between the quotes, the whole number or literal, or the line without its end.
    pub raw: DocSpan,
    /// What it is.
    pub kind: FieldKind,
    /// Where its text stands.
    pub home: Home,
    /// What selectors say of it; ask [`super::Selectors`].
    pub state: StateId,
    pub(super) text: Span,
    /// The field of the key that names it, or `NONE`.
    pub(super) name: u32,
    /// The array or object that it stands in, or `NONE`.
    pub(super) node: u32,
    /// Its index in an array, `MEMBER` in an object, `ROOT` where nothing is around it.
    pub(super) index: u32,
}

/// What a field is, and so how new text gets back into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Bytes that stand as they are. New text is written as it is.
    Plain,
    /// The content of a JSON string. New text is escaped.
    Text,
    /// The key of a JSON object. New text is escaped; a key that an earlier key of the same object was rewritten to gets
    /// `_2`, `_3` and so on after it.
    Key,
    /// A JSON number. New text takes the place of the whole number, as a JSON string.
    Number,
    /// A cell of a table (RFC 4180). New text gets quotes where it needs them, and begins no formula.
    Cell,
    /// The value of a parameter of a form or query string. New text is percent-encoded.
    Param,
    /// The name of such a parameter; a [`FieldKind::Key`] otherwise.
    ParamName,
    /// The name of a value that stands in the line, or above the table. New text is written as it is.
    Label,
    /// `true` or `false`; delivered only where a selector gives it to an operator. New text is written like that of a number.
    Literal,
}

/// The buffer that a field's text stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// The raw buffer itself: the text has no escapes.
    Record,
    /// [`Fields::side`].
    Side,
}

/// One array or object: where it hangs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) node: u32,
    pub(super) name: u32,
    pub(super) index: u32,
}

/// One escape sequence: a character in the side buffer, several bytes in the raw buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escape {
    /// Start in the side buffer.
    pub(super) side: u32,
    /// Start in the raw buffer.
    pub(super) raw: u32,
    pub(super) side_len: u8,
    pub(super) raw_len: u8,
}

/// A member or element that is dropped: from the key's quote or the value's first byte to the value's last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropped {
    pub(super) at: DocSpan,
    /// One bit per lane.
    pub(super) lanes: u8,
}

/// One record as it was walked: which fields are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// The record in the buffer.
    pub record: DocSpan,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) first_drop: u32,
    pub(super) last_drop: u32,
    pub(super) first_node: u32,
    pub(super) last_node: u32,
    /// The mould that it is from, or `NONE`.
    pub(super) mould: u32,
}

impl Walked {
    /// Returns the numbers of the record's fields, in the order in which they stand in it.
    #[must_use]
    pub const fn fields(&self) -> std::ops::Range<u32> {
        self.first..self.last
    }
}

/// No number: nothing is around the document.
pub(super) const NONE: u32 = u32::MAX;
/// In the place of an index: a member of an object.
pub(super) const MEMBER: u32 = u32::MAX;
/// In the place of an index: the document itself, or a line of text.
pub(super) const ROOT: u32 = u32::MAX - 1;

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({} fields, {} decoded bytes)", self.fields.len(), self.side.len())
    }
}

impl Field {
    /// Returns the place of the text in the buffer that [`Field::home`] names.
    #[must_use]
    pub const fn text(&self) -> Span {
        self.text
    }

    /// Returns whether the field is a name and not a value.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        matches!(self.kind, FieldKind::Key | FieldKind::ParamName | FieldKind::Label)
    }
}

impl Fields {
    /// Forgets all records; keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(Level::default());
        self.columns.clear();
        if let Some(moulds) = &mut self.moulds {
            moulds.make_room();
        }
    }

    /// Returns every field of every record, in order.
    #[must_use]
    pub fn all(&self) -> &[Field] {
        &self.fields
    }

    /// Returns the field with that number.
    #[must_use]
    pub fn field(&self, number: u32) -> Option<&Field> {
        self.fields.get(number as usize)
    }

    /// Returns the mould that a record is from, where one is known, and its number. Records of one mould have the same keys, and
    /// their arrays and objects stand in each other in the same way; of two moulds they may, too.
    #[inline]
    #[must_use]
    pub fn mould(&self, walked: Walked) -> Option<(usize, &Arc<Mould>)> {
        let mould = self.moulds.as_ref()?.mould(walked.mould)?;
        Some((walked.mould as usize, mould))
    }

    /// Leaves keys out of later records that are from the mould of this one: all but those for which `keeps` says so, by their
    /// number in the record. They still name what they named ([`Fields::key`]), but of such records nobody can ask which arrays
    /// and objects stand in each other, or for the pointer of a field, or write a member without its value. Returns their mould
    /// and its number; nothing where the record is from none, or that is such a one.
    #[must_use]
    pub fn shorten(&mut self, walked: Walked, keeps: impl Fn(u32) -> bool) -> Option<(usize, &Arc<Mould>)> {
        self.moulds.as_mut()?.shorten(walked.mould, keeps)
    }

    /// Returns the decoded text of fields that hold escapes, a line break after each: the buffer that [`Home::Side`] means.
    #[must_use]
    pub fn side(&self) -> &[u8] {
        &self.side
    }

    /// Returns the text of a field; `buffer` is the one that was walked.
    #[must_use]
    pub fn text<'b>(&'b self, buffer: &'b [u8], field: &Field) -> &'b [u8] {
        let home = match field.home {
            Home::Record => buffer,
            Home::Side => &self.side,
        };
        field.text.of(home).unwrap_or_default()
    }

    /// Returns the number of the key that names a field: its own key, or for an element of an array the nearest key around
    /// it. A key is named by itself.
    #[must_use]
    pub fn name(&self, field: &Field) -> Option<u32> {
        (field.name != NONE).then_some(field.name)
    }

    /// Returns the text of a key, where it is UTF-8. `walked` is the record that it names a field of.
    #[must_use]
    pub fn key<'b>(&'b self, buffer: &'b [u8], walked: Walked, key: u32) -> Option<&'b str> {
        // Keys of a mould were looked at once.
        let known = || self.mould(walked)?.1.keys.get(key.checked_sub(walked.first)? as usize)?.as_deref();
        known().or_else(|| std::str::from_utf8(self.text(buffer, self.field(key)?)).ok())
    }

    /// Whether what names a field of a record is a key, and no other value.
    #[must_use]
    pub fn is_key(&self, walked: Walked, name: u32) -> bool {
        name >= walked.last || self.field(name).is_some_and(Field::is_key)
    }

    /// Returns the number of the key that names what is around a field: the array or object that it stands in, or for an
    /// element of an array without a key of its own the nearest key around that.
    #[must_use]
    pub fn around(&self, field: &Field) -> Option<u32> {
        let name = self.nodes.get(field.node as usize)?.name;
        (name != NONE && name != field.name).then_some(name)
    }

    /// Returns the number of the array or object that a field stands in; two fields of one object have the same.
    #[must_use]
    pub const fn node(&self, field: &Field) -> u32 {
        field.node
    }

    /// Returns where a place in a field's text stands in the raw buffer.
    ///
    /// # Offsets
    /// `span` counts from the start of the field's text. A place that cuts an escape sequence, or in JSON a character, is
    /// widened to the whole of it; any place in a number or literal is the whole number or literal.
    #[must_use]
    pub fn raw(&self, buffer: &[u8], field: &Field, span: Span) -> DocSpan {
        match (field.kind, field.home) {
            (FieldKind::Number | FieldKind::Literal, _) => field.raw,
            (FieldKind::Plain | FieldKind::Label, Home::Record) => clamp(field.raw, shift(field.raw, span)),
            (_, Home::Record) => widen(buffer, field.raw, clamp(field.raw, shift(field.raw, span))),
            (_, Home::Side) => {
                let start = field.text.start.saturating_add(span.start).min(field.text.end);
                let end = field.text.start.saturating_add(span.end).min(field.text.end);
                let raw =
                    DocSpan::new(self.unescaped(field, start, Edge::Start), self.unescaped(field, end, Edge::End));
                widen(buffer, field.raw, clamp(field.raw, raw))
            }
        }
    }

    /// Maps a place in the side buffer back.
    fn unescaped(&self, field: &Field, at: u32, edge: Edge) -> u32 {
        // An escape that begins at `at` lies after an end and around a start, so it is not looked at for an end.
        let n = self.escapes.partition_point(|escape| match edge {
            Edge::Start => escape.side <= at,
            Edge::End => escape.side < at,
        });
        let last = n.checked_sub(1).and_then(|n| self.escapes.get(n)).filter(|escape| escape.side >= field.text.start);
        let Some(escape) = last else { return field.raw.start + (at - field.text.start) };
        let (side_end, raw_end) = (escape.side + u32::from(escape.side_len), escape.raw + u32::from(escape.raw_len));
        match (at < side_end, edge) {
            (true, Edge::Start) => escape.raw,
            (true, Edge::End) => raw_end,
            (false, _) => raw_end + (at - side_end),
        }
    }

    /// Appends the JSON Pointer (RFC 6901) of a field to `out`; that of a key is that of its member, that of a cell the name of
    /// its column, or its number from 1. Returns whether there is one: a line of plain text has none.
    ///
    /// # Cost
    /// The path is built here and not in the walk.
    pub fn pointer(&self, buffer: &[u8], field: &Field, out: &mut String) -> bool {
        match field.kind {
            FieldKind::Plain | FieldKind::Label => return false,
            FieldKind::Cell => {
                // A column is called by its name, or else by its number.
                match self.field(field.name) {
                    Some(name) => out.push_str(&String::from_utf8_lossy(self.text(buffer, name))),
                    None => out.push_str(&field.index.saturating_add(1).to_string()),
                }
                return true;
            }
            _ => {}
        }
        let mut steps = vec![(field.index, field.name)];
        let mut node = field.node;
        while let Some(at) = self.nodes.get(node as usize) {
            steps.push((at.index, at.name));
            node = at.node;
        }
        for step in steps.iter().rev() {
            match *step {
                (ROOT, _) => {}
                (MEMBER, name) => {
                    out.push('/');
                    let key = self.field(name).map(|key| self.text(buffer, key)).unwrap_or_default();
                    for c in String::from_utf8_lossy(key).chars() {
                        match c {
                            '~' => out.push_str("~0"),
                            '/' => out.push_str("~1"),
                            c => out.push(c),
                        }
                    }
                }
                (index, _) => {
                    out.push('/');
                    out.push_str(&index.to_string());
                }
            }
        }
        true
    }

    pub(super) fn level(&self) -> Level {
        Level {
            fields: self.fields.len(),
            side: self.side.len(),
            escapes: self.escapes.len(),
            nodes: self.nodes.len(),
            drops: self.drops.len(),
        }
    }

    /// Forgets what was written since `level`.
    pub(super) fn truncate(&mut self, level: Level) {
        self.fields.truncate(level.fields);
        self.side.truncate(level.side);
        self.escapes.truncate(level.escapes);
        self.nodes.truncate(level.nodes);
        self.drops.truncate(level.drops);
        self.frames.clear();
    }

    pub(super) fn since(&self, level: Level, record: DocSpan) -> Walked {
        Walked {
            record,
            first: number(level.fields),
            last: number(self.fields.len()),
            first_drop: number(level.drops),
            last_drop: number(self.drops.len()),
            first_node: number(level.nodes),
            last_node: number(self.nodes.len()),
            mould: NONE,
        }
    }
}

/// How full the lists are.
#[derive(Clone, Copy, Default)]
pub(super) struct Level {
    pub(super) fields: usize,
    side: usize,
    escapes: usize,
    pub(super) nodes: usize,
    drops: usize,
}

#[derive(Clone, Copy)]
enum Edge {
    Start,
    End,
}

/// Returns a place or count as 32 bits. The walk refuses buffers past that, and what it lists is never more than 20 times
/// fewer bytes; see `json::Walk::room`.
pub(super) fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn shift(raw: DocSpan, span: Span) -> DocSpan {
    DocSpan::new(raw.start.saturating_add(span.start), raw.start.saturating_add(span.end))
}

fn clamp(raw: DocSpan, at: DocSpan) -> DocSpan {
    DocSpan::new(at.start.clamp(raw.start, raw.end), at.end.clamp(raw.start, raw.end))
}

/// Widens a place so that it cuts no UTF-8 character.
fn widen(buffer: &[u8], raw: DocSpan, mut at: DocSpan) -> DocSpan {
    let inside = |at: u32| buffer.get(at as usize).is_some_and(|byte| byte & 0xc0 == 0x80);
    if at.is_empty() {
        return at;
    }
    while at.start > raw.start && inside(at.start) {
        at.start -= 1;
    }
    while at.end < raw.end && inside(at.end) {
        at.end += 1;
    }
    at
}
