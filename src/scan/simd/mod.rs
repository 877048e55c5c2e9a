//! Marks what is worth a look: one pass over the bytes, 64 at a time, into bit masks.
//!
//! This is the only place with unsafe code. `scalar` is the definition of truth; every other level gives the same
//! masks, faster. The level is chosen once, when a scanner is built.
#![allow(unsafe_code, reason = "vector intrinsics; the bounds are asserted at the door")]

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use std::sync::LazyLock;

/// Bytes in a block; bit `n` of a mask speaks of byte `n` of its block.
pub(crate) const BLOCK: usize = 64;
/// Places of [`Known::words`]: 32 KiB.
pub(crate) const PLACES: usize = 1 << 12;

/// What the bytes of one block are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Masks {
    /// `0-9`.
    pub(crate) digit: u64,
    /// `A-Z a-z 0-9 _`.
    pub(crate) word: u64,
    /// `A-Z`.
    pub(crate) upper: u64,
    /// `-`.
    pub(crate) dash: u64,
    /// `@`.
    pub(crate) at: u64,
    /// `:`.
    pub(crate) colon: u64,
    /// `.`.
    pub(crate) dot: u64,
    /// `/`.
    pub(crate) slash: u64,
    /// What plain numbers are made of: digits, blank, `( ) - . / ~`.
    pub(crate) number: u64,
    /// `0xc2`, `0xcd` and `0xd8` and above: what a character that folds begins with, and a few more.
    pub(crate) lead: u64,
}

/// Which bytes of one block are parts of words of prose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Letters {
    /// `A-Z a-z`.
    pub(crate) ascii: u64,
    /// Bytes of `0x80` and above.
    pub(crate) high: u64,
    /// `'`, which may stand inside of a word.
    pub(crate) joint: u64,
    /// `[` and `_`, without which there is no label and no token.
    pub(crate) mark: u64,
}

/// The words that are worth a look, by their hashes (`words::WordHash`); a few others seem to be among them.
#[derive(Clone, Copy)]
pub(crate) struct Known<'k> {
    /// By the upper bits of a word's hash what words with such hashes speak of, a bit for each in the upper half, and a bit for
    /// each of them in the lower half, by the next five bits of its hash.
    pub(crate) words: &'k [u64; PLACES],
    /// What is asked for; words that speak of none of it are worth no look.
    pub(crate) kinds: u32,
}

impl Known<'_> {
    /// The place of a word, and its bit there.
    #[inline]
    pub(crate) const fn place(hash: u64) -> (usize, u64) {
        let bits = u64::BITS - PLACES.trailing_zeros();
        ((hash >> bits) as usize, 1 << (hash >> (bits - 5) & 31))
    }

    /// Returns whether the word with this hash is worth a look.
    #[inline]
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let (place, bit) = Self::place(hash);
        self.words.get(place).is_some_and(|words| words & bit != 0 && words >> 32 & u64::from(self.kinds) != 0)
    }
}

/// Letters of a plain word at most.
pub(crate) const WORD: usize = 8;
/// Letters of a [`Head`] at most.
pub(crate) const HEAD_LETTERS: usize = 4;

/// The first letters of a word, small ones of ASCII, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) letters: [u8; HEAD_LETTERS],
    pub(crate) len: usize,
}

impl Head {
    pub(crate) fn letters(&self) -> &[u8] {
        self.letters.get(..self.len).unwrap_or_default()
    }
}

/// The words of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) letters: Letters,
    /// Where words begin.
    pub(crate) starts: u64,
    /// Of these the plain ones that are not known: they end in the block, have at most eight letters, all of them of ASCII, and no
    /// apostrophe on either side.
    pub(crate) dismissed: u64,
}

impl Letters {
    /// Parts of words.
    #[inline]
    pub(crate) const fn any(&self) -> u64 {
        self.ascii | self.high
    }

    /// Where words begin, and those of them that end before the block does; with `goes_on` the first letters are those of a word that
    /// began before it.
    #[inline]
    const fn words(&self, goes_on: u64) -> (u64, u64) {
        let all = self.any();
        let starts = all & !(all << 1 | goes_on);
        // A word that reaches the end may go on, and begins behind all others.
        let last = if all >> 63 == 0 || starts == 0 { 0 } else { 1 << (63 - starts.leading_zeros()) };
        (starts, starts & !last)
    }
}

/// How wide the classification works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Level {
    /// One byte at a time.
    Scalar,
    /// 32 bytes at a time.
    Avx2,
    /// 64 bytes at a time.
    Avx512,
}

/// Whether this CPU has what [`Level::Avx512`] takes.
#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx512() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| {
        is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("bmi2")
    });
    *HAS
}

