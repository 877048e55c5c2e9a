//! The command line: reads arguments, runs one command, says what went wrong and how to put it right.
//!
//! stdout is data, stderr is talk. Exit codes: 0 done; 1 found with `--check`, not valid, or below a floor; 2 operator
//! fault, or a stream that was not drained; 3 some input was quarantined (not of a stream).

#[cfg(feature = "stream")]
mod demo;
mod diff;
mod eval;
mod explain;
mod findings;
mod keys;
mod manual;
mod policy;
mod progress;
mod redact;
mod rules;
mod scan;
mod selection;
#[cfg(feature = "stream")]
mod stream;
mod summary;
mod token;
mod validate;

use crate::batch::BatchError;
use anyhow::Context;
use clap::{Parser, Subcommand};
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Finds personal data in messages and rewrites it.
#[derive(Debug, Parser)]
#[command(
    name = "efface",
    version,
    about = "Finds personal data in messages and rewrites it",
    long_about = "Finds personal data in messages (phone numbers, e-mail addresses, cards, national ids, keys) and rewrites it \
                  before the messages reach storage and analytics.\n\n\
                  Nothing leaves this machine, and no input file is changed unless you ask for it with --in-place.",
    after_help = "Start with:  efface demo           see it at work\n             \
                  efface scan FILE      what is in there?\n             \
                  efface redact FILE    the same file without it",
    after_long_help = EXAMPLES,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    globals: Globals,
}

const EXAMPLES: &str = "Examples:
  efface scan export.jsonl                      one JSON line per detection, never the value
  efface scan --check logs/                     exit code 1 when anything is found
  efface redact logs/ -o clean/                 the same files, personal data replaced by labels
  zcat chat.log.gz | efface redact > clean.log  from standard input to standard output
  efface stream --config efface.toml            Kafka topics in, redacted topics out
  efface rules list                             everything that can be found

Exit codes:
  0 done   1 found (--check) or not valid   2 wrong use or a file fault   3 some input was quarantined";

/// Options that every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Globals {
    /// Further rule packs: a folder of .toml files (repeatable)
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(crate) rules: Vec<PathBuf>,
    /// Say more on standard error
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a whole stream at work, on a cluster inside this process
    #[cfg(feature = "stream")]
    Demo(demo::Args),
    /// Tell what personal data is in messages, and where
    Scan(scan::Args),
    /// Replace personal data in messages
    Redact(redact::Args),
    /// Read Kafka topics and write them without personal data
    #[cfg(feature = "stream")]
    Stream(stream::Args),
    /// Say why something in a text was or was not found
    Explain(explain::Args),
    /// Check whether values are well formed
    Validate(validate::Args),
    /// Say what a policy does with a document, and why
    Policy(policy::Args),
    /// Open tokens with the key
    Token(token::Args),
    /// Measure precision and recall on labelled messages
    Eval(eval::Args),
    /// List, show and test the rules
    Rules(rules::Args),
    /// Print completions for a shell
    Completions(manual::CompletionsArgs),
    /// Print the manual pages, or write them to a folder
    Man(manual::ManArgs),
}

/// Everything went well.
pub(crate) const DONE: u8 = 0;
/// Something was found with `--check`, is not valid, or failed its own test.
pub(crate) const FOUND: u8 = 1;
/// Wrong use, or a file that cannot be read or written.
pub(crate) const FAULT: u8 = 2;
/// Some input could not be handled.
pub(crate) const QUARANTINED: u8 = 3;

/// Wrong use: what is wrong, and what would be right.
#[derive(Debug)]
pub(crate) struct Fault {
    what: String,
    hint: String,
}

impl Fault {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  hint: {}", self.what, self.hint)
    }
}

impl std::error::Error for Fault {}

/// Runs the command that the arguments name and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    // A panic message may quote the text it stumbled over; only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        #[cfg(feature = "stream")]
        if crate::stream::expects_panic() {
            return;
        }
        let place = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        talk(format_args!("bug: a panic{place}; the record is quarantined"));
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => {
            // Help and version go to stdout with code 0, wrong use to stderr with code 2.
            let code = if err.use_stderr() { FAULT } else { DONE };
            return if err.print().is_err() { ExitCode::from(FAULT) } else { ExitCode::from(code) };
        }
    };
    let globals = cli.globals;
    let result = match cli.command {
        #[cfg(feature = "stream")]
        Command::Demo(args) => demo::run(args, &globals),
        #[cfg(feature = "stream")]
        Command::Stream(args) => stream::run(args, &globals),
        Command::Scan(args) => scan::run(args, &globals),
        Command::Redact(args) => redact::run(args, &globals),
        Command::Explain(args) => explain::run(args, &globals),
        Command::Validate(args) => validate::run(args, &globals),
        Command::Policy(args) => policy::run(args, &globals),
        Command::Token(args) => token::run(args),
        Command::Eval(args) => eval::run(args, &globals),
        Command::Rules(args) => rules::run(args, &globals),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
    };
    result.unwrap_or_else(|err| {
        if is_broken_pipe(&err) {
            return ExitCode::from(DONE);
        }
        complain(&err);
        ExitCode::from(FAULT)
    })
}

/// Whether the reader of our output has gone away (`| head`): it has what it wanted.
fn is_broken_pipe(err: &anyhow::Error) -> bool {
    err.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe);
        io || cause.downcast_ref::<BatchError>().is_some_and(BatchError::is_broken_pipe)
    })
}

/// Prints `error: what` and `hint: what would be right`.
fn complain(err: &anyhow::Error) {
    let mut what = String::new();
    let mut hint = String::new();
    for cause in err.chain() {
        // Errors of the library end in a line that begins with `hint:`.
        let text = cause.to_string();
        let (text, own) = text.split_once("\n  hint: ").unwrap_or((&text, ""));
        if !what.is_empty() {
            what.push_str(": ");
        }
        what.push_str(text);
        if hint.is_empty() {
            own.clone_into(&mut hint);
        }
        if let Some(batch) = cause.downcast_ref::<BatchError>()
            && hint.is_empty()
        {
            batch.hint.clone_into(&mut hint);
        }
    }
    talk(format_args!("error: {}", plain(&what)));
    if !hint.is_empty() {
        talk(format_args!("hint: {}", plain(&hint)));
    }
}

/// Replaces what could steer a terminal: control characters and those that turn the direction of text.
pub(crate) fn plain(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
    };
    text.chars().map(|c| if steers(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// Writes one line to stderr. Nobody can be told when that fails.
pub(crate) fn talk(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Reads the rules: ours, then those of `--rules`.
pub(crate) fn load_rules(globals: &Globals) -> anyhow::Result<crate::RuleSet> {
    let mut set = crate::RuleSet::builtin()?;
    for dir in &globals.rules {
        set.extend_from_dir(dir)?;
    }
    Ok(set)
}

/// Writes to stdout, whole.
pub(crate) fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text).and_then(|()| stdout.flush()).context("standard output cannot be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(plain("a\x1b[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c\nd");
    }
}
