//! Words of a text as hashes, and tables of phrases made of them.

use super::context::GroupId;
use super::simd::{BLOCK, Letters, Level};
use super::verify::Kinds;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Words of a phrase at most.
pub(super) const PHRASE_WORDS: usize = 8;
/// Text behind the first word of a phrase in which the others stand; wider than any window.
const PHRASE_BYTES: usize = 256;
/// Places of the table that tells what phrases speak of by their first words: 32 KiB.
const FIRSTS: usize = 1 << 13;

/// Phrases and whom they speak of, by their first words.
pub(super) struct Table {
    /// The phrases that begin with a word, as a range of `phrases`.
    by_first: HashMap<u64, (u32, u32), BuildHasherDefault<Identity>>,
    phrases: Box<[Phrase]>,
    /// The words of all phrases behind their second.
    others: Box<[u64]>,
    groups: Box<[GroupId]>,
    /// What the phrases speak of that begin with a word, so that most words of a text are dismissed by one look.
    firsts: Box<[Kinds; FIRSTS]>,
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
    phrase: u32,
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
        let mut firsts = Box::new([Kinds::default(); FIRSTS]);
        let (mut by_first, mut phrases, mut others, mut groups) =
            (HashMap::default(), Vec::new(), Vec::new(), Vec::new());
        // Far fewer than that.
        let place = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        for (first, known) in self.by_first {
            let from = place(phrases.len());
            for Known { rest, groups: of } in known {
                let (others_from, groups_from) = (place(others.len()), place(groups.len()));
                others.extend(rest.iter().skip(1));
                let mut kinds = Kinds::default();
                of.iter().for_each(|&group| kinds.add(kinds_of(group)));
                firsts.get_mut(place_of(first)).into_iter().for_each(|known| known.add(kinds));
                groups.extend(of);
                phrases.push(Phrase {
                    second: rest.first().copied(),
                    others: (others_from, place(others.len())),
                    groups: (groups_from, place(groups.len())),
                    kinds,
                });
            }
            by_first.insert(first, (from, place(phrases.len())));
        }
        Table { by_first, phrases: phrases.into(), others: others.into(), groups: groups.into(), firsts }
    }
}

impl Table {
    /// Returns whether a phrase that speaks of one of `kinds` may begin with this word; a few say so and do not.
    #[inline]
    fn may_begin(&self, first: u64, kinds: Kinds) -> bool {
        self.firsts.get(place_of(first)).is_some_and(|known| known.meets(kinds))
    }

    /// Returns the phrases that begin with a word, with their numbers.
    #[inline]
    fn beginning(&self, first: u64) -> impl Iterator<Item = (u32, &Phrase)> {
        let &(from, to) = self.by_first.get(&first).unwrap_or(&(0, 0));
        (from..to).zip(self.phrases.get(range((from, to))).unwrap_or_default())
    }

    /// Returns whom a phrase that stands in a text speaks of.
    #[inline]
    pub(super) fn groups(&self, hit: Hit) -> &[GroupId] {
        let phrase = self.phrases.get(hit.phrase as usize);
        phrase.and_then(|phrase| self.groups.get(range(phrase.groups))).unwrap_or_default()
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
            if self.may_begin(*first, Kinds::ALL) {
                self.phrases(*first, after, &mut f);
            }
            rest = after;
        }
    }

    /// Appends the phrases that stand in `text` and speak of one of `kinds` to `hits`, in ascending order of where they begin;
    /// others may be among them. Places count from `offset` before the text. Parts of words before and behind an apostrophe, which count as words where a window ends there, go to `parts`. Texts
    /// are shorter than 4 GiB.
    ///
    /// # Cost
    /// About 30 instructions a word that no phrase begins with.
    pub(super) fn each_in_text(
        &self,
        level: Level,
        text: &[u8],
        offset: usize,
        kinds: Kinds,
        hits: &mut Vec<Hit>,
        parts: &mut Vec<Hit>,
    ) {
        let mut goes_on = 0;
        // Where the last word that was read letter by letter ends: what stands behind its apostrophe is a part of it.
        let mut done = 0;
        for (n, piece) in text.chunks(BLOCK).enumerate() {
            let at = n * BLOCK;
            // A block, and as many zeros as reading eight bytes at its end takes.
            let mut padded = [0_u8; BLOCK + 8];
            match padded.get_mut(..piece.len()) {
                Some(block) => block.copy_from_slice(piece),
                None => return,
            }
            let Some(block) = padded.first_chunk() else { return };
            let Letters { ascii, high, joint } = level.letters(block);
            let letters = ascii | high;
            let mut starts = letters & !(letters << 1 | goes_on);
            goes_on = letters >> 63;
            // Words of this block of which neither they nor what follows them is more than a letter.
            let plain = (high | joint) == 0 && done <= at;
            while starts != 0 {
                let bit = starts.trailing_zeros() as usize;
                starts &= starts - 1;
                let len = (!(letters >> bit)).trailing_zeros() as usize;
                let odd = !plain && (high | joint) >> bit & (2_u64 << (len & 63)).wrapping_sub(1) != 0;
                if bit + len < BLOCK && !odd {
                    let first = WordHash::ascii(padded.get(bit..).unwrap_or_default(), len);
                    if self.may_begin(first, kinds) {
                        let hits = if at + bit < done { &mut *parts } else { &mut *hits };
                        self.phrases_at(first, text, at + bit..at + bit + len, offset, kinds, hits);
                    }
                    continue;
                }
                let Some((first, end)) = next_word(text, at + bit) else { continue };
                if self.may_begin(first, kinds) {
                    let hits = if at + bit < done { &mut *parts } else { &mut *hits };
                    self.phrases_at(first, text, at + bit..end, offset, kinds, hits);
                }
                for joint in memchr::memchr_iter(b'\'', text.get(at + bit..end).unwrap_or_default()) {
                    let (first, _) = word(text.get(at + bit..at + bit + joint).unwrap_or_default());
                    if self.may_begin(first, kinds) {
                        self.phrases_at(first, text, at + bit..at + bit + joint, offset, kinds, parts);
                    }
                }
                done = end;
            }
        }
    }

    /// Appends the phrases that begin with the word `first` at `place` of `text` and speak of one of `kinds`.
    #[inline(never)]
    fn phrases_at(
        &self,
        first: u64,
        text: &[u8],
        place: Range<usize>,
        offset: usize,
        kinds: Kinds,
        hits: &mut Vec<Hit>,
    ) {
        let end = place.end;
        let after = text.get(end..text.len().min(end + PHRASE_BYTES)).unwrap_or_default();
        let mut second = None;
        for (phrase, known) in self.beginning(first).filter(|(_, known)| known.kinds.meets(kinds)) {
            let ends = match known.second {
                None => Some(end),
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
            if let Some(end) = ends {
                let (Ok(start), Ok(end)) = (u32::try_from(offset + place.start), u32::try_from(offset + end)) else {
                    return;
                };
                hits.push(Hit { start, end, phrase });
            }
        }
    }
}

