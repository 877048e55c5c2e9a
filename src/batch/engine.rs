//! The threads of a run, and what bounds them.
//!
//! *Pipes* take the inputs in order, one each; a pipe reads an input, cuts it, hands the chunks to the *workers*, and writes
//! what comes back in order. An input of one chunk stays in its pipe, so that many small files cost no handing over; of a
//! longer one a *reader* runs ahead of the pipe. Where results go to standard output, a pipe waits for its turn to write.

use super::chunk::{self, Chunk, Chunks, Shape, Sizes, Spare, Start};
use super::compress::{Compression, MAGIC_BYTES};
use super::encoding::{Encoding, Unfit};
use super::foreign;
use super::journal::{About, Journal, Mark};
use super::output::{Leftover, Output, Owner, Slot, part_name};
use super::{
    BatchError, Config, Done, FileSummary, Input, Piece, Place, Quarantined, Resume, Summary, Target, Trace, Watch,
    Work, quarantine,
};
use crate::envelope::{Format, Records, detect};
use crate::tally::Tally;
use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Works through every input; `targets` are the places of the work's outputs, one for each lane.
///
/// An input that cannot be read or handled is told about in the summary, and the rest goes on.
///
/// # Errors
/// An output cannot be written, or a journal is of another run; what was finished before stays.
pub fn run<W: Work>(
    config: &Config,
    inputs: &[Input],
    targets: &[Target],
    work: &W,
    watch: &Watch,
) -> Result<Summary, BatchError> {
    let start = Instant::now();
    let ordered = targets.contains(&Target::Stdout);
    let room = Room::of(config, work.n_lanes(), inputs.len());
    let shared = Shared {
        config,
        inputs,
        targets,
        work,
        watch,
        ordered,
        journal: journal(config, targets)?,
        spare: Spare::new(room.n_pipes * room.pipe_chunks * (1 + work.n_lanes())),
        room,
        idle: Mutex::new(Vec::new()),
        tasks: Tasks::default(),
        large: Gate::new(config.memory / 2),
        next: AtomicUsize::new(0),
        turn: Turn::default(),
        failed: AtomicBool::new(false),
        failure: Mutex::new(None),
        summary: Mutex::new(Summary::default()),
    };
    let spawned = thread::scope(|scope| -> io::Result<()> {
        // Whatever happens, nobody is left waiting for tasks that never come.
        let closing = Closing(&shared.tasks);
        let spawn = |name: &str, body| thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, body);
        let mut pipes = Vec::new();
        for _ in 0..shared.room.n_workers {
            spawn("worker", Box::new(|| shared.worker()) as Box<dyn FnOnce() + Send>)?;
        }
        for _ in 0..shared.room.n_pipes {
            pipes.push(spawn("pipe", Box::new(|| shared.pipe()))?);
        }
        for pipe in pipes {
            if pipe.join().is_err() {
                shared.fail(BatchError::new(Path::new("-"), "a bug stopped the run", "what was finished stays"));
            }
        }
        drop(closing);
        Ok(())
    });
    spawned.map_err(|err| {
        BatchError::new(Path::new("-"), "threads cannot be started", "ask for fewer: --jobs 1").because(err)
    })?;
    if let Some(failure) = shared.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failure);
    }
    if let Some(journal) = shared.journal {
        journal.end();
    }
    let mut summary = shared.summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.files.sort_by_key(|file| file.input);
    summary.seconds = start.elapsed().as_secs_f64();
    Ok(summary)
}

fn journal(config: &Config, targets: &[Target]) -> Result<Option<Journal>, BatchError> {
    let path = targets.first().and_then(Journal::path);
    match (&config.resume, path) {
        (Resume::GoOn(run), Some(path)) => Journal::resume(path, run).map(Some),
        (Resume::GoOn(_), None) => Err(BatchError::new(
            Path::new("-"),
            "there is nothing to go on with where no file is written",
            "--resume goes with -o FILE or -o DIR",
        )),
        (Resume::Anew(run), Some(path)) => Journal::begin(path, run).map(Some),
        (Resume::Anew(_), None) | (Resume::None, _) => Ok(None),
    }
}

