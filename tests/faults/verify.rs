//! What goes in, what must come out, and whether it did.

use efface::stream::mock::{Sink, Traffic};
use efface::stream::sample::Random;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The first record's time.
pub(crate) const BEGAN_MS: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;
/// How long nothing may come before what is missing is lost.
const PATIENCE: Duration = Duration::from_secs(90);

/// What messages are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) n_partitions: usize,
    /// Bytes of each that say nothing.
    pub(crate) n_padding: usize,
    /// One in so many is too long for the topic of the storage lane; 0 for none.
    pub(crate) too_long: usize,
    /// Least messages, and messages a second, where the arguments are not to say so.
    pub(crate) messages: Option<usize>,
    pub(crate) per_s: Option<usize>,
    /// They come when the fault asks for them, and not by time.
    pub(crate) on_demand: bool,
    /// The brokers keep so many bytes of each partition, about, and the outputs are read while they are written.
    pub(crate) kept_bytes: Option<usize>,
}

/// Bytes after which a record is too long where some are.
pub(crate) const TOO_LONG: usize = 40_000;

impl Shape {
    pub(crate) const SMALL: Self = Self {
        n_partitions: 12,
        n_padding: 0,
        too_long: 0,
        messages: None,
        per_s: None,
        on_demand: false,
        kept_bytes: None,
    };

    fn is_broken(self, n: usize) -> bool {
        n % 1_000 == 999
    }

    fn is_too_long(self, n: usize) -> bool {
        self.too_long > 0 && n % self.too_long == self.too_long / 2
    }

    /// Why a record is to be quarantined.
    fn fault(self, n: usize) -> Option<&'static str> {
        if self.is_broken(n) {
            Some("broken_json")
        } else if self.is_too_long(n) {
            Some("output_too_long")
        } else {
            None
        }
    }

    /// A record of the input; its offset is that of its number in its partition.
    pub(crate) fn record(self, n: usize) -> Traffic {
        let (planted, _) = planted(n);
        let close = if self.is_broken(n) { "" } else { "}" };
        let value = format!(
            "{{\"n\":{n},\"text\":\"write to {planted} please, or to u{n}@example.org\"{}{close}",
            self.padding(n)
        );
        Traffic {
            partition: (n % self.n_partitions) as i32,
            time_ms: Some(BEGAN_MS + n as i64),
            key: Some(key(n, self.n_partitions).into_bytes()),
            value: Some(value.into_bytes()),
            ..Traffic::default()
        }
    }

    fn expected(self, n: usize) -> String {
        format!("{{\"n\":{n},\"text\":\"write to {} please, or to [EMAIL_ADDRESS]\"{}}}", planted(n).1, self.padding(n))
    }

    fn padding(self, n: usize) -> String {
        static LETTERS: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let n_bytes = if self.is_too_long(n) { TOO_LONG + 1_000 } else { self.n_padding };
        if n_bytes == 0 {
            return String::new();
        }
        // Words that are none, so that compression does not make them small.
        let letters = LETTERS.get_or_init(|| {
            let mut random = Random(1);
            let mut letter =
                |at: usize| if at % 8 == 7 { ' ' } else { char::from(b"bcdfghkm"[random.below(8) as usize]) };
            (0..2 << 20).map(&mut letter).collect()
        });
        let from = n * 7_919 % (1 << 19);
        format!(",\"pad\":\"{}\"", &letters[from..from + n_bytes])
    }
}

fn key(n: usize, n_partitions: usize) -> String {
    format!("c-{}", n / n_partitions % 31 * n_partitions + n % n_partitions)
}

/// What is planted, and what it becomes.
fn planted(n: usize) -> (String, &'static str) {
    match n % 4 {
        0 => (format!("v{n}@example.org"), "[EMAIL_ADDRESS]"),
        1 => (format!("+1 202-555-01{:02}", n % 100), "[PHONE_NUMBER]"),
        2 => ("4111 1111 1111 1111".to_owned(), "[CREDIT_CARD]"),
        _ => ("nothing".to_owned(), "nothing"),
    }
}

