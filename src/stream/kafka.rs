//! The member of the group: polls, hands over to workers, writes, commits. What to do and when is the machine's to say.
//!
//! One thread does everything but scanning: it polls the consumer, begins and sends records in order, and commits. Workers
//! of a thread pool rewrite chunks of a batch meanwhile. Acknowledgements arrive on the producer's own thread, in an inbox.

mod clerk;
mod intake;

use self::clerk::{Answer, Ask, Clerk, Start};
use self::intake::{Got, Intake};
use super::config::Guarantee;
use super::event::Event;
use super::lanes::{self, POLICY_HEADER, SOURCE_HEADER, Shape, VERSION_HEADER};
use super::machine::{Command, Doubt, Machine, Partition, Place, Progress, Refusal, Verdict};
use super::stall::{Stall, View};
use super::worker::{Incoming, Sheet, Worker};
use super::{Cluster, Control, Job, Outcome, StreamError, Tell};
use crate::metrics::{Count, End, Fact, Metrics};
use crate::policy::Operator;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Header, Headers, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaConfRes;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
/// How long to ask for what can be done without.
const ASK: Duration = Duration::from_secs(5);
/// What a broker takes when nobody says otherwise, about; batches are no longer than 1,000,000 bytes anyway.
const USUAL_BATCH: usize = 1 << 20;
/// How long to wait for the consumer to leave its group.
const CLOSE: Duration = Duration::from_secs(8);
/// Longest time that a full producer may keep us from serving the group.
const STEP: Duration = Duration::from_millis(10);

/// Asks the cluster what topics it has.
pub(super) fn cluster(job: &Job) -> Result<Cluster, StreamError> {
    let consumer: BaseConsumer<Quiet> =
        consumer_config(job, 0).create_with_context(Quiet).map_err(|err| setting(&err))?;
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
    // What the client library's own cluster says of itself. Its transactions are none.
    let is_mock = consumer.client().fetch_cluster_id(START).is_some_and(|id| id.starts_with("mockCluster"));
    close(consumer);
    if is_mock && job.config.kafka.guarantee == Guarantee::ExactlyOnce {
        return Err(StreamError::new(
            "this is a mock cluster, and its transactions are none".to_owned(),
            "kafka.guarantee = \"at_least_once\", or a real Kafka",
        ));
    }
    Ok(cluster)
}

/// Returns the greatest batch that every output takes, where brokers tell and one takes less than usual.
///
/// Brokers refuse a batch that is too long as a whole. In batches no longer than this one that is refused holds a single
/// record, so that no other is quarantined with it.
fn greatest_batch(job: &Job) -> Option<usize> {
    let mut config = client_config(job, &job.properties.producer, &[], 0);
    // Of producers alone.
    config.remove("transactional.id");
    let admin: AdminClient<Quiet> = config.create_with_context(Quiet).ok()?;
    let quarantine = job.config.quarantine.as_str();
    let topics = job.worker.lanes().iter().map(|lane| lane.topic.as_str()).chain([quarantine]);
    let topics: Vec<_> = topics.map(ResourceSpecifier::Topic).collect();
    let options = AdminOptions::new().request_timeout(Some(ASK));
    let mut answer = std::pin::pin!(admin.describe_configs(&topics, &options));
    let mut context = Context::from_waker(Waker::noop());
    let until = Instant::now() + ASK * 2;
    let answer = loop {
        match answer.as_mut().poll(&mut context) {
            Poll::Ready(answer) => break answer.ok()?,
            Poll::Pending if Instant::now() > until => return None,
            Poll::Pending => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let most = |topic: &rdkafka::admin::ConfigResource| -> Option<usize> {
        topic.entries.iter().find(|entry| entry.name == "max.message.bytes")?.value.as_ref()?.parse().ok()
    };
    let least = answer.iter().filter_map(|topic| most(topic.as_ref().ok()?)).min()?;
    // A batch has a head, and what compression does not make smaller it makes a little longer.
    (least < USUAL_BATCH).then(|| (least - least / 64).saturating_sub(512).max(1))
}

/// Runs until the end is asked for.
pub(super) fn run(job: &Job, control: &Control, tell: &Tell) -> Result<Outcome, StreamError> {
    let cluster = cluster(job)?;
    cluster.check(&job.config, job.worker.lanes())?;
    let width = |topic: &str| cluster.partitions(topic);
    let widths = job.worker.lanes().iter().map(|lane| width(&lane.topic)).collect::<Result<Vec<_>, _>>()?;
    let traced = job.worker.lanes().iter().zip(&widths).filter(|(lane, _)| lane.shape == Shape::Traced);
    let n_traced = traced.map(|(_, width)| *width).min().unwrap_or(i32::MAX);

    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(job.n_threads)
        .thread_name(|n| format!("efface-{n}"))
        .build()
        .map_err(|err| StreamError::new(format!("no threads: {err}"), "set limits.threads lower"))?;
    let n_quarantine = width(&job.config.quarantine)?;
    let greatest_batch = greatest_batch(job);
    tell(&Event::Start(job.start()));
    let sheets = Mutex::new(Vec::new());
    // By lane, entity and operator.
    let n_counts = job.worker.lanes().len() * job.entities.len() * Operator::NAMES.len();
    let counts: Vec<OnceLock<Count>> = (0..n_counts).map(|_| OnceLock::new()).collect();
    let one = |number: usize| {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let plan = Plan {
                job,
                control,
                tell,
                pool: &pool,
                widths: &widths,
                n_quarantine,
                n_traced,
                greatest_batch,
                sheets: &sheets,
                counts: &counts,
            };
            run_shard(plan, number)
        }));
        control.metrics().ended(number);
        // A shard that ends takes the others with it: who starts the process again starts all.
        control.stop();
        result.unwrap_or_else(|_| Err(StreamError::new("a shard died".to_owned(), "a bug; please report it")))
    };
    let one = &one;
    let ends: Vec<Result<(bool, Progress), StreamError>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..job.config.kafka.shards).map(|number| scope.spawn(move || one(number))).collect();
        let first = one(0);
        let died = || Err(StreamError::new("a shard died".to_owned(), "a bug; please report it"));
        std::iter::once(first).chain(others.into_iter().map(|other| other.join().unwrap_or_else(|_| died()))).collect()
    });
    let mut outcome = Outcome { is_drained: true, progress: Progress::default() };
    let mut fault = None;
    for end in ends {
        match end {
            Ok((is_drained, progress)) => {
                outcome.is_drained &= is_drained;
                outcome.progress.n_done += progress.n_done;
                outcome.progress.n_quarantined += progress.n_quarantined;
                outcome.progress.n_rewinds += progress.n_rewinds;
            }
            Err(err) => fault = fault.or(Some(err)),
        }
    }
    tell(&Event::Stopped {
        drained: outcome.is_drained && fault.is_none(),
        n_done: outcome.progress.n_done,
        n_quarantined: outcome.progress.n_quarantined,
        n_detections: control.tally().n_detections(),
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(outcome),
    }
}

