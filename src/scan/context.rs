//! Words around a candidate, as evidence for or against it.
//!
//! Only candidates that are not settled by their shape and check are looked at, and only a window around them. The
//! window ends at neighbours that are reported and at labels and tokens that an earlier run left, so that what was evidence in
//! a first run is the same in a second: redact twice = redact once. A neighbour that stands between the candidate and
//! the first letter of the window is jumped over (`tel. 0771234567 / 0771234568`).

use super::resolve::Barriers;
use super::simd::Level;
use super::verify::Kinds;
use super::words::{Hit, PHRASE_WORDS, Reading, Table, TableBuilder, tokenize, word};
use crate::label::{label_at, label_before};
use crate::span::Span;
use aho_corasick::AhoCorasick;
use std::collections::HashMap;
use std::ops::Range;

/// A set of words and phrases that speak for or against something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupId(u16);

impl GroupId {
    pub(super) const fn number(self) -> usize {
        self.0 as usize
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

/// Window before a candidate, in letters (see [`width`]) of text that is no candidate itself.
const BEFORE: usize = 48;
/// Window after it.
const AFTER: usize = 24;
/// What stands right before a candidate, in letters.
const LABEL: usize = 28;
/// Neighbours that are jumped over at most.
const JUMPS: usize = 4;
/// Words of a window at most; what is further away is not looked at.
const WINDOW_WORDS: usize = 32;
/// Longest text that is read as a whole where labels or tokens stand in it: how far windows jump is not known before.
const TEXT_BYTES: usize = 1 << 16;
/// Places around which a text is read one by one, at most.
const FEW_PLACES: usize = 32;
/// Bytes that one letter takes at most, see [`width`].
const LETTER_BYTES: usize = 3;
/// What may stand between a value and the word that touches it, in bytes.
const TOUCH_BYTES: usize = 4;
/// Longest word that is read as a whole where a range ends, in bytes.
const WORD_BYTES: usize = 64;
/// Longest text that is read as a whole in any case.
const SHORT_BYTES: usize = 128;
/// The lead bytes of the scripts of [`is_unspaced`], and some others.
const UNSPACED: Range<u8> = 0xd6..0xf0;

/// Every word and phrase of every group, compiled.
pub(super) struct Words {
    /// All phrases of scripts that put blanks between words.
    table: Table,
    /// Phrases of scripts that put no blank between words, found anywhere.
    inside: Option<AhoCorasick>,
    inside_groups: Vec<Vec<GroupId>>,
    n_groups: usize,
    level: Level,
}

/// The phrases of a text, as far as it was read.
#[derive(Default)]
pub(super) struct Said {
    hits: Vec<Hit>,
    /// Phrases that begin with a part of a word, before or behind an apostrophe.
    parts: Vec<Hit>,
    /// What was read, in ascending order.
    ranges: Vec<Range<usize>>,
    signs: Signs,
}

/// What may stand in a text besides plain words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signs {
    /// Something above ASCII.
    pub(super) wide: bool,
    /// Labels or tokens.
    pub(super) marked: bool,
}

impl Signs {
    /// Anything.
    pub(super) const ALL: Self = Self { wide: true, marked: true };

    /// Where the last `n` letters before `at` begin.
    #[inline]
    fn back(self, text: &[u8], at: usize, n: usize) -> usize {
        if self.wide { letters_back(text, at, n) } else { at.saturating_sub(n) }
    }

    /// Where the first `n` letters from `at` on end.
    #[inline]
    fn on(self, text: &[u8], at: usize, n: usize) -> usize {
        if self.wide { letters_on(text, at, n) } else { text.len().min(at + n) }
    }

    /// How many letters a piece counts for.
    #[inline]
    fn letters(self, piece: &[u8]) -> usize {
        if self.wide { n_letters(piece) } else { piece.len() }
    }
}

/// A place around which a text may be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) span: Span,
    /// Whether what stands around it is asked for; else it is only jumped over.
    pub(super) asked: bool,
}

