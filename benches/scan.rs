//! The hot room against the baseline in the same run: sieve, scan in batches, scan message by message; and with fewer rules.
//!
//! Every bench asserts its number of detections: a fast wrong answer fails. Ratios are what counts; the machine is noisy.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench is no product")]

mod texts;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use efface::scan::{ScanConfig, Text};
use efface::{Hints, RuleSet, Scanner, Span, ids::Region};
use std::hint::black_box;

const N_BYTES: usize = 4 << 20;
/// Bytes of a batch.
const BATCH: usize = 64 << 10;

fn scanner() -> Scanner {
    Scanner::build(&RuleSet::builtin().expect("packs load"), ScanConfig::default()).expect("packs compile")
}

fn batch(
    scanner: &Scanner,
    text: &[u8],
    lines: &[(u32, u32)],
    hints: &Hints<'_>,
    scratch: &mut efface::scan::Scratch,
) -> usize {
    let mut n = 0;
    let mut at = 0;
    let mut list: Vec<Text<'_>> = Vec::with_capacity(2048);
    while at < lines.len() {
        let first = lines[at].0;
        list.clear();
        while let Some(&(start, end)) = lines.get(at).filter(|l| (l.1 - first) as usize <= BATCH) {
            list.push(Text { span: Span::new(start, end), hints });
            at += 1;
        }
        scanner.scan_batch(text, &list, scratch);
        assert!(scratch.faults().is_empty());
        n += scratch.detections().len();
    }
    n
}

fn scan(c: &mut Criterion) {
    let scanner = scanner();
    let baseline = texts::baseline();
    let regions = [Region::new(b"SN").unwrap()];
    let hints = Hints::default().regions(&regions);
    for (name, text) in [
        ("chat", texts::chat(N_BYTES)),
        ("dense", texts::dense(N_BYTES)),
        ("envelope", texts::envelope(N_BYTES)),
        ("none", texts::none(N_BYTES)),
    ] {
        let lines = texts::line_spans(&text);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);
        let mut scratch = scanner.scratch();
        let want = batch(&scanner, &text, &lines, &hints, &mut scratch);
        let one_by_one = || {
            let mut scratch = scanner.scratch();
            lines
                .iter()
                .map(|&(s, e)| scanner.scan(&text[s as usize..e as usize], &hints, &mut scratch).unwrap().len())
                .sum::<usize>()
        };
        assert_eq!(one_by_one(), want);
        let found = baseline.find_iter(&text).count();
        eprintln!(
            "{name}: {} messages, {:.1} bytes each, {want} detections, baseline {found} matches",
            lines.len(),
            text.len() as f64 / lines.len() as f64
        );
        assert_eq!(want == 0, name == "none", "{name} finds {want}");
        group.bench_function("baseline", |b| {
            b.iter(|| assert_eq!(black_box(baseline.find_iter(black_box(&text)).count()), found))
        });
        group.bench_function("batch", |b| {
            b.iter(|| assert_eq!(batch(&scanner, black_box(&text), &lines, &hints, &mut scratch), want));
        });
        group.bench_function("per_message", |b| b.iter(|| assert_eq!(one_by_one(), want)));
        group.finish();
    }
}

/// The first `n` rules of an order that begins with what everybody looks for and is by chance after that.
fn some(rules: &RuleSet, n: usize) -> RuleSet {
    const FIRST: [&str; 6] = ["PHONE_NUMBER", "EMAIL_ADDRESS", "CREDIT_CARD", "IBAN", "IP_ADDRESS", "URL"];
    let rank = |rule: &efface::rules::Rule| {
        let entity = rules.entity(rule.entity).map_or("", |entity| entity.name.as_str());
        let first = FIRST.iter().position(|name| *name == entity).unwrap_or(FIRST.len());
        // FNV-1a: the same order everywhere.
        let chance = rule
            .id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (first, chance)
    };
    let mut ranks: Vec<_> = rules.rules().iter().map(rank).collect();
    ranks.sort_unstable();
    let last = ranks.get(n.saturating_sub(1)).copied();
    rules.select(|rule, _| last.is_none_or(|last| rank(rule) <= last))
}

/// What more rules cost.
fn curve(c: &mut Criterion) {
    let all = RuleSet::builtin().expect("packs load");
    let regions = [Region::new(b"SN").unwrap()];
    let hints = Hints::default().regions(&regions);
    for (name, text) in
        [("chat", texts::chat(N_BYTES)), ("dense", texts::dense(N_BYTES)), ("envelope", texts::envelope(N_BYTES))]
    {
        let lines = texts::line_spans(&text);
        let mut group = c.benchmark_group(format!("curve/{name}"));
        group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(10);
        let mut least = 0;
        for n in [25, 100, 250, all.rules().len()] {
            let rules = some(&all, n);
            assert_eq!(rules.rules().len(), n);
            let scanner = Scanner::build(&rules, ScanConfig::default()).expect("packs compile");
            let mut scratch = scanner.scratch();
            let want = batch(&scanner, &text, &lines, &hints, &mut scratch);
            eprintln!("{name}, {n} rules: {want} detections");
            assert!(
                want > 0 && want >= least - least / 20,
                "more rules find no less, but for what another is surer of"
            );
            least = want;
            group.bench_function(n.to_string(), |b| {
                b.iter(|| assert_eq!(batch(&scanner, black_box(&text), &lines, &hints, &mut scratch), want));
            });
        }
        group.finish();
    }
}

fn hostile(c: &mut Criterion) {
    let scanner = scanner();
    let mut group = c.benchmark_group("hostile");
    group.sample_size(10);
    for (name, text) in texts::hostile(1 << 20) {
        let mut scratch = scanner.scratch();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| scanner.scan(black_box(&text), &Hints::default(), &mut scratch).map(<[_]>::len));
        });
    }
    group.finish();
}

fn build(c: &mut Criterion) {
    let mut group = c.benchmark_group("build");
    group.sample_size(10);
    group.bench_function("packs", |b| b.iter(|| RuleSet::builtin().unwrap()));
    group.bench_function("packs_and_scanner", |b| b.iter(scanner));
    // As the command line does it where there are two cores; four are of use.
    group.bench_function("packs_and_scanner_two_threads", |b| {
        b.iter(|| Scanner::build_on(&RuleSet::builtin().unwrap(), ScanConfig::default(), 2).unwrap());
    });
    group.finish();
}

criterion_group!(benches, scan, curve, hostile, build);
criterion_main!(benches);
