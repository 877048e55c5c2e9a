//! Known names: what a record or a tenant says that people are called is found in the text, whole or by part.
//!
//! There is no language model here and no list of the world's names. [`Hints::names`](super::Hints::names) are the few that
//! the record itself carries; a [`NameBook`] holds those that a tenant registers, up to a million.
//!
//! ```text
//! name  Awa Marie Ndiaye     ─▶ awa · marie · ndiaye                  hashes of folded words, no text
//! text  merci AWÁ! Ndiaye, Awa arrive   ─▶ AWÁ   Ndiaye, Awa           words that are hashed as they are read
//! ```
//!
//! Words are compared in lower case without accents, at the borders of words. A name is never found inside a longer word.
//! What is an everyday word too (Hope, Will, May) counts beside another part of its name, or in a capital letter in the
//! middle of a sentence. A name from the record counts in any case; a word out of a book alone needs its capital letter,
//! because a million names hold most short words of some language.

use super::context::TOKEN;
use super::simd::{BLOCK, HEAD_LETTERS, Head, Level};
use super::verify::is_word;
use super::words::{WordHash, latin_at, push_high};
use super::{Hints, ScanConfig, Text};
use crate::label::label_at;
use crate::rules::{Everyday, RuleSet};
use crate::span::Span;
use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// Words of a name that are looked at.
const NAME_WORDS: usize = 8;
/// Fewest letters of a part that is found alone.
const PART_LETTERS: u8 = 3;
/// Names of a record that are looked for.
const OWN_NAMES: usize = 32;
/// Longest name, in bytes.
const NAME_BYTES: usize = 256;
/// Words that are read ahead.
const READ_WORDS: usize = 512;
/// Most names of a book.
pub const MAX_NAMES: usize = 1 << 20;

/// Two words of a name side by side, or all of it. Below what an address or a link is worth, so that these stay whole.
const WHOLE: i16 = 45;
/// One word with a capital letter, or in a script without.
const PART: i16 = 40;
/// One word in lower case.
const LOWER: i16 = 25;
/// One everyday word that is written like a name.
const GUESSED: i16 = 20;
/// An everyday word of a name that nobody told and that holds no others.
const AGAINST_EVERYDAY: i16 = -25;
/// The same beside another word.
const AGAINST_ONE_OF_THEM: i16 = -15;
/// A month, a place, a title or the like in it.
const AGAINST_OTHERS: i16 = -60;

/// Names that are looked for in every text of a tenant. Immutable; built once and shared.
///
/// # Security
/// Holds hashes of words, not names; whoever has it can test whether a name is in it. `Debug` tells only counts.
///
/// # Cost
/// At most 64 MiB for a million names of two words ([`NameBook::bytes`] tells exactly); one look into a table for each word
/// of a text. Words are found by their hash and not by an automaton over letters: that would take ten times the memory, and
/// a copy of every text in lower case.
pub struct NameBook {
    words: Table,
    sequences: Table,
    n_names: usize,
}

/// Why a book cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameBookError {
    /// Too many names.
    #[error("more than {limit} names")]
    TooMany {
        /// How many there may be.
        limit: usize,
    },
}

impl NameBook {
    /// Compiles names: one person each, in any order of first name and surname. What holds no word of letters is left out,
    /// and so are tokens and labels.
    ///
    /// # Errors
    /// More than [`MAX_NAMES`].
    pub fn build<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, NameBookError> {
        let (mut words, mut sequences, mut n_names) = (Vec::new(), Vec::new(), 0);
        let mut read = Vec::new();
        for name in names {
            let name = name.as_ref().as_bytes();
            if !is_name(name) {
                continue;
            }
            read.clear();
            Reader::new(name).fill(&mut read, NAME_WORDS);
            read.retain(|word: &Word| word.hash != 0);
            let (Some(first), Some(last)) = (read.first().copied(), read.last().copied()) else { continue };
            n_names += 1;
            if n_names > MAX_NAMES {
                return Err(NameBookError::TooMany { limit: MAX_NAMES });
            }
            for word in &read {
                if !word.unspaced && word.letters >= PART_LETTERS {
                    words.push((word.hash, IS_PART));
                }
            }
            if read.len() > 1 {
                words.push((first.hash, BEGINS));
                sequences.push((read.iter().fold(0, |hash, word| sequence(hash, word.hash)), 1));
                if !first.unspaced && !last.unspaced {
                    words.push((last.hash, BEGINS));
                    sequences.push((sequence(sequence(0, first.hash), last.hash), 1));
                    sequences.push((sequence(sequence(0, last.hash), first.hash), 1));
                }
            }
        }
        Ok(Self { words: Table::build(words), sequences: Table::build(sequences), n_names })
    }

    /// Returns how many names it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.n_names
    }

    /// Returns whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.n_names == 0
    }

    /// Returns how much memory it takes, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        size_of::<Self>() + self.words.bytes() + self.sequences.bytes()
    }
}

impl std::fmt::Debug for NameBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NameBook({} names, {} bytes)", self.n_names, self.bytes())
    }
}

/// A part of a name that is found alone.
const IS_PART: u64 = 1;
/// A word that a name of several words begins with, in one order or the other.
const BEGINS: u64 = 2;

/// A set of hashes with two bits for each, by open addressing.
#[derive(Default)]
struct Table {
    slots: Box<[u64]>,
}

/// The two lowest bits of a slot are no part of the hash.
const FLAGS: u64 = 3;

