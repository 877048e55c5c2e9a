//! Cuts a big chunk into records: lines, blocks of lines that belong together, or the whole.
//!
//! A block is a PEM block (RFC 7468): from a line in which a `-----BEGIN ` is left open to the line with its `-----END `.
//! It is one record, so that a key over several lines is seen whole. Where the end is too far away or another block begins
//! before it, the line stands for itself. What a record is depends only on the bytes around it, not on where a chunk was
//! cut; [`chunk_end`] sees to that.

use super::lines::row_end;
use super::{EnvelopeFault, Format, MAX_BUFFER};
use crate::limits::{PEM_BYTES, PEM_LINES};
use crate::span::DocSpan;
use memchr::memmem;

/// One record of a chunk.
///
/// # Offsets
/// Places in the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record without its line end.
    pub body: DocSpan,
    /// The record with its line end, `\n`, `\r\n` or none.
    pub whole: DocSpan,
}

/// What comes after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// More of the same input may follow.
    Follows,
    /// The input ends with the chunk.
    Ends,
}

/// Yields the records of a chunk in order; they cover it without a gap.
pub struct Records<'c> {
    chunk: &'c [u8],
    format: Format,
    at: usize,
    /// The next `-----BEGIN ` and `-----END ` at or after `at`, as far as known.
    begin: Next,
    end: Next,
}

/// Where a marker stands next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Unknown,
    At(usize),
    None,
}

impl Next {
    /// Returns the first `marker` at or after `from`. Successive calls with growing `from` cost one pass in all.
    fn from(&mut self, marker: &[u8], chunk: &[u8], from: usize) -> Option<usize> {
        match *self {
            Self::None => return None,
            Self::At(at) if at >= from => return Some(at),
            _ => {}
        }
        let found = memmem::find(chunk.get(from..)?, marker).map(|at| at + from);
        *self = found.map_or(Self::None, Self::At);
        found
    }
}

impl<'c> Records<'c> {
    /// Cuts `chunk`, which begins where a record begins.
    ///
    /// # Errors
    /// The chunk is longer than [`MAX_BUFFER`].
    pub fn new(format: Format, chunk: &'c [u8]) -> Result<Self, EnvelopeFault> {
        if chunk.len() > MAX_BUFFER {
            return Err(EnvelopeFault::RecordTooLong { len: chunk.len(), limit: MAX_BUFFER });
        }
        Ok(Self { chunk, format, at: 0, begin: Next::Unknown, end: Next::Unknown })
    }

    /// Returns the end of the block that begins in the line `from..line_end`.
    fn block_end(&mut self, from: usize, line_end: usize) -> Option<usize> {
        let mut begin = self.begin.from(BEGIN, self.chunk, from).filter(|&at| at < line_end)?;
        let mut line_end = line_end;
        let mut is_block = false;
        loop {
            // The last marker of the line decides whether a block is open after it.
            while let Some(next) = self.begin.from(BEGIN, self.chunk, begin + 1).filter(|&at| at < line_end) {
                begin = next;
            }
            let mut end = self.end.from(END, self.chunk, begin);
            if end.is_some_and(|at| at < line_end) || end.is_none() {
                return is_block.then_some(line_end);
            }
            if self.begin.from(BEGIN, self.chunk, line_end).is_some_and(|next| end.is_some_and(|end| next < end)) {
                end = None;
            }
            let Some(close) = end.and_then(|end| {
                let block = self.chunk.get(begin..end)?;
                let fits = block.len() <= PEM_BYTES && memchr::memchr_iter(b'\n', block).count() < PEM_LINES;
                fits.then(|| end_of_line(self.chunk, end))
            }) else {
                return is_block.then_some(line_end);
            };
            (is_block, line_end) = (true, close);
            match self.begin.from(BEGIN, self.chunk, end.unwrap_or(begin)).filter(|&at| at < line_end) {
                Some(next) => begin = next,
                None => return Some(line_end),
            }
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let from = self.at;
        if from >= self.chunk.len() {
            return None;
        }
        self.at = match self.format {
            Format::Json => self.chunk.len(),
            Format::JsonLines | Format::Form | Format::Vcard | Format::WhatsApp => end_of_line(self.chunk, from),
            Format::Csv(delimiter) => row_end(self.chunk, from, delimiter, More::Ends).unwrap_or(self.chunk.len()),
            Format::Text | Format::Log => {
                let line_end = end_of_line(self.chunk, from);
                self.block_end(from, line_end).unwrap_or(line_end)
            }
        };
        let body_end = match self.format {
            Format::Json => self.at,
            _ => match self.chunk.get(from..self.at) {
                Some([.., b'\r', b'\n']) => self.at - 2,
                Some([.., b'\n']) => self.at - 1,
                _ => self.at,
            },
        };
        let place = |start, end| DocSpan::new(super::fields::number(start), super::fields::number(end));
        Some(Record { body: place(from, body_end), whole: place(from, self.at) })
    }
}

/// Returns how many bytes of a chunk are whole records; what is behind them is to be put in front of the next chunk. With
/// [`More::Ends`], all of them. Zero means that the chunk does not hold a whole record yet.
#[must_use]
pub fn chunk_end(format: Format, chunk: &[u8], more: More) -> usize {
    if more == More::Ends {
        return chunk.len();
    }
    let lines_end = match format {
        Format::Json => return 0,
        Format::Csv(delimiter) => {
            let mut end = 0;
            while let Some(next) = row_end(chunk, end, delimiter, More::Follows) {
                end = next;
            }
            return end;
        }
        _ => memchr::memrchr(b'\n', chunk).map_or(0, |at| at + 1),
    };
    if !matches!(format, Format::Text | Format::Log) {
        return lines_end;
    }
    // A block that is still open begins with the last marker, and may hang on a line that ends another block.
    let mut cut = lines_end;
    loop {
        // No block is longer.
        let near = cut.saturating_sub(PEM_BYTES);
        let lines = chunk.get(near..cut).unwrap_or_default();
        let Some(begin) = memmem::rfind(lines, BEGIN).map(|at| near + at) else { return cut };
        let rest = chunk.get(begin..lines_end).unwrap_or_default();
        let n_lines = memchr::memchr_iter(b'\n', rest).count();
        let end = memmem::find(rest, END).map(|end| end_of_line(chunk, begin + end));
        let open = match end {
            // Closed, and not by a line that hangs on to what was cut off.
            Some(end) => end > cut,
            None => rest.len() <= PEM_BYTES && n_lines < PEM_LINES,
        };
        if !open {
            return cut;
        }
        cut = memchr::memrchr(b'\n', chunk.get(..begin).unwrap_or_default()).map_or(0, |at| at + 1);
    }
}

fn end_of_line(chunk: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', chunk.get(from..).unwrap_or_default()).map_or(chunk.len(), |at| from + at + 1)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bodies(format: Format, chunk: &[u8]) -> Vec<String> {
        let records: Vec<_> = Records::new(format, chunk).unwrap().collect();
        let ends = records.iter().map(|record| record.whole.end);
        assert!(records.iter().map(|record| record.whole.start).eq(std::iter::once(0).chain(ends).take(records.len())));
        assert_eq!(records.last().map_or(0, |record| record.whole.end as usize), chunk.len());
        records.iter().map(|record| String::from_utf8_lossy(record.body.of(chunk).unwrap()).into_owned()).collect()
    }

