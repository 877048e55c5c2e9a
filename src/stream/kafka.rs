//! The member of the group: polls, hands over to workers, writes, commits. What to do and when is the machine's to say.
//!
//! One thread does everything but scanning: it polls the consumer, begins and sends records in order, and commits. Workers
//! of a thread pool rewrite chunks of a batch meanwhile. Acknowledgements arrive on the producer's own thread, in an inbox.

use super::event::Event;
use super::lanes::{self, POLICY_HEADER, SOURCE_HEADER, Shape, VERSION_HEADER};
use super::machine::{Command, Machine, Partition, Place, Refusal, Taken, Verdict};
use super::worker::{Incoming, Sheet, Worker};
use super::{Cluster, Control, Job, Outcome, StreamError, Tell};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Header, Headers, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

// A place travels through the producer in one pointer.
const _: () = assert!(usize::BITS >= u64::BITS, "the stream needs 64 bits");

/// Records of a chunk, which one worker rewrites at once.
const CHUNK: usize = 128;
/// Bytes after which a batch is full.
const BATCH_BYTES: usize = 4 << 20;
/// How long an idle poll waits.
const IDLE: Duration = Duration::from_millis(50);
/// How long to wait for the cluster at the start.
const START: Duration = Duration::from_secs(20);
/// How long to wait for the consumer to leave its group.
const CLOSE: Duration = Duration::from_secs(8);
/// Longest time that a full producer may keep us from serving the group.
const STEP: Duration = Duration::from_millis(10);

/// Asks the cluster what topics it has.
pub(super) fn cluster(job: &Job) -> Result<Cluster, StreamError> {
    let consumer: BaseConsumer<Quiet> = consumer_config(job).create_with_context(Quiet).map_err(|err| setting(&err))?;
    let metadata = consumer.fetch_metadata(None, START).map_err(|err| {
        StreamError::new(
            format!("the cluster does not answer at {}: {}", job.config.kafka.bootstrap_servers, code(&err)),
            "see kafka.bootstrap_servers; TLS and passwords are kafka.properties",
        )
    })?;
    let width = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let topics =
        metadata.topics().iter().map(|topic| (topic.name().to_owned(), width(topic.partitions().len()))).collect();
    let cluster = Cluster { topics };
    close(consumer);
    Ok(cluster)
}