impl Table {
    fn build(mut entries: Vec<(u64, u64)>) -> Self {
        entries.iter_mut().for_each(|entry| entry.0 &= !FLAGS);
        entries.sort_unstable();
        entries.dedup_by(|next, last| {
            let same = next.0 == last.0;
            if same {
                last.1 |= next.1;
            }
            same
        });
        if entries.is_empty() {
            return Self::default();
        }
        // At most three quarters are taken, so that a search ends.
        let mut slots = vec![0_u64; (entries.len() * 4 / 3 + 1).next_power_of_two()].into_boxed_slice();
        for (hash, flags) in entries {
            let mut at = slot(hash, slots.len());
            while slots.get(at).is_some_and(|taken| *taken != 0) {
                at = (at + 1) & (slots.len() - 1);
            }
            slots.get_mut(at).into_iter().for_each(|slot| *slot = hash | flags);
        }
        Self { slots }
    }

    /// Returns the bits of `hash`; none where it is not there.
    #[inline]
    fn flags(&self, hash: u64) -> u64 {
        let hash = hash & !FLAGS;
        let mut at = slot(hash, self.slots.len());
        while let Some(&found) = self.slots.get(at).filter(|found| **found != 0) {
            if found & !FLAGS == hash {
                return found & FLAGS;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        0
    }

    const fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u64>()
    }
}

/// The place of a hash in a table of `len` slots, which is a power of two.
#[inline]
pub(super) fn slot(hash: u64, len: usize) -> usize {
    usize::try_from(hash.rotate_right(32)).unwrap_or(0) & len.wrapping_sub(1)
}

/// Adds a word to the hash of a sequence of words.
const fn sequence(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// Words that are names as well as something else, compiled.
pub(super) struct Guards {
    words: Table,
    before: Table,
}

/// An everyday word.
const EVERYDAY: u64 = 1;
/// A month, a day, a place: capitalised in any case.
const PROPER: u64 = 2;
/// A title, a relation, a particle: never a name alone.
const NEVER: u64 = 3;

impl Guards {
    pub(super) fn build(rules: &RuleSet) -> Self {
        let (mut words, mut before) = (Vec::new(), Vec::new());
        let hash = |text: &String, to: &mut Vec<(u64, u64)>, flags: u64| {
            let mut read = Vec::new();
            Reader::new(text.as_bytes()).fill(&mut read, NAME_WORDS);
            to.extend(read.iter().map(|word: &Word| (word.hash, flags)));
        };
        for Everyday { words: everyday, proper, never, before: ahead, .. } in rules.everyday() {
            everyday.iter().for_each(|word| hash(word, &mut words, EVERYDAY));
            proper.iter().for_each(|word| hash(word, &mut words, PROPER));
            never.iter().for_each(|word| hash(word, &mut words, NEVER));
            ahead.iter().for_each(|word| hash(word, &mut before, 1));
        }
        // What is both counts as the stricter.
        words.iter_mut().for_each(|(hash, _)| *hash &= !FLAGS);
        words.sort_unstable_by(|a, b| b.cmp(a));
        words.dedup_by_key(|(hash, _)| *hash);
        Self { words: Table::build(words), before: Table::build(before) }
    }

    /// Returns what words of a name that nobody told speak against it, in tenths of a bit.
    pub(super) fn against(&self, name: &[u8]) -> i16 {
        let mut reader = Reader::new(name);
        let words = std::iter::from_fn(|| reader.next()).take(NAME_WORDS);
        // Particles and initials say nothing.
        let words = words.filter(|word| word.case != Case::Lower && word.letters > 1);
        let (mut n_words, mut n_everyday, mut n_others) = (0, 0, 0);
        for word in words {
            n_words += 1;
            match self.words.flags(word.hash) {
                0 => {}
                EVERYDAY => n_everyday += 1,
                _ => n_others += 1,
            }
        }
        let each = if n_everyday == n_words { AGAINST_EVERYDAY } else { AGAINST_ONE_OF_THEM };
        n_everyday * each + n_others * AGAINST_OTHERS
    }
}

/// Working memory of [`find`].
#[derive(Default)]
pub(super) struct Memory {
    words: Vec<Word>,
    own: Vec<Own>,
    heads: Heads,
    /// Where in the buffer words begin that may be those of a name, in the texts before `upto`; ascending.
    begun: Vec<usize>,
    upto: usize,
    /// How wide texts are looked at; nothing where no pass was begun.
    level: Option<Level>,
}

impl Memory {
    /// Begins a pass over texts of a buffer.
    pub(super) fn begin(&mut self, level: Level) {
        self.upto = 0;
        self.level = Some(level);
    }

    /// Whether a name that the caller knows may stand in the text `at`. Texts are asked for in ascending order; a few say
    /// so and hold none.
    ///
    /// # Cost
    /// Texts that follow each other and know the same names, those of one record, are looked at together.
    pub(super) fn may_stand(&mut self, buffer: &[u8], batch: &[Text<'_>], at: usize) -> bool {
        let Some(Text { span, hints }) = batch.get(at) else { return false };
        if hints.has_book() {
            return true;
        }
        let names = own_names(hints);
        if names.is_empty() {
            return false;
        }
        let Self { heads, begun, upto, level, .. } = self;
        if at >= *upto {
            let alike = |text: &&Text<'_>| {
                std::ptr::eq(text.hints.names, hints.names)
                    && text.hints.book.is_none()
                    && text.hints.speakers.is_none()
                    && text.span.end - span.start <= WINDOW_BYTES
            };
            let rest = batch.get(at..).unwrap_or_default();
            let n = 1 + rest.iter().skip(1).take_while(alike).count();
            let texts = rest.get(..n).unwrap_or_default();
            let end = texts.last().map_or(span.end, |text| text.span.end);
            heads.be_of(names);
            let level = level.unwrap_or(Level::Scalar);
            heads.begun(level, buffer, span.start as usize..end as usize, begun);
            if n > 1 && !begun.is_empty() {
                // The name stands where it was taken from, and that is none of the texts.
                let mut texts = texts.iter().map(|text| text.span.range()).peekable();
                begun.retain(|begin| {
                    while texts.next_if(|text| text.end <= *begin).is_some() {}
                    texts.peek().is_some_and(|text| text.contains(begin))
                });
            }
            *upto = at + n;
        }
        if begun.is_empty() {
            return heads.others;
        }
        let first = begun.partition_point(|&begin| begin < span.start as usize);
        begun.get(first).is_some_and(|&begin| begin < span.end as usize)
    }

    /// Whether a name may stand in a text that is in no buffer.
    pub(super) fn may_stand_alone(&mut self, text: &[u8], hints: &Hints<'_>) -> bool {
        let end = offset(text.len());
        self.upto = 0;
        self.may_stand(text, &[Text { span: Span::new(0, end), hints }], 0)
    }
}

/// The names of a record that are looked for.
fn own_names<'h>(hints: &Hints<'h>) -> &'h [&'h [u8]] {
    hints.names.get(..OWN_NAMES).unwrap_or(hints.names)
}

