//! Kafka in, redacted lanes out.
//!
//! A stream is a member of a consumer group. It reads topics of raw messages and writes each record to every lane, by the
//! lane's policy; what cannot be handled goes to a quarantine, as coordinates and a reason. Every record is out at least
//! once, whatever ends the process. `docs/stream.md` tells what an operator needs to know.
//!
//! ```text
//!             ┌───────────── one thread ─────────────┐
//! poll ─▶ Machine::take ─▶ batch ─▶ rewrite (rayon) ─▶ Machine::begin ─▶ send ─▶ brokers
//!                             ▲                                                   │
//!  commit ◀─ low watermark ◀─ Machine::acked ◀────────── acknowledgements ◀───────┘
//! ```
//!
//! The room knows no rules: [`crate::redact`] rewrites. What may be committed is decided in `machine`, which is pure;
//! `kafka` and `mock` alone talk to the client library.

mod cluster;
mod config;
mod event;
mod kafka;
mod lanes;
mod machine;
pub mod mock;
pub mod sample;
mod stall;
mod turns;
mod worker;

pub use cluster::Cluster;
pub use config::{
    Config, ConfigError, Envelope, Guarantee, Input, Kafka, Key, KeysConfig, LaneConfig, Layout, Limits, TenantFrom,
};
pub use event::{Event, Start, StartLane};
pub use kafka::expects_panic;
pub use lanes::{LanePlan, POLICY_HEADER, SOURCE_HEADER, Shape, VERSION_HEADER};
pub use machine::{
    Bounds, Command, Doubt, Machine, Mode, Partition, Place, Progress, Reading, Refusal, Room, Taken, Verdict,
};

use crate::crypt::{KeyConfig, KeySource, Keys, Tokenizer, TokenizerConfig};
use crate::entity::nearest;
use crate::metrics::Metrics;
use crate::policy::{Alerts, Policy, Reversal, Source};
use crate::profile::{self, Profiles};
use crate::redact::{self, BuildError, Options, Redactor, Tenant};
use crate::rules::RuleSet;
use crate::scan::{NameBook, ScanConfig, Scanner};
use crate::tally::Tally;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use worker::{Work, Worker};

/// What keeps a stream from starting, or ends it.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n  hint: {hint}")]
#[non_exhaustive]
pub struct StreamError {
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub hint: String,
}

impl StreamError {
    fn new(what: String, hint: impl Into<String>) -> Self {
        Self { what, hint: hint.into() }
    }
}

/// Where events go.
pub type Tell = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// A stream, ready to run.
pub struct Job {
    config: Config,
    properties: Properties,
    worker: Worker,
    /// Our name among the processes of the group.
    instance: Option<String>,
    /// The names of the entities, in the order of their numbers.
    entities: Vec<String>,
    n_rules: usize,
    n_threads: usize,
}

/// Settings of the client library with secrets in them.
struct Properties {
    both: Vec<(String, String)>,
    consumer: Vec<(String, String)>,
    producer: Vec<(String, String)>,
}

/// Asks a running stream to stop, and tells how far it is.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    n_done: AtomicU64,
    n_quarantined: AtomicU64,
    tally: Mutex<Tally>,
    metrics: Arc<Metrics>,
}

impl AsRef<Metrics> for Control {
    fn as_ref(&self) -> &Metrics {
        &self.metrics
    }
}

/// How a stream ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Everything that was taken is out, acknowledged and committed.
    pub is_drained: bool,
    /// What became of the records.
    pub progress: Progress,
}

impl Control {
    /// Asks the stream to finish what is under way and end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Returns whether the end was asked for.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Returns how many records are acknowledged on every lane.
    #[must_use]
    pub fn n_done(&self) -> u64 {
        self.n_done.load(Ordering::Relaxed)
    }

    /// Returns how many records are in quarantine.
    #[must_use]
    pub fn n_quarantined(&self) -> u64 {
        self.n_quarantined.load(Ordering::Relaxed)
    }

    /// Returns what is counted and measured.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Returns what was found so far. A record that is read twice counts twice.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn progress(&self, from: Progress, to: Progress) {
        let (n_done, n_quarantined) = (to.n_done - from.n_done, to.n_quarantined - from.n_quarantined);
        if n_done + n_quarantined > 0 {
            self.metrics.records(n_done, n_quarantined);
        }
        self.n_done.fetch_add(n_done, Ordering::Relaxed);
        self.n_quarantined.fetch_add(n_quarantined, Ordering::Relaxed);
    }

    fn add(&self, tally: &Tally) {
        self.metrics.token_like(tally.n_token_like);
        tally.alerts().for_each(|(category, n)| self.metrics.alerts(category, n));
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).add(tally);
    }
}

