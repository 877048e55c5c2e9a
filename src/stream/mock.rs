//! A cluster inside this process, and clients for made-up traffic: for the demo, for tests and benches.
//!
//! The cluster is the client library's own. It listens on loopback without any password, keeps about 5 MiB a partition,
//! and takes three seconds to let a group begin. Nothing real belongs there.

use super::StreamError;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// A cluster that lives as long as this value.
pub struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Mock {
    /// Starts a cluster on free ports of loopback.
    ///
    /// # Errors
    /// No port, or no memory.
    pub fn start(n_brokers: i32) -> Result<Self, StreamError> {
        let cluster = MockCluster::new(n_brokers).map_err(|err| fault("the cluster cannot start", &err))?;
        Ok(Self { cluster })
    }

    /// Returns hosts and ports.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// It is there already.
    pub fn topic(&self, name: &str, n_partitions: i32) -> Result<(), StreamError> {
        self.cluster.create_topic(name, n_partitions, 1).map_err(|err| fault("no topic", &err))
    }
}

/// A record, as it is written or was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Of the topic.
    pub partition: i32,
    /// Given by the broker.
    pub offset: i64,
    /// Milliseconds since 1970; nothing where the broker has none.
    pub time_ms: Option<i64>,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// Names and values.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Writes made-up records.
pub struct Source {
    producer: BaseProducer<Silent>,
}

impl Source {
    /// Makes a client.
    ///
    /// # Errors
    /// No client can be made.
    pub fn new(bootstrap_servers: &str) -> Result<Self, StreamError> {
        let producer = config(bootstrap_servers)
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("enable.idempotence", "true")
            .create_with_context(Silent)
            .map_err(|err| fault("no producer", &err))?;
        Ok(Self { producer })
    }

    /// Makes sure that a topic is there, where the cluster makes topics that are asked for; returns its partitions.
    ///
    /// # Errors
    /// It does not come into being.
    pub fn ensure(&self, topic: &str) -> Result<usize, StreamError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let metadata = self.producer.client().fetch_metadata(Some(topic), Duration::from_secs(10));
            let n = metadata.as_ref().ok().and_then(|metadata| metadata.topics().first()).map_or(0, |topic| {
                if topic.error().is_some() || topic.partitions().iter().any(|part| part.leader() < 0) {
                    0
                } else {
                    topic.partitions().len()
                }
            });
            if n > 0 {
                return Ok(n);
            }
            if Instant::now() > deadline {
                return Err(StreamError::new(format!("no topic {topic}"), "is the cluster up?"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Writes a record to its partition.
    ///
    /// # Errors
    /// It is too long, or the topic is not there.
    pub fn write(&self, topic: &str, record: &Traffic) -> Result<(), StreamError> {
        let mut headers = OwnedHeaders::new();
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        let mut unsent: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(record.partition).headers(headers);
        unsent.payload = record.value.as_deref();
        unsent.key = record.key.as_deref();
        unsent.timestamp = record.time_ms;
        loop {
            match self.producer.send(unsent) {
                Ok(()) => return Ok(()),
                Err((err, again)) if err.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                    self.producer.poll(Duration::from_millis(10));
                    unsent = again;
                }
                Err((err, _)) => return Err(fault("a record cannot be written", &err)),
            }
        }
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// It takes longer than a minute.
    pub fn flush(&self) -> Result<(), StreamError> {
        self.producer.flush(Duration::from_secs(60)).map_err(|err| fault("records cannot be written", &err))
    }
}

/// Reads a topic from its beginning.
pub struct Sink {
    consumer: BaseConsumer<Silent>,
}

impl Sink {
    /// Makes a client that reads all partitions of a topic.
    ///
    /// # Errors
    /// No client can be made, or there is no such topic.
    pub fn new(bootstrap_servers: &str, topic: &str) -> Result<Self, StreamError> {
        let consumer: BaseConsumer<Silent> = config(bootstrap_servers)
            .set("group.id", "efface-sink")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "20")
            .create_with_context(Silent)
            .map_err(|err| fault("no consumer", &err))?;
        let metadata = consumer
            .fetch_metadata(Some(topic), Duration::from_secs(10))
            .map_err(|err| fault("the cluster does not answer", &err))?;
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics().first().map(rdkafka::metadata::MetadataTopic::partitions).unwrap_or_default()
        {
            list.add_partition_offset(topic, partition.id(), Offset::Beginning)
                .map_err(|err| fault("no offset", &err))?;
        }
        consumer.assign(&list).map_err(|err| fault("no such topic", &err))?;
        Ok(Self { consumer })
    }

    /// Returns the next record, waiting a while for it.
    pub fn next(&mut self, wait: Duration) -> Option<Traffic> {
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.consumer.poll(left) {
                Some(Ok(message)) => {
                    let headers = message.headers().map_or_else(Vec::new, |headers| {
                        let own = |header: Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
                        headers.iter().map(own).collect()
                    });
                    return Some(Traffic {
                        partition: message.partition(),
                        offset: message.offset(),
                        time_ms: message.timestamp().to_millis(),
                        key: message.key().map(<[u8]>::to_vec),
                        value: message.payload().map(<[u8]>::to_vec),
                        headers,
                    });
                }
                _ if left.is_zero() => return None,
                _ => {}
            }
        }
    }
}

struct Silent;

impl ClientContext for Silent {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Silent {}

impl rdkafka::producer::ProducerContext for Silent {
    type DeliveryOpaque = ();
    fn delivery(&self, _: &rdkafka::message::DeliveryResult<'_>, (): ()) {}
}

fn config(bootstrap_servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap_servers);
    config.set_log_level(RDKafkaLogLevel::Error);
    config
}

fn fault(what: &str, err: &KafkaError) -> StreamError {
    let code = err.rdkafka_error_code().map_or_else(|| "client error".to_owned(), |code| code.to_string());
    StreamError::new(format!("{what}: {code}"), "is the cluster up?")
}
