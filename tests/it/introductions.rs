//! People say who they are and where they live, and capital letters say neither. Names and streets are made up.

use efface::RuleSet;
use efface::scan::{Hints, ScanConfig, Scanner, Text};
use efface::span::Span;
use std::sync::OnceLock;

fn scanner() -> &'static Scanner {
    static SCANNER: OnceLock<Scanner> = OnceLock::new();
    SCANNER.get_or_init(|| Scanner::build(&RuleSet::builtin().unwrap(), ScanConfig::default()).unwrap())
}

/// What is found, as `ENTITY text`.
fn found(text: &str) -> Vec<String> {
    let rules = RuleSet::builtin().unwrap();
    let mut scratch = scanner().scratch();
    let found = scanner().scan(text.as_bytes(), &Hints::default(), &mut scratch).unwrap();
    let told = |d: &efface::Detection| format!("{} {}", rules.entity(d.entity).unwrap().name, &text[d.span.range()]);
    found.iter().map(told).collect()
}

const PEOPLE: &[(&str, &str)] = &[
    ("Hello, my name is Wanjiru Kamau and my meter is off", "Wanjiru Kamau"),
    ("My Name Is Wanjiru", "Wanjiru"),
    ("hi it's Wanjiru Kamau", "Wanjiru Kamau"),
    ("Good morning, I'm Thabo Mokoena from Soweto", "Thabo Mokoena"),
    ("this is Amina Yusuf, I lost my card", "Amina Yusuf"),
    ("Name: Neema Mushi\nRegion: Mwanza", "Neema Mushi"),
    ("Full name - Chukwuemeka A. Obi", "Chukwuemeka A. Obi"),
    ("Jina langu ni Neema Mushi, nina swali", "Neema Mushi"),
    ("naitwa Baraka, niko Arusha", "Baraka"),
    ("Nitwa Uwase Divine", "Uwase Divine"),
    ("Bonjour, je m'appelle Fatou Sow", "Fatou Sow"),
    ("mon nom est Jean-Pierre Mugisha", "Jean-Pierre Mugisha"),
    ("hola me llamo José Luis de la Cruz, quiero saber", "José Luis de la Cruz"),
    ("buenas, soy Camila Rojas", "Camila Rojas"),
    ("Oi, meu nome é Thiago dos Santos", "Thiago dos Santos"),
    ("oi sou a Larissa Almeida", "Larissa Almeida"),
    ("nama saya Siti Rahma kak", "Siti Rahma"),
    ("Ich heiße Jonas Weber", "Jonas Weber"),
    ("mi chiamo Giulia D'Angelo", "Giulia D'Angelo"),
];

const STREETS: &[(&str, &str)] = &[
    ("alamat saya Jl. Melati No. 12, Surabaya 60241", "Jl. Melati No. 12, Surabaya 60241"),
    ("vivo en Calle de los Olivos 12, gracias", "Calle de los Olivos 12"),
    ("Avenida 9 de Julio 1200, Buenos Aires", "Avenida 9 de Julio 1200, Buenos Aires"),
    ("moro na Rua das Flores, 120 - Porto Alegre", "Rua das Flores, 120 - Porto Alegre"),
    ("deliver to 12 Kenyatta Avenue, Nairobi please", "12 Kenyatta Avenue, Nairobi"),
    ("je suis au 5 rue de la Paix", "5 rue de la Paix"),
    ("Plot 14 Kampala Road is the office", "Plot 14 Kampala Road"),
];

/// Capital letters that are nobody.
const NOBODY: &[&str] = &[
    "I am Kenyan and I'm Catholic",
    "this is Customer Care, how may I help",
    "It's Monday, the shop is closed",
    "It's Good Friday",
    "I'm In Lagos Now",
    "Hi, my name is on the list already",
    "What is the name of the Bank",
    "the name Of the street is long",
    "hola, soy de Bogotá",
    "me llamo a las 5 y no contestaron",
    "je suis à Dakar",
    "C'est La Vie",
    "Ich bin Lehrer in Berlin",
    "Das ist Unsinn, ich bin Montag da",
    "oi, sou Brasileiro",
    "nama barang: Kipas Angin 3 unit",
    "jina la kampuni ni kubwa",
    "Via Mpesa 500",
    "Calle Mayor",
    "Carrera 7 con 45",
    "5 Star hotel on the road",
    "flat 3 is free",
    "Av. 3",
    "I saw 12 people in the Street",
    "Block 5 numbers",
];

#[test]
fn people() {
    for (text, name) in PEOPLE {
        assert_eq!(found(text), [format!("PERSON {name}")], "{text}");
    }
}

#[test]
fn streets() {
    for (text, street) in STREETS {
        assert_eq!(found(text), [format!("STREET_ADDRESS {street}")], "{text}");
    }
}

#[test]
fn nobody() {
    for text in NOBODY {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

/// What stands before a text in the same buffer introduces nobody in it, and words cross blocks.
#[test]
fn in_a_batch() {
    let hints = Hints::default();
    let mut scratch = scanner().scratch();
    for gap in 1..140 {
        let filler = "x ".repeat(gap);
        let buffer = format!("{filler}my name is\nWanjiru Kamau\n{filler}my name is Wanjiru Kamau");
        let mut at = 0;
        let texts: Vec<_> = buffer
            .split('\n')
            .map(|text| {
                let span = Span::new(at, at + u32::try_from(text.len()).unwrap());
                at = span.end + 1;
                Text { span, hints: &hints }
            })
            .collect();
        scanner().scan_batch(buffer.as_bytes(), &texts, &mut scratch);
        let found: Vec<_> = scratch.detections().iter().map(|d| (d.text, d.span.start as usize)).collect();
        assert_eq!(found, [(2, filler.len() + 11)], "{gap}");
    }
}