impl Job {
    /// Makes a stream of a configuration: reads policies and secrets, builds the scanner. `env` looks a variable up.
    ///
    /// # Errors
    /// A policy or a secret that is not there or not right.
    pub fn build(config: Config, rules: &RuleSet, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, StreamError> {
        let mut lanes = Vec::new();
        let mut plans = Vec::new();
        let mut min_score: Option<u16> = None;
        let mut alerts: Option<Alerts> = None;
        let default = ScanConfig::default();
        for lane in &config.lanes {
            let source = policy(&config, lane)?;
            let policy = Policy::compile(&source, rules.entities()).map_err(|err| told(&err))?;
            let Some(found) = policy.lane(&lane.name) else {
                let names: Vec<&str> = policy.lanes().iter().map(crate::policy::Lane::name).collect();
                return Err(StreamError::new(
                    format!(
                        "{}:{}: the policy {} has no lane {}",
                        config.file, lane.policy_line, lane.policy, lane.name
                    ),
                    format!("lanes of this policy: {}", names.join(", ")),
                ));
            };
            // One scan serves all: the lowest score that any policy wants.
            let score = policy.min_score().unwrap_or(default.min_score);
            min_score = Some(min_score.map_or(score, |least| least.min(score)));
            if let Some(own) = policy.alerts() {
                // What any policy wants told is told.
                let all = alerts.get_or_insert_with(|| own.clone());
                all.categories.extend(own.categories.iter().copied());
                all.categories.sort_unstable();
                all.categories.dedup();
                all.minor_age = all.minor_age.max(own.minor_age);
            }
            plans.push(LanePlan {
                name: lane.name.clone(),
                topic: lane.topic.clone(),
                shape: if found.reversal() == Reversal::Allowed { Shape::Traced } else { Shape::Unlinked },
                key: lane.key,
                headers: lane.headers.clone(),
                policy_hash: hash(&source.text),
                class: found.class(),
            });
            lanes.push(found.clone());
        }
        let limits = config.limits.record;
        let n_threads =
            config.limits.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let scan = ScanConfig { min_score: min_score.unwrap_or(default.min_score), limits };
        let scanner = Scanner::build_on(rules, scan, n_threads)
            .map_err(|err| StreamError::new(err.to_string(), "efface rules test"))?;
        let tokenizer = tokenizer(&config, env)?;
        let profiles = profiles(&config, rules)?;
        let knows_tenant = profiles.as_ref().is_some_and(|profiles| profiles.tells(profile::Mark::Tenant));
        if config.input.tenant == Some(TenantFrom::Profile) && !knows_tenant {
            return Err(StreamError::new(
                format!(
                    "{}:{}: the envelope {} does not say whose a record is",
                    config.file,
                    config.input.envelope_line,
                    config.input.envelope_name()
                ),
                "input.tenant = { header = \"tenant\" }, or a profile whose [record] names a tenant",
            ));
        }
        let options = Options {
            tokenizer: tokenizer.clone(),
            tenant: match &config.input.tenant {
                None => Tenant::None,
                Some(TenantFrom::Fixed(name)) => Tenant::Fixed(name.clone()),
                Some(TenantFrom::Field(pointer)) => Tenant::Field(pointer.clone()),
                Some(TenantFrom::Profile) => Tenant::Profile,
                Some(TenantFrom::Header(_) | TenantFrom::Topic) => Tenant::Given,
            },
            profiles: profiles.map(Arc::new),
            conversation_field: config.input.conversation.clone(),
            subject_field: config.input.subject.clone(),
            name_fields: config.input.name_fields.clone(),
            book: book(&config)?,
            alerts,
            // People wrote it: what looks like a token there is none of ours.
            input: redact::Input::Raw,
            regions: config.input.region.into_iter().collect(),
            region_field: config.input.region_field.clone(),
            limits,
            ..Options::default()
        };
        let entities = rules.entities().iter().map(|entity| entity.name.as_str().to_owned()).collect();
        let redactor = Redactor::build(scanner, rules, lanes, &options).map_err(|err| match err {
            BuildError::NoKey { lane } => StreamError::new(
                format!("the policy writes tokens on the lane {lane}, and there is no key"),
                "add  [keys]  with  root = \"file:root.key\"; docs/keys.md says how to make one",
            ),
            BuildError::NoTenant { lane } => StreamError::new(
                format!("the policy writes tokens on the lane {lane}, and nobody says whose the records are"),
                "input.tenant = { header = \"tenant\" }, or { name = \"default\" } where there is one tenant",
            ),
            BuildError::NoConversation { lane } => StreamError::new(
                format!(
                    "the policy writes codes of conversations on the lane {lane}, and nobody says which conversation a record is of"
                ),
                "input.conversation = { field = \"/conversation/id\" }, or an envelope that knows it: input.envelope = \"auto\"",
            ),
            err => told(&err),
        })?;
        let secrets = |table: &std::collections::BTreeMap<String, String>| {
            let read = |(name, value): (&String, &String)| Ok((name.clone(), config.secret(name, value, env)?));
            table.iter().map(read).collect::<Result<Vec<_>, ConfigError>>().map_err(|err| told(&err))
        };
        let properties = Properties {
            both: secrets(&config.kafka.properties)?,
            consumer: secrets(&config.kafka.consumer)?,
            producer: secrets(&config.kafka.producer)?,
        };
        let work = Work::Redact { redactor: Box::new(redactor), tokenizer };
        let worker = Worker::new(work, &config.input, plans);
        let instance = config.kafka.instance.as_deref();
        let instance = instance.map(|name| config.secret("kafka.instance", name, env)).transpose();
        let instance = instance.map_err(|err| told(&err))?;
        if let Some(name) = &instance {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            if name.is_empty() || name.len() > 200 || !name.bytes().all(legal) {
                return Err(StreamError::new(
                    format!("{}: kafka.instance is no name", config.file),
                    "letters, digits, dots, dashes, underscores; stable over restarts, such as that of a pod of a StatefulSet",
                ));
            }
        }
        Ok(Self { config, properties, worker, instance, entities, n_rules: rules.rules().len(), n_threads })
    }

    /// Returns what the stream will do.
    #[must_use]
    pub fn start(&self) -> Start<'_> {
        Start {
            version: env!("CARGO_PKG_VERSION"),
            bootstrap_servers: &self.config.kafka.bootstrap_servers,
            group_id: &self.config.kafka.group_id,
            guarantee: self.config.kafka.guarantee.name(),
            topics: &self.config.input.topics,
            envelope: self.config.input.envelope_name(),
            lanes: self
                .config
                .lanes
                .iter()
                .zip(self.worker.lanes())
                .map(|(lane, plan)| StartLane {
                    lane: &lane.name,
                    topic: &lane.topic,
                    policy: &lane.policy,
                    policy_hash: &plan.policy_hash,
                    key: lane.key.name(),
                })
                .collect(),
            quarantine: &self.config.quarantine,
            n_rules: self.n_rules,
            n_threads: self.n_threads,
            replay_records: self.config.limits.bounds.replay_records,
        }
    }

