//! Keys in PEM armour.

use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[Check { name: "pem", form: Form::Raw, worth: 100, run: pem }];

/// Fewest base64 characters that can hold a key; the smallest, an Ed25519 key in PKCS 8, has 64. Half of it: a key that was
/// cut off is still most of a key.
const BODY_CHARS: usize = 32;

/// Returns whether `text` begins with the armour line of a private key and goes on with base64. The end line may be
/// missing, the armour may stand on one line, and line ends may be written `\n`.
///
/// # Source
/// RFC 7468 §2 (armour), §10 and §11 (PKCS 8); RFC 1421 (headers of encrypted keys); RFC 9580 §6.2 (OpenPGP); PROTOCOL.key
/// of OpenSSH.
#[must_use]
pub(super) fn pem(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"-----BEGIN ") else { return false };
    let Some(line) = rest.windows(5).position(|window| window == b"-----") else { return false };
    let (Some(label), Some(body)) = (rest.get(..line), rest.get(line + 5..)) else { return false };
    let is_private = label.windows(11).any(|window| window == b"PRIVATE KEY");
    // The end line would add letters of its own.
    let end = body.windows(5).position(|window| window == b"-----").unwrap_or(body.len());
    let body = body.get(..end).unwrap_or_default();
    let n_chars = body.iter().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')).count();
    is_private && n_chars >= BODY_CHARS
}

#[cfg(test)]
mod tests {
    use super::pem;

    #[test]
    fn armour() {
        let body = "ABCDefgh".repeat(8);
        for (name, text, expected) in [
            ("whole", format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"), true),
            (
                "rsa, one line",
                format!("-----BEGIN RSA PRIVATE KEY-----\\n{body}\\n-----END RSA PRIVATE KEY-----"),
                true,
            ),
            ("openpgp", format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{body}"), true),
            ("cut off", format!("-----BEGIN EC PRIVATE KEY-----\n{body}"), true),
            ("certificate", format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"), false),
            ("no body", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".to_owned(), false),
            ("empty", String::new(), false),
        ] {
            assert_eq!(pem(text.as_bytes()), expected, "{name}");
        }
    }
}
