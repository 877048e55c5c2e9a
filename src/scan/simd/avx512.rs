//! 64 bytes at a time with AVX-512: what a byte is stands in a table of 128 bytes, and comparisons yield masks.

use super::{BLOCK, Letters, Masks};
use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_cmpeq_epi8_mask, _mm512_cmpge_epu8_mask, _mm512_cmple_epu8_mask,
    _mm512_loadu_si512, _mm512_maskz_permutex2var_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8,
    _mm512_sub_epi8, _mm512_test_epi8_mask,
};

const DIGIT: u8 = 1;
const WORD: u8 = 1 << 1;
const DASH: u8 = 1 << 2;
const AT: u8 = 1 << 3;
const COLON: u8 = 1 << 4;
const DOT: u8 = 1 << 5;
const SLASH: u8 = 1 << 6;
const NUMBER: u8 = 1 << 7;

/// What each ASCII character is: a bit for each of eight fields of [`Masks`].
#[expect(clippy::indexing_slicing, reason = "in a constant, what is out of bounds does not compile")]
const KINDS: [u8; 2 * BLOCK] = {
    let mut kinds = [0; 2 * BLOCK];
    let mut at = 0;
    while at < 2 * BLOCK {
        kinds[at] = match at as u8 {
            b'0'..=b'9' => DIGIT | WORD | NUMBER,
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => WORD,
            b'-' => DASH | NUMBER,
            b'@' => AT,
            b':' => COLON,
            b'.' => DOT | NUMBER,
            b'/' => SLASH | NUMBER,
            b' ' | b'(' | b')' | b'~' => NUMBER,
            _ => 0,
        };
        at += 1;
    }
    kinds
};

/// Classifies `out.len()` blocks.
///
/// # Safety
/// The CPU has AVX-512 BW and VBMI, and `bytes` holds at least `out.len() * 64` bytes.
#[target_feature(enable = "avx512bw,avx512vbmi")]
pub(super) unsafe fn classify(bytes: &[u8], out: &mut [Masks]) {
    // SAFETY: the table is two vectors long; unaligned loads are allowed.
    let (low, high) = unsafe {
        let at = KINDS.as_ptr().cast::<__m512i>();
        (_mm512_loadu_si512(at), _mm512_loadu_si512(at.add(1)))
    };
    for (n, masks) in out.iter_mut().enumerate() {
        // SAFETY: the caller vouches for `(n + 1) * 64 <= bytes.len()`; unaligned loads are allowed.
        let v = unsafe { _mm512_loadu_si512(bytes.as_ptr().add(n * BLOCK).cast::<__m512i>()) };
        // The lower seven bits of a byte look it up; above ASCII there is nothing.
        let kinds = _mm512_maskz_permutex2var_epi8(!_mm512_movepi8_mask(v), low, v, high);
        let has = |kind: u8| _mm512_test_epi8_mask(kinds, _mm512_set1_epi8(kind.cast_signed()));
        let is = |byte: u8| equal(v, byte);
        let late = _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8(0xd8_u8.cast_signed()));
        *masks = Masks {
            digit: has(DIGIT),
            word: has(WORD),
            dash: has(DASH),
            at: has(AT),
            colon: has(COLON),
            dot: has(DOT),
            slash: has(SLASH),
            number: has(NUMBER),
            upper: _mm512_cmple_epu8_mask(
                _mm512_sub_epi8(v, _mm512_set1_epi8(b'A'.cast_signed())),
                _mm512_set1_epi8(25),
            ),
            lead: is(0xc2) | is(0xcd) | late,
        };
    }
}

/// Marks where a byte stands.
#[target_feature(enable = "avx512bw")]
fn equal(v: __m512i, byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(byte.cast_signed()))
}

/// Tells the letters of one block.
///
/// # Safety
/// The CPU has AVX-512 BW.
#[target_feature(enable = "avx512bw")]
pub(super) unsafe fn letters(block: &[u8; BLOCK]) -> Letters {
    // SAFETY: a block is as long as a vector; unaligned loads are allowed.
    let v = unsafe { _mm512_loadu_si512(block.as_ptr().cast::<__m512i>()) };
    let lower = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
    let shifted = _mm512_sub_epi8(lower, _mm512_set1_epi8(b'a'.cast_signed()));
    // The two differ in one bit.
    let same = _mm512_and_si512(v, _mm512_set1_epi8((!(b'[' ^ b'_')).cast_signed()));
    Letters {
        mark: equal(same, b'[' & b'_'),
        ascii: _mm512_cmple_epu8_mask(shifted, _mm512_set1_epi8(25)),
        high: _mm512_movepi8_mask(v),
        joint: equal(v, b'\''),
    }
}

/// Tells where in a block `first` stands with `second` right behind it.
///
/// # Safety
/// The CPU has AVX-512 BW.
#[target_feature(enable = "avx512bw")]
pub(super) unsafe fn pairs(block: &[u8; BLOCK + 1], first: u8, second: u8) -> u64 {
    // SAFETY: the last byte that is read is that behind the block; unaligned loads are allowed.
    let (own, behind) = unsafe {
        let at = block.as_ptr();
        (_mm512_loadu_si512(at.cast::<__m512i>()), _mm512_loadu_si512(at.add(1).cast::<__m512i>()))
    };
    let is = |v: __m512i, letter: u8| equal(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), letter);
    is(own, first) & is(behind, second)
}
