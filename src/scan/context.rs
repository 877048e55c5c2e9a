//! Words around a candidate, as evidence for or against it.
//!
//! Only candidates that are not settled by their shape and check are looked at, and only a window around them. The
//! window ends at neighbours that are reported and at labels and tokens that an earlier run left, so that what was evidence in
//! a first run is the same in a second: redact twice = redact once. A neighbour that stands between the candidate and
//! the first letter of the window is jumped over (`tel. 0771234567 / 0771234568`).

use super::resolve::Barriers;
use super::simd::Level;
use super::words::{PHRASE_WORDS, Table, tokenize, word};
use crate::label::{label_at, label_before};
use crate::span::Span;
use aho_corasick::AhoCorasick;
use std::ops::Range;

/// A set of words and phrases that speak for or against something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupId(u16);

impl GroupId {
    pub(super) const fn number(self) -> usize {
        self.0 as usize
    }
}

/// A set of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gates(Vec<u64>);

impl Gates {
    pub(super) fn holds(&self, group: GroupId) -> bool {
        self.0.get(usize::from(group.0) / 64).is_some_and(|word| word & (1 << (group.0 % 64)) != 0)
    }

    pub(super) fn add(&mut self, group: GroupId) {
        let at = usize::from(group.0) / 64;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0.get_mut(at).into_iter().for_each(|word| *word |= 1 << (group.0 % 64));
    }

    pub(super) fn each(&self) -> impl Iterator<Item = GroupId> {
        each(&self.0)
    }
}

/// Which groups have a word in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    bits: Vec<u64>,
    /// Hashes of the words of the piece that was looked at last.
    words: Vec<u64>,
}

impl Groups {
    fn clear(&mut self, n_groups: usize) {
        self.bits.clear();
        self.bits.resize(n_groups.div_ceil(64), 0);
        self.words.resize(WINDOW_WORDS, 0);
    }

    /// Holds the same groups afterwards; what the last piece was is not said.
    fn become_like(&mut self, other: &Self) {
        self.bits.clone_from(&other.bits);
        self.words.resize(WINDOW_WORDS, 0);
    }

    fn add(&mut self, group: GroupId) {
        add(&mut self.bits, group);
    }

    /// Yields the groups that have a word in the window.
    pub(super) fn each(&self) -> impl Iterator<Item = GroupId> {
        each(&self.bits)
    }

    /// Returns whether one of `groups` has a word in the window.
    pub(super) fn any(&self, groups: &[GroupId]) -> bool {
        groups.iter().any(|g| self.bits.get(usize::from(g.0) / 64).is_some_and(|word| word & (1 << (g.0 % 64)) != 0))
    }
}

/// Yields the groups whose bits are set.
fn each(bits: &[u64]) -> impl Iterator<Item = GroupId> {
    bits.iter().zip(0_u16..).flat_map(|(&word, at)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = u16::try_from(left.trailing_zeros()).ok().filter(|_| left != 0)?;
            left &= left - 1;
            Some(GroupId(at * 64 + bit))
        })
    })
}

/// What the names of fields say, those that were asked for last.
#[derive(Default)]
pub(super) struct FieldNames(Vec<(String, Groups)>);

impl FieldNames {
    /// Names that are kept.
    const MOST: usize = 64;
    /// Longest that is kept, in bytes.
    const LONGEST: usize = 64;

    fn slot(&mut self, field: &str) -> Option<&mut (String, Groups)> {
        let bytes = field.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return None };
        if bytes.len() > Self::LONGEST {
            return None;
        }
        self.0.resize_with(Self::MOST, Default::default);
        let number = bytes.len() ^ usize::from(*first) << 2 ^ usize::from(*last);
        self.0.get_mut(number % Self::MOST)
    }
}

fn add(bits: &mut [u64], group: GroupId) {
    bits.get_mut(usize::from(group.0) / 64).into_iter().for_each(|word| *word |= 1 << (group.0 % 64));
}

/// Window before a candidate, in bytes of text that is no candidate itself.
const BEFORE: usize = 48;
/// Window after it.
const AFTER: usize = 24;
/// What stands right before a candidate, in bytes.
const LABEL: usize = 28;
/// Neighbours that are jumped over at most.
const JUMPS: usize = 4;
/// Words of a window at most; what is further away is not looked at.
const WINDOW_WORDS: usize = 32;
/// Longest text that is looked at as a whole.
const TEXT_BYTES: usize = 1 << 16;
/// The lead bytes of the scripts of [`is_unspaced`], and some others.
const UNSPACED: Range<u8> = 0xd6..0xf0;