impl Said {
    /// Whether labels or tokens may stand in the text.
    pub(super) const fn is_marked(&self) -> bool {
        self.signs.marked
    }

    /// Chooses what to read of a long text for these places.
    fn choose(&mut self, text: &[u8], places: &[Place]) {
        self.signs = Signs { wide: !text.is_ascii(), marked: has_mark(text) };
        // The cost of the rest grows with the square of the places.
        let all = self.signs.marked || places.len() > FEW_PLACES;
        if all && text.len() <= TEXT_BYTES {
            self.ranges.push(0..text.len());
        } else if !all {
            for place in places.iter().filter(|place| place.asked) {
                self.ranges.push(reach(text, self.signs, place.span, places));
            }
            self.ranges.sort_unstable_by_key(|range| range.start);
            self.ranges.dedup_by(|next, last| {
                let joined = next.start <= last.end;
                if joined {
                    last.end = last.end.max(next.end);
                }
                joined
            });
        }
    }

    /// Whether `from..to` was read.
    fn holds(&self, from: usize, to: usize) -> bool {
        self.ranges.iter().any(|range| range.start <= from && to <= range.end)
    }
}

/// How far the windows around `span` reach at most in a text without labels and tokens, where any of `places` may be jumped
/// over.
fn reach(text: &[u8], signs: Signs, span: Span, places: &[Place]) -> Range<usize> {
    let (start, end) = (span.start as usize, span.end as usize);
    let covered = |from: usize, to: usize| -> usize {
        places.iter().map(|p| to.min(p.span.end as usize).saturating_sub(from.max(p.span.start as usize))).sum()
    };
    // Letters are not counted over what is covered, which may be long: the widest are as good a bound.
    let widest = if signs.wide { LETTER_BYTES } else { 1 };
    let (before, after) = (BEFORE * widest, AFTER * widest);
    let (mut from, mut to) = (start.saturating_sub(before), text.len().min(end + after));
    loop {
        // What is covered twice is counted twice: too far is only slow.
        let next = start.saturating_sub(before + covered(from, start));
        if next >= from {
            break;
        }
        from = next;
    }
    loop {
        let next = text.len().min(end + after + covered(end, to));
        if next <= to {
            break;
        }
        to = next;
    }
    // No word is parted, but for one without end: windows leave what they part.
    let goes_on = |b: &&u8| is_letter(**b) || **b == b'\'';
    from -= text.get(..from).unwrap_or_default().iter().rev().take(WORD_BYTES).take_while(goes_on).count();
    to += text.get(to..).unwrap_or_default().iter().take(WORD_BYTES).take_while(goes_on).count();
    from..to
}

/// How many letters one of `len` bytes counts for that begins with `lead`. One of an alphabet is one letter, however many
/// bytes it takes: up to U+2FFF, and in two or three bytes. An ideograph or a syllable says as much as its bytes in letters, and what
/// is no UTF-8 counts by the byte.
#[inline]
const fn width(lead: u8, len: usize) -> usize {
    match (lead, len) {
        (0xc2..=0xdf, 2) | (0xe0..=0xe2, 3) => 1,
        _ => len,
    }
}

/// Whether a byte goes on with a character.
const fn is_tail(byte: u8) -> bool {
    matches!(byte, 0x80..=0xbf)
}

/// Returns where the last `n` letters before `at` begin.
#[inline]
fn letters_back(text: &[u8], at: usize, n: usize) -> usize {
    let by_bytes = at.saturating_sub(n);
    if text.get(by_bytes..at).is_some_and(<[u8]>::is_ascii) { by_bytes } else { wide_letters_back(text, at, n) }
}

