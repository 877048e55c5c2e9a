//! JSON Web Tokens.

use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[Check { name: "jwt", form: Form::Raw, worth: 100, run: jwt }];

/// Returns whether `text` is a signed token (three segments) or an encrypted one (five) whose first segment decodes to a
/// JSON object with a member `alg`. The signature is not verified, and may be any length.
///
/// # Cost
/// One pass over the first segment, no allocation.
///
/// # Source
/// RFC 7515 §3.1 and §7.1 (compact serialisation), RFC 7516 §3.1 (five segments), RFC 4648 §5 (base64url).
#[must_use]
pub(super) fn jwt(text: &[u8]) -> bool {
    let mut n_segments = 0;
    let all_fit = text.split(|&byte| byte == b'.').all(|segment| {
        n_segments += 1;
        segment.iter().all(|&byte| sextet(byte).is_some()) && (!segment.is_empty() || n_segments > 2)
    });
    let header = text.split(|&byte| byte == b'.').next().unwrap_or_default();
    all_fit && matches!(n_segments, 3 | 5) && is_header(header)
}

/// Returns whether `segment` decodes to something that begins with `{`, ends with `}` and holds `"alg"`.
fn is_header(segment: &[u8]) -> bool {
    const MEMBER: &[u8] = b"\"alg\"";
    let (mut first, mut last) = (None, None);
    let (mut matched, mut found) = (0_usize, false);
    let (mut bits, mut n_bits) = (0_u32, 0_u32);
    for &byte in segment {
        let Some(value) = sextet(byte) else { return false };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        n_bits += 6;
        if n_bits < 8 {
            continue;
        }
        n_bits -= 8;
        let decoded = u8::try_from(bits >> n_bits & 0xff).unwrap_or_default();
        if decoded.is_ascii_whitespace() {
            continue;
        }
        first = first.or(Some(decoded));
        last = Some(decoded);
        // No proper prefix of the member is a suffix of it but the quotation mark, so one counter is enough.
        matched = match MEMBER.get(matched) {
            Some(&wanted) if wanted == decoded => matched + 1,
            _ => usize::from(decoded == b'"'),
        };
        if matched == MEMBER.len() {
            found = true;
            matched = 0;
        }
    }
    found && first == Some(b'{') && last == Some(b'}')
}

const fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::jwt;

    #[test]
    fn tokens() {
        for (name, text, expected) in [
            // The header is the one of RFC 7515 §A.1, payload and signature are invented.
            ("signed", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.c2lnbmF0dXJl", true),
            ("payload of any bytes", "eyJhbGciOiJIUzI1NiJ9.AAAA.BBBB", true),
            ("unsigned", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ.", true),
            ("encrypted", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.BBBB.CCCC", false),
            ("encrypted with a key", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0.aa.AAAA.BBBB.CCCC", true),
            ("two segments", "eyJhbGciOiJIUzI1NiJ9.AAAA", false),
            ("four segments", "eyJhbGciOiJIUzI1NiJ9.AAAA.BBBB.CCCC", false),
            ("header without alg", "eyJ0eXAiOiJKV1QifQ.AAAA.BBBB", false),
            ("header is no object", "ImFsZyI.AAAA.BBBB", false),
            ("not base64url", "eyJhbGciOiJIUzI1NiJ9.AA+A.BBBB", false),
            ("empty", "", false),
        ] {
            assert_eq!(jwt(text.as_bytes()), expected, "{name}");
        }
    }
}