/// Returns whether a text holds something that was planted.
pub(crate) fn is_raw(text: &str) -> bool {
    text.contains("@example.org") || text.contains("555-01") || text.contains("4111 1111")
}

/// What was wrong.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) messages: usize,
    pub(crate) lost: usize,
    pub(crate) repeated: usize,
    pub(crate) reordered: usize,
    pub(crate) raw: usize,
    /// Another value, key, time or partition than there should be.
    pub(crate) wrong: usize,
    /// Seconds until everything was there, after the last message was written.
    pub(crate) caught_up_s: u64,
    /// Processes that did not stop in good order when asked to.
    pub(crate) bad_stops: usize,
}

impl Verdict {
    /// Adds what was wrong on one output.
    fn add(&mut self, lane: &Self) {
        self.lost += lane.lost;
        self.repeated += lane.repeated;
        self.reordered += lane.reordered;
        self.raw += lane.raw;
        self.wrong += lane.wrong;
    }

    pub(crate) fn is_ok(&self, guarantee: &str) -> bool {
        let repeats = if guarantee == "exactly_once" { self.repeated } else { 0 };
        self.lost + self.reordered + self.raw + self.wrong + self.bad_stops + repeats == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"messages\":{},\"lost\":{},\"repeated\":{},\"reordered\":{},\"raw\":{},\"wrong\":{},\"bad_stops\":{},\"caught_up_s\":{}",
            self.messages,
            self.lost,
            self.repeated,
            self.reordered,
            self.raw,
            self.wrong,
            self.bad_stops,
            self.caught_up_s
        )
    }
}

/// What of the input was seen on one topic.
#[derive(Default)]
struct Seen {
    is_seen: Vec<bool>,
    n: usize,
}

impl Seen {
    /// Returns whether it is new. `total` is known when the last message was written.
    fn add(&mut self, n: usize, total: Option<usize>, verdict: &mut Verdict) -> bool {
        if n >= total.unwrap_or(MOST) {
            verdict.wrong += 1;
            return false;
        }
        if n >= self.is_seen.len() {
            self.is_seen.resize(n + 1, false);
        }
        if std::mem::replace(&mut self.is_seen[n], true) {
            verdict.repeated += 1;
            return false;
        }
        self.n += 1;
        true
    }
}

/// More messages than any fault writes.
const MOST: usize = 1 << 30;

