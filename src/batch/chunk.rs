//! Cuts a stream of bytes into chunks of whole records, with bounded memory.

use crate::envelope::{Format, More, Records, chunk_end};
use std::io::{self, Read};
use std::sync::Arc;

/// Whole records, as they stood in the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The records with their line ends; nothing when the one record was too long to hold.
    pub(super) bytes: Vec<u8>,
    /// The number of the first record, counted from 1.
    pub(super) first_record: u64,
    /// Whether the bytes are records, or what is left of one that was too long: its line end.
    pub(super) shape: Shape,
    /// The first row of the table that the records are of; nothing where it is the first of them.
    pub(super) head: Arc<[u8]>,
}

/// What the bytes of a chunk are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Whole records.
    Records,
    /// One record that is past the limit, passed over up to its line end.
    TooLong,
}

/// Reads chunks.
pub(super) struct Chunks<R> {
    source: R,
    format: Format,
    record_bytes: usize,
    chunk_bytes: usize,
    /// Read and not yet handed out; begins with a record.
    held: Vec<u8>,
    next_record: u64,
    ended: bool,
    n_bytes: u64,
    head: Arc<[u8]>,
}

/// What one read asks for.
const READ_BYTES: usize = 64 << 10;

impl<R: Read> Chunks<R> {
    /// Reads from `source`, of which `head` was read before.
    pub(super) fn new(source: R, head: Vec<u8>, format: Format, record_bytes: usize, chunk_bytes: usize) -> Self {
        let n_bytes = head.len() as u64;
        Self {
            source,
            format,
            record_bytes,
            chunk_bytes,
            held: head,
            next_record: 1,
            ended: false,
            n_bytes,
            head: Arc::default(),
        }
    }

    /// Returns how many bytes were read.
    pub(super) const fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Returns the next chunk, or nothing at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Chunk>> {
        match self.format {
            Format::Json => self.whole(),
            _ => self.lines(),
        }
    }

    fn whole(&mut self) -> io::Result<Option<Chunk>> {
        if self.next_record > 1 {
            return Ok(None);
        }
        while !self.ended && self.held.len() <= self.record_bytes {
            self.fill()?;
        }
        let shape = if self.held.len() > self.record_bytes { Shape::TooLong } else { Shape::Records };
        // What follows is read, so that its writer does not meet a closed pipe, and not kept.
        while !self.ended {
            self.held.clear();
            self.fill()?;
        }
        let bytes = if shape == Shape::TooLong { Vec::new() } else { std::mem::take(&mut self.held) };
        self.held.clear();
        self.next_record += 1;
        Ok(Some(Chunk { bytes, first_record: 1, shape, head: Arc::default() }))
    }

    fn lines(&mut self) -> io::Result<Option<Chunk>> {
        let mut enough = self.chunk_bytes;
        let end = loop {
            while !self.ended && self.held.len() < enough {
                self.fill()?;
            }
            let more = if self.ended { More::Ends } else { More::Follows };
            match chunk_end(self.format, &self.held, more) {
                0 if self.held.is_empty() => return Ok(None),
                0 if self.held.len() > self.record_bytes.saturating_add(LINE_END_BYTES) => {
                    return self.pass_over().map(Some);
                }
                // Twice as much each time, so that a long record is not searched again and again.
                0 => enough = enough.saturating_mul(2),
                end => break end,
            }
        };
        let rest = self.held.split_off(end);
        let bytes = std::mem::replace(&mut self.held, rest);
        let first_record = self.next_record;
        self.next_record += n_lines(&bytes);
        let head = Arc::clone(&self.head);
        if first_record == 1
            && matches!(self.format, Format::Csv(_))
            && let Some(row) = Records::new(self.format, &bytes).ok().and_then(|mut rows| rows.next())
        {
            self.head = row.body.of(&bytes).unwrap_or_default().into();
        }
        Ok(Some(Chunk { bytes, first_record, shape: Shape::Records, head }))
    }

