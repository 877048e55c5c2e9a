//! Reads the configuration of a stream. Everything that can be wrong with it is told with file, line and hint.

use super::machine::Bounds;
use crate::envelope::{Format, is_form};
use crate::ids::Region;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// What is wrong with a configuration, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {what}\n  hint: {hint}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The configuration.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub hint: String,
}

/// What a stream reads and writes, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, for messages.
    pub file: String,
    /// Where relative paths begin.
    pub folder: PathBuf,
    /// The cluster.
    pub kafka: Kafka,
    /// What is read.
    pub input: Input,
    /// What is written, in the order of the names.
    pub lanes: Vec<LaneConfig>,
    /// The topic for what cannot be handled.
    pub quarantine: String,
    /// The root key, for policies that write tokens.
    pub keys: Option<KeysConfig>,
    /// Bounds.
    pub limits: Limits,
    /// Where metrics and health are told; nowhere where there is none.
    pub listen: Option<SocketAddr>,
}

/// The cluster and our place in it.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// Hosts and ports, with commas between.
    pub bootstrap_servers: String,
    /// The consumer group.
    pub group_id: String,
    /// What holds when a process is killed.
    pub guarantee: Guarantee,
    /// The name of this process among those of the group, the same after every start; may be `env:NAME` or `file:PATH`.
    pub instance: Option<String>,
    /// Consumers in this process, each with a producer of its own.
    pub shards: usize,
    /// Settings of librdkafka for consumer and producer; values may be `env:NAME` or `file:PATH`.
    pub properties: BTreeMap<String, String>,
    /// Settings of the consumer alone.
    pub consumer: BTreeMap<String, String>,
    /// Settings of the producer alone.
    pub producer: BTreeMap<String, String>,
}

/// What holds when a process is killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guarantee {
    /// Nothing is lost; a stretch may be repeated.
    #[default]
    AtLeastOnce,
    /// Who reads what is committed sees every record once.
    ExactlyOnce,
}

impl Guarantee {
    /// Returns the name that configurations use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at_least_once",
            Self::ExactlyOnce => "exactly_once",
        }
    }
}

/// How a record's value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// JSON where it begins with `{` or `[`, a form where it is one, else a line of a log, which is text where it is none.
    Auto,
    /// JSON; anything else is quarantined.
    Json,
    /// Text.
    Text,
}

/// What fields hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// For each record the profile that fits it best, and the names of keys that every platform uses.
    Auto,
    /// Nobody knows; all text is scanned alike.
    None,
    /// A profile, by name or file.
    Profile(String),
}

impl Envelope {
    /// Returns the name that configurations use.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Profile(name) => name,
        }
    }
}

impl Layout {
    /// Returns the format of one value.
    #[must_use]
    pub fn of(self, value: &[u8]) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Text => Format::Text,
            Self::Auto => match value.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'{' | b'[') => Format::Json,
                _ if is_form(value) => Format::Form,
                _ => Format::Log,
            },
        }
    }
}

/// What is read.
#[derive(Clone, Debug)]
pub struct Input {
    /// Names, or expressions that begin with `^`.
    pub topics: Vec<String>,
    /// How values are laid out.
    pub layout: Layout,
    /// What their fields hold.
    pub envelope: Envelope,
    /// The line that says so, for messages.
    pub envelope_line: usize,
    /// The field that says which conversation a record is of, as a JSON Pointer.
    pub conversation: Option<String>,
    /// The field that says whom a record is about, as a JSON Pointer.
    pub subject: Option<String>,
    /// Fields that hold names of people, as JSON Pointers.
    pub name_fields: Vec<String>,
    /// A file of names to look for in every text.
    pub names: Option<String>,
    /// The field that says a record's region, as a JSON Pointer.
    pub region_field: Option<String>,
    /// The region of a record that does not say its own.
    pub region: Option<Region>,
    /// Where a record says whose it is; tokens of two tenants have nothing in common.
    pub tenant: Option<TenantFrom>,
}

