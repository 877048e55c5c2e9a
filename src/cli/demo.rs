//! `efface demo`: a whole stream at work, with a cluster inside this process and messages that nobody wrote.

use super::summary::grouped;
use super::{DONE, FAULT, Fault, Globals, load_rules, print};
use crate::stream::mock::{Mock, Sink, Source, Traffic};
use crate::stream::sample::{self, Message};
use crate::stream::{Config, Control, Event, Job, SOURCE_HEADER, Tell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Arguments of `efface demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Needs no installation and no network; everything stays on loopback and is gone at the end.")]
pub(crate) struct Args {}

const N_MESSAGES: usize = 2_000;
const SEED: u64 = 2_026;
const N_PARTITIONS: i32 = 6;
const N_SHOWN: usize = 7;
const CONFIG: &str = include_str!("../../demo/efface.toml");
/// The cluster takes three seconds to let a group begin; all the rest is quick.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs `efface demo`.
pub(crate) fn run(_: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let ink = Ink { is_on: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty()) };
    let rules = load_rules(globals)?;
    let mock = Mock::start(1)?;
    let servers = mock.bootstrap_servers();
    let text = CONFIG.replace("127.0.0.1:9092", &servers);
    let config = Config::parse(&text, "demo/efface.toml", Path::new("demo"))?;
    for topic in ["chat.raw", "chat.storage", "chat.analytics"] {
        mock.topic(topic, N_PARTITIONS)?;
    }
    mock.topic("chat.quarantine", 1)?;
    let key = key();
    let job = Job::build(config, &rules, &|name| (name == "EFFACE_ROOT_KEY").then(|| key.clone()))?;

    let messages = sample::messages(N_MESSAGES, SEED);
    let source = Source::new(&servers)?;
    for message in &messages {
        source.write("chat.raw", &message.record(N_PARTITIONS))?;
    }
    source.flush()?;
    say(format_args!(
        "{}\n\n  {}  a Kafka cluster in this process, at {servers}\n  {}  {} invented messages in topic chat.raw: SMS, WhatsApp, chat; two tenants\n  \
         {}  waiting for the group to begin (3 s)\n",
        ink.bold("efface demo"),
        ink.dim("1"),
        ink.dim("2"),
        grouped(N_MESSAGES as u64),
        ink.dim("3"),
    ))?;

    let (control, seconds) = stream(&job)?;
    let read = |topic: &str| read(&servers, topic);
    let (storage, analytics, quarantine) = (read("chat.storage")?, read("chat.analytics")?, read("chat.quarantine")?);

    show(&messages, &storage, &analytics, ink)?;
    let mut out = String::new();
    let tally = control.tally();
    let mut entities: Vec<_> = tally.entities().collect();
    entities.sort_by_key(|&(entity, n)| (std::cmp::Reverse(n), entity));
    let _ = writeln!(out, "{}\n", ink.bold("What was found"));
    let most = entities.first().map_or(1, |&(_, n)| n.max(1));
    for &(entity, n) in &entities {
        let name = rules.entity(entity).map_or("", |entity| entity.name.as_str());
        let bar = "▇".repeat(usize::try_from(n * 32 / most).unwrap_or(0).max(1));
        let _ = writeln!(out, "  {name:<16} {:>5}  {}", grouped(n), ink.hue(&bar));
    }
    if let Some(record) = quarantine.first() {
        let body = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        let _ = writeln!(
            out,
            "\n{}\n\n  {} messages were broken on purpose. The quarantine gets coordinates and a reason, no text:\n  {}",
            ink.bold("What could not be handled"),
            quarantine.len(),
            ink.dim(&body),
        );
    }
    let n_leaks = leaks(&messages, &[&storage, &analytics, &quarantine]);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of messages")]
    let per_s = (N_MESSAGES as f64 / seconds.max(1e-3)) as u64;
    let _ = writeln!(
        out,
        "\n{}\n\n  {} messages a second here, brokers included; all {} planted values looked for on every topic: {} in clear\n",
        ink.bold("How fast, how sure"),
        grouped(per_s),
        grouped(messages.iter().map(|message| message.planted.len() as u64).sum()),
        n_leaks,
    );
    let _ = writeln!(
        out,
        "{}\n\n  efface redact examples/messages.jsonl     a file of yours works as well\n  \
         EFFACE_ROOT_KEY=$(openssl rand -hex 32) efface stream --config demo/efface.toml\n  \
         {:<41} on your own cluster; docs/stream.md explains every setting\n",
        ink.bold("What to try next"),
        "",
    );
    let _ = writeln!(
        out,
        "{} messages, {} detections, {} on storage, {} on analytics, {} quarantined",
        N_MESSAGES,
        tally.n_detections(),
        storage.len(),
        analytics.len(),
        quarantine.len(),
    );
    print(out.as_bytes())?;
    let is_whole = storage.len() == analytics.len() && storage.len() + quarantine.len() == N_MESSAGES && n_leaks == 0;
    Ok(ExitCode::from(if is_whole { DONE } else { FAULT }))
}

/// A key for these seconds. It guards nothing: all its people are invented.
fn key() -> String {
    let half = || RandomState::new().build_hasher().finish();
    (0..4).fold(String::new(), |hex, _| format!("{hex}{:016x}", half()))
}

/// Runs the stream until every message is through; returns the seconds from the first partition to the last record.
fn stream(job: &Job) -> anyhow::Result<(Arc<Control>, f64)> {
    let control = Arc::new(Control::default());
    let began = Arc::new(Mutex::new(None::<Instant>));
    let tell: Tell = {
        let began = Arc::clone(&began);
        Arc::new(move |event: &Event<'_>| {
            if matches!(event, Event::Assigned { .. }) {
                began.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
            }
        })
    };
    let started = Instant::now();
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| job.run(&control, &tell));
        let is_through = || control.n_done() + control.n_quarantined() >= N_MESSAGES as u64;
        while !is_through() && started.elapsed() < PATIENCE && !runner.is_finished() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let began = began.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(started);
        let seconds = began.elapsed().as_secs_f64();
        let was_through = is_through();
        control.stop();
        match runner.join() {
            Ok(outcome) => {
                outcome?;
            }
            Err(_) => return Err(Fault::new("the stream died", "a bug; please report it").into()),
        }
        if !was_through {
            return Err(Fault::new("the stream took too long", "is the machine busy? try again").into());
        }
        Ok((Arc::clone(&control), seconds))
    })
}

fn read(servers: &str, topic: &str) -> anyhow::Result<Vec<Traffic>> {
    let mut sink = Sink::new(servers, topic)?;
    let mut found = Vec::new();
    let mut wait = Duration::from_secs(2);
    while let Some(record) = sink.next(wait) {
        found.push(record);
        wait = Duration::from_millis(300);
    }
    Ok(found)
}

/// How many planted values stand in clear somewhere.
fn leaks(messages: &[Message], topics: &[&[Traffic]]) -> usize {
    let mut all = Vec::new();
    for record in topics.iter().flat_map(|topic| topic.iter()) {
        let headers = record.headers.iter().filter_map(|(_, value)| value.as_deref());
        for part in [record.key.as_deref(), record.value.as_deref()].into_iter().flatten().chain(headers) {
            all.extend_from_slice(part);
            all.push(b'\n');
        }
    }
    let planted: BTreeSet<&String> = messages.iter().flat_map(|message| &message.planted).collect();
    planted.iter().filter(|value| memchr::memmem::find(&all, value.as_bytes()).is_some()).count()
}

/// The text and the headers of a record that came out.
type Shown = (String, Vec<(String, Option<Vec<u8>>)>);

/// Shows messages before and after, in as many languages as fit.
fn show(messages: &[Message], storage: &[Traffic], analytics: &[Traffic], ink: Ink) -> anyhow::Result<()> {
    let by_id = |records: &[Traffic]| -> BTreeMap<String, Shown> {
        let read = |record: &Traffic| {
            let document: serde_json::Value = serde_json::from_slice(record.value.as_deref()?).ok()?;
            let field = |name: &str| document.get(name)?.as_str().map(str::to_owned);
            Some((field("message")?, (field("text")?, record.headers.clone())))
        };
        records.iter().filter_map(read).collect()
    };
    let (storage, analytics) = (by_id(storage), by_id(analytics));
    let text = |message: &Message| -> Option<String> {
        let document: serde_json::Value = serde_json::from_str(&message.json).ok()?;
        Some(document.get("text")?.as_str()?.to_owned())
    };
    let both = |message: &Message| Some((storage.get(&message.id)?, analytics.get(&message.id)?));
    say(format_args!("{}\n", ink.bold("Before and after")))?;
    let mut languages = BTreeSet::new();
    for message in messages.iter().filter(|message| !message.planted.is_empty()) {
        if languages.len() == N_SHOWN {
            break;
        }
        let (Some(raw), Some(((kept, headers), (counted, _)))) = (text(message), both(message)) else { continue };
        if !languages.insert(message.language) {
            continue;
        }
        let source = headers.iter().find(|(name, _)| name == SOURCE_HEADER).and_then(|(_, value)| value.as_deref());
        let source = String::from_utf8_lossy(source.unwrap_or_default()).into_owned();
        say(format_args!(
            "  {}\n    raw        {}\n    storage    {}\n    analytics  {}\n",
            ink.dim(&format!("{} of {}, {}, from {source}", message.language, message.tenant, message.id)),
            marked(&raw, &message.planted, |value| ink.bad(value)),
            labels(kept, ink),
            labels(counted, ink),
        ))?;
    }
    // Who is who stays visible: one person, two messages, one token.
    let mut seen: BTreeMap<&str, &Message> = BTreeMap::new();
    for message in messages.iter().filter(|message| message.planted.len() == 1 && text(message).is_some()) {
        let Some(value) = message.planted.first().filter(|value| value.contains('@')) else { continue };
        let Some(other) = seen.insert(value, message).filter(|other| other.language != message.language) else {
            continue;
        };
        let (Some(((one, _), (first, _))), Some(((two, _), (second, _)))) = (both(other), both(message)) else {
            continue;
        };
        return say(format_args!(
            "{}\n\n  {}\n    storage    {}\n    storage    {}\n    analytics  {}\n    analytics  {}\n",
            ink.bold("One person, two messages"),
            ink.dim(&format!(
                "{} and {} of {}: one token on a lane, another on the other; the key opens those of storage alone",
                other.id, message.id, message.tenant
            )),
            labels(one, ink),
            labels(two, ink),
            labels(first, ink),
            labels(second, ink),
        ));
    }
    Ok(())
}

/// Marks values in a text.
fn marked(text: &str, values: &[String], mark: impl Fn(&str) -> String) -> String {
    values.iter().fold(text.to_owned(), |text, value| text.replacen(value.as_str(), &mark(value), 1))
}

/// Marks labels, names in brackets, and tokens.
fn labels(text: &str, ink: Ink) -> String {
    let token = |word: &str| if word.starts_with("tok_") { ink.hue(word) } else { word.to_owned() };
    let text = text.split(' ').map(token).collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        match after.split_once(']') {
            Some((name, after)) if name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') => {
                out.push_str(&ink.hue(&format!("[{name}]")));
                rest = after;
            }
            _ => {
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn say(text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
    print(format!("{text}\n").as_bytes())
}

/// Colours, where the terminal has them. Nothing is told by colour alone.
#[derive(Clone, Copy)]
struct Ink {
    is_on: bool,
}

impl Ink {
    fn paint(self, code: &str, text: &str) -> String {
        if self.is_on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }
    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }
    fn hue(self, text: &str) -> String {
        self.paint("32", text)
    }
    fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }
}
