//! Words around a candidate, as evidence for or against it.
//!
//! Only candidates that are not settled by their shape and check are looked at, and only a window around them. The
//! window ends at neighbours that are reported and at labels and tokens that an earlier run left, so that what was evidence in
//! a first run is the same in a second: redact twice = redact once. A neighbour that stands between the candidate and
//! the first letter of the window is jumped over (`tel. 0771234567 / 0771234568`).

use super::resolve::Barriers;
use crate::span::Span;
use aho_corasick::AhoCorasick;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A set of words and phrases that speak for or against something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupId(u16);

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

    fn add(&mut self, group: GroupId) {
        if let Some(word) = self.bits.get_mut(usize::from(group.0) / 64) {
            *word |= 1 << (group.0 % 64);
        }
    }

    /// Returns whether one of `groups` has a word in the window.
    pub(super) fn any(&self, groups: &[GroupId]) -> bool {
        groups.iter().any(|g| self.bits.get(usize::from(g.0) / 64).is_some_and(|word| word & (1 << (g.0 % 64)) != 0))
    }
}

/// Window before a candidate, in bytes of text that is no candidate itself.
const BEFORE: usize = 48;
/// Window after it.
const AFTER: usize = 24;
/// Neighbours that are jumped over at most.
const JUMPS: usize = 4;
/// Words of a window at most; what is further away is not looked at.
const WINDOW_WORDS: usize = 32;
/// Longest text that is looked at as a whole.
const TEXT_BYTES: usize = 256;
/// Words of a phrase at most.
const PHRASE_WORDS: usize = 8;

/// Bits that tell which first words there are: 4 KiB.
const FIRST_BITS: usize = 1 << 15;

