//! A cluster, processes, and messages that keep coming.

use crate::proxy::{self, Weather};
use crate::verify::{Live, Outputs, Shape, Verdict, is_raw};
use crate::{Args, root};
use efface::stream::mock::Source;
use efface::stream::sample::Random;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const EFFACE: &str = env!("CARGO_BIN_EXE_efface");

/// What is different from the ordinary.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    pub(crate) strategy: Option<&'static str>,
    pub(crate) transaction_ms: Option<u64>,
    pub(crate) session_ms: Option<u64>,
    pub(crate) drain_ms: Option<u64>,
    pub(crate) through_proxy: bool,
    /// More settings of librdkafka, each with a comma before it.
    pub(crate) properties: &'static str,
    pub(crate) producer: &'static str,
    /// More lines of the configuration, at its end, which is `[limits]`.
    pub(crate) more: String,
    /// More of what a process sees of its surroundings.
    pub(crate) env: Vec<(&'static str, String)>,
    /// With topics and a group of its own.
    pub(crate) side: bool,
    /// Where logs go in place of files.
    pub(crate) log: Option<&'static str>,
}

/// What a fault is thrown at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// So many brokers of Apache Kafka.
    Kafka(u32),
    /// As many of the client library's own cluster, which is in this process. It has no transactions.
    Mock(i32),
}

/// What a process takes, as the system tells it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) rss_kb: usize,
    pub(crate) n_threads: usize,
    pub(crate) n_files: usize,
}

pub(crate) struct Arena {
    pub(crate) name: &'static str,
    /// Of all topics.
    pub(crate) prefix: String,
    pub(crate) servers: String,
    pub(crate) random: Random,
    proxied: String,
    brokers: PathBuf,
    mock: Option<MockCluster<'static, DefaultProducerContext>>,
    pub(crate) shape: Shape,
    pub(crate) dir: PathBuf,
    weather: Arc<Weather>,
    n_fed: Arc<AtomicUsize>,
    n_wanted: Arc<AtomicUsize>,
    probe: BaseConsumer,
    /// Offsets by partition that were deleted before they were read.
    gone: Vec<(usize, Range<usize>)>,
    /// What else is to be told of a fault.
    pub(crate) notes: Vec<String>,
    processes: Vec<Option<Child>>,
    twin: Option<Child>,
    is_over: Arc<AtomicBool>,
    feeder: Option<JoinHandle<usize>>,
    /// Reads outputs of which the brokers keep only the last.
    live: Option<Live>,
    guarantee: String,
    session: Duration,
    shards: usize,
    bad_stops: usize,
    setting: Setting,
}

impl Arena {
    pub(crate) fn start(name: &'static str, ground: Ground, shape: Shape, args: &Args) -> Self {
        // Another run may be under way with another seed.
        let brokers = root().join(format!("target/faults/kafka-{}", args.seed));
        let prefix = format!("{}-{}", name.to_lowercase(), args.seed);
        let topics = ["raw", "storage", "analytics", "quarantine"].map(|topic| format!("{prefix}.{topic}"));
        let weather = Arc::new(Weather::default());
        let mut proxied = Vec::new();
        let mut mock = None;
        let servers = match ground {
            Ground::Kafka(n_brokers) => {
                let servers = start_brokers(&brokers, n_brokers, shape);
                for line in std::fs::read_to_string(brokers.join("ports")).unwrap().lines() {
                    let ports: Vec<u16> = line.split(' ').map(|port| port.parse().unwrap()).collect();
                    proxy::start(ports[2], ports[1], Arc::clone(&weather), args.seed);
                    proxied.push(format!("127.0.0.1:{}", ports[2]));
                }
                servers
            }
            Ground::Mock(n_brokers) => {
                let cluster = MockCluster::new(n_brokers).unwrap();
                for topic in &topics {
                    cluster.create_topic(topic, shape.n_partitions as i32, n_brokers).unwrap();
                }
                mock.insert(cluster).bootstrap_servers()
            }
        };
        let source = Source::new(&servers).unwrap();
        for topic in &topics {
            assert_eq!(source.ensure(topic).unwrap(), shape.n_partitions);
        }
        let dir = root().join("target/faults").join(&prefix);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let n_fed = Arc::new(AtomicUsize::new(0));
        let n_wanted = Arc::new(AtomicUsize::new(0));
        let mut args = args.clone();
        args.messages = shape.messages.unwrap_or(args.messages);
        args.per_s = shape.per_s.unwrap_or(args.per_s);
        let feeder = {
            let feeder = Feeder {
                source,
                servers: servers.clone(),
                topic: topics[0].clone(),
                shape,
                is_over: Arc::clone(&is_over),
                n_fed: Arc::clone(&n_fed),
                n_wanted: Arc::clone(&n_wanted),
                args: args.clone(),
            };
            std::thread::spawn(move || feeder.feed())
        };
        let probe: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", &servers).set("group.id", &prefix).create().unwrap();
        let live = shape.kept_bytes.map(|_| Live::start(&outputs(&servers, &prefix, shape)));
        Self {
            name,
            prefix,
            servers,
            random: Random(args.seed),
            proxied: proxied.join(","),
            brokers,
            mock,
            shape,
            dir,
            weather,
            n_fed,
            n_wanted,
            probe,
            gone: Vec::new(),
            notes: Vec::new(),
            processes: Vec::new(),
            twin: None,
            is_over,
            feeder: Some(feeder),
            live,
            guarantee: guarantee(ground, &args).to_owned(),
            session: args.session,
            shards: args.shards,
            bad_stops: 0,
            setting: Setting::default(),
        }
    }

