//! Ends transactions, on a thread of its own, so that the next batch is scanned meanwhile.
//!
//! One question at a time: commit this, or abort. One answer to each: committed, or aborted, or given up. What happens in
//! between is the clerk's: it asks again where the library says so, aborts where it says so, and makes a new producer where
//! the old one is of no use any more. After every answer but the last a transaction is open again.

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

pub(super) type Transactional = ThreadedProducer<Writer>;

/// The member's end.
pub(super) struct Clerk {
    asks: Mutex<mpsc::Sender<Ask>>,
    producer: Arc<Mutex<Option<Transactional>>>,
    is_ending: Arc<AtomicBool>,
}

impl Clerk {
    /// Begins; the first answer says whether a transaction is open.
    pub(super) fn start(
        config: ClientConfig,
        id: String,
        timeout: Duration,
        inbox: Arc<Inbox>,
        tell: Tell,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (asks, questions) = mpsc::channel();
        let producer = Arc::new(Mutex::new(None));
        let is_ending = Arc::new(AtomicBool::new(false));
        let mut desk = Desk {
            config,
            id,
            timeout,
            inbox,
            tell,
            metrics,
            slot: Arc::clone(&producer),
            producer: None,
            is_ending: Arc::clone(&is_ending),
            built: VecDeque::new(),
            fenced: VecDeque::new(),
        };
        std::thread::spawn(move || {
            let first = desk.rebuild();
            desk.inbox.answer(first);
            while let Ok(ask) = questions.recv() {
                let answer = desk.serve(ask);
                let is_dead = matches!(answer, Answer::Dead(_));
                desk.inbox.answer(answer);
                if is_dead {
                    break;
                }
            }
        });
        Self { asks: Mutex::new(asks), producer, is_ending }
    }

    pub(super) fn ask(&self, ask: Ask) {
        // Nobody listens after the last answer, which said so.
        let _ = lock(&self.asks).send(ask);
    }

    /// Returns the producer with the open transaction.
    pub(super) fn producer(&self) -> Option<Transactional> {
        lock(&self.producer).clone()
    }

    /// Stops asking again and again.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }
}

struct Desk {
    config: ClientConfig,
    id: String,
    /// Of a transaction, as the brokers know it.
    timeout: Duration,
    inbox: Arc<Inbox>,
    tell: Tell,
    metrics: Arc<Metrics>,
    slot: Arc<Mutex<Option<Transactional>>>,
    producer: Option<(Transactional, Arc<AtomicBool>)>,
    is_ending: Arc<AtomicBool>,
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
                    self.inbox.unspoil();
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
        let until = Instant::now() + self.timeout * 2;
        loop {
            self.until_done(|| producer.send_offsets_to_transaction(offsets, member, TRY))?;
            // The library's own wait wakes up ten times a second when acknowledgements are not reported one by one.
            let round = Instant::now() + TRY;
            while producer.in_flight_count() > 0 && Instant::now() < round && !self.inbox.is_spoiled() {
                std::thread::sleep(Duration::from_millis(1));
            }
            if self.inbox.is_spoiled() {
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
        let until = Instant::now() + self.timeout * 2;
        loop {
            let Err(err) = act() else { return Ok(()) };
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

    fn warn(&self, why: &str) {
        (self.tell)(&Event::Aborting { why });
    }

    fn renew(&mut self, triage: Triage, since: Instant) -> Answer {
        match triage {
            Triage::Stop => return self.dead(),
            // Older than its time: the brokers gave it up. Younger: somebody took our name.
            Triage::Rebuild { fenced: true } if since.elapsed() < self.timeout => {
                let now = Instant::now();
                self.fenced.push_back(now);
                self.fenced.retain(|at| now.duration_since(*at) < FENCED);
                if self.fenced.len() >= 2 {
                    return Answer::Dead(StreamError::new(
                        format!("another process uses the transactional id {}", self.id),
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
            format!("the transactional id {} cannot be used", self.id),
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
            self.metrics.observe(Fact::Rebuilt);
            (self.tell)(&Event::Rebuilt);
        }
        let is_retired = Arc::new(AtomicBool::new(false));
        let context = Writer {
            inbox: Arc::clone(&self.inbox),
            tell: Arc::clone(&self.tell),
            is_transactional: true,
            is_retired: Arc::clone(&is_retired),
        };
        let producer: Transactional = match self.config.create_with_context(context) {
            Ok(producer) => producer,
            Err(err) => return Answer::Dead(super::setting(&err)),
        };
        loop {
            let Err(err) = producer.init_transactions(TRY) else { break };
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
        self.inbox.unspoil();
        *lock(&self.slot) = Some(producer.clone());
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

    /// Commits a record while requests are refused once; returns what is heard, or what was wrong afterwards.
    fn refuse(
        cluster: &MockCluster<'static, rdkafka::producer::DefaultProducerContext>,
        number: usize,
        api: Api,
        code: Code,
    ) -> Result<Heard, String> {
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
        let answer = || {
            let until = Instant::now() + Duration::from_secs(20);
            while Instant::now() < until {
                if let Some(answer) = inbox.take_answer() {
                    return Ok(answer);
                }
                inbox.wait(Duration::from_millis(10));
            }
            Err("no answer".to_owned())
        };
        let refuse = || cluster.request_errors(api, &[code]);
        let is_at_start = api == Api::InitProducerId;
        if is_at_start {
            refuse();
        }
        let timeout = Duration::from_secs(10);
        let clerk = Clerk::start(config, id, timeout, Arc::clone(&inbox), tell, Arc::new(Metrics::default()));
        if let Answer::Dead(_) = answer()? {
            return Ok(Heard::Dead);
        }
        let commit = || {
            let producer = clerk.producer().ok_or("no producer")?;
            let record = BaseRecord::<[u8], [u8], usize>::with_opaque_to("out", 0).partition(0).payload(b"x");
            // Refused where the transaction has failed already, which the commit will tell too.
            drop(producer.send(record));
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset("in", 0, Offset::Offset(1)).unwrap();
            clerk.ask(Ask::Commit { offsets, member: Arc::clone(&member), since: Instant::now() });
            answer()
        };
        if !is_at_start {
            refuse();
        }
        let first = commit()?;
        cluster.clear_request_errors(api);
        let n_rebuilt = n_rebuilt.load(Ordering::Relaxed);
        let heard = match (first, n_rebuilt) {
            (Answer::Dead(_), 0) => return Ok(Heard::Dead),
            (Answer::Committed, 0) => Heard::Committed,
            (Answer::Aborted(Doubt::Certain), 0) => Heard::Aborted,
            (Answer::Aborted(Doubt::InDoubt), 1) => Heard::Rebuilt,
            (first, n) => return Err(format!("{first:?} after {n} new producers")),
        };
        match commit()? {
            Answer::Committed => Ok(heard),
            other => Err(format!("{heard:?}, and then {other:?}")),
        }
    }
}
