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

/// Bytes in a block; bit `n` of a mask speaks of byte `n` of its block.
pub(crate) const BLOCK: usize = 64;

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
    is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi")
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
                // SAFETY: AVX-512 BW and VBMI are there (just asked), and the lengths match (asserted above).
                unsafe { avx512::classify(bytes, out) }
            }
            _ => scalar::classify(bytes, out),
        }
        n_blocks
    }

    /// Tells the letters of one block.
    #[inline]
    pub(crate) fn letters(self, block: &[u8; BLOCK]) -> Letters {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: AVX2 is there (just asked).
            Self::Avx2 if is_x86_feature_detected!("avx2") => unsafe { avx2::letters(block) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: AVX-512 BW and VBMI are there (just asked).
            Self::Avx512 if has_avx512() => unsafe { avx512::letters(block) },
            _ => scalar::letters(block),
        }
    }

    /// Tells where in a block one of two small letters stands with the other right behind it, each small or as a capital.
    #[inline]
    pub(crate) fn pairs(self, block: &[u8; BLOCK + 1], first: u8, second: u8) -> u64 {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: AVX2 is there (just asked).
            Self::Avx2 if is_x86_feature_detected!("avx2") => unsafe { avx2::pairs(block, first, second) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: AVX-512 BW and VBMI are there (just asked).
            Self::Avx512 if has_avx512() => unsafe { avx512::pairs(block, first, second) },
            _ => scalar::pairs(block, first, second),
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
        fn levels_agree(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let truth = masks(Level::Scalar, &bytes);
            for level in Level::available() {
                prop_assert_eq!(&masks(level, &bytes), &truth);
            }
        }

        #[test]
        fn levels_agree_on_pairs(bytes in proptest::collection::vec(proptest::sample::select(&b"aAbB!\"\x80\xe1 "[..]), BLOCK + 1)) {
            let block: &[u8; BLOCK + 1] = bytes.first_chunk().unwrap();
            let truth = Level::Scalar.pairs(block, b'a', b'b');
            let is = |at: usize, letter: u8| bytes[at].eq_ignore_ascii_case(&letter);
            for at in 0..BLOCK {
                prop_assert_eq!(truth >> at & 1 != 0, is(at, b'a') && is(at + 1, b'b'));
            }
            for level in Level::available() {
                prop_assert_eq!(level.pairs(block, b'a', b'b'), truth);
            }
        }

        #[test]
        fn levels_agree_on_letters(bytes in proptest::array::uniform32(any::<u8>())) {
            let mut block = [0; BLOCK];
            block[16..48].copy_from_slice(&bytes);
            let truth = Level::Scalar.letters(&block);
            for level in Level::available() {
                prop_assert_eq!(level.letters(&block), truth);
            }
        }
    }
}
