//! The definition of truth: one byte at a time.

use super::{BLOCK, Masks};

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
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => m.word |= bit,
                b'-' => m.dash |= bit,
                b'@' => m.at |= bit,
                b':' => m.colon |= bit,
                b'.' => m.dot |= bit,
                b'/' => m.slash |= bit,
                0x80.. => m.high |= bit,
                _ => {}
            }
        }
        *masks = m;
    }
}