/// Runs until the end is asked for.
pub(super) fn run(job: &Job, control: &Control, tell: &Tell) -> Result<Outcome, StreamError> {
    let cluster = cluster(job)?;
    cluster.check(&job.config, job.worker.lanes())?;
    let width = |topic: &str| cluster.partitions(topic);
    let widths = job.worker.lanes().iter().map(|lane| width(&lane.topic)).collect::<Result<Vec<_>, _>>()?;
    let traced = job.worker.lanes().iter().zip(&widths).filter(|(lane, _)| lane.shape == Shape::Traced);
    let n_traced = traced.map(|(_, width)| *width).min().unwrap_or(i32::MAX);

    let inbox = Arc::new(Inbox::default());
    let producer: ThreadedProducer<Writer> = producer_config(job)
        .create_with_context(Writer { inbox: Arc::clone(&inbox), tell: Arc::clone(tell) })
        .map_err(|err| setting(&err))?;
    let member = Member {
        machine: Mutex::new(Machine::new(job.config.limits.bounds)),
        inbox,
        names: Mutex::new(Vec::new()),
        commit: Mutex::new(Commit::default()),
        drain: Duration::from_millis(job.config.limits.drain_ms),
        fault: Mutex::new(None),
        n_traced,
        tell: Arc::clone(tell),
    };
    let consumer: BaseConsumer<Member> =
        consumer_config(job).create_with_context(member).map_err(|err| setting(&err))?;
    let topics: Vec<&str> = job.config.input.topics.iter().map(String::as_str).collect();
    consumer
        .subscribe(&topics)
        .map_err(|err| StreamError::new(format!("the topics cannot be read: {}", code(&err)), "see input.topics"))?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(job.n_threads)
        .thread_name(|n| format!("efface-{n}"))
        .build()
        .map_err(|err| StreamError::new(format!("no threads: {err}"), "set limits.threads lower"))?;
    tell(&Event::Start(job.start()));

    let shard = Shard {
        job,
        control,
        tell,
        consumer: &consumer,
        producer: &producer,
        pool: &pool,
        widths,
        n_quarantine: width(&job.config.quarantine)?,
        sheets: Mutex::new(Vec::new()),
        clock: Instant::now(),
    };
    let is_drained = shard.run();
    let member: &Member = consumer.context();
    let progress = member.machine().progress();
    let fault = lock(&member.fault).take();
    close(consumer);
    tell(&Event::Stopped {
        drained: is_drained,
        n_done: progress.n_done,
        n_quarantined: progress.n_quarantined,
        n_detections: control.tally().n_detections(),
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(Outcome { is_drained, progress }),
    }
}

/// Leaves the group. A consumer that hangs is left behind: its drop would wait for ever, and its offsets are committed.
fn close<C: ConsumerContext>(consumer: BaseConsumer<C>) {
    let deadline = Instant::now() + CLOSE;
    if consumer.close_queue().is_ok() {
        while !consumer.closed() && Instant::now() < deadline {
            drop(consumer.poll(STEP));
        }
    }
    if !consumer.closed() {
        std::mem::forget(consumer);
    }
}

fn client_config(job: &Job, own: &[(String, String)], defaults: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in defaults {
        config.set(*name, *value);
    }
    for (name, value) in job.properties.both.iter().chain(own) {
        config.set(name, value);
    }
    config.set("bootstrap.servers", &job.config.kafka.bootstrap_servers);
    config.set_log_level(RDKafkaLogLevel::Warning);
    config
}

fn consumer_config(job: &Job) -> ClientConfig {
    let defaults = [
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_committed"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("session.timeout.ms", "45000"),
        ("max.poll.interval.ms", "300000"),
        ("fetch.queue.backoff.ms", "20"),
        ("fetch.wait.max.ms", "100"),
        ("allow.auto.create.topics", "false"),
        ("topic.metadata.refresh.interval.ms", "60000"),
    ];
    let mut config = client_config(job, &job.properties.consumer, &defaults);
    config
        .set("group.id", &job.config.kafka.group_id)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("queued.max.messages.kbytes", (job.config.limits.consumer_bytes >> 10).to_string());
    config
}

fn producer_config(job: &Job) -> ClientConfig {
    let defaults = [
        ("linger.ms", "20"),
        ("batch.num.messages", "10000"),
        ("compression.type", "lz4"),
        // A broker may be away for long; until it is back nothing is committed, and nothing is lost.
        ("message.timeout.ms", "0"),
    ];
    let limits = &job.config.limits;
    let n_lanes = job.worker.lanes().len().max(1);
    // What is in flight fits in, with labels longer than what they replace, so that the queue is hardly ever the limit.
    let n_records = (limits.bounds.in_flight_records + limits.batch_records) * n_lanes + 1_000;
    let n_kbytes = ((limits.bounds.in_flight_bytes + BATCH_BYTES) * n_lanes * 2) >> 10;
    let mut config = client_config(job, &job.properties.producer, &defaults);
    config
        .set("enable.idempotence", "true")
        .set("queue.buffering.max.messages", n_records.min(10_000_000).to_string())
        .set("queue.buffering.max.kbytes", n_kbytes.clamp(1 << 10, (2 << 20) - 1).to_string());
    config
}

fn setting(err: &KafkaError) -> StreamError {
    match err {
        KafkaError::ClientConfig(_, what, name, _) => {
            StreamError::new(format!("{name}: {what}"), "see kafka.properties and librdkafka's CONFIGURATION.md")
        }
        err => StreamError::new(format!("no client: {}", code(err)), "see kafka.properties"),
    }
}

/// The library's word for an error, without text that came with it.
fn code(err: &KafkaError) -> String {
    err.rdkafka_error_code().map_or_else(|| "client error".to_owned(), |code| code.to_string())
}

/// Context of a consumer that only asks.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}

/// Answers of brokers, until the member hears them.
#[derive(Default)]
struct Inbox {
    answers: Mutex<Vec<(u64, Option<Refusal>)>>,
    arrived: Condvar,
}

impl Inbox {
    fn wait(&self, most: Duration) {
        let answers = lock(&self.answers);
        if answers.is_empty() {
            drop(self.arrived.wait_timeout(answers, most));
        }
    }
}

/// Context of the producer.
struct Writer {
    inbox: Arc<Inbox>,
    tell: Tell,
}

impl ClientContext for Writer {
    fn log(&self, _: RDKafkaLogLevel, _: &str, text: &str) {
        (self.tell)(&Event::Broker { text });
    }

    fn error(&self, err: KafkaError, _: &str) {
        (self.tell)(&Event::Broker { text: &code(&err) });
    }
}

impl ProducerContext for Writer {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, place: usize) {
        let refusal = result.as_ref().err().map(|(err, _)| refusal(err));
        let mut answers = lock(&self.inbox.answers);
        let was_empty = answers.is_empty();
        answers.push((place as u64, refusal));
        drop(answers);
        if was_empty {
            self.inbox.arrived.notify_one();
        }
    }
}

