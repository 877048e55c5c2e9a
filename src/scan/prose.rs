//! Small words beside digits: `for 250` is no number plate, and `is 12345678` no id that begins with letters.

use crate::rules::RuleSet;

/// What a candidate is worth of which a part is prose, in tenths of a bit: more than its words are.
pub(super) const PROSE: i16 = -100;
/// Most letters of such a word.
const LETTERS: usize = 4;

/// Small words that every message holds.
pub(super) struct Prose(Vec<[u8; LETTERS]>);

impl Prose {
    pub(super) fn build(rules: &RuleSet) -> Self {
        let mut words: Vec<_> = rules.prose().iter().filter_map(|word| packed(word.as_bytes())).collect();
        words.sort_unstable();
        Self(words)
    }

    /// Returns whether a blank parts a small word from the rest of a candidate, as people write it in a sentence: in small letters.
    pub(super) fn is_in(&self, candidate: &[u8]) -> bool {
        candidate.contains(&b' ') && candidate.split(|&b| b == b' ').any(|word| self.holds(word))
    }

    fn holds(&self, word: &[u8]) -> bool {
        packed(word).is_some_and(|word| self.0.binary_search(&word).is_ok())
    }
}

/// A word with zeros behind; nothing where it is none of small letters, or is longer.
fn packed(word: &[u8]) -> Option<[u8; LETTERS]> {
    let mut room = [0; LETTERS];
    let own = room.get_mut(..word.len()).filter(|own| !own.is_empty())?;
    own.copy_from_slice(word);
    word.iter().all(u8::is_ascii_lowercase).then_some(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_beside_digits() {
        let prose = Prose::build(&RuleSet::builtin().unwrap());
        for text in ["for 250", "die 100", "is 12345678", "500 usd", "de 5 a", "in 2019", "12 de mayo"] {
            assert!(prose.is_in(text.as_bytes()), "{text}");
        }
        for text in ["abc 250", "FOR 250", "For 250", "for250", "for-250", "250", "", " ", "12  34", "forty 2"] {
            assert!(!prose.is_in(text.as_bytes()), "{text}");
        }
    }
}
