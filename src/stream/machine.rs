//! The bookkeeping of a stream: what was taken, what is out, what may be committed. Pure: events in, commands out.
//!
//! The machine knows no Kafka, no clock and no message, only partitions, offsets and counts, and so can be crashed at any
//! step in a test. The runner tells it what happened and does what it says.
//!
//! ```text
//!            take ─▶ begin ─▶ acked, acked ─▶ low watermark ─▶ commit
//!                     │        └ refused ─▶ failing ─▶ (all others settled) ─▶ seek to the low watermark
//!                     └ nothing, where the partition was taken away or rewound in between
//! ```
//!
//! * The low watermark of a partition passes a record only when every output of it, and of all before it, is
//!   acknowledged. Only low watermarks are committed: nothing is lost, whatever ends the process.
//! * A refused output rewinds its partition: no record is taken there until all that are out have been answered, then
//!   reading begins again at the low watermark. A record that can never be written is marked and taken again, so that the
//!   runner can quarantine it.
//! * [`Machine::room`] bounds three things: records and bytes in flight, and records since the last commit. The last is
//!   how many can come out twice when the process is killed.
//!
//! In a [`Mode::Transactional`] machine nothing is acknowledged one by one. What was begun since the last commit is the open
//! transaction; [`Machine::begin_commit`] closes it with the offsets after it, and what is begun while that commit is under
//! way belongs to the next.
//!
//! ```text
//!            take ─▶ begin ─▶ (open) ─▶ begin_commit ─▶ committed ─▶ low watermark
//!                               │            └─ aborted ─▶ read again from the last commit
//!                               └ refused, spoil, or forgotten while open ─▶ Abort ─▶ aborted
//! ```
//!
//! * A transaction that holds outputs of a partition that is no longer ours is never committed.
//! * After an abort every partition with something taken is read again from its last commit. Where nobody can say whether a
//!   commit took place ([`Doubt::InDoubt`]), the cluster is asked first ([`Command::Recall`]).

use std::collections::{BTreeMap, HashMap, VecDeque};

/// A partition of an input topic. What topic a number stands for is the runner's to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic.
    pub topic: u16,
    /// The partition's number in it.
    pub number: i32,
}

/// A record that was taken; also the name under which its outputs are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    slot: u16,
    /// Tells apart the partitions that a slot held over time, and the readings of one partition.
    generation: u16,
    seq: u32,
}

/// A reading of a partition: what was fetched as part of one is nothing in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    slot: u16,
    generation: u16,
}

/// Why an output was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is longer than the cluster takes; it will be refused again.
    TooLong,
    /// Anything else; worth another try.
    Other,
}

/// What a runner is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read the partition again from this offset, then tell [`Machine::sought`].
    Seek(Partition, i64),
    /// Stop fetching, all partitions; keep polling.
    Pause,
    /// Fetch again.
    Resume,
    /// Commit [`Machine::begin_commit`].
    Commit,
    /// Give up: an output of this partition was refused too often.
    Halt(Partition, i64),
    /// Abort the open transaction, then tell [`Machine::aborted`].
    Abort,
    /// Ask the cluster which offset of the partition is committed, then tell [`Machine::recalled`].
    Recall(Partition),
}

/// What makes a record's outputs final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Their acknowledgement.
    #[default]
    Acknowledged,
    /// The commit of the transaction that they and their offsets are in.
    Transactional,
}

/// Whether a transaction that was not committed as far as we know may be committed all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It is aborted.
    Certain,
    /// Its commit was under way, and nobody could tell what became of it.
    InDoubt,
}

/// Bounds of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most records taken and not yet settled.
    pub in_flight_records: usize,
    /// Most bytes of such records; a single record may be longer.
    pub in_flight_bytes: usize,
    /// Most records taken since the last commit, which is how many can be repeated after a crash. Where outputs were
    /// refused since, and so partitions rewound, as many more as may be in flight.
    pub replay_records: usize,
    /// Time between commits.
    pub commit_interval_ms: u64,
    /// How long the runner may stand still without room before fetching is paused.
    pub pause_after_ms: u64,
    /// Time before the first new try after a refusal; doubles with each.
    pub retry_ms: u64,
    /// Tries without progress before the machine gives up.
    pub max_tries: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            in_flight_records: 65_536,
            in_flight_bytes: 64 << 20,
            replay_records: 131_072,
            commit_interval_ms: 1_000,
            pause_after_ms: 500,
            retry_ms: 100,
            max_tries: 10,
        }
    }
}

/// How much may be taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Records.
    pub records: usize,
    /// Bytes; the last record may exceed them.
    pub bytes: usize,
}

impl Room {
    /// Returns whether nothing may be taken.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.records == 0 || self.bytes == 0
    }
}

/// A record that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its place.
    pub place: Place,
    /// It was refused before for good; it can only be quarantined.
    pub refused: Option<Refusal>,
}

/// What became of the records so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records below a low watermark that are out on every lane. A record that was repeated counts again.
    pub n_done: u64,
    /// Records below a low watermark that are in quarantine.
    pub n_quarantined: u64,
    /// Rewinds.
    pub n_rewinds: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Machine {
    bounds: Bounds,
    slots: Vec<Slot>,
    by_partition: HashMap<Partition, u16>,
    /// The partition that was taken from last: records come in runs.
    last: Option<(Partition, u16)>,
    bytes: usize,
    records: usize,
    commit_due_ms: u64,
    is_committing: bool,
    full_since_ms: Option<u64>,
    is_paused: bool,
    is_stopping: bool,
    progress: Progress,
    mode: Mode,
    /// The open transaction must not be committed.
    must_abort: bool,
    is_aborting: bool,
    /// The runner can take nothing for now.
    is_held: bool,
    /// When the open transaction is to be committed.
    open_due_ms: Option<u64>,
    /// Aborts since the last commit.
    n_aborts: u32,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u16,
    flow: Option<Flow>,
}

/// One assigned partition.
#[derive(Debug)]
struct Flow {
    partition: Partition,
    state: State,
    /// The offset after the last record taken.
    next: Option<i64>,
    /// The low watermark: the next offset to commit, known since the first record was taken.
    low: Option<i64>,
    committed: Option<i64>,
    /// Records taken and not yet below the low watermark, in order of offset.
    entries: VecDeque<Entry>,
    /// The sequence number of the first of them.
    front: u32,
    /// Of the entries, those that were begun and not yet answered in full.
    n_unsettled: usize,
    /// Of these, those in the transaction that is being committed; they are the first.
    n_committing: usize,
    /// An output was refused for a reason that is not its length, since the last rewind.
    is_blamed: bool,
    /// Records that ever went below the low watermark, and how many of them are committed.
    n_low: u64,
    n_committed: u64,
    /// How far records were ever taken, counted like `n_low`: after a rewind further than they are now.
    n_reached: u64,
    committing: Option<(i64, u64)>,
    /// Rewinds to the same low watermark.
    n_tries: u32,
    tried_at: Option<i64>,
    refused: BTreeMap<i64, Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// An output was refused; what is out is being answered.
    Failing,
    /// Everything is answered; to be read again after this time.
    Waiting {
        until_ms: u64,
    },
    /// Being taken away: what is out is being answered.
    Revoking,
    /// The transaction was aborted; to be read again.
    Rewinding,
    /// The transaction may be committed or not.
    Doubtful,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: i64,
    bytes: u32,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Taken,
    Out { n_left: u16, failed: bool, quarantined: bool },
    Done { quarantined: bool },
    Failed,
}

/// Whether an output goes to the lanes or to the quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To every lane.
    Lanes,
    /// To the quarantine alone.
    Quarantine,
}