fn refusal(err: &KafkaError) -> Refusal {
    match err.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => Refusal::TooLong,
        _ => Refusal::Other,
    }
}

/// Context of the consumer: what must be known when partitions come and go, which happens inside of a poll.
struct Member {
    machine: Mutex<Machine>,
    inbox: Arc<Inbox>,
    /// Topics by their number.
    names: Mutex<Vec<Arc<str>>>,
    commit: Mutex<Commit>,
    drain: Duration,
    fault: Mutex<Option<StreamError>>,
    /// Partitions of the narrowest output that keeps a record's partition.
    n_traced: i32,
    tell: Tell,
}

/// A commit under way, and the answers that came.
#[derive(Default)]
struct Commit {
    pending: Option<(Offsets, Instant)>,
    answers: VecDeque<(Offsets, Result<(), String>)>,
}

type Offsets = Vec<(Partition, i64)>;

impl ClientContext for Member {
    fn log(&self, _: RDKafkaLogLevel, _: &str, text: &str) {
        (self.tell)(&Event::Broker { text });
    }

    fn error(&self, err: KafkaError, _: &str) {
        (self.tell)(&Event::Broker { text: &code(&err) });
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let partitions = self.partitions(list);
                for (partition, _) in &partitions {
                    if partition.number >= self.n_traced {
                        self.fail(StreamError::new(
                            format!(
                                "partition {} of {} has none to go to",
                                partition.number,
                                self.name(partition.topic)
                            ),
                            "an input topic grew: add partitions to the topic of the storage lane, then start again",
                        ));
                        continue;
                    }
                    self.machine().assign(*partition);
                }
                if !partitions.is_empty() {
                    (self.tell)(&Event::Assigned { n: partitions.len() });
                }
            }
            Rebalance::Revoke(list) => {
                let partitions: Vec<Partition> =
                    self.partitions(list).into_iter().map(|(partition, _)| partition).collect();
                self.let_go(consumer, &partitions);
            }
            Rebalance::Error(_) => {}
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance
            && self.machine().is_paused()
            && list.count() > 0
        {
            // Fails where the partition was taken away in the meantime.
            let _ = consumer.pause(list);
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let offsets = self.partitions(offsets);
        lock(&self.commit).answers.push_back((offsets, result.map_err(|err| code(&err))));
    }
}

