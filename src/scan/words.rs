//! Words of a text as hashes, and tables of phrases made of them.

use super::context::GroupId;
use super::lookup::slot;
use super::simd::{self, BLOCK, Heard, Level, PLACES};
use super::verify::Kinds;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Words of a phrase at most.
pub(super) const PHRASE_WORDS: usize = 8;
/// Text behind the first word of a phrase in which the others stand; wider than any window.
const PHRASE_BYTES: usize = 256;

/// Bits of a [`Sieve`]: 8 KiB.
const SIEVE_BITS: usize = 1 << 16;

/// Phrases and whom they speak of, by their first words.
pub(super) struct Table {
    /// The words that phrases begin with, by open addressing.
    firsts: Box<[First]>,
    phrases: Box<[Phrase]>,
    /// The words of all phrases behind their second.
    others: Box<[u64]>,
    groups: Box<[GroupId]>,
    /// The words that are phrases and those that stand second in one, so that most words of a text are dismissed by one look;
    /// see [`simd::Known`].
    telling: Box<[u64; PLACES]>,
    /// The first two words of phrases of more than one.
    pairs: Sieve,
}

/// A word that phrases begin with; their places in the table's `phrases` are a range. The phrase of the one word is the first.
#[derive(Clone, Copy, Default)]
struct First {
    hash: u64,
    from: u32,
    to: u32,
    /// What the phrase of the one word speaks of.
    alone: Kinds,
}

/// A set of hashes that says of a few that are not in it that they are.
struct Sieve(Box<[u64; SIEVE_BITS / 64]>);

impl Sieve {
    fn new() -> Self {
        Self(Box::new([0; SIEVE_BITS / 64]))
    }

    /// The place of a word and of its bit there, from the upper bits.
    #[inline]
    const fn place(hash: u64) -> (usize, u64) {
        let bit = hash >> (u64::BITS - SIEVE_BITS.trailing_zeros());
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    fn add(&mut self, hash: u64) {
        let (at, bit) = Self::place(hash);
        self.0.get_mut(at).into_iter().for_each(|bits| *bits |= bit);
    }

    #[inline]
    fn may_hold(&self, hash: u64) -> bool {
        let (at, bit) = Self::place(hash);
        self.0.get(at).is_some_and(|bits| bits & bit != 0)
    }
}

/// The number of the highest bit that is set.
#[inline]
fn last_of(bits: u64) -> Option<usize> {
    63_usize.checked_sub(bits.leading_zeros() as usize)
}

/// The hash of two words that follow each other.
#[inline]
const fn pair(first: u64, second: u64) -> u64 {
    (first.rotate_left(29) ^ second).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What follows the first word of a phrase, and whom the phrase speaks of.
struct Phrase {
    second: Option<u64>,
    /// Ranges of the table's `others` and `groups`.
    others: (u32, u32),
    groups: (u32, u32),
    kinds: Kinds,
}

/// A phrase that stands in a text, and where, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Its number.
    pub(super) phrase: u32,
}

/// Collects phrases.
#[derive(Default)]
pub(super) struct TableBuilder {
    by_first: HashMap<u64, Vec<Known>, BuildHasherDefault<Identity>>,
}

/// What follows the first word of a phrase, and whom the phrase speaks of.
struct Known {
    rest: Vec<u64>,
    groups: Vec<GroupId>,
}

impl TableBuilder {
    /// Adds the phrase of the words `first` and `rest`.
    pub(super) fn add(&mut self, first: u64, rest: &[u64], group: GroupId) {
        let known = self.by_first.entry(first).or_default();
        match known.iter_mut().find(|known| known.rest == rest) {
            Some(known) => known.groups.push(group),
            None => known.push(Known { rest: rest.to_vec(), groups: vec![group] }),
        }
    }