/// What becomes of a record's key on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Scanned and rewritten like text, by the lane's policy.
    Scan,
    /// Kept as it is.
    Keep,
    /// Removed.
    Drop,
    /// A token of the whole key; needs a root key and tenants.
    Token,
}

/// Where a record says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantFrom {
    /// All are of one tenant.
    Fixed(String),
    /// In this header.
    Header(String),
    /// In the field at this JSON Pointer.
    Field(String),
    /// Its topic's name is the tenant's.
    Topic,
    /// Where its profile says.
    Profile,
}

/// The root key of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysConfig {
    /// `file:PATH`, `env:NAME` or `command:PROGRAM ARGUMENT…`.
    pub root: String,
    /// Which installation this is.
    pub environment: Option<String>,
}

impl Key {
    /// Returns the name that configurations use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Token => "token",
        }
    }
}

/// One output.
#[derive(Clone, Debug)]
pub struct LaneConfig {
    /// Its name, which is that of the lane in the policy.
    pub name: String,
    /// Its topic.
    pub topic: String,
    /// Name or file of the policy.
    pub policy: String,
    /// The line that names it, for messages.
    pub policy_line: usize,
    /// What becomes of keys.
    pub key: Key,
    /// Headers that are passed on; their values are scanned.
    pub headers: Vec<String>,
}

/// Bounds of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the bookkeeping.
    pub bounds: Bounds,
    /// Bytes that the consumer holds before they are taken.
    pub consumer_bytes: usize,
    /// Most records of a batch.
    pub batch_records: usize,
    /// Time that a batch waits for more records.
    pub batch_ms: u64,
    /// Time to finish what is under way at a stop, or when a partition is taken away.
    pub drain_ms: u64,
    /// Threads that scan; none: one for each processor.
    pub threads: Option<usize>,
    /// Of one record.
    pub record: crate::limits::Limits,
}

impl Config {
    /// Reads a configuration. Relative paths in it begin at its folder.
    ///
    /// # Errors
    /// The first fault found.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &file, path.parent().unwrap_or(Path::new("."))),
            Err(err) => Err(ConfigError {
                file,
                line: 0,
                what: format!("the configuration cannot be read: {err}"),
                hint: "efface stream --config FILE; docs/stream.md has an example".to_owned(),
            }),
        }
    }

    /// Reads a configuration from its text.
    ///
    /// # Errors
    /// The first fault found.
    pub fn parse(text: &str, file: &str, folder: &Path) -> Result<Self, ConfigError> {
        Reader { text, file }.read(folder)
    }

    /// Returns the value of a setting, which may say where it stands instead. `env` looks a variable up.
    ///
    /// # Errors
    /// The variable or file is not there. The error does not tell the value.
    pub fn secret(&self, name: &str, value: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, ConfigError> {
        let fault = |what: String, hint: &str| ConfigError {
            file: self.file.clone(),
            line: 0,
            what: format!("{name}: {what}"),
            hint: hint.to_owned(),
        };
        if let Some(variable) = value.strip_prefix("env:") {
            return env(variable)
                .ok_or_else(|| fault(format!("no such variable: {variable}"), "set it for this process"));
        }
        if let Some(path) = value.strip_prefix("file:") {
            return std::fs::read_to_string(self.folder.join(path))
                .map(|text| text.trim_end_matches(['\n', '\r']).to_owned())
                .map_err(|err| fault(format!("{path} cannot be read: {err}"), "the path begins at the configuration"));
        }
        Ok(value.to_owned())
    }
}

impl Limits {
    /// Returns the share of each of `n`: together they take no more than these.
    #[must_use]
    pub fn share(&self, n: usize) -> Self {
        let n = n.max(1);
        let bounds = Bounds {
            in_flight_records: (self.bounds.in_flight_records / n).max(1),
            in_flight_bytes: (self.bounds.in_flight_bytes / n).max(1),
            replay_records: (self.bounds.replay_records / n).max(1),
            ..self.bounds
        };
        Self { bounds, consumer_bytes: (self.consumer_bytes / n).max(1 << 20), ..*self }
    }
}