impl Member {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        lock(&self.machine)
    }

    fn fail(&self, fault: StreamError) {
        lock(&self.fault).get_or_insert(fault);
    }

    fn topic(&self, name: &str) -> u16 {
        let mut names = lock(&self.names);
        let at = names.iter().position(|known| **known == *name).unwrap_or_else(|| {
            names.push(Arc::from(name));
            names.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    fn name(&self, topic: u16) -> Arc<str> {
        lock(&self.names).get(usize::from(topic)).cloned().unwrap_or_else(|| Arc::from(""))
    }

    fn partitions(&self, list: &TopicPartitionList) -> Vec<(Partition, i64)> {
        if list.count() == 0 {
            return Vec::new();
        }
        let read = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let partition = Partition { topic: self.topic(element.topic()), number: element.partition() };
            (partition, element.offset().to_raw().unwrap_or(-1))
        };
        list.elements().iter().map(read).collect()
    }

    fn list(&self, offsets: &[(Partition, i64)]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            // Fails for an offset that is none.
            let _ = list.add_partition_offset(
                &self.name(partition.topic),
                partition.number,
                if *offset < 0 { Offset::Invalid } else { Offset::Offset(*offset) },
            );
        }
        list
    }

    /// Hears what brokers answered.
    fn hear(&self) {
        let answers = std::mem::take(&mut *lock(&self.inbox.answers));
        let mut machine = self.machine();
        for (place, refusal) in answers {
            match refusal {
                None => machine.acked(Place::unpack(place)),
                Some(refusal) => machine.refused(Place::unpack(place), refusal),
            }
        }
        let mut commit = lock(&self.commit);
        while let Some((offsets, result)) = commit.answers.pop_front() {
            // An answer to a commit that a blocking one overtook is of no use.
            if commit.pending.take_if(|(pending, _)| *pending == offsets).is_some() {
                match result {
                    Ok(()) => machine.committed(),
                    Err(why) => {
                        machine.commit_failed();
                        (self.tell)(&Event::CommitFailed { why });
                    }
                }
            }
        }
        if commit.pending.take_if(|(_, since)| since.elapsed() > COMMIT_ANSWER).is_some() {
            machine.commit_failed();
        }
    }

    fn commit(&self, consumer: &BaseConsumer<Self>, mode: CommitMode) {
        let mut machine = self.machine();
        if lock(&self.commit).pending.take().is_some() {
            machine.commit_failed();
        }
        let offsets = machine.begin_commit();
        if offsets.is_empty() {
            return;
        }
        drop(machine);
        let result = consumer.commit(&self.list(&offsets), mode);
        match (mode, result) {
            (CommitMode::Async, Ok(())) => lock(&self.commit).pending = Some((offsets, Instant::now())),
            (CommitMode::Sync, Ok(())) => self.machine().committed(),
            (_, Err(err)) => {
                self.machine().commit_failed();
                (self.tell)(&Event::CommitFailed { why: code(&err) });
            }
        }
    }

    /// Finishes what is under way in partitions that are being taken away, and commits it.
    fn let_go(&self, consumer: &BaseConsumer<Self>, partitions: &[Partition]) {
        if partitions.is_empty() {
            return;
        }
        for partition in partitions {
            self.machine().revoke(*partition);
        }
        // Somebody else has them already: whatever is still on its way comes twice.
        let is_lost = consumer.assignment_lost();
        let deadline = Instant::now() + if is_lost { Duration::ZERO } else { self.drain };
        let is_settled = || partitions.iter().all(|partition| self.machine().is_settled(*partition));
        loop {
            self.hear();
            if is_settled() || Instant::now() >= deadline {
                break;
            }
            self.inbox.wait(STEP);
        }
        let drained = is_settled() && !is_lost;
        if !is_lost {
            self.commit(consumer, CommitMode::Sync);
        }
        for partition in partitions {
            self.machine().forget(*partition);
        }
        (self.tell)(&Event::Revoked { n: partitions.len(), drained });
    }
}

/// How long an answer to a commit may take.
const COMMIT_ANSWER: Duration = Duration::from_secs(30);

/// A record that was taken.
struct Got<'c> {
    taken: Taken,
    topic: u16,
    message: BorrowedMessage<'c>,
}

/// One consumer, one producer, one machine.
struct Shard<'s> {
    job: &'s Job,
    control: &'s Control,
    tell: &'s Tell,
    consumer: &'s BaseConsumer<Member>,
    producer: &'s ThreadedProducer<Writer>,
    pool: &'s rayon::ThreadPool,
    /// Partitions of each lane's topic.
    widths: Vec<i32>,
    n_quarantine: i32,
    sheets: Mutex<Vec<Sheet>>,
    clock: Instant,
}