    /// Freezes the table; `kinds_of` tells what those look for who ask for a group.
    pub(super) fn build(self, kinds_of: impl Fn(GroupId) -> Kinds) -> Table {
        let (mut pairs, mut telling) = (Sieve::new(), Box::new([0_u64; PLACES]));
        // At most a quarter is taken, so that a search ends soon.
        let mut firsts = vec![First::default(); (self.by_first.len() * 4 + 1).next_power_of_two()].into_boxed_slice();
        let (mut phrases, mut others, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        // Far fewer than that.
        let place = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        for (hash, mut known) in self.by_first {
            let mut first = First { hash, from: place(phrases.len()), ..First::default() };
            known.sort_by_key(|known| !known.rest.is_empty());
            for Known { rest, groups: of } in known {
                let (others_from, groups_from) = (place(others.len()), place(groups.len()));
                others.extend(rest.iter().skip(1));
                let mut kinds = Kinds::default();
                of.iter().for_each(|&group| kinds.add(kinds_of(group)));
                let tells = match rest.first() {
                    Some(&second) => {
                        pairs.add(pair(hash, second));
                        second
                    }
                    None => {
                        first.alone = kinds;
                        hash
                    }
                };
                let (at, bit) = simd::Known::place(tells);
                telling.get_mut(at).into_iter().for_each(|words| *words |= bit | u64::from(kinds.bits()) << 32);
                groups.extend(of);
                phrases.push(Phrase {
                    second: rest.first().copied(),
                    others: (others_from, place(others.len())),
                    groups: (groups_from, place(groups.len())),
                    kinds,
                });
            }
            first.to = place(phrases.len());
            let mut at = slot(hash, firsts.len());
            while firsts.get(at).is_some_and(First::is_word) {
                at = (at + 1) & (firsts.len() - 1);
            }
            firsts.get_mut(at).into_iter().for_each(|free| *free = first);
        }
        Table { firsts, phrases: phrases.into(), others: others.into(), groups: groups.into(), telling, pairs }
    }
}

impl First {
    const fn is_word(&self) -> bool {
        self.from < self.to
    }
}

impl Table {
    /// Returns what is known of a word that phrases begin with.
    #[inline]
    fn first(&self, hash: u64) -> Option<&First> {
        let mut at = slot(hash, self.firsts.len());
        while let Some(first) = self.firsts.get(at).filter(|first| first.is_word()) {
            if first.hash == hash {
                return Some(first);
            }
            at = (at + 1) & (self.firsts.len() - 1);
        }
        None
    }

    /// Returns the phrases that begin with a word, with their numbers.
    #[inline]
    fn beginning(&self, hash: u64) -> impl Iterator<Item = (u32, &Phrase)> {
        let (from, to) = self.first(hash).map_or((0, 0), |first| (first.from, first.to));
        (from..to).zip(self.phrases.get(range((from, to))).unwrap_or_default())
    }

    /// Returns whom a phrase that stands in a text speaks of.
    #[inline]
    pub(super) fn groups(&self, hit: Hit) -> &[GroupId] {
        self.groups_of(hit.phrase as usize)
    }

    /// Returns whom a phrase speaks of, by its number.
    #[inline]
    pub(super) fn groups_of(&self, phrase: usize) -> &[GroupId] {
        let phrase = self.phrases.get(phrase);
        phrase.and_then(|phrase| self.groups.get(range(phrase.groups))).unwrap_or_default()
    }

    /// Returns how many phrases there are.
    pub(super) const fn n_phrases(&self) -> usize {
        self.phrases.len()
    }

    fn others(&self, phrase: &Phrase) -> &[u64] {
        self.others.get(range(phrase.others)).unwrap_or_default()
    }

    /// Calls `f` for whom the phrases speak that begin with `first` and go on with the words of `after`.
    #[inline(never)]
    fn phrases(&self, first: u64, after: &[u64], mut f: impl FnMut(GroupId)) {
        for (_, phrase) in self.beginning(first) {
            let follows = match (phrase.second, after) {
                (None, _) => true,
                (Some(second), [next, rest @ ..]) => second == *next && rest.starts_with(self.others(phrase)),
                (Some(_), []) => false,
            };
            if follows {
                let groups = self.groups.get(range(phrase.groups)).unwrap_or_default();
                groups.iter().for_each(|&group| f(group));
            }
        }
    }

    /// Calls `f` for whom the phrases speak that stand among `words`.
    pub(super) fn each(&self, words: &[u64], mut f: impl FnMut(GroupId)) {
        let mut rest = words;
        while let [first, after @ ..] = rest {
            self.phrases(*first, after, &mut f);
            rest = after;
        }
    }