impl Machine {
    /// Makes a machine without partitions.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            slots: Vec::new(),
            by_partition: HashMap::new(),
            last: None,
            bytes: 0,
            records: 0,
            commit_due_ms: 0,
            is_committing: false,
            full_since_ms: None,
            is_paused: false,
            is_stopping: false,
            progress: Progress::default(),
            mode: Mode::Acknowledged,
            must_abort: false,
            is_aborting: false,
            is_held: false,
            open_due_ms: None,
            n_aborts: 0,
        }
    }

    /// Makes a machine without partitions whose outputs are in transactions.
    #[must_use]
    pub fn transactional(bounds: Bounds) -> Self {
        Self { mode: Mode::Transactional, ..Self::new(bounds) }
    }

    /// Hears that a partition is ours now. Answers whether it must be paused, because the others are.
    pub fn assign(&mut self, partition: Partition) -> bool {
        self.forget(partition);
        let free = self.slots.iter().position(|slot| slot.flow.is_none());
        let at = free.unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        // A member with more partitions than that is refused by the runner before; here the partition is not read.
        let Ok(number) = u16::try_from(at) else { return true };
        if let Some(slot) = self.slots.get_mut(at) {
            slot.generation = slot.generation.wrapping_add(1);
            slot.flow = Some(Flow::new(partition));
            self.by_partition.insert(partition, number);
        }
        self.is_paused || self.is_stopping
    }

    /// Hears that a partition is being taken away. Nothing more is begun there; when
    /// [`is_settled`](Self::is_settled), its offset can be committed and the partition forgotten.
    pub fn revoke(&mut self, partition: Partition) {
        if let Some(flow) = self.flow_mut(partition) {
            flow.state = State::Revoking;
        }
    }

    /// Returns whether nothing of a partition is waiting for an answer.
    #[must_use]
    pub fn is_settled(&self, partition: Partition) -> bool {
        let flow = self.by_partition.get(&partition).and_then(|&at| self.slots.get(usize::from(at))?.flow.as_ref());
        flow.is_none_or(|flow| flow.n_unsettled == 0)
    }

    /// Forgets a partition; answers that still come for it are ignored.
    pub fn forget(&mut self, partition: Partition) {
        self.last = None;
        let Some(at) = self.by_partition.remove(&partition) else { return };
        if let Some(flow) = self.slots.get_mut(usize::from(at)).and_then(|slot| slot.flow.take()) {
            // Somebody else will write these, too.
            if self.mode == Mode::Transactional && flow.n_unsettled > flow.n_committing {
                self.must_abort = true;
            }
            self.records -= flow.entries.len();
            self.bytes -= flow.entries.iter().map(|entry| entry.bytes as usize).sum::<usize>();
        }
    }

    /// Returns the offset after the last record taken of a partition, where one was.
    #[must_use]
    pub fn position(&self, partition: Partition) -> Option<i64> {
        let at = *self.by_partition.get(&partition)?;
        self.slots.get(usize::from(at))?.flow.as_ref()?.next
    }

    /// Returns how many records are taken and not yet final.
    #[must_use]
    pub const fn n_in_flight(&self) -> usize {
        self.records
    }

    /// Yields every partition that is ours.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> + '_ {
        self.slots.iter().filter_map(|slot| slot.flow.as_ref().map(|flow| flow.partition))
    }

    /// Returns as part of which reading a record comes that is fetched now; none where its partition is not ours to read.
    pub fn reading(&mut self, partition: Partition) -> Option<Reading> {
        let at = match self.last {
            Some((last, at)) if last == partition => at,
            _ => {
                let at = *self.by_partition.get(&partition)?;
                self.last = Some((partition, at));
                at
            }
        };
        let slot = self.slots.get(usize::from(at))?;
        let is_running = slot.flow.as_ref()?.state == State::Running;
        is_running.then_some(Reading { slot: at, generation: slot.generation })
    }

    /// Hears of a record that was fetched in a reading; answers nothing where it is not ours to take: its partition is not,
    /// was rewound since or is being taken away, or the record was taken before.
    pub fn take(&mut self, reading: Reading, offset: i64, n_bytes: usize) -> Option<Taken> {
        let slot = self.slots.get_mut(usize::from(reading.slot))?;
        if slot.generation != reading.generation {
            return None;
        }
        let flow = slot.flow.as_mut()?;
        if flow.state != State::Running || flow.next.is_some_and(|next| offset < next) {
            return None;
        }
        flow.next = Some(offset + 1);
        flow.low.get_or_insert(offset);
        flow.committed.get_or_insert(offset);
        let n_bytes = u32::try_from(n_bytes).unwrap_or(u32::MAX);
        let seq = flow.front.wrapping_add(u32::try_from(flow.entries.len()).unwrap_or(u32::MAX));
        flow.entries.push_back(Entry { offset, bytes: n_bytes, step: Step::Taken });
        flow.n_reached = flow.n_reached.max(flow.n_low + flow.entries.len() as u64);
        self.records += 1;
        self.bytes += n_bytes as usize;
        let refused = flow.refused.get(&offset).copied();
        let Reading { slot, generation } = reading;
        Some(Taken { place: Place { slot, generation, seq }, refused })
    }

    /// Hears that `n_outputs` of a record are about to be written. Answers `false` where they must not be, because the
    /// partition was taken away or rewound since the record was taken.
    #[must_use]
    pub fn begin(&mut self, place: Place, n_outputs: u16, verdict: Verdict) -> bool {
        if self.must_abort || self.is_aborting {
            return false;
        }
        let mode = self.mode;
        let Some(flow) = self.flow_at(place) else { return false };
        if flow.state != State::Running {
            return false;
        }
        let Some(entry) = flow.entry(place.seq) else { return false };
        if entry.step != Step::Taken {
            return false;
        }
        let quarantined = verdict == Verdict::Quarantine;
        if n_outputs == 0 && mode == Mode::Acknowledged {
            entry.step = Step::Done { quarantined };
            self.advance(place);
        } else {
            entry.step = Step::Out { n_left: n_outputs, failed: false, quarantined };
            flow.n_unsettled += 1;
        }
        true
    }

    /// Hears that an output was written.
    pub fn acked(&mut self, place: Place) {
        self.answered(place, None);
    }

    /// Hears that an output was not written.
    pub fn refused(&mut self, place: Place, refusal: Refusal) {
        self.answered(place, Some(refusal));
    }

    fn answered(&mut self, place: Place, refusal: Option<Refusal>) {
        if self.mode == Mode::Transactional {
            if let Some(refusal) = refusal {
                self.refused_in_transaction(place, refusal);
            }
            return;
        }
        let Some(flow) = self.flow_at(place) else { return };
        let Some(entry) = flow.entry(place.seq) else { return };
        let Step::Out { n_left, failed, quarantined } = entry.step else { return };
        let (n_left, failed, offset) = (n_left - 1, failed || refusal.is_some(), entry.offset);
        entry.step = match (n_left, failed) {
            (0, true) => Step::Failed,
            (0, false) => Step::Done { quarantined },
            _ => Step::Out { n_left, failed, quarantined },
        };
        if n_left == 0 {
            flow.n_unsettled -= 1;
        }
        if let Some(refusal) = refusal {
            if refusal == Refusal::TooLong {
                flow.refused.insert(offset, refusal);
            }
            if flow.state == State::Running {
                flow.state = State::Failing;
            }
        }
        if n_left == 0 {
            self.advance(place);
        }
    }

    fn refused_in_transaction(&mut self, place: Place, refusal: Refusal) {
        let Some(flow) = self.flow_at(place) else { return };
        let Some(&mut Entry { offset, step: Step::Out { .. }, .. }) = flow.entry(place.seq) else { return };
        match refusal {
            Refusal::TooLong => drop(flow.refused.insert(offset, refusal)),
            Refusal::Other => flow.is_blamed = true,
        }
        if flow.state == State::Running {
            flow.state = State::Failing;
        }
        self.must_abort = true;
    }

    /// Hears that the open transaction cannot be committed, through no fault of an output.
    pub fn spoil(&mut self) {
        if self.has_open() {
            self.must_abort = true;
        }
    }

    /// Returns whether something was begun that no commit under way covers.
    #[must_use]
    pub fn has_open(&self) -> bool {
        self.mode == Mode::Transactional && self.flows().any(|flow| flow.n_unsettled > flow.n_committing)
    }

    /// Returns whether the open transaction is to be aborted.
    #[must_use]
    pub const fn must_abort(&self) -> bool {
        self.must_abort
    }

    /// Hears whether the runner can take nothing, because it waits for a commit with a batch in its hands.
    pub fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// Moves the low watermark of a place's partition over everything that is done.
    fn advance(&mut self, place: Place) {
        let (mut records, mut bytes, mut progress) = (0, 0, Progress::default());
        if let Some(flow) = self.flow_at(place) {
            while let Some(&Entry { offset, bytes: n_bytes, step: Step::Done { quarantined } }) = flow.entries.front() {
                flow.entries.pop_front();
                flow.front = flow.front.wrapping_add(1);
                flow.low = Some(offset + 1);
                flow.n_low += 1;
                records += 1;
                bytes += n_bytes as usize;
                progress.n_done += u64::from(!quarantined);
                progress.n_quarantined += u64::from(quarantined);
                if quarantined {
                    flow.refused.remove(&offset);
                }
            }
        }
        self.records -= records;
        self.bytes -= bytes;
        self.progress.n_done += progress.n_done;
        self.progress.n_quarantined += progress.n_quarantined;
    }

    /// Returns how much may be taken now.
    #[must_use]
    pub fn room(&self) -> Room {
        if self.is_stopping {
            return Room { records: 0, bytes: 0 };
        }
        let replay = usize::try_from(self.n_uncommitted()).unwrap_or(usize::MAX);
        let mut to_repeat = match self.mode {
            Mode::Acknowledged => self.bounds.replay_records.saturating_sub(replay),
            Mode::Transactional => usize::MAX,
        };
        // Rewound partitions may have used it all up, and only taking their records again sets them free. Nobody knows whose
        // record comes next, so whatever a commit can set free is set free before.
        let is_rewound = |flow: &Flow| flow.n_low + (flow.entries.len() as u64) < flow.n_reached;
        if to_repeat == 0 && !self.flows().any(Flow::has_to_commit) && self.flows().any(is_rewound) {
            to_repeat = 1;
        }
        Room {
            records: self.bounds.in_flight_records.saturating_sub(self.records).min(to_repeat),
            bytes: self.bounds.in_flight_bytes.saturating_sub(self.bytes),
        }
    }

    /// Returns how many records were taken since the last commit, over all partitions.
    #[must_use]
    pub fn n_uncommitted(&self) -> u64 {
        self.flows().map(|flow| flow.n_reached - flow.n_committed).sum()
    }

    /// Returns how many records wait for an answer.
    #[must_use]
    pub fn n_unsettled(&self) -> usize {
        self.flows().map(|flow| flow.n_unsettled).sum()
    }

    /// Returns what became of the records so far.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// Tells what is to be done now. The clock is the runner's: any that does not run backwards.
    pub fn tick(&mut self, now_ms: u64, commands: &mut Vec<Command>) {
        let counts_all = self.mode == Mode::Acknowledged;
        let retry_ms = self.bounds.retry_ms << self.n_aborts.saturating_sub(1).min(6);
        for slot in &mut self.slots {
            let Some(flow) = &mut slot.flow else { continue };
            if flow.state == State::Doubtful {
                commands.push(Command::Recall(flow.partition));
            }
            if matches!(flow.state, State::Failing | State::Rewinding) && flow.n_unsettled == 0 {
                let is_failing = flow.state == State::Failing && (counts_all || flow.is_blamed);
                if !is_failing {
                    // Not its fault.
                } else if flow.tried_at == flow.low {
                    flow.n_tries += 1;
                } else {
                    (flow.tried_at, flow.n_tries) = (flow.low, 1);
                }
                // Those that were taken and not begun are read again too.
                self.records -= flow.entries.len();
                self.bytes -= flow.entries.iter().map(|entry| entry.bytes as usize).sum::<usize>();
                flow.front = flow.front.wrapping_add(u32::try_from(flow.entries.len()).unwrap_or(0));
                flow.entries.clear();
                slot.generation = slot.generation.wrapping_add(1);
                self.progress.n_rewinds += 1;
                let wait = self.bounds.retry_ms << flow.n_tries.saturating_sub(1).min(6);
                // A record that is only to be quarantined need not wait.
                let is_known = match self.mode {
                    Mode::Acknowledged => {
                        flow.low.is_some_and(|low| flow.refused.contains_key(&low)) && flow.n_tries == 1
                    }
                    Mode::Transactional => flow.state == State::Failing && !flow.is_blamed,
                };
                let wait = if flow.state == State::Failing { wait } else { retry_ms };
                flow.state = State::Waiting { until_ms: if is_known { now_ms } else { now_ms + wait } };
                flow.is_blamed = false;
                if is_failing && flow.n_tries > self.bounds.max_tries {
                    commands.push(Command::Halt(flow.partition, flow.low.unwrap_or(0)));
                }
            }
            if let (State::Waiting { until_ms }, Some(low)) = (flow.state, flow.low)
                && now_ms >= until_ms
                && !self.is_stopping
            {
                commands.push(Command::Seek(flow.partition, low));
            }
        }
        let is_full = self.room().is_none() || self.is_held;
        let since = *self.full_since_ms.get_or_insert(now_ms);
        if !is_full {
            self.full_since_ms = None;
        }
        let pauses = is_full && (self.is_stopping || now_ms.saturating_sub(since) >= self.bounds.pause_after_ms);
        // What is fetched again should be worth it.
        let resumes = self.is_paused && !self.is_stopping && !self.is_held && {
            let Room { records, bytes } = self.room();
            let most = match self.mode {
                Mode::Acknowledged => self.bounds.in_flight_records.min(self.bounds.replay_records),
                Mode::Transactional => self.bounds.in_flight_records,
            };
            records > most / 2 && bytes > self.bounds.in_flight_bytes / 2
        };
        if pauses && !self.is_paused {
            self.is_paused = true;
            commands.push(Command::Pause);
        } else if resumes {
            self.is_paused = false;
            commands.push(Command::Resume);
        }
        if self.mode == Mode::Transactional {
            return self.tick_transaction(now_ms, commands);
        }
        let wants_commit = now_ms >= self.commit_due_ms || self.wants_commit_now();
        if wants_commit && !self.is_committing && self.flows().any(Flow::has_to_commit) {
            commands.push(Command::Commit);
        }
        if now_ms >= self.commit_due_ms {
            self.commit_due_ms = now_ms + self.bounds.commit_interval_ms;
        }
    }

    fn tick_transaction(&mut self, now_ms: u64, commands: &mut Vec<Command>) {
        if self.is_committing || self.is_aborting {
            return;
        }
        if self.must_abort {
            self.is_aborting = true;
            return commands.push(Command::Abort);
        }
        if !self.has_open() {
            self.open_due_ms = None;
            return;
        }
        let due_ms = *self.open_due_ms.get_or_insert(now_ms + self.bounds.commit_interval_ms);
        let is_half_full = self.records.saturating_mul(2) >= self.bounds.in_flight_records
            || self.bytes.saturating_mul(2) >= self.bounds.in_flight_bytes;
        if now_ms >= due_ms || is_half_full || self.is_stopping {
            commands.push(Command::Commit);
        }
    }

    /// Returns whether the bound on repeats is near, so that a commit should not wait for its time.
    #[must_use]
    pub fn wants_commit_now(&self) -> bool {
        self.n_uncommitted().saturating_mul(2) >= self.bounds.replay_records as u64
    }

    /// Returns the offsets that can be committed and are not yet, and takes note that they are under way; to be followed
    /// by [`committed`](Self::committed) or [`commit_failed`](Self::commit_failed).
    pub fn begin_commit(&mut self) -> Vec<(Partition, i64)> {
        let mut offsets = Vec::new();
        if self.mode == Mode::Transactional {
            if self.must_abort || self.is_aborting || self.is_committing {
                return offsets;
            }
            for flow in self.slots.iter_mut().filter_map(|slot| slot.flow.as_mut()) {
                let last = flow.n_unsettled.checked_sub(1).and_then(|last| flow.entries.get(last));
                if let Some(&Entry { offset, .. }) = last {
                    flow.n_committing = flow.n_unsettled;
                    flow.committing = Some((offset + 1, flow.n_low + flow.n_committing as u64));
                    offsets.push((flow.partition, offset + 1));
                }
            }
            self.is_committing = !offsets.is_empty();
            self.open_due_ms = None;
            return offsets;
        }
        for flow in self.slots.iter_mut().filter_map(|slot| slot.flow.as_mut()).filter(|flow| flow.has_to_commit()) {
            if let Some(low) = flow.low {
                flow.committing = Some((low, flow.n_low));
                offsets.push((flow.partition, low));
            }
        }
        self.is_committing = !offsets.is_empty();
        offsets
    }

    /// Hears that the offsets of [`begin_commit`](Self::begin_commit) are committed.
    pub fn committed(&mut self) {
        self.is_committing = false;
        if self.mode == Mode::Transactional {
            self.n_aborts = 0;
            let mut settled = Settled::default();
            for flow in self.slots.iter_mut().filter_map(|slot| slot.flow.as_mut()) {
                if let Some((offset, _)) = flow.committing.take() {
                    flow.settle(offset, &mut settled);
                }
            }
            return self.count(settled);
        }
        for flow in self.slots.iter_mut().filter_map(|slot| slot.flow.as_mut()) {
            if let Some((offset, n_low)) = flow.committing.take() {
                flow.committed = Some(offset);
                flow.n_committed = n_low;
            }
        }
    }

    /// Hears that they are not.
    pub fn commit_failed(&mut self) {
        self.is_committing = false;
        for flow in self.slots.iter_mut().filter_map(|slot| slot.flow.as_mut()) {
            flow.committing = None;
        }
    }

    /// Hears that the transaction was aborted: the open one, and the one whose commit was under way.
    pub fn aborted(&mut self, doubt: Doubt) {
        let was_committing = std::mem::take(&mut self.is_committing);
        self.must_abort = false;
        self.is_aborting = false;
        self.open_due_ms = None;
        self.n_aborts = self.n_aborts.saturating_add(1);
        for flow in self.slots.iter_mut().filter_map(|slot| slot.flow.as_mut()) {
            let in_doubt = flow.committing.take().is_some() && was_committing && doubt == Doubt::InDoubt;
            flow.n_committing = 0;
            flow.n_unsettled = 0;
            if in_doubt && flow.state != State::Revoking {
                flow.state = State::Doubtful;
                continue;
            }
            if flow.state == State::Running && !flow.entries.is_empty() {
                flow.state = State::Rewinding;
            }
        }
    }

    /// Hears which offset of a partition is committed, if any is.
    pub fn recalled(&mut self, partition: Partition, offset: Option<i64>) {
        let mut settled = Settled::default();
        if let Some(flow) = self.flow_mut(partition)
            && flow.state == State::Doubtful
        {
            if let Some(offset) = offset.filter(|offset| flow.low.is_none_or(|low| *offset > low)) {
                flow.settle(offset, &mut settled);
            }
            flow.state = State::Rewinding;
        }
        self.count(settled);
    }

    fn count(&mut self, settled: Settled) {
        self.records -= settled.records;
        self.bytes -= settled.bytes;
        self.progress.n_done += settled.n_done;
        self.progress.n_quarantined += settled.n_quarantined;
    }

    /// Returns whether fetching is paused, so that partitions that come must be paused as well.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.is_paused || self.is_stopping
    }

    /// Returns whether a commit was begun and not answered.
    #[must_use]
    pub const fn is_committing(&self) -> bool {
        self.is_committing
    }

    /// Hears that [`Command::Seek`] was done: the next record of the partition is the one at its low watermark, or the
    /// first after it.
    pub fn sought(&mut self, partition: Partition) {
        if let Some(flow) = self.flow_mut(partition)
            && matches!(flow.state, State::Waiting { .. })
        {
            flow.state = State::Running;
            flow.next = flow.low;
        }
    }

    /// Takes nothing any more; what was taken is finished.
    pub fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// Returns whether everything that was taken is out and acknowledged.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        // What is not committed did not happen.
        if self.mode == Mode::Transactional {
            return !self.is_committing && self.n_unsettled() == 0;
        }
        self.flows().all(|flow| flow.entries.is_empty() && flow.state != State::Failing)
            && !self.flows().any(|flow| matches!(flow.state, State::Waiting { .. }))
    }

    fn flows(&self) -> impl Iterator<Item = &Flow> {
        self.slots.iter().filter_map(|slot| slot.flow.as_ref())
    }

    fn flow_mut(&mut self, partition: Partition) -> Option<&mut Flow> {
        let at = *self.by_partition.get(&partition)?;
        self.slots.get_mut(usize::from(at))?.flow.as_mut()
    }

    fn flow_at(&mut self, place: Place) -> Option<&mut Flow> {
        let slot = self.slots.get_mut(usize::from(place.slot))?;
        if slot.generation == place.generation { slot.flow.as_mut() } else { None }
    }
}