/// A word of the names of a record.
#[derive(Clone, Copy)]
struct Own {
    hash: u64,
    /// One bit for each name that holds it.
    names: u32,
}

/// How a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// All of it small letters.
    Lower,
    /// A capital and then small letters; a capital alone.
    Title,
    /// Capitals.
    Upper,
    /// In a script without.
    None,
}

/// A word of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// 0 where it cannot be a name: a label, a token, what hangs on a digit.
    pub(super) hash: u64,
    start: u32,
    end: u32,
    letters: u8,
    case: Case,
    /// Of a script that puts no blank between words: every character is a word.
    unspaced: bool,
    /// Only what stands inside of names is between it and the word before.
    joined: bool,
    /// A sentence begins with it.
    pub(super) opens: bool,
}

/// Reads words with their places.
pub(super) struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    last: Option<Word>,
}

impl<'t> Reader<'t> {
    pub(super) const fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, last: None }
    }

    /// Appends words until there are `most` or the text ends; tells whether it ended.
    pub(super) fn fill(&mut self, words: &mut Vec<Word>, most: usize) -> bool {
        while words.len() < most {
            match self.next() {
                Some(word) => words.push(word),
                None => return true,
            }
        }
        false
    }

    fn next(&mut self) -> Option<Word> {
        let from = self.at;
        let mut gap = Gap { joined: true, opens: self.last.is_none() };
        loop {
            if let Some(label) = self.gap(&mut gap)? {
                return Some(label);
            }
            let start = self.at;
            let joined =
                gap.joined && (start > from && start - from <= 3 || self.last.is_some_and(|last| last.unspaced));
            let word = Word { joined, opens: gap.opens, ..self.word()? };
            // What hangs on a digit is no word of letters; what it is is not asked here.
            let tied = self.text.get(self.at).is_some_and(|&b| b.is_ascii_digit() || b == b'_');
            if !tied {
                self.last = Some(word);
                return Some(word);
            }
            self.skip_word();
            gap.joined = false;
        }
    }

    fn skip_word(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|&&b| is_word(b)).count();
    }

    /// Passes over what stands between words. Answers with a word where an operator left a label or token of a person.
    fn gap(&mut self, gap: &mut Gap) -> Option<Option<Word>> {
        // A full stop after a short word with a capital is that of an initial or a title: `J. Diop`, `Dr. Diop`.
        let short = self.last.is_some_and(|last| last.case == Case::Title && last.letters <= 3);
        loop {
            let rest = self.text.get(self.at..)?;
            match *rest.first()? {
                b't' if rest.starts_with(super::context::TOKEN) => {
                    let len = rest.iter().take_while(|&&b| is_word(b)).count();
                    if rest.starts_with(b"tok_nm_") {
                        return Some(Some(self.opaque(len)));
                    }
                    gap.joined = false;
                    self.at += len;
                    continue;
                }
                b'a'..=b'z' | b'A'..=b'Z' => return Some(None),
                b' ' | b'\t' | b'-' | b'\'' | b',' => {}
                b'.' if short => {}
                b'0'..=b'9' | b'_' => {
                    gap.joined = false;
                    self.skip_word();
                    continue;
                }
                b'[' => {
                    gap.joined = false;
                    if let Some(len) = label_at(rest) {
                        if rest.starts_with(b"[PERSON") {
                            return Some(Some(self.opaque(len)));
                        }
                        self.at += len;
                        continue;
                    }
                }
                0x80.. => {
                    let (c, len) = character(rest);
                    match c {
                        Some(c) if c.is_alphabetic() => return Some(None),
                        // A blank or an apostrophe of another width.
                        Some(c) if c.is_whitespace() || matches!(c, '\u{2019}' | '\u{2010}'..='\u{2013}' | '·') => {}
                        Some('。' | '！' | '？' | '।' | '؟') => *gap = Gap { joined: false, opens: true },
                        _ => gap.joined = false,
                    }
                    self.at += len;
                    continue;
                }
                b'\n' | b'\r' => *gap = Gap { joined: false, opens: true },
                // A mark inside of an address or a link ends no sentence.
                b'.' | b'!' | b'?' | b';' if !rest.get(1).is_some_and(u8::is_ascii_alphanumeric) => {
                    *gap = Gap { joined: false, opens: true };
                }
                _ => gap.joined = false,
            }
            self.at += 1;
        }
    }

    /// Reads the letters that stand here.
    fn word(&mut self) -> Option<Word> {
        let start = self.at;
        let mut hash = WordHash::new();
        let (mut letters, mut n_upper, mut n_cased, mut first_upper) = (0_u8, 0_u32, 0_u32, false);
        let mut unspaced = false;
        while let Some(rest @ [byte, ..]) = self.text.get(self.at..) {
            if byte.is_ascii() {
                // Letters are most of a text, and need no decoding.
                if unspaced || !byte.is_ascii_alphabetic() {
                    break;
                }
                let upper = byte.is_ascii_uppercase();
                hash.push(byte | 0x20);
                first_upper |= letters == 0 && upper;
                n_upper += u32::from(upper);
                n_cased += 1;
                letters = letters.saturating_add(1);
                self.at += 1;
                continue;
            }
            let (c, len) = character(rest);
            let Some(c) = c else { break };
            let is_mark = is_combining_mark(c);
            if !is_mark && (unspaced || !c.is_alphabetic()) {
                break;
            }
            if !is_mark && is_unspaced(c) {
                if letters > 0 {
                    break;
                }
                unspaced = true;
            }
            push_high(rest, &mut hash);
            self.at += len;
            if !is_mark {
                let upper = c.is_uppercase();
                first_upper |= letters == 0 && upper;
                n_upper += u32::from(upper);
                n_cased += u32::from(upper || c.is_lowercase());
                letters = letters.saturating_add(1);
            }
        }
        let case = match (n_cased, n_upper) {
            (0, _) => Case::None,
            (_, 0) => Case::Lower,
            (n, upper) if n == upper && n > 1 => Case::Upper,
            _ if first_upper => Case::Title,
            _ => Case::Lower,
        };
        let (start, end) = (offset(start), offset(self.at));
        let hash = hash.finish().max(1);
        (start < end).then_some(Word { hash, start, end, letters, case, unspaced, joined: false, opens: false })
    }

    /// The next `len` bytes as a word that is no name. It stands like a name in the middle of a sentence, because it was one,
    /// and perhaps of several words: what stands beside it is not found because of it.
    fn opaque(&mut self, len: usize) -> Word {
        let (start, end) = (offset(self.at), offset(self.at + len));
        self.at += len;
        let case = Case::Title;
        let word = Word { hash: 0, start, end, letters: 4, case, unspaced: false, joined: false, opens: false };
        self.last = Some(word);
        word
    }
}

