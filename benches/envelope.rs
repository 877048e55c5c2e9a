//! The walk over JSON Lines envelopes of about 330 bytes, next to parsing the same bytes with `serde_json`.
//!
//! `plain`: id, time, tenant, from, to, contact name, text, ASCII without escapes, what a gateway writes. `escaped`: the
//! same with line breaks and quotes in the text. `unicode`: text in another script, in UTF-8. Every case asserts its
//! field count: a fast wrong answer fails.
#![allow(clippy::unwrap_used, reason = "a bench that goes wrong is to stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use efface::envelope::{Edit, Envelope, Fields, Format, Record, Records, Spliced, Splicer};
use std::hint::black_box;

const N_RECORDS: usize = 10_000;

fn envelopes(text: impl Fn(usize) -> String) -> String {
    let mut lines = String::new();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for n in 0..N_RECORDS {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = u128::from(state) * 0x1_0000_0001_0000_0001;
        lines += &format!(
            "{{\"id\":\"{id:032x}\",\"ts\":\"2024-05-{:02}T10:{:02}:{:02}Z\",\"tenant\":\"tenant-{:02}\",\"channel\":{{\"type\":\
             \"whatsapp\",\"id\":{}}},\"from\":\"+1202555{:04}\",\"to\":\"+1202555{:04}\",\"contact\":{{\"name\":\"Contact {n}\",\
             \"language\":\"eng\"}},\"text\":\"{}\"}}\n",
            n % 28 + 1,
            n % 60,
            n % 59,
            n % 40,
            n % 900,
            n % 10_000,
            (n * 7) % 10_000,
            text(n),
        );
    }
    lines
}

fn walk(c: &mut Criterion) {
    let plain =
        |n: usize| format!("ok thanks, see you at the market later today {n}, bring the small bag with you please");
    let cases = [
        ("plain", envelopes(plain)),
        ("escaped", envelopes(|n| plain(n).replace(", ", ",\\n").replace("small", "\\\"small\\\""))),
        ("unicode", envelopes(|n| plain(n).replace('a', "\u{0430}").replace('e', "\u{0435}").replace('o', "\u{043e}"))),
    ];
    let mut group = c.benchmark_group("envelope");
    for (name, lines) in &cases {
        let bytes = lines.as_bytes();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let envelope = Envelope::default();
        let mut fields = Fields::default();
        group.bench_function(format!("walk/{name}"), |b| {
            b.iter(|| {
                fields.clear();
                for Record { body, .. } in Records::new(Format::JsonLines, bytes).unwrap() {
                    envelope.walk(Format::JsonLines, bytes, body, &mut fields).unwrap();
                }
                assert_eq!(fields.all().len(), N_RECORDS * 22);
            });
        });
        group.bench_function(format!("walk_splice/{name}"), |b| {
            let (mut splicer, mut out) = (Splicer::default(), Vec::new());
            b.iter(|| {
                out.clear();
                for Record { body, .. } in Records::new(Format::JsonLines, bytes).unwrap() {
                    fields.clear();
                    let walked = envelope.walk(Format::JsonLines, bytes, body, &mut fields).unwrap();
                    let source = Spliced { fields: &fields, buffer: bytes, walked, replacements: b"[PHONE_NUMBER]" };
                    let with = efface::Span::new(0, 14);
                    let change = efface::envelope::Change::Replace { span: efface::Span::new(0, 12), with };
                    let edits = [12, 14].map(|field| Edit { field, change });
                    splicer.splice(&source, &edits, 0, &mut out);
                    splicer.splice(&source, &edits, 1, &mut out);
                }
                assert!(out.len() > bytes.len());
            });
        });
        group.bench_function(format!("serde_json_value/{name}"), |b| {
            b.iter(|| {
                for line in lines.lines() {
                    black_box(serde_json::from_str::<serde_json::Value>(line).unwrap());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, walk);
criterion_main!(benches);
