//! From masks to anchors: the few places of a text that are worth a closer look.
//!
//! Every condition looks back, never ahead, so a block needs nothing but what the block before it left over. An anchor
//! may therefore stand a little behind the place it speaks of; whoever verifies it walks back.

use super::simd::Masks;

/// The anchors of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Anchors {
    /// The first digit of a word of `A-Z a-z 0-9 _`.
    pub(super) digit: u64,
    /// An `@`.
    pub(super) at: u64,
    /// A `:` at most five places after another.
    pub(super) colons: u64,
    /// The last byte of `://`.
    pub(super) scheme: u64,
    /// A letter after a dot after a letter or digit.
    pub(super) host: u64,
    /// The sixteenth byte of a run of `A-Z a-z 0-9 _ -`.
    pub(super) long: u64,
    /// The fifth hyphen of a run.
    pub(super) dashes: u64,
    /// A small letter, or no letter of ASCII, behind a capital one that begins a word.
    pub(super) capital: u64,
    /// Bytes that a character which folds may begin with.
    pub(super) lead: u64,
}

impl Anchors {
    /// Everything but what may fold.
    pub(super) const fn any(&self) -> u64 {
        self.others() | self.capital
    }

    /// Those of [`Anchors::any`] that are not for a capital letter.
    pub(super) const fn others(&self) -> u64 {
        self.digit | self.at | self.colons | self.scheme | self.host | self.long | self.dashes
    }
}

/// What one block leaves over for the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Carry {
    last: Masks,
    runs: [u64; 5],
    dashes: [u64; 3],
    /// Capital letters that words begin with.
    capitals: u64,
    /// Whether the block before ends in a word that has no digit yet.
    letters: bool,
}

impl Carry {
    /// Derives the anchors of a block.
    #[inline]
    pub(super) fn anchors(&mut self, m: &Masks) -> Anchors {
        let last = &self.last;
        let run = m.word | m.dash;
        let r2 = run & back::<1>(run, self.runs[0]);
        let r4 = r2 & back::<2>(r2, self.runs[1]);
        let r8 = r4 & back::<4>(r4, self.runs[2]);
        let r16 = r8 & back::<8>(r8, self.runs[3]);
        // The letters that a word begins with form a run of ones; adding one at its start carries to the bit behind it,
        // which is the word's first digit, or no part of the word.
        let begins = m.word & !back::<1>(m.word, last.word);
        let starts = begins | u64::from(self.letters);
        let letters = m.word & !m.digit;
        let capitals = begins & m.upper;
        let (behind, spills) = letters.overflowing_add(starts & letters);
        let mut anchors = Anchors {
            digit: m.digit & (behind & !letters | starts),
            at: m.at,
            long: r16 & !back::<1>(r16, self.runs[4]),
            // Behind the capital a letter above ASCII may stand; who asks tells it from other signs.
            capital: (letters & !m.upper | !(m.word | m.number)) & back::<1>(capitals, self.capitals),
            lead: m.lead,
            ..Anchors::default()
        };
        // Blocks of plain words have none of these, nor what these leave over.
        let [mut d2, mut d4, mut d5] = [0; 3];
        if m.dash | m.colon | m.slash | m.dot | last.dot != 0 {
            d2 = m.dash & back::<1>(m.dash, last.dash);
            d4 = d2 & back::<2>(d2, self.dashes[0]);
            d5 = d4 & back::<4>(m.dash, last.dash);
            let c = last.colon;
            let near_colon = back::<1>(m.colon, c)
                | back::<2>(m.colon, c)
                | back::<3>(m.colon, c)
                | back::<4>(m.colon, c)
                | back::<5>(m.colon, c);
            anchors.colons = m.colon & near_colon;
            anchors.scheme = m.slash & back::<1>(m.slash, last.slash) & back::<2>(m.colon, last.colon);
            anchors.host = letters & back::<1>(m.dot, last.dot) & back::<2>(m.word, last.word);
            anchors.dashes = d5 & !back::<1>(d5, self.dashes[2]);
        }
        self.last = *m;
        self.runs = [run, r2, r4, r8, r16];
        self.dashes = [d2, d4, d5];
        self.letters = spills;
        self.capitals = capitals;
        anchors
    }
}

/// The mask moved up by `N` places, filled from the block before.
#[inline]
const fn back<const N: u32>(mask: u64, last: u64) -> u64 {
    (mask << N) | (last >> (64 - N))
}

/// What an anchor's block says of its neighbourhood: ends of runs without walking bytes, where the block holds them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near<'m> {
    pub(super) masks: &'m Masks,
    pub(super) bit: u32,
}