impl Level {
    /// Returns the best level of this CPU.
    #[must_use]
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Scalar)
    }

    /// Returns every level that this CPU can run, the best last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        [Self::Scalar, Self::Avx2, Self::Avx512].into_iter().filter(|level| level.is_there()).collect()
    }

    /// Whether this CPU can run a level.
    fn is_there(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => has_avx512(),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// Classifies as many whole blocks as both arguments hold, and returns how many that were.
    ///
    /// A level that the CPU lacks falls back to the scalar one.
    pub(crate) fn classify(self, bytes: &[u8], out: &mut [Masks]) -> usize {
        let n_blocks = out.len().min(bytes.len() / BLOCK);
        let (Some(bytes), Some(out)) = (bytes.get(..n_blocks * BLOCK), out.get_mut(..n_blocks)) else { return 0 };
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if is_x86_feature_detected!("avx2") => {
                assert_eq!(bytes.len(), out.len() * BLOCK);
                // SAFETY: AVX2 is there (just asked), and the lengths match (asserted above).
                unsafe { avx2::classify(bytes, out) }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if has_avx512() => {
                assert_eq!(bytes.len(), out.len() * BLOCK);
                // SAFETY: AVX-512 is there (just asked), and the lengths match (asserted above).
                unsafe { avx512::classify(bytes, out) }
            }
            _ => scalar::classify(bytes, out),
        }
        n_blocks
    }

    /// Tells the words of the block that `bytes` begins with; where there are fewer bytes, of those. `goes_on` is 1 where a word goes
    /// on into the block, else 0.
    #[inline]
    pub(crate) fn hear(self, bytes: &[u8], goes_on: u64, known: &Known<'_>) -> Heard {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Avx512 && has_avx512() {
            // SAFETY: AVX-512 and BMI2 are there (just asked).
            return unsafe { avx512::hear(bytes, goes_on, known) };
        }
        let mut padded = [0; BLOCK + WORD];
        let padded = bytes.first_chunk().unwrap_or_else(|| {
            padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            &padded
        });
        let Some(block) = padded.first_chunk() else { return Heard::default() };
        let letters = match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: AVX2 is there (just asked).
            Self::Avx2 if is_x86_feature_detected!("avx2") => unsafe { avx2::letters(block) },
            _ => scalar::letters(block),
        };
        let (starts, whole) = letters.words(goes_on);
        Heard { letters, starts, dismissed: scalar::dismissed(padded, &letters, whole, known) }
    }

    /// Tells where in the block that `bytes` begins with a word begins with one of `heads`, in small letters or capitals, and where
    /// bytes of `0x80` and above stand. `before` is the byte before the block; a word that begins near its end may go on behind it.
    #[inline]
    pub(crate) fn heads(self, bytes: &[u8], before: u8, heads: &[Head]) -> (u64, u64) {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Avx512 && has_avx512() {
            // SAFETY: AVX-512 is there (just asked).
            return unsafe { avx512::heads(bytes, before, heads) };
        }
        let mut padded = [0; BLOCK + HEAD_LETTERS - 1];
        let block = bytes.first_chunk().unwrap_or_else(|| {
            padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            &padded
        });
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: AVX2 is there (just asked).
            Self::Avx2 if is_x86_feature_detected!("avx2") => unsafe { avx2::heads(block, before, heads) },
            _ => scalar::heads(block, before, heads),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masks(level: Level, bytes: &[u8]) -> Vec<Masks> {
        let mut out = vec![Masks::default(); bytes.len() / BLOCK];
        assert_eq!(level.classify(bytes, &mut out), out.len());
        out
    }

    #[test]
    fn every_byte_value_gets_the_same_masks_on_every_level() {
        let bytes: Vec<u8> = (0..=255).collect();
        let truth = masks(Level::Scalar, &bytes);
        for level in Level::available() {
            assert_eq!(masks(level, &bytes), truth, "{level:?}");
        }
    }

    #[test]
    fn whole_blocks_only() {
        let mut out = [Masks::default(); 4];
        for level in Level::available() {
            assert_eq!(level.classify(&[b'1'; 63], &mut out), 0);
            assert_eq!(level.classify(&[b'1'; 191], &mut out), 2);
            assert_eq!(level.classify(&[b'1'; 1024], &mut out), 4);
        }
    }

    proptest! {
        #[test]
        fn levels_agree_on_words(
            text in "[a-cA-C' é_1]{0,90}",
            long in "[a-c]{0,12}",
            words in proptest::collection::vec(any::<u64>(), PLACES),
            kinds in any::<u32>(),
        ) {
            let text = text + &long + " ";
            let bytes = text.as_bytes();
            let known = Known { words: words.first_chunk().unwrap(), kinds };
            for goes_on in 0..2 {
                let truth = Level::Scalar.hear(bytes, goes_on, &known);
                prop_assert_eq!(truth.dismissed & !truth.starts, 0);
                for level in Level::available() {
                    prop_assert_eq!(level.hear(bytes, goes_on, &known), truth);
                }
            }
        }

        #[test]
        fn levels_agree(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let truth = masks(Level::Scalar, &bytes);
            for level in Level::available() {
                prop_assert_eq!(&masks(level, &bytes), &truth);
            }
        }

        #[test]
        fn levels_agree_on_heads(
            bytes in proptest::collection::vec(proptest::sample::select(&b"aAbBc!\"\x80\xe1 "[..]), 0..BLOCK + 5),
            before in proptest::sample::select(&b"aZ \xe1"[..]),
        ) {
            let heads = [(*b"ab\0\0", 2), (*b"cabc", 4), (*b"b\0\0\0", 1)].map(|(letters, len)| Head { letters, len });
            let truth = Level::Scalar.heads(&bytes, before, &heads);
            for at in 0..BLOCK {
                let last = at.checked_sub(1).map_or(before, |at| bytes.get(at).copied().unwrap_or(0));
                let rest = bytes.get(at..).unwrap_or_default();
                let is_one = |head: &Head| rest.get(..head.len).is_some_and(|own| own.eq_ignore_ascii_case(head.letters()));
                prop_assert_eq!(truth.0 >> at & 1 != 0, !last.is_ascii_alphabetic() && heads.iter().any(is_one));
                prop_assert_eq!(truth.1 >> at & 1 != 0, rest.first().is_some_and(|byte| !byte.is_ascii()));
            }
            for level in Level::available() {
                prop_assert_eq!(level.heads(&bytes, before, &heads), truth);
            }
        }

        #[test]
        fn levels_agree_on_letters(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let known = Known { words: &[0; PLACES], kinds: 0 };
            let truth = Level::Scalar.hear(&bytes, 0, &known);
            for level in Level::available() {
                prop_assert_eq!(level.hear(&bytes, 0, &known), truth);
            }
        }
    }
}