/// What all shards have in common.
struct Plan<'s> {
    job: &'s Job,
    control: &'s Control,
    tell: &'s Tell,
    pool: &'s rayon::ThreadPool,
    /// Partitions of each lane's topic.
    widths: &'s [i32],
    n_quarantine: i32,
    n_traced: i32,
    greatest_batch: Option<usize>,
    sheets: &'s Mutex<Vec<Sheet>>,
    /// Counters of detections, by entity, of each lane; made when there is something to count.
    counts: &'s [OnceLock<Count>],
}

/// Runs one consumer and one producer. Returns whether everything that was taken is out and committed.
fn run_shard(plan: Plan<'_>, number: usize) -> Result<(bool, Progress), StreamError> {
    let (job, control, tell) = (plan.job, plan.control, plan.tell);
    let limits = job.config.limits.share(job.config.kafka.shards);
    let inbox = Arc::new(Inbox::default());
    let is_transactional = job.config.kafka.guarantee == Guarantee::ExactlyOnce;
    let config = producer_config(job, number, plan.greatest_batch);
    let outbox = if is_transactional {
        let timeout = Duration::from_millis(setting_ms(&config, "transaction.timeout.ms").unwrap_or(30_000));
        let id = config.get("transactional.id").unwrap_or_default().to_owned();
        let clerk = Clerk::start(Start {
            config,
            id,
            timeout,
            inbox: Arc::clone(&inbox),
            tell: Arc::clone(tell),
            metrics: Arc::clone(control.metrics()),
        });
        // Nothing is read before whatever our last life left open is ended.
        let first = loop {
            if let Some(answer) = inbox.take_answer() {
                break answer;
            }
            clerk.look();
            if control.is_stopping() {
                clerk.end();
                return Ok((true, Progress::default()));
            }
            inbox.wait(IDLE);
        };
        if let Answer::Dead(fault) = first {
            return Err(fault);
        }
        Outbox::Transactions(clerk)
    } else {
        let context = Writer {
            inbox: Arc::clone(&inbox),
            tell: Arc::clone(tell),
            is_transactional: false,
            is_retired: Arc::default(),
        };
        Outbox::Plain(config.create_with_context(context).map_err(|err| setting(&err))?)
    };
    let machine = if is_transactional { Machine::transactional(limits.bounds) } else { Machine::new(limits.bounds) };
    let member = Member {
        machine: Mutex::new(machine),
        inbox,
        outbox,
        group: Mutex::new(None),
        since: Mutex::new(None),
        is_busy: AtomicBool::new(false),
        names: Mutex::new(Vec::new()),
        drain: Duration::from_millis(limits.drain_ms),
        fault: Mutex::new(None),
        n_traced: plan.n_traced,
        tell: Arc::clone(tell),
        metrics: Arc::clone(control.metrics()),
        number,
        stalls: Mutex::default(),
        stalled: Mutex::default(),
        behind: Mutex::default(),
        oldest_ms: AtomicI64::new(i64::MAX),
    };
    let consumer: BaseConsumer<Member> =
        consumer_config(job, number).create_with_context(member).map_err(|err| setting(&err))?;
    let topics: Vec<&str> = job.config.input.topics.iter().map(String::as_str).collect();
    consumer
        .subscribe(&topics)
        .map_err(|err| StreamError::new(format!("the topics cannot be read: {}", code(&err)), "see input.topics"))?;
    let shard = Shard { plan, consumer: &consumer, limits, clock: Instant::now(), told: Mutex::default() };
    let is_drained = if is_transactional { shard.run_transactions() } else { shard.run() };
    let member: &Member = consumer.context();
    let progress = member.machine().progress();
    let fault = lock(&member.fault).take();
    close(consumer);
    match fault {
        Some(fault) => Err(fault),
        None => Ok((is_drained, progress)),
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

fn client_config(job: &Job, own: &[(String, String)], defaults: &[(&str, &str)], shard: usize) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in defaults {
        config.set(*name, *value);
    }
    for (name, value) in job.properties.both.iter().chain(own) {
        config.set(name, value);
    }
    config.set("bootstrap.servers", &job.config.kafka.bootstrap_servers);
    if job.config.kafka.shards > 1 {
        // Each is a member of its own.
        for name in ["client.id", "group.instance.id"] {
            if let Some(value) = config.get(name).map(|value| format!("{value}-{shard}")) {
                config.set(name, value);
            }
        }
    }
    config.set_log_level(RDKafkaLogLevel::Warning);
    config
}

fn consumer_config(job: &Job, shard: usize) -> ClientConfig {
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
        ("statistics.interval.ms", "1000"),
        ("queued.min.messages", "50000"),
    ];
    let mut config = client_config(job, &job.properties.consumer, &defaults, shard);
    let bytes = job.config.limits.share(job.config.kafka.shards).consumer_bytes;
    config
        .set("group.id", &job.config.kafka.group_id)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // What waits does so in lines; and one answer more may come when this is full.
        .set("queued.max.messages.kbytes", ((bytes / 16) >> 10).to_string());
    if config.get("fetch.max.bytes").is_none() {
        // The library refuses one that no longest message fits in.
        let longest = config.get("message.max.bytes").and_then(|bytes| bytes.parse().ok()).unwrap_or(1 << 20);
        config.set("fetch.max.bytes", (bytes / 8).clamp(1 << 20, 50 << 20).max(longest).to_string());
    }
    config
}