/// What stands between a word and the one before it.
#[derive(Clone, Copy)]
struct Gap {
    joined: bool,
    opens: bool,
}

/// Texts are at most 4 GiB: the door checks.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Decodes the character at the start of `bytes`; a byte that is none stands for itself.
fn character(bytes: &[u8]) -> (Option<char>, usize) {
    let len = match bytes.first() {
        Some(&byte @ 0..=0x7f) => return (Some(char::from(byte)), 1),
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return (None, 1),
    };
    let c = bytes.get(..len).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next());
    (c, if c.is_some() { len } else { 1 })
}

/// Letters of scripts that put no blank between words.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// Letters of Arabic and Hebrew that are written as one with the word they stand before.
fn is_prefix(c: char) -> bool {
    matches!(c, 'و' | 'ب' | 'ل' | 'ف' | 'ك' | 'ו' | 'ב' | 'ל' | 'מ' | 'ש' | 'ה' | 'כ')
}

/// Whether a text may be somebody's name: no address, no link, no token, no label.
fn is_name(name: &[u8]) -> bool {
    (1..=NAME_BYTES).contains(&name.len())
        && !name.contains(&b'@')
        && !name.contains(&b'[')
        && !name.starts_with(super::context::TOKEN)
        && memchr::memmem::find(name, b"://").is_none()
        // Made up by an operator.
        && !name.ends_with(b" Example")
}

/// Calls `found` with the place and the worth of every name in `text`, until it says no.
///
/// # Cost
/// Reads all words of the text: [`Memory::may_stand`] tells whether that is worth while.
pub(super) fn find(
    text: &[u8],
    hints: &Hints<'_>,
    guards: &Guards,
    memory: &mut Memory,
    mut found: impl FnMut(Span, i16) -> bool,
) {
    let Memory { words, own, .. } = memory;
    let books = [hints.book, hints.speakers].map(|book| book.filter(|book| !book.is_empty()));
    let names = own_names(hints);
    own.clear();
    for (number, &name) in names.iter().enumerate() {
        if !is_name(name) {
            continue;
        }
        words.clear();
        Reader::new(name).fill(words, NAME_WORDS);
        if words.iter().any(|word| word.unspaced) && !unspaced(text, name, &mut found) {
            return;
        }
        for word in words.iter().filter(|word| word.hash != 0 && !word.unspaced) {
            match own.iter_mut().find(|known| known.hash == word.hash) {
                Some(known) => known.names |= 1 << number,
                None => own.push(Own { hash: word.hash, names: 1 << number }),
            }
        }
    }
    if own.is_empty() && !hints.has_book() {
        return;
    }
    words.clear();
    let mut reader = Reader::new(text);
    let mut at = 0;
    let mut all = true;
    loop {
        let ended = reader.fill(words, READ_WORDS);
        let look = Look { text, words, own, books, guards, all: all && ended };
        // What is near the end is looked at when more is known.
        let upto = if ended { words.len() } else { words.len() - 2 * NAME_WORDS };
        while at < upto {
            let Some((n, worth)) = look.own(at).or_else(|| look.booked(at)) else {
                at += 1;
                continue;
            };
            let (Some(first), Some(last)) = (words.get(at), words.get(at + n - 1)) else { return };
            let skipped = look.prefix(first);
            if !found(Span::new(first.start + skipped, last.end), worth) {
                return;
            }
            at += n;
        }
        if ended {
            return;
        }
        // One word before the next stays: it says how that one stands.
        words.drain(..at - 1);
        (at, all) = (1, false);
    }
}

/// Longest stretch of texts of one record that is looked at together.
const WINDOW_BYTES: u32 = 1 << 16;