/// Every word and phrase of every group, compiled.
pub(super) struct Words {
    /// All phrases of scripts that put blanks between words.
    table: Table,
    /// Those of them that open a gate.
    gates: Table,
    /// Phrases of scripts that put no blank between words, found anywhere.
    inside: Option<AhoCorasick>,
    inside_groups: Vec<Vec<GroupId>>,
    n_groups: usize,
    level: Level,
}

/// Collects groups.
#[derive(Default)]
pub(super) struct Builder {
    groups: Vec<Vec<String>>,
}

impl Builder {
    /// Adds a group; equal groups share their place.
    pub(super) fn group(&mut self, phrases: &[String]) -> GroupId {
        let at = self.groups.iter().position(|known| known == phrases).unwrap_or_else(|| {
            self.groups.push(phrases.to_vec());
            self.groups.len() - 1
        });
        GroupId(u16::try_from(at).unwrap_or(u16::MAX))
    }

    /// Compiles the groups; `gates` are those that [`Words::anywhere`] tells of.
    pub(super) fn build(self, level: Level, gates: &Gates) -> Words {
        let mut words = Words {
            table: Table::default(),
            gates: Table::default(),
            inside: None,
            inside_groups: Vec::new(),
            n_groups: self.groups.len(),
            level,
        };
        let mut inside: Vec<String> = Vec::new();
        for (at, phrases) in self.groups.iter().enumerate() {
            let group = GroupId(u16::try_from(at).unwrap_or(u16::MAX));
            for phrase in phrases {
                if phrase.chars().any(is_unspaced) {
                    match inside.iter().position(|known| known == phrase) {
                        Some(known) => words.inside_groups.get_mut(known).into_iter().for_each(|g| g.push(group)),
                        None => {
                            inside.push(phrase.clone());
                            words.inside_groups.push(vec![group]);
                        }
                    }
                    continue;
                }
                let mut hashes = [0; PHRASE_WORDS];
                let n = tokenize(phrase.as_bytes(), &mut hashes);
                let Some((&first, rest)) = hashes.get(..n).and_then(<[u64]>::split_first) else { continue };
                words.table.add(first, rest, group);
                if gates.holds(group) {
                    words.gates.add(first, rest, group);
                }
            }
        }
        if !inside.is_empty() {
            words.inside = AhoCorasick::new(&inside).ok();
        }
        words
    }
}

/// Letters of scripts that put no blank between words, or whose particles stick to them.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x590..=0x8ff | 0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff)
}

impl Words {
    pub(super) fn builder() -> Builder {
        Builder::default()
    }

    /// Fills `groups` with what stands around `own` (a merged run of candidates).
    pub(super) fn around(&self, text: &[u8], own: Span, barriers: &Barriers, groups: &mut Groups) {
        groups.clear(self.n_groups);
        windows(text, own, barriers, |window| {
            self.look_words(window.words, groups);
            self.look_inside(window.whole, groups);
        });
    }

    /// Fills `groups` with the gates that a whole text opens, at least. Tells whether that is all: a long text is not looked
    /// at, and may say anything.
    pub(super) fn anywhere(&self, text: &[u8], groups: &mut Groups) -> bool {
        if text.len() > TEXT_BYTES {
            return false;
        }
        groups.clear(self.n_groups);
        self.gates.each_in_text(self.level, text, |group| groups.add(group));
        if !text.is_ascii() && text.iter().any(|b| UNSPACED.contains(b)) {
            self.look_inside(text, groups);
        }
        true
    }

    /// Adds the groups of the phrases that stand anywhere in `piece`, in scripts that put no blank between words.
    fn look_inside(&self, piece: &[u8], groups: &mut Groups) {
        if piece.is_ascii() {
            return;
        }
        for found in self.inside.iter().flat_map(|inside| inside.find_overlapping_iter(piece)) {
            if let Some(found) = self.inside_groups.get(found.pattern().as_usize()) {
                found.iter().for_each(|&group| groups.add(group));
            }
        }
    }

    /// Fills `groups` with what the name of a field says: `contactPhone`, `phone_number`, `Tel. No`. `known` are names that
    /// were asked for before; records of one stream name the same few again and again.
    pub(super) fn of_field(&self, field: &str, known: &mut FieldNames, groups: &mut Groups) {
        if field.is_empty() {
            return groups.clear(self.n_groups);
        }
        let slot = known.slot(field);
        match slot {
            Some((name, said)) if name == field => groups.become_like(said),
            slot => {
                groups.clear(self.n_groups);
                let (spaced, len) = spaced_name(field);
                self.look(spaced.get(..len).unwrap_or_default(), groups);
                self.look(field.as_bytes(), groups);
                if let Some((name, said)) = slot {
                    field.clone_into(name);
                    said.become_like(groups);
                }
            }
        }
    }

