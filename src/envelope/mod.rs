//! Where is the text in a record, and how does new text get back in?
//!
//! One forward walk over raw bytes lists the fields of a record: strings, numbers and keys of JSON, or a line of text. A
//! field without escapes *is* a part of the record, so the fields of many records are scanned in one call over the
//! buffer that holds them; decoded text of the others stands in a side buffer, with a map back to the byte. Writing is
//! the same walk backwards: every byte outside an edit is copied as it is.
//!
//! ```text
//! buffer  {"from":"+000","text":"caf\u00e9 at 5"}      fields   key, text, key, text
//!           ^^^^   ^^^^   ^^^^   - - - - - - -         Home::Record for three of them
//! side    café at 5                                    Home::Side for the fourth; escape at 3..5 is raw 26..32
//! ```
//!
//! The room does not know what personal data is. Keys are delivered like text, because a key can hold a value
//! (`{"ana@example.org": 3}`). What is broken, too deep or too long is a fault, a value; the record is then not written.
//!
//! A new format brings three things: where its records end ([`Records`]), a walk that pushes fields and escapes, and a
//! [`FieldKind`] that says how new text is written. The map from decoded to raw is the same for `\u0040`, `%40` and `""`.
//!
//! # Example
//! ```
//! use efface::envelope::{Change, Edit, Envelope, Fields, Format, Spliced, Splicer};
//! use efface::span::{DocSpan, Span};
//!
//! let record = br#"{"text":"to b\u0040example.org"}"#;
//! let mut fields = Fields::default();
//! let whole = DocSpan::new(0, 32);
//! let walked = Envelope::default().walk(Format::JsonLines, record, whole, &mut fields)?;
//! let text = &fields.all()[1];
//! assert_eq!(fields.text(record, text), b"to b@example.org");
//!
//! let mut out = Vec::new();
//! let source = Spliced { fields: &fields, buffer: record, walked, replacements: b"[EMAIL_ADDRESS]" };
//! let edit = Edit { field: 1, change: Change::Replace { span: Span::new(3, 16), with: Span::new(0, 15) } };
//! Splicer::default().splice(&source, &[edit], 0, &mut out);
//! assert_eq!(out, br#"{"text":"to [EMAIL_ADDRESS]"}"#);
//! # Ok::<(), efface::envelope::EnvelopeFault>(())
//! ```

mod armour;
mod detect;
mod fault;
mod fields;
mod json;
mod lines;
mod logs;
mod mould;
mod outline;
mod places;
mod records;
mod select;
mod splice;
mod straight;

pub use armour::Armour;
pub use detect::{detect, is_form};
pub use fault::{EnvelopeFault, JsonFault};
pub use fields::{Field, FieldKind, Fields, Home, Walked};
pub use lines::{MAX_SPEAKERS, speaker};
pub use mould::Mould;
pub use outline::Outline;
pub use places::{PlaceId, Places};
pub use records::{More, Record, Records, chunk_end};
pub use select::{LaneSelectors, MAX_LANES, Mark, Selector, SelectorError, Selectors, StateId, Treatment};
pub use splice::{Change, Copied, Edit, Spliced, Splicer};
pub use straight::{Stamp, Straight};

use crate::limits::Limits;
use crate::span::{DocSpan, Span};
use lines::Lines;

/// How the text of an input is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A line is a record; bytes that are not UTF-8 stay as they are.
    Text,
    /// A JSON document on every line; blank lines stay.
    JsonLines,
    /// The whole input is one JSON document.
    Json,
    /// Lines of a log: access logs, pairs of key and value, JSON, each behind a head of syslog or not; else a line is text.
    Log,
    /// A table (RFC 4180) with this byte between its cells; the first row names the columns.
    Csv(u8),
    /// A line is the body of a form, or a query string (`application/x-www-form-urlencoded`).
    Form,
    /// Cards of contacts (RFC 6350); a line is a record.
    Vcard,
    /// A chat as WhatsApp exports it (`_chat.txt`); a line is a record.
    WhatsApp,
}

impl Format {
    /// Returns whether records are lines of text, and not documents or rows.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Log | Self::Form | Self::Vcard | Self::WhatsApp)
    }
}

/// Finds the fields of records.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    limits: Limits,
    selectors: Selectors,
}

impl Envelope {
    /// Makes an envelope with other limits and selectors than the default, which scans everything.
    #[must_use]
    pub const fn new(limits: Limits, selectors: Selectors) -> Self {
        Self { limits, selectors }
    }

    /// Returns the compiled selectors, which tell what becomes of a field.
    #[must_use]
    pub const fn selectors(&self) -> &Selectors {
        &self.selectors
    }

