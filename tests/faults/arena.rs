//! A cluster, processes, and messages that keep coming.

use crate::proxy::{self, Weather};
use crate::verify::{self, Verdict, is_raw};
use crate::{Args, root};
use efface::stream::mock::Source;
use efface::stream::sample::Random;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const EFFACE: &str = env!("CARGO_BIN_EXE_efface");
pub(crate) const N_PARTITIONS: usize = 12;

/// What is different from the ordinary.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    pub(crate) strategy: Option<&'static str>,
    pub(crate) transaction_ms: Option<u64>,
    pub(crate) session_ms: Option<u64>,
    pub(crate) drain_ms: Option<u64>,
    pub(crate) through_proxy: bool,
}

pub(crate) struct Arena {
    pub(crate) name: &'static str,
    /// Of all topics.
    pub(crate) prefix: String,
    pub(crate) servers: String,
    pub(crate) random: Random,
    proxied: String,
    brokers: PathBuf,
    dir: PathBuf,
    weather: Arc<Weather>,
    processes: Vec<Option<Child>>,
    twin: Option<Child>,
    is_over: Arc<AtomicBool>,
    feeder: Option<JoinHandle<usize>>,
    guarantee: String,
    session: Duration,
    shards: usize,
    bad_stops: usize,
    setting: Setting,
}

impl Arena {
    pub(crate) fn start(name: &'static str, n_brokers: u32, args: &Args) -> Self {
        // Another run may be under way with another seed.
        let brokers = root().join(format!("target/faults/kafka-{}", args.seed));
        let out = Command::new(root().join("tests/broker/kafka.sh"))
            .arg("start")
            .arg(&brokers)
            .arg(n_brokers.to_string())
            .env("KAFKA_PARTITIONS", N_PARTITIONS.to_string())
            .env("KAFKA_SECONDS", "14400")
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(out.status.success(), "no broker");
        let servers = String::from_utf8(out.stdout).unwrap().trim().to_owned();
        let weather = Arc::new(Weather::default());
        let mut proxied = Vec::new();
        for line in std::fs::read_to_string(brokers.join("ports")).unwrap().lines() {
            let ports: Vec<u16> = line.split(' ').map(|port| port.parse().unwrap()).collect();
            proxy::start(ports[2], ports[1], Arc::clone(&weather), args.seed);
            proxied.push(format!("127.0.0.1:{}", ports[2]));
        }
        let prefix = format!("{}-{}", name.to_lowercase(), args.seed);
        let source = Source::new(&servers).unwrap();
        for topic in ["raw", "storage", "analytics", "quarantine"] {
            assert_eq!(source.ensure(&format!("{prefix}.{topic}")).unwrap(), N_PARTITIONS);
        }
        let dir = root().join("target/faults").join(&prefix);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let feeder = {
            let (topic, is_over, args) = (format!("{prefix}.raw"), Arc::clone(&is_over), args.clone());
            std::thread::spawn(move || feed(&source, &topic, &is_over, &args))
        };
        Self {
            name,
            prefix,
            servers,
            random: Random(args.seed),
            proxied: proxied.join(","),
            brokers,
            dir,
            weather,
            processes: Vec::new(),
            twin: None,
            is_over,
            feeder: Some(feeder),
            guarantee: args.guarantee.clone(),
            session: args.session,
            shards: args.shards,
            bad_stops: 0,
            setting: Setting::default(),
        }
    }

    /// Starts so many processes.
    pub(crate) fn set(&mut self, n: usize, setting: &Setting) {
        self.setting = setting.clone();
        for at in 0..n {
            self.processes.push(None);
            self.restart(at);
        }
    }

    pub(crate) fn random_ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.random.below(to - from))
    }

    pub(crate) fn pick(&mut self) -> usize {
        self.random.below(self.processes.len() as u64) as usize
    }

    fn config(&self, at: usize) -> PathBuf {
        let setting = &self.setting;
        let (prefix, guarantee, shards) = (&self.prefix, &self.guarantee, self.shards);
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
             properties = {{ \"topic.metadata.refresh.interval.ms\" = 5000, \"reconnect.backoff.max.ms\" = 1000 }}\n\
             consumer = {{ \"session.timeout.ms\" = {session_ms}, \"heartbeat.interval.ms\" = 500, \
             \"partition.assignment.strategy\" = \"{strategy}\" }}\n\
             producer = {{ \"linger.ms\" = 5{transaction} }}\n\
             [input]\ntopics = [\"{prefix}.raw\"]\nregion = {{ default = \"US\" }}\n\
             [lanes.storage]\ntopic = \"{prefix}.storage\"\n[lanes.analytics]\ntopic = \"{prefix}.analytics\"\n\
             [quarantine]\ntopic = \"{prefix}.quarantine\"\n\
             [limits]\nthreads = 1\ndrain_ms = {}\nin_flight_records = 4096\nbatch_records = 512\n",
            setting.drain_ms.unwrap_or(15_000),
        );
        let path = self.dir.join(format!("{at}.toml"));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn spawn(&self, at: usize, log: &str) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join(log)).unwrap();
        // Another build may be named, so that this one may be built meanwhile.
        let mut command = Command::new(std::env::var("EFFACE_PROGRAM").unwrap_or_else(|_| EFFACE.to_owned()));
        command.args(["stream", "--config"]).arg(self.config(at)).stderr(log).stdout(Stdio::null());
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

    /// Ends the flow, waits for everything to come out, stops all processes in good order, and looks.
    pub(crate) fn finish(mut self, _: &Args) -> Verdict {
        self.is_over.store(true, Relaxed);
        let total = self.feeder.take().unwrap().join().unwrap();
        let mut verdict = verify::verify(&self.servers, &self.prefix, total, N_PARTITIONS);
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

impl Drop for Arena {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().flatten().chain(&mut self.twin) {
            let _ = child.kill();
            let _ = child.wait();
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

/// Writes messages until it is over and there are enough; returns how many.
fn feed(source: &Source, topic: &str, is_over: &AtomicBool, args: &Args) -> usize {
    let began = Instant::now();
    let mut n = 0;
    while !is_over.load(Relaxed) || n < args.messages {
        let due = (began.elapsed().as_millis() as usize).saturating_mul(args.per_s) / 1_000;
        // What is still missing at the end comes at once.
        let due = if is_over.load(Relaxed) { args.messages } else { due };
        while n < due {
            source.write(topic, &verify::record(n, N_PARTITIONS)).unwrap();
            n += 1;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    source.flush().unwrap();
    n
}
