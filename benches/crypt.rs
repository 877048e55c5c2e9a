//! Tokens per second on one core: made anew by each mode, from the cache, opened, found in text.
//!
//! Every bench asserts what it made: a fast wrong answer fails. Times are of the processor where the system tells them
//! (Linux), else of the clock: on a shared machine the clock counts what others do.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench is no product")]

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use efface::crypt::{
    Class, KeyConfig, Keys, Purpose, RootKey, Scope, Shape, TokenScratch, Tokenizer, TokenizerConfig, find_tokens,
};
use efface::entity::Kind;
use efface::ids::TenantId;
use efface::sensitive::Sensitive;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Time that this thread has run.
struct CpuTime {
    started: Instant,
}

impl CpuTime {
    fn now(&self) -> Duration {
        // The count is brought up to date when the scheduler is called.
        std::thread::yield_now();
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
        nanos.map_or_else(|| self.started.elapsed(), Duration::from_nanos)
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        self.now()
    }

    fn end(&self, start: Duration) -> Duration {
        self.now() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Values of one round.
const N: usize = 10_000;

fn tokenizer(cache_entries: usize) -> Tokenizer {
    let root = RootKey::parse(b"c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef").unwrap();
    let config = TokenizerConfig { cache_entries, ..TokenizerConfig::default() };
    Tokenizer::new(Keys::build(&root, KeyConfig::default()).unwrap(), config, [7; 16])
}

fn phones(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("+2217{:08}", n * 7_919 % 100_000_000)).collect()
}

fn emails(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("awa.diop.{}@example.org", n * 7_919 % 100_000)).collect()
}

fn scope(tenant: &str, kind: Kind, purpose: Purpose) -> Scope<'_> {
    Scope { tenant: TenantId::new(tenant).unwrap(), class: Class::of(kind), purpose }
}

/// Makes every token.
fn round(tokenizer: &Tokenizer, scope: &Scope<'_>, values: &[String], scratch: &mut TokenScratch, out: &mut Vec<u8>) {
    out.clear();
    for value in values {
        tokenizer.token(scope, Sensitive::new(black_box(value.as_bytes())), out, scratch).unwrap();
    }
}

fn tokens(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("token");
    group.sample_size(30);
    let sets = [
        ("phone", Kind::PhoneNumber, phones(N)),
        ("email", Kind::EmailAddress, emails(N)),
        ("phone_1k", Kind::PhoneNumber, phones(1_000)),
        ("phone_100k", Kind::PhoneNumber, phones(100_000)),
    ];
    for (name, kind, values) in &sets {
        group.throughput(Throughput::Elements(values.len() as u64));
        for (mode, purpose) in [("mac", Purpose::AnalyticsMac), ("siv", Purpose::StorageSiv)] {
            let scope = scope("north", *kind, purpose);
            let want = values.iter().map(|v| if mode == "mac" { 38 } else { 14 + 2 * (16 + v.len()) }).sum::<usize>();
            let mut out = Vec::with_capacity(want);
            // Uncached: the table is off. Cached: it is on, and each value was seen.
            let (off, on) = (tokenizer(0), tokenizer((2 * values.len()).max(1 << 16)));
            let mut scratch = off.scratch();
            round(&off, &scope, values, &mut scratch, &mut out);
            let anew = out.clone();
            assert_eq!(anew.len(), want);
            group.bench_function(format!("{mode}/{name}/uncached"), |b| {
                b.iter(|| round(&off, &scope, values, &mut scratch, &mut out));
            });
            let mut scratch = on.scratch();
            round(&on, &scope, values, &mut scratch, &mut out);
            group.bench_function(format!("{mode}/{name}/cached"), |b| {
                b.iter(|| round(&on, &scope, values, &mut scratch, &mut out));
            });
            assert_eq!(out, anew);
            // A table of an eighth of the values, asked for in a circle, has hardly any of them when it is asked.
            let small = tokenizer(values.len() / 8);
            let mut scratch = small.scratch();
            group.bench_function(format!("{mode}/{name}/always_new"), |b| {
                b.iter(|| round(&small, &scope, values, &mut scratch, &mut out));
            });
            assert_eq!(out, anew);
        }
    }
    group.finish();
}

fn open(c: &mut Criterion<CpuTime>) {
    let tokenizer = tokenizer(0);
    let scope = scope("north", Kind::PhoneNumber, Purpose::StorageSiv);
    let mut token = Vec::new();
    tokenizer.token(&scope, Sensitive::new(b"+447400123456"), &mut token, &mut tokenizer.scratch()).unwrap();
    let other = TenantId::new("south").unwrap();
    let mut group = c.benchmark_group("open");
    group.throughput(Throughput::Elements(1));
    group.bench_function("own", |b| b.iter(|| assert!(tokenizer.open(scope.tenant, black_box(&token)).is_ok())));
    group.bench_function("foreign", |b| b.iter(|| assert!(tokenizer.open(other, black_box(&token)).is_err())));
    group.finish();
}

fn find(c: &mut Criterion<CpuTime>) {
    let tokenizer = tokenizer(0);
    let mut scratch = tokenizer.scratch();
    let mut text = Vec::new();
    for (n, value) in phones(1_000).iter().enumerate() {
        text.extend_from_slice(b"bonjour, rappelez moi au ");
        let purpose = if n % 2 == 0 { Purpose::StorageSiv } else { Purpose::StorageMac };
        let scope = scope("north", Kind::PhoneNumber, purpose);
        tokenizer.token(&scope, Sensitive::new(value.as_bytes()), &mut text, &mut scratch).unwrap();
        text.extend_from_slice(b" avant midi, merci beaucoup\n");
    }
    let mut group = c.benchmark_group("find");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("half_tokens", |b| {
        b.iter(|| assert_eq!(find_tokens(black_box(&text)).filter(|f| f.shape == Shape::WellFormed).count(), 1_000));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime { started: Instant::now() });
    targets = tokens, open, find
}
criterion_main!(benches);
