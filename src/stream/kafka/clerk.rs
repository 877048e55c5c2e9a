//! Ends transactions, on a thread of its own, so that the next batch is scanned meanwhile.
//!
//! One question at a time: commit this, or abort. One answer to each: committed, or aborted, or given up. What happens in
//! between is the clerk's: it asks again where the library says so, aborts where it says so, and makes a new producer where
//! the old one is of no use any more. After every answer but the last a transaction is open again.
//!
//! The library is asked with a time limit, and may not come back all the same: to hand over offsets it waits for an answer of its
//! own thread without any (`RD_POLL_INFINITE`), and when a broker died that was coordinator of group and transactions, none
//! came (librdkafka issue 5456; `tests/faults`, F4). A thread that waits for so long is left behind, with its producer; a new
//! one takes its place, and its producer fences the old.

use super::{Inbox, Writer, code, lock};
use crate::metrics::{Fact, Metrics};
use crate::stream::event::Event;
use crate::stream::machine::Doubt;
use crate::stream::{StreamError, Tell};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// What the member wants done with the open transaction.
pub(super) enum Ask {
    /// Put these offsets into it, and commit.
    Commit { offsets: TopicPartitionList, member: Arc<ConsumerGroupMetadata>, since: Instant },
    /// Nothing of it is to be seen.
    Abort { since: Instant },
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Answer {
    Committed,
    Aborted(Doubt),
    /// Nothing can be written any more.
    Dead(StreamError),
}

/// What to do about an error of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Triage {
    Again,
    Abort,
    /// A new producer. Fenced: another one took our name, or the brokers gave our transaction up.
    Rebuild {
        fenced: bool,
    },
    /// No producer will do better.
    Stop,
}

/// Producers within this time, and then no more.
const REBUILDS: (usize, Duration) = (6, Duration::from_secs(60));
/// Two that took our name within this time are no accident.
const FENCED: Duration = Duration::from_secs(30);
/// One question to the cluster.
const TRY: Duration = Duration::from_secs(5);
/// A question that took so long is never answered.
const HANGS: Duration = Duration::from_secs(30);

pub(super) type Transactional = ThreadedProducer<Writer>;

/// The producer with the open transaction, and whether nobody asks any more what becomes of its records.
type Slot = Arc<Mutex<Option<(Transactional, Arc<AtomicBool>)>>>;

/// The member's end.
pub(super) struct Clerk {
    desk: Mutex<Door>,
    producer: Slot,
    is_ending: Arc<AtomicBool>,
    start: Start,
}

/// The way to the thread that works.
struct Door {
    asks: mpsc::Sender<Ask>,
    watch: Arc<Watch>,
}

/// What a thread begins with.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) config: ClientConfig,
    /// The transactional id.
    pub(super) id: String,
    /// Of a transaction, as the brokers know it.
    pub(super) timeout: Duration,
    pub(super) inbox: Arc<Inbox>,
    pub(super) tell: Tell,
    pub(super) metrics: Arc<Metrics>,
}

impl Clerk {
    /// Begins; the first answer says whether a transaction is open.
    pub(super) fn start(start: Start) -> Self {
        let producer = Slot::default();
        let is_ending = Arc::new(AtomicBool::new(false));
        let desk = Mutex::new(Self::open(&start, &producer, &is_ending));
        Self { desk, producer, is_ending, start }
    }

    /// Puts a thread to work.
    fn open(start: &Start, producer: &Slot, is_ending: &Arc<AtomicBool>) -> Door {
        let (asks, questions) = mpsc::channel();
        let watch = Arc::new(Watch::default());
        let mut desk = Desk {
            start: start.clone(),
            slot: Arc::clone(producer),
            producer: None,
            is_ending: Arc::clone(is_ending),
            watch: Arc::clone(&watch),
            built: VecDeque::new(),
            fenced: VecDeque::new(),
        };
        std::thread::spawn(move || {
            let mut answer = desk.rebuild();
            loop {
                let is_dead = matches!(answer, Answer::Dead(_));
                if !desk.watch.is_ours() {
                    break;
                }
                desk.start.inbox.answer(answer);
                if is_dead {
                    break;
                }
                let Ok(ask) = questions.recv() else { break };
                answer = desk.serve(ask);
            }
        });
        Door { asks, watch }
    }

