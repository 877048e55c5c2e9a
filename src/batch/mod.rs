//! Files in, files out: finds the inputs, cuts them into chunks of whole records, has the chunks worked on by many
//! threads and writes the results in the order of the input.
//!
//! The room knows no rules and no operators. What is done with a record is the caller's [`Work`]; the room sees to order,
//! memory, panics and files. Memory is bounded by a few chunks a thread and one record of the longest allowed length
//! each; an output file appears only when it is whole.

mod chunk;
mod foreign;
mod input;
mod output;

pub use input::{Input, Inputs, Place};

use crate::envelope::{Format, Record, Records, detect};
use crate::limits::Limits;
use crate::tally::Tally;
use chunk::{Chunk, Chunks, Shape};
use flate2::read::MultiGzDecoder;
use output::Output;
use rayon::prelude::*;
use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

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
}

/// What a record that could not be handled leaves in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A mark in its place: the output is the input rewritten.
    Mark,
    /// Nothing.
    None,
}

/// What became of a piece.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// What is written.
    pub out: Vec<u8>,
    /// Records and detections. Quarantined records are counted by [`Done::quarantine`].
    pub tally: Tally,
    quarantined: Vec<(u64, &'static str)>,
}

impl Done {
    /// Counts a record that could not be handled; its reason is one of a closed list. Does not write.
    pub fn quarantine(&mut self, record: u64, reason: &'static str) {
        self.tally.n_quarantined += 1;
        self.quarantined.push((record, reason));
    }
}

/// What is the same for all inputs of a run.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The format, or none to tell it from each input.
    pub format: Option<Format>,
    /// Threads.
    pub n_jobs: usize,
    /// Bounds on one record.
    pub limits: Limits,
}

/// A record that could not be handled, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// How the input is called.
    pub source: String,
    /// Counted from 1; 0 for the input as a whole.
    pub record: u64,
    /// One of a closed list.
    pub reason: &'static str,
}

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Records, quarantined ones and detections.
    pub tally: Tally,
    /// Inputs read.
    pub n_inputs: usize,
    /// Inputs that gave no output, because they could not be handled as a whole.
    pub n_refused: usize,
    /// Bytes read, after decompression.
    pub n_bytes: u64,
    /// The first quarantined records, up to [`Summary::QUARANTINED_SHOWN`].
    pub quarantined: Vec<Quarantined>,
    /// Wall clock of the run, in seconds.
    pub seconds: f64,
}

impl Summary {
    /// So many quarantined records are kept to be shown.
    pub const QUARANTINED_SHOWN: usize = 10;

    fn refuse(&mut self, source: &str, reason: &'static str) {
        self.n_refused += 1;
        self.tally.n_records += 1;
        self.tally.n_quarantined += 1;
        self.quarantine(source, 0, reason);
    }

    fn quarantine(&mut self, source: &str, record: u64, reason: &'static str) {
        if self.quarantined.len() < Self::QUARANTINED_SHOWN {
            self.quarantined.push(Quarantined { source: source.to_owned(), record, reason });
        }
    }
}

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All to standard output, one after the other.
    Stdout,
    /// The one input's result to this file.
    File(PathBuf),
    /// Every input's result to its place below this folder.
    Folder(PathBuf),
}

impl Target {
    /// Decides where results go from what was asked for, and refuses what would overwrite an input.
    ///
    /// # Errors
    /// Several inputs without an output folder, two inputs with one place, an output that is an input.
    pub fn plan(inputs: &Inputs, output: Option<&Path>) -> Result<Self, BatchError> {
        let many = inputs.inputs.len() > 1 || !inputs.folders.is_empty();
        let Some(output) = output else {
            return if many {
                let names = match inputs.inputs.len() {
                    1 => "from a folder, and no place for its output".to_owned(),
                    n => format!("{n} inputs and no place for their output"),
                };
                let first = inputs.inputs.first().map_or("-", |input| &input.name);
                Err(BatchError::new(Path::new(first), &names, "name a folder: -o DIR"))
            } else {
                Ok(Self::Stdout)
            };
        };
        if output.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        let ends_in_slash = output.as_os_str().as_encoded_bytes().last().is_some_and(|b| matches!(b, b'/' | b'\\'));
        let target = if many || output.is_dir() || ends_in_slash {
            if output.exists() && !output.is_dir() {
                return Err(BatchError::new(
                    output,
                    "is a file, and there are several inputs",
                    "name a folder: -o DIR",
                ));
            }
            Self::Folder(output.to_owned())
        } else {
            Self::File(output.to_owned())
        };
        target.refuse_in_place(inputs, output)?;
        Ok(target)
    }