impl Input {
    /// Returns the name of the envelope as configurations say it.
    #[must_use]
    pub fn envelope_name(&self) -> &str {
        match (self.layout, &self.envelope) {
            (Layout::Json, Envelope::Auto) => "json",
            (Layout::Text, _) => "text",
            (_, envelope) => envelope.name(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toml {
    kafka: KafkaToml,
    input: InputToml,
    #[serde(default)]
    lanes: BTreeMap<Spanned<String>, LaneToml>,
    #[serde(default)]
    quarantine: Option<QuarantineToml>,
    #[serde(default)]
    limits: LimitsToml,
    #[serde(default)]
    keys: Option<KeysToml>,
    #[serde(default)]
    metrics: Option<MetricsToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsToml {
    #[serde(default)]
    listen: Option<Spanned<String>>,
}

/// Where metrics are told when `[metrics]` does not say: reached from this machine alone.
const LISTEN: &str = "127.0.0.1:9464";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysToml {
    root: String,
    #[serde(default)]
    environment: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantToml {
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    topic: bool,
    #[serde(default)]
    profile: bool,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KafkaToml {
    bootstrap_servers: String,
    group_id: String,
    #[serde(default)]
    guarantee: Option<Spanned<String>>,
    #[serde(default)]
    instance: Option<String>,
    #[serde(default)]
    shards: Option<Spanned<u64>>,
    #[serde(default)]
    properties: Properties,
    #[serde(default)]
    consumer: Properties,
    #[serde(default)]
    producer: Properties,
}

type Properties = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputToml {
    topics: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    envelope: Option<Spanned<String>>,
    #[serde(default)]
    region: Option<RegionToml>,
    #[serde(default)]
    tenant: Option<Spanned<TenantToml>>,
    #[serde(default)]
    subject: Option<FieldToml>,
    #[serde(default)]
    conversation: Option<FieldToml>,
    #[serde(default)]
    names: NamesToml,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldToml {
    field: Spanned<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamesToml {
    #[serde(default)]
    fields: Vec<Spanned<String>>,
    #[serde(default)]
    file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionToml {
    #[serde(default)]
    field: Option<Spanned<String>>,
    #[serde(default)]
    default: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LaneToml {
    topic: Spanned<String>,
    #[serde(default)]
    policy: Option<Spanned<String>>,
    #[serde(default)]
    key: Option<Spanned<String>>,
    #[serde(default)]
    headers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuarantineToml {
    topic: Spanned<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsToml {
    in_flight_records: Option<Spanned<u64>>,
    in_flight_bytes: Option<Spanned<u64>>,
    replay_records: Option<Spanned<u64>>,
    commit_interval_ms: Option<Spanned<u64>>,
    consumer_bytes: Option<Spanned<u64>>,
    batch_records: Option<Spanned<u64>>,
    batch_ms: Option<Spanned<u64>>,
    drain_ms: Option<Spanned<u64>>,
    max_tries: Option<Spanned<u64>>,
    threads: Option<Spanned<u64>>,
    depth: Option<Spanned<u64>>,
    record_bytes: Option<Spanned<u64>>,
    field_bytes: Option<Spanned<u64>>,
    detections: Option<Spanned<u64>>,
    candidates: Option<Spanned<u64>>,
}

/// Settings that the guarantee hangs on; each with the place that holds instead.
const OURS: &[(&str, &str)] = &[
    ("bootstrap.servers", "kafka.bootstrap_servers"),
    ("metadata.broker.list", "kafka.bootstrap_servers"),
    ("group.id", "kafka.group_id"),
    ("enable.auto.commit", "offsets are committed when every output is acknowledged"),
    ("auto.commit.enable", "offsets are committed when every output is acknowledged"),
    ("enable.auto.offset.store", "offsets are committed when every output is acknowledged"),
    ("enable.idempotence", "the producer is always idempotent, which keeps the order"),
    ("transactional.id", "follows from kafka.guarantee"),
    ("acks", "all: what is acknowledged is there"),
    ("request.required.acks", "all: what is acknowledged is there"),
    ("delivery.report.only.error", "every acknowledgement is needed"),
    ("queued.max.messages.kbytes", "limits.consumer_bytes"),
    ("queue.buffering.max.kbytes", "follows from limits.in_flight_bytes"),
    ("queue.buffering.max.messages", "follows from limits.in_flight_records"),
];

struct Reader<'r> {
    text: &'r str,
    file: &'r str,
}

impl Reader<'_> {
    fn read(&self, folder: &Path) -> Result<Config, ConfigError> {
        let toml: Toml = toml::from_str(self.text).map_err(|err| {
            let at = err.span().map_or(0, |span| span.start);
            self.fault(
                at,
                err.message().to_owned(),
                "a stream has [kafka], [input], [lanes.NAME], [quarantine], [keys], [metrics] and [limits]; docs/stream.md has an example",
            )
        })?;
        let kafka = self.kafka(&toml.kafka)?;
        let limits = self.limits(&toml.limits, kafka.guarantee)?;
        let input = self.input(&toml.input)?;
        if toml.lanes.is_empty() {
            return Err(self.fault(0, "nothing is written".to_owned(), "add  [lanes.storage]  with  topic = \"…\""));
        }
        let mut named: Vec<_> = toml.lanes.iter().collect();
        named.sort_by_key(|(name, _)| name.span().start);
        let mut lanes = Vec::new();
        let mut taken: Vec<(&str, String)> = Vec::new();
        for (name, lane) in named {
            lanes.push(self.lane(name, lane, toml.keys.is_some() && input.tenant.is_some())?);
            self.topic(&lane.topic, &toml.input, &mut taken, &format!("the lane {}", name.get_ref()))?;
        }
        lanes.sort_by(|a: &LaneConfig, b| a.name.cmp(&b.name));
        let Some(quarantine) = &toml.quarantine else {
            return Err(self.fault(
                0,
                "there is no place for what cannot be handled".to_owned(),
                "add  [quarantine]  with  topic = \"…\"; it gets coordinates and a reason, no text",
            ));
        };
        self.topic(&quarantine.topic, &toml.input, &mut taken, "the quarantine")?;
        let listen = toml.metrics.map(|metrics| self.listen(metrics.listen.as_ref())).transpose()?;
        Ok(Config {
            listen,
            file: self.file.to_owned(),
            folder: folder.to_owned(),
            kafka,
            input,
            lanes,
            quarantine: quarantine.topic.get_ref().clone(),
            keys: toml.keys.map(|keys| KeysConfig { root: keys.root, environment: keys.environment }),
            limits,
        })
    }

    fn listen(&self, at: Option<&Spanned<String>>) -> Result<SocketAddr, ConfigError> {
        let (text, place) = at.map_or((LISTEN, 0), |at| (at.get_ref().as_str(), at.span().start));
        text.parse().map_err(|_| {
            self.fault(
                place,
                format!("not an address: {text}"),
                "an address of this machine and a port: 127.0.0.1:9464",
            )
        })
    }

    fn kafka(&self, kafka: &KafkaToml) -> Result<Kafka, ConfigError> {
        let guarantee = match kafka.guarantee.as_ref().map(|name| (name.get_ref().as_str(), name.span().start)) {
            None | Some(("at_least_once", _)) => Guarantee::AtLeastOnce,
            Some(("exactly_once", at)) => {
                if kafka.instance.is_none() {
                    return Err(self.fault(
                        at,
                        "exactly_once needs a name for this process".to_owned(),
                        "kafka.instance = \"env:HOSTNAME\", a name that this process has again after a restart and no other has",
                    ));
                }
                Guarantee::ExactlyOnce
            }
            Some((other, at)) => {
                let what = format!("no such guarantee: {other}");
                return Err(self.fault(at, what, "at_least_once or exactly_once"));
            }
        };
        let shards = match &kafka.shards {
            None => 1,
            Some(n) if (1..=64).contains(n.get_ref()) => usize::try_from(*n.get_ref()).unwrap_or(1),
            Some(n) => {
                return Err(self.fault(n.span().start, format!("shards is out of bounds: {}", n.get_ref()), "1 to 64"));
            }
        };
        Ok(Kafka {
            bootstrap_servers: kafka.bootstrap_servers.clone(),
            group_id: kafka.group_id.clone(),
            guarantee,
            instance: kafka.instance.clone(),
            shards,
            properties: self.properties(&kafka.properties)?,
            consumer: self.properties(&kafka.consumer)?,
            producer: self.properties(&kafka.producer)?,
        })
    }

    fn properties(&self, table: &Properties) -> Result<BTreeMap<String, String>, ConfigError> {
        let mut found = BTreeMap::new();
        for (name, value) in table {
            let at = name.span().start;
            if let Some((_, instead)) = OURS.iter().find(|(ours, _)| ours == name.get_ref()) {
                return Err(self.fault(at, format!("{} cannot be set", name.get_ref()), instead));
            }
            let needs_tls = (name.get_ref() == "security.protocol"
                && !value.get_ref().as_str().is_some_and(|value| value.eq_ignore_ascii_case("plaintext")))
                || name.get_ref().starts_with("ssl.")
                || name.get_ref().starts_with("sasl.")
                || name.get_ref().starts_with("enable.ssl");
            if needs_tls && !cfg!(feature = "tls") {
                return Err(self.fault(
                    at,
                    format!("{} needs TLS, and this efface is built without", name.get_ref()),
                    "build with  --features tls",
                ));
            }
            let value = match value.get_ref() {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(n) => n.to_string(),
                toml::Value::Boolean(is) => is.to_string(),
                toml::Value::Float(n) => n.to_string(),
                _ => return Err(self.fault(at, format!("{} is no single value", name.get_ref()), "text or a number")),
            };
            found.insert(name.get_ref().clone(), value);
        }
        Ok(found)
    }

    fn input(&self, input: &InputToml) -> Result<Input, ConfigError> {
        let topics: Vec<String> = input.topics.get_ref().iter().map(|topic| topic.get_ref().clone()).collect();
        if topics.is_empty() {
            return Err(self.fault(input.topics.span().start, "nothing is read".to_owned(), "topics = [\"chat.raw\"]"));
        }
        let (layout, envelope) = match input.envelope.as_ref().map(|name| name.get_ref().as_str()) {
            None | Some("auto") => (Layout::Auto, Envelope::Auto),
            Some("none") => (Layout::Auto, Envelope::None),
            Some("json") => (Layout::Json, Envelope::Auto),
            Some("text") => (Layout::Text, Envelope::None),
            // Whether there is such a profile is seen when it is read.
            Some(name) => (Layout::Auto, Envelope::Profile(name.to_owned())),
        };
        let envelope_line = self.line(input.envelope.as_ref().map_or(0, |name| name.span().start));
        let field = |field: &FieldToml| self.pointer(&field.field, "/conversation/id");
        let conversation = input.conversation.as_ref().map(field).transpose()?;
        let subject = input.subject.as_ref().map(field).transpose()?;
        let name_fields = input.names.fields.iter().map(|field| self.pointer(field, "/contact/name"));
        let name_fields = name_fields.collect::<Result<_, _>>()?;
        let names = input.names.file.clone();
        let mut region_field = None;
        let mut region = None;
        if let Some(toml) = &input.region {
            if let Some(field) = &toml.field {
                region_field = Some(self.pointer(field, "/channel/country")?);
            }
            if let Some(default) = &toml.default {
                let known = Region::new(default.get_ref().as_bytes())
                    .filter(|region| crate::plan::country_code(*region).is_some());
                let Some(known) = known else {
                    return Err(self.fault(
                        default.span().start,
                        format!("not a country: {}", default.get_ref()),
                        "two letters of ISO 3166, such as SN",
                    ));
                };
                region = Some(known);
            }
        }
        let tenant = input.tenant.as_ref().map(|tenant| self.tenant(tenant)).transpose()?;
        Ok(Input {
            topics,
            layout,
            envelope,
            envelope_line,
            conversation,
            subject,
            name_fields,
            names,
            region_field,
            region,
            tenant,
        })
    }

    fn pointer(&self, text: &Spanned<String>, example: &str) -> Result<String, ConfigError> {
        if text.get_ref().starts_with('/') {
            return Ok(text.get_ref().clone());
        }
        let what = format!("not a JSON Pointer: {}", text.get_ref());
        Err(self.fault(text.span().start, what, &format!("with a slash: {example}")))
    }

    fn tenant(&self, tenant: &Spanned<TenantToml>) -> Result<TenantFrom, ConfigError> {
        let fault = |what: &str, hint: &str| Err(self.fault(tenant.span().start, what.to_owned(), hint));
        let from = match tenant.get_ref() {
            TenantToml { header: Some(name), field: None, topic: false, profile: false, name: None } => {
                TenantFrom::Header(name.clone())
            }
            TenantToml { header: None, field: Some(at), topic: false, profile: false, name: None } => {
                TenantFrom::Field(at.clone())
            }
            TenantToml { header: None, field: None, topic: true, profile: false, name: None } => TenantFrom::Topic,
            TenantToml { header: None, field: None, topic: false, profile: true, name: None } => TenantFrom::Profile,
            TenantToml { header: None, field: None, topic: false, profile: false, name: Some(name) } => {
                TenantFrom::Fixed(name.clone())
            }
            _ => {
                let hint = "{ header = \"tenant\" }, { field = \"/tenant\" }, { profile = true }, { topic = true } or { name = \"acme\" }";
                return fault("the tenant is to be in one place", hint);
            }
        };
        match &from {
            TenantFrom::Field(at) if !at.starts_with('/') => fault("not a JSON Pointer", "with a slash: /tenant"),
            TenantFrom::Fixed(name) if crate::ids::TenantId::new(name).is_none() => {
                fault("not a name of a tenant", "1 to 255 bytes without control characters")
            }
            _ => Ok(from),
        }
    }

    fn lane(&self, name: &Spanned<String>, lane: &LaneToml, has_tokens: bool) -> Result<LaneConfig, ConfigError> {
        let key = match lane.key.as_ref().map(|key| (key.get_ref().as_str(), key.span().start)) {
            None | Some(("scan", _)) => Key::Scan,
            Some(("drop", _)) => Key::Drop,
            Some(("keep", _)) if name.get_ref() == "storage" => Key::Keep,
            Some(("keep", at)) => {
                let what = format!("a key may be a person's number, and the lane {} never shows one", name.get_ref());
                return Err(self.fault(at, what, "scan or drop"));
            }
            Some(("token", _)) if has_tokens => Key::Token,
            Some(("token", at)) => {
                let what = "a key becomes a token only with a root key and a tenant".to_owned();
                return Err(self.fault(at, what, "[keys] root = \"file:root.key\", and input.tenant"));
            }
            Some((other, at)) => {
                return Err(self.fault(
                    at,
                    format!("no such treatment of a key: {other}"),
                    "scan, token, keep or drop",
                ));
            }
        };
        let policy_at = lane.policy.as_ref().map_or(name.span().start, |policy| policy.span().start);
        Ok(LaneConfig {
            name: name.get_ref().clone(),
            topic: lane.topic.get_ref().clone(),
            policy: lane.policy.as_ref().map_or_else(|| "default".to_owned(), |policy| policy.get_ref().clone()),
            policy_line: self.line(policy_at),
            key,
            headers: lane.headers.clone(),
        })
    }

    /// Sees that an output is nobody else's output, and no input.
    fn topic<'t>(
        &self,
        topic: &'t Spanned<String>,
        input: &InputToml,
        taken: &mut Vec<(&'t str, String)>,
        whose: &str,
    ) -> Result<(), ConfigError> {
        let (at, name) = (topic.span().start, topic.get_ref().as_str());
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > 249 || !name.bytes().all(legal) {
            return Err(self.fault(at, format!("not a topic: {name}"), "letters, digits, dots, dashes, underscores"));
        }
        if input.topics.get_ref().iter().any(|input| input.get_ref() == name) {
            let what = format!("{whose} writes to a topic that is read: {name}");
            return Err(self.fault(at, what, "name another topic; what is written would be read again for ever"));
        }
        if let Some((_, other)) = taken.iter().find(|(other, _)| *other == name) {
            return Err(self.fault(
                at,
                format!("{whose} and {other} write to one topic: {name}"),
                "each needs its own",
            ));
        }
        taken.push((name, whose.to_owned()));
        Ok(())
    }

    fn limits(&self, toml: &LimitsToml, guarantee: Guarantee) -> Result<Limits, ConfigError> {
        let pick = |value: &Option<Spanned<u64>>, name: &str, default: u64, range: std::ops::RangeInclusive<u64>| {
            match value {
                None => Ok(default),
                Some(n) if range.contains(n.get_ref()) => Ok(*n.get_ref()),
                Some(n) => Err(self.fault(
                    n.span().start,
                    format!("{name} is out of bounds: {}", n.get_ref()),
                    &format!("{} to {}", range.start(), range.end()),
                )),
            }
        };
        let size = |value, name, default: usize, range| {
            pick(value, name, default as u64, range).map(|n| usize::try_from(n).unwrap_or(usize::MAX))
        };
        let default = Bounds::default();
        let in_flight_records =
            size(&toml.in_flight_records, "in_flight_records", default.in_flight_records, 1..=4_000_000)?;
        let in_flight_bytes =
            size(&toml.in_flight_bytes, "in_flight_bytes", default.in_flight_bytes, 1 << 10..=64 << 30)?;
        let replay_records =
            size(&toml.replay_records, "replay_records", in_flight_records.saturating_mul(2), 1..=100_000_000)?;
        let interval_ms = if guarantee == Guarantee::ExactlyOnce { 100 } else { default.commit_interval_ms };
        let bounds = Bounds {
            in_flight_records,
            in_flight_bytes,
            replay_records,
            commit_interval_ms: pick(&toml.commit_interval_ms, "commit_interval_ms", interval_ms, 1..=600_000)?,
            #[expect(clippy::cast_possible_truncation, reason = "at most 1,000")]
            max_tries: pick(&toml.max_tries, "max_tries", 10, 1..=1_000)? as u32,
            ..default
        };
        let record = crate::limits::Limits::default();
        let most = crate::envelope::MAX_BUFFER as u64;
        Ok(Limits {
            bounds,
            consumer_bytes: size(&toml.consumer_bytes, "consumer_bytes", 64 << 20, 1 << 20..=2 << 30)?,
            batch_records: size(&toml.batch_records, "batch_records", 8_192, 1..=1_000_000)?,
            batch_ms: pick(&toml.batch_ms, "batch_ms", 5, 0..=1_000)?,
            drain_ms: pick(&toml.drain_ms, "drain_ms", 20_000, 100..=600_000)?,
            threads: toml.threads.is_some().then(|| size(&toml.threads, "threads", 1, 1..=256)).transpose()?,
            record: crate::limits::Limits {
                depth: size(&toml.depth, "depth", record.depth, 1..=4_096)?,
                record_bytes: size(&toml.record_bytes, "record_bytes", record.record_bytes, 1..=most)?,
                field_bytes: size(&toml.field_bytes, "field_bytes", record.field_bytes, 1..=most)?,
                detections: size(&toml.detections, "detections", record.detections, 1..=most)?,
                candidates: size(&toml.candidates, "candidates", record.candidates, 1..=most)?,
                ..record
            },
        })
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    fn fault(&self, at: usize, what: String, hint: &str) -> ConfigError {
        ConfigError { file: self.file.to_owned(), line: self.line(at), what, hint: hint.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
[kafka]
bootstrap_servers = "127.0.0.1:9092"
group_id = "efface"
properties = { "client.id" = "efface-0", "socket.timeout.ms" = 6000 }

[input]
topics = ["chat.raw", "^sms\\..*"]
region = { field = "/channel/country", default = "SN" }

[lanes.storage]
topic = "chat.storage"
key = "keep"

[lanes.analytics]
topic = "chat.analytics"

[quarantine]
topic = "chat.quarantine"

[limits]
in_flight_records = 100
"#;

    #[test]
    fn reads() {
        let config = Config::parse(WHOLE, "efface.toml", Path::new(".")).unwrap();
        assert_eq!(config.lanes.iter().map(|lane| lane.name.as_str()).collect::<Vec<_>>(), ["analytics", "storage"]);
        assert_eq!(config.kafka.properties["socket.timeout.ms"], "6000");
        assert_eq!(config.limits.bounds.replay_records, 200);
        assert_eq!(config.input.region, Region::new(b"SN"));
    }

    #[test]
    fn faults_have_a_line_and_a_hint() {
        #[track_caller]
        fn check(from: &str, to: &str, expected: &str) {
            let text = WHOLE.replacen(from, to, 1);
            assert_ne!(text, WHOLE, "{from} is not there");
            let err = Config::parse(&text, "efface.toml", Path::new(".")).map(drop).unwrap_err().to_string();
            assert!(err.starts_with(expected), "{err}");
            assert!(err.contains("\n  hint: "), "{err}");
        }
        check(
            "chat.analytics",
            "chat.raw",
            "efface.toml:16: the lane analytics writes to a topic that is read: chat.raw",
        );
        check("chat.analytics", "chat.storage", "efface.toml:16: the lane analytics and the lane storage write to one");
        check("chat.quarantine", "chat quarantine", "efface.toml:19: not a topic");
        check("[quarantine]\ntopic = \"chat.quarantine\"", "", "efface.toml:1: there is no place for what");
        check("group_id", "group", "efface.toml:4: unknown field `group`");
        check("\"client.id\"", "\"enable.auto.commit\"", "efface.toml:5: enable.auto.commit cannot be set");
        check("group_id", "guarantee = \"twice\"\ngroup_id", "efface.toml:4: no such guarantee: twice");
        check("group_id", "guarantee = \"exactly_once\"\ngroup_id", "efface.toml:4: exactly_once needs a name");
        check("group_id", "shards = 0\ngroup_id", "efface.toml:4: shards is out of bounds: 0");
        check("\"SN\"", "\"UK\"", "efface.toml:9: not a country: UK");
        check("topic = \"chat.analytics\"", "topic = \"a\"\nkey = \"keep\"", "efface.toml:17: a key may be a person");
        check("in_flight_records = 100", "in_flight_records = 0", "efface.toml:22: in_flight_records is out of bounds");
        check("[limits]", "[metrics]\nlisten = \"here\"\n[limits]", "efface.toml:22: not an address: here");
        check("key = \"keep\"", "key = \"token\"", "efface.toml:13: a key becomes a token only with");
        check(
            "topics =",
            "tenant = { topic = true, name = \"a\" }\ntopics =",
            "efface.toml:8: the tenant is to be in one",
        );
        check("topics =", "tenant = { field = \"t\" }\ntopics =", "efface.toml:8: not a JSON Pointer");
        check("topics =", "conversation = { field = \"c\" }\ntopics =", "efface.toml:8: not a JSON Pointer: c");
        check("topics =", "names = { fields = [\"n\"] }\ntopics =", "efface.toml:8: not a JSON Pointer: n");
        if !cfg!(feature = "tls") {
            check("\"client.id\"", "\"ssl.ca.location\"", "efface.toml:5: ssl.ca.location needs TLS");
        }
    }

    #[test]
    fn secrets_stand_elsewhere() {
        let config = Config::parse(WHOLE, "efface.toml", Path::new(".")).unwrap();
        let env = |name: &str| (name == "PASS").then(|| "word".to_owned());
        assert_eq!(config.secret("sasl.password", "env:PASS", &env).unwrap(), "word");
        assert_eq!(config.secret("client.id", "plain", &env).unwrap(), "plain");
        assert!(config.secret("sasl.password", "env:OTHER", &env).unwrap_err().to_string().contains("OTHER"));
        assert!(config.secret("sasl.password", "file:/nowhere/at/all", &env).is_err());
    }
}
