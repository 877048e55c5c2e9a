//! `efface token open`: what a token stands for, for who holds the key.

use super::keys::{tenant, tokenizer};
use super::{DONE, FOUND, Fault, print, talk};
use crate::crypt::TokenizerConfig;
use anyhow::Context;
use clap::Subcommand;
use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;

/// Arguments of `efface token`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the values of tokens, one on a line
    #[command(after_long_help = EXAMPLES)]
    Open(Open),
}

#[derive(Debug, clap::Args)]
struct Open {
    /// Tokens; without any, those of standard input, one on a line
    #[arg(value_name = "TOKEN")]
    tokens: Vec<String>,
    /// Where the root key is: file:PATH, env:NAME or command:PROGRAM ARGUMENT...
    #[arg(long, value_name = "SOURCE")]
    key: String,
    /// Whose tokens they are [default: default]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Which installation made them [default: default]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

const EXAMPLES: &str = "Prints the canonical form: +221771234567 however the number was written. The line of
a token that does not open is empty, and the exit code 1. Why it does not open is
not told: another key, tenant or environment, a damaged token, or one of mode m,
which nobody can open.

Example:
  efface token open --key file:root.key --tenant north tok_ph_sbbb_...";

/// Runs `efface token`.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Command::Open(args) = args.command;
    let tenant = tenant(args.tenant.as_deref())?;
    let config = TokenizerConfig { cache_entries: 0, ready_tenants: 1 };
    let tokenizer = tokenizer(&args.key, args.environment.as_deref(), config)?;
    let tokens = match args.tokens.as_slice() {
        [] if io::stdin().is_terminal() => {
            return Err(Fault::new("no token to open", "name tokens, or hand them in on standard input").into());
        }
        [] => {
            let mut text = String::new();
            io::stdin().take(MAX_BYTES).read_to_string(&mut text).context("standard input cannot be read")?;
            text.lines().map(str::to_owned).collect()
        }
        tokens => tokens.to_vec(),
    };
    talk(format_args!("note: {} to open; values are printed in clear", tokens.len()));
    let mut out = Vec::new();
    let mut n_unknown = 0;
    for token in &tokens {
        match tokenizer.open(tenant, token.trim().as_bytes()) {
            Ok(opened) => out.extend_from_slice(opened.value().expose()),
            Err(_) => n_unknown += 1,
        }
        out.push(b'\n');
    }
    print(&out)?;
    if n_unknown > 0 {
        talk(format_args!("unknown token: {n_unknown} of {}", tokens.len()));
    }
    Ok(ExitCode::from(if n_unknown > 0 { FOUND } else { DONE }))
}

/// More tokens than that are a file of messages, by mistake.
const MAX_BYTES: u64 = 64 << 20;
