//! What a profile says of a field, held against what stands there.
//!
//! A profile knows what a field is for. Whether it holds that is for the text to say: an id that could be a card, a time with a
//! name in it and a number that is none are text, and scanned.

use super::whole::{self, Whole};
use crate::check;
use crate::entity::Kind;
use crate::ids::Region;
use crate::profile::{Holds, Profiles, Role};
use crate::span::Span;
use std::sync::LazyLock;

/// What a field turns out to be.
#[derive(Clone, Copy)]
pub(super) enum Told {
    /// Nobody's: it is not scanned.
    Nobody,
    /// The value that the profile says, at this place of the text.
    Value(Span),
    /// Something else: text, or a link to a file.
    Other(Holds),
}

/// Holds what a profile says of a field against its text.
#[inline]
pub(super) fn judge(profiles: &Profiles, role: Role, text: &[u8]) -> Told {
    match role.holds {
        Holds::Entity(entity) => {
            let kind = profiles.kind(entity);
            match whole::is_plain(kind, text) {
                true => Told::Value(Span { start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) }),
                false => judge_value(profiles, kind, text),
            }
        }
        Holds::Id if is_id(text) && !(profiles.is_generic(role.rule) && is_card(text)) => Told::Nobody,
        Holds::Time if is_time(text) => Told::Nobody,
        Holds::File if text.len() <= LINK_BYTES => Told::Other(Holds::File),
        Holds::Text | Holds::Id | Holds::Time | Holds::File => Told::Other(Holds::Text),
    }
}

/// Holds against its text that a field is a value of a kind.
#[inline(never)]
fn judge_value(profiles: &Profiles, kind: Kind, text: &[u8]) -> Told {
    let own = whole::trimmed(text);
    let value = own.of(text).unwrap_or_default();
    if profiles.is_label(value) {
        return Told::Nobody;
    }
    match whole::find(kind, value) {
        Whole::Value(span) => Told::Value(Span { start: own.start + span.start, end: own.start + span.end }),
        Whole::Nobody => Told::Nobody,
        Whole::Other => Told::Other(Holds::Text),
    }
}

/// The countries of the telephone numbers of a record. There are few, and the same come again.
#[derive(Default)]
pub(super) struct Numbers<'t> {
    known: [(&'t [u8], Option<Region>); 4],
    n: usize,
}

impl<'t> Numbers<'t> {
    /// Returns the country of the telephone number that a field of a profile holds.
    pub(super) fn region(&mut self, number: &'t [u8]) -> Option<Region> {
        // What stands before the digits says nothing.
        let start = number.iter().take_while(|byte| !byte.is_ascii_digit()).count();
        let number = number.get(start..).unwrap_or_default();
        let known = self.known.iter().take(self.n);
        if let Some(&(_, region)) = known.into_iter().find(|(known, _)| same(known, number)) {
            return region;
        }
        let region = whole::region(number);
        if let Some(place) = self.known.get_mut(self.n) {
            (*place, self.n) = ((number, region), self.n + 1);
        }
        region
    }
}

/// The first names of a record: those of who wrote stand in many a record twice.
#[derive(Default)]
pub(super) struct People<'t> {
    known: [&'t [u8]; 4],
    n: usize,
}

impl<'t> People<'t> {
    /// Returns whether a name is none of those that were asked for before, as far as they are remembered.
    #[inline(never)]
    pub(super) fn is_new(&mut self, name: &'t [u8]) -> bool {
        if self.known.iter().take(self.n).any(|known| *known == name) {
            return false;
        }
        if let Some(place) = self.known.get_mut(self.n) {
            (*place, self.n) = (name, self.n + 1);
        }
        true
    }
}

/// Whether two numbers are written alike; most that are not end differently.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    std::ptr::eq(a, b) || (a.len() == b.len() && a.last_chunk::<8>() == b.last_chunk::<8>() && a == b)
}