    /// Adds the groups of the words and phrases in `piece`.
    pub(super) fn look(&self, piece: &[u8], groups: &mut Groups) {
        self.look_words(piece, groups);
        self.look_inside(piece, groups);
    }

    /// The same, for scripts that put blanks between words.
    fn look_words(&self, piece: &[u8], groups: &mut Groups) {
        let n = tokenize(piece, &mut groups.words);
        for at in 0..n {
            let Some([first, after @ ..]) = groups.words.get(at..n) else { break };
            if self.table.may_begin(*first) {
                self.table.phrases(*first, after, |group| add(&mut groups.bits, group));
            }
        }
    }

    /// Fills `groups` with what stands right before `own`: the last words of the text before it, up to a neighbour, a line's
    /// end or a mark. They name it, where words further away only speak of such things.
    pub(super) fn before(&self, text: &[u8], own: Span, barriers: &Barriers, groups: &mut Groups) {
        groups.clear(self.n_groups);
        if let Some(window) = label(text, own, barriers) {
            self.look_words(window.words, groups);
            self.look_inside(window.whole, groups);
        }
    }
}

/// A piece of text that stands around a candidate.
#[derive(Clone, Copy)]
pub(super) struct Window<'t> {
    /// The piece, cut where a word may go on.
    pub(super) words: &'t [u8],
    /// Where that begins.
    pub(super) words_at: usize,
    /// All of it: a run of a script without blanks is no word that the cut parts in two.
    pub(super) whole: &'t [u8],
    /// Where that begins.
    pub(super) whole_at: usize,
}

/// Calls `f` with every piece of text that counts as standing around `own` (a merged run of candidates).
#[inline(always)]
pub(super) fn windows<'t>(text: &'t [u8], own: Span, barriers: &Barriers, mut f: impl FnMut(Window<'t>)) {
    let mut at = own.start as usize;
    let mut budget = BEFORE;
    for _ in 0..JUMPS {
        let wall = barriers.end_before(at);
        let low = wall.max(at.saturating_sub(budget));
        let Some(segment) = text.get(low..at) else { break };
        let mark = last_mark(segment);
        let from = mark.map_or(0, |(_, end)| end);
        let piece = segment.get(from..).unwrap_or_default();
        let cut = from == 0 && low > wall;
        let words = if cut { after_partial_word(piece) } else { piece };
        f(Window { words, words_at: at - words.len(), whole: piece, whole_at: at - piece.len() });
        if cut || piece.iter().copied().any(is_letter) {
            break;
        }
        budget -= piece.len().min(budget);
        at = match mark {
            Some((start, _)) => low + start,
            None if wall == low && wall > 0 => barriers.start_of_end(wall),
            None => break,
        };
    }
    let mut at = own.end as usize;
    let mut budget = AFTER;
    for _ in 0..JUMPS {
        let wall = barriers.start_after(at).unwrap_or(text.len());
        let high = wall.min(at + budget);
        let Some(segment) = text.get(at..high) else { break };
        let mark = first_mark(text, at, high);
        let piece = segment.get(..mark.map_or(segment.len(), |(start, _)| start - at)).unwrap_or_default();
        let cut = mark.is_none() && high < wall;
        let words = if cut { before_partial_word(piece) } else { piece };
        f(Window { words, words_at: at, whole: piece, whole_at: at });
        if cut || piece.iter().copied().any(is_letter) {
            break;
        }
        budget -= piece.len().min(budget);
        at = match mark {
            Some((_, end)) => end,
            None if wall < text.len() => barriers.end_of_start(wall),
            None => break,
        };
    }
}

/// What stands right before `own`.
#[inline]
pub(super) fn label<'t>(text: &'t [u8], own: Span, barriers: &Barriers) -> Option<Window<'t>> {
    let at = own.start as usize;
    let low = barriers.end_before(at).max(at.saturating_sub(LABEL));
    let segment = text.get(low..at)?;
    let parts = |b: u8| matches!(b, b',' | b';' | b'\n' | b']' | b'}' | b'{');
    let trimmed = segment.trim_ascii_end();
    // Digits that the number may be a part of are not what it is called.
    if trimmed.last().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let label = trimmed.rsplit(|&b| parts(b)).next().unwrap_or_default();
    let end = low + trimmed.len();
    let cut = label.len() == trimmed.len() && low > barriers.end_before(at);
    let words = if cut { after_partial_word(label) } else { label };
    Some(Window { words, words_at: end - words.len(), whole: label, whole_at: end - label.len() })
}

