//! Examples of secrets are templates, so that no repository holds a string that looks like a live key:
//! `sk_live_{base62:24}` becomes 24 characters drawn from a fixed sequence that depends on the rule's id.

/// Replaces every `{class:length}` of a known class; other braces stay.
pub(super) fn expand(template: &str, id: &str, n: usize) -> String {
    let mut state = id.bytes().fold(0x9e37_79b9_7f4a_7c15_u64 ^ (n as u64), |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let expanded = after.split_once('}').and_then(|(inside, after)| {
            let (class, length) = inside.split_once(':')?;
            Some((alphabet(class)?, length.parse::<usize>().ok().filter(|&n| n <= 4096)?, after))
        });
        if let Some((alphabet, length, after)) = expanded {
            for _ in 0..length {
                let drawn = next(&mut state) % alphabet.len() as u64;
                let drawn = usize::try_from(drawn).unwrap_or(0);
                out.push(char::from(alphabet.get(drawn).copied().unwrap_or(b'a')));
            }
            rest = after;
        } else {
            out.push('{');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn alphabet(class: &str) -> Option<&'static [u8]> {
    Some(match class {
        "digit" => b"0123456789",
        "hex" => b"0123456789abcdef",
        "base36" => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "base62" => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "base64url" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "base64" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "upper" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "lower" => b"abcdefghijklmnopqrstuvwxyz",
        _ => return None,
    })
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
pub(super) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn templates() {
        let key = expand("sk_live_{base62:24}", "stripe.secret", 0);
        assert_eq!(key.len(), 32);
        assert_eq!(key, expand("sk_live_{base62:24}", "stripe.secret", 0), "the same everywhere");
        assert_ne!(key, expand("sk_live_{base62:24}", "stripe.secret", 1));
        assert_eq!(expand("{\"a\": {what}}", "x", 0), "{\"a\": {what}}", "other braces stay");
    }
}