    /// Passes over a record that is too long to hold, up to its line end.
    fn pass_over(&mut self) -> io::Result<Chunk> {
        let mut last = None;
        let bytes = loop {
            if let Some(at) = memchr::memchr(b'\n', &self.held) {
                let before = at.checked_sub(1).and_then(|before| self.held.get(before)).copied().or(last);
                let rest = self.held.split_off(at + 1);
                self.held = rest;
                break if before == Some(b'\r') { b"\r\n".to_vec() } else { b"\n".to_vec() };
            }
            last = self.held.last().copied();
            self.held.clear();
            if self.ended {
                break Vec::new();
            }
            self.fill()?;
        };
        let first_record = self.next_record;
        self.next_record += 1;
        Ok(Chunk { bytes, first_record, shape: Shape::TooLong, head: Arc::clone(&self.head) })
    }

    fn fill(&mut self) -> io::Result<()> {
        let before = self.held.len();
        let n = (&mut self.source).take(READ_BYTES as u64).read_to_end(&mut self.held)?;
        self.ended = n < READ_BYTES;
        self.n_bytes += (self.held.len() - before) as u64;
        Ok(())
    }
}

/// Longest end of a line: carriage return and line feed.
const LINE_END_BYTES: usize = 2;

/// Counts lines; the last may have no end.
pub(super) fn n_lines(bytes: &[u8]) -> u64 {
    let n_ends = memchr::memchr_iter(b'\n', bytes).count() as u64;
    n_ends + u64::from(bytes.last().is_some_and(|&last| last != b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a read.
    struct Drip<'t>(&'t [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(out.len()).min(1);
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn read(text: &[u8], format: Format, record_bytes: usize, chunk_bytes: usize) -> Vec<Chunk> {
        let mut chunks = Chunks::new(Drip(text), Vec::new(), format, record_bytes, chunk_bytes);
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next().unwrap() {
            all.push(chunk);
        }
        assert_eq!(chunks.n_bytes(), text.len() as u64);
        all
    }

    #[track_caller]
    fn check(text: &str, format: Format, limit: usize, want: &[(&str, u64, Shape)]) {
        let chunks = read(text.as_bytes(), format, limit, usize::MAX);
        let got: Vec<_> =
            chunks.iter().map(|c| (std::str::from_utf8(&c.bytes).unwrap(), c.first_record, c.shape)).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn records() {
        check("", Format::Text, 9, &[]);
        check("a\nb", Format::Text, 9, &[("a\nb", 1, Shape::Records)]);
        check("a\n\n", Format::Text, 9, &[("a\n\n", 1, Shape::Records)]);
        check("{\n}\n", Format::Json, 9, &[("{\n}\n", 1, Shape::Records)]);
        check("", Format::Json, 9, &[("", 1, Shape::Records)]);
        check("0123456789", Format::Json, 9, &[("", 1, Shape::TooLong)]);
    }

    #[test]
    fn long_records_are_passed_over() {
        let long = "x".repeat(3 * READ_BYTES);
        let limit = READ_BYTES;
        let text = format!("{long}\r\na\n{long}\n{long}");
        let chunks = read(text.as_bytes(), Format::Text, limit, 16);
        let shapes: Vec<_> = chunks.iter().map(|c| (c.bytes.len(), c.first_record, c.shape)).collect();
        let long = Shape::TooLong;
        assert_eq!(shapes[0], (2, 1, long));
        assert_eq!(shapes[1], (2, 2, Shape::Records));
        assert_eq!(shapes[2..], [(1, 3, long), (0, 4, long)]);
    }

    #[test]
    fn chunks_join_to_the_input() {
        let text: String = (0..40_000).map(|n| format!("line {n}\n")).collect();
        let chunks = read(text.as_bytes(), Format::Log, 1 << 20, 1_000);
        assert!(chunks.len() > 1);
        let joined: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.bytes.clone()).collect();
        assert_eq!(joined, text.as_bytes());
        let mut next = 1;
        for chunk in &chunks {
            assert_eq!(chunk.first_record, next);
            next += n_lines(&chunk.bytes);
        }
        assert_eq!(next, 40_001);
    }
}
