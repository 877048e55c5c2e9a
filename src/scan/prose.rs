//! Small words beside digits: `for 250` is no number plate, and `is 12345678` no id that begins with letters. Nor is the `e` of `mãe`
//! the beginning of one.

use crate::rules::RuleSet;
use crate::span::Span;

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

    /// Returns whether the first letters of a candidate are a small word that a blank parts from digits, as people write it in a
    /// sentence: in small letters. What begins otherwise may end with anything (`abc 123 de`), and letters beside letters are as
    /// number plates have them (`m ab 1234`).
    pub(super) fn is_in(&self, candidate: &[u8]) -> bool {
        let is_word = |piece: &&[u8]| !piece.is_empty() && piece.iter().all(u8::is_ascii_alphabetic);
        let is_lettered =
            |piece: &&[u8]| !piece.is_empty() && piece.iter().all(|&b| b.is_ascii_alphabetic() || b >= 0x80);
        let mut pieces = candidate.split(|&b| b == b' ');
        let Some(first) = candidate.contains(&b' ').then(|| pieces.find(is_word)).flatten() else { return false };
        !pieces.next().as_ref().is_some_and(is_lettered) && self.holds(first)
    }

    fn holds(&self, word: &[u8]) -> bool {
        packed(word).is_some_and(|word| self.0.binary_search(&word).is_ok())
    }
}

/// Returns whether a candidate begins or ends within a word that goes on with an accented letter of the Latin script.
pub(super) fn parts_word(text: &[u8], span: Span) -> bool {
    let (start, end) = (span.start as usize, span.end as usize);
    let is_letter = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic);
    let is_latin = |letter: Option<&[u8]>| matches!(letter, Some([0xc3..=0xcd, 0x80..=0xbf]));
    is_latin(start.checked_sub(2).and_then(|from| text.get(from..start))) && is_letter(Some(start))
        || is_latin(text.get(end..end + 2)) && is_letter(end.checked_sub(1))
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
        for text in ["for 250", "die 100", "is 12345678", "500 usd", "de 5 a", "in 2019"] {
            assert!(prose.is_in(text.as_bytes()), "{text}");
        }
        for (text, start, end) in [("mãe b450", 3, 8), ("ABC 12 dé", 0, 8)] {
            assert!(parts_word(text.as_bytes(), Span::new(start, end)), "{text}");
        }
        for (text, start, end) in [("mãe b450", 4, 8), ("é450", 2, 5), ("450é", 0, 3), ("车b450", 3, 7), ("", 0, 0)]
        {
            assert!(!parts_word(text.as_bytes(), Span::new(start, end)), "{text}");
        }
        for text in [
            "abc 250",
            "FOR 250",
            "For 250",
            "for250",
            "for-250",
            "250",
            "",
            " ",
            "12  34",
            "forty 2",
            "abc 123 de",
            "m ab 1234",
            "3 de março de 1996",
        ] {
            assert!(!prose.is_in(text.as_bytes()), "{text}");
        }
    }
}