/// The range between two places of a table.
const fn range((from, to): (u32, u32)) -> Range<usize> {
    from as usize..to as usize
}

/// The place of a word among [`FIRSTS`].
#[inline]
const fn place_of(hash: u64) -> usize {
    // The upper bits; the map uses all of them.
    (hash >> (u64::BITS - FIRSTS.trailing_zeros())) as usize
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
    pub(super) const fn new() -> Self {
        Self { done: 0, tail: 0, len: 0 }
    }

    #[inline]
    pub(super) const fn push(&mut self, byte: u8) {
        self.tail |= (byte as u64) << (8 * (self.len % 8));
        self.len += 1;
        if self.len.is_multiple_of(8) {
            self.done = Self::mix(self.done ^ self.tail);
            self.tail = 0;
        }
    }

    /// The hash of a word of fewer than eight letters, given in lower case from the lowest byte up, with zeros behind.
    const fn short(letters: u64, len: u32) -> u64 {
        Self { done: 0, tail: letters, len }.finish()
    }

    /// The hash of the `len` ASCII letters that `text` begins with; eight bytes can be read wherever one of them stands.
    #[inline]
    fn ascii(text: &[u8], len: usize) -> u64 {
        let eight = |text: &[u8]| u64::from_le_bytes(*text.first_chunk().unwrap_or(&[0; 8])) | LOWER;
        if len < 8 {
            return Self::mix((eight(text) & ((1 << (8 * len)) - 1)) ^ (len as u64) << 56);
        }
        let mut hash = Self { done: 0, tail: 0, len: u32::try_from(len).unwrap_or(u32::MAX) };
        let (mut rest, mut left) = (text, len);
        while left >= 8 {
            hash.done = Self::mix(hash.done ^ eight(rest));
            rest = rest.get(8..).unwrap_or_default();
            left -= 8;
        }
        if left > 0 {
            hash.tail = eight(rest) & ((1 << (8 * left)) - 1);
        }
        hash.finish()
    }

    /// The finaliser of SplitMix64 without its last step: every letter moves the upper and the lower bits.
    const fn mix(x: u64) -> u64 {
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^ (x >> 27)
    }

    pub(super) const fn finish(self) -> u64 {
        Self::mix(self.done ^ self.tail ^ ((self.len as u64) << 56))
    }
}

/// Marks each of eight bytes that is an ASCII letter by its highest bit.
#[inline]
const fn letters(bytes: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let lower = (bytes | (0x20 * EACH)) & (0x7f * EACH);
    // Both sums stay within their byte: one grows into the highest bit from `a` on, the other behind `z`.
    (lower + 0x1f * EACH) & !(lower + 0x05 * EACH) & !bytes & (0x80 * EACH)
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
        let gap = ((letters | bytes) & 0x8080_8080_8080_8080).trailing_zeros() / 8;
        if gap > 0 {
            rest = rest.get(gap as usize..).unwrap_or_default();
            continue;
        }
        let at = piece.len() - rest.len();
        let len = (!letters & 0x8080_8080_8080_8080).trailing_zeros() / 8;
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
pub(super) fn latin_at(piece: &[u8]) -> Option<u8> {
    let &[lead @ 0xc3..=0xc5, next @ 0x80..=0xbf, ..] = piece else { return None };
    let c = usize::from(lead & 0x1f) << 6 | usize::from(next & 0x3f);
    PLAIN.get(c.checked_sub(0xc0)?).copied()
}

/// Adds the character above ASCII that `piece` begins with; returns its length.
pub(super) fn push_high(piece: &[u8], word: &mut WordHash) -> usize {
    let len = match piece.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let c = piece.get(..len).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next());
    let Some(c) = c else { return 1 };
    if let Some(&plain) = (c as usize).checked_sub(0xc0).and_then(|at| PLAIN.get(at)) {
        word.push(plain);
    } else {
        for lower in c.to_lowercase() {
            push_plain(lower, word);
        }
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
