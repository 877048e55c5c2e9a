//! `efface completions` and `efface man`: what shells and `man` know of the commands.

use super::{Cli, DONE, print};
use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `efface completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "For example:  efface completions bash > ~/.local/share/bash-completion/completions/efface")]
pub(crate) struct CompletionsArgs {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    shell: Shell,
}

/// Runs `efface completions`.
pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "efface", &mut out);
    print(&out)?;
    Ok(ExitCode::from(DONE))
}

/// Arguments of `efface man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "For example:  efface man | man -l -        efface man -o ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// A page for each command goes to this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Runs `efface man`.
pub(crate) fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let mut command = Cli::command();
    command.build();
    match &args.output {
        None => {
            let mut out = Vec::new();
            clap_mangen::Man::new(command).render(&mut out)?;
            print(&out)?;
        }
        Some(folder) => {
            let context = || format!("{} cannot be written", folder.display());
            std::fs::create_dir_all(folder).with_context(context)?;
            clap_mangen::generate_to(command, folder).with_context(context)?;
        }
    }
    Ok(ExitCode::from(DONE))
}