    #[track_caller]
    fn check(format: Format, chunk: &str, expected: &[&str]) {
        assert_eq!(bodies(format, chunk.as_bytes()), expected, "{chunk:?}");
    }

    #[test]
    fn lines() {
        check(Format::Text, "", &[]);
        check(Format::Text, "a", &["a"]);
        check(Format::Text, "a\nb\r\n\nc\r", &["a", "b", "", "c\r"]);
        check(Format::JsonLines, "{}\n\n[1]\r\n", &["{}", "", "[1]"]);
        check(Format::JsonLines, "-----BEGIN A\n-----END A", &["-----BEGIN A", "-----END A"]);
        check(Format::Json, "{\n}\n", &["{\n}\n"]);
    }

    #[test]
    fn blocks() {
        let pem = "-----BEGIN X-----\nAA\n-----END X-----";
        check(Format::Text, &format!("a\n{pem}\nb"), &["a", pem, "b"]);
        check(Format::Log, &format!("{pem}\r\n{pem}"), &[pem, pem]);
        check(Format::Text, "-----BEGIN X-----\nAA\n", &["-----BEGIN X-----", "AA"]);
        check(Format::Text, "-----END X-----\n-----BEGIN X-----", &["-----END X-----", "-----BEGIN X-----"]);
        check(Format::Text, &format!("-----BEGIN Y\n{pem}"), &["-----BEGIN Y", pem]);
        check(Format::Text, "-----BEGIN Y AA -----END Y\nb", &["-----BEGIN Y AA -----END Y", "b"]);
        let twice = "k: -----BEGIN X\nAA\n-----END X -----BEGIN Y\nBB\n-----END Y";
        check(Format::Text, &format!("{twice}\nb"), &[twice, "b"]);
        let half = "-----BEGIN X\nAA\n-----END X -----BEGIN Y";
        check(Format::Text, &format!("{half}\nb"), &[half, "b"]);
    }

    #[test]
    fn edges_of_a_block() {
        let block = |n_lines: usize| format!("-----BEGIN X\n{}-----END X", "A\n".repeat(n_lines - 2));
        check(Format::Text, &block(PEM_LINES), &[&block(PEM_LINES)]);
        assert_eq!(bodies(Format::Text, block(PEM_LINES + 1).as_bytes()).len(), PEM_LINES + 1);
        let wide = |n: usize| format!("-----BEGIN X\n{}\n-----END X", "A".repeat(n - 14));
        check(Format::Text, &wide(PEM_BYTES), &[&wide(PEM_BYTES)]);
        assert_eq!(bodies(Format::Text, wide(PEM_BYTES + 1).as_bytes()).len(), 3);
    }

    proptest! {
        /// However the input is cut into chunks, the records are the same.
        #[test]
        fn chunks_do_not_matter(
            parts in prop::collection::vec(prop::sample::select(vec!["-----BEGIN ", "-----END ", "-----", "\n", "\n", "\r\n", "a", "A\n"]), 0..60),
            long in 0..3_usize,
            size in 1..40_usize,
        ) {
            let mut input = parts.concat();
            if long > 0 {
                // A block that is just too long, and one that is just not.
                input.insert_str(0, &format!("-----BEGIN \n{}-----END \n", "A\n".repeat(PEM_LINES - 3 + long)));
            }
            let input = input.as_bytes();
            let expected: Vec<_> = Records::new(Format::Text, input).unwrap().map(|record| record.whole.len()).collect();
            let (mut got, mut from, mut to) = (Vec::new(), 0, 0);
            while from < input.len() {
                to = (to + size).min(input.len());
                let more = if to == input.len() { More::Ends } else { More::Follows };
                let end = from + chunk_end(Format::Text, &input[from..to], more);
                got.extend(Records::new(Format::Text, &input[from..end]).unwrap().map(|record| record.whole.len()));
                from = end;
            }
            prop_assert_eq!(got, expected);
        }
    }
}