fn text(bytes: Option<&Vec<u8>>) -> String {
    bytes.map_or_else(String::new, |bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn number(value: &str) -> Option<usize> {
    value.strip_prefix("{\"n\":")?.split(',').next()?.parse().ok()
}

/// A partition, and offsets of it that were deleted before they were read.
type Gone = (usize, Range<usize>);

/// The outputs of a run.
#[derive(Clone, Debug)]
pub(crate) struct Outputs {
    pub(crate) servers: String,
    pub(crate) prefix: String,
    pub(crate) shape: Shape,
}

const LANES: [&str; 3] = ["storage", "analytics", "quarantine"];

/// Reads outputs while they are written, for as long as there may be more than the brokers keep.
pub(crate) struct Live {
    total: Arc<OnceLock<usize>>,
    lanes: Vec<JoinHandle<Verdict>>,
}

impl Live {
    pub(crate) fn start(outputs: &Outputs) -> Self {
        let total = Arc::new(OnceLock::new());
        let lanes = LANES.map(|name| {
            let (outputs, total) = (outputs.clone(), Arc::clone(&total));
            std::thread::spawn(move || outputs.read(name, &total, &[]))
        });
        Self { total, lanes: lanes.into() }
    }

    /// Waits until everything is there or nothing more comes.
    pub(crate) fn finish(self, total: usize) -> Verdict {
        let began = Instant::now();
        self.total.set(total).unwrap();
        let mut verdict = Verdict { messages: total, ..Verdict::default() };
        self.lanes.into_iter().for_each(|lane| verdict.add(&lane.join().unwrap()));
        verdict.caught_up_s = began.elapsed().as_secs();
        verdict
    }
}

impl Outputs {
    /// Reads all outputs as a reader that sees what is committed, until everything is there or nothing more comes.
    pub(crate) fn verify(&self, total: usize, gone: &[Gone]) -> Verdict {
        let began = Instant::now();
        let mut verdict = Verdict { messages: total, ..Verdict::default() };
        LANES.iter().for_each(|name| verdict.add(&self.read(name, &OnceLock::from(total), gone)));
        verdict.caught_up_s = began.elapsed().as_secs();
        verdict
    }

    /// Reads one output.
    fn read(&self, name: &str, total: &OnceLock<usize>, gone: &[Gone]) -> Verdict {
        let Self { servers, prefix, shape } = self;
        let n_partitions = shape.n_partitions;
        let mut verdict = Verdict::default();
        let is_quarantine = name == "quarantine";
        let is_due = |n: usize| {
            let is_gone =
                gone.iter().any(|(at, offsets)| *at == n % n_partitions && offsets.contains(&(n / n_partitions)));
            shape.fault(n).is_some() == is_quarantine && !is_gone
        };
        let mut due = None;
        // Of storage, and of analytics: the last of each partition, and of each key.
        let mut last: HashMap<i32, usize> = HashMap::new();
        let mut last_of: HashMap<String, usize> = HashMap::new();
        let mut seen = Seen::default();
        let mut sink = Sink::new(servers, &format!("{prefix}.{name}")).unwrap();
        loop {
            let total = total.get().copied();
            if due.is_none() {
                due = total.map(|total| (0..total).filter(|n| is_due(*n)).count());
            }
            let is_all = due.is_some_and(|due| seen.n >= due);
            let patience = if is_all || due.is_none() { Duration::from_millis(1_500) } else { PATIENCE };
            let Some(record) = sink.next(patience) else {
                if due.is_none() {
                    continue;
                }
                break;
            };
            let value = text(record.value.as_ref());
            if is_raw(&value)
                || is_raw(&text(record.key.as_ref()))
                || record.headers.iter().any(|(name, value)| is_raw(name) || is_raw(&text(value.as_ref())))
            {
                verdict.raw += 1;
            }
            if is_quarantine {
                let field = |name: &str| -> Option<usize> {
                    let after = value.split(&format!("\"{name}\":")).nth(1)?;
                    after.trim_end_matches('}').split(',').next()?.parse().ok()
                };
                match (field("partition"), field("offset")) {
                    (Some(partition), Some(offset)) => {
                        let n = offset * n_partitions + partition;
                        let is_right = shape.fault(n).is_some_and(|fault| value.contains(&format!("\"{fault}\"")));
                        verdict.wrong += usize::from(!is_right);
                        seen.add(n, total, &mut verdict);
                    }
                    _ => verdict.wrong += 1,
                }
                continue;
            }
            let Some(n) = number(&value) else {
                verdict.wrong += 1;
                continue;
            };
            let is_new = seen.add(n, total, &mut verdict);
            let before = if name == "storage" {
                let source = record.headers.iter().find(|(name, _)| name == "efface-source");
                let source = text(source.and_then(|(_, value)| value.as_ref()));
                let as_it_should = source == format!("{prefix}.raw/{}/{}", n % n_partitions, n / n_partitions)
                    && record.partition == (n % n_partitions) as i32
                    && record.time_ms == Some(BEGAN_MS + n as i64);
                verdict.wrong += usize::from(!as_it_should);
                last.insert(record.partition, n)
            } else {
                let time_ms = BEGAN_MS + n as i64;
                verdict.wrong += usize::from(record.time_ms != Some(time_ms - time_ms.rem_euclid(HOUR_MS)));
                last_of.insert(text(record.key.as_ref()), n)
            };
            // Of those that are there for the first time; a stretch that is repeated is counted as that.
            verdict.reordered += usize::from(is_new && before.is_some_and(|before| before > n));
            let as_it_should = value == shape.expected(n) && text(record.key.as_ref()) == key(n, n_partitions);
            verdict.wrong += usize::from(!as_it_should);
        }
        verdict.lost += due.unwrap_or(0).saturating_sub(seen.n);
        verdict
    }
}