    /// Returns where metrics and health are to be told.
    #[must_use]
    pub const fn listen(&self) -> Option<std::net::SocketAddr> {
        self.config.listen
    }

    /// Returns how long a stop may take before it must be taken for hung.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        Duration::from_millis(self.config.limits.drain_ms + 12_000)
    }

    /// Asks the cluster for the topics of the stream and returns the inputs that are there.
    ///
    /// # Errors
    /// The cluster does not answer, a topic is missing, an output is read, or has too few partitions.
    pub fn check(&self) -> Result<Vec<String>, StreamError> {
        kafka::cluster(self)?.check(&self.config, self.worker.lanes())
    }

    /// Runs until [`Control::stop`], or until something is wrong that will not pass.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and outputs that the cluster refuses again and again. What was acknowledged by then
    /// is committed.
    pub fn run(&self, control: &Control, tell: &Tell) -> Result<Outcome, StreamError> {
        kafka::run(self, control, tell)
    }

    /// Makes the stream pass everything through unread: the yardstick of benches, and no way to use it.
    #[doc(hidden)]
    #[must_use]
    pub fn pass_through_for_bench(mut self) -> Self {
        self.worker = Worker::new(Work::PassThrough, &self.config.input, self.worker.lanes().to_vec());
        self
    }
}