/// How the memory is shared out.
#[derive(Clone, Copy, Debug)]
struct Room {
    n_workers: usize,
    n_pipes: usize,
    /// Bytes of chunks that one pipe may have under way, results included.
    pipe_bytes: usize,
    /// Chunks that one pipe may have under way.
    pipe_chunks: usize,
}

impl Room {
    fn of(config: &Config, n_lanes: usize, n_inputs: usize) -> Self {
        let free = config.memory.saturating_sub(BASE_BYTES).max(WORKER_BYTES);
        // Half for the working memory of threads, half for what is under way.
        let n_workers = config.n_jobs.min(free / 2 / WORKER_BYTES).max(1);
        let n_pipes = n_workers.min(MOST_PIPES).min(n_inputs).max(1);
        let pipe_bytes = free / 2 / n_pipes;
        let chunk_bytes = CHUNK_BYTES * chunk_factor(n_lanes);
        let pipe_chunks = (pipe_bytes / chunk_bytes).clamp(2, (n_workers * CHUNKS_A_WORKER).max(2));
        Self { n_workers, n_pipes, pipe_bytes, pipe_chunks }
    }
}

/// So many times its own length a chunk takes until it is written: itself, and for each lane the result and what it is
/// packed into.
const fn chunk_factor(n_lanes: usize) -> usize {
    1 + 2 * n_lanes
}

/// What all threads of a run share.
struct Shared<'r, W: Work> {
    config: &'r Config,
    inputs: &'r [Input],
    targets: &'r [Target],
    work: &'r W,
    watch: &'r Watch,
    ordered: bool,
    journal: Option<Journal>,
    room: Room,
    spare: Spare,
    /// The working memories that no thread holds just now.
    idle: Mutex<Vec<W::State>>,
    tasks: Tasks,
    /// Long records are few, and what they take while they are worked on is many times their length.
    large: Gate,
    next: AtomicUsize,
    turn: Turn,
    failed: AtomicBool,
    failure: Mutex<Option<BatchError>>,
    summary: Mutex<Summary>,
}

/// What is the same for all chunks of an input.
#[derive(Debug)]
struct Kind {
    source: String,
    format: Format,
    /// How results are encoded.
    encoding: Encoding,
    /// How results are packed, by lane.
    compressions: Vec<Compression>,
}

/// A chunk for a worker.
struct Task {
    chunk: Chunk,
    kind: Arc<Kind>,
    reply: SyncSender<Worked>,
}

/// What a worker gives back: the results are encoded and packed.
type Worked = io::Result<Done>;

/// What a reader hands to its pipe, in order.
enum Ahead {
    Chunk { worked: Receiver<Worked>, position: Position, weight: usize },
    Fault(io::Error),
}

/// Where a chunk ends.
#[derive(Clone, Copy)]
struct Position {
    at: u64,
    record: u64,
}

impl Position {
    fn behind(chunk: &Chunk) -> Self {
        Self { at: chunk.end, record: chunk.first_record + chunk.n_records }
    }
}