fn producer_config(job: &Job, shard: usize, greatest_batch: Option<usize>) -> ClientConfig {
    let is_transactional = job.config.kafka.guarantee == Guarantee::ExactlyOnce;
    let mut defaults = vec![
        // A commit waits for what lingers.
        ("linger.ms", if is_transactional { "5" } else { "20" }),
        ("batch.num.messages", "10000"),
        ("compression.type", "lz4"),
    ];
    if is_transactional {
        defaults.push(("transaction.timeout.ms", "30000"));
    } else {
        // A broker may be away for long; until it is back nothing is committed, and nothing is lost.
        defaults.push(("message.timeout.ms", "0"));
    }
    let limits = job.config.limits.share(job.config.kafka.shards);
    let n_lanes = job.worker.lanes().len().max(1);
    // What is in flight fits in, with labels longer than what they replace, so that the queue is hardly ever the limit.
    let n_records = (limits.bounds.in_flight_records + limits.batch_records) * n_lanes + 1_000;
    let n_kbytes = ((limits.bounds.in_flight_bytes + BATCH_BYTES) * n_lanes * 2) >> 10;
    let mut config = client_config(job, &job.properties.producer, &defaults, shard);
    config
        .set("enable.idempotence", "true")
        .set("queue.buffering.max.messages", n_records.min(10_000_000).to_string())
        .set("queue.buffering.max.kbytes", n_kbytes.clamp(1 << 10, (2 << 20) - 1).to_string());
    if let Some(most) = greatest_batch {
        let own = config.get("batch.size").and_then(|bytes| bytes.parse().ok());
        config.set("batch.size", own.map_or(most, |own: usize| own.min(most)).to_string());
    }
    if is_transactional {
        let instance = job.instance.as_deref().unwrap_or_default();
        config
            .set("transactional.id", format!("{}-{instance}-{shard}", job.config.kafka.group_id))
            // The commit tells whether all is there.
            .set("delivery.report.only.error", "true");
    }
    config
}

fn setting_ms(config: &ClientConfig, name: &str) -> Option<u64> {
    config.get(name)?.parse().ok()
}

