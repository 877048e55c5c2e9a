//! What a stream counts and measures, for machines to read; and whether it is alive.
//!
//! Everything has a name that begins with `efface_` and a unit at its end. Labels are words of closed lists and of the
//! configuration: entities, lanes, operators, reasons. Nothing of a record can become a label: there is no function that
//! takes one.
//!
//! ```text
//! stream ─▶ Metrics::observe(Fact) ─▶ counters ◀─ Server ◀─ GET /metrics
//! ```

mod server;

pub use server::{Server, ServerError};

use crate::tally::Category;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Labels = Vec<(&'static str, String)>;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// A batch was scanned.
    Scanned {
        /// Records of it.
        n_records: usize,
        /// How long it took.
        took: Duration,
    },
    /// Offsets or a transaction were committed, or not.
    Ended {
        /// What became of it.
        end: End,
        /// From the first record written to the answer.
        took: Duration,
    },
    /// Nothing could be taken for so long.
    Waited(Duration),
    /// A producer was replaced.
    Rebuilt,
    /// Partitions came or went.
    Rebalanced {
        /// How many more there are; fewer where negative.
        change: i64,
    },
    /// A partition that stood still was read again.
    Stalled,
    /// A partition was read again from its last commit.
    Rewound,
    /// Partitions that were far behind were paused, so that those that were not get in.
    HeldBack {
        /// How many.
        n_partitions: usize,
    },
}

/// What became of a transaction, or of a commit of offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is committed.
    Committed,
    /// It is not.
    Aborted,
    /// Nobody knows; the cluster is asked.
    InDoubt,
}