/// Why an input came to no good end.
enum Stop {
    /// It cannot be read or handled; the next one may.
    Input { reason: &'static str, cause: Option<io::ErrorKind> },
    /// Nothing more can be done.
    Run(BatchError),
    /// Another thread stopped the run.
    Called,
}

impl From<BatchError> for Stop {
    fn from(err: BatchError) -> Self {
        Self::Run(err)
    }
}

impl<W: Work> Shared<'_, W> {
    fn fail(&self, failure: BatchError) {
        lock(&self.failure).get_or_insert(failure);
        self.failed.store(true, Ordering::SeqCst);
        self.turn.call();
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    fn worker(&self) {
        while let Some(Task { chunk, kind, reply }) = self.tasks.take() {
            let worked = self.chunk(&chunk, &kind);
            self.spare.give(chunk.bytes);
            // A pipe that is not there any more has failed and says so itself.
            let _ = reply.send(worked);
        }
    }

    fn pipe(&self) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = self.inputs.get(number) else { return };
            if self.has_failed() {
                return;
            }
            let mut file = FileRun::new(self, number, input);
            let result = file.run();
            if let Err(Stop::Run(failure)) = result {
                return self.fail(failure);
            }
            if self.ordered && !self.turn.wait(number, &self.failed) {
                return;
            }
            file.end(result);
            self.watch.n_inputs.fetch_add(1, Ordering::Relaxed);
            self.turn.pass(number);
        }
    }

    /// Works on a chunk, encodes and packs the results.
    fn chunk(&self, chunk: &Chunk, kind: &Kind) -> Worked {
        let weight = if chunk.bytes.len() > LARGE_BYTES { chunk.bytes.len() * LARGE_FACTOR } else { 0 };
        let _pass = self.large.enter(weight);
        let mut state = lock(&self.idle).pop().unwrap_or_else(|| self.work.state());
        let mut done = Done::new(self.work.n_lanes());
        done.lanes().for_each(|out| *out = self.spare.take());
        let piece = Piece {
            source: &kind.source,
            first_record: chunk.first_record,
            start: chunk.start,
            format: kind.format,
            bytes: &chunk.bytes,
            head: &chunk.head,
        };
        match chunk.shape {
            Shape::TooLong => self.mark(&piece, b"", RECORD_TOO_LONG, &mut done),
            Shape::Records => {
                if !self.try_piece(&piece, &mut state, &mut done) {
                    self.one_by_one(&piece, &mut state, &mut done);
                }
            }
        }
        if weight == 0 {
            lock(&self.idle).push(state);
        } else {
            // What grew to a long record would be held for ever.
            drop(state);
        }
        for (out, compression) in done.lanes().zip(&kind.compressions) {
            let text = std::mem::take(out);
            if !text.is_empty() {
                *out = compression.pack(kind.encoding.encode(text)?)?;
            }
        }
        Ok(done)
    }

    /// Works on a piece; a panic undoes what it did. A bug of ours costs a record and not the run.
    fn try_piece(&self, piece: &Piece<'_>, state: &mut W::State, done: &mut Done) -> bool {
        match catch_unwind(AssertUnwindSafe(|| self.work.piece(piece, state, done))) {
            Ok(()) => true,
            Err(_) => {
                // The state may be half changed.
                *state = self.work.state();
                *done = Done::new(self.work.n_lanes());
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
            let start = piece.start + u64::from(record.whole.start);
            let one = Piece { first_record: next, start, bytes, head, ..*piece };
            let mut own = Done::new(self.work.n_lanes());
            if self.try_piece(&one, state, &mut own) {
                done.append(own);
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
        done.quarantine(piece.first_record, piece.start, reason);
        if self.work.trace() == Trace::Mark {
            for out in done.lanes() {
                quarantine(piece.format, reason, out);
                out.extend_from_slice(piece.bytes.get(body.len()..).unwrap_or_default());
            }
        }
    }
}

/// One input on its way.
struct FileRun<'f, 'r, W: Work> {
    shared: &'f Shared<'r, W>,
    number: usize,
    input: &'f Input,
    slots: Vec<Slot>,
    metadata: Option<Metadata>,
    outputs: Vec<Output<'f>>,
    summary: FileSummary,
    quarantined: Vec<Quarantined>,
    census: super::Census,
    /// Where the journal was told of last.
    marked: u64,
    resumed: bool,
    grown: bool,
}

/// Text in UTF-8, and what it was before.
struct Opened {
    source: Box<dyn Read + Send>,
    head: Vec<u8>,
    format: Format,
    encoding: Encoding,
    compression: Compression,
}

impl<'f, 'r, W: Work> FileRun<'f, 'r, W> {
    fn new(shared: &'f Shared<'r, W>, number: usize, input: &'f Input) -> Self {
        let summary = FileSummary {
            input: number,
            source: input.name.clone(),
            format: None,
            compression: Compression::None,
            encoding: "",
            n_bytes: 0,
            tally: Tally::default(),
            refused: false,
        };
        Self {
            shared,
            number,
            input,
            slots: shared.targets.iter().map(|target| target.slot(input)).collect(),
            metadata: None,
            outputs: Vec::new(),
            summary,
            quarantined: Vec::new(),
            census: super::Census::default(),
            marked: 0,
            resumed: false,
            grown: false,
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        if let Place::File(path) = &self.input.place {
            self.metadata = Some(path.metadata().map_err(|err| unread(&err))?);
        }
        let before = self.before();
        if let Some(before) = before.as_ref().filter(|before| before.whole) {
            self.summary.tally = before.tally();
            self.summary.n_bytes = before.at;
            self.resumed = true;
            let n_bytes = self.metadata.as_ref().map_or(0, Metadata::len);
            self.shared.watch.read(n_bytes);
            return Ok(());
        }
        let start = before.as_ref().map_or(Start::BEGIN, |before| Start { at: before.at, record: before.record });
        let opened = self.open(start.at)?;
        let config = self.shared.config;
        let Opened { source, head, format, encoding, compression } = opened;
        self.summary.format = Some(format);
        self.summary.compression = compression;
        self.summary.encoding = encoding.name();
        let mirrors = self.shared.work.trace() == Trace::Mark;
        let kind = Arc::new(Kind {
            source: self.input.name.clone(),
            format,
            encoding: if mirrors { encoding } else { Encoding::Utf8 },
            compressions: self.shared.targets.iter().map(|target| target.compression(compression)).collect(),
        });
        // Where a table is gone on with, its first row was read by the run before.
        let row = match start.at {
            0 => Arc::default(),
            _ if format == Format::WhatsApp => self.speakers()?,
            _ => chunk::first_row(format, &self.open(0)?.head),
        };
        let sizes = Sizes { record_bytes: config.limits.record_bytes, chunk_bytes: CHUNK_BYTES };
        let mut chunks = Chunks::new(source, head, start, format, sizes, row, &self.shared.spare);
        let mut first = chunks.next().map_err(|err| unread(&err))?;
        // Whoever speaks in a chat is known all through it, also before the first line of their own.
        if format == Format::WhatsApp
            && start.at == 0
            && !chunks.is_over()
            && let Some(first) = &mut first
        {
            first.head = self.speakers()?;
            chunks.set_head(Arc::clone(&first.head));
        }
        let begun = before.as_ref().map(|before| before.out.as_slice()).unwrap_or_default();
        let leftover = if matches!(config.resume, Resume::GoOn(_)) { Leftover::Kept } else { Leftover::Removed };
        for (lane, slot) in self.slots.iter().enumerate() {
            let at = begun.get(lane).copied().unwrap_or(0);
            self.outputs.push(Output::open(slot, at, &self.shared.watch.unfinished, leftover)?);
        }
        if let Some(before) = &before {
            self.summary.tally = before.tally();
            self.marked = before.at;
            self.summary.n_bytes = before.at;
        }
        if let Some(first) = first {
            if chunks.is_over() {
                let position = Position::behind(&first);
                let done = self.shared.chunk(&first, &kind).map_err(|err| unread(&err))?;
                self.put(done, position)?;
            } else {
                self.pipeline(first, chunks, &kind)?;
            }
        }
        self.look_again()?;
        self.finish(&kind)
    }

    /// Returns how far an earlier run came, if its results are still there.
    fn before(&self) -> Option<super::journal::Line> {
        let (journal, metadata) = (self.shared.journal.as_ref()?, self.metadata.as_ref()?);
        let about = About { name: &self.input.name, slots: &self.slots, metadata };
        let line = journal.before(&about)?;
        let there = self.slots.iter().zip(&line.out).all(|(slot, &len)| {
            let Slot::File(path) = slot else { return false };
            if line.whole {
                path.metadata().is_ok_and(|metadata| metadata.len() == len)
            } else {
                part_name(path).metadata().is_ok_and(|metadata| metadata.len() >= len)
            }
        });
        there.then(|| line.clone())
    }

    /// Opens the input at a byte of its unpacked UTF-8 and tells what it is from its beginning.
    fn open(&self, at: u64) -> Result<Opened, Stop> {
        let config = self.shared.config;
        let fault = |err: io::Error| unread(&err);
        let raw = self.raw(0)?;
        let (mut source, compression) = unpack(raw, config.memory).map_err(fault)?;
        let mut head = Vec::new();
        (&mut source).take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(fault)?;
        if let Some(reason) = foreign::reason(&head) {
            return Err(Stop::Input { reason, cause: None });
        }
        let encoding = config.encoding.clone().or_else(|| Encoding::wide(&head));
        let name = (self.input.place != Place::Stdin).then(|| Compression::strip(&self.input.name));
        let mut format = config.format;
        if format.is_none() {
            let mut text = Vec::new();
            let decoded = encoding.clone().unwrap_or(Encoding::Utf8).decode(Box::new(io::Cursor::new(head.clone())));
            // The head may end within a letter; what comes before it is enough.
            let _ = decoded.take(HEAD_BYTES as u64).read_to_end(&mut text);
            format = Some(detect(name, &text).map_err(|fault| Stop::Input { reason: fault.reason(), cause: None })?);
        }
        let format = format.unwrap_or(Format::Text);
        let is_json = matches!(format, Format::Json | Format::JsonLines);
        let narrow = || if is_json { None } else { Encoding::narrow(&head) };
        let encoding = encoding.or_else(narrow).unwrap_or(Encoding::Utf8);
        if at == 0 {
            if encoding == Encoding::Utf8 {
                return Ok(Opened { source, head, format, encoding, compression });
            }
            let whole = Box::new(io::Cursor::new(head).chain(source));
            return Ok(Opened { source: encoding.decode(whole), head: Vec::new(), format, encoding, compression });
        }
        // A file that is read as it is needs no reading of what is done.
        let seeks = compression == Compression::None && encoding == Encoding::Utf8;
        let (source, _) = if seeks {
            (Box::new(self.raw(at)?) as Box<dyn Read + Send>, compression)
        } else {
            unpack(self.raw(0)?, config.memory).map_err(fault)?
        };
        let mut source = encoding.decode(source);
        if !seeks {
            io::copy(&mut (&mut source).take(at), &mut io::sink()).map_err(fault)?;
        }
        Ok(Opened { source, head: Vec::new(), format, encoding, compression })
    }

    /// Reads a chat once for the names of all who speak in it. Standard input cannot be read twice: there each chunk knows its
    /// own.
    fn speakers(&self) -> Result<Arc<[u8]>, Stop> {
        if self.input.place == Place::Stdin {
            return Ok(Arc::default());
        }
        let Opened { source, head, .. } = self.open(0)?;
        chunk::speakers(io::Cursor::new(head).chain(source)).map_err(|err| unread(&err))
    }

    /// Opens the bytes of the input as they are, from `at`.
    fn raw(&self, at: u64) -> Result<Box<dyn Read + Send>, Stop> {
        let counted = |source| Box::new(Counted { source, n_read: Arc::clone(&self.shared.watch.n_read) });
        match &self.input.place {
            Place::Stdin => Ok(counted(Box::new(io::stdin()))),
            Place::File(path) => {
                let open = || {
                    let mut file = File::open(path)?;
                    if at > 0 {
                        io::Seek::seek(&mut file, io::SeekFrom::Start(at))?;
                    }
                    Ok(file)
                };
                let file = open().map_err(|err: io::Error| unread(&err))?;
                self.shared.watch.read(at);
                // What is added while a file is read is not read: there might be no end. Devices and pipes have no length.
                Ok(counted(match &self.metadata {
                    Some(metadata) if metadata.is_file() && metadata.len() > 0 => {
                        Box::new(file.take(metadata.len() - at.min(metadata.len())))
                    }
                    _ => Box::new(file),
                }))
            }
        }
    }

    /// Looks whether the input is still what it was.
    fn look_again(&mut self) -> Result<(), Stop> {
        let (Place::File(path), Some(before)) = (&self.input.place, &self.metadata) else { return Ok(()) };
        if !before.is_file() {
            return Ok(());
        }
        let now = path.metadata().map_err(|err| unread(&err))?;
        let changed = now.len() != before.len() || now.modified().ok() != before.modified().ok();
        self.grown = now.len() > before.len();
        if changed && self.shared.targets.contains(&Target::InPlace) {
            return Err(Stop::Input { reason: "changed_while_read", cause: None });
        }
        Ok(())
    }

    /// Reads ahead in a thread of its own, hands chunks to the workers and writes what comes back.
    fn pipeline(
        &mut self,
        first: Chunk,
        mut chunks: Chunks<'_, Box<dyn Read + Send>>,
        kind: &Arc<Kind>,
    ) -> Result<(), Stop> {
        let shared = self.shared;
        let room = Gate::new(shared.room.pipe_bytes);
        let factor = chunk_factor(shared.work.n_lanes());
        let (ahead, coming) = sync_channel::<Ahead>(shared.room.pipe_chunks);
        thread::scope(|scope| {
            let room = &room;
            let _open = Opening(room);
            let read = move || {
                let mut next = Some(first);
                while let Some(chunk) = next {
                    let weight = chunk.bytes.len() * factor;
                    let (reply, worked) = sync_channel(1);
                    let position = Position::behind(&chunk);
                    if !room.take(weight) || ahead.send(Ahead::Chunk { worked, position, weight }).is_err() {
                        return;
                    }
                    shared.tasks.give(Task { chunk, kind: Arc::clone(kind), reply });
                    next = match chunks.next() {
                        Ok(next) => next,
                        Err(err) => {
                            let _ = ahead.send(Ahead::Fault(err));
                            return;
                        }
                    };
                }
            };
            let reader = thread::Builder::new().name("reader".to_owned()).spawn_scoped(scope, read);
            if let Err(err) = reader {
                let fault = BatchError::new(Path::new("-"), "threads cannot be started", "ask for fewer: --jobs 1");
                return Err(Stop::Run(fault.because(err)));
            }
            // Dropped at the end, also after a fault: the reader then stops.
            let coming = coming;
            for ahead in &coming {
                match ahead {
                    Ahead::Chunk { worked, position, weight } => {
                        // A worker that is gone has met a bug outside of a record.
                        let done = worked.recv().map_err(|_| Stop::Input { reason: BUG, cause: None })?;
                        self.put(done.map_err(|err| unread(&err))?, position)?;
                        room.leave(weight);
                    }
                    Ahead::Fault(err) => return Err(unread(&err)),
                }
            }
            Ok(())
        })
    }

    /// Writes the results of a chunk, and tells the journal when it is time.
    fn put(&mut self, mut done: Done, position: Position) -> Result<(), Stop> {
        let shared = self.shared;
        if shared.has_failed() || (shared.ordered && !shared.turn.wait(self.number, &shared.failed)) {
            return Err(Stop::Called);
        }
        shared.watch.n_records.fetch_add(done.tally.n_records, Ordering::Relaxed);
        self.summary.tally.add(&done.tally);
        self.summary.n_bytes = position.at;
        self.census.add(std::mem::take(&mut done.census));
        let refused = self.summary.format == Some(Format::Json) && !done.quarantined.is_empty();
        for &(record, at, reason) in &done.quarantined {
            if self.quarantined.len() < Summary::QUARANTINED_SHOWN {
                self.quarantined.push(self.trouble(record, at, reason, None));
            }
        }
        if refused {
            // A document is whole or not at all.
            self.summary.refused = true;
            return Ok(());
        }
        for ((output, slot), out) in self.outputs.iter_mut().zip(&self.slots).zip(done.lanes()) {
            output.write(out).map_err(|err| write_fault(slot, err))?;
            shared.spare.give(std::mem::take(out));
        }
        if position.at - self.marked >= shared.config.mark_bytes {
            self.marked = position.at;
            self.tell(position.at, position.record, false)?;
        }
        Ok(())
    }

    fn tell(&self, at: u64, record: u64, whole: bool) -> Result<(), Stop> {
        if let (Some(journal), Some(metadata)) = (&self.shared.journal, &self.metadata) {
            let out: Vec<u64> = self.outputs.iter().map(Output::n_bytes).collect();
            let about = About { name: &self.input.name, slots: &self.slots, metadata };
            journal.tell(&about, Mark { at, record, out: &out, whole }, &self.summary.tally)?;
        }
        Ok(())
    }

    /// Gives the results their names.
    fn finish(&mut self, kind: &Kind) -> Result<(), Stop> {
        if self.summary.refused {
            self.outputs.drain(..).for_each(Output::discard);
            return Ok(());
        }
        for ((output, slot), compression) in self.outputs.iter_mut().zip(&self.slots).zip(&kind.compressions) {
            if output.n_bytes() == 0 && *compression != Compression::None {
                // Of nothing, a packed file holds the packed nothing.
                let nothing = compression.pack(Vec::new()).map_err(|err| unread(&err))?;
                output.write(&nothing).map_err(|err| write_fault(slot, err))?;
            }
        }
        let out: Vec<u64> = self.outputs.iter().map(Output::n_bytes).collect();
        let like = self.metadata.as_ref().filter(|metadata| metadata.is_file());
        let owner = if self.shared.targets.contains(&Target::InPlace) { Owner::Kept } else { Owner::Own };
        for (output, slot) in self.outputs.drain(..).zip(&self.slots) {
            output.finish(like, owner).map_err(|err| write_fault(slot, err))?;
        }
        if let (Some(journal), Some(metadata)) = (&self.shared.journal, &self.metadata) {
            let about = About { name: &self.input.name, slots: &self.slots, metadata };
            let mark = Mark { at: self.summary.n_bytes, record: 0, out: &out, whole: true };
            journal.tell(&about, mark, &self.summary.tally)?;
        }
        Ok(())
    }

    fn trouble(&self, record: u64, at: u64, reason: &'static str, cause: Option<io::ErrorKind>) -> Quarantined {
        Quarantined { input: self.number, source: self.input.name.clone(), record, at, reason, cause }
    }

    /// Adds what became of the input to the summary of the run.
    fn end(mut self, result: Result<(), Stop>) {
        match result {
            Err(Stop::Input { reason, cause }) => {
                self.outputs.drain(..).for_each(Output::discard);
                self.summary.refused = true;
                self.summary.tally.n_records += 1;
                self.summary.tally.n_quarantined += 1;
                let trouble = self.trouble(0, self.summary.n_bytes, reason, cause);
                self.quarantined.push(trouble);
            }
            Err(Stop::Called | Stop::Run(_)) => return,
            Ok(()) => {}
        }
        let mut summary = lock(&self.shared.summary);
        summary.n_inputs += 1;
        summary.n_resumed += usize::from(self.resumed);
        summary.n_refused += usize::from(self.summary.refused);
        summary.n_grown += usize::from(self.grown);
        summary.n_bytes += self.summary.n_bytes;
        summary.tally.add(&self.summary.tally);
        summary.census.add(std::mem::take(&mut self.census));
        for quarantined in self.quarantined.drain(..) {
            summary.quarantine(quarantined);
        }
        if self.number < Summary::FILES_KEPT {
            summary.files.push(self.summary);
        }
    }
}

/// Counts what is read.
struct Counted {
    source: Box<dyn Read + Send>,
    n_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(out)?;
        self.n_read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Tells how bytes are compressed and unpacks them.
fn unpack(mut raw: Box<dyn Read + Send>, memory: usize) -> io::Result<(Box<dyn Read + Send>, Compression)> {
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    (&mut raw).take(MAGIC_BYTES as u64).read_to_end(&mut magic)?;
    let compression = Compression::of_content(&magic);
    let whole = io::Cursor::new(magic).chain(raw);
    Ok((compression.unpack(whole, memory)?, compression))
}

fn unread(err: &io::Error) -> Stop {
    let is_unfit = err.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Unfit>);
    let (reason, cause) = match err.kind() {
        _ if is_unfit => ("not_in_its_encoding", None),
        io::ErrorKind::OutOfMemory => ("needs_more_memory", None),
        io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::Unsupported
        | io::ErrorKind::Other => ("cannot_be_unpacked", None),
        kind => ("cannot_be_read", Some(kind)),
    };
    Stop::Input { reason, cause }
}

fn write_fault(slot: &Slot, err: io::Error) -> Stop {
    let path = match slot {
        Slot::File(path) => path,
        Slot::Stdout | Slot::Nowhere => Path::new("standard output"),
    };
    Stop::Run(BatchError::new(path, "cannot be written", "is there room, and may this user write there?").because(err))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Chunks that wait for a worker.
#[derive(Default)]
struct Tasks {
    waiting: Mutex<(VecDeque<Task>, bool)>,
    changed: Condvar,
}

impl Tasks {
    fn give(&self, task: Task) {
        lock(&self.waiting).0.push_back(task);
        self.changed.notify_one();
    }

    fn take(&self) -> Option<Task> {
        let mut waiting = lock(&self.waiting);
        loop {
            if let Some(task) = waiting.0.pop_front() {
                return Some(task);
            }
            if waiting.1 {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Sends the workers home when dropped.
struct Closing<'t>(&'t Tasks);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        lock(&self.0.waiting).1 = true;
        self.0.changed.notify_all();
    }
}

/// Lets so many bytes in, and always one.
struct Gate {
    room: usize,
    inside: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    fn new(room: usize) -> Self {
        Self { room, inside: Mutex::new((0, false)), changed: Condvar::new() }
    }

    /// Waits until there is room; tells whether the gate is still in use.
    fn take(&self, weight: usize) -> bool {
        let mut inside = lock(&self.inside);
        while inside.0 > 0 && inside.0.saturating_add(weight) > self.room && !inside.1 {
            inside = self.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        inside.0 = inside.0.saturating_add(weight);
        !inside.1
    }

    fn leave(&self, weight: usize) {
        let mut inside = lock(&self.inside);
        inside.0 = inside.0.saturating_sub(weight);
        self.changed.notify_all();
    }

    /// Does what [`take`](Self::take) does, and leaves when the answer is dropped.
    fn enter(&self, weight: usize) -> Option<Pass<'_>> {
        (weight > 0).then(|| {
            self.take(weight);
            Pass { gate: self, weight }
        })
    }
}

struct Pass<'g> {
    gate: &'g Gate,
    weight: usize,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.leave(self.weight);
    }
}

/// Lets everybody through when dropped.
struct Opening<'g>(&'g Gate);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        lock(&self.0.inside).1 = true;
        self.0.changed.notify_all();
    }
}

