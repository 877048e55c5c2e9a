//! Messages in JSON envelopes to two lanes with tokens, next to a bare parse of the same bytes into a `serde_json::Value` in
//! the same run: where 90 % of values were seen before, and where none was; with the profiles that the command line takes
//! by default, and without any.
//!
//! Passes alternate, so that what else the machine does falls on all of them; times are of the processor where the system
//! tells them (Linux), else of the clock. The ratio of each round is what counts, and its median is what is told. Counts
//! of detections and tokens are asserted: a fast wrong answer fails.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench is no product")]

use efface::crypt::{KeyConfig, Keys, RootKey, Tokenizer, TokenizerConfig};
use efface::envelope::Format;
use efface::policy::{Policy, Source};
use efface::profile::Profiles;
use efface::redact::{Options, Redactor, Scratch, Tenant};
use efface::scan::{ScanConfig, Scanner};
use efface::{RuleSet, ids::Region, tally::Tally};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const N_MESSAGES: usize = 20_000;
/// Messages of a chunk.
const CHUNK: usize = 500;
const N_ROUNDS: usize = 21;

fn now(started: Instant) -> Duration {
    // The count is brought up to date when the scheduler is called.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| started.elapsed(), Duration::from_nanos)
}

/// Messages of about 330 bytes whose sender is a telephone number; every third text holds a number or an address.
fn messages(n_people: usize, round: usize) -> Vec<String> {
    const TEXTS: [&str; 6] = [
        "bonjour, je voudrais savoir si la boutique est ouverte samedi matin, merci d avance",
        "the parcel has not arrived yet and the driver does not answer, can you have a look please",
        "rappelez moi au {phone} avant midi s il vous plait, je suis au bureau toute la journee",
        "gracias, ya lo recibi todo en orden y el precio esta muy bien, saludos a todos",
        "haipo nyumbani leo, njoo kesho asubuhi baada ya saa tatu tafadhali, asante sana",
        "my new address is {email}, please send the invoice there and not to the old one",
    ];
    let mut chunks = Vec::new();
    let mut chunk = String::new();
    for n in 0..N_MESSAGES {
        let person = (round * n_people + n * 7_919 % n_people) % 10_000_000;
        let phone = format!("+22177{person:07}");
        let text = TEXTS[n % TEXTS.len()]
            .replace("{phone}", &phone)
            .replace("{email}", &format!("awa.diop.{person}@example.org"));
        let (ts, id) = (1_772_000_000 + n, 90_000 + n);
        writeln!(
            chunk,
            "{{\"id\":\"m-{id}\",\"type\":\"message\",\"direction\":\"in\",\"created_on\":{ts},\"channel\":{{\"type\":\"whatsapp\",\"name\":\"support\"}},\
             \"contact\":{{\"urn\":\"tel:{phone}\",\"language\":\"fr\",\"groups\":[\"customers\"]}},\"status\":\"delivered\",\"labels\":[],\
             \"attachments\":[],\"text\":\"{text}\"}}"
        )
        .unwrap();
        if (n + 1).is_multiple_of(CHUNK) {
            chunks.push(std::mem::take(&mut chunk));
        }
    }
    chunks
}

struct Street {
    name: &'static str,
    redactor: Redactor,
    scratch: Scratch,
}

impl Street {
    fn build(name: &'static str, policy: &str, profiles: Option<&Arc<Profiles>>) -> Self {
        let rules = RuleSet::builtin().expect("packs load");
        let policy = Policy::compile(&Source::builtin(policy).unwrap(), rules.entities()).unwrap();
        let root = RootKey::parse(b"c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef").unwrap();
        let config = TokenizerConfig::default();
        let mut options = Options::default();
        options.regions = vec![Region::new(b"SN").unwrap()];
        options.tokenizer =
            Some(Arc::new(Tokenizer::new(Keys::build(&root, KeyConfig::default()).unwrap(), config, [7; 16])));
        options.tenant = Tenant::Fixed("north".to_owned());
        options.profiles = profiles.cloned();
        let scanner = Scanner::build(&rules, ScanConfig::default()).expect("packs compile");
        let redactor = Redactor::build(scanner, &rules, policy.lanes().to_vec(), &options).unwrap();
        let scratch = redactor.scratch();
        Self { name, redactor, scratch }
    }

    fn run(&mut self, chunks: &[String]) -> u64 {
        let mut tally = Tally::default();
        for chunk in chunks {
            self.redactor.redact_chunk(Format::JsonLines, black_box(chunk.as_bytes()), &mut self.scratch, &mut tally);
            black_box((self.scratch.lane(0), self.scratch.lane(1)));
        }
        assert_eq!(tally.n_quarantined, 0);
        tally.n_detections()
    }
}

fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[(share * (values.len() - 1) as f64) as usize];
    (at(0.5), at(0.1), at(0.9))
}

fn main() {
    let started = Instant::now();
    println!("{N_MESSAGES} messages a round, {N_ROUNDS} rounds; median (10 % .. 90 %)");
    // Every round has people of its own: each writes ten times, or once.
    for (name, n_people) in [("90 % repeated", N_MESSAGES / 10), ("0 % repeated", N_MESSAGES)] {
        let n_bytes: usize = messages(n_people, 0).iter().map(String::len).sum();
        println!("{name}: {} bytes a message", n_bytes / N_MESSAGES);
        let auto = Arc::new(Profiles::auto(RuleSet::builtin().expect("packs load").entities()).expect("profiles load"));
        let mut streets = [
            Street::build("labels", "default", Some(&auto)),
            Street::build("tokens", "pseudonyms", Some(&auto)),
            Street::build("labels, no profile", "default", None),
            Street::build("tokens, no profile", "pseudonyms", None),
        ];
        let (mut parse, mut took) = (Vec::new(), [const { Vec::new() }; 4]);
        for round in 0..N_ROUNDS {
            let chunks = messages(n_people, round);
            let before = now(started);
            for line in chunks.iter().flat_map(|chunk| chunk.lines()) {
                black_box(serde_json::from_str::<serde_json::Value>(black_box(line)).unwrap());
            }
            parse.push((now(started) - before).as_secs_f64());
            for (street, took) in streets.iter_mut().zip(&mut took) {
                let before = now(started);
                let n_detections = street.run(&chunks);
                took.push((now(started) - before).as_secs_f64());
                assert_eq!(n_detections as usize, N_MESSAGES + N_MESSAGES / 3);
            }
        }
        let speed = |seconds: f64| N_MESSAGES as f64 / seconds;
        let (mid, low, high) = median(parse.iter().map(|&t| speed(t)).collect());
        println!("  {:30} {mid:>9.0} messages/s ({low:.0} .. {high:.0})", "serde_json::Value");
        for (street, took) in streets.iter().zip(&took) {
            let (mid, low, high) = median(took.iter().map(|&t| speed(t)).collect());
            let (ratio, least, most) = median(parse.iter().zip(took).map(|(parse, took)| parse / took).collect());
            println!(
                "  {:30} {mid:>9.0} messages/s ({low:.0} .. {high:.0})  ratio {ratio:.2} ({least:.2} .. {most:.2})",
                format!("two lanes, {}", street.name),
            );
        }
    }
}