/// How the words of the names of a record begin. A record has several texts, which ask for the same names.
#[derive(Default)]
struct Heads {
    /// The names, a line break after each.
    names: Vec<u8>,
    heads: Vec<Head>,
    /// A word begins with a letter that is not of the Latin script.
    others: bool,
}

impl Heads {
    /// Reads the names, if they are not those of the last call.
    fn be_of(&mut self, names: &[&[u8]]) {
        if !self.are_of(names) {
            self.read(names);
        }
    }

    /// Fills `out` with the places of `buffer` in `at` where a word may begin like a word of the names; ascending.
    fn begun(&self, level: Level, buffer: &[u8], at: Range<usize>, out: &mut Vec<usize>) {
        out.clear();
        let text = buffer.get(at.clone()).unwrap_or_default();
        if self.others || text.is_empty() {
            return;
        }
        let (mut from, mut before, mut is_sorted) = (at.start, 0, true);
        while let Some(rest) = buffer.get(from..).filter(|_| from < at.end) {
            // What stands behind the text is looked at with it, so that most blocks are whole.
            let own = u64::MAX >> BLOCK.saturating_sub(at.end - from);
            let (places, high) = level.heads(rest, before, &self.heads);
            let (mut places, mut high) = (places & own, high & own);
            while places != 0 {
                out.push(from + places.trailing_zeros() as usize);
                places &= places - 1;
            }
            is_sorted &= high == 0;
            while high != 0 {
                let here = from + high.trailing_zeros() as usize - at.start;
                out.extend(self.heads.iter().filter_map(|head| head.around(text, here)).map(|begin| at.start + begin));
                high &= high - 1;
            }
            before = rest.get(BLOCK - 1).copied().unwrap_or(0);
            from += BLOCK;
        }
        if !is_sorted {
            out.sort_unstable();
        }
    }

    fn are_of(&self, names: &[&[u8]]) -> bool {
        let mut rest = self.names.as_slice();
        names.iter().all(|name| {
            let after = rest.strip_prefix(*name).and_then(|after| after.strip_prefix(b"\n"));
            after.is_some_and(|after| {
                rest = after;
                true
            })
        }) && rest.is_empty()
    }

    fn read(&mut self, names: &[&[u8]]) {
        self.names.clear();
        self.heads.clear();
        self.others = false;
        let is_letter = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80;
        for name in names {
            self.names.extend_from_slice(name);
            self.names.push(b'\n');
            for word in name.split(|b| !is_letter(b)).filter(|word| !word.is_empty()) {
                match head_of(word) {
                    Some(head) if self.heads.contains(&head) => {}
                    Some(head) => self.heads.push(head),
                    None => self.others = true,
                }
            }
        }
    }
}

/// The head of a word, where all of it is of the Latin script.
fn head_of(word: &[u8]) -> Option<Head> {
    let mut head = Head { letters: [0; HEAD_LETTERS], len: 0 };
    let mut rest = word;
    while let (Some(&byte), Some(place)) = (rest.first(), head.letters.get_mut(head.len)) {
        let (letter, n) = if byte.is_ascii() { (byte | 0x20, 1) } else { (latin_at(rest)?, 2) };
        *place = letter;
        head.len += 1;
        rest = rest.get(n..).unwrap_or_default();
    }
    Some(head)
}

impl Head {
    /// Whether the word around `at`, where something above ASCII stands, may begin with these letters; tells where it begins.
    ///
    /// What stands above ASCII may be any of the letters, and what is behind it is not looked at.
    fn around(&self, text: &[u8], at: usize) -> Option<usize> {
        let before = text.get(..at).unwrap_or_default();
        let n = before.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).take(self.len).count();
        let same = |(byte, &letter): (&u8, &u8)| byte | 0x20 == letter;
        let leads = before.get(at - n..)?.iter().zip(self.letters()).all(same);
        if (1..self.len).contains(&n) && leads {
            return Some(at - n);
        }
        // What hangs on a digit ends where the ASCII letters do.
        let mut run = before.iter().rev().take_while(|&&byte| is_word(byte));
        let begins = n == 0 || run.any(|byte| !byte.is_ascii_alphabetic());
        let may_lead = match text.get(at..)? {
            here @ [0xc3..=0xc5, ..] => latin_at(here).is_none_or(|letter| Some(&letter) == self.letters().first()),
            // Letters with two accents.
            [0xe1, ..] => true,
            // Signs that are letters in lower case, whatever is before them.
            [0xe2, 0x84, ..] => return Some(at),
            _ => false,
        };
        (begins && may_lead).then_some(at)
    }
}

/// Finds a name of a script without blanks as it stands, and the given name of one of three characters.
fn unspaced(text: &[u8], name: &[u8], found: &mut impl FnMut(Span, i16) -> bool) -> bool {
    let mut look = |piece: &[u8], worth: i16| {
        memchr::memmem::find_iter(text, piece).all(|at| found(Span::new(offset(at), offset(at + piece.len())), worth))
    };
    for piece in name.split(|&b| b == b' ').filter(|piece| !piece.is_ascii()) {
        let n = std::str::from_utf8(piece).map_or(0, |piece| piece.chars().filter(|c| !is_combining_mark(*c)).count());
        if n < 2 {
            continue;
        }
        if !look(piece, WHOLE) {
            return false;
        }
        let is_han =
            std::str::from_utf8(piece).is_ok_and(|piece| piece.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)));
        if n == 3 && is_han && !piece.get(3..).is_none_or(|given| look(given, PART)) {
            return false;
        }
    }
    true
}

/// What is looked at, and what for.
struct Look<'l> {
    text: &'l [u8],
    words: &'l [Word],
    own: &'l [Own],
    books: [Option<&'l NameBook>; 2],
    guards: &'l Guards,
    /// Whether `words` are all words of the text.
    all: bool,
}

