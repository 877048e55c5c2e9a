//! Weighted sums: the algorithm behind most national numbers. A scheme is a row of weights and a modulus; what it does
//! with the remainder is its own few lines, in the file of its continent.

/// Returns the sum of `digits` times `weights`, place by place, or nothing where the lengths differ or a byte is no digit.
///
/// # Units
/// ASCII digits, most significant first.
///
/// # Cost
/// One pass, no allocation.
#[must_use]
pub(super) fn weighted_sum(digits: &[u8], weights: &[u32]) -> Option<u32> {
    (digits.len() == weights.len() && digits.iter().all(u8::is_ascii_digit))
        .then(|| digits.iter().zip(weights).map(|(&byte, &weight)| u32::from(byte - b'0') * weight).sum())
}

/// Returns the last digit of `digits` and the digits before it.
#[must_use]
pub(super) fn split_check(digits: &[u8]) -> Option<(u32, &[u8])> {
    let (&last, rest) = digits.split_last()?;
    last.is_ascii_digit().then(|| (u32::from(last - b'0'), rest))
}

/// Returns whether the sum of all of `digits` times `weights`, check digit included, is a multiple of `modulus`.
///
/// A check digit that is subtracted has the weight `modulus - 1`.
#[must_use]
pub(super) fn is_multiple(digits: &[u8], weights: &[u32], modulus: u32) -> bool {
    weighted_sum(digits, weights).is_some_and(|sum| sum % modulus == 0)
}

/// What a scheme makes of the weighted sum of the digits before the check digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The remainder; of two digits the last.
    Same,
    /// The remainder; one of two digits is not issued.
    SameOrNone,
    /// The modulus less the remainder, the modulus itself standing for zero; of two digits the last.
    Less,
    /// The same; one of two digits is not issued.
    LessOrNone,
    /// The modulus less the remainder, without exception; of two digits the last.
    Complement,
}

/// Returns whether the last digit follows from the weighted sum of those before it.
#[must_use]
pub(super) fn ends_in(digits: &[u8], weights: &[u32], modulus: u32, rest: Rest) -> bool {
    let Some((check, body)) = split_check(digits) else { return false };
    let Some(sum) = weighted_sum(body, weights) else { return false };
    let remainder = sum % modulus;
    check
        == match rest {
            Rest::Same => remainder % 10,
            Rest::SameOrNone => remainder,
            Rest::Less => (modulus - remainder) % modulus % 10,
            Rest::LessOrNone => (modulus - remainder) % modulus,
            Rest::Complement => (modulus - remainder) % 10,
        }
}

/// Returns whether the last digit follows from the first weights, or, where these leave ten, from the second; ten again
/// stands for zero.
#[must_use]
pub(super) fn in_two_rounds(digits: &[u8], first: &[u32], second: &[u32]) -> bool {
    let Some((check, body)) = split_check(digits) else { return false };
    let (Some(one), Some(two)) = (weighted_sum(body, first), weighted_sum(body, second)) else { return false };
    check == if one % 11 < 10 { one % 11 } else { two % 11 % 10 }
}

/// Returns the value of a digit or an upper-case letter: `A` is 10, `Z` is 35.
#[must_use]
pub(super) fn value(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A') + 10),
        _ => None,
    }
}

/// Returns the sum of the [values](value) of `text` times `weights`, or nothing where the lengths differ.
#[must_use]
pub(super) fn value_sum(text: &[u8], weights: &[u32]) -> Option<u32> {
    if text.len() != weights.len() {
        return None;
    }
    text.iter().zip(weights).try_fold(0, |sum, (&byte, &weight)| Some(sum + value(byte)? * weight))
}

/// Returns where `byte` stands in `alphabet`.
#[must_use]
pub(super) fn place(alphabet: &[u8], byte: u8) -> Option<u32> {
    alphabet.iter().position(|&known| known == byte).and_then(|at| u32::try_from(at).ok())
}

/// Returns whether the character of `alphabet` at `at` is `byte`.
#[must_use]
pub(super) fn is_at(alphabet: &[u8], at: u32, byte: u8) -> bool {
    usize::try_from(at).ok().and_then(|at| alphabet.get(at)) == Some(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests() {
        // 2 x 1 + 1 x 9 = 11, 2 x 1 + 1 x 8 = 10, 2 x 5 = 10.
        for (digits, rest, expected) in [
            ("190", Rest::Same, true),
            ("190", Rest::Less, true),
            ("191", Rest::Complement, true),
            ("180", Rest::Same, true),
            ("180", Rest::SameOrNone, false),
            ("181", Rest::Less, true),
            ("181", Rest::LessOrNone, true),
            ("18x", Rest::Same, false),
        ] {
            assert_eq!(ends_in(digits.as_bytes(), &[2, 1], 11, rest), expected, "{digits} {rest:?}");
        }
        assert!(is_multiple(b"19", &[2, 1], 11) && !is_multiple(b"18", &[2, 1], 11));
        assert!(in_two_rounds(b"186", &[2, 1], &[1, 2]) && in_two_rounds(b"120", &[0, 0], &[1, 1]));
        assert_eq!(value_sum(b"A1", &[2, 3]), Some(23));
        assert_eq!((value(b'Z'), value(b'a'), place(b"XY", b'Y')), (Some(35), None, Some(1)));
        assert!(is_at(b"XY", 1, b'Y') && !is_at(b"XY", 2, b'Y'));
    }

    #[test]
    fn sums() {
        assert_eq!(weighted_sum(b"943476591", &[10, 9, 8, 7, 6, 5, 4, 3, 2]), Some(299));
        assert_eq!(weighted_sum(b"12", &[1]), None);
        assert_eq!(weighted_sum(b"1x", &[1, 1]), None);
        assert_eq!(split_check(b"127"), Some((7, &b"12"[..])));
        assert_eq!(split_check(b""), None);
    }
}
