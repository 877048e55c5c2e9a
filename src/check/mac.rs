//! Hardware addresses.

use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[Check { name: "mac", form: Form::Raw, worth: 5, run: mac }];

/// Returns whether `text` is a hardware address of 48 or 64 bits: pairs of hexadecimal digits with one separator (`:`,
/// `-` or a blank) throughout, groups of four with dots, or nothing between them. All zeros and all ones name no device.
///
/// # Source
/// IEEE Std 802-2014 §8 (EUI-48, EUI-64, hexadecimal and bit-reversed representation); the dotted form is that of Cisco
/// IOS.
#[must_use]
pub(super) fn mac(text: &[u8]) -> bool {
    let mut n_digits = 0;
    let (mut all_zero, mut all_ones) = (true, true);
    for byte in text.iter().filter(|byte| byte.is_ascii_hexdigit()) {
        n_digits += 1;
        all_zero &= *byte == b'0';
        all_ones &= matches!(byte, b'f' | b'F');
    }
    let separator = text.iter().copied().find(|byte| !byte.is_ascii_hexdigit());
    let grouped = match separator {
        None => true,
        Some(mark @ (b':' | b'-' | b' ')) => in_groups(text, mark, 2),
        Some(b'.') => in_groups(text, b'.', 4),
        Some(_) => false,
    };
    matches!(n_digits, 12 | 16) && grouped && !all_zero && !all_ones
}

fn in_groups(text: &[u8], mark: u8, length: usize) -> bool {
    text.split(|&byte| byte == mark).all(|group| group.len() == length && group.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::mac;

    #[test]
    fn forms() {
        for (text, expected) in [
            ("00:00:5e:00:53:01", true), // documentation range, RFC 7042
            ("00-00-5E-00-53-01", true),
            ("0000.5e00.5301", true),
            ("00005e005301", true),
            ("02:00:5e:10:00:00:00:01", true),
            ("00:00:5e:00:53", false),
            ("00:00:5e:00:53:0g", false),
            ("00:00-5e:00:53:01", false),
            ("000:05e:00:53:01", false),
            ("00:00:00:00:00:00", false),
            ("ff:ff:ff:ff:ff:FF", false),
            ("", false),
        ] {
            assert_eq!(mac(text.as_bytes()), expected, "{text}");
        }
    }
}
