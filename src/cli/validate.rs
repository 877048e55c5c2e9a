//! `efface validate`: is the whole of a text a well-formed value of an entity?

use super::progress::Talk;
use super::selection::{self, unknown_entity};
use super::{DONE, FOUND, Fault, Globals, QUARANTINED, load_rules, print, summary};
use crate::batch::{self, Config, Done, Inputs, Piece, Target, Trace, Watch, Work};
use crate::entity::Kind;
use crate::envelope::{Format, Records};
use crate::ids::Region;
use crate::rules::RuleSet;
use crate::scan::Validator;
use serde::Deserialize;
use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `efface validate`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "efface validate [OPTIONS] [FILE]\n       efface validate [OPTIONS] ENTITY VALUE",
    after_help = "Example:  efface validate IBAN GB29NWBK60161331926819    exit code 0: valid, 1: not",
    after_long_help = EXAMPLES
)]
pub(crate) struct Args {
    /// JSON Lines with entity, text and region; - or nothing is standard input
    #[arg(value_name = "FILE | ENTITY")]
    first: Option<String>,
    /// With an entity: the value
    #[arg(value_name = "VALUE")]
    value: Option<String>,
    /// Country whose phone numbers are written without prefix
    #[arg(long, value_name = "SN")]
    region: Option<String>,
}

const EXAMPLES: &str = "A value is valid when the whole text has the entity's shape and its check
digits, dates and numbering plan hold. Whether it was ever issued is not asked.

Examples:
  efface validate BR_CPF 529.982.247-25         prints `valid`, exit code 0
  efface validate BR_CPF 529.982.247-26         prints `not valid`, exit code 1
  efface validate --region US PHONE_NUMBER '(202) 555-0143'

  echo '{\"entity\":\"IBAN\",\"text\":\"GB29NWBK60161331926819\",\"region\":null}' | efface validate
                                                prints {\"record\":1,\"entity\":\"IBAN\",\"valid\":true}
An unknown entity has \"valid\":null there.";

/// Runs `efface validate`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let rules = load_rules(globals)?;
    let validator = Validator::build(&rules)?;
    let region = args.region.as_ref().map(|name| selection::region(name, "--region", &rules)).transpose()?;
    if let (Some(entity), Some(value)) = (&args.first, &args.value) {
        let Some(valid) = validator.is_valid(entity, value.as_bytes(), region) else {
            return Err(no_entity(&rules, entity));
        };
        print(if valid { b"valid\n" } else { b"not valid\n" })?;
        return Ok(ExitCode::from(if valid { DONE } else { FOUND }));
    }
    let file = match args.first {
        Some(file) => file,
        None if io::stdin().is_terminal() => {
            return Err(
                Fault::new("nothing to check", "for example:  efface validate IBAN GB29NWBK60161331926819").into()
            );
        }
        None => "-".to_owned(),
    };
    if rules.entity_by_name(&file).is_some() {
        return Err(Fault::new(format!("no value to check for {file}"), format!("efface validate {file} VALUE")).into());
    }
    let inputs = Inputs::find(&[PathBuf::from(file)], &[])?;
    let n_jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let config = Config { format: Some(Format::JsonLines), n_jobs, ..Config::default() };
    let summary =
        batch::run(&config, &inputs.inputs, &[Target::Stdout], &Validate { validator, region }, &Watch::default())?;
    if globals.verbose || summary.tally.n_quarantined > 0 {
        summary::tell(&summary, &inputs, &rules, Talk::Normal);
    }
    Ok(ExitCode::from(if summary.tally.n_quarantined > 0 { QUARANTINED } else { DONE }))
}

/// Tells that nothing has this name, or that it is a kind, which has no shape of its own.
fn no_entity(rules: &RuleSet, name: &str) -> anyhow::Error {
    let Some(kind) = Kind::from_name(name) else { return unknown_entity(rules, name) };
    let of_kind = rules.entities().iter().filter(|entity| entity.kind == kind);
    let names: Vec<&str> = of_kind.map(|entity| entity.name.as_str()).collect();
    let hint = match names.as_slice() {
        [] => "`efface rules list` shows every entity".to_owned(),
        names => format!("name an entity of it: {}", names.join(", ")),
    };
    Fault::new(format!("a kind, not an entity: {name}"), hint).into()
}

struct Validate {
    validator: Validator,
    region: Option<Region>,
}

#[derive(Deserialize)]
struct Case<'t> {
    #[serde(borrow)]
    entity: Cow<'t, str>,
    #[serde(borrow)]
    text: Cow<'t, str>,
    #[serde(borrow, default)]
    region: Option<Cow<'t, str>>,
}

impl Work for Validate {
    type State = ();

    fn state(&self) {}

    fn piece(&self, piece: &Piece<'_>, (): &mut (), done: &mut Done) {
        let records = Records::new(piece.format, piece.bytes).into_iter().flatten();
        for (n, record) in (piece.first_record..).zip(records) {
            let body = record.body.of(piece.bytes).unwrap_or_default();
            done.tally.n_records += 1;
            if body.trim_ascii().is_empty() {
                continue;
            }
            // The parser's own words may quote the text; only the kind of fault is told.
            let line = match serde_json::from_slice::<Case<'_>>(body) {
                Ok(case) => self.line(n, &case).ok_or("not_utf8"),
                Err(fault) if fault.is_data() => Err("no_entity_or_text"),
                Err(_) => Err("broken_json"),
            };
            match line {
                Ok(line) => done.out.extend_from_slice(line.as_bytes()),
                Err(reason) => {
                    batch::quarantine(piece.format, reason, &mut done.out);
                    done.quarantine(n, piece.start + u64::from(record.whole.start), reason);
                }
            }
            done.out.push(b'\n');
        }
    }

    fn trace(&self) -> Trace {
        Trace::Mark
    }
}

impl Validate {
    fn line(&self, n: u64, case: &Case<'_>) -> Option<String> {
        let own = case.region.as_deref().and_then(|region| Region::new(region.as_bytes()));
        let valid = self.validator.is_valid(&case.entity, case.text.as_bytes(), own.or(self.region));
        let entity = serde_json::to_string(&case.entity).ok()?;
        let valid = valid.map_or("null", |valid| if valid { "true" } else { "false" });
        Some(format!("{{\"record\":{n},\"entity\":{entity},\"valid\":{valid}}}\n").trim_end().to_owned())
    }
}