fn policy(config: &Config, lane: &LaneConfig) -> Result<Source, StreamError> {
    if let Some(source) = Source::builtin(&lane.policy) {
        return Ok(source);
    }
    let path = config.folder.join(Path::new(&lane.policy));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Source { name: path.display().to_string(), text }),
        Err(err) => {
            let names: Vec<&str> = Source::builtin_names().collect();
            Err(StreamError::new(
                format!("{}:{}: the policy {} cannot be read: {err}", config.file, lane.policy_line, lane.policy),
                format!("a file, as seen from the configuration, or one of: {}", names.join(", ")),
            ))
        }
    }
}

/// Reads what `input.envelope` names.
fn profiles(config: &Config, rules: &RuleSet) -> Result<Option<Profiles>, StreamError> {
    let name = match &config.input.envelope {
        Envelope::None => return Ok(None),
        Envelope::Auto => return Profiles::auto(rules.entities()).map(Some).map_err(|err| told(&err)),
        Envelope::Profile(name) => name,
    };
    let source = match profile::Source::builtin(name) {
        Some(source) => source,
        None => {
            let path = config.folder.join(name);
            let at = format!("{}:{}", config.file, config.input.envelope_line);
            match std::fs::read_to_string(&path) {
                Ok(text) => profile::Source { name: path.display().to_string(), text },
                Err(err) if path.exists() => {
                    let hint = "a profile that this process may read";
                    return Err(StreamError::new(format!("{at}: the envelope {name} cannot be read: {err}"), hint));
                }
                Err(_) => {
                    let names = || profile::Source::builtin_names().chain(["auto", "none", "json", "text"]);
                    let hint = match nearest(name, names()) {
                        Some(meant) => format!("did you mean {meant}?"),
                        None => format!(
                            "a file, as seen from the configuration, or one of: {}",
                            names().collect::<Vec<_>>().join(", ")
                        ),
                    };
                    return Err(StreamError::new(format!("{at}: no such envelope: {name}"), hint));
                }
            }
        }
    };
    Profiles::fixed(&source, rules.entities()).map(Some).map_err(|err| told(&err))
}

/// Reads the names that `input.names` lists.
fn book(config: &Config) -> Result<Option<Arc<NameBook>>, StreamError> {
    let Some(file) = &config.input.names else { return Ok(None) };
    let fault = |what: String, hint: &str| StreamError::new(format!("{}: input.names.file: {what}", config.file), hint);
    let text = std::fs::read_to_string(config.folder.join(file))
        .map_err(|err| fault(format!("{file} cannot be read: {err}"), "UTF-8, one name on a line"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let book = NameBook::build(names).map_err(|err| fault(err.to_string(), "fewer names"))?;
    if book.is_empty() {
        return Err(fault(format!("no name in {file}"), "one name on a line"));
    }
    Ok(Some(Arc::new(book)))
}

/// Reads the root key and derives from it.
fn tokenizer(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Arc<Tokenizer>>, StreamError> {
    let Some(keys) = &config.keys else { return Ok(None) };
    let root = match keys.root.strip_prefix("file:") {
        Some(path) => format!("file:{}", config.folder.join(path).display()),
        None => keys.root.clone(),
    };
    let root =
        KeySource::parse(&root).and_then(|source| source.read(|name| env(name).map(Into::into))).map_err(|err| {
            StreamError::new(format!("{}: keys.root: {err}", config.file), "docs/keys.md says how to make one")
        })?;
    let mut derived = KeyConfig::default();
    if let Some(environment) = &keys.environment {
        environment.clone_into(&mut derived.environment);
    }
    let keys = Keys::build(&root, derived)
        .map_err(|err| StreamError::new(format!("{}: keys.environment: {err}", config.file), "a short name"))?;
    // Only has to keep messages from meeting in a cache on purpose; the standard library seeds its tables from the system.
    let half = || RandomState::new().build_hasher().finish();
    let cache_key = (u128::from(half()) << 64 | u128::from(half())).to_le_bytes();
    Ok(Some(Arc::new(Tokenizer::new(keys, TokenizerConfig::default(), cache_key))))
}

fn hash(text: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()).iter().take(8) {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Takes over an error that ends in a hint.
fn told(err: &dyn std::error::Error) -> StreamError {
    let text = err.to_string();
    match text.split_once("\n  hint: ") {
        Some((what, hint)) => StreamError::new(what.to_owned(), hint),
        None => StreamError::new(text, "docs/stream.md"),
    }
}
