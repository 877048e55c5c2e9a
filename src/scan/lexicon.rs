//! Words of prohibited categories: what clients promised not to send. Counted, never reported with a place.
//!
//! The lists are short and the precision is low: a count is a reason to look, not a finding about a person.

use super::lookup::Reader;
use super::lookup::Word;
use crate::rules::RuleSet;
use crate::tally::Category;
use std::collections::HashMap;

/// Words of a phrase at most.
const PHRASE_WORDS: usize = 4;
/// Words that are held at a time.
const READ_WORDS: usize = 512;

/// The lists of all languages, compiled. Immutable; shared.
pub struct Lexicon {
    /// Phrases by the hash of their words.
    phrases: HashMap<u64, Phrase>,
    /// Hashes of first words.
    firsts: HashMap<u64, ()>,
    categories: Vec<Category>,
    minor_age: u8,
}

/// What a phrase says.
#[derive(Clone, Copy, Default)]
struct Phrase {
    category: Option<Category>,
    /// Stands before an age: `i am`.
    before: bool,
    /// Stands behind an age: `years old`.
    after: bool,
    /// Stands behind a number that is no age, whatever stands before it: `km`.
    unit: bool,
}

/// The working memory of one worker.
#[derive(Default)]
pub struct LexiconScratch {
    words: Vec<Word>,
}

impl Lexicon {
    /// Compiles the lists for these categories; whoever is younger than `minor_age` is a minor.
    #[must_use]
    pub fn build(rules: &RuleSet, categories: &[Category], minor_age: u8) -> Self {
        let mut lexicon =
            Self { phrases: HashMap::new(), firsts: HashMap::new(), categories: categories.to_vec(), minor_age };
        let wants_minors = categories.contains(&Category::Minor);
        for list in rules.prohibited() {
            for phrase in list.words.iter().filter(|_| categories.contains(&list.category)) {
                lexicon.add(phrase, |known| known.category = Some(list.category));
            }
            if wants_minors {
                list.before.iter().for_each(|phrase| lexicon.add(phrase, |known| known.before = true));
                list.after.iter().for_each(|phrase| lexicon.add(phrase, |known| known.after = true));
                list.units.iter().for_each(|phrase| lexicon.add(phrase, |known| known.unit = true));
            }
        }
        lexicon
    }

    /// Returns the categories that are counted.
    #[must_use]
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    fn add(&mut self, phrase: &str, set: impl Fn(&mut Phrase)) {
        let mut words = Vec::new();
        Reader::new(phrase.as_bytes()).fill(&mut words, PHRASE_WORDS);
        if let Some(first) = words.first() {
            self.firsts.insert(first.hash, ());
            set(self.phrases.entry(words.iter().fold(0, |hash, word| join(hash, word.hash))).or_default());
        }
    }

    /// Calls `found` for every phrase of a category in `text`.
    ///
    /// # Cost
    /// One pass over the words, about 10 ns each; no allocation once `scratch` has grown.
    pub fn find(&self, text: &[u8], scratch: &mut LexiconScratch, mut found: impl FnMut(Category)) {
        let words = &mut scratch.words;
        words.clear();
        let mut reader = Reader::new(text);
        let mut at = 0;
        loop {
            let ended = reader.fill(words, READ_WORDS);
            let upto = if ended { words.len() } else { words.len() - 2 * PHRASE_WORDS };
            while at < upto {
                if let Some((n, category)) = self.phrase(words, at, |known| known.category) {
                    found(category);
                    at += n;
                } else {
                    at += 1;
                }
            }
            if ended {
                break;
            }
            words.drain(..at);
            at = 0;
        }
        if self.categories.contains(&Category::Minor) {
            self.ages(text, words, found);
        }
    }