#[inline(never)]
fn wide_letters_back(text: &[u8], at: usize, n: usize) -> usize {
    let (mut at, mut left) = (at, n);
    while let Some(&last) = text.get(..at).and_then(<[u8]>::last) {
        let tails = text.get(..at).unwrap_or_default().iter().rev().take(3).take_while(|&&byte| is_tail(byte)).count();
        let (lead, len) = match at.checked_sub(tails + 1).and_then(|from| text.get(from)) {
            Some(&lead) if lead >= 0xc2 => (lead, tails + 1),
            // A tail without its lead.
            _ => (last, 1),
        };
        let Some(rest) = left.checked_sub(width(lead, len)) else { break };
        (at, left) = (at - len, rest);
    }
    at
}

/// Returns where the first `n` letters from `at` on end.
#[inline]
fn letters_on(text: &[u8], at: usize, n: usize) -> usize {
    let by_bytes = text.len().min(at + n);
    if text.get(at..by_bytes).is_some_and(<[u8]>::is_ascii) { by_bytes } else { at + wide_letters_on(text, at, n).0 }
}

/// Returns how many letters a piece counts for.
#[inline]
fn n_letters(piece: &[u8]) -> usize {
    if piece.is_ascii() { piece.len() } else { wide_letters_on(piece, 0, usize::MAX).1 }
}

/// Returns how many bytes from `at` on at most `n` letters take, and how many letters those are.
#[inline(never)]
fn wide_letters_on(text: &[u8], at: usize, n: usize) -> (usize, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let (mut end, mut letters) = (0, 0);
    while let Some((&lead, tail)) = rest.get(end..).and_then(<[u8]>::split_first) {
        let tails = if lead < 0xc2 { 0 } else { tail.iter().take(3).take_while(|&&byte| is_tail(byte)).count() };
        let more = letters + width(lead, 1 + tails);
        if more > n {
            break;
        }
        (end, letters) = (end + 1 + tails, more);
    }
    (end, letters)
}

/// Whether a text is read as a whole whatever stands in it.
pub(super) const fn is_short(text: &[u8]) -> bool {
    text.len() <= SHORT_BYTES
}

/// Whether a label or a token may stand in a text; a few say so and hold none.
fn has_mark(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'[', b'_', text).any(|at| match text.get(at) {
        Some(b'[') => text.get(at + 1).is_some_and(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_'),
        _ => text.get(..at).is_some_and(|head| head.ends_with(TOKEN_HEAD)),
    })
}

/// Whether a token hangs on a word: `teltok_…` was `tel` and a number.
fn has_hanging_token(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, TOKEN).any(|at| parts_word(text, at))
}

/// Collects groups.
#[derive(Default)]
pub(super) struct Builder {
    groups: Vec<Group>,
}

struct Group {
    phrases: Vec<String>,
    /// What those look for who ask for it.
    kinds: Kinds,
}

impl Builder {
    /// Adds a group; equal groups share their place.
    pub(super) fn group(&mut self, phrases: &[String]) -> GroupId {
        let at = self.groups.iter().position(|known| known.phrases == phrases).unwrap_or_else(|| {
            self.groups.push(Group { phrases: phrases.to_vec(), kinds: Kinds::default() });
            self.groups.len() - 1
        });
        GroupId(u16::try_from(at).unwrap_or(u16::MAX))
    }

    /// Takes note of what those look for who ask for a group; nobody else hears it.
    pub(super) fn ask(&mut self, group: GroupId, kinds: Kinds) {
        self.groups.get_mut(group.number()).into_iter().for_each(|group| group.kinds.add(kinds));
    }

