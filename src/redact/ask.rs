//! What the scanner is asked about the fields of a record: which texts, and what is known of each.

use crate::envelope::{Field, Fields, Home, Mould, Walked};
use crate::profile::{Assigned, Holds};
use crate::scan::Hints;
use crate::span::Span;

/// A text for the scanner: a field, or a part of one that is a link.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) span: Span,
    pub(super) field: u32,
    /// The number of its hints.
    pub(super) hints: u32,
}

/// What is known of one record.
pub(super) struct Asking<'a> {
    /// The buffer that was walked.
    pub(super) buffer: &'a [u8],
    pub(super) fields: &'a Fields,
    pub(super) assigned: &'a Assigned,
    /// Texts that stand elsewhere are for another call.
    pub(super) home: Home,
    pub(super) walked: Walked,
    /// The hints of texts without a name, and their number.
    pub(super) known: Hints<'a>,
    pub(super) plain: u32,
}

impl<'a> Asking<'a> {
    /// Adds the texts of the fields `open` to `asked`, and to `hints` what is known of them and was not known before.
    // By itself, the loop has the registers that it needs.
    #[inline(never)]
    pub(super) fn about(
        &self,
        open: &[u32],
        scans: impl Fn(&Field) -> bool,
        asked: &mut Vec<Asked>,
        hints: &mut Vec<Hints<'a>>,
        alike: &mut Alike,
    ) {
        let all = self.fields.all();
        let (mut named, mut named_by) = (self.plain, None);
        for &field in open {
            let Some(own) = all.get(field as usize) else { continue };
            // What turned out to be a document is done.
            let holds = self.assigned.role(field).holds;
            if own.home != self.home || matches!(holds, Holds::Id | Holds::Time) || !scans(own) {
                continue;
            }
            // A key does not speak for itself.
            let name = match own.is_key() {
                true => None,
                false => self.assigned.named_by(field).or_else(|| self.fields.name(own)),
            };
            let hints = match name {
                None => self.plain,
                Some(key) => {
                    if named_by != name {
                        (named, named_by) = (alike.of(key).unwrap_or_else(|| self.named(key, hints, alike)), name);
                    }
                    named
                }
            };
            if holds == Holds::File {
                self.link(own, field, hints, asked);
            } else {
                asked.push(Asked { span: own.text(), field, hints });
            }
        }
    }

    /// Adds the hints of the fields that a key names; returns their number.
    #[inline(never)]
    fn named(&self, key: u32, hints: &mut Vec<Hints<'a>>, alike: &mut Alike) -> u32 {
        let own = u32::try_from(hints.len()).unwrap_or(u32::MAX);
        hints.push(self.known.field(self.fields.key(self.buffer, self.walked, key)));
        // What a text names is another thing in the next record.
        if self.fields.is_key(self.walked, key) {
            alike.set(key, own);
        }
        own
    }

    /// Adds the parts of a link.
    #[cold]
    fn link(&self, own: &Field, field: u32, hints: u32, asked: &mut Vec<Asked>) {
        let from = own.text().start;
        let parts = segments(self.fields.text(self.buffer, own));
        asked.extend(parts.map(|(start, end)| Asked { span: Span::new(from + start, from + end), field, hints }));
    }
}

/// The hints of the fields of the last record, so that those of a record that is like it are not put together again.
#[derive(Default)]
pub(super) struct Alike {
    /// The number of its mould, and of its hints without the name of a field.
    last: Option<(usize, u32)>,
    /// The number of the hints, by how far the key is behind the first field of its record; `NO_HINTS` where there are none
    /// yet.
    by_key: Vec<u32>,
    first: u32,
}

const NO_HINTS: u32 = u32::MAX;

impl Alike {
    /// Forgets the last record.
    pub(super) const fn forget(&mut self) {
        self.last = None;
    }

    /// Begins with a record; `own` is its mould, and what is known of it but for the names of its fields.
    pub(super) fn begin(&mut self, own: Option<((usize, &Mould), u32)>, walked: Walked) {
        self.first = walked.fields().start;
        let (last, len) = match own {
            Some(((number, mould), plain)) => (Some((number, plain)), mould.n_fields()),
            None => (None, 0),
        };
        if last.is_none() || self.last != last {
            self.last = last;
            self.by_key.clear();
            self.by_key.resize(len, NO_HINTS);
        }
    }

    /// Returns the hints of the fields that a key names.
    fn of(&self, key: u32) -> Option<u32> {
        let at = key.checked_sub(self.first)?;
        self.by_key.get(at as usize).copied().filter(|hints| *hints != NO_HINTS)
    }

    /// Keeps the hints of the fields that a key names.
    fn set(&mut self, key: u32, hints: u32) {
        let place = key.checked_sub(self.first).and_then(|at| self.by_key.get_mut(at as usize));
        place.into_iter().for_each(|place| *place = hints);
    }
}

/// Yields the parts of a link that could hold something: what stands between its marks.
fn segments(link: &[u8]) -> impl Iterator<Item = (u32, u32)> + '_ {
    let mut start = 0;
    let ends = |byte: &u8| b"/?&=#:;, ".contains(byte);
    link.split(ends).filter_map(move |part| {
        let from = start;
        start += part.len() + 1;
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        (part.len() >= SEGMENT_BYTES).then(|| (small(from), small(from + part.len())))
    })
}

/// Shortest part of a link that is scanned.
const SEGMENT_BYTES: usize = 5;