/// Tells which setting is wrong, and not how: the library's words may quote the value, which may be a secret.
fn setting(err: &KafkaError) -> StreamError {
    match err {
        KafkaError::ClientConfig(result, _, name, _) => {
            let what = match result {
                RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN => "no such setting",
                _ => "not a value of this setting",
            };
            StreamError::new(
                format!("{what}: {name}"),
                "see kafka.properties, kafka.consumer and kafka.producer, and librdkafka's CONFIGURATION.md",
            )
        }
        KafkaError::ClientCreation(_) => StreamError::new(
            "the client library refuses these settings together".to_owned(),
            "see kafka.properties, kafka.consumer and kafka.producer, and librdkafka's CONFIGURATION.md",
        ),
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

/// Answers of brokers, and of the clerk, until the member hears them.
#[derive(Default)]
struct Inbox {
    post: Mutex<Post>,
    arrived: Condvar,
    /// The open transaction cannot be committed, through no fault of an output.
    is_spoiled: AtomicBool,
}

#[derive(Default)]
struct Post {
    answers: Vec<(u64, Option<Refusal>)>,
    clerk: Option<Answer>,
}

impl Inbox {
    fn wait(&self, most: Duration) {
        let post = lock(&self.post);
        if post.answers.is_empty() && post.clerk.is_none() {
            drop(self.arrived.wait_timeout(post, most));
        }
    }

    fn answer(&self, answer: Answer) {
        lock(&self.post).clerk = Some(answer);
        self.arrived.notify_all();
    }

    fn take_answer(&self) -> Option<Answer> {
        lock(&self.post).clerk.take()
    }

    fn is_spoiled(&self) -> bool {
        self.is_spoiled.load(Ordering::Relaxed)
    }

    fn unspoil(&self) {
        self.is_spoiled.store(false, Ordering::Relaxed);
    }
}

/// Where outputs go.
enum Outbox {
    Plain(ThreadedProducer<Writer>),
    Transactions(Clerk),
}

/// Context of the producer.
struct Writer {
    inbox: Arc<Inbox>,
    tell: Tell,
    is_transactional: bool,
    /// Another producer took its place; what it still says is of no use.
    is_retired: Arc<AtomicBool>,
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
        let refusal = match result.as_ref().err().map(|(err, _)| err) {
            None => None,
            Some(_) if self.is_retired.load(Ordering::Relaxed) => return,
            Some(err) if self.is_transactional => match transactional_refusal(err) {
                Some(refusal) => Some(refusal),
                None => {
                    // What an abort threw away is no news.
                    if !matches!(
                        err.rdkafka_error_code(),
                        Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)
                    ) {
                        self.inbox.is_spoiled.store(true, Ordering::Relaxed);
                        self.inbox.arrived.notify_all();
                    }
                    return;
                }
            },
            Some(err) => Some(refusal(err)),
        };
        let mut post = lock(&self.inbox.post);
        let was_empty = post.answers.is_empty();
        post.answers.push((place as u64, refusal));
        drop(post);
        if was_empty {
            self.inbox.arrived.notify_one();
        }
    }
}

/// Returns what is wrong with the output itself; nothing where it is the brokers' or the transaction's trouble, which passes.
fn transactional_refusal(err: &KafkaError) -> Option<Refusal> {
    use RDKafkaErrorCode as Code;
    match err.rdkafka_error_code()? {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => Some(Refusal::TooLong),
        Code::TopicAuthorizationFailed
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::UnknownTopic
        | Code::InvalidRecord
        | Code::PolicyViolation => Some(Refusal::Other),
        _ => None,
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
    outbox: Outbox,
    /// As whom offsets go into a transaction: the member and generation that was given what we have. Taken when partitions
    /// come and not at the commit: one who was put out of the group has no name for a while, and brokers take offsets
    /// of the nameless into a transaction without looking.
    group: Mutex<Option<Arc<ConsumerGroupMetadata>>>,
    /// When something was first written into the open transaction.
    since: Mutex<Option<Instant>>,
    /// The clerk was asked and has not answered.
    is_busy: AtomicBool,
    /// Topics by their number.
    names: Mutex<Vec<Arc<str>>>,
    drain: Duration,
    fault: Mutex<Option<StreamError>>,
    /// Partitions of the narrowest output that keeps a record's partition.
    n_traced: i32,
    tell: Tell,
    metrics: Arc<Metrics>,
    number: usize,
    stalls: Mutex<HashMap<Partition, Stall>>,
    /// Partitions that stand still, to be read again from where they stand.
    stalled: Mutex<Vec<(Partition, i64)>>,
    /// Records of each partition that are yet to be taken, as of the last look.
    behind: Mutex<HashMap<Partition, i64>>,
    /// Time of the oldest record of those taken last, as it says itself, in milliseconds since 1970.
    oldest_ms: AtomicI64,
}

impl ClientContext for Member {
    fn log(&self, _: RDKafkaLogLevel, _: &str, text: &str) {
        (self.tell)(&Event::Broker { text });
        // The library would go on at the beginning of the topic, which repeats or leaves out; it tells only here.
        if text.contains("offset reset") && text.contains("not available") {
            self.fail(StreamError::new(
                "an input topic does not have the offset any more at which reading goes on".to_owned(),
                "was it truncated, or is its retention too short? reset the offsets of the group to where reading is to go on, and start again",
            ));
        }
    }

    fn stats(&self, statistics: Statistics) {
        self.look(&statistics);
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
                // An answer of the group, even where it gives us nothing.
                self.metrics.started();
                if !partitions.is_empty() {
                    self.metrics.observe(Fact::Rebalanced { change: i64::try_from(partitions.len()).unwrap_or(0) });
                    (self.tell)(&Event::Assigned { n: partitions.len() });
                }
            }
            Rebalance::Revoke(list) => {
                let partitions: Vec<Partition> =
                    self.partitions(list).into_iter().map(|(partition, _)| partition).collect();
                self.metrics.observe(Fact::Rebalanced { change: -i64::try_from(partitions.len()).unwrap_or(0) });
                self.let_go(consumer, &partitions);
            }
            Rebalance::Error(_) => {}
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        *lock(&self.group) = self.name_in_group(consumer);
        if let Rebalance::Assign(list) = rebalance
            && list.count() > 0
        {
            // The library keeps in mind that a partition was paused, also while it is somebody else's. Both fail where the
            // partition was taken away in the meantime.
            let _ = if self.machine().is_paused() { consumer.pause(list) } else { consumer.resume(list) };
        }
    }
}

