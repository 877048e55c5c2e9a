//! How far a run is, and how it is ended early.

use super::summary::{bytes, grouped};
use super::talk;
use crate::batch::{Inputs, Leftover, Place, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    /// A bar on a terminal, else a line now and then; and a summary.
    Normal,
    /// Only what went wrong.
    Quiet,
}

/// Shows how far a run is until it is dropped.
pub(super) struct Progress {
    /// What the run tells.
    pub(super) watch: Arc<Watch>,
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to show.
    pub(super) fn start(inputs: &Inputs, talk: Talk) -> Self {
        let watch = Arc::new(Watch::default());
        if talk == Talk::Quiet {
            return Self { watch, shown: None };
        }
        let total = inputs.inputs.iter().try_fold(0_u64, |total, input| match &input.place {
            Place::Stdin => None,
            Place::File(path) => path.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| total + file.len()),
        });
        let (stop, stopped) = channel();
        let seen = Arc::clone(&watch);
        let n_inputs = inputs.inputs.len() as u64;
        let show = move || {
            let start = Instant::now();
            let is_terminal = io::stderr().is_terminal();
            let mut bar = None;
            let mut told = Duration::ZERO;
            // Ends when the other side says so or is gone; until then it only waits.
            while stopped.recv_timeout(TICK).is_err_and(|err| err == std::sync::mpsc::RecvTimeoutError::Timeout) {
                let (n_read, since) = (seen.n_read.load(Ordering::Relaxed), start.elapsed());
                if is_terminal && since >= BAR_AFTER {
                    let bar = bar.get_or_insert_with(|| new_bar(total, since));
                    bar.set_position(n_read);
                    if n_inputs > 1 {
                        let n = seen.n_inputs.load(Ordering::Relaxed);
                        bar.set_message(format!("{} of {} files", grouped(n), grouped(n_inputs)));
                    }
                } else if !is_terminal && since >= told + LINE_EVERY {
                    told = since;
                    line(&seen, total, n_inputs, since);
                }
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        };
        let shown = thread::Builder::new().name("progress".to_owned()).spawn(show).ok();
        Self { watch, shown: shown.map(|handle| (stop, handle)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, handle)) = self.shown.take() {
            drop(stop);
            // It only draws; there is nothing to lose when it is gone.
            let _ = handle.join();
        }
    }
}

fn new_bar(total: Option<u64>, since: Duration) -> ProgressBar {
    let (bar, template) = match total.filter(|&total| total > 0) {
        Some(total) => (
            ProgressBar::new(total),
            "{wide_bar} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left  {msg}",
        ),
        None => (ProgressBar::no_length(), "{spinner} {decimal_bytes}, {decimal_bytes_per_sec}, {elapsed}  {msg}"),
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_elapsed(since)
}

fn line(watch: &Watch, total: Option<u64>, n_inputs: u64, since: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let (n_read, seconds) = (watch.n_read.load(Ordering::Relaxed) as f64, since.as_secs_f64());
    let rate = n_read / seconds;
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let of = total.map_or_else(String::new, |total| {
        let left = (total as f64 - n_read).max(0.0) / rate.max(1.0);
        format!(" of {}, {left:.0} s left", bytes(total as f64))
    });
    let files = match n_inputs {
        1 => String::new(),
        n => format!(", {} of {} files", grouped(watch.n_inputs.load(Ordering::Relaxed)), grouped(n)),
    };
    talk(format_args!("{seconds:.0} s: {}{of}, {}/s{files}", bytes(n_read), bytes(rate)));
}

/// Sees to it that a run that is told to end leaves no half file: SIGINT, SIGTERM, SIGHUP.
pub(super) fn end_on_signal(watch: &Arc<Watch>, leftover: Leftover, goes_on: bool) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let watch = Arc::clone(watch);
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            watch.unfinished.close(leftover);
            talk(format_args!("stopped; files that are finished stay, half ones are not there"));
            if goes_on {
                talk(format_args!("hint: the same command with --resume goes on from here"));
            }
            // What ends by a signal tells so, as a shell does.
            std::process::exit(128 + signal.clamp(1, 127));
        }
    })?;
    Ok(())
}

/// How often a bar moves.
const TICK: Duration = Duration::from_millis(200);
/// What is over before needs no bar.
const BAR_AFTER: Duration = Duration::from_millis(500);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