    /// The longest phrase that begins at a word and says what is asked.
    fn phrase<T>(&self, words: &[Word], at: usize, says: impl Fn(&Phrase) -> Option<T>) -> Option<(usize, T)> {
        let first = words.get(at)?;
        self.firsts.get(&first.hash)?;
        let mut hash = 0;
        let mut longest = None;
        for n in 0..PHRASE_WORDS {
            let Some(word) = words.get(at + n).filter(|word| n == 0 || !word.opens) else { break };
            hash = join(hash, word.hash);
            if let Some(said) = self.phrases.get(&hash).and_then(&says) {
                longest = Some((n + 1, said));
            }
        }
        longest
    }

    /// Looks for numbers below the age of majority that stand where ages stand.
    fn ages(&self, text: &[u8], words: &mut Vec<Word>, mut found: impl FnMut(Category)) {
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
            let start = from + at;
            let rest = text.get(start..).unwrap_or_default();
            let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            from = start + len;
            let after = rest.get(len..).unwrap_or_default();
            let age = rest.iter().take(len).fold(0_u32, |age, b| (age * 10 + u32::from(b - b'0')).min(1_000));
            let before = text.get(..start).unwrap_or_default();
            let tied = before.last().is_some_and(|b| super::verify::is_word(*b) || b"+-.,/:$#".contains(b));
            let part = matches!(after, [b'.' | b',' | b':' | b'/' | b'-', digit, ..] if digit.is_ascii_digit())
                || matches!(after, [b'%' | b'$' | b'_', ..]);
            if len > 2 || age == 0 || age >= u32::from(self.minor_age) || tied || part {
                continue;
            }
            // `12yo` and `12 ans`.
            words.clear();
            Reader::new(after.get(..NEAR_BYTES.min(after.len())).unwrap_or_default()).fill(words, PHRASE_WORDS);
            let behind = self.phrase(words, 0, |known| Some((known.after, known.unit)));
            let is_unit = behind.is_some_and(|(_, (_, unit))| unit);
            let is_age = behind.is_some_and(|(_, (after, _))| after);
            words.clear();
            let near = before.get(before.len().saturating_sub(NEAR_BYTES)..).unwrap_or_default();
            Reader::new(near).fill(words, NEAR_BYTES);
            let led = (1..=PHRASE_WORDS.min(words.len())).any(|n| {
                self.phrase(words, words.len() - n, |known| known.before.then_some(()))
                    .is_some_and(|(got, ())| got == n)
            });
            if is_age || (led && !is_unit) {
                found(Category::Minor);
            }
        }
    }
}

impl std::fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lexicon({} phrases)", self.phrases.len())
    }
}

/// Bytes beside a number that are looked at.
const NEAR_BYTES: usize = 40;

const fn join(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(age: u8, text: &str, want: &[Category]) {
        let lexicon = Lexicon::build(&RuleSet::builtin().unwrap(), Category::ALL, age);
        let mut found = Vec::new();
        lexicon.find(text.as_bytes(), &mut LexiconScratch::default(), |category| found.push(category));
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn ages_of_minors() {
        let minor = &[Category::Minor];
        for text in [
            "hi, I am 12",
            "i'm 15 years old",
            "im 14",
            "my son is 7 years old",
            "12yo girl",
            "j'ai 12 ans",
            "ma fille a 9 ans",
            "tengo 13 años",
            "mi hijo tiene 8 años",
            "tenho 11 anos",
            "age: 12",
            "âge 15",
            "edad 10",
            "idade: 17",
        ] {
            check(18, text, minor);
        }
        for text in [
            "I am 18",
            "j'ai 45 ans",
            "tengo 30 años",
            "I am 12 km away",
            "i am 10 minutes late",
            "call 12",
            "12:30",
            "I am 5.5",
            "order 12",
            "i'm 100% sure",
            "2 years ago",
            "il y a 10 ans que",
            "i am 12000",
        ] {
            check(18, text, &[]);
        }
        check(13, "I am 14", &[]);
        check(13, "I am 12", minor);
    }

    #[test]
    fn words_of_categories() {
        check(18, "the patient is HIV positive", &[Category::Health]);
        check(18, "elle est diabétique et enceinte", &[Category::Health, Category::Health]);
        check(18, "send your fingerprint scan", &[Category::Biometric]);
        check(18, "nothing of this kind", &[]);
    }
}
