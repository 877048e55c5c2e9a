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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        assert_eq!(weighted_sum(b"943476591", &[10, 9, 8, 7, 6, 5, 4, 3, 2]), Some(299));
        assert_eq!(weighted_sum(b"12", &[1]), None);
        assert_eq!(weighted_sum(b"1x", &[1, 1]), None);
        assert_eq!(split_check(b"127"), Some((7, &b"12"[..])));
        assert_eq!(split_check(b""), None);
    }
}