impl Look<'_> {
    fn word(&self, at: usize) -> Option<&Word> {
        self.words.get(at)
    }

    /// The names of the record that hold a word.
    fn names(&self, word: &Word) -> u32 {
        let names = |hash: u64| self.own.iter().find(|own| own.hash == hash).map_or(0, |own| own.names);
        match names(word.hash) {
            0 => self.stem(word).map_or(0, |(hash, _)| names(hash)),
            names => names,
        }
    }

    /// The hash of a word without the letter that is written as one with it, and how long that is in bytes.
    fn stem(&self, word: &Word) -> Option<(u64, u32)> {
        if word.case != Case::None || word.letters <= PART_LETTERS || word.hash == 0 {
            return None;
        }
        let bytes = Span::new(word.start, word.end).of(self.text)?;
        let (c, len) = character(bytes);
        if !c.is_some_and(is_prefix) {
            return None;
        }
        let mut hash = WordHash::new();
        let mut rest = bytes.get(len..)?;
        while !rest.is_empty() {
            let n = push_high(rest, &mut hash);
            rest = rest.get(n..)?;
        }
        Some((hash.finish().max(1), offset(len)))
    }

    /// How many bytes of a word that was found are not the name.
    fn prefix(&self, word: &Word) -> u32 {
        let is_known = |hash: u64| {
            self.own.iter().any(|own| own.hash == hash)
                || self.books.iter().flatten().any(|book| book.words.flags(hash) != 0)
        };
        if word.case != Case::None || is_known(word.hash) {
            return 0;
        }
        self.stem(word).filter(|(hash, _)| is_known(*hash)).map_or(0, |(_, len)| len)
    }

    /// Looks for the names of the record at a word. Returns how many words it takes and what that is worth.
    fn own(&self, at: usize) -> Option<(usize, i16)> {
        if self.own.is_empty() {
            return None;
        }
        let mut common = self.names(self.word(at)?);
        if common == 0 {
            return None;
        }
        let mut n = 1;
        while let Some(next) = self.word(at + n).filter(|next| next.joined && n < NAME_WORDS) {
            let both = common & self.names(next);
            // The same word again is the same person again.
            if both == 0 || self.words.iter().skip(at).take(n).any(|word| word.hash == next.hash) {
                break;
            }
            common = both;
            n += 1;
        }
        // All that a field or a message says is the name.
        let is_all = self.all && at == 0 && n == self.words.len() && !self.is_never(at, n);
        if is_all {
            return Some((n, WHOLE));
        }
        // Titles and particles at the edges are left to stand. At the left they are passed over by the caller.
        if self.guard(self.word(at)?) == NEVER && !(n > 1 && self.is_tied(at)) {
            return None;
        }
        while n > 1 && self.word(at + n - 1).is_some_and(|last| self.guard(last) == NEVER) {
            n -= 1;
        }
        if n > 1 && self.is_beside(at, n) {
            return Some((n, WHOLE));
        }
        self.alone(at, LOWER).map(|worth| (1, worth))
    }

    /// Looks for the names of the books at a word.
    fn booked(&self, at: usize) -> Option<(usize, i16)> {
        self.books.iter().flatten().find_map(|book| self.booked_in(book, at))
    }

    fn booked_in(&self, book: &NameBook, at: usize) -> Option<(usize, i16)> {
        let word = self.word(at).filter(|word| word.hash != 0)?;
        let mut flags = book.words.flags(word.hash);
        let mut hash = word.hash;
        if flags == 0
            && let Some((stem, _)) = self.stem(word)
        {
            (flags, hash) = (book.words.flags(stem), stem);
        }
        if flags & BEGINS != 0 {
            let mut of_all = sequence(0, hash);
            let mut longest = 0;
            for n in 1..NAME_WORDS {
                let Some(next) = self.word(at + n).filter(|next| next.joined && next.hash != 0) else { break };
                of_all = sequence(of_all, next.hash);
                if book.sequences.flags(of_all) != 0 {
                    longest = n + 1;
                }
            }
            // In lower case two everyday words are no name.
            if longest > 0 && !self.is_never(at, longest) && (word.unspaced || self.is_beside(at, longest)) {
                return Some((longest, WHOLE));
            }
        }
        // A name of a script without capital letters may be any word.
        let titled = flags & IS_PART != 0 && word.case == Case::Title && !self.is_shouted(at) && !self.is_rewritten(at);
        if titled { self.alone(at, 0).map(|worth| (1, if word.opens { GUESSED } else { worth })) } else { None }
    }

    fn guard(&self, word: &Word) -> u64 {
        self.guards.words.flags(word.hash)
    }

    /// Whether an apostrophe or a hyphen ties a word to the next: `O'Brien`, `Al-Masri`.
    fn is_tied(&self, at: usize) -> bool {
        let next = self.word(at).and_then(|word| self.text.get(word.end as usize..)).unwrap_or_default();
        next.starts_with(b"'") || next.starts_with(b"-") || next.starts_with("’".as_bytes())
    }

    fn is_never(&self, at: usize, n: usize) -> bool {
        self.words.iter().skip(at).take(n).all(|word| self.guard(word) == NEVER)
    }

    /// Whether the `n` words of a name that stand side by side are a name: two different ones, of which one is no everyday
    /// word, or all of them have their capital letter.
    fn is_beside(&self, at: usize, n: usize) -> bool {
        let words = || self.words.iter().skip(at).take(n);
        let differ = words().any(|word| Some(word.hash) != self.word(at).map(|first| first.hash));
        let telling = |word: &Word| self.guard(word) == 0 && word.letters >= 2;
        differ && (words().any(telling) || words().all(|word| word.case == Case::Title || self.guard(word) == NEVER))
    }

    /// What one word of a name is worth alone, if anything; `lower` is what it is worth in lower case.
    fn alone(&self, at: usize, lower: i16) -> Option<i16> {
        let word = self.word(at)?;
        if word.unspaced || word.letters < PART_LETTERS {
            return None;
        }
        let worth = match (self.guard(word), word.case) {
            (NEVER, _) => 0,
            (0, Case::Title | Case::Upper | Case::None) => PART,
            (0, Case::Lower) => lower,
            (guard, Case::Title) if self.is_named(at) && (guard == EVERYDAY || !self.is_dated(at)) => GUESSED,
            _ => 0,
        };
        (worth > 0).then_some(worth)
    }

    /// Whether a word has a capital letter that neither the start of a sentence nor a headline gives it.
    fn is_named(&self, at: usize) -> bool {
        let Some((word, before)) = self.word(at).zip(at.checked_sub(1).and_then(|at| self.word(at))) else {
            return false;
        };
        if self.is_rewritten(at) {
            return false;
        }
        let capital = |word: &Word| matches!(word.case, Case::Title | Case::Upper);
        let after = self.word(at + 1).filter(|after| !after.opens);
        !word.opens
            && (!capital(before) || before.opens)
            && !after.is_some_and(|after| capital(after) && after.letters > 1)
    }

    /// Whether what stands around a word was rewritten, so that its neighbours are not those that its writer gave it. What was
    /// no name then is none now.
    fn is_rewritten(&self, at: usize) -> bool {
        let Some(word) = self.word(at) else { return true };
        let head = self.text.get(..word.start as usize).unwrap_or_default();
        let tail = self.text.get(word.end as usize..).unwrap_or_default().trim_ascii_start();
        memchr::memrchr(b']', head).is_some()
            || memchr::memmem::rfind(head, TOKEN).is_some()
            || tail.starts_with(b"[")
            || tail.starts_with(TOKEN)
    }

    /// Whether a number or a preposition makes a word a month, a day or a place.
    fn is_dated(&self, at: usize) -> bool {
        let Some(word) = self.word(at) else { return true };
        let before = at.checked_sub(1).and_then(|at| self.word(at));
        let led = before.is_some_and(|before| self.guards.before.flags(before.hash) != 0);
        let head = self.text.get(..word.start as usize).unwrap_or_default().trim_ascii_end();
        let tail = self.text.get(word.end as usize..).unwrap_or_default().trim_ascii_start();
        // A label or a token was a number, perhaps.
        let token = || head.iter().rev().take_while(|&&b| is_word(b)).any(|&b| b == b'_');
        let number = |b: &u8| b.is_ascii_digit() || matches!(b, b'[' | b']');
        led || head.last().is_some_and(number) || tail.first().is_some_and(number) || token()
    }

    /// Whether the words around one are all in capitals, so that its own say nothing.
    fn is_shouted(&self, at: usize) -> bool {
        let upper = |at: Option<usize>| at.and_then(|at| self.word(at)).is_some_and(|word| word.case == Case::Upper);
        upper(at.checked_sub(1)) && upper(Some(at + 1))
    }
}