/// Records that went below a low watermark.
#[derive(Default)]
struct Settled {
    records: usize,
    bytes: usize,
    n_done: u64,
    n_quarantined: u64,
}

impl Flow {
    fn new(partition: Partition) -> Self {
        Self {
            partition,
            state: State::Running,
            next: None,
            low: None,
            committed: None,
            entries: VecDeque::new(),
            front: 0,
            n_unsettled: 0,
            n_committing: 0,
            is_blamed: false,
            n_low: 0,
            n_committed: 0,
            n_reached: 0,
            committing: None,
            n_tries: 0,
            tried_at: None,
            refused: BTreeMap::new(),
        }
    }

    fn entry(&mut self, seq: u32) -> Option<&mut Entry> {
        self.entries.get_mut(seq.wrapping_sub(self.front) as usize)
    }

    /// Moves the low watermark to an offset that is committed.
    fn settle(&mut self, committed: i64, settled: &mut Settled) {
        while let Some(&Entry { offset, bytes, step }) = self.entries.front()
            && offset < committed
        {
            self.entries.pop_front();
            self.front = self.front.wrapping_add(1);
            self.n_low += 1;
            self.n_unsettled = self.n_unsettled.saturating_sub(1);
            settled.records += 1;
            settled.bytes += bytes as usize;
            if matches!(step, Step::Out { quarantined: true, .. }) {
                settled.n_quarantined += 1;
                self.refused.remove(&offset);
            } else {
                settled.n_done += 1;
            }
        }
        self.n_committing = 0;
        self.low = Some(committed);
        self.committed = Some(committed);
        self.n_committed = self.n_low;
    }

