//! 32 bytes at a time with AVX2.

use super::{BLOCK, HEAD_LETTERS, Head, Letters, Masks};
use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8, _mm256_min_epu8,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setr_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_sub_epi8,
};

/// Classifies `out.len()` blocks.
///
/// # Safety
/// The CPU has AVX2, and `bytes` holds at least `out.len() * 64` bytes.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn classify(bytes: &[u8], out: &mut [Masks]) {
    for (n, masks) in out.iter_mut().enumerate() {
        // SAFETY: the caller vouches for `(n + 1) * 64 <= bytes.len()`; unaligned loads are allowed.
        let (low, high) = unsafe {
            let at = bytes.as_ptr().add(n * BLOCK).cast::<__m256i>();
            (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)))
        };
        let (a, b) = (half(low), half(high));
        let join = |a: u32, b: u32| u64::from(a) | (u64::from(b) << 32);
        *masks = Masks {
            digit: join(a[0], b[0]),
            word: join(a[1], b[1]),
            dash: join(a[2], b[2]),
            at: join(a[3], b[3]),
            colon: join(a[4], b[4]),
            dot: join(a[5], b[5]),
            slash: join(a[6], b[6]),
            number: join(a[7], b[7]),
            lead: join(a[8], b[8]),
            upper: join(a[9], b[9]),
        };
    }
}

/// The ten masks of 32 bytes.
#[target_feature(enable = "avx2")]
fn half(v: __m256i) -> [u32; 10] {
    let is = |byte: u8| _mm256_cmpeq_epi8(v, _mm256_set1_epi8(byte.cast_signed()));
    // `x - low <= span` in unsigned bytes is `min(x - low, span) == x - low`.
    let within = |x: __m256i, low: u8, span: u8| {
        let shifted = _mm256_sub_epi8(x, _mm256_set1_epi8(low.cast_signed()));
        _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, _mm256_set1_epi8(span.cast_signed())), shifted)
    };
    let bits = |v: __m256i| _mm256_movemask_epi8(v).cast_unsigned();
    let digit = within(v, b'0', 9);
    let letter = within(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), b'a', 25);
    let word = _mm256_or_si256(_mm256_or_si256(digit, letter), is(b'_'));
    // `0x2_` is a blank, bracket, hyphen, dot or slash if its low half is 0, 8, 9, 13, 14 or 15: bit n of the table is
    // looked up by the low half. A byte of 0x80 and above looks up nothing.
    let low = _mm256_setr_epi8(
        1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1,
    );
    let punctuation = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(low, v), _mm256_set1_epi8(1));
    let two = within(v, 0x20, 15);
    let number = _mm256_or_si256(_mm256_or_si256(digit, is(b'~')), _mm256_and_si256(punctuation, two));
    let late = _mm256_cmpeq_epi8(_mm256_max_epu8(v, _mm256_set1_epi8(0xd8_u8.cast_signed())), v);
    let lead = _mm256_or_si256(_mm256_or_si256(is(0xc2), is(0xcd)), late);
    [
        bits(digit),
        bits(word),
        bits(is(b'-')),
        bits(is(b'@')),
        bits(is(b':')),
        bits(is(b'.')),
        bits(is(b'/')),
        bits(number),
        bits(lead),
        bits(within(v, b'A', 25)),
    ]
}

/// Tells the letters of one block.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn letters(block: &[u8; BLOCK]) -> Letters {
    // SAFETY: a block is twice as long as a vector; unaligned loads are allowed.
    let (low, high) = unsafe {
        let at = block.as_ptr().cast::<__m256i>();
        (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)))
    };
    let bits = |v: __m256i| u64::from(_mm256_movemask_epi8(v).cast_unsigned());
    let ascii = |v: __m256i| {
        let lower = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
        let shifted = _mm256_sub_epi8(lower, _mm256_set1_epi8(b'a'.cast_signed()));
        bits(_mm256_cmpeq_epi8(_mm256_min_epu8(shifted, _mm256_set1_epi8(25)), shifted))
    };
    let joint = |v: __m256i| bits(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(b'\''.cast_signed())));
    // The two differ in one bit.
    let mark = |v: __m256i| {
        let same = _mm256_and_si256(v, _mm256_set1_epi8((!(b'[' ^ b'_')).cast_signed()));
        bits(_mm256_cmpeq_epi8(same, _mm256_set1_epi8((b'[' & b'_').cast_signed())))
    };
    Letters {
        mark: mark(low) | mark(high) << 32,
        ascii: ascii(low) | ascii(high) << 32,
        high: bits(low) | bits(high) << 32,
        joint: joint(low) | joint(high) << 32,
    }
}

/// Tells where in a block a word begins with one of `heads`.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn heads(block: &[u8; BLOCK + HEAD_LETTERS - 1], before: u8, heads: &[Head]) -> (u64, u64) {
    let small = _mm256_set1_epi8(0x20);
    let half = |at: usize| {
        let from = |ahead: usize| {
            // SAFETY: `at` is 0 or 32 and `ahead` less than the letters of a head, so that the last byte is the last of the block;
            // unaligned loads are allowed.
            let v = unsafe { _mm256_loadu_si256(block.as_ptr().add(at + ahead).cast::<__m256i>()) };
            _mm256_or_si256(v, small)
        };
        let own: [__m256i; HEAD_LETTERS] = [from(0), from(1), from(2), from(3)];
        let is = |(v, &letter): (&__m256i, &u8)| _mm256_cmpeq_epi8(*v, _mm256_set1_epi8(letter.cast_signed()));
        let all = _mm256_cmpeq_epi8(small, small);
        let whole = |head: &Head| own.iter().zip(head.letters()).map(is).fold(all, |a, b| _mm256_and_si256(a, b));
        let any = heads.iter().map(whole).fold(_mm256_setzero_si256(), |a, b| _mm256_or_si256(a, b));
        u64::from(_mm256_movemask_epi8(any).cast_unsigned())
    };
    let places = half(0) | half(32) << 32;
    // SAFETY: the caller vouches for the CPU.
    let Letters { ascii, high, .. } =
        block.first_chunk().map_or_else(Letters::default, |block| unsafe { letters(block) });
    (places & !(ascii << 1 | u64::from(before.is_ascii_alphabetic())), high)
}
const _: () = assert!(HEAD_LETTERS == 4);