/// Tells where each of `phrases` stands in a window, as the scanner finds them: calls `f` with the phrase's place in the
/// list and the bytes of the text. Slow; for whoever wants to know which word it was.
pub(super) fn mentions<'p>(
    window: Window<'_>,
    phrases: impl Iterator<Item = &'p str>,
    mut f: impl FnMut(usize, Range<usize>),
) {
    let Window { words: piece, words_at, whole, whole_at } = window;
    let mut words: Vec<(u64, Range<usize>)> = Vec::new();
    let mut at = 0;
    while words.len() < WINDOW_WORDS
        && let Some(rest) = piece.get(at..)
        && let Some(gap) = rest.iter().position(|&b| is_letter(b))
    {
        let Some(rest) = rest.get(gap..) else { break };
        let (hash, after) = word(rest);
        let end = piece.len() - after.len();
        words.push((hash, at + gap..end));
        at = end;
    }
    for (n, phrase) in phrases.enumerate() {
        if phrase.chars().any(is_unspaced) {
            if !whole.is_ascii() {
                let at = |at: usize| whole_at + at..whole_at + at + phrase.len();
                memchr::memmem::find_iter(whole, phrase).for_each(|found| f(n, at(found)));
            }
            continue;
        }
        let mut hashes = [0; PHRASE_WORDS];
        let n_words = tokenize(phrase.as_bytes(), &mut hashes);
        let Some(wanted) = hashes.get(..n_words).filter(|wanted| !wanted.is_empty()) else { continue };
        for found in words.windows(wanted.len()) {
            if let ([first, ..], [.., last]) = (found, found)
                && found.iter().map(|(hash, _)| hash).eq(wanted)
            {
                f(n, words_at + first.1.start..words_at + last.1.end);
            }
        }
    }
}

/// The name of a field with blanks where a word of it begins, cut where it is too long, and its length.
pub(super) fn spaced_name(field: &str) -> ([u8; 96], usize) {
    // Capitals inside a name begin a word: `contactPhone` is two.
    let mut spaced = [0_u8; 96];
    let mut len = 0;
    let mut last = 0_u8;
    for &byte in field.as_bytes() {
        if byte.is_ascii_uppercase() && last.is_ascii_lowercase() && put(&mut spaced, &mut len, b' ').is_none() {
            break;
        }
        let byte_or_blank = if byte == b'_' { b' ' } else { byte };
        if put(&mut spaced, &mut len, byte_or_blank).is_none() {
            break;
        }
        last = byte;
    }
    (spaced, len)
}

fn put(buffer: &mut [u8], len: &mut usize, byte: u8) -> Option<()> {
    *buffer.get_mut(*len)? = byte;
    *len += 1;
    Some(())
}

/// A letter of a word: ASCII letters, and every byte above ASCII.
pub(super) const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

fn after_partial_word(piece: &[u8]) -> &[u8] {
    let partial = piece.iter().take_while(|&&b| is_letter(b)).count();
    piece.get(partial..).unwrap_or_default()
}

fn before_partial_word(piece: &[u8]) -> &[u8] {
    let partial = piece.iter().rev().take_while(|&&b| is_letter(b)).count();
    piece.get(..piece.len() - partial).unwrap_or_default()
}

/// Finds the last label or token in `segment`.
fn last_mark(segment: &[u8]) -> Option<(usize, usize)> {
    // Both hold one of two bytes that hardly any chat text holds.
    let mut upto = segment.len();
    while let Some(at) = memchr::memrchr2(b']', b'_', segment.get(..upto)?) {
        let before = segment.get(..at)?;
        if segment.get(at) == Some(&b']') {
            if let Some(open) = label_before(segment, at + 1) {
                return Some((open, at + 1));
            }
        } else if before.ends_with(TOKEN_HEAD) {
            let after = segment.get(at..)?.iter().take_while(|&&b| super::verify::is_word(b)).count();
            return Some((at - TOKEN_HEAD.len(), at + after));
        }
        upto = at;
    }
    None
}