    /// Compiles the groups.
    pub(super) fn build(self, level: Level) -> Words {
        let mut table = TableBuilder::default();
        let mut inside_groups: Vec<Vec<GroupId>> = Vec::new();
        let mut inside: Vec<&str> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (at, Group { phrases, .. }) in self.groups.iter().enumerate() {
            let group = GroupId(u16::try_from(at).unwrap_or(u16::MAX));
            for phrase in phrases {
                if phrase.chars().any(is_unspaced) {
                    let place = *places.entry(phrase).or_insert_with(|| {
                        inside.push(phrase);
                        inside_groups.push(Vec::new());
                        inside.len() - 1
                    });
                    inside_groups.get_mut(place).into_iter().for_each(|groups| groups.push(group));
                    continue;
                }
                let mut hashes = [0; PHRASE_WORDS];
                let n = tokenize(phrase.as_bytes(), &mut hashes);
                let Some((&first, rest)) = hashes.get(..n).and_then(<[u64]>::split_first) else { continue };
                table.add(first, rest, group);
            }
        }
        Words {
            table: table.build(|group| self.groups.get(group.number()).map_or(Kinds::ALL, |group| group.kinds)),
            inside: if inside.is_empty() { None } else { AhoCorasick::new(&inside).ok() },
            inside_groups,
            n_groups: self.groups.len(),
            level,
        }
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

    /// Reads what stands around `places` and speaks of one of `kinds`, so that what is asked about them costs little. They
    /// are all that windows may jump over. Tells whether all was read that may stand around those that are asked for; in a
    /// long text with labels, tokens or many places it is not, nor where a token parts a word.
    pub(super) fn read(&self, text: &[u8], places: &[Place], kinds: Kinds, said: &mut Said) -> bool {
        let short = is_short(text);
        said.ranges.clear();
        match short {
            true => said.ranges.push(0..text.len()),
            false => said.choose(text, places),
        }
        let Said { hits, parts, ranges, signs } = said;
        hits.clear();
        parts.clear();
        for range in ranges.iter() {
            let piece = text.get(range.clone()).unwrap_or_default();
            let seen =
                self.table.read(self.level, &mut Reading { text: piece, offset: range.start, kinds, hits, parts });
            if short {
                *signs = Signs { wide: seen.wide, marked: seen.marks && has_mark(text) };
            }
        }
        let is_read = !ranges.is_empty() || places.iter().all(|place| !place.asked);
        is_read && !(signs.marked && has_hanging_token(text))
    }

    /// Fills `groups` with what stands around `own` (a merged run of candidates) in a text that was read.
    pub(super) fn around(&self, text: &[u8], said: &Said, own: Span, barriers: &Barriers, groups: &mut Groups) {
        groups.clear(self.n_groups);
        windows(text, own, barriers, said.signs, |window| self.look_at(text, said, window, groups));
    }

    /// Calls `f` for the numbers of the phrases that were read of a text, sometimes more than once.
    pub(super) fn anywhere(&self, text: &[u8], said: &Said, mut f: impl FnMut(usize)) {
        for hit in said.hits.iter().chain(&said.parts) {
            f(hit.phrase as usize);
        }
        if said.signs.wide {
            for range in &said.ranges {
                let piece = text.get(range.clone()).unwrap_or_default();
                if piece.iter().any(|b| UNSPACED.contains(b)) {
                    self.each_inside(piece, |place| f(self.table.n_phrases() + place));
                }
            }
        }
    }

    /// Yields whom each phrase speaks of, by their numbers.
    pub(super) fn phrases(&self) -> impl Iterator<Item = &[GroupId]> {
        let spaced = (0..self.table.n_phrases()).map(|phrase| self.table.groups_of(phrase));
        spaced.chain(self.inside_groups.iter().map(Vec::as_slice))
    }

    /// Adds the groups of the phrases in a window of a text that was read.
    fn look_at(&self, text: &[u8], said: &Said, window: Window<'_>, groups: &mut Groups) {
        let (from, to) = (window.words_at, window.words_at + window.words.len());
        if said.holds(from, to) && !parts_word(text, from) && !parts_word(text, to) {
            let first = said.hits.partition_point(|hit| (hit.start as usize) < from);
            let behind = said.hits.get(first..).unwrap_or_default().iter();
            for &hit in behind.take_while(|hit| (hit.start as usize) < to).filter(|hit| hit.end as usize <= to) {
                self.table.groups(hit).iter().for_each(|&group| groups.add(group));
            }
        } else {
            self.look_words(window.words, groups);
        }
        if said.signs.wide {
            self.look_inside(window.whole, groups);
        }
    }

    /// Adds the groups of the phrases that stand anywhere in `piece`, in scripts that put no blank between words.
    fn look_inside(&self, piece: &[u8], groups: &mut Groups) {
        if !piece.is_ascii() {
            self.each_inside(piece, |place| {
                let found = self.inside_groups.get(place).map(Vec::as_slice).unwrap_or_default();
                found.iter().for_each(|&group| groups.add(group));
            });
        }
    }

    /// Calls `f` for the places in `inside_groups` of what stands in `piece`.
    fn each_inside(&self, piece: &[u8], mut f: impl FnMut(usize)) {
        let found = self.inside.iter().flat_map(|inside| inside.find_overlapping_iter(piece));
        found.for_each(|found| f(found.pattern().as_usize()));
    }

    /// Fills `groups` with what the name of a field says: `contactPhone`, `phone_number`, `Tel. No`. `known` are names that
    /// were asked for before; records of one stream name the same few again and again.
    pub(super) fn of_field(&self, field: &str, known: &mut FieldNames, groups: &mut Groups) {
        if field.is_empty() {
            if groups.bits.len() != self.n_groups.div_ceil(64) || groups.bits.iter().any(|&bits| bits != 0) {
                groups.clear(self.n_groups);
            }
            return;
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
        let Groups { bits, words } = groups;
        let n = tokenize(piece, words);
        self.table.each(words.get(..n).unwrap_or_default(), |group| add(bits, group));
    }

    /// Fills `groups` with what stands right before `own`: the last words of the text before it, up to a neighbour, a line's
    /// end or a mark. They name it, where words further away only speak of such things.
    pub(super) fn before(&self, text: &[u8], said: &Said, own: Span, barriers: &Barriers, groups: &mut Groups) {
        groups.clear(self.n_groups);
        if let Some(window) = label(text, own, barriers, said.signs) {
            self.look_at(text, said, window, groups);
        }
    }

    /// Fills `groups` with what the one word says that touches `own`; see [`touching`].
    pub(super) fn touching(&self, text: &[u8], own: Span, barriers: &Barriers, groups: &mut Groups) {
        groups.clear(self.n_groups);
        if let Some(window) = touching(text, own, barriers) {
            self.look(window.words, groups);
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

/// Calls `f` with every piece of text that counts as standing around `own` (a merged run of candidates); `signs` tells
/// what may stand in the text.
#[inline(always)]
pub(super) fn windows<'t>(text: &'t [u8], own: Span, barriers: &Barriers, signs: Signs, mut f: impl FnMut(Window<'t>)) {
    let mut at = own.start as usize;
    let mut budget = BEFORE;
    for _ in 0..JUMPS {
        let wall = barriers.end_before(at);
        let low = wall.max(signs.back(text, at, budget));
        let Some(segment) = text.get(low..at) else { break };
        let mark = if signs.marked { last_mark(segment) } else { None };
        let from = mark.map_or(0, |(_, end)| end);
        let piece = segment.get(from..).unwrap_or_default();
        let cut = from == 0 && low > wall;
        let words = if cut { after_partial_word(piece) } else { piece };
        f(Window { words, words_at: at - words.len(), whole: piece, whole_at: at - piece.len() });
        if cut || piece.iter().copied().any(is_letter) {
            break;
        }
        budget -= signs.letters(piece).min(budget);
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
        let high = wall.min(signs.on(text, at, budget));
        let Some(segment) = text.get(at..high) else { break };
        let mark = if signs.marked { first_mark(text, at, high) } else { None };
        let piece = segment.get(..mark.map_or(segment.len(), |(start, _)| start - at)).unwrap_or_default();
        let cut = mark.is_none() && high < wall;
        let words = if cut { before_partial_word(piece) } else { piece };
        f(Window { words, words_at: at, whole: piece, whole_at: at });
        if cut || piece.iter().copied().any(is_letter) {
            break;
        }
        budget -= signs.letters(piece).min(budget);
        at = match mark {
            Some((_, end)) => end,
            None if wall < text.len() => barriers.end_of_start(wall),
            None => break,
        };
    }
}

/// What stands right before `own`.
#[inline]
pub(super) fn label<'t>(text: &'t [u8], own: Span, barriers: &Barriers, signs: Signs) -> Option<Window<'t>> {
    let at = own.start as usize;
    let low = barriers.end_before(at).max(signs.back(text, at, LABEL));
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

/// The word right before `own`, with nothing but a blank, a colon or the like between them.
pub(super) fn touching<'t>(text: &'t [u8], own: Span, barriers: &Barriers) -> Option<Window<'t>> {
    let wall = barriers.end_before(own.start as usize);
    let head = text.get(wall..own.start as usize)?;
    let joint = |b: &&u8| matches!(**b, b' ' | b'\t' | b':' | b'#' | b'=' | b'-' | b'"' | b'\'' | b'(');
    let gap = head.iter().rev().take(TOUCH_BYTES).take_while(joint).count();
    let (head, _) = head.split_at_checked(head.len() - gap)?;
    // `it's` is one word.
    let word = head.iter().rev().take(WORD_BYTES).take_while(|&&b| is_letter(b) || b == b'\'').count();
    let (before, word) = head.split_at_checked(head.len() - word)?;
    let hangs = word.first() == Some(&b'\'') || before.last().is_some_and(|&b| super::verify::is_word(b) || b >= 0x80);
    let words_at = wall + before.len();
    (gap > 0 && !word.is_empty() && !hangs).then_some(Window { words: word, words_at, whole: word, whole_at: words_at })
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

/// Whether a word may go on over the place `at`.
fn parts_word(text: &[u8], at: usize) -> bool {
    let goes_on = |byte: Option<&u8>| byte.is_some_and(|&b| is_letter(b) || b == b'\'');
    goes_on(at.checked_sub(1).and_then(|at| text.get(at))) && goes_on(text.get(at))
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
    use crate::entity::Kind;

    fn builder() -> (Words, GroupId, GroupId) {
        let mut b = Words::builder();
        let s = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let phone = b.group(&s(&["tel", "my no", "电话"]));
        let order = b.group(&s(&["order"]));
        b.ask(phone, Kinds::of(Some(Kind::PhoneNumber)));
        b.ask(order, Kinds::of(Some(Kind::OtherId)));
        (b.build(Level::best()), phone, order)
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
        let mut said = Said::default();
        words.read(text.as_bytes(), &[Place { span: own, asked: true }], Kinds::ALL, &mut said);
        words.around(text.as_bytes(), &said, own, &barriers, &mut groups);
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
        // A letter is a letter, in however many bytes; an ideograph says as much as three.
        check(&format!("tel {} 111", "ж".repeat(42)), "111", &[], true, false);
        check(&format!("tel {} 111", "ж".repeat(44)), "111", &[], false, false);
        check(&format!("tel {} 111", "ก".repeat(42)), "111", &[], true, false);
        check(&format!("tel {} 111", "在".repeat(14)), "111", &[], true, false);
        check(&format!("tel {} 111", "在".repeat(15)), "111", &[], false, false);
        check(&format!("111 {} order", "ж".repeat(17)), "111", &[], false, true);
        check(&format!("111 {} order", "ж".repeat(19)), "111", &[], false, false);
    }

    proptest::proptest! {
        #[test]
        fn windows_of_a_text_that_was_read_say_the_same(
            before in "((tel|my no|order|don't|l'order|té|hotel|[a-c]{0,20}|[ж]{0,20}|[ก]{0,9}|电话|\\[URL\\]|tok_a_b)[ ,'1é]{0,2}){0,20}",
            own in "[0-9]{1,4}",
            after in "((tel|my no|order|don't|order's|té|[a-c]{0,20}|[ж]{0,20}|[ก]{0,9}|电话|\\[URL\\]|tok_a_b)[ ,'1é]{0,2}){0,20}",
            others in proptest::collection::vec((0_u32..200, 1_u32..20), 0..3),
        ) {
            let (words, phone, order) = builder();
            let text = format!("{before}{own}{after}");
            let place = |at: usize| u32::try_from(at).unwrap();
            let own = Span::new(place(before.len()), place(before.len() + own.len()));
            let mut barriers = Barriers::default();
            let others = others.into_iter().map(|(start, len)| {
                let start = if start < own.start { start } else { start.max(own.end) };
                let end = if start < own.start { own.start } else { place(text.len()) };
                Span::new(start.min(place(text.len())), end.min(start + len))
            });
            let others: Vec<Span> = others.filter(|span| span.start < span.end).collect();
            barriers.fill(others.iter().copied().chain([own]));
            let mut places = vec![Place { span: own, asked: true }];
            places.extend(others.iter().map(|&span| Place { span, asked: false }));
            let answers = [false, true].map(|read| {
                let (mut said, mut around, mut label) = (Said::default(), Groups::default(), Groups::default());
                let all = words.read(text.as_bytes(), &places, Kinds::ALL, &mut said);
                assert!(all || text.contains("tok_"), "a short text is read");
                let mut any = Groups::default();
                any.clear(words.n_groups);
                let told: Vec<&[GroupId]> = words.phrases().collect();
                words.anywhere(text.as_bytes(), &said, |phrase| told[phrase].iter().for_each(|&group| any.add(group)));
                if !read {
                    said.ranges.clear();
                }
                words.around(text.as_bytes(), &said, own, &barriers, &mut around);
                words.before(text.as_bytes(), &said, own, &barriers, &mut label);
                // A neighbour that parts a word leaves another word.
                let parts = |span: &Span| [span.start, span.end].map(|at| parts_word(text.as_bytes(), at as usize));
                let whole = all && !others.iter().any(|span| parts(span).contains(&true));
                for group in [phone, order].into_iter().filter(|_| whole) {
                    assert!(any.any(&[group]) || !around.any(&[group]) && !label.any(&[group]), "{text}");
                }
                [around, label].map(|groups| [phone, order].map(|group| groups.any(&[group])))
            });
            proptest::prop_assert_eq!(answers[0], answers[1], "{}", text);
            // Of what was read for one kind, the words of that kind are the same.
            let (mut said, mut around) = (Said::default(), Groups::default());
            words.read(text.as_bytes(), &places, Kinds::of(Some(Kind::PhoneNumber)), &mut said);
            words.around(text.as_bytes(), &said, own, &barriers, &mut around);
            proptest::prop_assert_eq!(around.any(&[phone]), answers[0][0][0], "{}", text);
        }
    }

    #[test]
    fn letters_are_counted_both_ways() {
        for (text, n) in
            [("", 0), ("abc", 3), ("жжж", 3), ("กขa", 3), ("在a", 4), ("a’b", 3), ("😀", 4), ("é\u{301}", 2)]
        {
            let text = text.as_bytes();
            assert_eq!(n_letters(text), n);
            assert_eq!(letters_back(text, text.len(), n), 0);
            assert_eq!(letters_on(text, 0, n), text.len());
            if n > 0 {
                assert!(letters_back(text, text.len(), n - 1) > 0 && letters_on(text, 0, n - 1) < text.len());
            }
        }
        // What is no UTF-8 counts by the byte.
        for text in [&b"\x80\x80\x80\x80"[..], b"\xc3\xc3a", b"\xe0\xa4a", b"\xff\xfe", b"\xc3\x80\x80\x80"] {
            assert_eq!((n_letters(text), letters_back(text, text.len(), text.len())), (text.len(), 0), "{text:x?}");
            assert_eq!(letters_on(text, 0, text.len()), text.len(), "{text:x?}");
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
