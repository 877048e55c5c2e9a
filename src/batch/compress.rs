//! Compressed inputs and outputs: gzip, zstd, bzip2, xz and lz4, told by their first bytes.
//!
//! Every format allows several streams in one file, one after the other: members of gzip, frames of zstd and lz4, streams
//! of bzip2 and xz. Inputs may hold many. Outputs hold one for each chunk, so that chunks are compressed on all cores and
//! a run that was stopped goes on where the last whole stream ends; every ordinary reader joins them.

use flate2::write::GzEncoder;
use std::io::{self, BufRead, BufReader, Chain, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames.
    Zstd,
    /// Any number of streams.
    Bzip2,
    /// Any number of streams.
    Xz,
    /// The frame format, any number of frames.
    Lz4,
}

/// What is known of a compression.
struct Fact {
    compression: Compression,
    name: &'static str,
    magic: &'static [u8],
    endings: &'static [&'static str],
}

const FACTS: &[Fact] = &[
    Fact { compression: Compression::Gzip, name: "gzip", magic: b"\x1f\x8b", endings: &["gz", "gzip"] },
    Fact { compression: Compression::Zstd, name: "zstd", magic: b"\x28\xb5\x2f\xfd", endings: &["zst", "zstd"] },
    Fact { compression: Compression::Bzip2, name: "bzip2", magic: b"BZh", endings: &["bz2"] },
    Fact { compression: Compression::Xz, name: "xz", magic: b"\xfd7zXZ\0", endings: &["xz"] },
    Fact { compression: Compression::Lz4, name: "lz4", magic: b"\x04\x22\x4d\x18", endings: &["lz4"] },
];

/// The longest of the magic numbers.
pub(super) const MAGIC_BYTES: usize = 6;

/// Gives what an input holds once it is unpacked.
pub(super) type Unpacked = Box<dyn Read + Send>;

impl Compression {
    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        FACTS.iter().find(|fact| fact.compression == self).map_or("none", |fact| fact.name)
    }

    /// Tells it by the first bytes of a file, at least [`MAGIC_BYTES`] where there are so many.
    pub(super) fn of_content(head: &[u8]) -> Self {
        // Text may begin with the letters of bzip2; a level and the mark of a block or of the end follow in a real one.
        let is_bzip2 =
            || matches!(head, [_, _, _, b'1'..=b'9', 0x31, 0x41, ..] | [_, _, _, b'1'..=b'9', 0x17, 0x72, ..]);
        let fits = |fact: &&Fact| head.starts_with(fact.magic) && (fact.compression != Self::Bzip2 || is_bzip2());
        FACTS.iter().find(fits).map_or(Self::None, |fact| fact.compression)
    }

    /// Tells it by the ending of a name.
    pub(super) fn of_name(path: &Path) -> Self {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        FACTS.iter().find(|fact| fact.endings.contains(&ending.as_str())).map_or(Self::None, |fact| fact.compression)
    }

    /// Returns `name` without the ending of this or any other compression.
    pub(super) fn strip(name: &str) -> &str {
        let stripped = name.rsplit_once('.').filter(|(_, ending)| {
            FACTS.iter().any(|fact| fact.endings.iter().any(|known| known.eq_ignore_ascii_case(ending)))
        });
        stripped.map_or(name, |(stem, _)| stem)
    }

    /// Unpacks `raw`, all streams of it; `memory` bounds the window of formats that choose theirs, in bytes.
    pub(super) fn unpack(self, raw: impl Read + Send + 'static, memory: usize) -> io::Result<Unpacked> {
        if self == Self::None {
            return Ok(Box::new(raw));
        }
        let raw = BufReader::with_capacity(RAW_BYTES, raw);
        Ok(match self {
            Self::None => Box::new(raw),
            Self::Gzip => Box::new(Guarded(flate2::bufread::MultiGzDecoder::new(raw))),
            Self::Bzip2 => Box::new(Guarded(bzip2::bufread::MultiBzDecoder::new(raw))),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
                decoder.window_log_max((memory / 4).max(8 << 20).ilog2())?;
                Box::new(Guarded(decoder))
            }
            Self::Xz => {
                let kib = u32::try_from(memory >> 10).unwrap_or(u32::MAX).max(MIN_XZ_KIB);
                Box::new(Guarded(lzma_rust2::XzReader::new_mem_limit(raw, true, kib)))
            }
            Self::Lz4 => Box::new(Guarded(Lz4::new(raw))),
        })
    }

    /// Packs `bytes` as one whole stream.
    pub(super) fn pack(self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        if self == Self::None {
            return Ok(bytes);
        }
        let out = Vec::with_capacity(bytes.len() / 3 + 64);
        match self {
            Self::None => Ok(bytes),
            Self::Gzip => {
                let mut gzip = GzEncoder::new(out, flate2::Compression::default());
                gzip.write_all(&bytes)?;
                gzip.finish()
            }
            Self::Zstd => {
                let mut zstd = zstd::stream::write::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                zstd.include_checksum(true)?;
                zstd.write_all(&bytes)?;
                zstd.finish()
            }
            Self::Bzip2 => {
                let mut bzip2 = bzip2::write::BzEncoder::new(out, bzip2::Compression::best());
                bzip2.write_all(&bytes)?;
                bzip2.finish()
            }
            Self::Xz => {
                let mut options = lzma_rust2::XzOptions::with_preset(6);
                // A dictionary that is longer than what it serves only costs memory, ten times its length.
                let enough = bytes.len().next_power_of_two().clamp(64 << 10, 8 << 20);
                options.lzma_options.dict_size = u32::try_from(enough).unwrap_or(8 << 20);
                let mut xz = lzma_rust2::XzWriter::new(out, options)?;
                xz.write_all(&bytes)?;
                xz.finish()
            }
            Self::Lz4 => {
                let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
                let mut lz4 = lz4_flex::frame::FrameEncoder::with_frame_info(info, out);
                lz4.write_all(&bytes)?;
                lz4.finish().map_err(io::Error::other)
            }
        }
    }
}