    fn refuse_in_place(&self, inputs: &Inputs, output: &Path) -> Result<(), BatchError> {
        let real = |path: &Path| path.canonicalize().ok();
        // The part of the output that is there already; what is not there cannot be an input.
        let there = output.ancestors().find(|path| path.exists()).and_then(real).or_else(|| real(Path::new(".")));
        for folder in &inputs.folders {
            if let (Some(there), Some(folder)) = (&there, real(folder))
                && there.starts_with(&folder)
            {
                return Err(BatchError::new(
                    output,
                    "the output folder lies in an input folder",
                    "name a folder outside: the next run would read its own output",
                ));
            }
        }
        let sources: std::collections::HashSet<PathBuf> = inputs
            .inputs
            .iter()
            .filter_map(|input| match &input.place {
                Place::File(path) => real(path),
                Place::Stdin => None,
            })
            .collect();
        let mut taken = std::collections::HashSet::new();
        for input in &inputs.inputs {
            let Some(place) = self.place(input) else { continue };
            if real(&place).is_some_and(|place| sources.contains(&place)) {
                return Err(BatchError::new(
                    &place,
                    "the output is an input",
                    "inputs are never changed; name another place with -o",
                ));
            }
            if !taken.insert(place.clone()) {
                return Err(BatchError::new(
                    &place,
                    "two inputs have the same output",
                    "give their folders instead, or run twice",
                ));
            }
        }
        Ok(())
    }

    fn place(&self, input: &Input) -> Option<PathBuf> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path.clone()),
            Self::Folder(folder) => Some(folder.join(&input.below)),
        }
    }
}

/// Works through every input.
///
/// # Errors
/// An input cannot be read or an output cannot be written; what was finished before stays.
pub fn run(config: &Config, inputs: &[Input], target: &Target, work: &impl Work) -> Result<Summary, BatchError> {
    let start = Instant::now();
    let mut summary = Summary::default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(config.n_jobs).build().map_err(|err| {
        BatchError::new(Path::new("-"), "threads cannot be started", "ask for fewer: --jobs 1")
            .because(io::Error::other(err))
    })?;
    let states = States { work, idle: Mutex::new(Vec::new()) };
    let mut stdout = (*target == Target::Stdout).then(Output::stdout);
    for input in inputs {
        summary.n_inputs += 1;
        pool.install(|| one_input(config, input, target, &states, &mut stdout, &mut summary))?;
    }
    if let Some(stdout) = stdout {
        stdout.finish().map_err(|err| write_fault(Path::new("standard output"), err))?;
    }
    summary.seconds = start.elapsed().as_secs_f64();
    Ok(summary)
}

