//! Files in, files out: finds the inputs, cuts them into chunks of whole records, has the chunks worked on by many
//! threads and writes the results in the order of the input.
//!
//! The room knows no rules and no operators. What is done with a record is the caller's [`Work`]; the room sees to order,
//! memory, panics and files, to compression and encodings, and to what is left when a run is stopped.
//!
//! ```text
//! file ─▶ unpack ─▶ UTF-8 ─▶ chunks ─▶ work, encode, pack ─▶ in order ─▶ part ─▶ rename
//!         └────── one thread a file ──┘ └── every thread ──┘ └── one thread a file ──┘
//! ```
//!
//! Memory is bounded by a few chunks a thread and one record of the longest allowed length; an output file appears only
//! when it is whole.

mod census;
mod chunk;
mod compress;
mod encoding;
mod engine;
mod foreign;
mod input;
mod journal;
mod output;
mod target;

pub use census::{Census, Sighting};
pub use compress::Compression;
pub use encoding::Encoding;
pub use engine::run;
pub use input::{Input, Inputs, Place};
pub use output::{Leftover, Slot, Unfinished};
pub use target::Target;

use crate::envelope::{Format, Record};
use crate::limits::Limits;
use crate::tally::Tally;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What stops a batch: a file that cannot be read or written, an output that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
#[non_exhaustive]
pub struct BatchError {
    /// Which file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
    /// What would be right.
    pub hint: String,
    /// What the operating system says.
    #[source]
    pub cause: Option<io::Error>,
}

impl BatchError {
    fn new(path: &Path, what: &str, hint: &str) -> Self {
        Self { path: path.to_owned(), what: what.to_owned(), hint: hint.to_owned(), cause: None }
    }

    fn because(self, cause: io::Error) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// Returns whether the reader of our output has gone away, which is nobody's fault.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.cause.as_ref().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Whole records of one input.
#[derive(Clone, Copy)]
pub struct Piece<'p> {
    /// How the input is called.
    pub source: &'p str,
    /// The number of the first record; every line counts, from 1.
    pub first_record: u64,
    /// Where the first record begins in the input, in bytes of the unpacked UTF-8.
    pub start: u64,
    /// How the bytes are laid out.
    pub format: Format,
    /// The records with their line ends.
    pub bytes: &'p [u8],
    /// The first row of the table that the records are of; nothing where it is the first of them.
    pub head: &'p [u8],
}

impl<'p> Piece<'p> {
    /// Gives every record of the piece its number; `place` tells where a record stands in it.
    pub fn numbered<R>(&self, records: &'p [R], place: impl Fn(&R) -> Record) -> impl Iterator<Item = (u64, &'p R)> {
        let (mut next, bytes) = (self.first_record, self.bytes);
        records.iter().map(move |record| {
            let number = next;
            next += chunk::n_lines(place(record).whole.of(bytes).unwrap_or_default());
            (number, record)
        })
    }
}

/// What is done with records. One value serves all threads; each thread has its own `State`.
pub trait Work: Sync {
    /// The working memory of one thread.
    type State: Send;

    /// Makes the working memory of one thread.
    fn state(&self) -> Self::State;

    /// Handles every record of a piece in order and writes what becomes of it to `done`.
    fn piece(&self, piece: &Piece<'_>, state: &mut Self::State, done: &mut Done);

    /// Returns what a record that could not be handled leaves in the output.
    fn trace(&self) -> Trace;

    /// Returns how many outputs there are.
    fn n_lanes(&self) -> usize {
        1
    }
}

/// What a record that could not be handled leaves in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A mark in its place: the output is the input rewritten, in the encoding of the input.
    Mark,
    /// Nothing.
    None,
}

/// What became of a piece.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// What is written on the first lane.
    pub out: Vec<u8>,
    /// What is written on the others.
    pub others: Vec<Vec<u8>>,
    /// Records and detections. Quarantined records are counted by [`Done::quarantine`].
    pub tally: Tally,
    /// What was seen where, when somebody wants to know.
    pub census: Census,
    quarantined: Vec<(u64, u64, &'static str)>,
}

impl Done {
    fn new(n_lanes: usize) -> Self {
        Self { others: (1..n_lanes).map(|_| Vec::new()).collect(), ..Self::default() }
    }

    /// Yields what is written on each lane.
    pub fn lanes(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        std::iter::once(&mut self.out).chain(&mut self.others)
    }

    /// Counts a record that could not be handled, and the byte of the input where it begins or its fault is; its reason is
    /// one of a closed list. Does not write.
    pub fn quarantine(&mut self, record: u64, at: u64, reason: &'static str) {
        self.tally.n_quarantined += 1;
        self.quarantined.push((record, at, reason));
    }

    fn append(&mut self, mut other: Self) {
        for (out, more) in self.lanes().zip(other.lanes()) {
            out.append(more);
        }
        self.tally.add(&other.tally);
        self.census.add(other.census);
        self.quarantined.extend(other.quarantined);
    }
}

