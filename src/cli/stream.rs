//! `efface stream`: Kafka topics in, redacted topics out, until told to stop.

use super::{DONE, FAULT, Globals, load_rules, print, talk};
use crate::metrics::Server;
use crate::stream::{Config, Control, Event, Job, Tell};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Arguments of `efface stream`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Stops cleanly on SIGTERM and SIGINT: what is under way is finished, then the exit code is 0.",
    after_long_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// What is read and written
    #[arg(long, value_name = "FILE", default_value = "efface.toml")]
    config: PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether a configuration is sound, and what it does
    Check {
        /// What is read and written
        #[arg(long, value_name = "FILE", default_value = "efface.toml")]
        config: PathBuf,
        /// Ask the cluster as well: are the topics there, and wide enough?
        #[arg(long)]
        connect: bool,
    },
}

const EXAMPLES: &str = "A configuration:
  [kafka]
  bootstrap_servers = \"127.0.0.1:9092\"
  group_id = \"efface\"

  [input]
  topics = [\"chat.raw\"]

  [lanes.storage]
  topic = \"chat.storage\"

  [lanes.analytics]
  topic = \"chat.analytics\"

  [quarantine]
  topic = \"chat.quarantine\"

Every record is written to every lane at least once, in the order of its partition.
docs/stream.md explains every setting.

Examples:
  efface stream check --config efface.toml            is it sound?
  efface stream check --config efface.toml --connect  and are the topics there?
  efface stream --config efface.toml                  run

The log is JSON, one line an event, on standard error; no value of a record is in it.

Exit codes:
  0 stopped and drained   2 a fault, or not drained";

/// Runs `efface stream`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    match args.command {
        Some(Command::Check { config, connect }) => check(&config, connect, globals),
        None => stream(&args.config, globals),
    }
}

fn build(config: &std::path::Path, globals: &Globals) -> anyhow::Result<Job> {
    let config = Config::load(config)?;
    let rules = load_rules(globals)?;
    Ok(Job::build(config, &rules, &|name| std::env::var(name).ok())?)
}

fn check(config: &std::path::Path, connect: bool, globals: &Globals) -> anyhow::Result<ExitCode> {
    let job = build(config, globals)?;
    print(line(&Event::Start(job.start())).as_bytes())?;
    if connect {
        let inputs = job.check()?;
        print(format!("sound; reads {}\n", inputs.join(", ")).as_bytes())?;
    } else {
        print(b"sound; the cluster was not asked (--connect)\n")?;
    }
    Ok(ExitCode::from(DONE))
}

fn stream(config: &std::path::Path, globals: &Globals) -> anyhow::Result<ExitCode> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // The second signal ends the process at once.
        flag::register_conditional_shutdown(signal, i32::from(FAULT), Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&asked))?;
    }
    let job = build(config, globals)?;
    let control = Arc::new(Control::default());
    let tell: Tell = Arc::new(|event: &Event<'_>| talk(format_args!("{}", line(event).trim_end())));
    watch(asked, Arc::clone(&control), job.patience());
    let server = job.listen().map(|at| Server::start(at, Arc::<Control>::clone(&control))).transpose()?;
    if let Some(at) = server.as_ref().and_then(Server::address) {
        tell(&Event::Listening { at: at.to_string() });
    }
    let outcome = job.run(&control, &tell)?;
    Ok(ExitCode::from(if outcome.is_drained { DONE } else { FAULT }))
}

/// Carries the wish to stop from the signal to the stream, and ends the process where the stream does not end: a client
/// library that hangs must not keep it from being started again. Nothing is lost by that; what was under way is repeated, or
/// its transaction aborted.
fn watch(asked: Arc<AtomicBool>, control: Arc<Control>, patience: Duration) {
    std::thread::spawn(move || {
        while !asked.load(Ordering::Relaxed) && !control.is_stopping() {
            std::thread::sleep(Duration::from_millis(20));
        }
        control.stop();
        std::thread::sleep(patience);
        talk(format_args!("error: the stream does not end; the process does"));
        std::process::exit(i32::from(FAULT));
    });
}

/// Writes an event as one line of JSON, with level and time.
fn line(event: &Event<'_>) -> String {
    let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let body = serde_json::to_string(event).unwrap_or_default();
    let body = body.strip_prefix('{').unwrap_or("}");
    format!("{{\"level\":\"{}\",\"at_ms\":{at_ms},{body}\n", event.level())
}