    /// Starts so many processes.
    pub(crate) fn set(&mut self, n: usize, setting: &Setting) {
        self.setting = setting.clone();
        for _ in 0..n {
            self.processes.push(None);
            self.restart(self.processes.len() - 1);
        }
    }

    /// From now on processes start so.
    pub(crate) fn with(&mut self, setting: &Setting) -> &mut Self {
        self.setting = setting.clone();
        self
    }

    pub(crate) fn random_ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.random.below(to - from))
    }

    pub(crate) fn pick(&mut self) -> usize {
        self.random.below(self.processes.len() as u64) as usize
    }

    fn config(&self, at: usize) -> PathBuf {
        let setting = &self.setting;
        let (guarantee, shards) = (&self.guarantee, self.shards);
        let prefix = format!("{}{}", self.prefix, if setting.side { "-side" } else { "" });
        let servers = if setting.through_proxy { &self.proxied } else { &self.servers };
        let session_ms = setting.session_ms.unwrap_or(self.session.as_millis() as u64);
        let transaction = match setting.transaction_ms {
            _ if guarantee != "exactly_once" => String::new(),
            ms => format!(", \"transaction.timeout.ms\" = {}", ms.unwrap_or(10_000)),
        };
        let strategy = setting.strategy.unwrap_or("cooperative-sticky");
        let text = format!(
            "[kafka]\nbootstrap_servers = \"{servers}\"\ngroup_id = \"{prefix}\"\nguarantee = \"{guarantee}\"\n\
             instance = \"i-{at}\"\nshards = {shards}\n\
             properties = {{ \"topic.metadata.refresh.interval.ms\" = 5000, \"reconnect.backoff.max.ms\" = 1000{} }}\n\
             consumer = {{ \"session.timeout.ms\" = {session_ms}, \"heartbeat.interval.ms\" = 500, \
             \"partition.assignment.strategy\" = \"{strategy}\" }}\n\
             producer = {{ \"linger.ms\" = 5{transaction}{} }}\n\
             [input]\ntopics = [\"{prefix}.raw\"]\nregion = {{ default = \"US\" }}\n\
             [lanes.storage]\ntopic = \"{prefix}.storage\"\n{}[lanes.analytics]\ntopic = \"{prefix}.analytics\"\n\
             [quarantine]\ntopic = \"{prefix}.quarantine\"\n\
             [limits]\nthreads = 1\ndrain_ms = {}\n{}",
            setting.properties,
            setting.producer,
            if setting.side { "headers = [\"tenant\", \"h1\", \"h9999\"]\n" } else { "" },
            setting.drain_ms.unwrap_or(15_000),
            if setting.more.is_empty() { "in_flight_records = 4096\nbatch_records = 512\n" } else { &setting.more },
        );
        let path = self.dir.join(format!("{at}.toml"));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn spawn(&self, at: usize, log: &str) -> Child {
        let log = self.setting.log.map_or_else(|| self.dir.join(log), PathBuf::from);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        // Another build may be named, so that this one may be built meanwhile.
        let mut command = Command::new(std::env::var("EFFACE_PROGRAM").unwrap_or_else(|_| EFFACE.to_owned()));
        command.args(["stream", "--config"]).arg(self.config(at)).stderr(log).stdout(Stdio::null());
        command.envs(self.setting.env.iter().map(|(name, value)| (name, value)));
        command.spawn().unwrap()
    }

    pub(crate) fn restart(&mut self, at: usize) {
        let child = self.spawn(at, &format!("{at}.log"));
        self.processes[at] = Some(child);
    }

    pub(crate) fn kill(&mut self, at: usize) {
        if let Some(mut child) = self.processes[at].take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) fn signal(&self, at: usize, signal: &str) {
        if let Some(child) = &self.processes[at] {
            send(child.id(), signal);
        }
    }

    /// Asks a process to stop, and sees that it does.
    pub(crate) fn stop_well(&mut self, at: usize) {
        let Some(mut child) = self.processes[at].take() else { return };
        // One that has only just begun does not listen yet, and dies of the signal.
        let listening = Instant::now() + Duration::from_secs(10);
        while !listens(child.id()) && Instant::now() < listening {
            std::thread::sleep(Duration::from_millis(10));
        }
        let began = Instant::now();
        send(child.id(), "TERM");
        let code = wait(&mut child, Duration::from_secs(25));
        if code != Some(0) {
            println!("{}: process {at} ended with {code:?} after {:?}", self.name, began.elapsed());
            self.bad_stops += 1;
        }
    }

    /// Asks a process to stop, and returns how long it took, whatever it says.
    pub(crate) fn stop_somehow(&mut self, at: usize) -> Duration {
        let began = Instant::now();
        if let Some(mut child) = self.processes[at].take() {
            send(child.id(), "TERM");
            wait(&mut child, Duration::from_secs(60));
        }
        began.elapsed()
    }

    /// Brings the number of processes to `wanted`; some are asked to go, some are killed. Returns how many came and went.
    pub(crate) fn scale(&mut self, wanted: usize) -> usize {
        let before = self.processes.len();
        while self.processes.len() > wanted {
            let at = self.processes.len() - 1;
            if self.random.below(3) == 0 {
                self.kill(at);
            } else {
                self.stop_well(at);
            }
            self.processes.pop();
        }
        while self.processes.len() < wanted {
            self.processes.push(None);
            self.restart(self.processes.len() - 1);
        }
        before.abs_diff(wanted)
    }

    /// Starts another process with the name of one that runs.
    pub(crate) fn twin(&mut self, at: usize) {
        self.twin = Some(self.spawn(at, "twin.log"));
    }

    /// Whether one of two has ended, with this code and these words.
    pub(crate) fn ended_with(&mut self, code: i32, words: &str) -> bool {
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            for child in self.processes.iter_mut().flatten().chain(&mut self.twin) {
                if let Ok(Some(status)) = child.try_wait() {
                    let logs = ["0.log", "twin.log"].map(|log| std::fs::read_to_string(self.dir.join(log)).unwrap());
                    return status.code() == Some(code) && logs.iter().any(|log| log.contains(words));
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Ends the twin, and starts what has ended.
    pub(crate) fn revive(&mut self) {
        if let Some(mut twin) = self.twin.take() {
            let _ = twin.kill();
            let _ = twin.wait();
        }
        self.kill(0);
        self.restart(0);
    }

    pub(crate) fn weather(&self, kind: usize) {
        self.weather.set(kind);
    }

    /// The broker is the child of what ends it after its time.
    fn broker(&self, number: u32) -> Option<u32> {
        let keeper = std::fs::read_to_string(self.brokers.join(format!("broker-{number}.pid"))).ok()?;
        let keeper = keeper.trim();
        let children = std::fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    pub(crate) fn signal_broker(&self, number: u32, signal: &str) {
        if let Some(broker) = self.broker(number) {
            send(broker, signal);
        }
    }

    pub(crate) fn kill_broker(&self, number: u32) {
        self.signal_broker(number, "KILL");
    }

    pub(crate) fn start_broker(&self, number: u32) {
        let script = root().join("tests/broker/kafka.sh");
        let mut again = Command::new(script);
        again.arg("again").arg(&self.brokers).arg(number.to_string()).env("KAFKA_SECONDS", "14400");
        assert!(again.stdout(Stdio::null()).status().unwrap().success());
    }

    pub(crate) fn mock(&self) -> &MockCluster<'static, DefaultProducerContext> {
        self.mock.as_ref().unwrap()
    }

    pub(crate) fn outputs_blocked(&self, is_blocked: bool) {
        self.weather.block_outputs(is_blocked);
    }

    pub(crate) fn n_fed(&self) -> usize {
        self.n_fed.load(Relaxed)
    }

    /// Returns up to where the group has committed, all partitions together.
    pub(crate) fn n_committed(&self) -> i64 {
        let mut list = TopicPartitionList::new();
        for partition in 0..self.shape.n_partitions as i32 {
            list.add_partition(&format!("{}.raw", self.prefix), partition);
        }
        let Ok(list) = self.probe.committed_offsets(list, Duration::from_secs(10)) else { return 0 };
        let offset = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
        list.elements().iter().map(|element| offset(element.offset())).sum()
    }

    /// Waits until everything that was written up to now is committed; returns how long that took.
    pub(crate) fn catches_up(&self, most: Duration) -> Option<Duration> {
        let (began, due) = (Instant::now(), self.n_fed() as i64);
        while self.n_committed() < due {
            if began.elapsed() > most {
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(began.elapsed())
    }

    /// Writes so many more, where messages come on demand.
    pub(crate) fn feed(&self, n: usize) {
        let wanted = self.n_wanted.fetch_add(n, Relaxed) + n;
        while self.n_fed() < wanted {
            assert!(self.feeder.as_ref().is_some_and(|feeder| !feeder.is_finished()), "nothing can be written");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until everything that was written up to now is out; a process that ends by itself is started again. Returns how
    /// many did, and whether it came.
    pub(crate) fn is_out(&mut self, most: Duration) -> (usize, bool) {
        let (began, due) = (Instant::now(), self.n_fed() as i64);
        let mut n_ended = 0;
        while began.elapsed() < most {
            n_ended += self.revive_ended();
            if self.n_committed() >= due {
                return (n_ended, true);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        (n_ended, false)
    }

    /// Starts what has ended by itself; returns how many had. They must have said why.
    pub(crate) fn revive_ended(&mut self) -> usize {
        let mut n_ended = 0;
        for at in 0..self.processes.len() {
            let status = self.processes[at].as_mut().and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = status {
                if status.code() != Some(2) {
                    println!("{}: process {at} ended with {status:?}", self.name);
                    self.bad_stops += 1;
                }
                n_ended += 1;
                self.restart(at);
            }
        }
        n_ended
    }

    /// Waits for a process to end by itself; returns its code.
    pub(crate) fn ends_by_itself(&mut self, at: usize, most: Duration) -> Option<i32> {
        let mut child = self.processes[at].take()?;
        let until = Instant::now() + most;
        while Instant::now() < until {
            if let Ok(Some(status)) = child.try_wait() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.processes[at] = Some(child);
        None
    }

    /// Waits for any process to end by itself with code 2; returns which.
    pub(crate) fn one_ends(&mut self, most: Duration) -> Option<usize> {
        let until = Instant::now() + most;
        while Instant::now() < until {
            for at in 0..self.processes.len() {
                if let Some(Ok(Some(status))) = self.processes[at].as_mut().map(Child::try_wait) {
                    assert_eq!(status.code(), Some(2));
                    self.processes[at] = None;
                    return Some(at);
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// The end of each partition of a topic, or so many more.
    pub(crate) fn ends(&self, topic: &str, more: i64) -> TopicPartitionList {
        let topic = format!("{}.{topic}", self.prefix);
        let mut list = TopicPartitionList::new();
        for partition in 0..self.shape.n_partitions as i32 {
            let (_, end) = self.probe.fetch_watermarks(&topic, partition, Duration::from_secs(10)).unwrap();
            list.add_partition_offset(&topic, partition, Offset::Offset((end + more).max(0))).unwrap();
        }
        list
    }

    /// Sets the group to these offsets; what it had not committed before them is gone.
    pub(crate) fn reset_to(&mut self, list: &TopicPartitionList) {
        let committed = self.probe.committed_offsets(list.clone(), Duration::from_secs(10)).unwrap();
        let offset = |offset| if let Offset::Offset(offset) = offset { offset as usize } else { 0 };
        for (before, after) in committed.elements().iter().zip(list.elements()) {
            let (from, to) = (offset(before.offset()), offset(after.offset()));
            self.gone.push((before.partition() as usize, from..to));
        }
        self.probe.commit(list, CommitMode::Sync).unwrap();
    }

    pub(crate) fn log(&self, at: usize) -> String {
        let log = std::fs::read(self.dir.join(format!("{at}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    pub(crate) fn usage(&self, at: usize) -> Option<Usage> {
        usage(self.processes.get(at)?.as_ref()?.id())
    }

    /// Lets time pass, and looks every half second at what a process takes.
    pub(crate) fn watch(&self, at: usize, time: Duration, seen: &mut Vec<Usage>) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            seen.extend(self.usage(at));
            std::thread::sleep(Duration::from_millis(500).min(until.saturating_duration_since(Instant::now())));
        }
    }

    /// Where a process tells its metrics.
    pub(crate) fn listens_at(&self, at: usize) -> String {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let log = self.log(at);
            if let Some(told) = log.rsplit("\"listening\",\"at\":\"").next().filter(|_| log.contains("\"listening\"")) {
                return told.split('"').next().unwrap().to_owned();
            }
            assert!(Instant::now() < until, "it listens nowhere");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the flow, waits for everything to come out, stops all processes in good order, and looks.
    pub(crate) fn finish(mut self, _: &Args) -> Verdict {
        self.is_over.store(true, Relaxed);
        let total = self.feeder.take().unwrap().join().unwrap();
        let mut verdict = match self.live.take() {
            Some(live) => live.finish(total),
            None => outputs(&self.servers, &self.prefix, self.shape).verify(total, &self.gone),
        };
        for at in 0..self.processes.len() {
            self.stop_well(at);
        }
        verdict.bad_stops = self.bad_stops;
        for log in std::fs::read_dir(&self.dir).unwrap().flatten() {
            let text = std::fs::read(log.path()).unwrap_or_default();
            verdict.raw += usize::from(is_raw(&String::from_utf8_lossy(&text)));
        }
        verdict
    }
}

/// The mock cluster has no transactions.
pub(crate) fn guarantee(ground: Ground, args: &Args) -> &str {
    if matches!(ground, Ground::Mock(_)) { "at_least_once" } else { &args.guarantee }
}

fn outputs(servers: &str, prefix: &str, shape: Shape) -> Outputs {
    Outputs { servers: servers.to_owned(), prefix: prefix.to_owned(), shape }
}

/// Starts brokers with empty logs; returns their addresses.
fn start_brokers(dir: &std::path::Path, n_brokers: u32, shape: Shape) -> String {
    let out = Command::new(root().join("tests/broker/kafka.sh"))
        .arg("start")
        .arg(dir)
        .arg(n_brokers.to_string())
        .env("KAFKA_PARTITIONS", shape.n_partitions.to_string())
        .env("KAFKA_KEPT_BYTES", shape.kept_bytes.map_or_else(|| "-1".to_owned(), |bytes| bytes.to_string()))
        .env("KAFKA_SECONDS", "14400")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(out.status.success(), "no broker");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn usage(pid: u32) -> Option<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let of = |name: &str| -> Option<usize> {
        status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    let n_files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some(Usage { rss_kb: of("VmRSS:")?, n_threads: of("Threads:")?, n_files })
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        for child in self.processes.iter_mut().flatten().chain(&mut self.twin) {
            let _ = child.kill();
            let _ = child.wait();
        }
        if self.mock.is_some() {
            return;
        }
        let _ = Command::new(root().join("tests/broker/kafka.sh")).arg("stop").arg(&self.brokers).status();
        for data in std::fs::read_dir(&self.brokers).into_iter().flatten().flatten() {
            if data.file_name().to_string_lossy().starts_with("data-") {
                let _ = std::fs::remove_dir_all(data.path());
            }
        }
    }
}

fn send(pid: u32, signal: &str) {
    let _ = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status();
}

/// Whether a process has a handler for SIGTERM.
fn listens(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & (1 << 14) != 0)
}

fn wait(child: &mut Child, most: Duration) -> Option<i32> {
    let until = Instant::now() + most;
    while Instant::now() < until {
        if let Ok(Some(status)) = child.try_wait() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Who writes the messages.
struct Feeder {
    source: Source,
    servers: String,
    topic: String,
    shape: Shape,
    is_over: Arc<AtomicBool>,
    n_fed: Arc<AtomicUsize>,
    n_wanted: Arc<AtomicUsize>,
    args: Args,
}

impl Feeder {
    /// Writes messages until it is over and there are enough; returns how many.
    fn feed(mut self) -> usize {
        let began = Instant::now();
        let mut n = 0;
        while !self.is_over.load(Relaxed) || n < self.args.messages {
            let by_time = (began.elapsed().as_millis() as usize).saturating_mul(self.args.per_s) / 1_000;
            let due = match self.is_over.load(Relaxed) {
                // What is still missing at the end comes at once.
                true => self.args.messages,
                false if self.shape.on_demand => self.n_wanted.load(Relaxed),
                false => by_time,
            };
            let is_more = n < due;
            if self.shape.on_demand && is_more {
                // One that knows nothing of what befell the brokers before.
                self.source = Source::new(&self.servers).unwrap();
            }
            while n < due {
                self.source.write(&self.topic, &self.shape.record(n)).unwrap();
                n += 1;
            }
            if self.shape.on_demand && is_more {
                self.source.flush().unwrap();
            }
            self.n_fed.store(n, Relaxed);
            std::thread::sleep(Duration::from_millis(5));
        }
        self.source.flush().unwrap();
        n
    }
}
