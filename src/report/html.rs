//! The page: no script, no link, nothing from anywhere else; light or dark as the reader's screen is.

use super::{Counted, Report};
use std::fmt::Write as _;

const STYLE: &str = "
:root{color-scheme:light dark;--back:#fff;--text:#1b1d22;--dim:#5c6370;--line:#d9dce2;--bar:#3b6fd4;--soft:#f3f5f8}
@media(prefers-color-scheme:dark){:root{--back:#16181d;--text:#e4e6eb;--dim:#9aa1ad;--line:#343943;--bar:#6d9bf5;--soft:#1f232a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1rem;background:var(--back);color:var(--text);font:16px/1.45 system-ui,sans-serif}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}
p{color:var(--dim);margin:.25rem 0 1rem}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.5rem;margin:1rem 0}
dl div{background:var(--soft);border:1px solid var(--line);border-radius:.4rem;padding:.5rem .75rem}
dt{color:var(--dim);font-size:.8rem}dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
th{color:var(--dim);font-weight:600;white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.name{overflow-wrap:anywhere;min-width:9rem}
code{font:.85rem ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
ul{list-style:none;margin:0;padding:0}li{display:flex;justify-content:space-between;gap:1rem}
li span{color:var(--dim);font-variant-numeric:tabular-nums}
.bar{display:block;height:.35rem;margin-top:.3rem;background:var(--bar);border-radius:.2rem;min-width:1px}
details summary{cursor:pointer;color:var(--dim)}
footer{margin:2rem 0 1rem;color:var(--dim);font-size:.85rem}
";

/// Writes the page.
pub(super) fn page(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(report, &mut out);
    out
}

fn write(report: &Report, out: &mut String) -> std::fmt::Result {
    let what = if report.command == "redact" { "What was rewritten" } else { "What is in there" };
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{what}: efface</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{what}</h1>\n\
         <p>Counts and shapes, no values. In a shape # is a digit, a and A are runs of letters, x a word of letters and \
         digits; of telephone numbers the country calling code is kept.</p>\n<dl>\n"
    )?;
    let mut figure = |name: &str, n: u64| writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", grouped(n));
    figure("detections", report.detections)?;
    figure("entities", report.entities.len() as u64)?;
    figure("files", report.inputs as u64)?;
    figure("records", report.records)?;
    figure("quarantined", report.quarantined)?;
    figure("bytes", report.bytes)?;
    out.push_str("</dl>\n");
    if report.resumed > 0 {
        writeln!(
            out,
            "<p>{} files were finished by an earlier run; their fields and shapes are not counted here.</p>",
            grouped(report.resumed as u64)
        )?;
    }

    out.push_str("<h2>By entity</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>entity</th><th>kind</th><th class=\"n\">detections</th><th>shapes</th><th>fields</th></tr></thead>\n<tbody>\n");
    let most = report.entities.iter().map(|entity| entity.detections).max().unwrap_or(1).max(1);
    for entity in &report.entities {
        // Percent of the longest bar; a picture of the number that stands above it.
        let share = entity.detections.saturating_mul(100) / most;
        write!(
            out,
            "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"n\">{}<span class=\"bar\" style=\"width:{share}%\"></span></td><td>",
            escaped(&entity.entity),
            escaped(entity.kind),
            grouped(entity.detections),
        )?;
        list(&entity.shapes, out)?;
        out.push_str("</td><td>");
        list(&entity.fields, out)?;
        out.push_str("</td></tr>\n");
    }
    out.push_str("</tbody></table></div>\n<h2>By field</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>field</th><th class=\"n\">detections</th><th>entities</th></tr></thead>\n<tbody>\n");
    for field in &report.fields {
        let name = escaped(&field.field);
        write!(
            out,
            "<tr><td class=\"name\"><code>{name}</code></td><td class=\"n\">{}</td><td>",
            grouped(field.detections)
        )?;
        list(&field.entities, out)?;
        out.push_str("</td></tr>\n");
    }
    out.push_str("</tbody></table></div>\n<h2>By file</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>file</th><th>layout</th><th class=\"n\">records</th><th class=\"n\">quarantined</th><th class=\"n\">detections</th><th>entities</th></tr></thead>\n<tbody>\n");
    for file in &report.files {
        let layout = match (&file.layout, file.refused) {
            (_, true) => "no output".to_owned(),
            (Some(layout), false) => escaped(layout),
            (None, false) => String::new(),
        };
        write!(
            out,
            "<tr><td class=\"name\">{}</td><td>{layout}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>",
            escaped(&file.file),
            grouped(file.records),
            grouped(file.quarantined),
            grouped(file.detections),
        )?;
        list(&file.entities, out)?;
        out.push_str("</td></tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if report.files.len() < report.inputs {
        let rest = report.inputs - report.files.len();
        writeln!(out, "<p>{} further files are counted above and not listed.</p>", grouped(rest as u64))?;
    }
    writeln!(out, "</main>\n<footer>efface {} {}</footer>\n</body>\n</html>", escaped(report.efface), report.command)
}

/// Writes the first few open and the others folded away.
fn list(counted: &[Counted], out: &mut String) -> std::fmt::Result {
    let items = |counted: &[Counted], out: &mut String| {
        out.push_str("<ul>");
        for Counted { what, detections } in counted {
            write!(out, "<li><code>{}</code><span>{}</span></li>", escaped(what), grouped(*detections))?;
        }
        out.push_str("</ul>");
        Ok(())
    };
    let (first, rest) = counted.split_at(counted.len().min(OPEN));
    items(first, out)?;
    if !rest.is_empty() {
        let n = rest.len();
        let rest = rest.get(..n.min(FOLDED)).unwrap_or_default();
        write!(out, "<details><summary>{n} more</summary>")?;
        items(rest, out)?;
        out.push_str("</details>");
    }
    Ok(())
}

const OPEN: usize = 5;
const FOLDED: usize = 100;

/// Escapes what has a meaning in HTML, and what steers the direction of text or does not show.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}' => {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(
            escaped("<a href='x' b=\"y\">&\u{202e}\u{7}"),
            "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;\u{fffd}\u{fffd}"
        );
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