    /// Adds the fields of one record of `buffer` to `fields`. Selectors are about documents: all text of a line of plain
    /// text is scanned on every lane.
    ///
    /// # Errors
    /// The record is broken or past a limit; `fields` is as it was before.
    ///
    /// # Cost
    /// JSON: one pass, about half a nanosecond a byte; no allocation once `fields` has grown to its work.
    pub fn walk(
        &self,
        format: Format,
        buffer: &[u8],
        record: DocSpan,
        fields: &mut Fields,
    ) -> Result<Walked, EnvelopeFault> {
        let doc = record.of(buffer).unwrap_or_default();
        let (len, limit) = if buffer.len() > MAX_BUFFER {
            (buffer.len(), MAX_BUFFER)
        } else {
            (record.len(), self.limits.record_bytes)
        };
        if len > limit {
            return Err(EnvelopeFault::RecordTooLong { len, limit });
        }
        let shape = if format == Format::Log { logs::shape(doc) } else { None };
        // What is named once is of no record.
        match format {
            Format::WhatsApp => fields.name_chat(&self.selectors),
            Format::Log if matches!(shape, Some(logs::Shape::Access(_))) => fields.name_log(&self.selectors),
            _ => {}
        }
        let level = fields.level();
        let mut mould = fields::NONE;
        let walked = match format {
            Format::Json | Format::JsonLines => {
                json::walk(doc, record.start, &self.limits, &self.selectors, fields).map(|own| mould = own)
            }
            Format::Text => self.line(record, fields),
            Format::Log => {
                let max_fields = fields.fields.len().saturating_add(self.limits.fields);
                let (limits, selectors) = (&self.limits, &self.selectors);
                match shape {
                    None => self.line(record, fields),
                    Some(logs::Shape::Json(at)) => {
                        // What only looks like a document is text.
                        let start = record.start.saturating_add(fields::number(at));
                        Lines { buffer, record, limits, selectors, fields, max_fields }
                            .head(at)
                            .and_then(|()| {
                                json::walk(doc.get(at..).unwrap_or_default(), start, limits, selectors, fields)
                            })
                            // The head goes before, so it is another record.
                            .map(|_| ())
                            .or_else(|_| {
                                fields.truncate(level);
                                self.line(record, fields)
                            })
                    }
                    Some(shape) => Lines { buffer, record, limits, selectors, fields, max_fields }.logged(shape),
                }
            }
            Format::Csv(_) | Format::Form | Format::Vcard | Format::WhatsApp => {
                let max_fields = fields.fields.len().saturating_add(self.limits.fields);
                let (limits, selectors) = (&self.limits, &self.selectors);
                Lines { buffer, record, limits, selectors, fields, max_fields }.walk(format)
            }
        };
        match walked {
            Ok(()) => Ok(Walked { mould, ..fields.since(level, record) }),
            Err(fault) => {
                fields.truncate(level);
                Err(fault)
            }
        }
    }

    /// Names the columns of a table whose first row, `head`, is not among the records. To be called before the first of them
    /// is walked; without, the first that is walked names them.
    pub fn head(&self, format: Format, head: &[u8], fields: &mut Fields) {
        let Format::Csv(delimiter) = format else { return };
        let mut heads = Fields::default();
        let record = DocSpan::new(0, fields::number(head.len()));
        let (limits, selectors, max_fields) = (&self.limits, &self.selectors, usize::MAX);
        let named = Lines { buffer: head, record, limits, selectors, fields: &mut heads, max_fields }
            .walk(Format::Csv(delimiter));
        if named.is_err() {
            return;
        }
        for column in &heads.columns {
            let name = match heads.field(column.name) {
                Some(name) => fields.synthetic(heads.text(head, name)),
                None => fields::NONE,
            };
            fields.columns.push(fields::Column { name, state: column.state });
        }
    }

    fn line(&self, record: DocSpan, fields: &mut Fields) -> Result<(), EnvelopeFault> {
        let (len, limit) = (record.len(), self.limits.field_bytes);
        if len > limit {
            return Err(EnvelopeFault::FieldTooLong { at: 0, len, limit });
        }
        if !record.is_empty() {
            fields.fields.push(Field {
                raw: record,
                kind: FieldKind::Plain,
                home: Home::Record,
                state: StateId::default(),
                text: Span::new(record.start, record.end),
                name: fields::NONE,
                node: fields::NONE,
                index: fields::ROOT,
            });
        }
        Ok(())
    }
}

/// Longest buffer that records are walked in: 512 MiB. Places are 32 bits, and a decoded number may be longer than a raw one.
pub const MAX_BUFFER: usize = 512 << 20;