    pub(super) fn ask(&self, ask: Ask) {
        // Nobody listens after the last answer, which said so.
        let _ = lock(&self.desk).asks.send(ask);
    }

    /// Looks whether the library came back; where it does not, another thread takes over, whose first answer is the one to
    /// what was asked.
    pub(super) fn look(&self) {
        self.look_for(HANGS);
    }

    fn look_for(&self, hangs: Duration) {
        let mut desk = lock(&self.desk);
        if !desk.watch.leave(hangs) {
            return;
        }
        (self.start.tell)(&Event::Aborting { why: "the client library does not come back" });
        if let Some((_, is_retired)) = lock(&self.producer).take() {
            is_retired.store(true, Ordering::Relaxed);
        }
        self.start.metrics.observe(Fact::Rebuilt);
        (self.start.tell)(&Event::Rebuilt);
        *desk = Self::open(&self.start, &self.producer, &self.is_ending);
    }

    /// Returns the producer with the open transaction.
    pub(super) fn producer(&self) -> Option<Transactional> {
        lock(&self.producer).as_ref().map(|(producer, _)| producer.clone())
    }

    /// Stops asking again and again.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }
}

/// Since when a thread waits for the library.
#[derive(Default)]
struct Watch(Mutex<Waits>);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Waits {
    #[default]
    No,
    Since(Instant),
    /// For so long that it was left behind.
    Left,
}

impl Watch {
    fn begin(&self) {
        let mut waits = lock(&self.0);
        if *waits == Waits::No {
            *waits = Waits::Since(Instant::now());
        }
    }

    /// Returns whether the thread was not left behind.
    fn end(&self) -> bool {
        let mut waits = lock(&self.0);
        if *waits != Waits::Left {
            *waits = Waits::No;
        }
        *waits != Waits::Left
    }

    fn is_ours(&self) -> bool {
        *lock(&self.0) != Waits::Left
    }

    /// Leaves the thread behind where it waits for so long; returns whether it did.
    fn leave(&self, hangs: Duration) -> bool {
        let mut waits = lock(&self.0);
        let is_hung = matches!(*waits, Waits::Since(since) if since.elapsed() > hangs);
        if is_hung {
            *waits = Waits::Left;
        }
        is_hung
    }
}

struct Desk {
    start: Start,
    slot: Slot,
    producer: Option<(Transactional, Arc<AtomicBool>)>,
    is_ending: Arc<AtomicBool>,
    watch: Arc<Watch>,
    built: VecDeque<Instant>,
    fenced: VecDeque<Instant>,
}

impl Desk {
    fn serve(&mut self, ask: Ask) -> Answer {
        let Some((producer, _)) = &self.producer else { return self.rebuild() };
        let producer = producer.clone();
        let (result, since) = match ask {
            Ask::Commit { offsets, member, since } => (self.commit(&producer, &offsets, &member), since),
            Ask::Abort { since } => (Err(Triage::Abort), since),
        };
        match result {
            Ok(()) => match producer.begin_transaction() {
                Ok(()) => Answer::Committed,
                // What was committed is; the next question finds a producer or says why not.
                Err(err) => {
                    let triage = triage(&err);
                    if let Answer::Dead(fault) = self.renew(triage, since) {
                        Answer::Dead(fault)
                    } else {
                        Answer::Committed
                    }
                }
            },
            Err(Triage::Again | Triage::Abort) => {
                let aborted = self.until_done(|| producer.abort_transaction(TRY)).and_then(|()| {
                    self.start.inbox.unspoil();
                    producer.begin_transaction().map_err(|err| triage(&err))
                });
                match aborted {
                    Ok(()) => Answer::Aborted(Doubt::Certain),
                    Err(triage) => self.renew(triage, since),
                }
            }
            Err(triage) => self.renew(triage, since),
        }
    }