/// So much is read from a file at a time.
const RAW_BYTES: usize = 128 << 10;
/// What `xz -9` needs to unpack.
const MIN_XZ_KIB: u32 = 66 << 10;

/// Frames of lz4, one after the other; a decoder reads one.
///
/// The decoder takes the end of the input for the end of a frame, wherever it comes. A mark that no frame begins with is
/// put behind the input: when it is gone or broken, the last frame was cut.
struct Lz4<R: Read> {
    decoder: Option<lz4_flex::frame::FrameDecoder<BufReader<Marked<R>>>>,
}

type Marked<R> = Chain<R, &'static [u8]>;

const LZ4_MARK: &[u8] = &[0xff; 4];

impl<R: Read> Lz4<R> {
    fn new(raw: R) -> Self {
        let marked = BufReader::with_capacity(RAW_BYTES, raw.chain(LZ4_MARK));
        Self { decoder: Some(lz4_flex::frame::FrameDecoder::new(marked)) }
    }
}

impl<R: Read> Read for Lz4<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let n = decoder.read(out)?;
            if n > 0 || out.is_empty() {
                return Ok(n);
            }
            let Some(mut rest) = self.decoder.take().map(lz4_flex::frame::FrameDecoder::into_inner) else { break };
            if rest.fill_buf()?.first().is_none_or(|first| LZ4_MARK.contains(first)) {
                let mut end = Vec::new();
                rest.take(LZ4_MARK.len() as u64 + 1).read_to_end(&mut end)?;
                return if end == LZ4_MARK { Ok(0) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            self.decoder = Some(lz4_flex::frame::FrameDecoder::new(rest));
        }
        Ok(0)
    }
}

/// Turns a panic of a decoder over damaged bytes into an error: a bug of somebody costs a file and not the run.
struct Guarded<R>(R);

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        catch_unwind(AssertUnwindSafe(|| self.0.read(out))).unwrap_or_else(|_| Err(io::ErrorKind::InvalidData.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Compression; 6] = [
        Compression::None,
        Compression::Gzip,
        Compression::Zstd,
        Compression::Bzip2,
        Compression::Xz,
        Compression::Lz4,
    ];

    fn unpack(packed: Vec<u8>) -> io::Result<Vec<u8>> {
        let compression = Compression::of_content(&packed[..packed.len().min(MAGIC_BYTES)]);
        let mut out = Vec::new();
        compression.unpack(io::Cursor::new(packed), 64 << 20)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn streams_join_and_damage_is_told() {
        for compression in ALL {
            let text: Vec<u8> = (0..40_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
            for parts in [&[&text[..]][..], &[b"a\n", &text, b"", b"b\n"], &[b""]] {
                let packed = parts.iter().flat_map(|part| compression.pack(part.to_vec()).unwrap()).collect();
                assert_eq!(unpack(packed).unwrap(), parts.concat(), "{}", compression.name());
            }
            if compression == Compression::None {
                continue;
            }
            let packed = compression.pack(text.clone()).unwrap();
            for cut in [packed.len() - 1, packed.len() / 2, 7] {
                assert!(unpack(packed[..cut].to_vec()).is_err(), "{} cut at {cut}", compression.name());
            }
            let mut broken = packed.clone();
            broken[packed.len() / 2] ^= 0x55;
            assert!(unpack(broken).map_or(true, |out| out != text), "{}", compression.name());
            let second = [packed.as_slice(), &packed[..packed.len() / 2]].concat();
            assert!(unpack(second).is_err(), "{}: the second stream is cut", compression.name());
        }
    }

    #[test]
    fn names() {
        assert_eq!(Compression::of_name(Path::new("a.txt.GZ")), Compression::Gzip);
        assert_eq!(Compression::of_name(Path::new("gz")), Compression::None);
        assert_eq!(Compression::strip("a.jsonl.zst"), "a.jsonl");
        assert_eq!(Compression::strip("a.jsonl"), "a.jsonl");
        assert_eq!(Compression::of_content(b"BZhello"), Compression::None);
        assert_eq!(Compression::of_content(b""), Compression::None);
    }
}
