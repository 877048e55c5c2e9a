//! Words with a capital letter that are worth a look: those that a rule's values begin with (`Calle`, `Rua`), and those that
//! stand right behind a phrase which a rule names (`my name is`).
//!
//! Most messages begin with a capital letter, so three letters are asked first: those of the word, and those that stand
//! before it.

use super::verify::{before, is_word};
use super::words::{latin_at, tokenize};
use crate::rules::{Gate, RuleSet, Sieve};

/// Longest phrase with what parts it from a word, in bytes.
const PHRASE_BYTES: usize = 48;
/// Words of a text that may be as long as a phrase.
const PHRASE_WORDS: usize = PHRASE_BYTES / 2;
/// Most bytes between a phrase and the word behind it: `name : Awa`.
const GAP_BYTES: usize = 3;

/// What words with a capital letter are asked for.
#[derive(Default)]
pub(super) struct Openers {
    /// What values begin with.
    heads: Letters,
    /// What phrases end with.
    tails: Letters,
    /// Last but one and last word of each phrase; 0 where there is one.
    phrases: Vec<(u64, u64)>,
}

/// What a word with a capital letter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// What a value begins with.
    pub(super) head: bool,
    /// Right behind a phrase.
    pub(super) behind: bool,
}

impl Openers {
    pub(super) fn build(rules: &RuleSet) -> Self {
        let mut out = Self::default();
        for rule in rules.rules().iter().filter(|rule| rule.sieve == Sieve::Capital) {
            if rule.gate == Gate::Open {
                // The loader refuses a rule that has none.
                rule.heads().into_iter().flatten().for_each(|head| out.heads.add(head));
                continue;
            }
            for phrase in rule.context.iter().chain(&rule.labels) {
                let mut words = [0; PHRASE_WORDS];
                let n_words = tokenize(phrase.as_bytes(), &mut words);
                out.phrases.extend(last_two(words.get(..n_words).unwrap_or_default()));
                for text in [phrase.as_bytes().to_vec(), plain(phrase.as_bytes())] {
                    let text = [b" ", text.as_slice()].concat();
                    text.last_chunk().into_iter().for_each(|tail| out.tails.add(*tail));
                }
            }
        }
        out.phrases.sort_unstable();
        out.phrases.dedup();
        out
    }

    /// Whether the word of which the second letter stands at `at` may be one of them: asked of nearly every message, so it says so of a
    /// few that are none, and never the reverse.
    #[inline]
    pub(super) fn may_open(&self, buffer: &[u8], at: usize) -> bool {
        let Some(start) = at.checked_sub(1) else { return false };
        let own = buffer.get(start..start + 3).and_then(<[u8]>::first_chunk);
        if own.is_some_and(|own| self.heads.has(*own)) {
            return true;
        }
        let end = gap_before(buffer, start);
        let last = end.checked_sub(3).and_then(|from| buffer.get(from..end)).and_then(<[u8]>::first_chunk);
        // Too near the beginning to tell.
        end < start && last.is_none_or(|last| self.tails.has(*last))
    }

    /// Tells what the word is that begins at `start`.
    pub(super) fn of(&self, text: &[u8], start: usize) -> Opened {
        let own = text.get(start..start + 3).and_then(<[u8]>::first_chunk);
        let head = own.is_some_and(|own| self.heads.has(*own));
        let end = gap_before(text, start);
        let mut words = [0; PHRASE_WORDS];
        let spoken = end < start && before(text, end, 1).is_some_and(|b| is_word(b) || b >= 0x80);
        let said = if spoken { text.get(end.saturating_sub(PHRASE_BYTES)..end) } else { None };
        let n_words = said.map_or(0, |said| tokenize(said, &mut words));
        let words = words.get(..n_words).unwrap_or_default();
        let known = |pair: &(u64, u64)| self.phrases.binary_search(pair).is_ok();
        let behind = last_two(words).is_some_and(|(one, two)| known(&(one, two)) || known(&(0, two)));
        Opened { head, behind }
    }
}

fn last_two(words: &[u64]) -> Option<(u64, u64)> {
    match words {
        [] => None,
        [only] => Some((0, *only)),
        [.., one, two] => Some((*one, *two)),
    }
}

/// Where what may part a phrase from a word at `start` begins.
#[inline]
fn gap_before(text: &[u8], start: usize) -> usize {
    let is_gap = |b: u8| matches!(b, b' ' | b':' | b'=' | b'-' | b'*');
    let mut end = start;
    while start - end < GAP_BYTES && before(text, end, 1).is_some_and(is_gap) {
        end -= 1;
    }
    end
}

/// A text without the accents of its Latin letters.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match latin_at(&[&[byte], after].concat()) {
            Some(letter) => {
                out.push(letter);
                rest = after.get(1..).unwrap_or_default();
            }
            None => out.push(byte),
        }
    }
    out
}

/// A set of three letters each, in any case; it may hold a few more than it was given.
struct Letters(Box<[u64; SETS]>);

const SETS: usize = (1 << 15) / u64::BITS as usize;

impl Default for Letters {
    fn default() -> Self {
        Self(Box::new([0; SETS]))
    }
}

impl Letters {
    #[inline]
    fn place(letters: [u8; 3]) -> (usize, u64) {
        let [a, b, c] = letters.map(|b| usize::from(b & 0x1f));
        (a << 4 | b >> 1, 1 << ((b & 1) << 5 | c))
    }

    fn add(&mut self, letters: [u8; 3]) {
        let (at, bit) = Self::place(letters);
        self.0.get_mut(at).into_iter().for_each(|set| *set |= bit);
    }

    #[inline]
    fn has(&self, letters: [u8; 3]) -> bool {
        let (at, bit) = Self::place(letters);
        self.0.get(at).is_some_and(|set| set & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;

    #[test]
    fn words_behind_phrases() {
        let openers = Openers::build(&RuleSet::builtin().unwrap());
        let behind = |text: &str| {
            let start = text.find(['W', 'C']).unwrap();
            let opened = openers.of(text.as_bytes(), start);
            let may = openers.may_open(text.as_bytes(), start + 1);
            assert!(may || !(opened.behind || opened.head), "{text}: three letters are asked first");
            (opened.behind, opened.head)
        };
        for text in [
            "my name is Wanjiru",
            "MY NAME IS: Wanjiru",
            "hi, it's Wanjiru",
            "o meu nome é Wanjiru",
            "meu nome e Wanjiru",
        ] {
            assert_eq!(behind(text), (true, false), "{text}");
        }
        for text in [
            "Wanjiru",
            "that is Wanjiru",
            "my name, Wanjiru",
            "is \"Wanjiru",
            "{\"name\":\"Wanjiru",
            "name is\nWanjiru",
        ] {
            assert_eq!(behind(text), (false, false), "{text}");
        }
        assert_eq!(behind("vivo en Calle Mayor 3"), (false, true));
    }
}
