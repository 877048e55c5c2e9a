//! What a run says on stderr when it is over.

use super::progress::Talk;
use super::{plain, talk};
use crate::batch::{Inputs, Summary};
use crate::envelope::Format;
use crate::rules::RuleSet;

/// Tells counts, speed and what was quarantined.
pub(super) fn tell(summary: &Summary, inputs: &Inputs, rules: &RuleSet, talk_of: Talk) {
    if talk_of == Talk::Quiet {
        return troubles(summary, inputs);
    }
    let tally = &summary.tally;
    talk(format_args!(
        "{}, {}, {}, {} quarantined, {} in {:.1} s ({}/s)",
        counted(summary.n_inputs as u64, "input"),
        counted(tally.n_records, "record"),
        counted(tally.n_detections(), "detection"),
        grouped(tally.n_quarantined),
        bytes(summary.n_bytes as f64),
        summary.seconds,
        bytes(summary.n_bytes as f64 / summary.seconds.max(1e-9)),
    ));
    if summary.n_resumed > 0 {
        talk(format_args!("{} of them finished earlier", counted(summary.n_resumed as u64, "input")));
    }
    let mut entities: Vec<_> = tally.entities().collect();
    entities.sort_by_key(|&(entity, n)| (std::cmp::Reverse(n), entity));
    for (entity, n) in entities {
        let name = rules.entity(entity).map_or("", |entity| entity.name.as_str());
        talk(format_args!("{:>12}  {name}", grouped(n)));
    }
    if tally.n_token_like > 0 {
        talk(format_args!("{:>12}  looked like a token, and is [TOKEN-LIKE] now", grouped(tally.n_token_like)));
    }
    for (category, n) in tally.alerts() {
        talk(format_args!("{:>12}  alert: prohibited.{}", grouped(n), category.name()));
    }
    troubles(summary, inputs);
}

/// Tells what was quarantined and what was not read.
pub(super) fn troubles(summary: &Summary, inputs: &Inputs) {
    let tally = &summary.tally;
    for quarantined in &summary.quarantined {
        let source = plain(&quarantined.source);
        let cause = quarantined.cause.map_or_else(String::new, |cause| format!(" ({cause})"));
        match (quarantined.record, quarantined.at) {
            (0, 0) => talk(format_args!("quarantined: {source}: {}{cause}", quarantined.reason)),
            (0, at) => talk(format_args!("quarantined: {source}, after byte {at}: {}{cause}", quarantined.reason)),
            (record, at) => {
                talk(format_args!("quarantined: {source}, record {record}, byte {at}: {}{cause}", quarantined.reason));
            }
        }
    }
    let n_shown = summary.quarantined.len() as u64;
    if tally.n_quarantined > n_shown {
        talk(format_args!("quarantined: {} more", grouped(tally.n_quarantined - n_shown)));
    }
    if summary.n_refused > 0 {
        talk(format_args!("no output for {}", counted(summary.n_refused as u64, "input")));
    }
    for (name, kind) in &inputs.unread {
        talk(format_args!("not read: {} ({kind})", plain(name)));
    }
    if summary.n_grown > 0 {
        talk(format_args!("not whole: {} grew while it was read", counted(summary.n_grown as u64, "input")));
    }
    if inputs.n_skipped > 0 {
        talk(format_args!("not read: {} (links, sockets, devices)", counted(inputs.n_skipped as u64, "entry")));
    }
}

/// Returns a format's name, as `--format` takes it.
pub(super) const fn format_name(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Log => "log",
        Format::JsonLines => "jsonl",
        Format::Json => "json",
        Format::Csv(b'\t') => "tsv",
        Format::Csv(_) => "csv",
        Format::Form => "form",
        Format::Vcard => "vcard",
        Format::WhatsApp => "whatsapp",
    }
}

pub(super) fn counted(n: u64, noun: &str) -> String {
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (n, Some(stem)) => format!("{} {stem}ies", grouped(n)),
        (n, None) => format!("{} {noun}s", grouped(n)),
    }
}

/// Writes a number with commas between its thousands.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(super) fn bytes(n: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut n = n;
    let mut unit = "B";
    for next in units {
        unit = next;
        if n < 1000.0 {
            break;
        }
        n /= 1000.0;
    }
    if unit == "B" { format!("{n:.0} B") } else { format!("{n:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "record"), "1 record");
        assert_eq!(counted(2, "entry"), "2 entries");
        assert_eq!(bytes(999.0), "999 B");
        assert_eq!(bytes(1_500.0), "1.5 kB");
        assert_eq!(bytes(2_500_000_000.0), "2.5 GB");
    }
}