fn one_input<W: Work>(
    config: &Config,
    input: &Input,
    target: &Target,
    states: &States<'_, W>,
    stdout: &mut Option<Output>,
    summary: &mut Summary,
) -> Result<(), BatchError> {
    let path = Path::new(&input.name);
    let read_fault = |err: io::Error| {
        match err.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => BatchError::new(
                path,
                "cannot be unpacked",
                "the file is damaged or cut short; nothing was written for it",
            ),
            _ => BatchError::new(path, "cannot be read", "give files that this user may read"),
        }
        .because(err)
    };
    let mut source = open(input).map_err(read_fault)?;
    let mut head = Vec::new();
    (&mut source).take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(read_fault)?;
    if let Some(reason) = foreign::reason(&head) {
        summary.refuse(&input.name, reason);
        return Ok(());
    }
    let name = (input.place != Place::Stdin).then_some(input.name.as_str());
    let format = match config.format.map_or_else(|| detect(name, &head), Ok) {
        Ok(format) => format,
        Err(fault) => {
            summary.refuse(&input.name, fault.reason());
            return Ok(());
        }
    };
    let mut chunks = Chunks::new(source, head, format, config.limits.record_bytes, CHUNK_BYTES);

    let place = target.place(input);
    let mut file = place.as_deref().map(Output::file).transpose()?;
    let fault = |err| write_fault(place.as_deref().unwrap_or(Path::new("standard output")), err);
    let mut refused = false;
    {
        let Some(out) = file.as_mut().or(stdout.as_mut()) else { return Ok(()) };
        let mut current = read_batch(&mut chunks, config.n_jobs).map_err(read_fault)?;
        while !current.is_empty() {
            // While one batch of chunks is worked on the next is read.
            let (done, next) = rayon::join(
                || current.par_iter().map(|chunk| states.chunk(chunk, &input.name, format)).collect::<Vec<_>>(),
                || read_batch(&mut chunks, config.n_jobs),
            );
            for done in done {
                summary.tally.add(&done.tally);
                for &(record, reason) in &done.quarantined {
                    summary.quarantine(&input.name, record, reason);
                }
                if format == Format::Json && !done.quarantined.is_empty() {
                    refused = true;
                    continue;
                }
                out.write_all(&done.out).map_err(fault)?;
            }
            current = next.map_err(read_fault)?;
        }
    }
    summary.n_bytes += chunks.n_bytes();
    if refused {
        summary.n_refused += 1;
    } else if let Some(file) = file {
        file.finish().map_err(fault)?;
    }
    Ok(())
}

fn open(input: &Input) -> io::Result<Box<dyn Read + Send>> {
    let mut raw: Box<dyn Read + Send> = match &input.place {
        Place::Stdin => Box::new(io::stdin()),
        Place::File(path) => Box::new(File::open(path)?),
    };
    let mut magic = Vec::with_capacity(GZIP.len());
    (&mut raw).take(GZIP.len() as u64).read_to_end(&mut magic)?;
    let gzip = magic == GZIP;
    let whole = io::Cursor::new(magic).chain(raw);
    Ok(if gzip {
        Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(128 << 10, whole)))
    } else {
        Box::new(whole)
    })
}

fn read_batch<R: Read>(chunks: &mut Chunks<R>, n_jobs: usize) -> io::Result<Vec<Chunk>> {
    let mut batch = Vec::new();
    let mut n_bytes = 0;
    // Long records fill a batch sooner, so that memory does not grow with threads times the longest record.
    while batch.len() < n_jobs * CHUNKS_A_JOB && n_bytes < n_jobs * CHUNKS_A_JOB * CHUNK_BYTES {
        let Some(chunk) = chunks.next()? else { break };
        n_bytes += chunk.bytes.len();
        batch.push(chunk);
    }
    Ok(batch)
}

fn write_fault(path: &Path, err: io::Error) -> BatchError {
    BatchError::new(path, "cannot be written", "is there room, and may this user write there?").because(err)
}

/// The working memories that no thread holds just now.
struct States<'w, W: Work> {
    work: &'w W,
    idle: Mutex<Vec<W::State>>,
}