    /// Reads a text. Texts are shorter than 4 GiB.
    ///
    /// # Cost
    /// Without AVX-512 about 65 instructions a word that is in no phrase; with it eight words are looked up together.
    pub(super) fn read(&self, level: Level, reading: &mut Reading<'_>) -> Seen {
        let text = reading.text;
        let known = simd::Known { words: &self.telling, kinds: reading.kinds.bits() };
        let mut seen = Seen::default();
        // Where the last word that was read letter by letter ends: what stands behind its apostrophe is a part of it.
        let mut done = 0;
        // Where the word before begins, if phrases of more words than it were not asked for yet.
        let mut last = None;
        // The next block is looked at before the words of this one are: neither waits for the other.
        let mut here = level.hear(text, 0, &known);
        let mut at = 0;
        while at < text.len() {
            let Heard { letters: own, starts, dismissed } = here;
            let letters = own.any();
            let goes_on = letters >> 63;
            let rest = text.get(at + BLOCK..).unwrap_or_default();
            here = if rest.is_empty() { Heard::default() } else { level.hear(rest, goes_on, &known) };
            let next = here.letters;
            seen.wide |= own.high != 0;
            seen.marks |= own.mark != 0;
            let dismissed = if done <= at { dismissed } else { 0 };
            let mut asked = starts & !dismissed;
            while asked != 0 {
                let bit = asked.trailing_zeros() as usize;
                asked &= asked - 1;
                let mut len = (!(letters >> bit)).trailing_zeros() as usize;
                // Whether there is an apostrophe in it or behind it; a letter above ASCII.
                let its = (2_u64 << (len & 63)).wrapping_sub(1);
                let (mut is_joined, mut is_wide) = (own.joint >> bit & its != 0, own.high >> bit & its != 0);
                if bit + len == BLOCK {
                    let behind = next.any().trailing_ones() as usize;
                    let its = (2_u64 << (behind & 63)).wrapping_sub(1);
                    is_joined = own.joint >> bit != 0 || behind == BLOCK || next.joint & its != 0;
                    is_wide = own.high >> bit != 0 || next.high & its != 0;
                    len += behind;
                }
                if let Some(before) = last_of(starts & ((1 << bit) - 1))
                    && dismissed >> before & 1 != 0
                {
                    last = Some(at + before);
                }
                let start = at + bit;
                if !is_joined && start >= done {
                    let hash = match is_wide {
                        true => word(text.get(start..).unwrap_or_default()).0,
                        false => WordHash::ascii(text, start, len),
                    };
                    if known.may_hold(hash) {
                        self.phrases_of(reading, last, hash, start..start + len);
                    }
                    last = Some(start);
                    continue;
                }
                if let Some(last) = last.take() {
                    self.longer_phrases_at(reading, last);
                }
                let Some((hash, end)) = next_word(text, start) else { continue };
                self.phrases_at(reading, hash, start..end, Asks { longer: false, is_part: start < done });
                for joint in memchr::memchr_iter(b'\'', text.get(start..end).unwrap_or_default()) {
                    let (hash, _) = word(text.get(start..start + joint).unwrap_or_default());
                    self.phrases_at(reading, hash, start..start + joint, Asks { longer: false, is_part: true });
                }
                done = end;
            }
            if let Some(before) = last_of(starts)
                && dismissed >> before & 1 != 0
            {
                last = Some(at + before);
            }
            at += BLOCK;
        }
        seen
    }

    /// Appends the phrases of the word at `place` and of it and the one before, which begins at `last` if it was not asked for.
    #[inline(never)]
    fn phrases_of(&self, reading: &mut Reading<'_>, last: Option<usize>, hash: u64, place: Range<usize>) {
        // Few phrases begin with nothing.
        if let Some(last) = last
            && let Some((first, _)) = next_word(reading.text, last)
            && self.pairs.may_hold(pair(first, hash))
        {
            self.longer_phrases_at(reading, last);
        }
        if let Some(first) = self.first(hash).filter(|first| first.alone.meets(reading.kinds))
            && let Some(hit) = reading.hit(place, first.from)
        {
            reading.hits.push(hit);
        }
    }