fn bit_of(hash: u64) -> (usize, u64) {
    // The upper bits; the map uses all of them.
    let bit = usize::try_from(hash >> 49).unwrap_or(0);
    (bit / 64, 1 << (bit % 64))
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

/// What follows the first word of a phrase, and whom the phrase speaks of.
struct Phrase {
    rest: Vec<u64>,
    groups: Vec<GroupId>,
}

/// Every word and phrase of every group, compiled.
pub(super) struct Words {
    by_first: HashMap<u64, Vec<Phrase>, BuildHasherDefault<Identity>>,
    /// One bit for every first word, so that most words of a text are dismissed by one look.
    first_bits: Box<[u64]>,
    /// Phrases of scripts that put no blank between words, found anywhere.
    inside: Option<AhoCorasick>,
    inside_groups: Vec<Vec<GroupId>>,
    n_groups: usize,
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

    pub(super) fn build(self) -> Words {
        let mut words = Words {
            by_first: HashMap::default(),
            first_bits: vec![0; FIRST_BITS / 64].into(),
            inside: None,
            inside_groups: Vec::new(),
            n_groups: self.groups.len(),
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
                let Some((first, rest)) = hashes.get(..n).and_then(<[u64]>::split_first) else { continue };
                let known = words.by_first.entry(*first).or_default();
                match known.iter_mut().find(|known| known.rest == rest) {
                    Some(known) => known.groups.push(group),
                    None => known.push(Phrase { rest: rest.to_vec(), groups: vec![group] }),
                }
            }
        }
        for &first in words.by_first.keys() {
            let (word, bit) = bit_of(first);
            words.first_bits.get_mut(word).into_iter().for_each(|bits| *bits |= bit);
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
            self.look(if cut { after_partial_word(piece) } else { piece }, groups);
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
            self.look(if cut { before_partial_word(piece) } else { piece }, groups);
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

    /// Fills `groups` with what a whole text says. Tells whether that is all: a long text is not looked at, and may say
    /// anything.
    pub(super) fn anywhere(&self, text: &[u8], groups: &mut Groups) -> bool {
        if text.len() > TEXT_BYTES {
            return false;
        }
        groups.clear(self.n_groups);
        groups.words.resize(TEXT_BYTES / 2 + 1, 0);
        self.look(text, groups);
        groups.words.truncate(WINDOW_WORDS);
        true
    }

    /// Fills `groups` with what the name of a field says: `contactPhone`, `phone_number`, `Tel. No`.
    pub(super) fn of_field(&self, field: &str, groups: &mut Groups) {
        groups.clear(self.n_groups);
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
        self.look(spaced.get(..len).unwrap_or_default(), groups);
        self.look(field.as_bytes(), groups);
    }

    fn maybe(&self, first: u64) -> bool {
        let (word, bit) = bit_of(first);
        self.first_bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Adds the groups of the phrases that begin with the word at `at` of the first `n`.
    #[inline(never)]
    fn phrases(&self, at: usize, n: usize, first: u64, groups: &mut Groups) {
        for phrase in self.by_first.get(&first).into_iter().flatten() {
            let follows = groups.words.get(at + 1..n).is_some_and(|rest| rest.starts_with(&phrase.rest));
            if phrase.rest.is_empty() || follows {
                phrase.groups.iter().for_each(|&group| groups.add(group));
            }
        }
    }

    /// Adds the groups of the words and phrases in `piece`.
    pub(super) fn look(&self, piece: &[u8], groups: &mut Groups) {
        let n = tokenize(piece, &mut groups.words);
        for at in 0..n {
            let Some(&first) = groups.words.get(at) else { break };
            if self.maybe(first) {
                self.phrases(at, n, first, groups);
            }
        }
        if let Some(inside) = &self.inside
            && !piece.is_ascii()
        {
            for found in inside.find_overlapping_iter(piece) {
                if let Some(found) = self.inside_groups.get(found.pattern().as_usize()) {
                    found.iter().for_each(|&group| groups.add(group));
                }
            }
        }
    }
}

fn put(buffer: &mut [u8], len: &mut usize, byte: u8) -> Option<()> {
    *buffer.get_mut(*len)? = byte;
    *len += 1;
    Some(())
}

/// A letter of a word: ASCII letters, and every byte above ASCII.
const fn is_letter(byte: u8) -> bool {
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
            let inner = before.iter().rev().take_while(|&&b| is_label(b)).count();
            if let Some(open) = at.checked_sub(inner + 1)
                && inner > 0
                && segment.get(open) == Some(&b'[')
            {
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
            let inner = rest.iter().take(MARK_BYTES).take_while(|&&b| is_label(b)).count();
            if inner > 0 && rest.get(inner) == Some(&b']') {
                return Some((at, at + inner + 2));
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

const fn is_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Plain letters of U+00C0 to U+017F.
const PLAIN: &[u8; 192] = b"aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty\
aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln\
nnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// A hash of the letters of a word, eight at a time: a word of eight letters or fewer costs one multiplication.
#[derive(Clone, Copy)]
struct WordHash {
    done: u64,
    tail: u64,
    len: u32,
}

impl WordHash {
    const fn new() -> Self {
        Self { done: 0, tail: 0, len: 0 }
    }

    #[inline]
    const fn push(&mut self, byte: u8) {
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

    /// The finaliser of SplitMix64 without its last step: every letter moves the upper and the lower bits.
    const fn mix(x: u64) -> u64 {
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^ (x >> 27)
    }

    const fn finish(self) -> u64 {
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
fn tokenize(piece: &[u8], hashes: &mut [u64]) -> usize {
    let mut n = 0;
    let mut rest = piece;
    while !rest.is_empty() {
        let bytes = first_eight(rest);
        let letters = letters(bytes);
        let gap = ((letters | bytes) & 0x8080_8080_8080_8080).trailing_zeros() / 8;
        if gap > 0 {
            rest = rest.get(gap as usize..).unwrap_or_default();
            continue;
        }
        let Some(place) = hashes.get_mut(n) else { return n };
        n += 1;
        let len = (!letters & 0x8080_8080_8080_8080).trailing_zeros() / 8;
        let next = bytes >> (8 * len.min(7)) & 0xff;
        if len < 8 && next < 0x80 && next != u64::from(b'\'') {
            *place = WordHash::short((bytes | 0x2020_2020_2020_2020) & ((1 << (8 * len)) - 1), len);
            // What follows is no letter.
            rest = rest.get(len as usize + 1..).unwrap_or_default();
        } else {
            (*place, rest) = word(rest);
        }
    }
    n
}

/// Reads the word that `piece` begins with letter by letter. Returns its hash and what follows it.
#[inline(never)]
fn word(piece: &[u8]) -> (u64, &[u8]) {
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

/// Adds the character above ASCII that `piece` begins with; returns its length.
fn push_high(piece: &[u8], word: &mut WordHash) -> usize {
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
        let mut buffer = [0; 4];
        for lower in c.to_lowercase() {
            lower.encode_utf8(&mut buffer).as_bytes().iter().for_each(|&b| word.push(b));
        }
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn builder() -> (Words, GroupId, GroupId) {
        let mut b = Words::builder();
        let s = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let phone = b.group(&s(&["tel", "my no", "电话"]));
        let order = b.group(&s(&["order"]));
        (b.build(), phone, order)
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

    #[test]
    fn field_names() {
        let (words, phone, _) = builder();
        let mut groups = Groups::default();
        for (field, want) in [("tel", true), ("homeTel", true), ("tel_2", true), ("TEL", true), ("hotel", false)] {
            words.of_field(field, &mut groups);
            assert_eq!(groups.any(&[phone]), want, "{field}");
        }
    }
}
