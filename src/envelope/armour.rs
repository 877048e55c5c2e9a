//! Text inside of text: base64 and quoted-printable, decoded as a whole and written again.

/// How a text stands in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Armour {
    /// As it is.
    None,
    /// RFC 4648, section 4 or 5 (with `-` and `_`), padded or not.
    Base64 {
        /// Whether `-` and `_` stand for `+` and `/`.
        url: bool,
        /// Whether `=` fills the end.
        padded: bool,
    },
    /// RFC 2045, section 6.7.
    QuotedPrintable,
}

impl Armour {
    /// Whether a text may be armoured: [`Armour::open`] opens no other.
    #[must_use]
    pub fn may_open(text: &[u8]) -> bool {
        Self::may_be_base64(text) || memchr::memchr(b'=', text).is_some()
    }

    /// Returns whether a text may be base64, of which the first bytes tell most.
    #[must_use]
    pub fn may_be_base64(text: &[u8]) -> bool {
        // Without branches, so that vectors do it, and because where words end cannot be foreseen.
        let is_base64 = |head: &[u8; BASE64_BYTES]| {
            head.iter().fold(true, |all, byte| all & is_letter(byte))
                && text.iter().fold(false, |any, byte| any | byte.is_ascii_uppercase())
        };
        text.first_chunk().is_some_and(is_base64)
    }

    /// Appends what a text is in clear to `out`, if it is armoured and what comes out is printable UTF-8; tells how it stood
    /// there. `out` is as it was otherwise.
    ///
    /// # Cost
    /// See [`Armour::may_open`] for a look at the first bytes: what holds a blank is no base64, what holds no `=` is not
    /// quoted.
    pub fn open(text: &[u8], out: &mut Vec<u8>) -> Option<Self> {
        let start = out.len();
        let armour = base64(text, out).or_else(|| {
            out.truncate(start);
            quoted_printable(text, out)
        });
        let printable = |text: &[u8]| {
            let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
            std::str::from_utf8(text).is_ok_and(|text| !text.contains(is_control))
        };
        if armour.is_some() && out.get(start..).is_some_and(printable) {
            return armour;
        }
        out.truncate(start);
        None
    }

    /// Appends `text` to `out` as it stood there.
    pub fn close(self, text: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::None => out.extend_from_slice(text),
            Self::Base64 { url, padded } => {
                for group in text.chunks(3) {
                    let bits = group.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte));
                    let bits = bits << (8 * (3 - group.len()));
                    for at in 0..4 {
                        if at <= group.len() {
                            out.push(letter(bits >> (18 - 6 * at) & 63, url));
                        } else if padded {
                            out.push(b'=');
                        }
                    }
                }
            }
            Self::QuotedPrintable => {
                for &byte in text {
                    match byte {
                        b'\n' | b'\r' | b'\t' | b' '..=b'<' | b'>'..=b'~' => out.push(byte),
                        byte => {
                            let digit = |n: u8| if n < 10 { b'0' + n } else { b'A' + n - 10 };
                            out.extend_from_slice(&[b'=', digit(byte >> 4), digit(byte & 15)]);
                        }
                    }
                }
            }
        }
    }
}

fn letter(sextet: u32, url: bool) -> u8 {
    let sextet = (sextet & 63) as u8;
    match sextet {
        0..=25 => b'A' + sextet,
        26..=51 => b'a' + sextet - 26,
        52..=61 => b'0' + sextet - 52,
        62 if url => b'-',
        62 => b'+',
        _ if url => b'_',
        _ => b'/',
    }
}

fn sextet(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

const fn is_letter(byte: &u8) -> bool {
    let byte = *byte;
    ((byte | 0x20).wrapping_sub(b'a') < 26)
        | (byte.wrapping_sub(b'0') < 10)
        | (byte == b'+')
        | (byte == b'-')
        | (byte == b'/')
        | (byte == b'_')
}

fn base64(text: &[u8], out: &mut Vec<u8>) -> Option<Armour> {
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let padded = body.len() < text.len();
    let fits = body.len() >= BASE64_BYTES && body.len() % 4 != 1 && (!padded || text.len().is_multiple_of(4));
    // Words and numbers are no base64, however long.
    let mixed = |body: &[u8]| body.iter().any(u8::is_ascii_uppercase) && body.iter().any(u8::is_ascii_lowercase);
    if !fits || !body.iter().take(BASE64_BYTES).all(is_letter) || !mixed(body) {
        return None;
    }
    let url = body.iter().any(|byte| matches!(byte, b'-' | b'_'));
    if url && body.iter().any(|byte| matches!(byte, b'+' | b'/')) {
        return None;
    }
    for group in body.chunks(4) {
        let mut bits = 0_u32;
        for &byte in group {
            bits = bits << 6 | sextet(byte)?;
        }
        bits <<= 6 * (4 - group.len());
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend(bytes.iter().take(group.len() - 1));
    }
    Some(Armour::Base64 { url, padded: padded || body.len().is_multiple_of(4) })
}

fn quoted_printable(text: &[u8], out: &mut Vec<u8>) -> Option<Armour> {
    memchr::memchr(b'=', text)?;
    let mut n_escapes = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        match text.get(at..) {
            // A soft line break.
            Some([b'\r', b'\n', ..]) => at += 2,
            Some([b'\n', ..]) => at += 1,
            Some([high, low, ..]) => {
                let digit = |byte: u8| match byte {
                    b'0'..=b'9' => Some(byte - b'0'),
                    b'A'..=b'F' => Some(byte - b'A' + 10),
                    _ => None,
                };
                out.push(digit(*high)? << 4 | digit(*low)?);
                n_escapes += 1;
                at += 2;
            }
            _ => return None,
        }
    }
    (n_escapes > 0).then_some(Armour::QuotedPrintable)
}

/// Shortest base64 that is looked into: eighteen bytes in clear.
const BASE64_BYTES: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_and_closes() {
        #[track_caller]
        fn check(text: &str, clear: Option<&str>) {
            let mut out = b"x".to_vec();
            let armour = Armour::open(text.as_bytes(), &mut out);
            assert!(armour.is_none() || Armour::may_open(text.as_bytes()), "{text}");
            assert_eq!(armour.map(|_| String::from_utf8(out[1..].to_vec()).unwrap()).as_deref(), clear, "{text}");
            let Some(armour) = armour else { return assert_eq!(out, b"x") };
            let mut again = Vec::new();
            armour.close(&out[1..], &mut again);
            assert_eq!(String::from_utf8(again).unwrap(), text);
        }
        check("d3JpdGUgdG8gYXdhQGV4YW1wbGUub3Jn", Some("write to awa@example.org"));
        check("d3JpdGUgdG8gYXdhQGV4YW1wbGUub3JnIQ==", Some("write to awa@example.org!"));
        check("d3JpdGUgdG8gYXdhQGV4YW1wbGUub3JnIQ", Some("write to awa@example.org!"));
        check("caf=C3=A9 1 =3D 1", Some("café 1 = 1"));
        check("a=b", None);
        check("hello there, this is no base64", None);
        check("abcdefghijklmnopqrstuvwxyzab", None);
        check("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", None);
        check("", None);
    }
}
