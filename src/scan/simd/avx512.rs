//! 64 bytes at a time with AVX-512: what a byte is stands in a table of 128 bytes, and comparisons yield masks.

use super::{BLOCK, HEAD_LETTERS, Head, Heard, Known, Letters, Masks};
use crate::scan::words::WordHash;
use std::arch::x86_64::{
    __m512i, _mm_cvtsi64_si128, _mm512_add_epi8, _mm512_and_si512, _mm512_cmpeq_epi8_mask, _mm512_cmpge_epu8_mask,
    _mm512_cmple_epu8_mask, _mm512_cmple_epu64_mask, _mm512_cmplt_epu8_mask, _mm512_cvtepu8_epi64,
    _mm512_i64gather_epi64, _mm512_loadu_si512, _mm512_maskz_compress_epi8, _mm512_maskz_loadu_epi8,
    _mm512_maskz_mov_epi8, _mm512_maskz_permutex2var_epi8, _mm512_movepi8_mask, _mm512_mullo_epi64, _mm512_or_si512,
    _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi64, _mm512_set4_epi32, _mm512_shuffle_epi8,
    _mm512_slli_epi64, _mm512_srli_epi64, _mm512_srlv_epi64, _mm512_storeu_si512, _mm512_sub_epi8, _mm512_sub_epi64,
    _mm512_test_epi8_mask, _mm512_test_epi64_mask, _mm512_xor_si512, _pdep_u64, _pext_u64,
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

/// The first block of `bytes`, with zeros where there are fewer.
///
/// # Safety
/// The CPU has AVX-512 BW.
#[target_feature(enable = "avx512bw")]
unsafe fn first_block(bytes: &[u8]) -> __m512i {
    let there = if bytes.len() >= BLOCK { u64::MAX } else { (1 << bytes.len()) - 1 };
    // SAFETY: no more is read than there is; unaligned loads are allowed.
    unsafe { _mm512_maskz_loadu_epi8(there, bytes.as_ptr().cast::<i8>()) }
}

/// Tells the letters of a block.
#[target_feature(enable = "avx512bw")]
fn letters(v: __m512i) -> Letters {
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

/// The numbers from 0 to 63.
#[expect(clippy::indexing_slicing, reason = "in a constant, what is out of bounds does not compile")]
const PLACES_IN_BLOCK: [u8; BLOCK] = {
    let mut places = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        places[at] = at as u8;
        at += 1;
    }
    places
};
/// Eight words are looked at together.
const WORDS: usize = 8;

/// Tells the words of the block that `bytes` begins with; the hashes of plain words are made and looked up eight at a time.
///
/// # Safety
/// The CPU has AVX-512 BW, DQ, VL, VBMI and VBMI2, and BMI2.
#[target_feature(enable = "avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi2")]
pub(super) unsafe fn hear(bytes: &[u8], goes_on: u64, known: &Known<'_>) -> Heard {
    // SAFETY: the caller vouches for the CPU; the constant is as long as a vector.
    let (block, places) =
        unsafe { (first_block(bytes), _mm512_loadu_si512(PLACES_IN_BLOCK.as_ptr().cast::<__m512i>())) };
    let letters = letters(block);
    let block = _mm512_or_si512(block, _mm512_set1_epi8(0x20));
    let all = letters.any();
    let (starts, whole) = letters.words(goes_on);
    // A run of letters carries what is added to its first one to the place behind its last.
    let ends = all.wrapping_add(whole) & !all;
    // By word: where it begins and ends, and whether there is an apostrophe on either side.
    let mut from = [0_u8; BLOCK];
    let mut to = [0_u8; BLOCK];
    // SAFETY: as long as a vector each.
    unsafe {
        _mm512_storeu_si512(from.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(whole, places));
        _mm512_storeu_si512(to.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(ends, places));
    }
    let mut joined = _pext_u64(letters.joint << 1, whole) | _pext_u64(letters.joint, ends);
    // The lowest byte of each eight, eight times; and their numbers.
    let lowest = _mm512_set4_epi32(0x0808_0808, 0x0808_0808, 0, 0);
    let numbers = _mm512_set1_epi64(0x0706_0504_0302_0100);
    let (from, to) = (from.as_chunks::<WORDS>().0, to.as_chunks::<WORDS>().0);
    let asked = _mm512_set1_epi64((u64::from(known.kinds) << 32).cast_signed());
    let (mut left, mut dismissed) = (whole, 0);
    for (from, to) in from.iter().zip(to) {
        if left == 0 {
            break;
        }
        let wide = |places: &[u8; WORDS]| _mm512_cvtepu8_epi64(_mm_cvtsi64_si128(i64::from_le_bytes(*places)));
        let (from, to) = (wide(from), wide(to));
        let len = _mm512_sub_epi64(to, from);
        let own = _mm512_permutexvar_epi8(_mm512_add_epi8(_mm512_shuffle_epi8(from, lowest), numbers), block);
        let inside = _mm512_cmplt_epu8_mask(numbers, _mm512_shuffle_epi8(len, lowest));
        let own = _mm512_maskz_mov_epi8(inside, own);
        let short = _mm512_cmple_epu64_mask(len, _mm512_set1_epi64(8));
        let wide = _mm512_test_epi64_mask(own, _mm512_set1_epi8(0x80_u8.cast_signed()));
        // As `WordHash` does, but for the last step, which leaves the upper bits as they are.
        let x = _mm512_xor_si512(own, _mm512_slli_epi64::<56>(len));
        let x = _mm512_xor_si512(x, _mm512_srli_epi64::<30>(x));
        let hash = _mm512_mullo_epi64(x, _mm512_set1_epi64(WordHash::FACTOR.cast_signed()));
        // SAFETY: the upper 12 bits count the 4,096 places.
        let words = unsafe { _mm512_i64gather_epi64::<8>(_mm512_srli_epi64::<52>(hash), known.words.as_ptr().cast()) };
        let bit = _mm512_and_si512(_mm512_srli_epi64::<47>(hash), _mm512_set1_epi64(31));
        let is_known = _mm512_test_epi64_mask(_mm512_srlv_epi64(words, bit), _mm512_set1_epi64(1))
            & _mm512_test_epi64_mask(words, asked);
        let is_dismissed = short & !wide & !is_known & !(joined as u8);
        joined >>= WORDS;
        dismissed |= _pdep_u64(u64::from(is_dismissed), left);
        left &= !_pdep_u64(0xff, left);
    }
    Heard { letters, starts, dismissed }
}
const _: () = assert!(super::PLACES == 1 << 12);

/// Tells where in the block that `bytes` begins with a word begins with one of `heads`.
///
/// # Safety
/// The CPU has AVX-512 BW.
#[target_feature(enable = "avx512bw")]
pub(super) unsafe fn heads(bytes: &[u8], before: u8, heads: &[Head]) -> (u64, u64) {
    let small = _mm512_set1_epi8(0x20);
    let text: [__m512i; HEAD_LETTERS] = match bytes.first_chunk::<{ BLOCK + HEAD_LETTERS - 1 }>() {
        Some(bytes) => {
            // SAFETY: the chunk reaches three bytes beyond a block; unaligned loads are allowed.
            let from = |ahead: usize| unsafe { _mm512_loadu_si512(bytes.as_ptr().add(ahead).cast::<__m512i>()) };
            [from(0), from(1), from(2), from(3)]
        }
        None => {
            // SAFETY: the caller vouches for the CPU.
            let from = |ahead: usize| unsafe { first_block(bytes.get(ahead..).unwrap_or_default()) };
            [from(0), from(1), from(2), from(3)]
        }
    };
    let own = text.map(|text| _mm512_or_si512(text, small));
    let whole =
        |head: &Head| own.iter().zip(head.letters()).fold(u64::MAX, |all, (&v, &letter)| all & equal(v, letter));
    let places = heads.iter().fold(0, |any, head| any | whole(head));
    let [text, ..] = text;
    if places == 0 {
        return (0, _mm512_movepi8_mask(text));
    }
    let Letters { ascii, high, .. } = letters(text);
    (places & !(ascii << 1 | u64::from(before.is_ascii_alphabetic())), high)
}
const _: () = assert!(HEAD_LETTERS == 4);
