//! Addresses of payment chains.

use super::{Check, Form};
use sha2::{Digest, Sha256};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "bitcoin", form: Form::Raw, worth: 300, run: bitcoin },
    Check { name: "tron", form: Form::Raw, worth: 300, run: |text| base58_check(text).is_some_and(|v| v == 0x41) },
    Check { name: "litecoin", form: Form::Raw, worth: 300, run: litecoin },
    Check {
        name: "dogecoin",
        form: Form::Raw,
        worth: 300,
        run: |text| base58_check(text).is_some_and(|v| matches!(v, 0x1e | 0x16)),
    },
    Check { name: "ethereum", form: Form::Raw, worth: 60, run: ethereum },
];

/// Returns the version byte of an address of 20 bytes in Base58Check, or nothing where it is none.
///
/// # Cost
/// Some thousand steps and two hashes; a candidate of another length is refused before.
///
/// # Source
/// Bitcoin Core, `base58.cpp`, and BIP 13: 25 bytes, the last four are the first of the double SHA-256 of the others.
fn base58_check(text: &[u8]) -> Option<u8> {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    if !(26..=35).contains(&text.len()) {
        return None;
    }
    let mut bytes = [0_u8; 25];
    for &byte in text {
        let mut carry = ALPHABET.iter().position(|&known| known == byte)?;
        for place in bytes.iter_mut().rev() {
            carry += 58 * usize::from(*place);
            *place = u8::try_from(carry % 256).ok()?;
            carry /= 256;
        }
        if carry > 0 {
            return None;
        }
    }
    let (body, check) = bytes.split_at_checked(21)?;
    let hash = Sha256::digest(Sha256::digest(body));
    // Every leading zero byte is one leading `1`, and no other.
    let ones = text.iter().take_while(|&&byte| byte == b'1').count();
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    (hash.get(..4) == Some(check) && ones == zeros).then_some(())?;
    bytes.first().copied()
}

/// Returns whether `text` is a Bech32 or Bech32m address with that human-readable part: version 0 in Bech32, others in
/// Bech32m.
///
/// # Source
/// BIP 173 and BIP 350, with their polynomial and constants; test vectors of both.
fn segwit(text: &[u8], prefix: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let lower = text.iter().any(u8::is_ascii_lowercase);
    let upper = text.iter().any(u8::is_ascii_uppercase);
    let Some(data) = text.get(prefix.len() + 1..) else { return false };
    let head = text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    if (lower && upper) || !head || text.get(prefix.len()) != Some(&b'1') || !(14..=87).contains(&data.len()) {
        return false;
    }
    let step = |sum: u32, value: u32| {
        let top = sum >> 25;
        let next = ((sum & 0x01ff_ffff) << 5) ^ value;
        [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
            .into_iter()
            .enumerate()
            .fold(next, |sum, (bit, of)| if top >> bit & 1 == 1 { sum ^ of } else { sum })
    };
    let value = |byte: &u8| {
        ALPHABET.iter().position(|known| *known == byte.to_ascii_lowercase()).and_then(|at| u32::try_from(at).ok())
    };
    let high = prefix.iter().map(|&byte| u32::from(byte) >> 5);
    let low = prefix.iter().map(|&byte| u32::from(byte) & 31);
    let sum = high.chain([0]).chain(low).fold(1, step);
    let Some(sum) = data.iter().try_fold(sum, |sum, byte| Some(step(sum, value(byte)?))) else { return false };
    match data.first().and_then(value) {
        // A program of version 0 has 20 or 32 bytes.
        Some(0) => sum == 1 && matches!(data.len(), 39 | 59),
        Some(version) => version <= 16 && sum == 0x2bc8_30a3,
        None => false,
    }
}

/// Returns whether `text` is a Bitcoin address: P2PKH or P2SH in Base58Check, or a witness program.
///
/// # Source
/// Bitcoin Core `chainparams.cpp` (versions 0 and 5, prefix `bc`), BIP 173, BIP 350.
fn bitcoin(text: &[u8]) -> bool {
    segwit(text, b"bc") || base58_check(text).is_some_and(|version| matches!(version, 0 | 5))
}

/// Returns whether `text` is a Litecoin address.
///
/// # Source
/// Litecoin Core `chainparams.cpp`: versions 48 and 50, prefix `ltc`.
fn litecoin(text: &[u8]) -> bool {
    segwit(text, b"ltc") || base58_check(text).is_some_and(|version| matches!(version, 0x30 | 0x32))
}

/// Returns whether `text` is an Ethereum address: `0x` and forty hexadecimal digits, not all alike; where capitals and small
/// letters are mixed they are a checksum.
///
/// # Source
/// EIP-55: a letter is a capital where the digit of the Keccak-256 hash of the small letters at its place is 8 or more.
fn ethereum(text: &[u8]) -> bool {
    let Some(digits) = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")) else { return false };
    if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) || super::digits::is_repeated(digits) {
        return false;
    }
    let lower = digits.iter().any(|b| b.is_ascii_lowercase());
    let upper = digits.iter().any(|b| b.is_ascii_uppercase());
    if !(lower && upper) {
        return true;
    }
    let mut small = [0; 40];
    small.iter_mut().zip(digits).for_each(|(place, byte)| *place = byte.to_ascii_lowercase());
    let hash = sha3::Keccak256::digest(small);
    digits.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphabetic()).all(|(at, byte)| {
        let pair = hash.get(at / 2).copied().unwrap_or(0);
        let nibble = if at % 2 == 0 { pair >> 4 } else { pair & 15 };
        byte.is_ascii_uppercase() == (nibble >= 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (run, text, expected) in [
            // The first block's address, and the vectors of BIP 13, 173 and 350.
            (bitcoin as fn(&[u8]) -> bool, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", true),
            (bitcoin, "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", true),
            (bitcoin, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", false),
            (bitcoin, "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", true),
            (bitcoin, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", false),
            (bitcoin, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", true),
            (bitcoin, "", false),
            // The vectors of EIP-55.
            (ethereum, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", true),
            (ethereum, "0xde709f2102306220921060314715629080e2fb77", true),
            (ethereum, "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", false),
            (ethereum, "0x0000000000000000000000000000000000000000", false),
        ] {
            assert_eq!(run(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(base58_check(b"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"), Some(0x41), "a published contract");
    }
}