impl<W: Work> States<'_, W> {
    fn chunk(&self, chunk: &Chunk, source: &str, format: Format) -> Done {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut state = idle.unwrap_or_else(|| self.work.state());
        let mut done = Done::default();
        let piece = Piece { source, first_record: chunk.first_record, format, bytes: &chunk.bytes, head: &chunk.head };
        match chunk.shape {
            Shape::TooLong => self.mark(&piece, b"", RECORD_TOO_LONG, &mut done),
            Shape::Records => {
                if !self.try_piece(&piece, &mut state, &mut done) {
                    self.one_by_one(&piece, &mut state, &mut done);
                }
            }
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(state);
        done
    }

    /// Works on a piece; a panic undoes what it did. A bug of ours costs a record and not the run.
    fn try_piece(&self, piece: &Piece<'_>, state: &mut W::State, done: &mut Done) -> bool {
        match catch_unwind(AssertUnwindSafe(|| self.work.piece(piece, state, done))) {
            Ok(()) => true,
            Err(_) => {
                // The state may be half changed.
                *state = self.work.state();
                *done = Done::default();
                false
            }
        }
    }

    fn one_by_one(&self, piece: &Piece<'_>, state: &mut W::State, done: &mut Done) {
        let Ok(records) = Records::new(piece.format, piece.bytes) else {
            self.mark(piece, b"", RECORD_TOO_LONG, done);
            return;
        };
        let mut next = piece.first_record;
        let mut head = piece.head;
        for record in records {
            let bytes = record.whole.of(piece.bytes).unwrap_or_default();
            let one = Piece { first_record: next, bytes, head, ..*piece };
            let mut own = Done::default();
            if self.try_piece(&one, state, &mut own) {
                done.out.append(&mut own.out);
                done.tally.add(&own.tally);
                done.quarantined.append(&mut own.quarantined);
            } else {
                let body = record.body.of(piece.bytes).unwrap_or_default();
                self.mark(&one, body, BUG, done);
            }
            next += chunk::n_lines(bytes);
            if head.is_empty() && matches!(piece.format, Format::Csv(_)) {
                head = record.body.of(piece.bytes).unwrap_or_default();
            }
        }
    }

    /// Quarantines the one record of a piece that begins with `body`; what follows is its line end.
    fn mark(&self, piece: &Piece<'_>, body: &[u8], reason: &'static str, done: &mut Done) {
        done.tally.n_records += 1;
        done.quarantine(piece.first_record, reason);
        if self.work.trace() == Trace::Mark {
            quarantine(piece.format, reason, &mut done.out);
            done.out.extend_from_slice(piece.bytes.get(body.len()..).unwrap_or_default());
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

/// So much of an input is looked at to tell its format.
const HEAD_BYTES: usize = 64 << 10;
const GZIP: &[u8] = b"\x1f\x8b";
/// Large enough to hide what a thread costs, small enough to keep memory low.
const CHUNK_BYTES: usize = 512 << 10;
/// Chunks that are read ahead for each thread.
const CHUNKS_A_JOB: usize = 4;
const RECORD_TOO_LONG: &str = "record_too_long";
const BUG: &str = "internal_error";

#[cfg(test)]
mod tests {
    use super::*;

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
                    done.quarantine(n, "broken_json");
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
        let inputs = Inputs::find(std::slice::from_ref(&from)).unwrap();
        let config = Config { format: Some(Format::Text), n_jobs: 2, limits: Limits::default() };
        let target = Target::plan(&inputs, Some(&to)).unwrap();
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let summary = run(&config, &inputs.inputs, &target, &Copy);
        std::panic::set_hook(hook);
        let summary = summary.unwrap();
        let text = std::fs::read_to_string(&to).unwrap();
        assert_eq!(text, "one\n[QUARANTINED]\r\nthree\n[QUARANTINED]\n[QUARANTINED]");
        assert_eq!((summary.tally.n_records, summary.tally.n_quarantined), (5, 3));
        let told: Vec<_> = summary.quarantined.iter().map(|q| (q.record, q.reason)).collect();
        assert_eq!(told, [(2, BUG), (4, "broken_json"), (5, BUG)]);
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
            Target::plan(&Inputs::find(&inputs).unwrap(), Some(&top.join(output)))
        };
        assert_eq!(plan(&["in/a.txt"], "b.txt").unwrap(), Target::File(top.join("b.txt")));
        assert_eq!(plan(&["in/a.txt"], "new/").unwrap(), Target::Folder(top.join("new/")));
        assert_eq!(plan(&["in/a.txt"], "other").unwrap(), Target::Folder(top.join("other")));
        assert_eq!(plan(&["in"], "out").unwrap(), Target::Folder(top.join("out")));
        for (inputs, output, what) in [
            (&["in/a.txt"][..], "in/a.txt", "the output is an input"),
            (&["in/a.txt"], "in/sub/../a.txt", "the output is an input"),
            (&["in/a.txt"], "in", "the output is an input"),
            (&["in"], "in", "lies in an input folder"),
            (&["in"], "in/clean/deep", "lies in an input folder"),
            (&["in"], "other/a.txt", "is a file"),
            (&["in/a.txt", "other/a.txt"], "out", "two inputs have the same output"),
        ] {
            let err = plan(inputs, output).unwrap_err().to_string();
            assert!(err.contains(what), "{output}: {err}");
        }
        std::fs::remove_dir_all(top).unwrap();
    }
}