    /// Appends the phrases of more than one word that begin with the word at `start`.
    fn longer_phrases_at(&self, reading: &mut Reading<'_>, start: usize) {
        if let Some((hash, end)) = next_word(reading.text, start) {
            self.phrases_at(reading, hash, start..end, Asks { longer: true, is_part: false });
        }
    }

    /// Appends the phrases that begin with the word at `place`, whose hash is `first`.
    #[inline(never)]
    fn phrases_at(&self, reading: &mut Reading<'_>, first: u64, place: Range<usize>, asks: Asks) {
        let Reading { text, kinds, .. } = *reading;
        let end = place.end;
        let after = text.get(end..text.len().min(end + PHRASE_BYTES)).unwrap_or_default();
        let mut second = None;
        for (phrase, known) in self.beginning(first).filter(|(_, known)| known.kinds.meets(kinds)) {
            let ends = match known.second {
                None => (!asks.longer).then_some(end),
                Some(wanted) => match second.get_or_insert_with(|| next_word(after, 0)) {
                    Some((found, upto)) if *found == wanted => {
                        let last = self.others(known).iter().try_fold(*upto, |upto, &other| {
                            next_word(after, upto).filter(|(found, _)| *found == other).map(|(_, upto)| upto)
                        });
                        last.map(|upto| end + upto)
                    }
                    _ => None,
                },
            };
            if let Some(hit) = ends.and_then(|end| reading.hit(place.start..end, phrase)) {
                if asks.is_part { &mut *reading.parts } else { &mut *reading.hits }.push(hit);
            }
        }
    }
}

/// A text that is read for its phrases.
pub(super) struct Reading<'r> {
    pub(super) text: &'r [u8],
    /// Where the text begins in what places count from.
    pub(super) offset: usize,
    /// Phrases that speak of none of these are left out; a few may be among the others.
    pub(super) kinds: Kinds,
    /// Gets the phrases, in ascending order of where they begin.
    pub(super) hits: &'r mut Vec<Hit>,
    /// Gets those of the parts of words before and behind an apostrophe, which count as words where a window ends there.
    pub(super) parts: &'r mut Vec<Hit>,
}

impl Reading<'_> {
    fn hit(&self, place: Range<usize>, phrase: u32) -> Option<Hit> {
        let [start, end] = [place.start, place.end].map(|at| u32::try_from(self.offset + at).ok());
        Some(Hit { start: start?, end: end?, phrase })
    }
}

/// Which phrases are asked for.
#[derive(Clone, Copy)]
struct Asks {
    /// Only those of more than one word.
    longer: bool,
    /// Whether the word is a part of another.
    is_part: bool,
}

/// What else stands in a text that was read.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    /// Something above ASCII.
    pub(super) wide: bool,
    /// What labels and tokens begin with or hold.
    pub(super) marks: bool,
}

/// The range between two places of a table.
const fn range((from, to): (u32, u32)) -> Range<usize> {
    from as usize..to as usize
}

/// Hashes are their own hash.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 << 8) | u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Plain letters of U+00C0 to U+017F.
const PLAIN: &[u8; 192] = b"aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty\
aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln\
nnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// Makes letters small.
const LOWER: u64 = 0x2020_2020_2020_2020;

/// A hash of the letters of a word, eight at a time: a word of eight letters or fewer costs one multiplication.
#[derive(Clone, Copy)]
pub(super) struct WordHash {
    done: u64,
    tail: u64,
    len: u32,
}

impl WordHash {
    /// What words are multiplied by.
    pub(super) const FACTOR: u64 = 0xbf58_476d_1ce4_e5b9;

    pub(super) const fn new() -> Self {
        Self { done: 0, tail: 0, len: 0 }
    }

    #[inline]
    pub(super) const fn push(&mut self, byte: u8) {
        if self.len > 0 && self.len.is_multiple_of(8) {
            self.done = Self::mix(self.done ^ self.tail);
            self.tail = 0;
        }
        self.tail |= (byte as u64) << (8 * (self.len % 8));
        self.len += 1;
    }

    /// The hash of a word of at most eight letters, given in lower case from the lowest byte up, with zeros behind.
    const fn short(letters: u64, len: u32) -> u64 {
        Self { done: 0, tail: letters, len }.finish()
    }

