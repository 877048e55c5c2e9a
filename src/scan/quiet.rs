//! Short texts that hold nothing come again: the name of a channel, the answer `1`, `10:30`. What a scanner found out about the
//! last of them is kept for a while, so that it is not found out anew.
//!
//! A text is the same where its bytes, the name of its field and its regions are. Names that a caller knows are none of it:
//! they are looked for in any case.

use super::Hints;
use crate::ids::Region;

/// Longest text that is kept, in words of eight bytes.
const TEXT_WORDS: usize = 4;
/// Longest name of a field, in words of eight bytes.
const FIELD_WORDS: usize = 3;
/// Most regions.
const REGIONS: usize = 2;
/// Texts that are kept; of two with the same place the later.
const PLACES: usize = 64;

/// The last short texts in which rules found nothing. It serves one scanner.
///
/// # Security
/// Holds texts, in memory alone, and none in which something was found.
pub(super) struct Quiet(Box<[Option<Known>; PLACES]>);

impl Default for Quiet {
    fn default() -> Self {
        Self(Box::new([None; PLACES]))
    }
}

/// A text with what the scanner was told of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    text: Bytes<TEXT_WORDS>,
    field: Option<Bytes<FIELD_WORDS>>,
    regions: [Option<Region>; REGIONS],
}

/// A few bytes, with zeros behind.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bytes<const WORDS: usize> {
    words: [u64; WORDS],
    len: usize,
}

impl<const WORDS: usize> Bytes<WORDS> {
    /// Nothing where there are too many.
    #[inline]
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut room = [[0; 8]; WORDS];
        room.as_flattened_mut().get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { words: room.map(u64::from_le_bytes), len: bytes.len() })
    }
}

impl Known {
    /// Nothing where there is too much to keep.
    #[inline]
    pub(super) fn of(text: &[u8], hints: &Hints<'_>) -> Option<Self> {
        let text = Bytes::of(text)?;
        let field = match hints.field {
            Some(field) => Some(Bytes::of(field.as_bytes())?),
            None => None,
        };
        let mut regions = [None; REGIONS];
        let own = regions.get_mut(..hints.regions.len())?;
        own.iter_mut().zip(hints.regions).for_each(|(own, &region)| *own = Some(region));
        Some(Self { text, field, regions })
    }

    /// Its place, by the text.
    #[inline]
    fn place(&self) -> usize {
        let mix = |mixed: u64, word: &u64| (mixed ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        self.text.words.iter().fold(0, mix) as usize % PLACES
    }
}

impl Quiet {
    /// Whether nothing was found in this text.
    #[inline]
    pub(super) fn holds(&self, text: &Known) -> bool {
        self.0.get(text.place()).is_some_and(|known| known.as_ref() == Some(text))
    }

    /// Keeps a text in which nothing was found.
    pub(super) fn keep(&mut self, text: Known) {
        self.0.get_mut(text.place()).into_iter().for_each(|place| *place = Some(text));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ScanConfig, Scanner, Text};
    use super::*;
    use crate::span::Span;
    use crate::{Detection, RuleSet};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static SCANNER: LazyLock<Scanner> =
        LazyLock::new(|| Scanner::build(&RuleSet::builtin().unwrap(), ScanConfig::default()).unwrap());

    const REGION: fn(&[u8; 2]) -> Region = |code| Region::new(code).unwrap();

    #[test]
    fn what_is_kept() {
        let kept = |text: &str, hints: &Hints<'_>| Known::of(text.as_bytes(), hints).is_some();
        let plain = Hints::default();
        assert!(kept("Orange 8282", &plain) && kept("", &plain) && kept(&"1".repeat(32), &plain));
        assert!(!kept(&"1".repeat(33), &plain));
        assert!(kept("8282", &plain.field(Some("a_field_of_24_characters"))));
        assert!(!kept("8282", &plain.field(Some("a_field_of_25_characters_"))));
        let regions = [REGION(b"SN"), REGION(b"GB"), REGION(b"US")];
        assert!(!kept("8282", &plain.regions(&regions)) && kept("8282", &plain.regions(&regions[1..])));
    }

    #[test]
    fn another_field_or_region_is_another_text() {
        let known = |text: &str, hints: &Hints<'_>| Known::of(text.as_bytes(), hints).unwrap();
        let plain = Hints::default();
        let regions = [REGION(b"SN")];
        let mut quiet = Quiet::default();
        quiet.keep(known("12345678", &plain));
        assert!(quiet.holds(&known("12345678", &plain)));
        let others = [plain.field(Some("")), plain.field(Some("phone")), plain.regions(&regions)];
        assert!(others.iter().all(|hints| !quiet.holds(&known("12345678", hints))));
        assert!(!quiet.holds(&known("1234567", &plain)) && !quiet.holds(&known("12345678\0", &plain)));
    }

    /// What is found in each text, by a scratch that has seen nothing.
    fn anew(buffer: &str, texts: &[Text<'_>]) -> Vec<Detection> {
        let each = (0..).zip(texts).flat_map(|(number, text)| {
            let mut scratch = SCANNER.scratch();
            let own = text.span.of(buffer.as_bytes()).unwrap();
            let mut found = SCANNER.scan(own, text.hints, &mut scratch).unwrap().to_vec();
            found.iter_mut().for_each(|detection| detection.text = number);
            found
        });
        each.collect()
    }

    proptest! {
        /// Texts that come again are what they are the first time, whatever stood before them.
        #[test]
        fn known_texts_change_nothing(
            picks in prop::collection::vec((0..10_usize, 0..5_usize), 1..60),
        ) {
            const TEXTS: [&str; 10] = [
                "Orange 8282", "10:30", "1", "Awa 12", "ring Awa at 5", "77 123 45 67", "order 12345678", "PO 12345678",
                "a@example.org", "12345678",
            ];
            let (home, names) = ([REGION(b"SN")], [&b"Awa Diop"[..]]);
            let plain = Hints::default();
            let hints = [
                plain, plain.regions(&home), plain.field(Some("passport")), plain.names(&names),
                plain.names(&names).field(Some("phone")).regions(&home),
            ];
            let (mut buffer, mut texts) = (String::new(), Vec::new());
            for (text, of) in picks {
                let start = buffer.len() as u32;
                buffer.push_str(TEXTS[text]);
                texts.push(Text { span: Span::new(start, buffer.len() as u32), hints: &hints[of] });
                buffer.push('\n');
            }
            let mut scratch = SCANNER.scratch();
            let mut found = |texts: &[Text<'_>]| {
                SCANNER.scan_batch(buffer.as_bytes(), texts, &mut scratch);
                scratch.detections().to_vec()
            };
            let expected = anew(&buffer, &texts);
            prop_assert_eq!(&found(&texts), &expected);
            // Nor does a second call, which knows them all.
            prop_assert_eq!(&found(&texts), &expected);
        }
    }
}