impl Near<'_> {
    /// Returns how many bytes of the run of `mask` stand from the anchor on, if the run ends in this block.
    #[inline]
    pub(super) const fn ahead(&self, mask: u64) -> Option<usize> {
        let gap = !mask >> self.bit;
        if gap == 0 { None } else { Some(gap.trailing_zeros() as usize) }
    }

    /// Returns how many digits the run of plain-number bytes from the anchor on holds, if it ends in this block.
    #[inline]
    pub(super) const fn digits(&self) -> Option<usize> {
        let gap = !self.masks.number >> self.bit;
        if gap == 0 {
            return None;
        }
        let run = (gap & gap.wrapping_neg()).wrapping_sub(1);
        Some(((self.masks.digit >> self.bit) & run).count_ones() as usize)
    }

    /// Returns how many bytes of the run of `mask` stand before the anchor, if the run begins in this block.
    #[inline]
    pub(super) const fn behind(&self, mask: u64) -> Option<usize> {
        let gap = !mask & ((1 << self.bit) - 1);
        if gap == 0 { None } else { Some((self.bit + gap.leading_zeros()) as usize - 64) }
    }
}

/// Length of a run that makes a long token, in bytes.
pub(super) const LONG: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::simd::{BLOCK, Level};
    use super::*;
    use proptest::prelude::*;

    fn fast(text: &[u8]) -> Vec<Anchors> {
        let mut padded = text.to_vec();
        padded.resize(text.len().div_ceil(BLOCK) * BLOCK, 0);
        let mut masks = vec![Masks::default(); padded.len() / BLOCK];
        Level::Scalar.classify(&padded, &mut masks);
        let mut carry = Carry::default();
        masks.iter().map(|m| carry.anchors(m)).collect()
    }

    fn slow(text: &[u8]) -> Vec<Anchors> {
        let at = |i: usize, back: usize| i.checked_sub(back).and_then(|i| text.get(i)).copied().unwrap_or(0);
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let mut out = vec![Anchors::default(); text.len().div_ceil(BLOCK)];
        let run = |i: usize, f: &dyn Fn(u8) -> bool| (0..=i).rev().take_while(|&j| f(text[j])).count();
        for (i, &b) in text.iter().enumerate() {
            let (a, bit) = (&mut out[i / BLOCK], 1_u64 << (i % BLOCK));
            let mut set = |mask: fn(&mut Anchors) -> &mut u64, on: bool| *mask(a) |= if on { bit } else { 0 };
            let head = run(i, &word);
            set(|a| &mut a.digit, b.is_ascii_digit() && !text[i + 1 - head..i].iter().any(u8::is_ascii_digit));
            set(|a| &mut a.at, b == b'@');
            set(|a| &mut a.colons, b == b':' && (1..=5).any(|n| at(i, n) == b':'));
            set(|a| &mut a.scheme, b == b'/' && at(i, 1) == b'/' && at(i, 2) == b':');
            set(|a| &mut a.host, word(b) && !b.is_ascii_digit() && at(i, 1) == b'.' && word(at(i, 2)));
            set(|a| &mut a.long, run(i, &|b| word(b) || b == b'-') == LONG);
            set(|a| &mut a.dashes, run(i, &|b| b == b'-') == 5);
            let number = b.is_ascii_digit() || b" ()-./~".contains(&b);
            let capital = !number && !b.is_ascii_uppercase();
            set(|a| &mut a.capital, capital && at(i, 1).is_ascii_uppercase() && !word(at(i, 2)));
            set(|a| &mut a.lead, matches!(b, 0xc2 | 0xcd | 0xd8..));
        }
        out
    }

    proptest! {
        #[test]
        fn anchors_are_what_their_words_say(text in proptest::collection::vec(
            proptest::sample::select(&b"abXZ09_-@:. /\xc3\xa9"[..]), 0..300)) {
            let mut fast = fast(&text);
            // What is behind the text is no letter.
            if let (Some(last), n @ 1..) = (fast.last_mut(), text.len() % BLOCK) {
                last.capital &= u64::MAX >> (BLOCK - n);
            }
            prop_assert_eq!(fast, slow(&text));
        }

        #[test]
        fn first_digits_of_words(text in proptest::collection::vec(proptest::sample::select(&b"aaaaaa_1 "[..]), 0..300)) {
            prop_assert_eq!(fast(&text), slow(&text));
        }

        #[test]
        fn words_cross_blocks(before in 0_usize..70, letters in 0_usize..150, digits in 0_usize..3) {
            let text = [vec![b' '; before], vec![b'x'; letters], vec![b'7'; digits], b"x7 7".to_vec()].concat();
            prop_assert_eq!(fast(&text), slow(&text));
        }

        #[test]
        fn long_runs_cross_blocks(before in 0_usize..70, run in 10_usize..150, dashes in 0_usize..9) {
            let text = [vec![b' '; before], vec![b'x'; run], vec![b'-'; dashes], vec![b' '; 3]].concat();
            prop_assert_eq!(fast(&text), slow(&text));
        }
    }
}
