//! The definition of truth: one byte at a time.

use super::{BLOCK, HEAD_LETTERS, Head, Known, Letters, Masks, WORD};
use crate::scan::words::WordHash;

pub(super) fn classify(bytes: &[u8], out: &mut [Masks]) {
    for (block, masks) in bytes.chunks_exact(BLOCK).zip(out) {
        let mut m = Masks::default();
        for (n, &byte) in block.iter().enumerate() {
            let bit = 1 << n;
            if matches!(byte, b'0'..=b'9' | b' ' | b'(' | b')' | b'-' | b'.' | b'/' | b'~') {
                m.number |= bit;
            }
            match byte {
                b'0'..=b'9' => {
                    m.digit |= bit;
                    m.word |= bit;
                }
                b'A'..=b'Z' => {
                    m.upper |= bit;
                    m.word |= bit;
                }
                b'a'..=b'z' | b'_' => m.word |= bit,
                b'-' => m.dash |= bit,
                b'@' => m.at |= bit,
                b':' => m.colon |= bit,
                b'.' => m.dot |= bit,
                b'/' => m.slash |= bit,
                0xc2 | 0xcd | 0xd8.. => m.lead |= bit,
                _ => {}
            }
        }
        *masks = m;
    }
}

pub(super) fn letters(block: &[u8; BLOCK]) -> Letters {
    let mut letters = Letters::default();
    for (n, &byte) in block.iter().enumerate() {
        letters.ascii |= u64::from(byte.is_ascii_alphabetic()) << n;
        letters.high |= u64::from(byte >= 0x80) << n;
        letters.joint |= u64::from(byte == b'\'') << n;
        letters.mark |= u64::from(matches!(byte, b'[' | b'_')) << n;
    }
    letters
}

pub(super) fn heads(block: &[u8; BLOCK + HEAD_LETTERS - 1], before: u8, heads: &[Head]) -> (u64, u64) {
    let (mut places, mut high) = (0, 0);
    let mut last = before;
    for (n, own) in block.windows(HEAD_LETTERS).enumerate() {
        let is_one = |head: &Head| own.iter().zip(head.letters()).all(|(byte, &letter)| byte | 0x20 == letter);
        places |= u64::from(!last.is_ascii_alphabetic() && heads.iter().any(is_one)) << n;
        last = own.first().copied().unwrap_or(0);
        high |= u64::from(!last.is_ascii()) << n;
    }
    (places, high)
}

/// Which of the words that begin at `starts`, all of which end in the block, are plain and not known. Behind the block is room for a
/// word that begins at its end.
pub(super) fn dismissed(block: &[u8; BLOCK + WORD], letters: &Letters, starts: u64, known: &Known<'_>) -> u64 {
    let all = letters.any();
    let is_odd = letters.high | letters.joint != 0;
    let mut dismissed = 0;
    let mut left = starts;
    while left != 0 {
        let at = left.trailing_zeros() as usize;
        left &= left - 1;
        let len = (all >> at).trailing_ones() as usize;
        if len > WORD {
            continue;
        }
        if is_odd {
            let own = letters.high >> at & ((1 << len) - 1);
            let joints = (letters.joint << 1 | letters.joint >> len) >> at & 1;
            if own | joints != 0 {
                continue;
            }
        }
        let bytes = block.get(at..at + WORD).and_then(<[u8]>::first_chunk).unwrap_or(&[0; WORD]);
        let hash = WordHash::of_one(u64::from_le_bytes(*bytes), len);
        dismissed |= u64::from(!known.may_hold(hash)) << at;
    }
    dismissed
}
