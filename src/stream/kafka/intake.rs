//! What comes in: polls the consumer, lets records wait for their turn, and takes them.

use super::super::machine::{Partition, Taken};
use super::super::turns::{Turns, Waiting};
use super::super::{StreamError, Tell, event::Event};
use super::{IDLE, Member, code, lock};
use crate::metrics::Fact;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A record that was taken.
pub(super) struct Got<'c> {
    pub(super) taken: Taken,
    /// The number of its topic.
    pub(super) topic: u16,
    pub(super) message: BorrowedMessage<'c>,
}

/// Records on their way from the consumer to a batch.
pub(super) struct Intake<'c> {
    consumer: &'c BaseConsumer<Member>,
    tell: Tell,
    turns: Turns<BorrowedMessage<'c>>,
    /// The topic that the last record came from.
    topic: (String, u16),
    /// How long a batch waits for more.
    wait: Duration,
    clock: Instant,
}

impl<'c> Intake<'c> {
    /// Makes one with room for so many bytes that wait.
    pub(super) fn new(consumer: &'c BaseConsumer<Member>, tell: &Tell, most: usize, wait: Duration) -> Self {
        Self {
            consumer,
            tell: Arc::clone(tell),
            turns: Turns::new(most),
            topic: (String::new(), 0),
            wait,
            clock: Instant::now(),
        }
    }

    fn member(&self) -> &'c Member {
        self.consumer.context()
    }

    /// Polls once; returns whether a record came.
    pub(super) fn poll(&mut self, most: Duration) -> bool {
        self.poll_at(most, self.now_ms())
    }

    fn poll_at(&mut self, most: Duration, now_ms: u64) -> bool {
        match self.consumer.poll(most) {
            None => false,
            Some(Ok(message)) => {
                if message.topic() != self.topic.0 {
                    self.topic = (message.topic().to_owned(), self.member().topic(message.topic()));
                }
                let partition = Partition { topic: self.topic.1, number: message.partition() };
                let reading = self.member().machine().reading(partition);
                if let Some(reading) = reading {
                    let n_bytes = message.payload_len() + message.key_len();
                    self.turns.push(partition, reading, n_bytes, message, now_ms);
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
    pub(super) fn collect(&mut self, most: usize, most_bytes: usize, batch: &mut Vec<Got<'c>>) {
        if self.turns.is_empty() {
            let is_idle = self.member().machine().n_unsettled() == 0;
            self.poll(if is_idle { IDLE } else { Duration::from_millis(5) });
        }
        let began = Instant::now();
        let mut n_bytes = 0;
        loop {
            self.fill();
            n_bytes += self.take(most, most_bytes.saturating_sub(n_bytes), batch);
            if batch.len() >= most || n_bytes >= most_bytes {
                break;
            }
            let left = self.wait.saturating_sub(began.elapsed());
            if batch.is_empty() || left.is_zero() || !self.poll(left) {
                break;
            }
        }
        self.let_in();
    }

    /// Takes those whose turn it is; returns how many bytes they are.
    fn take(&mut self, most: usize, most_bytes: usize, batch: &mut Vec<Got<'c>>) -> usize {
        let member = self.member();
        if lock(&member.fault).is_some() {
            return 0;
        }
        let mut n_bytes = 0;
        let mut oldest = i64::MAX;
        let mut machine = member.machine();
        while batch.len() < most && n_bytes < most_bytes {
            let Some((partition, Waiting { record: message, reading, .. })) = self.turns.pop() else { break };
            let n = message.payload_len() + message.key_len();
            if let Some(taken) = machine.take(reading, message.offset(), n) {
                n_bytes += n;
                oldest = oldest.min(message.timestamp().to_millis().unwrap_or(i64::MAX));
                batch.push(Got { taken, topic: partition.topic, message });
            }
        }
        drop(machine);
        if oldest < i64::MAX {
            member.oldest_ms.store(oldest, Ordering::Relaxed);
        }
        n_bytes
    }

    /// Lets in what is fetched, while there is room; and who takes the room from the others is held back.
    fn fill(&mut self) {
        let now_ms = self.now_ms();
        loop {
            while self.turns.has_room() && self.poll_at(Duration::ZERO, now_ms) {}
            if self.turns.has_room() || self.is_paused() {
                return;
            }
            let held = {
                let behind = lock(&self.member().behind);
                self.turns.hold_back(|partition| behind.get(&partition).copied().unwrap_or(0), now_ms)
            };
            if held.is_empty() {
                return;
            }
            // Fails where a partition was taken away in the meantime, which is then no loss.
            drop(self.consumer.pause(&self.member().list(&unread(&held))));
            self.member().metrics.observe(Fact::HeldBack { n_partitions: held.len() });
        }
    }

    /// Fetches partitions again that were held back.
    fn let_in(&mut self) {
        if self.is_paused() {
            return;
        }
        let free = self.turns.let_in();
        if !free.is_empty() {
            // Fails likewise.
            drop(self.consumer.resume(&self.member().list(&unread(&free))));
        }
    }

    /// Returns whether nothing is fetched at all.
    fn is_paused(&self) -> bool {
        self.member().machine().is_paused()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn unread(partitions: &[Partition]) -> Vec<(Partition, i64)> {
    partitions.iter().map(|partition| (*partition, -1)).collect()
}