/// Whether a text can be the number or name of a thing: short, one word, and no address or telephone number of somebody.
fn is_id(text: &[u8]) -> bool {
    if text.len() > ID_BYTES || text.starts_with(b"+") {
        return false;
    }
    // Eight bytes at a time: a byte below `!`, or an `@`. Most ids have neither, and then it is none of those that speak.
    let marks = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        let at = word ^ (ONES * b'@' as u64);
        ((word.wrapping_sub(ONES * b'!' as u64) & !word) | (at.wrapping_sub(ONES) & !at)) & (ONES * 0x80)
    };
    match text.last_chunk() {
        Some(last) if text.as_chunks().0.iter().fold(marks(last), |found, word| found | marks(word)) == 0 => true,
        _ => !text.iter().any(|&byte| sort(byte) & SPEAKS != 0),
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Whether a text is a card, to the digit: issuer, length and check digit.
///
/// The name of a key alone (`message_id`) promises little, and a card that stays is worse than an id that is rewritten. Of ids
/// of sixteen random digits one in 25 looks like a card (measured); of times, of counters below 10^12 and of ids that begin with
/// a time, as those of X and Discord do today, none: they begin with 1, as no issuer here does. What a profile names is kept.
fn is_card(text: &[u8]) -> bool {
    static CARD: LazyLock<Option<&check::Check>> = LazyLock::new(|| check::by_name("card"));
    let digits = text.trim_ascii();
    (12..=19).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && CARD.is_some_and(|check| (check.run)(digits))
}

/// Whether a text can be a time: `1772539200`, `2026-03-03T12:00:00.123Z`, `03/Mar/2026:12:00:00 +0000`.
fn is_time(text: &[u8]) -> bool {
    if text.len() > TIME_BYTES || text.starts_with(b"+") {
        return false;
    }
    // Sums of at most as many as there are bytes; the sorts do not reach each other.
    let sums = text.iter().fold(0, |sums, &byte| sums + u32::from(sort(byte)));
    sums / u32::from(NO_TIME) == 0 && sums / u32::from(LETTER) <= TIME_LETTERS
}

/// Tells what a byte can be a part of, as sums that [`is_time`] takes over at most [`TIME_BYTES`] bytes.
#[inline]
fn sort(byte: u8) -> u16 {
    SORTS.get(usize::from(byte)).copied().unwrap_or(NO_TIME)
}

/// Longest number or name of a thing.
const ID_BYTES: usize = 512;
/// Longest time, and most letters in it: weekday, month and zone.
const TIME_BYTES: usize = 64;
const TIME_LETTERS: u32 = 16;
/// The sorts of bytes: those that say that a text is no id, letters, and what no time has. The sum of 64 of each is below
/// the next.
const SPEAKS: u16 = 1;
const LETTER: u16 = 1 << 7;
const NO_TIME: u16 = 1 << 14;
const SORTS: [u16; 256] = {
    let mut sorts = [0; 256];
    let mut byte = 0_u8;
    loop {
        let speaks = matches!(byte, b'@' | b' ' | b'\t' | b'\n');
        let letter = byte.is_ascii_alphabetic();
        let time = byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b':' | b'.' | b',' | b'/' | b'+' | b'-');
        #[expect(clippy::indexing_slicing, reason = "at build, and there is one for each byte")]
        {
            sorts[byte as usize] = speaks as u16 * SPEAKS + letter as u16 * LETTER + !time as u16 * NO_TIME;
        }
        if byte == u8::MAX {
            break sorts;
        }
        byte += 1;
    }
};
/// Longest link to a file that is looked at in parts.
const LINK_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for text in
            ["1772539200", "2026-03-03T12:00:00.123Z", "03/Mar/2026:12:00:00 +0000", "Tue, 3 Mar 2026 12:00:00 GMT", ""]
        {
            assert!(is_time(text.as_bytes()), "{text}");
        }
        for text in ["+221771234567", "awa@example.org", "12:00_00", "2026-03-03 Monday the third of March"] {
            assert!(!is_time(text.as_bytes()), "{text}");
        }
    }
}