impl End {
    const fn word(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Aborted => "aborted",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// A counter that somebody else counts on.
pub type Count = Counter;

/// Everything that is counted and measured.
pub struct Metrics {
    registry: Registry,
    records: Family<Labels, Counter>,
    quarantined: Family<Labels, Counter>,
    detections: Family<Labels, Counter>,
    alerts: Family<Labels, Counter>,
    token_like: Counter,
    ends: Family<Labels, Counter>,
    rebuilds: Counter,
    rebalances: Counter,
    stalls: Counter,
    rewinds: Counter,
    held_back: Counter,
    waited: Counter<f64, AtomicU64>,
    batch_records: Histogram,
    scan: Histogram,
    commit: Histogram,
    partitions: Gauge,
    in_flight: Gauge,
    lag_records: Family<Labels, Gauge>,
    lag_seconds: Family<Labels, Gauge<f64, AtomicU64>>,
    health: Health,
}

/// What is known of the stream's health.
struct Health {
    began: Instant,
    /// Milliseconds since it began, of the last beat of each shard's loop; 0 before the first.
    beats: Vec<AtomicU64>,
    state: AtomicU64,
}

/// Shards whose beat is kept.
const SHARDS: usize = 64;
/// A loop that has not come round for so long is dead. Longer than a slow answer of a broker.
const DEAD: Duration = Duration::from_secs(60);

const STARTED: u64 = 1;
const STOPPING: u64 = 2;

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("efface");
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let metrics = Self {
            records: Family::default(),
            quarantined: Family::default(),
            detections: Family::default(),
            alerts: Family::default(),
            token_like: Counter::default(),
            ends: Family::default(),
            rebuilds: Counter::default(),
            rebalances: Counter::default(),
            stalls: Counter::default(),
            rewinds: Counter::default(),
            held_back: Counter::default(),
            waited: Counter::default(),
            batch_records: Histogram::new(exponential_buckets(1.0, 4.0, 9)),
            scan: seconds(),
            commit: seconds(),
            partitions: Gauge::default(),
            in_flight: Gauge::default(),
            lag_records: Family::default(),
            lag_seconds: Family::default(),
            health: Health {
                began: Instant::now(),
                beats: (0..SHARDS).map(|_| AtomicU64::new(0)).collect(),
                state: AtomicU64::new(0),
            },
            registry: Registry::default(),
        };
        let r = &mut registry;
        r.register("records", "Records that are out on every lane, or in quarantine", metrics.records.clone());
        r.register(
            "quarantined",
            "Records that were quarantined, by reason; again when read again",
            metrics.quarantined.clone(),
        );
        r.register(
            "detections",
            "Places found, by entity, lane and the operator that was applied; again when read again",
            metrics.detections.clone(),
        );
        r.register(
            "alerts",
            "What clients promised not to send, by category; again when read again",
            metrics.alerts.clone(),
        );
        // There before the first: a counter that appears with 1 has not risen.
        for category in Category::ALL {
            drop(metrics.alerts.get_or_create(&vec![("category", category.name().to_owned())]));
        }
        r.register("token_like", "Places of raw input that looked like a token", metrics.token_like.clone());
        r.register("transactions", "Commits, by what became of them", metrics.ends.clone());
        r.register("producers_rebuilt", "Producers that were replaced", metrics.rebuilds.clone());
        r.register("rebalances", "Times that partitions came or went", metrics.rebalances.clone());
        r.register("stalls", "Partitions that stood still and were read again", metrics.stalls.clone());
        r.register("rewinds", "Partitions that were read again from their last commit", metrics.rewinds.clone());
        r.register(
            "held_back",
            "Partitions far behind that were paused so that the others get in",
            metrics.held_back.clone(),
        );
        r.register_with_unit(
            "back_pressure",
            "Time in which nothing could be taken",
            Unit::Seconds,
            metrics.waited.clone(),
        );
        r.register("batch_records", "Records of a batch", metrics.batch_records.clone());
        r.register_with_unit("scan", "Time to scan a batch", Unit::Seconds, metrics.scan.clone());
        r.register_with_unit(
            "commit",
            "Time from the first record written to the answer to its commit",
            Unit::Seconds,
            metrics.commit.clone(),
        );
        r.register("partitions", "Partitions that are ours", metrics.partitions.clone());
        r.register("in_flight_records", "Records taken and not yet final", metrics.in_flight.clone());
        r.register("lag_records", "Records that are written and not yet taken, by shard", metrics.lag_records.clone());
        r.register_with_unit(
            "lag",
            "Age of the oldest record not yet taken, about, by shard",
            Unit::Seconds,
            metrics.lag_seconds.clone(),
        );
        let info: Labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        r.register("build", "What runs", prometheus_client::metrics::info::Info::new(info));
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts or measures something that happened.
    pub fn observe(&self, fact: Fact) {
        match fact {
            #[expect(clippy::cast_precision_loss, reason = "a batch has fewer than 2^52 records")]
            Fact::Scanned { n_records, took } => {
                self.batch_records.observe(n_records as f64);
                self.scan.observe(took.as_secs_f64());
            }
            Fact::Ended { end, took } => {
                self.ends.get_or_create(&vec![("end", end.word().to_owned())]).inc();
                self.commit.observe(took.as_secs_f64());
            }
            Fact::Waited(time) => drop(self.waited.inc_by(time.as_secs_f64())),
            Fact::Rebuilt => drop(self.rebuilds.inc()),
            Fact::Rebalanced { change } => {
                self.rebalances.inc();
                self.partitions.inc_by(change);
            }
            Fact::Stalled => drop(self.stalls.inc()),
            Fact::Rewound => drop(self.rewinds.inc()),
            Fact::HeldBack { n_partitions } => drop(self.held_back.inc_by(n_partitions as u64)),
        }
    }

    /// Counts records that are final.
    pub fn records(&self, n_done: u64, n_quarantined: u64) {
        for (outcome, n) in [("done", n_done), ("quarantined", n_quarantined)] {
            self.records.get_or_create(&vec![("outcome", outcome.to_owned())]).inc_by(n);
        }
    }

    /// Counts a quarantined record. `reason` is a word of a closed list.
    pub fn quarantined(&self, reason: &'static str) {
        self.quarantined.get_or_create(&vec![("reason", reason.to_owned())]).inc();
    }

    /// Returns the counter of an entity's detections on a lane; kept by who counts, because looking it up costs.
    #[must_use]
    pub fn detections(&self, entity: &str, lane: &str, operator: &'static str) -> Count {
        let labels = vec![("entity", entity.to_owned()), ("lane", lane.to_owned()), ("operator", operator.to_owned())];
        self.detections.get_or_create(&labels).clone()
    }

    /// Counts places of raw input that looked like a token.
    pub fn token_like(&self, n: u64) {
        self.token_like.inc_by(n);
    }

    /// Counts what clients promised not to send.
    pub fn alerts(&self, category: Category, n: u64) {
        self.alerts.get_or_create(&vec![("category", category.name().to_owned())]).inc_by(n);
    }

    /// Tells how many records are taken and not yet final.
    pub fn in_flight(&self, n: usize) {
        self.in_flight.set(i64::try_from(n).unwrap_or(i64::MAX));
    }

    /// Tells how far a shard is behind.
    pub fn lag(&self, shard: usize, n_records: i64, seconds: f64) {
        let labels: Labels = vec![("shard", shard.to_string())];
        self.lag_records.get_or_create(&labels).set(n_records);
        self.lag_seconds.get_or_create(&labels).set(seconds);
    }

    /// Hears that a shard's loop came round.
    pub fn beat(&self, shard: usize) {
        let now_ms = u64::try_from(self.health.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(beat) = self.health.beats.get(shard) {
            beat.store(now_ms.max(1), Ordering::Relaxed);
        }
    }

    /// Hears that a shard ended; its loop need not come round any more.
    pub fn ended(&self, shard: usize) {
        if let Some(beat) = self.health.beats.get(shard) {
            beat.store(0, Ordering::Relaxed);
        }
    }

    /// Hears that the stream is a member of its group.
    pub fn started(&self) {
        self.health.state.fetch_or(STARTED, Ordering::Relaxed);
    }

    /// Hears that the end was asked for.
    pub fn stopping(&self) {
        self.health.state.fetch_or(STOPPING, Ordering::Relaxed);
    }

    /// Returns whether every loop came round lately.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let now_ms = u64::try_from(self.health.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let dead_ms = u64::try_from(DEAD.as_millis()).unwrap_or(u64::MAX);
        let mut beats = self.health.beats.iter().map(|beat| beat.load(Ordering::Relaxed));
        beats.all(|beat| beat == 0 || now_ms.saturating_sub(beat) < dead_ms)
    }

    /// Returns whether the stream is a member of its group and works.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.health.state.load(Ordering::Relaxed) == STARTED && self.is_alive()
    }