/// What a name found may be worth at most; a scanner that asks for more need not look.
pub(super) fn is_sought(config: ScanConfig, scores: &super::score::Table, shape: i16) -> bool {
    scores.of(WHOLE.saturating_add(shape)) >= config.min_score
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(text: &'t str, hints: &Hints<'_>) -> Vec<&'t str> {
        let guards = Guards::build(&RuleSet::builtin().unwrap());
        let mut spans = Vec::new();
        find(text.as_bytes(), hints, &guards, &mut Memory::default(), |span, _| {
            spans.push(span);
            true
        });
        spans.into_iter().filter_map(|span| text.get(span.range())).collect()
    }

    #[track_caller]
    fn own(names: &[&str], text: &str, want: &[&str]) {
        let own: Vec<_> = names.iter().map(|name| name.as_bytes()).collect();
        assert_eq!(found(text, &Hints::default().names(&own)), want, "{names:?} in {text:?}");
    }

    #[track_caller]
    fn booked(names: &[&str], text: &str, want: &[&str]) {
        let book = NameBook::build(names).unwrap();
        assert_eq!(found(text, &Hints::default().book(Some(&book))), want, "book of {names:?} in {text:?}");
    }

    #[test]
    fn whole_and_by_part() {
        let awa = &["Awa Marie Ndiaye"];
        own(awa, "call Awa Marie Ndiaye now", &["Awa Marie Ndiaye"]);
        own(awa, "call awa ndiaye now", &["awa ndiaye"]);
        own(awa, "NDIAYE, AWA", &["NDIAYE, AWA"]);
        own(awa, "it is awa. ndiaye is here", &["awa", "ndiaye"]);
        own(awa, "Awa-Marie", &["Awa-Marie"]);
        own(awa, "Awa's book, d'Awa, @awa", &["Awa", "Awa", "awa"]);
        own(awa, "ÁWÁ and A\u{301}wa", &["ÁWÁ", "A\u{301}wa"]);
        own(awa, "awareness Lawa awa2 awa_x x_awa", &[]);
        own(&["Zoé Müller", "Nguyễn Văn An"], "zoe muller et nguyen van", &["zoe muller", "nguyen"]);
        own(&["J. P. Diop"], "J. P. Diop, diop", &["J. P. Diop", "diop"]);
        own(&["Sam O'Brien"], "Mr O'Brien and OBrien", &["O'Brien"]);
        own(&["Ana"], "ana ANA Banana", &["ana", "ANA"]);
        own(&["Bo Li"], "bo knows li; Bo Li", &["Bo Li"]);
    }

    #[test]
    fn everyday_words() {
        let names = &["Hope Akinyi", "Will May", "Grace"];
        own(names, "Hope to see you, I hope so. Will you come?", &[]);
        own(names, "thanks Hope!", &["Hope"]);
        own(names, "hope akinyi here", &["hope akinyi"]);
        own(names, "will may be", &[]);
        own(names, "tell Will May now", &["Will May"]);
        own(names, "AMAZING GRACE NOW", &[]);
        own(names, "Amazing Grace How Sweet", &[]);
        own(names, "Dear Grace, hello", &["Grace"]);
        own(names, "grace", &["grace"]);
        own(names, "Grace", &["Grace"]);
        own(names, "in May, on 5 May, May 5", &[]);
        own(names, "is May there?", &["May"]);
        own(names, "[GRACE] and tok_nm_grace Grace_x", &[]);
    }

    #[test]
    fn titles_and_particles() {
        let names = &["Dr Awa de Souza", "Mum", "Taxi Ali"];
        own(names, "the dr is here, mum", &[]);
        own(names, "Dr Awa came", &["Awa"]);
        own(names, "Awa de Souza", &["Awa de Souza"]);
        own(names, "taxi for ali", &["ali"]);
        own(names, "Mum", &[]);
    }

    #[test]
    fn other_scripts() {
        own(&["王小明"], "我叫王小明", &["王小明", "小明"]);
        own(&["王小明"], "小明在家", &["小明"]);
        own(&["김민수"], "김민수씨 안녕", &["김민수"]);
        own(&["สมชาย ใจดี"], "ผมชื่อสมชายครับ", &["สมชาย"]);
        own(&["محمد علي"], "مرحبا يا محمد كيف", &["محمد"]);
        own(&["محمد علي"], "ومحمد علي", &["محمد علي"]);
        own(&["Иван Петров"], "иван петров и Петров", &["иван петров", "Петров"]);
        own(&["राहुल शर्मा"], "मैं राहुल शर्मा हूँ", &["राहुल शर्मा"]);
        booked(&["王小明", "محمد علي"], "我叫王小明 و محمد علي", &["王小明", "محمد علي"]);
    }

    #[test]
    fn what_is_no_name() {
        own(
            &["awa@example.org", "[PERSON]", "tok_nm_sbbb_x", "https://example.org", "", "+221 77", "🌸"],
            "awa org person",
            &[],
        );
        booked(&["[PERSON]", "tok_nm_x", "123"], "person 123", &[]);
    }

    #[test]
    fn books() {
        let names = &["Awa Ndiaye", "Hope Akinyi", "Will Smith", "Wa Sa"];
        booked(names, "awa ndiaye and NDIAYE AWA", &["awa ndiaye", "NDIAYE AWA"]);
        booked(names, "my awa, and Ndiaye. Akinyi said", &["Ndiaye", "Akinyi"]);
        booked(names, "hope akinyi", &["hope akinyi"]);
        booked(names, "will smith the iron, Will Smith, WE SAW AWA NOW", &["Will Smith"]);
        booked(names, "thanks Hope!", &["Hope"]);
        assert_eq!(NameBook::build(names).unwrap().len(), 4);
        assert!(NameBook::build([""; 3]).unwrap().is_empty());
        assert_eq!(format!("{:?}", Hints::default().names(&[b"Awa"])).matches("Awa").count(), 0);
    }

    #[test]
    fn long_texts() {
        let text = "word ".repeat(READ_WORDS - 3) + "Awa Ndiaye " + &"more ".repeat(READ_WORDS) + "Ndiaye";
        own(&["Awa Ndiaye"], &text, &["Awa Ndiaye", "Ndiaye"]);
        for pad in READ_WORDS - 20..READ_WORDS + 4 {
            let text = "word ".repeat(pad) + "Awa Ndiaye";
            own(&["Awa Ndiaye"], &text, &["Awa Ndiaye"]);
            booked(&["Awa Ndiaye"], &text, &["Awa Ndiaye"]);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_name_that_is_found_may_stand(
            text in "[a-dJA-C.,'éÉẽ\u{301}’王K 1_]{0,30}",
            name in "[a-dJA-C éÉẽK.]{0,12}",
        ) {
            let guards = Guards::build(&RuleSet::default());
            // A book is asked without a look at how words begin.
            let book = NameBook::build(["no such name"]).unwrap();
            let own = [name.as_bytes()];
            let mut all = false;
            let hints = Hints::default().names(&own).book(Some(&book));
            find(text.as_bytes(), &hints, &guards, &mut Memory::default(), |_, _| {
                all = true;
                true
            });
            let hints = Hints::default().names(&own);
            proptest::prop_assert!(!all || Memory::default().may_stand_alone(text.as_bytes(), &hints));
            // Nor does it matter that other texts stand around it.
            let buffer = format!("ab {text}\nab");
            let text = |start: usize, end: usize| Text { span: Span::new(offset(start), offset(end)), hints: &hints };
            let batch = [text(0, 2), text(3, buffer.len() - 3), text(buffer.len() - 2, buffer.len())];
            let mut memory = Memory::default();
            memory.begin(Level::best());
            memory.may_stand(buffer.as_bytes(), &batch, 0);
            proptest::prop_assert!(!all || memory.may_stand(buffer.as_bytes(), &batch, 1));
        }

        #[test]
        fn any_text(text in "[a-c A-C.,'é\\[\\]_0-9٠王-]{0,60}", name in "[a-cA-C éé王.]{0,12}") {
            let book = NameBook::build([&name]).unwrap();
            let own = [name.as_bytes()];
            let guards = Guards::build(&RuleSet::default());
            let hints = Hints::default().names(&own).book(Some(&book));
            find(text.as_bytes(), &hints, &guards, &mut Memory::default(), |span, _| {
                assert!(span.start < span.end && text.get(span.range()).is_some());
                true
            });
        }
    }
}