    /// Commits. The offsets go first: while brokers take them, what is written last is acknowledged.
    fn commit(
        &self,
        producer: &Transactional,
        offsets: &TopicPartitionList,
        member: &ConsumerGroupMetadata,
    ) -> Result<(), Triage> {
        let until = Instant::now() + self.start.timeout * 2;
        loop {
            self.until_done(|| producer.send_offsets_to_transaction(offsets, member, TRY))?;
            // The library's own wait wakes up ten times a second when acknowledgements are not reported one by one.
            let round = Instant::now() + TRY;
            while producer.in_flight_count() > 0 && Instant::now() < round && !self.start.inbox.is_spoiled() {
                std::thread::sleep(Duration::from_millis(1));
            }
            if self.start.inbox.is_spoiled() {
                return Err(Triage::Abort);
            }
            if producer.in_flight_count() == 0 {
                break;
            }
            if Instant::now() > until {
                self.warn("outputs are not acknowledged");
                return Err(Triage::Abort);
            }
        }
        self.until_done(|| producer.commit_transaction(TRY))
    }

    /// Does what the library says to do again.
    fn until_done(&self, mut act: impl FnMut() -> KafkaResult<()>) -> Result<(), Triage> {
        let until = Instant::now() + self.start.timeout * 2;
        loop {
            let Err(err) = self.ask(&mut act)? else { return Ok(()) };
            let triage = triage(&err);
            if triage != Triage::Again {
                self.warn(&word(&err));
                return Err(triage);
            }
            if Instant::now() > until {
                self.warn(&word(&err));
                return Err(Triage::Rebuild { fenced: false });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks the library. Where it came back too late, somebody else is at work, and nothing more is to be done.
    fn ask(&self, act: impl FnOnce() -> KafkaResult<()>) -> Result<KafkaResult<()>, Triage> {
        self.watch.begin();
        let result = act();
        if self.watch.end() { Ok(result) } else { Err(Triage::Stop) }
    }

    fn warn(&self, why: &str) {
        (self.start.tell)(&Event::Aborting { why });
    }

    fn renew(&mut self, triage: Triage, since: Instant) -> Answer {
        match triage {
            Triage::Stop => return self.dead(),
            // Older than its time: the brokers gave it up. Younger: somebody took our name.
            Triage::Rebuild { fenced: true } if since.elapsed() < self.start.timeout => {
                let now = Instant::now();
                self.fenced.push_back(now);
                self.fenced.retain(|at| now.duration_since(*at) < FENCED);
                if self.fenced.len() >= 2 {
                    return Answer::Dead(StreamError::new(
                        format!("another process uses the transactional id {}", self.start.id),
                        "give every process its own kafka.instance, and start this one again",
                    ));
                }
            }
            _ => {}
        }
        self.rebuild()
    }

    fn dead(&self) -> Answer {
        Answer::Dead(StreamError::new(
            format!("the transactional id {} cannot be used", self.start.id),
            "see the log of the brokers, and whether this user may write with this transactional id",
        ))
    }

    /// Makes a producer and opens a transaction; whatever another of our name had open is aborted, or committed if that was
    /// under way.
    fn rebuild(&mut self) -> Answer {
        let now = Instant::now();
        self.built.push_back(now);
        self.built.retain(|at| now.duration_since(*at) < REBUILDS.1);
        if self.built.len() > REBUILDS.0 {
            return Answer::Dead(StreamError::new(
                format!("{} producers in a minute, and none of use", REBUILDS.0),
                "see the log of the brokers",
            ));
        }
        if let Some((old, is_retired)) = self.producer.take() {
            is_retired.store(true, Ordering::Relaxed);
            *lock(&self.slot) = None;
            // Its end may take long, and nobody waits for it.
            std::thread::spawn(move || drop(old));
            self.start.metrics.observe(Fact::Rebuilt);
            (self.start.tell)(&Event::Rebuilt);
        }
        let is_retired = Arc::new(AtomicBool::new(false));
        let context = Writer {
            inbox: Arc::clone(&self.start.inbox),
            tell: Arc::clone(&self.start.tell),
            is_transactional: true,
            is_retired: Arc::clone(&is_retired),
        };
        let producer: Transactional = match self.start.config.create_with_context(context) {
            Ok(producer) => producer,
            Err(err) => return Answer::Dead(super::setting(&err)),
        };
        loop {
            let err = match self.ask(|| producer.init_transactions(TRY)) {
                Ok(Ok(())) => break,
                Ok(Err(err)) => err,
                Err(_) => return self.dead(),
            };
            match triage(&err) {
                _ if self.is_ending.load(Ordering::Relaxed) => return self.dead(),
                Triage::Again => {
                    self.warn(&word(&err));
                    std::thread::sleep(Duration::from_millis(200));
                }
                Triage::Stop => return self.dead(),
                Triage::Abort | Triage::Rebuild { .. } => {
                    self.warn(&word(&err));
                    std::thread::sleep(Duration::from_millis(500));
                    return self.rebuild();
                }
            }
        }
        if producer.begin_transaction().is_err() {
            return self.rebuild();
        }
        self.start.inbox.unspoil();
        *lock(&self.slot) = Some((producer.clone(), Arc::clone(&is_retired)));
        self.producer = Some((producer, is_retired));
        Answer::Aborted(Doubt::InDoubt)
    }
}

/// Decides what to do about an error of the library.
pub(super) fn triage(err: &KafkaError) -> Triage {
    let fenced = matches!(
        err.rdkafka_error_code(),
        Some(RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch)
    );
    let denied = matches!(
        err.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::TransactionalIdAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::InvalidTransactionTimeout
        )
    );
    match err {
        _ if denied => Triage::Stop,
        // It was not written in time; ask again.
        KafkaError::Flush(_) => Triage::Again,
        KafkaError::Transaction(err) if err.is_retriable() => Triage::Again,
        KafkaError::Transaction(err) if err.txn_requires_abort() => Triage::Abort,
        _ => Triage::Rebuild { fenced },
    }
}

fn word(err: &KafkaError) -> String {
    code(err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::consumer::{BaseConsumer, Consumer};
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::BaseRecord;
    use rdkafka::topic_partition_list::Offset;
    use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Code};
    use std::sync::atomic::AtomicUsize;

    /// What the member hears, and how many producers were made anew for it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Heard {
        Committed,
        Aborted,
        /// In doubt, with a new producer.
        Rebuilt,
        Dead,
    }

    /// F7: every request of a transaction is refused with errors of every sort. The triage is right, one producer is made anew
    /// where one has to be, nothing hangs, and what comes after works again. The mock cluster's transactions are none, so this
    /// is about what we do and not about what is written.
    #[test]
    fn refusals() {
        use Code as C;
        use Heard::{Aborted, Committed, Dead, Rebuilt};
        const PASSING: [Code; 4] = [
            C::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            C::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            C::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            C::RD_KAFKA_RESP_ERR__TRANSPORT,
        ];
        let others = [
            (Api::InitProducerId, C::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, Dead),
            (Api::InitProducerId, C::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, Dead),
            (Api::InitProducerId, C::RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, Dead),
            (Api::InitProducerId, C::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, Committed),
            (Api::AddPartitionsToTxn, C::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, Committed),
            (Api::AddPartitionsToTxn, C::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, Aborted),
            (Api::AddPartitionsToTxn, C::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, Rebuilt),
            (Api::AddPartitionsToTxn, C::RD_KAFKA_RESP_ERR_PRODUCER_FENCED, Rebuilt),
            (Api::AddPartitionsToTxn, C::RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, Rebuilt),
            (Api::AddPartitionsToTxn, C::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, Dead),
            (Api::AddOffsetsToTxn, C::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, Committed),
            (Api::AddOffsetsToTxn, C::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, Aborted),
            (Api::AddOffsetsToTxn, C::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, Rebuilt),
            (Api::AddOffsetsToTxn, C::RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, Rebuilt),
            (Api::TxnOffsetCommit, C::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, Committed),
            (Api::TxnOffsetCommit, C::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, Committed),
            (Api::TxnOffsetCommit, C::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, Aborted),
            (Api::TxnOffsetCommit, C::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, Aborted),
            (Api::TxnOffsetCommit, C::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, Aborted),
            (Api::TxnOffsetCommit, C::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, Aborted),
            (Api::TxnOffsetCommit, C::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, Rebuilt),
            (Api::EndTxn, C::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, Committed),
            (Api::EndTxn, C::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, Rebuilt),
            (Api::EndTxn, C::RD_KAFKA_RESP_ERR_PRODUCER_FENCED, Rebuilt),
            (Api::EndTxn, C::RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, Rebuilt),
            (Api::EndTxn, C::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, Dead),
            (Api::Produce, C::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, Committed),
            (Api::Produce, C::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, Committed),
        ];
        let apis =
            [Api::InitProducerId, Api::AddPartitionsToTxn, Api::AddOffsetsToTxn, Api::TxnOffsetCommit, Api::EndTxn];
        let passing = apis.into_iter().flat_map(|api| PASSING.map(|code| (api, code, Committed)));
        let cases: Vec<(Api, Code, Heard)> = passing.chain(others).collect();
        let wrong = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for cases in cases.chunks(cases.len().div_ceil(6)) {
                let wrong = &wrong;
                // What is refused is refused to all of a cluster.
                scope.spawn(move || {
                    let cluster = MockCluster::new(1).unwrap();
                    for topic in ["in", "out"] {
                        cluster.create_topic(topic, 1, 1).unwrap();
                    }
                    for (number, (api, code, expected)) in cases.iter().enumerate() {
                        let began = Instant::now();
                        let heard = refuse(&cluster, number, *api, *code);
                        let took = began.elapsed();
                        if heard != Ok(*expected) || took > Duration::from_secs(5) {
                            let what = format!("{api:?} {code:?}: {heard:?} and not {expected:?}, {took:?}");
                            lock(wrong).push(what);
                        }
                    }
                });
            }
        });
        let wrong = wrong.into_inner().unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// The library waits for a broker that does not answer: another thread takes over, and what the first one hears later is not
    /// told.
    #[test]
    fn who_never_comes_back_is_left_behind() {
        let cluster = MockCluster::new(1).unwrap();
        for topic in ["in", "out"] {
            cluster.create_topic(topic, 1, 1).unwrap();
        }
        let rig = Rig::new(&cluster, 0);
        assert!(matches!(rig.answer(), Ok(Answer::Aborted(Doubt::InDoubt))));
        rig.clerk.look_for(Duration::ZERO);
        assert_eq!(rig.n_rebuilt(), 0, "nothing was asked");
        cluster.broker_round_trip_time(-1, Duration::from_secs(3)).unwrap();
        rig.ask_commit().unwrap();
        let hangs = Duration::from_millis(200);
        let until = Instant::now() + Duration::from_secs(10);
        while rig.n_rebuilt() == 0 && Instant::now() < until {
            rig.clerk.look_for(hangs);
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(rig.inbox.take_answer().is_none());
        cluster.broker_round_trip_time(-1, Duration::ZERO).unwrap();
        let answer = rig.answer();
        assert!(matches!(answer, Ok(Answer::Aborted(Doubt::InDoubt))), "{answer:?}");
        let answer = rig.commit();
        assert!(matches!(answer, Ok(Answer::Committed)), "{answer:?}");
        // The first one is through as well by now.
        std::thread::sleep(Duration::from_secs(5));
        assert!(rig.inbox.take_answer().is_none());
        assert_eq!(rig.n_rebuilt(), 1);
    }

    /// Commits a record while requests are refused once; returns what is heard, or what was wrong afterwards.
    fn refuse(
        cluster: &MockCluster<'static, rdkafka::producer::DefaultProducerContext>,
        number: usize,
        api: Api,
        code: Code,
    ) -> Result<Heard, String> {
        let refuse = || cluster.request_errors(api, &[code]);
        let is_at_start = api == Api::InitProducerId;
        if is_at_start {
            refuse();
        }
        let rig = Rig::new(cluster, number);
        if let Answer::Dead(_) = rig.answer()? {
            return Ok(Heard::Dead);
        }
        if !is_at_start {
            refuse();
        }
        let first = rig.commit()?;
        cluster.clear_request_errors(api);
        let heard = match (first, rig.n_rebuilt()) {
            (Answer::Dead(_), 0) => return Ok(Heard::Dead),
            (Answer::Committed, 0) => Heard::Committed,
            (Answer::Aborted(Doubt::Certain), 0) => Heard::Aborted,
            (Answer::Aborted(Doubt::InDoubt), 1) => Heard::Rebuilt,
            (first, n) => return Err(format!("{first:?} after {n} new producers")),
        };
        match rig.commit()? {
            Answer::Committed => Ok(heard),
            other => Err(format!("{heard:?}, and then {other:?}")),
        }
    }

    /// A clerk, and what it says.
    struct Rig {
        clerk: Clerk,
        inbox: Arc<Inbox>,
        member: Arc<ConsumerGroupMetadata>,
        n_rebuilt: Arc<AtomicUsize>,
    }

    impl Rig {
        fn new(cluster: &MockCluster<'static, rdkafka::producer::DefaultProducerContext>, number: usize) -> Self {
            let mut config = ClientConfig::new();
            let id = format!("g-i-{number}");
            for (name, value) in [
                ("bootstrap.servers", cluster.bootstrap_servers().as_str()),
                ("transactional.id", &id),
                ("transaction.timeout.ms", "10000"),
                ("delivery.report.only.error", "true"),
                ("linger.ms", "1"),
                ("retry.backoff.ms", "20"),
                ("retry.backoff.max.ms", "50"),
            ] {
                config.set(name, value);
            }
            let consumer: BaseConsumer = ClientConfig::new()
                .set("bootstrap.servers", cluster.bootstrap_servers())
                .set("group.id", format!("g-{number}"))
                .create()
                .unwrap();
            let member = Arc::new(consumer.group_metadata().unwrap());
            let inbox = Arc::new(Inbox::default());
            let n_rebuilt = Arc::new(AtomicUsize::new(0));
            let tell: Tell = {
                let n_rebuilt = Arc::clone(&n_rebuilt);
                Arc::new(move |event| {
                    if matches!(event, Event::Rebuilt) {
                        n_rebuilt.fetch_add(1, Ordering::Relaxed);
                    }
                })
            };
            let timeout = Duration::from_secs(10);
            let metrics = Arc::new(Metrics::default());
            let clerk = Clerk::start(Start { config, id, timeout, inbox: Arc::clone(&inbox), tell, metrics });
            Self { clerk, inbox, member, n_rebuilt }
        }

        fn n_rebuilt(&self) -> usize {
            self.n_rebuilt.load(Ordering::Relaxed)
        }

        fn answer(&self) -> Result<Answer, String> {
            let until = Instant::now() + Duration::from_secs(20);
            while Instant::now() < until {
                if let Some(answer) = self.inbox.take_answer() {
                    return Ok(answer);
                }
                self.inbox.wait(Duration::from_millis(10));
            }
            Err("no answer".to_owned())
        }

        fn ask_commit(&self) -> Result<(), String> {
            let producer = self.clerk.producer().ok_or("no producer")?;
            let record = BaseRecord::<[u8], [u8], usize>::with_opaque_to("out", 0).partition(0).payload(b"x");
            // Refused where the transaction has failed already, which the commit will tell too.
            drop(producer.send(record));
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset("in", 0, Offset::Offset(1)).unwrap();
            self.clerk.ask(Ask::Commit { offsets, member: Arc::clone(&self.member), since: Instant::now() });
            Ok(())
        }

        fn commit(&self) -> Result<Answer, String> {
            self.ask_commit()?;
            self.answer()
        }
    }
}