    /// Returns whether the stream was ever a member of its group.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.health.state.load(Ordering::Relaxed) & STARTED != 0
    }

    /// Returns everything in the OpenMetrics text format, which Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_prefix_and_a_unit() {
        let metrics = Metrics::default();
        metrics.observe(Fact::Scanned { n_records: 10, took: Duration::from_millis(3) });
        metrics.observe(Fact::Ended { end: End::Committed, took: Duration::from_millis(90) });
        metrics.observe(Fact::Waited(Duration::from_millis(500)));
        metrics.records(8, 2);
        metrics.quarantined("broken_json");
        metrics.detections("EMAIL_ADDRESS", "storage", "redact").inc_by(3);
        metrics.alerts(Category::GovId, 2);
        metrics.lag(0, 17, 2.5);
        let text = metrics.text();
        for line in [
            "efface_records_total{outcome=\"quarantined\"} 2",
            "efface_quarantined_total{reason=\"broken_json\"} 1",
            "efface_detections_total{entity=\"EMAIL_ADDRESS\",lane=\"storage\",operator=\"redact\"} 3",
            "efface_transactions_total{end=\"committed\"} 1",
            "efface_back_pressure_seconds_total 0.5",
            "efface_lag_records{shard=\"0\"} 17",
            "efface_lag_seconds{shard=\"0\"} 2.5",
            "efface_alerts_total{category=\"gov_id\"} 2",
            "efface_alerts_total{category=\"minor\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let is_ours = |line: &str| line.starts_with("efface_") || line.starts_with('#');
        assert!(text.lines().all(is_ours), "{text}");
    }

    #[test]
    fn health() {
        let metrics = Metrics::default();
        assert!(metrics.is_alive() && !metrics.is_started() && !metrics.is_ready());
        metrics.beat(0);
        metrics.started();
        assert!(metrics.is_alive() && metrics.is_started() && metrics.is_ready());
        metrics.stopping();
        assert!(metrics.is_alive() && metrics.is_started() && !metrics.is_ready());
    }
}
