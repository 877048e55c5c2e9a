//! What `efface redact` is measured against: makes texts, and replaces matches of 25 ordinary expressions as `rg --passthru
//! --no-unicode -r '[PII]'` does, in one thread.
//!
//! ```sh
//! cargo run --release --example measure -- text chat 1000000000 > chat.txt
//! cargo run --release --example measure -- replace chat.txt > replaced.txt
//! ```
//!
//! `tools/measure.sh` runs the comparison.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a measurement is no product")]

#[path = "../benches/texts.rs"]
mod texts;

use std::io::{self, BufRead, Write};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["text", name, n_bytes] => text(name, n_bytes.parse().unwrap()),
        ["replace", file] => replace(file),
        _ => panic!("measure text chat|dense|envelope BYTES, or measure replace FILE"),
    }
}

/// Writes a text, and again, until there are so many bytes; whole lines.
fn text(name: &str, n_bytes: usize) {
    let part = match name {
        "chat" => texts::chat(PART_BYTES),
        "dense" => texts::dense(PART_BYTES),
        "envelope" => texts::envelope(PART_BYTES),
        _ => panic!("no such text: {name}"),
    };
    let mut out = io::stdout().lock();
    for _ in 0..n_bytes.div_ceil(part.len().max(1)) {
        out.write_all(&part).unwrap();
    }
}

/// Writes a file with every match replaced, a line at a time.
fn replace(file: &str) {
    let all = texts::baseline();
    let mut input = io::BufReader::with_capacity(1 << 20, std::fs::File::open(file).unwrap());
    let mut out = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
    loop {
        let part = input.fill_buf().unwrap();
        if part.is_empty() {
            break;
        }
        // Whole lines of a buffer at a time; the rest of one that is cut is put together.
        let end = part.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        if end > 0 {
            out.write_all(&all.replace_all(&part[..end], &b"[PII]"[..])).unwrap();
            input.consume(end);
        } else {
            let mut line = Vec::new();
            input.read_until(b'\n', &mut line).unwrap();
            out.write_all(&all.replace_all(&line, &b"[PII]"[..])).unwrap();
        }
    }
    out.flush().unwrap();
}

const PART_BYTES: usize = 64 << 20;