impl Member {
    /// Looks at what the library knows of the partitions: how far behind, and whether one stands still.
    fn look(&self, statistics: &Statistics) {
        let mut behind = HashMap::new();
        let now = Instant::now();
        let (is_paused, positions) = {
            let machine = self.machine();
            let positions: HashMap<Partition, i64> =
                machine.partitions().map(|partition| (partition, machine.position(partition).unwrap_or(-1))).collect();
            // Without room nothing is taken, and that is no standstill.
            (machine.is_paused() || machine.room().is_none(), positions)
        };
        let mut views = Vec::with_capacity(positions.len());
        for (topic, found) in &statistics.topics {
            for (number, found) in &found.partitions {
                let partition = Partition { topic: self.topic(topic), number: *number };
                let Some(&position) = positions.get(&partition) else { continue };
                let at = if position < 0 { found.app_offset } else { position };
                behind.insert(partition, (found.ls_offset - at).max(0));
                let view = View { position, next: found.next_offset, end: found.ls_offset, n_queued: found.fetchq_cnt };
                views.push((partition, topic, at, view));
            }
        }
        let n_with_more = views.iter().filter(|(.., view)| view.has_more()).count();
        let n_others = u32::try_from(n_with_more.saturating_sub(1)).unwrap_or(u32::MAX);
        let mut stalls = lock(&self.stalls);
        stalls.retain(|partition, _| positions.contains_key(partition));
        for (partition, topic, at, view) in views {
            let stall = stalls.entry(partition).or_default();
            if is_paused {
                *stall = Stall::default();
            } else if stall.look(view, n_others, now) {
                if stall.n_found() > 1 {
                    self.fail(StreamError::new(
                        format!(
                            "partition {} of {topic} stands still, and reading it again did not help",
                            partition.number
                        ),
                        "see the log of the brokers",
                    ));
                } else {
                    lock(&self.stalled).push((partition, at));
                }
            }
        }
        drop(stalls);
        let n_behind = behind.values().sum();
        *lock(&self.behind) = behind;
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let age_ms = i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_sub(self.oldest_ms.load(Ordering::Relaxed));
        #[expect(clippy::cast_precision_loss, reason = "a clock has fewer than 2^52 milliseconds")]
        let seconds = if n_behind > 0 { age_ms.max(0) as f64 / 1e3 } else { 0.0 };
        self.metrics.lag(self.number, n_behind, seconds);
    }

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
        let (answers, answer) = {
            let mut post = lock(&self.inbox.post);
            (std::mem::take(&mut post.answers), post.clerk.take())
        };
        let mut machine = self.machine();
        for (place, refusal) in answers {
            match refusal {
                None => machine.acked(Place::unpack(place)),
                Some(refusal) => machine.refused(Place::unpack(place), refusal),
            }
        }
        if let Some(answer) = answer {
            self.is_busy.store(false, Ordering::Relaxed);
            let took = lock(&self.since).take().map_or(Duration::ZERO, |since| since.elapsed());
            let end = match &answer {
                Answer::Committed => End::Committed,
                Answer::Aborted(Doubt::Certain) => End::Aborted,
                _ => End::InDoubt,
            };
            self.metrics.observe(Fact::Ended { end, took });
            match answer {
                Answer::Committed => machine.committed(),
                Answer::Aborted(doubt) => {
                    machine.aborted(doubt);
                    (self.tell)(&Event::Aborted { in_doubt: doubt == Doubt::InDoubt });
                }
                Answer::Dead(fault) => {
                    machine.aborted(Doubt::InDoubt);
                    self.fail(fault);
                }
            }
        } else if self.inbox.is_spoiled() && !self.is_busy() {
            machine.spoil();
        }
    }

    /// Commits what is out everywhere, and waits for the answer: the client library has none for a commit that is not waited
    /// for, unless a callback is set that rust-rdkafka does not set. It takes milliseconds, once in an interval.
    fn commit(&self, consumer: &BaseConsumer<Self>) {
        let offsets = self.machine().begin_commit();
        if offsets.is_empty() {
            return;
        }
        let began = Instant::now();
        let end = match consumer.commit(&self.list(&offsets), CommitMode::Sync) {
            Ok(()) => {
                self.machine().committed();
                End::Committed
            }
            Err(err) => {
                self.machine().commit_failed();
                (self.tell)(&Event::CommitFailed { why: code(&err) });
                End::Aborted
            }
        };
        self.metrics.observe(Fact::Ended { end, took: began.elapsed() });
    }

    fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    /// Returns as whom we may commit now; nobody where the group has put us out.
    fn name_in_group(&self, consumer: &BaseConsumer<Self>) -> Option<Arc<ConsumerGroupMetadata>> {
        let Outbox::Transactions(_) = &self.outbox else { return None };
        let name = consumer.group_metadata();
        // Answered by the thread that is told of being put out, so what was lost before the answer is lost now.
        if consumer.assignment_lost() { None } else { name.map(Arc::new) }
    }

    /// Hands the open transaction to the clerk.
    fn ask_commit(&self, clerk: &Clerk, member: Option<Arc<ConsumerGroupMetadata>>) {
        let offsets = self.machine().begin_commit();
        if offsets.is_empty() {
            return;
        }
        let since = lock(&self.since).unwrap_or_else(Instant::now);
        self.is_busy.store(true, Ordering::Relaxed);
        clerk.ask(match member {
            Some(member) => Ask::Commit { offsets: self.list(&offsets), member, since },
            None => Ask::Abort { since },
        });
    }

    fn ask_abort(&self, clerk: &Clerk) {
        let since = lock(&self.since).unwrap_or_else(Instant::now);
        self.is_busy.store(true, Ordering::Relaxed);
        clerk.ask(Ask::Abort { since });
    }

    /// Waits for the clerk; returns whether it has answered.
    fn await_clerk(&self, deadline: Instant) -> bool {
        loop {
            self.hear();
            if !self.is_busy() || Instant::now() >= deadline {
                return !self.is_busy();
            }
            self.inbox.wait(STEP);
        }
    }

    /// Commits what is open before partitions go; where they are gone already, sees that it will be aborted.
    fn let_go_transaction(&self, clerk: &Clerk, consumer: &BaseConsumer<Self>, partitions: &[Partition]) {
        for partition in partitions {
            self.machine().revoke(*partition);
        }
        let deadline = Instant::now() + self.drain;
        let mut drained = false;
        if !consumer.assignment_lost() && self.await_clerk(deadline) {
            if !self.machine().must_abort() {
                self.ask_commit(clerk, self.name_in_group(consumer));
            }
            drained = self.await_clerk(deadline) && !self.machine().has_open();
        }
        for partition in partitions {
            self.machine().forget(*partition);
        }
        (self.tell)(&Event::Revoked { n: partitions.len(), drained });
    }

    /// Finishes what is under way in partitions that are being taken away, and commits it.
    fn let_go(&self, consumer: &BaseConsumer<Self>, partitions: &[Partition]) {
        if partitions.is_empty() {
            return;
        }
        if let Outbox::Transactions(clerk) = &self.outbox {
            return self.let_go_transaction(clerk, consumer, partitions);
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
            self.commit(consumer);
        }
        for partition in partitions {
            self.machine().forget(*partition);
        }
        (self.tell)(&Event::Revoked { n: partitions.len(), drained });
    }
}