    /// The hash of a word of one to eight ASCII letters, the first as the lowest byte; what stands behind them does not count.
    #[inline]
    pub(super) const fn of_one(bytes: u64, len: usize) -> u64 {
        Self::mix(first_of(bytes | LOWER, len) ^ (len as u64) << 56)
    }

    /// The hash of the `len` ASCII letters that stand at `at`.
    #[inline]
    fn ascii(text: &[u8], at: usize, len: usize) -> u64 {
        let eight = |at: usize| first_eight(text.get(at..).unwrap_or_default());
        if len <= 8 {
            return Self::of_one(eight(at), len);
        }
        let mut hash = Self { done: 0, tail: 0, len: u32::try_from(len).unwrap_or(u32::MAX) };
        let (mut at, mut left) = (at, len);
        while left > 8 {
            hash.done = Self::mix(hash.done ^ (eight(at) | LOWER));
            at += 8;
            left -= 8;
        }
        hash.tail = first_of(eight(at) | LOWER, left);
        hash.finish()
    }

    /// The finaliser of SplitMix64 without its last step: every letter moves the upper and the lower bits.
    const fn mix(x: u64) -> u64 {
        let x = (x ^ (x >> 30)).wrapping_mul(Self::FACTOR);
        x ^ (x >> 27)
    }

    pub(super) const fn finish(self) -> u64 {
        Self::mix(self.done ^ self.tail ^ ((self.len as u64) << 56))
    }
}

/// The first of eight bytes, from one to all of them.
#[inline]
const fn first_of(bytes: u64, n: usize) -> u64 {
    bytes & (u64::MAX >> (64_usize.wrapping_sub(8 * n) & 63))
}

/// The lowest bit of each of eight bytes.
const EACH: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each of eight bytes.
const EACH_HIGHEST: u64 = 0x80 * EACH;

/// Marks each of eight bytes that is an ASCII letter by its highest bit.
#[inline]
const fn letters(bytes: u64) -> u64 {
    let lower = (bytes | (0x20 * EACH)) & (0x7f * EACH);
    // Both sums stay within their byte: one grows into the highest bit from `a` on, the other behind `z`.
    (lower + 0x1f * EACH) & !(lower + 0x05 * EACH) & !bytes & EACH_HIGHEST
}

/// Returns the first eight bytes, the first as the lowest, with zeros where there are fewer.
#[inline]
fn first_eight(bytes: &[u8]) -> u64 {
    if let Some(head) = bytes.first_chunk() {
        return u64::from_le_bytes(*head);
    }
    // Two reads that overlap.
    if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let behind = 8 * (bytes.len() - 4);
        return u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*tail)) << behind;
    }
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Splits `piece` into words, in lower case and without accents, and writes a hash of each. Returns how many.
///
/// # Cost
/// About 25 instructions a word of up to seven ASCII letters; other words are read letter by letter.
pub(super) fn tokenize(piece: &[u8], hashes: &mut [u64]) -> usize {
    let mut from = 0;
    let mut n = 0;
    for place in hashes {
        let Some((word, upto)) = next_word(piece, from) else { return n };
        *place = word;
        from = upto;
        n += 1;
    }
    n
}

/// Returns the hash of the first word of `piece` at or behind `from`, and where it ends.
#[inline]
pub(super) fn next_word(piece: &[u8], from: usize) -> Option<(u64, usize)> {
    let mut rest = piece.get(from..)?;
    while !rest.is_empty() {
        let bytes = first_eight(rest);
        let letters = letters(bytes);
        let gap = ((letters | bytes) & EACH_HIGHEST).trailing_zeros() / 8;
        if gap > 0 {
            rest = rest.get(gap as usize..).unwrap_or_default();
            continue;
        }
        let at = piece.len() - rest.len();
        let len = (!letters & EACH_HIGHEST).trailing_zeros() / 8;
        let next = bytes >> (8 * len.min(7)) & 0xff;
        if len < 8 && next < 0x80 && next != u64::from(b'\'') {
            let hash = WordHash::short((bytes | LOWER) & ((1 << (8 * len)) - 1), len);
            return Some((hash, at + len as usize));
        }
        let (hash, after) = word(rest);
        return Some((hash, piece.len() - after.len()));
    }
    None
}