/// Finds the first label or token that begins in `from..to`; it may end later.
fn first_mark(text: &[u8], from: usize, to: usize) -> Option<(usize, usize)> {
    let segment = text.get(from..to)?;
    for at in memchr::memchr2_iter(b'[', b'_', segment) {
        let at = from + at;
        let rest = text.get(at + 1..)?;
        if text.get(at) == Some(&b'[') {
            if let Some(len) = text.get(at..).and_then(label_at) {
                return Some((at, at + len));
            }
        } else if text.get(from..at)?.ends_with(TOKEN_HEAD) {
            let after = rest.iter().take(MARK_BYTES).take_while(|&&b| super::verify::is_word(b)).count();
            return Some((at - TOKEN_HEAD.len(), at + 1 + after));
        }
    }
    None
}

/// How every token begins.
pub(super) const TOKEN: &[u8] = b"tok_";
/// The same without its first underscore.
const TOKEN_HEAD: &[u8] = b"tok";
/// Longest label or token that is looked for.
const MARK_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> (Words, GroupId, GroupId) {
        let mut b = Words::builder();
        let s = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let phone = b.group(&s(&["tel", "my no", "电话"]));
        let order = b.group(&s(&["order"]));
        (b.build(Level::best(), &Gates::default()), phone, order)
    }

    #[track_caller]
    fn check(text: &str, own: &str, others: &[&str], want_phone: bool, want_order: bool) {
        let (words, phone, order) = builder();
        let span = |value: &str| {
            let at = text.find(value).expect("in the text");
            Span::new(u32::try_from(at).unwrap(), u32::try_from(at + value.len()).unwrap())
        };
        let own = span(own);
        let mut barriers = Barriers::default();
        barriers.fill(others.iter().map(|o| span(o)).chain([own]));
        let mut groups = Groups::default();
        words.around(text.as_bytes(), own, &barriers, &mut groups);
        assert_eq!((groups.any(&[phone]), groups.any(&[order])), (want_phone, want_order), "{text}");
    }

    #[test]
    fn windows() {
        check("tel 111", "111", &[], true, false);
        check("111 is my no", "111", &[], true, false);
        check("my own no 111", "111", &[], false, false);
        check("hotel 111", "111", &[], false, false);
        check("我的电话111", "111", &[], true, false);
        check("tel 222 order 111", "111", &["222"], false, true);
        // A run of a script without blanks is no word that the window cuts in two.
        check("就在这里的所有人都知道我的电话号码是这样的一个111", "111", &[], true, false);
        check("tel 222 / 111", "111", &["222"], true, false);
        check("tel 222 / 111", "222", &["111"], true, false);
        check("tel [URL] / 111", "111", &[], true, false);
        check("tel [URL] or 111", "111", &[], false, false);
        check("tel tok_ph_mbbb_xyz or 111", "111", &[], false, false);
        check("111 [URL] order", "111", &[], false, true);
        check("111 x [URL] order", "111", &[], false, false);
        check(&format!("tel {} 111", "x".repeat(60)), "111", &[], false, false);
        check(&format!("tel{} 111", " ".repeat(44)), "111", &[], true, false);
    }

    proptest::proptest! {
        #[test]
        fn a_whole_text_says_at_least_what_its_windows_say(
            text in "[a-c ]{0,70}(tel|my no|MY  no|order|orders|téL|don't|电话|representatives)[ ,1']{0,70}(tel|no|x)",
            level in proptest::sample::select(Level::available()),
        ) {
            let mut b = Words::builder();
            let s = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
            let groups = [&["tel"][..], &["my no"], &["order"], &["电话"], &["dont"], &["representatives"]].map(|g| b.group(&s(g)));
            let mut gates = Gates::default();
            groups.into_iter().for_each(|group| gates.add(group));
            let words = b.build(level, &gates);
            let (mut all, mut whole) = (Groups::default(), Groups::default());
            whole.clear(words.n_groups);
            whole.words.resize(200, 0);
            words.look(text.as_bytes(), &mut whole);
            assert!(words.anywhere(text.as_bytes(), &mut all));
            for group in groups {
                proptest::prop_assert!(all.any(&[group]) || !whole.any(&[group]), "{}", text);
            }
        }
    }

    #[test]
    fn field_names() {
        let (words, phone, _) = builder();
        let mut groups = Groups::default();
        for (field, want) in [("tel", true), ("homeTel", true), ("tel_2", true), ("TEL", true), ("hotel", false)] {
            words.of_field(field, &mut FieldNames::default(), &mut groups);
            assert_eq!(groups.any(&[phone]), want, "{field}");
        }
    }
}