/// Whose turn it is to write to standard output.
#[derive(Default)]
struct Turn {
    at: Mutex<usize>,
    changed: Condvar,
}

impl Turn {
    /// Waits for the turn of an input; tells whether the run goes on.
    fn wait(&self, number: usize, failed: &AtomicBool) -> bool {
        let mut at = lock(&self.at);
        while *at < number && !failed.load(Ordering::SeqCst) {
            at = self.changed.wait(at).unwrap_or_else(PoisonError::into_inner);
        }
        !failed.load(Ordering::SeqCst)
    }

    fn pass(&self, number: usize) {
        let mut at = lock(&self.at);
        *at = (*at).max(number + 1);
        self.changed.notify_all();
    }

    /// Wakes everybody who waits.
    fn call(&self) {
        let _at = lock(&self.at);
        self.changed.notify_all();
    }
}

/// So much of an input is looked at to tell its format.
const HEAD_BYTES: usize = 64 << 10;
/// Large enough to hide what a thread costs, small enough to keep memory low.
const CHUNK_BYTES: usize = 512 << 10;
/// Chunks under way for each worker.
const CHUNKS_A_WORKER: usize = 4;
/// Pipes that read at the same time; more only wait for the disk.
const MOST_PIPES: usize = 8;
/// What a process takes before it reads anything.
const BASE_BYTES: usize = 40_000_000;
/// What a worker takes for chunks of ordinary records.
const WORKER_BYTES: usize = 12_000_000;
/// A chunk of more bytes is one long record.
const LARGE_BYTES: usize = 1 << 20;
/// So many times its own length a long record takes while it is worked on.
const LARGE_FACTOR: usize = 8;
const RECORD_TOO_LONG: &str = "record_too_long";
pub(super) const BUG: &str = "internal_error";
