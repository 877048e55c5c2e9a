//! Cuts a stream of bytes into chunks of whole records, with bounded memory.

use crate::envelope::{Format, MAX_SPEAKERS, More, Records, chunk_end, speaker};
use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whole records, as they stood in the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The records with their line ends; nothing when the one record was too long to hold.
    pub(super) bytes: Vec<u8>,
    /// The number of the first record, counted from 1.
    pub(super) first_record: u64,
    /// How many there are.
    pub(super) n_records: u64,
    /// Where the chunk begins in the input, in bytes of the unpacked UTF-8.
    pub(super) start: u64,
    /// Where it ends.
    pub(super) end: u64,
    /// Whether the bytes are records, or what is left of one that was too long: its line end.
    pub(super) shape: Shape,
    /// The first row of the table that the records are of; nothing where it is the first of them. Of a chat, the names of all
    /// who speak in it; nothing where the chunk has all of it.
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
pub(super) struct Chunks<'s, R> {
    source: R,
    format: Format,
    sizes: Sizes,
    /// Read and not yet handed out; begins with a record.
    held: Vec<u8>,
    next_record: u64,
    /// Where `held` begins in the input.
    at: u64,
    ended: bool,
    /// The first row of the table that is read.
    head: Arc<[u8]>,
    /// Memory for what is read next.
    spare: &'s Spare,
}

/// Memory of chunks and results that were written. Fresh memory costs more than what is read into it.
#[derive(Debug)]
pub(super) struct Spare {
    most: usize,
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl Spare {
    /// Keeps at most `most` buffers.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, buffers: Mutex::new(Vec::new()) }
    }

    /// Returns a buffer that is empty.
    pub(super) fn take(&self) -> Vec<u8> {
        self.buffers().pop().unwrap_or_default()
    }

    /// Takes a buffer back; one that grew to a long record is not kept.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut buffers = self.buffers();
        if buffers.len() < self.most && (1..=SPARE_BYTES).contains(&buffer.capacity()) {
            buffers.push(buffer);
        }
    }

    fn buffers(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longest buffer that is kept.
const SPARE_BYTES: usize = 2 << 20;

/// Returns the first row of `bytes` if they are a table.
pub(super) fn first_row(format: Format, bytes: &[u8]) -> Arc<[u8]> {
    let table = matches!(format, Format::Csv(_));
    let mut rows = table.then(|| Records::new(format, bytes).ok()).into_iter().flatten().flatten();
    rows.next().and_then(|row| row.body.of(bytes)).unwrap_or_default().into()
}

/// Reads a chat to its end and returns the names of all who speak in it, one on a line; of more than [`MAX_SPEAKERS`] the first.
pub(super) fn speakers(source: impl Read) -> io::Result<Arc<[u8]>> {
    let mut source = io::BufReader::with_capacity(READ_BYTES, source);
    let mut known = BTreeSet::new();
    let mut line = Vec::new();
    loop {
        let read = source.fill_buf()?;
        let end = memchr::memchr(b'\n', read);
        // The name stands at the beginning of a line; the rest of a long one is not kept.
        let room = LINE_HEAD.saturating_sub(line.len());
        let piece = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
        line.extend_from_slice(piece.get(..room).unwrap_or(piece));
        let (n, is_over) = (end.map_or(read.len(), |end| end + 1), read.is_empty());
        source.consume(n);
        if end.is_some() || is_over {
            if let Some(name) = speaker(&line).and_then(|name| std::str::from_utf8(name).ok())
                && known.len() < MAX_SPEAKERS
                && !known.contains(name)
            {
                known.insert(name.to_owned());
            }
            line.clear();
        }
        if is_over {
            let mut names = String::new();
            known.iter().for_each(|name| names.extend([name.as_str(), "\n"]));
            return Ok(names.into_bytes().into());
        }
    }
}

/// So much of a line is looked at for who speaks: longer than date, time and the longest name.
const LINE_HEAD: usize = 512;

/// What one read asks for.
const READ_BYTES: usize = 64 << 10;

/// What bounds chunks, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Longest record that is held.
    pub(super) record_bytes: usize,
    /// About so much is handed out at a time.
    pub(super) chunk_bytes: usize,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// Bytes of the input before it.
    pub(super) at: u64,
    /// The number of the record that begins there.
    pub(super) record: u64,
}

impl Start {
    /// The beginning of an input.
    pub(super) const BEGIN: Self = Self { at: 0, record: 1 };
}

impl<'s, R: Read> Chunks<'s, R> {
    /// Reads from `source`, which stands behind `head`; `head` begins at `start`. Where chunks end depends on the bytes
    /// alone: begun at the start of any of them, the rest are the same. `row` is the first row of a table that is not begun
    /// at its start.
    pub(super) fn new(
        source: R,
        head: Vec<u8>,
        start: Start,
        format: Format,
        sizes: Sizes,
        row: Arc<[u8]>,
        spare: &'s Spare,
    ) -> Self {
        let Start { at, record } = start;
        Self { source, format, sizes, held: head, next_record: record, at, ended: false, head: row, spare }
    }

    /// Tells what stands above all chunks that follow.
    pub(super) fn set_head(&mut self, head: Arc<[u8]>) {
        self.head = head;
    }