/// One consumer, one producer, one machine.
struct Shard<'s> {
    plan: Plan<'s>,
    consumer: &'s BaseConsumer<Member>,
    /// This shard's share.
    limits: super::config::Limits,
    clock: Instant,
    /// What was told of progress.
    told: Mutex<Progress>,
}

impl<'s> Shard<'s> {
    fn member(&self) -> &'s Member {
        self.consumer.context()
    }

    fn intake(&self) -> Intake<'s> {
        let wait = Duration::from_millis(self.limits.batch_ms);
        // Half as many more while somebody is held back.
        Intake::new(self.consumer, self.plan.tell, self.limits.consumer_bytes / 2, wait)
    }

    /// Returns whether everything that was taken is out and committed.
    fn run(&self) -> bool {
        let member = self.member();
        let mut commands = Vec::new();
        let mut deadline = None;
        let mut intake = self.intake();
        let mut batch: Vec<Got<'s>> = Vec::new();
        loop {
            self.attend(&mut deadline, &mut commands);
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
                    member.commit(self.consumer);
                }
                if member.machine().is_paused() {
                    intake.poll(Duration::from_millis(1));
                }
                if member.machine().room().is_none() {
                    let began = Instant::now();
                    member.inbox.wait(STEP);
                    member.metrics.observe(Fact::Waited(began.elapsed()));
                }
                continue;
            }
            let most = room.records.min(self.limits.batch_records);
            let most_bytes = room.bytes.min(BATCH_BYTES);
            intake.collect(most, most_bytes, &mut batch);
            if !batch.is_empty() {
                self.process(&batch);
                batch.clear();
            }
        }
        drop(batch);
        let is_drained = member.machine().is_drained();
        member.hear();
        member.commit(self.consumer);
        self.tell_progress();
        is_drained && member.machine().n_uncommitted() == 0
    }

    /// Hears what there is to hear, and does what the machine says.
    fn attend(&self, deadline: &mut Option<Instant>, commands: &mut Vec<Command>) {
        let member = self.member();
        member.metrics.beat(member.number);
        if let Outbox::Transactions(clerk) = &member.outbox {
            clerk.look();
        }
        member.hear();
        let is_asked = self.plan.control.is_stopping() || lock(&member.fault).is_some();
        if is_asked && deadline.is_none() {
            *deadline = Some(Instant::now() + member.drain);
            member.metrics.stopping();
            let mut machine = member.machine();
            machine.stop();
            (self.plan.tell)(&Event::Stopping { n_in_flight: machine.n_unsettled() });
        }
        let now_ms = u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        member.machine().tick(now_ms, commands);
        self.recall(commands);
        for command in commands.drain(..) {
            self.obey(command);
        }
        let stalled = std::mem::take(&mut *lock(&member.stalled));
        for (partition, offset) in stalled {
            (self.plan.tell)(&Event::Stalled {
                topic: &member.name(partition.topic),
                partition: partition.number,
                offset,
            });
            member.metrics.observe(Fact::Stalled);
            let list = member.list(&[(partition, offset)]);
            drop(self.consumer.resume(&list));
            if offset >= 0 {
                // The machine takes no record twice, wherever the library begins again.
                drop(self.consumer.seek_partitions(list, Duration::from_secs(5)));
            }
        }
        self.tell_progress();
    }

    fn tell_progress(&self) {
        let (now, n_in_flight) = {
            let machine = self.member().machine();
            (machine.progress(), machine.n_in_flight())
        };
        self.member().metrics.in_flight(n_in_flight);
        self.plan.control.progress(std::mem::replace(&mut *lock(&self.told), now), now);
    }

    /// Runs with transactions: a batch is scanned while the transaction before it is committed.
    fn run_transactions(&self) -> bool {
        let member = self.member();
        let Outbox::Transactions(clerk) = &member.outbox else { return false };
        let mut commands = Vec::new();
        let mut deadline = None;
        let mut batch: Vec<Got<'s>> = Vec::new();
        let mut ready: Option<(Vec<Got<'s>>, Vec<Sheet>)> = None;
        let mut intake = self.intake();
        loop {
            member.machine().hold(ready.is_some() && member.is_busy());
            self.attend(&mut deadline, &mut commands);
            if let Some(deadline) = deadline {
                // What was taken and not begun was never there.
                ready = None;
                batch.clear();
                if (member.machine().is_drained() && !member.is_busy()) || Instant::now() >= deadline {
                    break;
                }
                drop(self.consumer.poll(Duration::from_millis(1)));
                member.inbox.wait(STEP);
                continue;
            }
            if !member.is_busy()
                && let Some((batch, sheets)) = ready.take()
            {
                for (chunk, sheet) in batch.chunks(CHUNK).zip(sheets) {
                    self.write(chunk, &sheet);
                    self.put_back(sheet);
                }
                continue;
            }
            let room = member.machine().room();
            if ready.is_some() || room.is_none() {
                let began = Instant::now();
                if member.machine().is_paused() {
                    intake.poll(Duration::from_millis(1));
                }
                member.inbox.wait(STEP);
                member.metrics.observe(Fact::Waited(began.elapsed()));
                continue;
            }
            let most = room.records.min(self.limits.batch_records);
            intake.collect(most, room.bytes.min(BATCH_BYTES), &mut batch);
            if !batch.is_empty() {
                let sheets = self.scan(&batch);
                ready = Some((std::mem::take(&mut batch), sheets));
            }
        }
        drop((batch, ready));
        let is_drained = member.machine().is_drained() && !member.is_busy();
        if !is_drained && member.await_clerk(Instant::now()) && member.machine().has_open() {
            member.ask_abort(clerk);
            member.await_clerk(Instant::now() + Duration::from_secs(5));
        }
        clerk.end();
        self.tell_progress();
        is_drained
    }

    /// Scans a batch on all threads.
    fn scan(&self, batch: &[Got<'_>]) -> Vec<Sheet> {
        let chunks: Vec<&[Got<'_>]> = batch.chunks(CHUNK).collect();
        if chunks.len() == 1 || self.plan.job.n_threads == 1 {
            return chunks.into_iter().map(|chunk| self.rewrite(chunk)).collect();
        }
        self.plan.pool.install(|| chunks.into_par_iter().map(|chunk| self.rewrite(chunk)).collect())
    }

    /// Asks the cluster what is committed, where nobody knows.
    fn recall(&self, commands: &[Command]) {
        let member = self.member();
        let asked: Vec<(Partition, i64)> = commands
            .iter()
            .filter_map(|command| match command {
                Command::Recall(partition) => Some((*partition, -1)),
                _ => None,
            })
            .collect();
        if asked.is_empty() {
            return;
        }
        let Ok(list) = self.consumer.committed_offsets(member.list(&asked), Duration::from_secs(5)) else { return };
        for element in list.elements() {
            if element.error().is_err() {
                continue;
            }
            let partition = Partition { topic: member.topic(element.topic()), number: element.partition() };
            let offset = match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            member.machine().recalled(partition, offset);
        }
    }

    fn obey(&self, command: Command) {
        let member = self.member();
        let all = || {
            let offsets: Vec<_> = member.machine().partitions().map(|partition| (partition, -1)).collect();
            member.list(&offsets)
        };
        match command {
            Command::Commit if let Outbox::Transactions(clerk) = &member.outbox => {
                let name = lock(&member.group).clone();
                member.ask_commit(clerk, name);
            }
            Command::Commit => member.commit(self.consumer),
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
                    member.metrics.observe(Fact::Rewound);
                    (self.plan.tell)(&Event::Rewound { topic: &topic, partition: partition.number, offset });
                }
            }
            Command::Abort => {
                if let Outbox::Transactions(clerk) = &member.outbox {
                    member.ask_abort(clerk);
                }
            }
            // Asked before, all at once.
            Command::Recall(_) => {}
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

    /// Rewrites a batch on all threads, and writes it in order as chunks become ready.
    fn process(&self, batch: &[Got<'_>]) {
        let chunks: Vec<&[Got<'_>]> = batch.chunks(CHUNK).collect();
        if chunks.len() == 1 || self.plan.job.n_threads == 1 {
            for chunk in chunks {
                let sheet = self.rewrite(chunk);
                self.write(chunk, &sheet);
                self.put_back(sheet);
            }
            return;
        }
        let (ready, arrived) = mpsc::channel::<(usize, Sheet)>();
        self.plan.pool.in_place_scope(|scope| {
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
        let worker = &self.plan.job.worker;
        let mut sheet = lock(self.plan.sheets).pop().unwrap_or_else(|| worker.sheet());
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
        let began = Instant::now();
        worker.rewrite(&records, &mut sheet);
        self.member().metrics.observe(Fact::Scanned { n_records: records.len(), took: began.elapsed() });
        let (job, metrics) = (self.plan.job, &self.member().metrics);
        for (number, lane) in worker.lanes().iter().enumerate() {
            for (entity, operator, n) in sheet.applied(number) {
                let entity = usize::from(entity.0);
                let at = (number * job.entities.len() + entity) * Operator::NAMES.len() + operator;
                let (Some(count), Some(entity), Some(operator)) =
                    (self.plan.counts.get(at), job.entities.get(entity), Operator::NAMES.get(operator))
                else {
                    continue;
                };
                count.get_or_init(|| metrics.detections(entity, &lane.name, operator)).inc_by(n);
            }
        }
        self.plan.control.add(&sheet.tally);
        sheet
    }

    fn put_back(&self, sheet: Sheet) {
        lock(self.plan.sheets).push(sheet);
    }

    /// Writes a chunk, every record to all lanes or to the quarantine.
    fn write(&self, chunk: &[Got<'_>], sheet: &Sheet) {
        let member = self.member();
        let lanes = self.plan.job.worker.lanes();
        let producer = match &member.outbox {
            Outbox::Plain(producer) => producer.clone(),
            Outbox::Transactions(clerk) => {
                lock(&member.since).get_or_insert_with(Instant::now);
                // Without a producer nothing is begun, and what is not begun is read again.
                let Some(producer) = clerk.producer() else { return };
                producer
            }
        };
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
                member.metrics.quarantined(reason);
                lanes::quarantine(&name.1, partition, offset, reason, &mut text);
                let headers = OwnedHeaders::new_with_capacity(1)
                    .insert(Header { key: VERSION_HEADER, value: Some(env!("CARGO_PKG_VERSION")) });
                self.send(
                    &producer,
                    BaseRecord::with_opaque_to(&self.plan.job.config.quarantine, packed(place))
                        .partition(partition % self.plan.n_quarantine.max(1))
                        .payload(text.as_bytes())
                        .headers(headers),
                );
                continue;
            }
            let time_ms = match got.message.timestamp() {
                Timestamp::CreateTime(ms) | Timestamp::LogAppendTime(ms) => Some(ms),
                Timestamp::NotAvailable => None,
            };
            for ((number, lane), width) in lanes.iter().enumerate().zip(self.plan.widths) {
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
                    if let Some(name) = self.plan.job.worker.headers().get(usize::from(header))
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
                self.send(&producer, record);
            }
        }
    }

    /// Hands a record over; waits where the producer is full.
    fn send(&self, producer: &ThreadedProducer<Writer>, mut record: BaseRecord<'_, [u8], [u8], usize>) {
        let member = self.member();
        loop {
            let err = match producer.send(record) {
                Ok(()) => return,
                Err((err, unsent)) => {
                    record = unsent;
                    err
                }
            };
            let is_full = err.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            let is_transactional = matches!(member.outbox, Outbox::Transactions(_));
            if is_full && !(is_transactional && member.inbox.is_spoiled()) {
                member.hear();
                member.inbox.wait(STEP);
                continue;
            }
            let place = Place::unpack(record.delivery_opaque as u64);
            let refusal = if is_transactional { transactional_refusal(&err) } else { Some(refusal(&err)) };
            return match refusal {
                Some(refusal) => member.machine().refused(place, refusal),
                None => member.machine().spoil(),
            };
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