/// What is the same for all inputs of a run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The format, or none to tell it from each input.
    pub format: Option<Format>,
    /// The encoding, or none to tell it from each input.
    pub encoding: Option<Encoding>,
    /// Threads.
    pub n_jobs: usize,
    /// About so many bytes of memory are used at most.
    pub memory: usize,
    /// Bounds on one record.
    pub limits: Limits,
    /// Whether a run goes on where another stopped, and what both must have in common.
    pub resume: Resume,
    /// So many bytes of an input are worked off before the journal tells so.
    pub mark_bytes: u64,
}

impl Config {
    /// Default bound on memory: 256 MB.
    pub const MEMORY: usize = 256_000_000;
    /// Least bound on memory that makes sense.
    pub const LEAST_MEMORY: usize = 64_000_000;
    /// Default distance of marks in the journal.
    pub const MARK_BYTES: u64 = 64 << 20;
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format: None,
            encoding: None,
            n_jobs: 1,
            memory: Self::MEMORY,
            limits: Limits::default(),
            resume: Resume::None,
            mark_bytes: Self::MARK_BYTES,
        }
    }
}

/// Whether a run can be gone on with. The text says what results depend on besides the inputs: rules, policy, options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// No journal is written.
    #[default]
    None,
    /// A journal is written; what an earlier run left is not looked at.
    Anew(String),
    /// What an earlier run finished is not done again.
    GoOn(String),
}

/// What others may see of a run while it goes on, and what they do to end it.
#[derive(Debug, Default)]
pub struct Watch {
    /// Bytes read from files, packed as they are.
    pub n_read: Arc<AtomicU64>,
    /// Inputs that are done with.
    pub n_inputs: AtomicU64,
    /// Records.
    pub n_records: AtomicU64,
    /// Files that are not whole.
    pub unfinished: Unfinished,
}

impl Watch {
    fn read(&self, n: u64) {
        self.n_read.fetch_add(n, Ordering::Relaxed);
    }
}

/// A record or an input that could not be handled, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The number of the input.
    pub input: usize,
    /// How the input is called.
    pub source: String,
    /// Counted from 1; 0 for the input as a whole.
    pub record: u64,
    /// The byte of the input, unpacked and in UTF-8, where the record begins or its fault is.
    pub at: u64,
    /// One of a closed list.
    pub reason: &'static str,
    /// What the operating system says of an input that cannot be read.
    pub cause: Option<io::ErrorKind>,
}

/// What became of one input.
#[derive(Clone, Debug)]
pub struct FileSummary {
    /// The number of the input.
    pub input: usize,
    /// How the input is called.
    pub source: String,
    /// How it is laid out; none when it was not looked into.
    pub format: Option<Format>,
    /// How it is compressed.
    pub compression: Compression,
    /// The name of its encoding.
    pub encoding: &'static str,
    /// Its unpacked length in UTF-8, in bytes.
    pub n_bytes: u64,
    /// Records and detections.
    pub tally: Tally,
    /// Whether it gave no output.
    pub refused: bool,
}

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Records, quarantined ones and detections.
    pub tally: Tally,
    /// Inputs read.
    pub n_inputs: usize,
    /// Inputs that an earlier run had finished.
    pub n_resumed: usize,
    /// Inputs that gave no output, because they could not be handled as a whole.
    pub n_refused: usize,
    /// Inputs that grew while they were read; what was added is not in the output.
    pub n_grown: usize,
    /// Bytes read, after decompression.
    pub n_bytes: u64,
    /// The first quarantined records, up to [`Summary::QUARANTINED_SHOWN`].
    pub quarantined: Vec<Quarantined>,
    /// The first inputs, up to [`Summary::FILES_KEPT`].
    pub files: Vec<FileSummary>,
    /// What was seen where, as far as the work tells.
    pub census: Census,
    /// Wall clock of the run, in seconds.
    pub seconds: f64,
}

impl Summary {
    /// So many quarantined records are kept to be shown.
    pub const QUARANTINED_SHOWN: usize = 10;
    /// So many inputs are kept to be shown one by one.
    pub const FILES_KEPT: usize = 10_000;

    fn quarantine(&mut self, quarantined: Quarantined) {
        let key = |q: &Quarantined| (q.input, q.record);
        let at = self.quarantined.partition_point(|other| key(other) <= key(&quarantined));
        if at < Self::QUARANTINED_SHOWN {
            self.quarantined.insert(at, quarantined);
            self.quarantined.truncate(Self::QUARANTINED_SHOWN);
        }
    }
}

