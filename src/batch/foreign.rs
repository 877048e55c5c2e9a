//! What is no text in any format that is read here. Passed on as bytes, it would pass for clean.

/// Returns why an input that begins with `head` cannot be read, as one of a closed list.
pub(super) fn reason(head: &[u8]) -> Option<&'static str> {
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|&(_, reason)| reason)
}

const PACKED: &str = "packed";
const WIDE: &str = "not_utf8";

const MAGIC: &[(&[u8], &str)] = &[
    // UTF-32.
    (b"\xff\xfe\0\0", WIDE),
    (b"\0\0\xfe\xff", WIDE),
    // zip, 7z, lzip, compress, lz4 before it had frames. Packed twice: gzip, zstd, xz, lz4.
    (b"PK\x03\x04", PACKED),
    (b"7z\xbc\xaf\x27\x1c", PACKED),
    (b"LZIP\x01", PACKED),
    (b"\x1f\x9d", PACKED),
    (b"\x02\x21\x4c\x18", PACKED),
    (b"\x1f\x8b\x08", PACKED),
    (b"\x28\xb5\x2f\xfd", PACKED),
    (b"\xfd7zXZ\0", PACKED),
    (b"\x04\x22\x4d\x18", PACKED),
    // Avro, Parquet, SQLite, PDF.
    (b"Obj\x01", PACKED),
    (b"PAR1", PACKED),
    (b"SQLite format 3\0", PACKED),
    (b"%PDF-", PACKED),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text() {
        assert_eq!(reason(b"PK\x03\x04rest"), Some(PACKED));
        assert_eq!(reason(b"\xff\xfe\0\0h\0\0\0"), Some(WIDE));
        assert_eq!(reason(b"hello"), None);
        assert_eq!(reason(b""), None);
    }
}