/// Reads the word that `piece` begins with letter by letter. Returns its hash and what follows it.
#[inline(never)]
pub(super) fn word(piece: &[u8]) -> (u64, &[u8]) {
    let mut word = WordHash::new();
    let mut rest = piece;
    while let Some((&byte, after)) = rest.split_first() {
        let mut len = 1;
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => word.push(byte | 0x20),
            0x80.. => len = push_high(rest, &mut word),
            // `don't` is one word, and so is `dont`.
            b'\'' if after.first().is_some_and(u8::is_ascii_alphabetic) => {}
            _ => break,
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    (word.finish(), rest)
}

/// Returns the plain letter of the character from U+00C0 to U+017F that `piece` begins with.
#[inline]
pub(super) fn latin_at(piece: &[u8]) -> Option<u8> {
    let &[lead @ 0xc3..=0xc5, next @ 0x80..=0xbf, ..] = piece else { return None };
    let c = usize::from(lead & 0x1f) << 6 | usize::from(next & 0x3f);
    PLAIN.get(c.checked_sub(0xc0)?).copied()
}

/// Adds the character above ASCII that `piece` begins with; returns its length.
#[inline]
pub(super) fn push_high(piece: &[u8], word: &mut WordHash) -> usize {
    // Most are Latin letters with an accent.
    if let Some(plain) = latin_at(piece) {
        word.push(plain);
        return 2;
    }
    push_higher(piece, word)
}

#[inline(never)]
fn push_higher(piece: &[u8], word: &mut WordHash) -> usize {
    let len = match piece.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let c = piece.get(..len).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next());
    let Some(c) = c else { return 1 };
    for lower in c.to_lowercase() {
        push_plain(lower, word);
    }
    len
}

/// Adds a character without its accents: those of Latin, Greek and Cyrillic letters, and the vowel signs of Arabic and
/// Hebrew, which few people write. Hangul is not taken apart.
fn push_plain(c: char, word: &mut WordHash) {
    let mut push = |c: char| {
        if !matches!(u32::from(c), 0x300..=0x36f | 0x591..=0x5c7 | 0x640 | 0x64b..=0x65f | 0x670) {
            c.encode_utf8(&mut [0; 4]).as_bytes().iter().for_each(|&b| word.push(b));
        }
    };
    match u32::from(c) {
        0x300..=0x8ff | 0x1e00..=0x1fff => unicode_normalization::char::decompose_canonical(c, push),
        _ => push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::is_letter;
    use super::*;

    const WINDOW_WORDS: usize = 32;

    fn hashes(text: &str) -> Vec<u64> {
        let mut out = [0; WINDOW_WORDS];
        let n = tokenize(text.as_bytes(), &mut out);
        out[..n].to_vec()
    }

    #[test]
    fn words_are_compared_in_lower_case_without_accents() {
        for (a, b) in [
            ("Téléphone", "telephone"),
            ("NÚMERO", "numero"),
            ("Straße", "strase"),
            ("ŁÓDŹ", "lodz"),
            ("don't", "dont"),
            ("ТЕЛЕФОН", "телефон"),
            ("e-mail", "E mail"),
            ("ž", "Z"),
            ("Nguyễn", "nguyen"),
            ("Ze\u{301}", "zé"),
            ("Ёлка", "елка"),
            ("مُحَمَّد", "محمد"),
        ] {
            assert_eq!(hashes(a), hashes(b), "{a}");
        }
        assert_eq!(hashes("a1b 2 c").len(), 3);
        assert_ne!(hashes("tel"), hashes("cel"));
    }

    #[test]
    fn letters_are_marked() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let bytes = u64::from(byte) << (8 * place);
                let mark = 0x80 << (8 * place);
                assert_eq!(letters(bytes), if byte.is_ascii_alphabetic() { mark } else { 0 }, "{byte}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn words_are_the_same_eight_bytes_at_a_time(text in "[a-cZ'é —0 ]{0,40}") {
            let (mut slow, mut rest) = (Vec::new(), text.as_bytes());
            while let Some(&first) = rest.first() {
                if is_letter(first) {
                    let (hash, after) = word(rest);
                    slow.push(hash);
                    rest = after;
                } else {
                    rest = &rest[1..];
                }
            }
            slow.truncate(WINDOW_WORDS);
            proptest::prop_assert_eq!(hashes(&text), slow);
        }
    }
}