/// Appends what stands in the output for a record that could not be handled, without a line end: for JSON Lines an
/// object with the reason, for text a word in brackets. A single JSON document has no output then.
pub fn quarantine(format: Format, reason: &'static str, out: &mut Vec<u8>) {
    match format {
        Format::JsonLines => {
            // Reasons are a closed list of plain words; nothing to escape.
            out.extend_from_slice(b"{\"efface\":\"quarantined\",\"reason\":\"");
            out.extend_from_slice(reason.as_bytes());
            out.extend_from_slice(b"\"}");
        }
        Format::Json => {}
        _ => out.extend_from_slice(b"[QUARANTINED]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Records;

    /// Copies records; one that holds `panic` panics, one that holds `bad` is quarantined.
    struct Copy;

    impl Work for Copy {
        type State = ();

        fn state(&self) {}

        fn piece(&self, piece: &Piece<'_>, (): &mut (), done: &mut Done) {
            for (n, record) in (piece.first_record..).zip(Records::new(piece.format, piece.bytes).unwrap()) {
                let body = record.body.of(piece.bytes).unwrap();
                let whole = record.whole.of(piece.bytes).unwrap();
                assert!(!body.starts_with(b"panic"), "a bug");
                done.tally.n_records += 1;
                if body.starts_with(b"bad") {
                    done.quarantine(n, piece.start + u64::from(record.whole.start), "broken_json");
                    quarantine(piece.format, "broken_json", &mut done.out);
                } else {
                    done.out.extend_from_slice(body);
                }
                done.out.extend_from_slice(&whole[body.len()..]);
            }
        }

        fn trace(&self) -> Trace {
            Trace::Mark
        }
    }

    #[test]
    fn a_bug_costs_one_record() {
        let top = std::env::temp_dir().join(format!("efface-batch-{}", std::process::id()));
        std::fs::create_dir_all(&top).unwrap();
        let (from, to) = (top.join("a.txt"), top.join("b.txt"));
        std::fs::write(&from, "one\npanic two\r\nthree\nbad four\npanic five").unwrap();
        let inputs = Inputs::find(std::slice::from_ref(&from), &[]).unwrap();
        let config = Config { format: Some(Format::Text), n_jobs: 2, ..Config::default() };
        let target = Target::plan(&inputs, Some(&to)).unwrap();
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let summary = run(&config, &inputs.inputs, &[target], &Copy, &Watch::default());
        std::panic::set_hook(hook);
        let summary = summary.unwrap();
        let text = std::fs::read_to_string(&to).unwrap();
        assert_eq!(text, "one\n[QUARANTINED]\r\nthree\n[QUARANTINED]\n[QUARANTINED]");
        assert_eq!((summary.tally.n_records, summary.tally.n_quarantined), (5, 3));
        let told: Vec<_> = summary.quarantined.iter().map(|q| (q.record, q.at, q.reason)).collect();
        assert_eq!(told, [(2, 4, engine::BUG), (4, 21, "broken_json"), (5, 30, engine::BUG)]);
        std::fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn inputs_are_never_outputs() {
        let top = std::env::temp_dir().join(format!("efface-plan-{}", std::process::id()));
        for name in ["in/a.txt", "in/sub/a.txt", "other/a.txt"] {
            std::fs::create_dir_all(top.join(name).parent().unwrap()).unwrap();
            std::fs::write(top.join(name), "x").unwrap();
        }
        let plan = |inputs: &[&str], output: &str| {
            let inputs: Vec<PathBuf> = inputs.iter().map(|name| top.join(name)).collect();
            Target::plan(&Inputs::find(&inputs, &[]).unwrap(), Some(&top.join(output)))
        };
        assert_eq!(plan(&["in/a.txt"], "b.txt").unwrap(), Target::File(top.join("b.txt")));
        assert_eq!(plan(&["in/a.txt"], "new/").unwrap(), Target::Folder(top.join("new/")));
        assert_eq!(plan(&["in/a.txt"], "other").unwrap(), Target::Folder(top.join("other")));
        assert_eq!(plan(&["in"], "out").unwrap(), Target::Folder(top.join("out")));
        assert_eq!(plan(&["in"], "out.txt/").unwrap(), Target::Folder(top.join("out.txt/")));
        for (inputs, output, what) in [
            (&["in/a.txt"][..], "in/a.txt", "the output is an input"),
            (&["in/a.txt"], "in/sub/../a.txt", "the output is an input"),
            (&["in/a.txt"], "in", "the output is an input"),
            (&["in"], "in", "lies in an input folder"),
            (&["in"], "in/clean/deep", "lies in an input folder"),
            (&["in"], "other/a.txt", "is a file"),
            (&["in"], "out.jsonl.gz", "is the name of a file"),
            (&["in/a.txt", "other/a.txt"], "out", "two inputs have the same output"),
        ] {
            let err = plan(inputs, output).unwrap_err().to_string();
            assert!(err.contains(what), "{output}: {err}");
        }
        let inputs = Inputs::find(&[top.join("in/a.txt")], &[]).unwrap();
        let (a, b) = (Target::File(top.join("b.txt")), Target::Folder(top.clone()));
        assert!(Target::refuse_shared(&[a.clone(), a.clone()], &inputs.inputs).is_err());
        assert!(Target::refuse_shared(&[Target::Stdout, Target::Stdout], &inputs.inputs).is_err());
        assert!(Target::refuse_shared(&[a, b, Target::Stdout], &inputs.inputs).is_ok());
        std::fs::remove_dir_all(top).unwrap();
    }
}