    /// Returns whether nothing follows the chunks that were handed out.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.held.is_empty()
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
        while !self.ended && self.held.len() <= self.sizes.record_bytes {
            self.fill(READ_BYTES)?;
        }
        let mut end = self.at + self.held.len() as u64;
        let shape = if self.held.len() > self.sizes.record_bytes { Shape::TooLong } else { Shape::Records };
        // What follows is read, so that its writer does not meet a closed pipe, and not kept.
        while !self.ended {
            self.held.clear();
            self.fill(READ_BYTES)?;
            end += self.held.len() as u64;
        }
        let bytes = if shape == Shape::TooLong { Vec::new() } else { std::mem::take(&mut self.held) };
        self.held.clear();
        self.next_record += 1;
        let start = std::mem::replace(&mut self.at, end);
        let n_records = match shape {
            Shape::Records => n_lines(&bytes),
            Shape::TooLong => 1,
        };
        Ok(Some(Chunk { bytes, first_record: 1, n_records, start, end, shape, head: Arc::default() }))
    }

    fn lines(&mut self) -> io::Result<Option<Chunk>> {
        let mut enough = self.sizes.chunk_bytes;
        let end = loop {
            while !self.ended && self.held.len() < enough {
                self.fill(enough - self.held.len())?;
            }
            // What stands behind is not looked at, or a chunk would depend on those before it.
            let seen = self.held.get(..enough).unwrap_or(&self.held);
            let more = if self.ended && seen.len() == self.held.len() { More::Ends } else { More::Follows };
            let n_seen = seen.len();
            match chunk_end(self.format, seen, more) {
                0 if self.held.is_empty() => return Ok(None),
                0 if n_seen > self.sizes.record_bytes.saturating_add(LINE_END_BYTES) => {
                    return self.pass_over().map(Some);
                }
                // Twice as much each time, so that a long record is not searched again and again.
                0 => enough = enough.saturating_mul(2),
                end => break end,
            }
        };
        let mut rest = self.spare.take();
        rest.extend_from_slice(self.held.get(end..).unwrap_or_default());
        self.held.truncate(end);
        let bytes = std::mem::replace(&mut self.held, rest);
        let first_record = self.next_record;
        let n_records = n_lines(&bytes);
        self.next_record += n_records;
        let end = self.at + bytes.len() as u64;
        let start = std::mem::replace(&mut self.at, end);
        let head = Arc::clone(&self.head);
        if start == 0 && matches!(self.format, Format::Csv(_)) {
            self.head = first_row(self.format, &bytes);
        }
        Ok(Some(Chunk { bytes, first_record, n_records, start, end, shape: Shape::Records, head }))
    }

    /// Passes over a record that is too long to hold, up to its line end.
    fn pass_over(&mut self) -> io::Result<Chunk> {
        let mut last = None;
        let mut end = self.at;
        let bytes = loop {
            if let Some(at) = memchr::memchr(b'\n', &self.held) {
                let before = at.checked_sub(1).and_then(|before| self.held.get(before)).copied().or(last);
                let rest = self.held.split_off(at + 1);
                end += self.held.len() as u64;
                self.held = rest;
                break if before == Some(b'\r') { b"\r\n".to_vec() } else { b"\n".to_vec() };
            }
            last = self.held.last().copied();
            end += self.held.len() as u64;
            self.held.clear();
            if self.ended {
                break Vec::new();
            }
            self.fill(READ_BYTES)?;
        };
        let first_record = self.next_record;
        self.next_record += 1;
        let start = std::mem::replace(&mut self.at, end);
        let head = Arc::clone(&self.head);
        Ok(Chunk { bytes, first_record, n_records: 1, start, end, shape: Shape::TooLong, head })
    }

    /// Reads some, at most `most` bytes.
    fn fill(&mut self, most: usize) -> io::Result<()> {
        let wanted = most.min(READ_BYTES);
        let n = (&mut self.source).take(wanted as u64).read_to_end(&mut self.held)?;
        self.ended = n < wanted;
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
        let mut all = Vec::new();
        let (sizes, spare) = (Sizes { record_bytes, chunk_bytes }, Spare::new(2));
        let mut chunks = Chunks::new(Drip(text), Vec::new(), Start::BEGIN, format, sizes, Arc::default(), &spare);
        while let Some(chunk) = chunks.next().unwrap() {
            all.push(chunk);
        }
        assert!(chunks.is_over());
        assert_eq!(all.last().map_or(0, |chunk| chunk.end), text.len() as u64);
        assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start));
        // Begun at any chunk, the rest are the same.
        for (n, chunk) in all.iter().enumerate().skip(1).step_by(5) {
            let start = Start { at: chunk.start, record: chunk.first_record };
            let rest = &text[usize::try_from(chunk.start).unwrap()..];
            let mut chunks = Chunks::new(rest, Vec::new(), start, format, sizes, Arc::default(), &spare);
            for chunk in &all[n..] {
                assert_eq!(chunks.next().unwrap().as_ref(), Some(chunk));
            }
            assert_eq!(chunks.next().unwrap(), None);
        }
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
