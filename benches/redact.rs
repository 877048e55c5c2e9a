//! JSON envelopes through the whole street, labels on two lanes, next to the baseline's scan of the same bytes in the same
//! run; and what the street costs step by step: walk alone, walk and scan, all.
//!
//! Every bench asserts its number of detections. Ratios are what counts; the machine is noisy.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench is no product")]

mod texts;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use efface::envelope::{Envelope, Fields, Format, Record, Records};
use efface::policy::{Policy, Source};
use efface::redact::{Finder, Options, Redactor};
use efface::scan::ScanConfig;
use efface::{RuleSet, Scanner, ids::Region, tally::Tally};
use std::hint::black_box;

const N_BYTES: usize = 4 << 20;
/// Bytes of a chunk.
const CHUNK: usize = 256 << 10;

const TWO_LANES: &str = "title = \"two lanes\"\n[lanes.analytics]\n\"*\" = \"redact\"\n[lanes.storage]\n\"*\" = \"redact\"\n\
                         CREDIT_CARD = \"mask\"\n";

fn chunks(text: &[u8]) -> Vec<&[u8]> {
    let mut rest = text;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().take(CHUNK).rposition(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (chunk, after) = rest.split_at(end);
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

fn redact(c: &mut Criterion) {
    let rules = RuleSet::builtin().expect("packs load");
    let baseline = texts::baseline();
    let scanner = || Scanner::build(&rules, ScanConfig::default()).expect("packs compile");
    let mut options = Options::default();
    options.regions = vec![Region::new(b"SN").unwrap()];
    let lanes = |text: &str| {
        let source = Source { name: "bench".to_owned(), text: text.to_owned() };
        Policy::compile(&source, rules.entities()).unwrap().lanes().to_vec()
    };
    let same = TWO_LANES.replace("CREDIT_CARD = \"mask\"\n", "");

    let text = texts::envelope(N_BYTES);
    let chunks = chunks(&text);
    let mut group = c.benchmark_group("redact");
    group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);
    let found = baseline.find_iter(&text).count();
    group.bench_function("baseline", |b| {
        b.iter(|| assert_eq!(black_box(baseline.find_iter(black_box(&text)).count()), found));
    });
    group.bench_function("walk", |b| {
        let (envelope, mut fields) = (Envelope::default(), Fields::default());
        b.iter(|| {
            for chunk in &chunks {
                fields.clear();
                for Record { body, .. } in Records::new(Format::JsonLines, chunk).unwrap() {
                    envelope.walk(Format::JsonLines, chunk, body, &mut fields).unwrap();
                }
            }
        });
    });
    group.bench_function("find", |b| {
        let finder = Finder::build(scanner(), [], &options).unwrap();
        let mut scratch = finder.scratch();
        b.iter(|| {
            for chunk in &chunks {
                let records = Records::new(Format::JsonLines, chunk).unwrap();
                finder.find(Format::JsonLines, black_box(chunk), records, &mut scratch);
            }
        });
    });
    for (name, policy) in [("two_lanes", TWO_LANES), ("two_equal_lanes", same.as_str())] {
        let redactor = Redactor::build(scanner(), &rules, lanes(policy), &options).unwrap();
        let mut scratch = redactor.scratch();
        let mut run = || {
            let mut tally = Tally::default();
            for chunk in &chunks {
                redactor.redact_chunk(Format::JsonLines, black_box(chunk), &mut scratch, &mut tally);
            }
            assert_eq!(tally.n_quarantined, 0);
            tally.n_detections()
        };
        let want = run();
        eprintln!("{name}: {} bytes, {want} detections, baseline {found} matches", text.len());
        assert!(want > 0);
        group.bench_function(name, |b| b.iter(|| assert_eq!(run(), want)));
    }
    group.finish();
}

criterion_group!(benches, redact);
criterion_main!(benches);
