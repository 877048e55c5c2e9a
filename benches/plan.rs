//! Numbering plans: digits of twenty countries looked up, as after a `+` and as within their region; and telephone
//! numbers found in text, by a scanner whose packs have no other work there.
//!
//! Every bench asserts its number of valid numbers or detections: a fast wrong answer fails. One iteration goes over all
//! numbers, so that throughput in elements is numbers a second.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench is no product")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use efface::ids::Region;
use efface::plan::{self, Number};
use efface::scan::ScanConfig;
use efface::{Hints, RuleSet, Scanner};
use std::hint::black_box;

/// Region, country calling code, national number, and how people write it within the region. Made up within assigned
/// ranges, or kept free for films and manuals.
const NUMBERS: [(&str, &str, &str, &str); 20] = [
    ("SN", "221", "771234567", "77 123 45 67"),
    ("KE", "254", "712345678", "0712 345678"),
    ("NG", "234", "8031234567", "0803 123 4567"),
    ("ZA", "27", "711234567", "071 123 4567"),
    ("EG", "20", "1001234567", "0100 123 4567"),
    ("GB", "44", "7400123456", "07400 123456"),
    ("FR", "33", "612345678", "06 12 34 56 78"),
    ("DE", "49", "15123456789", "01512 3456789"),
    ("ES", "34", "612345678", "612 34 56 78"),
    ("IT", "39", "3123456789", "312 345 6789"),
    ("PL", "48", "512345678", "512 345 678"),
    ("RU", "7", "9123456789", "8 (912) 345-67-89"),
    ("TR", "90", "5012345678", "0501 234 56 78"),
    ("IN", "91", "8123456789", "081234 56789"),
    ("ID", "62", "812345678", "0812-345-678"),
    ("CN", "86", "13123456789", "131 2345 6789"),
    ("JP", "81", "9012345678", "090-1234-5678"),
    ("US", "1", "2015550123", "(201) 555-0123"),
    ("BR", "55", "11961234567", "(11) 96123-4567"),
    ("MX", "52", "2221234567", "222 123 4567"),
];

fn regions() -> Vec<Region> {
    NUMBERS.iter().map(|number| Region::new(number.0.as_bytes()).unwrap()).collect()
}

fn look_up(c: &mut Criterion) {
    let regions = regions();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let international: Vec<String> = NUMBERS.iter().map(|number| number.1.to_owned() + number.2).collect();
    let written: Vec<String> = NUMBERS.iter().map(|number| digits(number.3)).collect();
    let valid = |number: Option<Number>| usize::from(number.is_some_and(|number| number.is_valid()));
    let mut group = c.benchmark_group("plan");
    group.throughput(Throughput::Elements(NUMBERS.len() as u64));
    group.bench_function("parse_international", |b| {
        b.iter(|| {
            let found: usize =
                international.iter().map(|digits| valid(plan::parse_international(black_box(digits.as_bytes())))).sum();
            assert_eq!(found, NUMBERS.len());
        });
    });
    type Parse = fn(&[u8], Region) -> Option<Number>;
    for (name, parse) in [("parse_national", plan::parse_national as Parse), ("parse", plan::parse as Parse)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let each = written.iter().zip(&regions);
                let found: usize =
                    each.map(|(digits, &region)| valid(parse(black_box(digits.as_bytes()), region))).sum();
                assert_eq!(found, NUMBERS.len());
            });
        });
    }
    group.finish();
}

fn find(c: &mut Criterion) {
    let scanner =
        Scanner::build(&RuleSet::builtin().expect("packs load"), ScanConfig::default()).expect("they compile");
    let mut scratch = scanner.scratch();
    let mut group = c.benchmark_group("phone");
    group.throughput(Throughput::Elements(NUMBERS.len() as u64));
    let plus = NUMBERS.map(|(_, code, _, written)| {
        let national = written.trim_start_matches('0').replace(['(', ')'], "");
        format!("see you at the market, +{code} {national} is mine")
    });
    let national = NUMBERS.map(|number| format!("please call {} when you arrive", number.3));
    let other = NUMBERS.map(|(_, code, _, _)| format!("2026-05-14 12:30 {code} of 12345 were sent on 14/05/2026"));
    for (name, texts, want) in [("plus", &plus, 20), ("national", &national, 20), ("none", &other, 0)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut n_found = 0;
                for (text, region) in texts.iter().zip(regions()) {
                    let regions = [region];
                    let hints = Hints::default().regions(&regions);
                    n_found += scanner.scan(black_box(text.as_bytes()), &hints, &mut scratch).unwrap().len();
                }
                assert_eq!(n_found, want, "{name}");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, look_up, find);
criterion_main!(benches);