impl<'s> Shard<'s> {
    fn member(&self) -> &'s Member {
        self.consumer.context()
    }

    /// Returns whether everything that was taken is out and committed.
    fn run(&self) -> bool {
        let member = self.member();
        let mut commands = Vec::new();
        let mut deadline = None;
        let mut batch: Vec<Got<'s>> = Vec::new();
        let mut topic = (String::new(), 0);
        loop {
            member.hear();
            let is_asked = self.control.is_stopping() || lock(&member.fault).is_some();
            if is_asked && deadline.is_none() {
                deadline = Some(Instant::now() + member.drain);
                let mut machine = member.machine();
                machine.stop();
                (self.tell)(&Event::Stopping { n_in_flight: machine.n_unsettled() });
            }
            let now_ms = u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
            member.machine().tick(now_ms, &mut commands);
            for command in commands.drain(..) {
                self.obey(command);
            }
            self.control.progress(member.machine().progress());
            if let Some(deadline) = deadline {
                if member.machine().is_drained() || Instant::now() >= deadline {
                    break;
                }
                // Serves the group; whatever still comes is not taken.
                drop(self.consumer.poll(Duration::from_millis(1)));
                member.inbox.wait(STEP);
                continue;
            }
            let room = member.machine().room();
            if room.is_none() {
                if member.machine().wants_commit_now() {
                    member.commit(self.consumer, CommitMode::Sync);
                }
                if member.machine().is_paused() {
                    self.poll(Duration::from_millis(1), &mut topic, &mut batch);
                }
                if member.machine().room().is_none() {
                    member.inbox.wait(STEP);
                }
                if batch.is_empty() {
                    continue;
                }
            }
            let most = room.records.min(self.job.config.limits.batch_records);
            let most_bytes = room.bytes.min(BATCH_BYTES);
            self.collect(most, most_bytes, &mut topic, &mut batch);
            if !batch.is_empty() {
                self.process(&batch);
                batch.clear();
            }
        }
        drop(batch);
        let is_drained = member.machine().is_drained();
        member.hear();
        member.commit(self.consumer, CommitMode::Sync);
        self.control.progress(member.machine().progress());
        is_drained && member.machine().n_uncommitted() == 0
    }

    fn obey(&self, command: Command) {
        let member = self.member();
        let all = || {
            let offsets: Vec<_> = member.machine().partitions().map(|partition| (partition, -1)).collect();
            member.list(&offsets)
        };
        match command {
            Command::Commit => {
                let mode = if member.machine().wants_commit_now() { CommitMode::Sync } else { CommitMode::Async };
                member.commit(self.consumer, mode);
            }
            // Both fail where a partition was taken away in the meantime, which is then no loss.
            Command::Pause => drop(self.consumer.pause(&all())),
            Command::Resume => drop(self.consumer.resume(&all())),
            Command::Seek(partition, offset) => {
                let list = member.list(&[(partition, offset)]);
                let sought = self.consumer.seek_partitions(list, Duration::from_secs(5));
                let is_done = sought.is_ok_and(|list| list.elements().iter().all(|element| element.error().is_ok()));
                let topic = member.name(partition.topic);
                if is_done {
                    member.machine().sought(partition);
                    (self.tell)(&Event::Rewound { topic: &topic, partition: partition.number, offset });
                }
            }
            Command::Halt(partition, offset) => member.fail(StreamError::new(
                format!(
                    "an output is refused again and again: record {offset} of partition {} of {}",
                    partition.number,
                    member.name(partition.topic)
                ),
                "see the log of the brokers, and whether this user may write to the topics of the lanes",
            )),
        }
    }

    /// Polls once; returns whether a record came.
    fn poll(&self, most: Duration, topic: &mut (String, u16), batch: &mut Vec<Got<'s>>) -> bool {
        match self.consumer.poll(most) {
            None => false,
            Some(Ok(message)) => {
                if message.topic() != topic.0 {
                    *topic = (message.topic().to_owned(), self.member().topic(message.topic()));
                }
                let partition = Partition { topic: topic.1, number: message.partition() };
                let n_bytes = message.payload_len() + message.key_len();
                if let Some(taken) = self.member().machine().take(partition, message.offset(), n_bytes) {
                    batch.push(Got { taken, topic: topic.1, message });
                }
                true
            }
            Some(Err(KafkaError::PartitionEOF(_))) => false,
            Some(Err(err)) => {
                let is_fatal = matches!(err, KafkaError::MessageConsumptionFatal(_));
                let is_denied = matches!(
                    err.rdkafka_error_code(),
                    Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed)
                );
                if is_fatal || is_denied {
                    self.member().fail(StreamError::new(
                        format!("the input cannot be read: {}", code(&err)),
                        "see the log of the brokers, and whether this user may read the topics as this group",
                    ));
                } else {
                    (self.tell)(&Event::Broker { text: &code(&err) });
                }
                false
            }
        }
    }

    /// Takes records until there are enough, or no more for a moment.
    fn collect(&self, most: usize, most_bytes: usize, topic: &mut (String, u16), batch: &mut Vec<Got<'s>>) {
        let is_idle = self.member().machine().n_unsettled() == 0;
        let first = if is_idle { IDLE } else { Duration::from_millis(5) };
        if batch.is_empty() {
            self.poll(first, topic, batch);
        }
        let began = Instant::now();
        let wait = Duration::from_millis(self.job.config.limits.batch_ms);
        let mut n_bytes = 0;
        while batch.len() < most && n_bytes < most_bytes {
            let n_before = batch.len();
            if self.poll(Duration::ZERO, topic, batch) {
                let last = batch.get(n_before).map_or(0, |got| got.message.payload_len());
                n_bytes += last;
                continue;
            }
            let left = wait.saturating_sub(began.elapsed());
            if batch.is_empty() || left.is_zero() || !self.poll(left, topic, batch) {
                break;
            }
        }
    }

    /// Rewrites a batch on all threads, and writes it in order as chunks become ready.
    fn process(&self, batch: &[Got<'_>]) {
        let chunks: Vec<&[Got<'_>]> = batch.chunks(CHUNK).collect();
        if chunks.len() == 1 || self.job.n_threads == 1 {
            for chunk in chunks {
                let sheet = self.rewrite(chunk);
                self.write(chunk, &sheet);
                self.put_back(sheet);
            }
            return;
        }
        let (ready, arrived) = mpsc::channel::<(usize, Sheet)>();
        self.pool.in_place_scope(|scope| {
            for (at, &chunk) in chunks.iter().enumerate() {
                let ready = ready.clone();
                scope.spawn(move |_| {
                    // Nobody listens only after a bug of ours; then nothing is written either.
                    let _ = ready.send((at, self.rewrite(chunk)));
                });
            }
            drop(ready);
            let mut early = BTreeMap::new();
            for (at, chunk) in chunks.iter().enumerate() {
                let sheet = loop {
                    if let Some(sheet) = early.remove(&at) {
                        break sheet;
                    }
                    match arrived.recv() {
                        Ok((n, sheet)) => drop(early.insert(n, sheet)),
                        Err(_) => {
                            let what = "a worker died".to_owned();
                            return self.member().fail(StreamError::new(what, "a bug; please report it"));
                        }
                    }
                };
                self.write(chunk, &sheet);
                self.put_back(sheet);
            }
        });
    }

    fn rewrite(&self, chunk: &[Got<'_>]) -> Sheet {
        let worker = &self.job.worker;
        let mut sheet = lock(&self.sheets).pop().unwrap_or_else(|| worker.sheet());
        let reads_headers = !worker.headers().is_empty() || worker.tenant_header().is_some();
        let records: Vec<Incoming<'_>> = chunk
            .iter()
            .map(|got| {
                let mut record = Incoming {
                    value: got.message.payload(),
                    key: got.message.key(),
                    topic: got.message.topic(),
                    refused: got.taken.refused.map(|_| "output_too_long"),
                    ..Incoming::default()
                };
                if reads_headers {
                    headers(&got.message, worker, &mut record);
                }
                record
            })
            .collect();
        worker.rewrite(&records, &mut sheet);
        self.control.add(&sheet.tally);
        sheet
    }

    fn put_back(&self, sheet: Sheet) {
        lock(&self.sheets).push(sheet);
    }

    /// Writes a chunk, every record to all lanes or to the quarantine.
    fn write(&self, chunk: &[Got<'_>], sheet: &Sheet) {
        let member = self.member();
        let lanes = self.job.worker.lanes();
        let mut text = String::new();
        let mut name = (u16::MAX, Arc::from(""));
        for (at, got) in chunk.iter().enumerate() {
            let verdict = sheet.output(at, 0).map(drop);
            let (n_outputs, which) =
                if verdict.is_ok() { (lanes.len(), Verdict::Lanes) } else { (1, Verdict::Quarantine) };
            let n_outputs = u16::try_from(n_outputs).unwrap_or(u16::MAX);
            if !member.machine().begin(got.taken.place, n_outputs, which) {
                continue;
            }
            if name.0 != got.topic {
                name = (got.topic, member.name(got.topic));
            }
            let place = got.taken.place;
            let (partition, offset) = (got.message.partition(), got.message.offset());
            if let Err(reason) = verdict {
                lanes::quarantine(&name.1, partition, offset, reason, &mut text);
                let headers = OwnedHeaders::new_with_capacity(1)
                    .insert(Header { key: VERSION_HEADER, value: Some(env!("CARGO_PKG_VERSION")) });
                self.send(
                    BaseRecord::with_opaque_to(&self.job.config.quarantine, packed(place))
                        .partition(partition % self.n_quarantine.max(1))
                        .payload(text.as_bytes())
                        .headers(headers),
                );
                continue;
            }
            let time_ms = match got.message.timestamp() {
                Timestamp::CreateTime(ms) | Timestamp::LogAppendTime(ms) => Some(ms),
                Timestamp::NotAvailable => None,
            };
            for ((number, lane), width) in lanes.iter().enumerate().zip(&self.widths) {
                let Ok(output) = sheet.output(at, number) else {
                    member.machine().refused(place, Refusal::Other);
                    continue;
                };
                let key = match lane.key {
                    super::Key::Scan => output.key(),
                    super::Key::Keep => got.message.key(),
                    super::Key::Token => output.key_token(lanes.len()),
                    super::Key::Drop => None,
                };
                let mut headers = OwnedHeaders::new_with_capacity(4)
                    .insert(Header { key: POLICY_HEADER, value: Some(&lane.policy_hash) })
                    .insert(Header { key: VERSION_HEADER, value: Some(env!("CARGO_PKG_VERSION")) });
                if lane.shape == Shape::Traced {
                    lanes::source(&name.1, partition, offset, &mut text);
                    headers = headers.insert(Header { key: SOURCE_HEADER, value: Some(&text) });
                }
                for (header, value) in output.headers() {
                    if let Some(name) = self.job.worker.headers().get(usize::from(header))
                        && lane.headers.contains(name)
                    {
                        headers = headers.insert(Header { key: name, value });
                    }
                }
                let mut record = BaseRecord::with_opaque_to(&lane.topic, packed(place))
                    .partition(lane.partition(partition, key, *width))
                    .headers(headers);
                record.payload = output.value();
                record.key = key;
                record.timestamp = time_ms.map(|ms| lane.time_ms(ms));
                self.send(record);
            }
        }
    }

    /// Hands a record over; waits where the producer is full.
    fn send(&self, mut record: BaseRecord<'_, [u8], [u8], usize>) {
        loop {
            let err = match self.producer.send(record) {
                Ok(()) => return,
                Err((err, unsent)) => {
                    record = unsent;
                    err
                }
            };
            if err.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) {
                self.member().hear();
                self.member().inbox.wait(STEP);
                continue;
            }
            let place = Place::unpack(record.delivery_opaque as u64);
            return self.member().machine().refused(place, refusal(&err));
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "usize has 64 bits, see the assertion above")]
const fn packed(place: Place) -> usize {
    place.pack() as usize
}

thread_local! {
    static EXPECTS_PANIC: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether this thread is doing what may panic by the fault of an input, and catches it: nothing to report.
#[must_use]
pub fn expects_panic() -> bool {
    EXPECTS_PANIC.get()
}

/// Reads the headers that some lane passes on, and the tenant's. The library panics on a name that is not UTF-8; no lane passes that on.
fn headers<'m>(message: &'m BorrowedMessage<'_>, worker: &Worker, record: &mut Incoming<'m>) {
    let Some(all) = message.headers() else { return };
    EXPECTS_PANIC.set(true);
    for at in 0..all.count() {
        let Ok(Some(header)) = catch_unwind(AssertUnwindSafe(|| all.try_get(at))) else { continue };
        if let Some(number) = worker.headers().iter().position(|name| name == header.key) {
            record.headers.push((u16::try_from(number).unwrap_or(u16::MAX), header.value));
        }
        if worker.tenant_header() == Some(header.key) {
            record.tenant = header.value;
        }
    }
    EXPECTS_PANIC.set(false);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
