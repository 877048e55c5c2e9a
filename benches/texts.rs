//! The texts that benches run on: made by a seeded generator, one message a line, the same everywhere.
//!
//! | text | stands for |
//! |---|---|
//! | chat | short informal messages of 82 bytes on average; 8 % hold a number of seven digits or more, one in ten a small one |
//! | dense | the same, 30 % hold a value: phone 40 %, email 20, card 10, SSN-like 8, IBAN 6, URL 6, IP 5, secret 3, wallet 2 |
//! | envelope | JSON Lines of 330 bytes: id, timestamp, tenant, from, to, contact name, dense text |
//! | none | chat without any digit, `@` or link |
//! | hostile | digits only, `@` only, `+` only, and the three alternating |
#![allow(dead_code, clippy::unwrap_used, clippy::string_slice, reason = "a bench is no product")]

/// SplitMix64.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    /// Replaces `#` by digits, `N` by digits 2 to 9, `x` by hexadecimal digits, `A` by capitals.
    pub(crate) fn fill(&mut self, shape: &str) -> String {
        let mut out = String::new();
        for c in shape.chars() {
            out.push(match c {
                '#' => char::from(b'0' + u8::try_from(self.below(10)).unwrap()),
                'N' => char::from(b'2' + u8::try_from(self.below(8)).unwrap()),
                '~' => char::from(b"0123456789abcdef"[usize::try_from(self.below(16)).unwrap()]),
                '^' => char::from(b'A' + u8::try_from(self.below(26)).unwrap()),
                '*' => {
                    let all = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
                    char::from(all[usize::try_from(self.below(62)).unwrap()])
                }
                other => other,
            });
        }
        out
    }
}

const WORDS: &[&str] = &[
    "ok", "thanks", "see", "you", "tomorrow", "at", "the", "market", "please", "send", "me", "photo", "of", "your",
    "order", "when", "will", "it", "arrive", "bonjour", "merci", "demain", "je", "suis", "en", "route", "habari",
    "asante", "sana", "nimefika", "hola", "gracias", "mañana", "nos", "vemos", "hi", "how", "are", "we", "good",
    "morning", "night", "lol", "can", "call", "later", "busy", "now", "the", "price", "is", "too", "high", "danke",
    "bitte", "morgen", "abi", "wetin", "dey", "happen", "no", "wahala", "bring", "kids", "home", "school", "starts",
    "monday", "meeting", "moved", "bus", "late",
];

const PHONES: &[&str] = &[
    "+221 77 ### ## ##",
    "+2547########",
    "07### ######",
    "(21#) N##-####",
    "+44 7### ######",
    "+33 6 ## ## ## ##",
    "+55 11 9####-####",
    "+91 9#### #####",
    "0803 ### ####",
    "+1 21# N## ####",
];

fn sentence(s: &mut Seeded, n_words: u64) -> String {
    (0..n_words).map(|_| s.pick(WORDS)).collect::<Vec<_>>().join(" ")
}

fn luhn(mut digits: Vec<u8>) -> String {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| {
            let d = u32::from(d) * if i % 2 == 0 { 2 } else { 1 };
            d / 10 + d % 10
        })
        .sum();
    digits.push(u8::try_from((10 - sum % 10) % 10).unwrap());
    digits.iter().map(|d| char::from(b'0' + d)).collect()
}

fn card(s: &mut Seeded) -> String {
    let mut digits = vec![4];
    digits.extend((0..14).map(|_| u8::try_from(s.below(10)).unwrap()));
    let plain = luhn(digits);
    if s.below(2) == 0 { plain } else { [&plain[..4], &plain[4..8], &plain[8..12], &plain[12..]].join(" ") }
}

fn iban(s: &mut Seeded) -> String {
    let bban = s.fill("##################");
    let check = 98 - format!("{bban}131400").bytes().fold(0_u32, |r, d| (r * 10 + u32::from(d - b'0')) % 97);
    format!("DE{check:02}{bban}")
}