    fn has_to_commit(&self) -> bool {
        self.low != self.committed
    }
}

impl Place {
    /// Packs the place into a number that a producer carries along.
    #[must_use]
    pub const fn pack(self) -> u64 {
        (self.slot as u64) << 48 | (self.generation as u64) << 32 | self.seq as u64
    }

    /// Reads what [`pack`](Self::pack) wrote.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each part is cut to its own bits")]
    pub const fn unpack(packed: u64) -> Self {
        Self { slot: (packed >> 48) as u16, generation: (packed >> 32) as u16, seq: packed as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::turns::{Turns, Waiting};
    use super::*;
    use std::collections::BTreeSet;

    const P: Partition = Partition { topic: 0, number: 0 };
    const Q: Partition = Partition { topic: 0, number: 1 };

    fn machine() -> Machine {
        let mut machine = Machine::new(Bounds {
            in_flight_records: 8,
            in_flight_bytes: 1_000,
            replay_records: 16,
            commit_interval_ms: 100,
            pause_after_ms: 50,
            retry_ms: 10,
            max_tries: 3,
        });
        machine.assign(P);
        machine
    }

    fn take(machine: &mut Machine, partition: Partition, offset: i64, n_bytes: usize) -> Option<Taken> {
        let reading = machine.reading(partition)?;
        machine.take(reading, offset, n_bytes)
    }

    /// A record arrives and waits for its turn.
    fn fetch(machine: &mut Machine, turns: &mut Turns<i64>, partition: Partition, offset: i64) {
        if let Some(reading) = machine.reading(partition) {
            turns.push(partition, reading, 10, offset, 0);
        }
    }

    fn out(machine: &mut Machine, partition: Partition, offset: i64) -> Place {
        let taken = take(machine, partition, offset, 10).expect("is ours");
        assert!(machine.begin(taken.place, 2, Verdict::Lanes));
        taken.place
    }

    fn tick(machine: &mut Machine, now_ms: u64) -> Vec<Command> {
        let mut commands = Vec::new();
        machine.tick(now_ms, &mut commands);
        commands
    }

    #[test]
    fn the_watermark_waits_for_the_slowest() {
        let mut machine = machine();
        let places: Vec<_> = (5..8).map(|offset| out(&mut machine, P, offset)).collect();
        for place in [places[2], places[2], places[1], places[1], places[0]] {
            machine.acked(place);
            assert_eq!(machine.begin_commit(), [], "record 5 is not out on every lane");
        }
        machine.acked(places[0]);
        assert_eq!(machine.begin_commit(), [(P, 8)], "the offset after the last");
        assert!(machine.is_drained());
        machine.commit_failed();
        assert_eq!(machine.begin_commit(), [(P, 8)]);
        machine.committed();
        assert_eq!(machine.begin_commit(), []);
        assert_eq!(machine.progress().n_done, 3);
    }

    #[test]
    fn a_refusal_rewinds_once_everything_is_answered() {
        let mut machine = machine();
        let places: Vec<_> = (0..4).map(|offset| out(&mut machine, P, offset)).collect();
        let taken = take(&mut machine, P, 4, 10).expect("is ours");
        for place in [places[0], places[0], places[1], places[2], places[2]] {
            machine.acked(place);
        }
        machine.refused(places[1], Refusal::Other);
        assert_eq!(take(&mut machine, P, 5, 10), None, "nothing is taken any more");
        assert!(!machine.begin(taken.place, 2, Verdict::Lanes), "nothing is begun any more");
        assert_eq!(tick(&mut machine, 0), [Command::Commit], "record 3 is not answered");
        machine.acked(places[3]);
        machine.acked(places[3]);
        assert_eq!(tick(&mut machine, 1), [], "a commit has its time, a new try too");
        assert_eq!(machine.begin_commit(), [(P, 1)]);
        assert_eq!(tick(&mut machine, 11), [Command::Seek(P, 1)]);
        assert_eq!(tick(&mut machine, 12), [Command::Seek(P, 1)], "until it is told that it worked");
        machine.acked(places[1]);
        assert_eq!(take(&mut machine, P, 1, 10), None);
        machine.sought(P);
        out(&mut machine, P, 1);
        assert_eq!(machine.progress().n_rewinds, 1);
    }

    #[test]
    fn what_is_too_long_comes_again_with_a_mark() {
        let mut machine = machine();
        let place = out(&mut machine, P, 7);
        machine.acked(place);
        machine.refused(place, Refusal::TooLong);
        assert_eq!(tick(&mut machine, 0), [Command::Seek(P, 7)]);
        machine.sought(P);
        let taken = take(&mut machine, P, 7, 10).expect("is ours");
        assert_eq!(taken.refused, Some(Refusal::TooLong));
        assert!(machine.begin(taken.place, 1, Verdict::Quarantine));
        machine.acked(taken.place);
        assert_eq!(machine.progress(), Progress { n_done: 0, n_quarantined: 1, n_rewinds: 1 });
    }

    #[test]
    fn gives_up_after_some_tries() {
        let mut machine = machine();
        let mut now_ms = 0;
        for n_try in 1..=4 {
            let place = out(&mut machine, P, 3);
            machine.refused(place, Refusal::Other);
            machine.refused(place, Refusal::Other);
            now_ms += 10_000;
            let halted = tick(&mut machine, now_ms).contains(&Command::Halt(P, 3));
            assert_eq!(halted, n_try == 4);
            machine.sought(P);
        }
    }

    #[test]
    fn room_is_bounded_thrice() {
        #[track_caller]
        fn check(records: usize, n_bytes: usize, acks: usize, room: Room) {
            let mut machine = machine();
            let mut places = Vec::new();
            for offset in 0..records {
                let taken = take(&mut machine, P, offset as i64, n_bytes).expect("is ours");
                assert!(machine.begin(taken.place, 1, Verdict::Lanes));
                places.push(taken.place);
                if offset < acks {
                    machine.acked(taken.place);
                }
            }
            assert_eq!(machine.room(), room);
        }
        check(0, 0, 0, Room { records: 8, bytes: 1_000 });
        check(8, 1, 0, Room { records: 0, bytes: 992 });
        check(2, 600, 0, Room { records: 6, bytes: 0 });
        check(15, 1, 14, Room { records: 1, bytes: 999 });
        check(16, 1, 16, Room { records: 0, bytes: 1_000 });
    }

    #[test]
    fn fetching_pauses_when_there_is_no_room_for_long() {
        let mut machine = machine();
        let places: Vec<_> = (0..8).map(|offset| out(&mut machine, P, offset)).collect();
        assert_eq!(tick(&mut machine, 0), []);
        assert_eq!(tick(&mut machine, 49), []);
        assert_eq!(tick(&mut machine, 50), [Command::Pause]);
        assert!(machine.assign(Q), "a partition that comes then is paused too");
        machine.acked(places[0]);
        machine.acked(places[0]);
        assert!(!tick(&mut machine, 51).contains(&Command::Resume), "not for one record");
        for place in &places[1..6] {
            machine.acked(*place);
            machine.acked(*place);
        }
        assert!(tick(&mut machine, 52).contains(&Command::Resume));
    }

    #[test]
    fn what_is_taken_away_is_finished_and_nothing_more() {
        let mut machine = machine();
        machine.assign(Q);
        let place = out(&mut machine, P, 0);
        let late = take(&mut machine, P, 1, 10).expect("is ours");
        out(&mut machine, Q, 0);
        machine.revoke(P);
        assert!(!machine.begin(late.place, 2, Verdict::Lanes));
        assert_eq!(take(&mut machine, P, 2, 10), None);
        assert!(!machine.is_settled(P));
        machine.acked(place);
        machine.acked(place);
        assert!(machine.is_settled(P) && !machine.is_settled(Q));
        assert_eq!(machine.begin_commit(), [(P, 1)]);
        machine.committed();
        machine.forget(P);
        machine.assign(P);
        machine.acked(late.place);
        assert!(take(&mut machine, P, 1, 10).is_some());
    }

    #[test]
    fn a_stop_takes_nothing_and_waits() {
        let mut machine = machine();
        let place = out(&mut machine, P, 0);
        machine.stop();
        assert!(machine.room().is_none() && !machine.is_drained());
        assert_eq!(tick(&mut machine, 0), [Command::Pause]);
        machine.acked(place);
        machine.acked(place);
        assert!(machine.is_drained());
        assert_eq!(tick(&mut machine, 100), [Command::Commit]);
    }

    #[test]
    fn a_place_survives_packing() {
        let place = Place { slot: 65_535, generation: 65_534, seq: u32::MAX - 2 };
        assert_eq!(Place::unpack(place.pack()), place);
    }

    /// A world around a machine: input logs, output logs, a group's offsets, and a process that dies at any step.
    struct World {
        random: u64,
        n_records: i64,
        /// Records that no lane takes.
        too_long: BTreeSet<(Partition, i64)>,
        committed: HashMap<Partition, i64>,
        /// What is written on each lane, and in quarantine, by partition.
        written: [HashMap<Partition, Vec<i64>>; 3],
        /// Since the process began, the offset after the last record begun.
        reached: HashMap<Partition, i64>,
        n_refusals: u64,
        bounds: Bounds,
    }

    const QUARANTINE: usize = 2;

    struct Process {
        machine: Machine,
        position: HashMap<Partition, i64>,
        /// Offsets that are fetched and not taken.
        turns: Turns<i64>,
        batch: VecDeque<(Taken, Partition, i64)>,
        queues: HashMap<(usize, Partition), VecDeque<(Place, i64)>>,
        answers: VecDeque<(Place, Option<Refusal>)>,
        commit: Option<Vec<(Partition, i64)>>,
        away: Vec<Partition>,
        is_paused: bool,
        now_ms: u64,
    }

    impl World {
        fn below(&mut self, n: u64) -> u64 {
            // splitmix64
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.random;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % n
        }

        fn start(&mut self, partitions: &[Partition]) -> Process {
            let mut process = Process {
                machine: Machine::new(self.bounds),
                position: HashMap::new(),
                turns: Turns::new(1 << 20),
                batch: VecDeque::new(),
                queues: HashMap::new(),
                answers: VecDeque::new(),
                commit: None,
                away: Vec::new(),
                is_paused: false,
                now_ms: 0,
            };
            self.reached.clear();
            for &partition in partitions {
                process.machine.assign(partition);
                process.position.insert(partition, self.committed[&partition]);
            }
            process
        }

        fn step(&mut self, process: &mut Process, partitions: &[Partition]) {
            let partition = partitions[self.below(partitions.len() as u64) as usize];
            match self.below(16) {
                0..2 => {
                    // A paused consumer may still hand out what it had fetched.
                    let n = if process.is_paused && self.below(4) > 0 { 0 } else { self.below(8) };
                    for _ in 0..n {
                        let Some(offset) = process.position.get_mut(&partition) else { break };
                        if *offset >= self.n_records || process.away.contains(&partition) {
                            break;
                        }
                        let at = *offset;
                        *offset += 1;
                        fetch(&mut process.machine, &mut process.turns, partition, at);
                    }
                }
                2..4 => {
                    let n = (self.below(8) as usize + 1).min(process.machine.room().records);
                    for _ in 0..n {
                        let Some((partition, Waiting { record, reading, .. })) = process.turns.pop() else { break };
                        if let Some(taken) = process.machine.take(reading, record, 10) {
                            process.batch.push_back((taken, partition, record));
                        }
                        assert_eq!(process.machine.take(reading, record, 10), None, "a record is taken once");
                    }
                }
                4..8 => {
                    let Some((taken, partition, offset)) = process.batch.pop_front() else { return };
                    let verdict = if taken.refused.is_some() { Verdict::Quarantine } else { Verdict::Lanes };
                    let lanes = if verdict == Verdict::Lanes { 0..QUARANTINE } else { QUARANTINE..QUARANTINE + 1 };
                    if process.machine.begin(taken.place, lanes.len() as u16, verdict) {
                        for lane in lanes {
                            process.queues.entry((lane, partition)).or_default().push_back((taken.place, offset));
                        }
                        let reached = self.reached.entry(partition).or_insert(0);
                        *reached = (*reached).max(offset + 1);
                    }
                }
                8..12 => {
                    let lane = self.below(3) as usize;
                    let Some((place, offset)) =
                        process.queues.get_mut(&(lane, partition)).and_then(VecDeque::pop_front)
                    else {
                        return;
                    };
                    let refusal = if lane == 0 && self.too_long.contains(&(partition, offset)) {
                        Some(Refusal::TooLong)
                    } else if self.below(100) == 0 {
                        self.n_refusals += 1;
                        Some(Refusal::Other)
                    } else {
                        self.written[lane].entry(partition).or_default().push(offset);
                        None
                    };
                    process.answers.push_back((place, refusal));
                }
                12 | 13 => {
                    for _ in 0..self.below(8) {
                        match process.answers.pop_front() {
                            Some((place, None)) => process.machine.acked(Place::unpack(place.pack())),
                            Some((place, Some(refusal))) => process.machine.refused(place, refusal),
                            None => break,
                        }
                    }
                }
                14 => self.tick(process),
                _ => self.rebalance(process, partition),
            }
        }

        fn tick(&mut self, process: &mut Process) {
            process.now_ms += self.below(40);
            if let Some(offsets) = process.commit.take_if(|_| !self.random.is_multiple_of(3)) {
                if self.below(8) == 0 {
                    process.machine.commit_failed();
                } else {
                    self.committed.extend(offsets);
                    process.machine.committed();
                }
            }
            for command in tick(&mut process.machine, process.now_ms) {
                match command {
                    Command::Seek(..) if self.below(3) == 0 => {}
                    Command::Seek(partition, offset) => {
                        process.position.insert(partition, offset);
                        process.machine.sought(partition);
                    }
                    Command::Pause => process.is_paused = true,
                    Command::Resume => process.is_paused = false,
                    Command::Commit => process.commit = Some(process.machine.begin_commit()),
                    Command::Halt(..) | Command::Abort | Command::Recall(_) => {}
                }
            }
        }

        /// Takes a partition away, or gives it back.
        fn rebalance(&mut self, process: &mut Process, partition: Partition) {
            if self.below(12) > 0 {
                return;
            }
            if let Some(at) = process.away.iter().position(|away| *away == partition) {
                process.away.swap_remove(at);
                process.machine.assign(partition);
                process.position.insert(partition, self.committed[&partition]);
                return;
            }
            process.away.push(partition);
            process.machine.revoke(partition);
            // Mostly in time; sometimes the drain is cut short.
            let in_time = self.below(4) > 0;
            for lane in 0..3 {
                let Some(queue) = process.queues.get_mut(&(lane, partition)) else { continue };
                let queue: Vec<_> = if in_time { queue.drain(..).collect() } else { Vec::new() };
                for (place, offset) in queue {
                    if lane == 0 && self.too_long.contains(&(partition, offset)) {
                        process.answers.push_back((place, Some(Refusal::TooLong)));
                    } else {
                        self.written[lane].entry(partition).or_default().push(offset);
                        process.answers.push_back((place, None));
                    }
                }
            }
            for (place, refusal) in process.answers.drain(..) {
                match refusal {
                    None => process.machine.acked(place),
                    Some(refusal) => process.machine.refused(place, refusal),
                }
            }
            assert!(!in_time || process.machine.is_settled(partition));
            // What is under way is answered before, as a blocking commit is.
            if let Some(offsets) = process.commit.take() {
                self.committed.extend(offsets);
                process.machine.committed();
            }
            let offsets = process.machine.begin_commit();
            self.committed.extend(offsets);
            process.machine.committed();
            process.machine.forget(partition);
            // Whoever gets it next repeats from here on, which counts for that process.
            self.reached.remove(&partition);
            // Cut short: what is still in the producer is written, or not, before anybody else writes.
            let rest = process.queues.remove(&(0, partition)).unwrap_or_default();
            let n = self.below(rest.len() as u64 + 1) as usize;
            self.written[0].entry(partition).or_default().extend(
                rest.iter()
                    .take(n)
                    .map(|(_, offset)| *offset)
                    .filter(|offset| !self.too_long.contains(&(partition, *offset))),
            );
            process.queues.remove(&(1, partition));
            process.queues.remove(&(QUARANTINE, partition));
        }

        /// The process is killed: of what it had handed over, a part is written.
        fn crash(&mut self, process: Process) {
            let mut queues: Vec<_> = process.queues.iter().collect();
            queues.sort_by_key(|(name, _)| *name);
            for (&(lane, partition), queue) in queues {
                let n = self.below(queue.len() as u64 + 1) as usize;
                let kept = queue.iter().take(n).map(|(_, offset)| *offset);
                let kept: Vec<_> =
                    kept.filter(|at| lane == QUARANTINE || !self.too_long.contains(&(partition, *at))).collect();
                self.written[lane].entry(partition).or_default().extend(kept);
            }
            let repeated: i64 =
                self.reached.iter().map(|(partition, reached)| (reached - self.committed[partition]).max(0)).sum();
            let rewound = if process.machine.progress().n_rewinds > 0 { self.bounds.in_flight_records } else { 0 };
            assert!(
                repeated as usize <= self.bounds.replay_records + rewound,
                "{repeated} records are repeated, {} is the bound",
                self.bounds.replay_records
            );
        }

        fn verify(&self, partitions: &[Partition]) {
            for &partition in partitions {
                let quarantined: BTreeSet<i64> =
                    self.written[QUARANTINE].get(&partition).into_iter().flatten().copied().collect();
                for lane in 0..QUARANTINE {
                    let written = &self.written[lane][&partition];
                    let all: BTreeSet<i64> = written.iter().copied().collect();
                    for offset in 0..self.n_records {
                        assert!(
                            all.contains(&offset) || quarantined.contains(&offset),
                            "record {offset} of {partition:?} is lost on lane {lane}"
                        );
                    }
                    let mut last = BTreeSet::new();
                    // A record that another lane never takes may be here from an earlier try.
                    let lasting = written.iter().rev().copied().filter(|offset| !quarantined.contains(offset));
                    let last: Vec<i64> = lasting.filter(|offset| last.insert(*offset)).collect();
                    assert!(last.is_sorted_by(|a, b| a > b), "the last of each record is in order: {written:?}");
                }
                for offset in &quarantined {
                    assert!(self.too_long.contains(&(partition, *offset)));
                }
            }
        }
    }

    /// 10,000 processes die at random steps; each time another takes over from the committed offsets.
    #[test]
    fn ten_thousand_crashes_lose_nothing() {
        let partitions = [P, Q, Partition { topic: 1, number: 0 }];
        let (mut n_crashes, mut n_refusals, mut n_quarantined) = (0, 0, 0);
        let mut seed = 1_u64;
        while n_crashes < 10_000 {
            let mut world = World {
                random: seed,
                n_records: 120,
                too_long: BTreeSet::new(),
                committed: partitions.iter().map(|partition| (*partition, 0)).collect(),
                written: Default::default(),
                reached: HashMap::new(),
                n_refusals: 0,
                bounds: Bounds {
                    in_flight_records: 3 + (seed % 20) as usize,
                    in_flight_bytes: 300,
                    replay_records: 4 + (seed % 37) as usize,
                    commit_interval_ms: seed % 200,
                    pause_after_ms: seed % 50,
                    retry_ms: 5,
                    max_tries: u32::MAX,
                },
            };
            seed += 1;
            for _ in 0..world.below(3) {
                let partition = partitions[world.below(3) as usize];
                let offset = world.below(120) as i64;
                world.too_long.insert((partition, offset));
            }
            for _ in 0..20 {
                let mut process = world.start(&partitions);
                for _ in 0..world.below(600) {
                    world.step(&mut process, &partitions);
                }
                world.crash(process);
                n_crashes += 1;
            }
            // The last one runs to the end.
            let mut process = world.start(&partitions);
            let mut n_steps = 0;
            while partitions.iter().any(|partition| world.committed[partition] < world.n_records) {
                world.step(&mut process, &partitions);
                n_steps += 1;
                assert!(n_steps < 1_000_000, "seed {seed} comes to no end: {:?}", process.machine);
            }
            world.verify(&partitions);
            n_refusals += world.n_refusals;
            n_quarantined += world.written[QUARANTINE].values().map(Vec::len).sum::<usize>();
        }
        assert!(n_refusals > 1_000 && n_quarantined > 100, "{n_refusals} refusals, {n_quarantined} in quarantine");
    }
    #[test]
    fn a_transaction_is_what_was_begun_before_its_commit() {
        let mut machine = transactional();
        out(&mut machine, P, 0);
        out(&mut machine, P, 1);
        take(&mut machine, P, 2, 10).expect("is ours");
        assert_eq!(tick(&mut machine, 0), [], "a commit has its time");
        assert_eq!(tick(&mut machine, 100), [Command::Commit]);
        assert_eq!(machine.begin_commit(), [(P, 2)]);
        assert!(!machine.has_open());
        let next = out(&mut machine, P, 3);
        assert!(machine.has_open(), "of the next one");
        assert_eq!(tick(&mut machine, 200), [], "one commit at a time");
        machine.committed();
        assert_eq!(machine.progress().n_done, 2);
        machine.refused(next, Refusal::Other);
        assert_eq!(tick(&mut machine, 400), [Command::Abort]);
        assert_eq!(machine.begin_commit(), []);
        machine.aborted(Doubt::Certain);
        assert_eq!(tick(&mut machine, 401), []);
        assert_eq!(tick(&mut machine, 411), [Command::Seek(P, 2)]);
    }

    #[test]
    fn what_is_in_doubt_is_asked_for() {
        #[track_caller]
        fn check(committed: Option<i64>, seek: i64, n_done: u64) {
            let mut machine = transactional();
            out(&mut machine, P, 5);
            machine.begin_commit();
            take(&mut machine, P, 6, 10).expect("is ours");
            machine.aborted(Doubt::InDoubt);
            assert_eq!(tick(&mut machine, 0), [Command::Recall(P)]);
            assert_eq!(take(&mut machine, P, 7, 10), None);
            machine.recalled(P, committed);
            assert_eq!(tick(&mut machine, 1), []);
            assert_eq!(tick(&mut machine, 11), [Command::Seek(P, seek)]);
            assert_eq!(machine.progress().n_done, n_done);
        }
        check(Some(6), 6, 1);
        check(Some(5), 5, 0);
        check(None, 5, 0);
    }

    #[test]
    fn what_went_away_is_not_committed() {
        let mut machine = transactional();
        machine.assign(Q);
        out(&mut machine, P, 0);
        out(&mut machine, Q, 0);
        machine.forget(Q);
        assert_eq!(machine.begin_commit(), [], "the other member writes record 0 of it too");
        assert_eq!(tick(&mut machine, 0), [Command::Abort]);
        machine.aborted(Doubt::Certain);
        assert_eq!(tick(&mut machine, 0), []);
        assert_eq!(tick(&mut machine, 10), [Command::Seek(P, 0)]);
        machine.sought(P);
        out(&mut machine, P, 0);
        assert_eq!(machine.begin_commit(), [(P, 1)]);
    }

    #[test]
    fn many_records_that_are_too_long_are_no_reason_to_give_up() {
        let mut machine = transactional();
        for now_ms in 0..20 {
            let place = out(&mut machine, P, 0);
            machine.refused(place, Refusal::TooLong);
            assert_eq!(tick(&mut machine, now_ms), [Command::Abort]);
            machine.aborted(Doubt::Certain);
            assert_eq!(tick(&mut machine, now_ms), [Command::Seek(P, 0)]);
            machine.sought(P);
        }
    }

    fn transactional() -> Machine {
        let mut machine = Machine::transactional(machine().bounds);
        machine.assign(P);
        machine
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Fate {
        Open,
        Committed,
        Aborted,
    }

    /// A transaction on the brokers.
    struct Txn {
        id: usize,
        state: Fate,
        pending: Vec<(Partition, i64)>,
    }

    /// Two members of a group, brokers with transactions, and a coordinator that moves partitions between the members.
    struct Brokers {
        random: u64,
        n_records: i64,
        too_long: BTreeSet<(Partition, i64)>,
        committed: HashMap<Partition, i64>,
        txns: Vec<Txn>,
        logs: [HashMap<Partition, Vec<(usize, i64)>>; 3],
        /// Of each transactional id.
        epochs: [u32; 2],
        generation: u32,
        n_in_doubt: u64,
        n_fenced: u64,
        n_stale: u64,
    }

    #[derive(Clone, Debug)]
    enum Clerk {
        Idle,
        SendOffsets(Vec<(Partition, i64)>, u32),
        End,
        Abort,
    }

    struct Person {
        id: usize,
        machine: Machine,
        position: HashMap<Partition, i64>,
        /// Offsets that are fetched and not taken.
        turns: Turns<i64>,
        batch: VecDeque<(Taken, Partition, i64)>,
        clerk: Clerk,
        txn: Option<usize>,
        epoch: u32,
        generation: u32,
        /// The group has given its partitions to the other, and it does not know.
        is_lost: bool,
        now_ms: u64,
    }

    impl Brokers {
        fn below(&mut self, n: u64) -> u64 {
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.random;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % n
        }

        /// Starts a process; whatever another with its id had open is aborted.
        fn start(&mut self, id: usize, bounds: Bounds) -> Person {
            let mut person = Person {
                id,
                machine: Machine::transactional(bounds),
                position: HashMap::new(),
                turns: Turns::new(1 << 20),
                batch: VecDeque::new(),
                clerk: Clerk::Idle,
                txn: None,
                epoch: 0,
                generation: self.generation,
                is_lost: false,
                now_ms: 0,
            };
            self.init(&mut person);
            person
        }

        fn init(&mut self, person: &mut Person) {
            self.epochs[person.id] += 1;
            person.epoch = self.epochs[person.id];
            person.txn = None;
            self.abort_all(person.id);
        }

        fn abort_all(&mut self, id: usize) {
            for txn in self.txns.iter_mut().filter(|txn| txn.id == id && txn.state == Fate::Open) {
                txn.state = Fate::Aborted;
            }
        }

        fn is_pending(&self, partition: Partition) -> bool {
            let holds = |txn: &&Txn| txn.pending.iter().any(|(pending, _)| *pending == partition);
            self.txns.iter().rev().take(4).filter(|txn| txn.state == Fate::Open).any(|txn| holds(&txn))
        }

        fn give(&mut self, person: &mut Person, partition: Partition) {
            person.machine.assign(partition);
            person.position.insert(partition, self.committed[&partition]);
        }

        fn step(&mut self, person: &mut Person) {
            match self.below(10) {
                0..3 => {
                    let mine: Vec<_> = person.machine.partitions().collect();
                    if mine.is_empty() {
                        return;
                    }
                    let partition = mine[self.below(mine.len() as u64) as usize];
                    for _ in 0..self.below(6) {
                        let offset = person.position.get_mut(&partition).unwrap();
                        if *offset >= self.n_records {
                            break;
                        }
                        let at = *offset;
                        *offset += 1;
                        fetch(&mut person.machine, &mut person.turns, partition, at);
                    }
                    let n = (self.below(4) as usize + 1).min(person.machine.room().records);
                    for _ in 0..n {
                        let Some((partition, Waiting { record, reading, .. })) = person.turns.pop() else { break };
                        if let Some(taken) = person.machine.take(reading, record, 10) {
                            person.batch.push_back((taken, partition, record));
                        }
                    }
                }
                // What is taken while a commit is under way is begun after it, as the runner does.
                3..7 if matches!(person.clerk, Clerk::Idle) => {
                    let Some((taken, partition, offset)) = person.batch.pop_front() else { return };
                    let verdict = if taken.refused.is_some() { Verdict::Quarantine } else { Verdict::Lanes };
                    let lanes = if verdict == Verdict::Lanes { 0..QUARANTINE } else { QUARANTINE..QUARANTINE + 1 };
                    if !person.machine.begin(taken.place, lanes.len() as u16, verdict) {
                        return;
                    }
                    if person.epoch != self.epochs[person.id] {
                        self.n_fenced += 1;
                        return person.machine.spoil();
                    }
                    let txn = *person.txn.get_or_insert_with(|| {
                        self.txns.push(Txn { id: person.id, state: Fate::Open, pending: Vec::new() });
                        self.txns.len() - 1
                    });
                    for lane in lanes {
                        if lane == 0 && self.too_long.contains(&(partition, offset)) {
                            person.machine.refused(taken.place, Refusal::TooLong);
                        } else if self.below(300) == 0 {
                            person.machine.refused(taken.place, Refusal::Other);
                        } else {
                            self.logs[lane].entry(partition).or_default().push((txn, offset));
                        }
                    }
                }
                7 => self.clerk(person),
                8 => self.tick(person),
                _ => {
                    // The brokers' timeout of a transaction.
                    if self.below(60) == 0 && person.txn.is_some() {
                        self.epochs[person.id] += 1;
                        self.abort_all(person.id);
                    }
                }
            }
        }

        fn tick(&mut self, person: &mut Person) {
            person.now_ms += self.below(40);
            for command in tick(&mut person.machine, person.now_ms) {
                match command {
                    Command::Seek(partition, offset) => {
                        person.position.insert(partition, offset);
                        person.machine.sought(partition);
                    }
                    Command::Commit => {
                        let offsets = person.machine.begin_commit();
                        assert!(!offsets.is_empty());
                        person.clerk = Clerk::SendOffsets(offsets, person.generation);
                    }
                    Command::Abort => person.clerk = Clerk::Abort,
                    Command::Recall(partition) if !self.is_pending(partition) => {
                        person.machine.recalled(partition, Some(self.committed[&partition]));
                    }
                    _ => {}
                }
            }
        }

        fn clerk(&mut self, person: &mut Person) {
            let clerk = std::mem::replace(&mut person.clerk, Clerk::Idle);
            if matches!(clerk, Clerk::Idle) {
                return;
            }
            if person.epoch != self.epochs[person.id] {
                self.n_fenced += 1;
                return self.rebuild(person);
            }
            let Some(at) = person.txn else {
                // Every output was refused before it reached a broker.
                return person.machine.aborted(Doubt::Certain);
            };
            match clerk {
                Clerk::Idle => {}
                Clerk::SendOffsets(_, generation) if generation != self.generation => {
                    self.n_stale += 1;
                    self.end(person, Fate::Aborted);
                    person.machine.aborted(Doubt::Certain);
                }
                Clerk::SendOffsets(offsets, _) => {
                    self.txns[at].pending = offsets;
                    person.clerk = Clerk::End;
                }
                Clerk::Abort => {
                    self.end(person, Fate::Aborted);
                    person.machine.aborted(Doubt::Certain);
                }
                Clerk::End => match self.below(20) {
                    0 => {
                        self.n_in_doubt += 1;
                        self.end(person, Fate::Committed);
                        self.rebuild(person);
                    }
                    1 => {
                        self.n_in_doubt += 1;
                        self.rebuild(person);
                    }
                    2 => {
                        self.end(person, Fate::Aborted);
                        person.machine.aborted(Doubt::Certain);
                    }
                    _ => {
                        self.end(person, Fate::Committed);
                        person.machine.committed();
                    }
                },
            }
        }

        fn rebuild(&mut self, person: &mut Person) {
            self.init(person);
            person.machine.aborted(Doubt::InDoubt);
        }

        fn end(&mut self, person: &mut Person, state: Fate) {
            let Some(at) = person.txn.take() else { return };
            let txn = &mut self.txns[at];
            txn.state = state;
            if state == Fate::Committed {
                self.committed.extend(txn.pending.iter().copied());
            }
        }

        /// Takes a partition from one and gives it to the other, in good order.
        fn moves(&mut self, from: &mut Person, to: &mut Person, partition: Partition) {
            from.machine.revoke(partition);
            for _ in 0..3 {
                self.clerk(from);
            }
            let offsets = from.machine.begin_commit();
            // Sometimes the drain is cut short.
            if !offsets.is_empty() {
                from.clerk = Clerk::SendOffsets(offsets, from.generation);
                for _ in 0..self.below(4) {
                    self.clerk(from);
                }
            }
            from.machine.forget(partition);
            // The group begins anew before anybody else gets it: what is asked for late is refused.
            self.generation += 1;
            (from.generation, to.generation) = (self.generation, self.generation);
            // Whoever gets it waits for what is pending.
            while self.is_pending(partition) {
                self.clerk(from);
            }
            self.give(to, partition);
        }

        /// The group thinks that a member is dead, and gives all it has to the other.
        fn loses(&mut self, from: &mut Person, to: &mut Person) {
            let all: Vec<_> = from.machine.partitions().collect();
            if all.iter().any(|partition| self.is_pending(*partition)) {
                return;
            }
            self.generation += 1;
            to.generation = self.generation;
            from.is_lost = true;
            for partition in all {
                self.give(to, partition);
            }
        }

        /// It hears of it.
        fn wakes(&mut self, person: &mut Person) {
            for _ in 0..3 {
                self.clerk(person);
            }
            let all: Vec<_> = person.machine.partitions().collect();
            for partition in all {
                person.machine.revoke(partition);
                person.machine.forget(partition);
            }
            person.is_lost = false;
            person.generation = self.generation;
        }

        fn verify(&self, partitions: &[Partition]) {
            for &partition in partitions {
                for lane in 0..3 {
                    let written = self.logs[lane].get(&partition).map_or(&[][..], Vec::as_slice);
                    let seen = written.iter().filter(|(txn, _)| self.txns[*txn].state == Fate::Committed);
                    let seen: Vec<i64> = seen.map(|(_, offset)| *offset).collect();
                    let is_due = |offset: &i64| self.too_long.contains(&(partition, *offset)) == (lane == QUARANTINE);
                    let expected: Vec<i64> = (0..self.n_records).filter(is_due).collect();
                    assert_eq!(seen, expected, "lane {lane} of {partition:?}");
                }
            }
        }
    }

    /// Members die, are fenced, are taken for dead, and lose answers; whoever reads what is committed sees every record once
    /// and in order.
    #[test]
    fn ten_thousand_crashes_with_transactions_repeat_nothing() {
        let partitions = [P, Q, Partition { topic: 1, number: 0 }];
        let (mut n_crashes, mut n_in_doubt, mut n_fenced, mut n_stale, mut n_quarantined) = (0, 0, 0, 0, 0);
        let mut seed = 1_u64;
        while n_crashes < 10_000 {
            let bounds = Bounds {
                in_flight_records: 3 + (seed % 20) as usize,
                in_flight_bytes: 300,
                commit_interval_ms: seed % 100,
                pause_after_ms: seed % 50,
                retry_ms: 5,
                max_tries: u32::MAX,
                ..Bounds::default()
            };
            let mut world = Brokers {
                random: seed,
                n_records: 100,
                too_long: BTreeSet::new(),
                committed: partitions.iter().map(|partition| (*partition, 0)).collect(),
                txns: Vec::new(),
                logs: Default::default(),
                epochs: [0, 0],
                generation: 0,
                n_in_doubt: 0,
                n_fenced: 0,
                n_stale: 0,
            };
            seed += 1;
            for _ in 0..world.below(3) {
                let partition = partitions[world.below(3) as usize];
                let offset = world.below(100) as i64;
                world.too_long.insert((partition, offset));
            }
            let mut a = world.start(0, bounds);
            let mut b = world.start(1, bounds);
            for &partition in &partitions {
                world.give(&mut a, partition);
            }
            let mut n_steps = 0;
            while partitions.iter().any(|partition| world.committed[partition] < world.n_records) {
                n_steps += 1;
                assert!(n_steps < 1_000_000, "seed {seed} comes to no end: {:?} {:?}", a.machine, b.machine);
                if world.below(2) == 0 {
                    std::mem::swap(&mut a, &mut b);
                }
                world.step(&mut a);
                match world.below(100) {
                    0..2 if !a.is_lost && !b.is_lost => {
                        let mine: Vec<_> = a.machine.partitions().collect();
                        if !mine.is_empty() {
                            let partition = mine[world.below(mine.len() as u64) as usize];
                            world.moves(&mut a, &mut b, partition);
                        }
                    }
                    2 if !a.is_lost && !b.is_lost => world.loses(&mut a, &mut b),
                    3 if a.is_lost => world.wakes(&mut a),
                    4 if !b.is_lost => {
                        // Killed, perhaps with the end of its transaction on the way.
                        if matches!(a.clerk, Clerk::End) && a.epoch == world.epochs[a.id] && world.below(2) == 0 {
                            world.end(&mut a, Fate::Committed);
                        }
                        let mine: Vec<_> = if a.is_lost { Vec::new() } else { a.machine.partitions().collect() };
                        a = world.start(a.id, bounds);
                        world.generation += 1;
                        (a.generation, b.generation) = (world.generation, world.generation);
                        for partition in mine {
                            if world.below(2) == 0 && !world.is_pending(partition) {
                                world.give(&mut b, partition);
                            } else {
                                world.give(&mut a, partition);
                            }
                        }
                        n_crashes += 1;
                    }
                    _ => {}
                }
            }
            world.verify(&partitions);
            n_in_doubt += world.n_in_doubt;
            n_fenced += world.n_fenced;
            n_stale += world.n_stale;
            n_quarantined += world.too_long.len();
        }
        assert!(
            n_in_doubt > 500 && n_fenced > 500 && n_stale > 500 && n_quarantined > 50,
            "{n_in_doubt} in doubt, {n_fenced} fenced, {n_stale} stale, {n_quarantined} in quarantine"
        );
    }
}