fn value(s: &mut Seeded) -> String {
    match s.below(100) {
        0..40 => {
            let shape = s.pick(PHONES);
            s.fill(shape)
        }
        40..60 => format!(
            "{}.{}{}@{}",
            s.pick(WORDS),
            s.pick(WORDS),
            s.below(99),
            s.pick(&["example.org", "mail.example.com", "example.co.ke"])
        ),
        60..70 => card(s),
        70..78 => s.fill("N##-##-####"),
        78..84 => iban(s),
        84..90 => s.fill("https://example.org/********"),
        90..95 => format!("{}.{}.{}.{}", 1 + s.below(223), s.below(256), s.below(256), s.below(256)),
        95..98 => s.fill("ghp_************************************"),
        _ => s.fill("0x~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"),
    }
}

/// One chat message; `share` of a hundred hold a value.
fn message(s: &mut Seeded, share: u64, value: impl Fn(&mut Seeded) -> String) -> String {
    let n_words = 11 + s.below(12);
    if s.below(100) < share {
        let at = s.below(n_words - 4);
        let (before, after) = (sentence(s, at), sentence(s, n_words - at - 4));
        return format!("{before} {} {after}", value(s));
    }
    let mut text = sentence(s, n_words);
    if s.below(10) == 0 {
        text.push_str(s.pick(&[" 5 pm", " at 10:30", " 2 kids", " 1500 fcfa", " b4 8", " 20%"]));
    }
    text
}

fn lines(n_bytes: usize, mut line: impl FnMut() -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(n_bytes + 512);
    while out.len() < n_bytes {
        out.extend_from_slice(line().as_bytes());
        out.push(b'\n');
    }
    out
}

pub(crate) fn chat(n_bytes: usize) -> Vec<u8> {
    let mut s = Seeded(1);
    lines(n_bytes, || {
        message(&mut s, 8, |s| {
            let shape = if s.below(2) == 0 { s.pick(PHONES) } else { s.pick(&["########", "N######", "1##########"]) };
            s.fill(shape)
        })
    })
}

pub(crate) fn dense(n_bytes: usize) -> Vec<u8> {
    let mut s = Seeded(2);
    lines(n_bytes, || message(&mut s, 30, value))
}

pub(crate) fn envelope(n_bytes: usize) -> Vec<u8> {
    let mut s = Seeded(3);
    lines(n_bytes, || {
        let id = s.fill("~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~");
        let ts = s.fill("2026-0N-1#T1#:2#:3#.###Z");
        let (from, to) = (s.fill("+221 77 ### ## ##"), s.fill("+221338######"));
        let name = format!(
            "{} {}",
            s.pick(&["Awa", "Moussa", "Fatou", "Jean", "Wanjiru"]),
            s.pick(&["Diop", "Ndiaye", "Kamau", "Sow"])
        );
        let text = message(&mut s, 30, value);
        let tenant = s.fill("tenant-0#");
        format!(
            r#"{{"id":"{id}","ts":"{ts}","tenant":"{tenant}","channel":"whatsapp","direction":"in","from":"{from}","to":"{to}","contact":{{"name":"{name}","language":"fr"}},"type":"text","text":"{text}","status":"received"}}"#
        )
    })
}

pub(crate) fn none(n_bytes: usize) -> Vec<u8> {
    let mut s = Seeded(4);
    lines(n_bytes, || {
        let n_words = 11 + s.below(12);
        sentence(&mut s, n_words)
    })
}

pub(crate) fn hostile(n_bytes: usize) -> [(&'static str, Vec<u8>); 4] {
    [
        ("digits", b"7".repeat(n_bytes)),
        ("at", b"@".repeat(n_bytes)),
        ("plus", b"+".repeat(n_bytes)),
        ("alternating", b"7@+".repeat(n_bytes / 3)),
    ]
}

/// The spans of the lines, without their ends.
pub(crate) fn line_spans(text: &[u8]) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        out.push((u32::try_from(start).unwrap(), u32::try_from(end).unwrap()));
        start = end + 1;
    }
    out
}

/// The baseline: 25 ordinary rules as one alternation, ASCII classes, one pass.
pub(crate) fn baseline() -> regex::bytes::Regex {
    let rules: Vec<String> = include_str!("baseline.tsv")
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(_, pattern)| format!("(?:{pattern})"))
        .collect();
    assert_eq!(rules.len(), 25);
    regex::bytes::RegexBuilder::new(&rules.join("|"))
        .unicode(false)
        .size_limit(1 << 28)
        .dfa_size_limit(1 << 28)
        .build()
        .unwrap()
}
