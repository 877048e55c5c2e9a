//! The numbering plans against two independent readers of libphonenumber's metadata.
//!
//! Numbers are made from the examples of every region and type of line: as they are, and with digits changed, added and
//! taken away; written internationally, nationally and with the prefixes of both. By default 5,000; `EFFACE_PLAN_NUMBERS`
//! asks for more.

use efface::ids::Region;
use efface::plan::{self, LineType};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region as PeerRegion};
use std::collections::BTreeMap;

/// What a reader says of a number: nothing, or whether it is valid and, where it is, its region, line and E.164 form.
type Verdict = Option<(String, LineType, String)>;

#[test]
fn agrees_with_libphonenumber() {
    let wanted = std::env::var("EFFACE_PLAN_NUMBERS").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let seeds = seeds();
    let regions: Vec<PeerRegion> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    let mut classes: BTreeMap<(String, String), (usize, String)> = BTreeMap::new();
    let (mut differ_first, mut differ_second, mut peers_differ, mut differ_both, mut valid) = (0, 0, 0, 0, 0);
    for _ in 0..wanted {
        let seed = &seeds[random.below(seeds.len())];
        let (text, home) = write(seed, &regions, &mut random);
        let ours = ours(&text, home);
        let first = first_peer(&text, home);
        let second = second_peer(&text, home);
        valid += usize::from(ours.is_some());
        differ_first += usize::from(ours != first);
        differ_second += usize::from(ours != second);
        peers_differ += usize::from(first != second);
        differ_both += usize::from(ours != first && ours != second);
        if ours != second || first != second {
            let side = if ours != first && ours != second {
                "neither"
            } else if ours == second {
                "ours = rlibphonenumber"
            } else {
                "ours = phonenumber"
            };
            let key = (side.to_owned(), class(if ours == second { &first } else { &second }, &ours));
            let entry = classes.entry(key).or_insert_with(|| (0, format!("{home} {text}")));
            entry.0 += 1;
            if std::env::var_os("EFFACE_PLAN_SHOW").is_some_and(|show| show == side) {
                println!("{home} {text}\n  ours {ours:?}\n  1 {first:?}\n  2 {second:?}");
            }
        }
    }
    let share = |n: usize| 100.0 * n as f64 / wanted as f64;
    println!("{wanted} numbers, {valid} valid, metadata {}", plan::version());
    println!("differ from phonenumber       {differ_first:>7} {:.3} %", share(differ_first));
    println!("differ from rlibphonenumber   {differ_second:>7} {:.3} %", share(differ_second));
    println!("they differ from one another  {peers_differ:>7} {:.3} %", share(peers_differ));
    println!("differ from both              {differ_both:>7} {:.3} %", share(differ_both));
    for ((side, class), (n, example)) in &classes {
        println!("{n:>7}  {side:<22}  {class:<60} {example}");
    }
    assert!(valid * 4 > wanted, "too few valid numbers to say anything");
    assert!(differ_both * 1000 <= wanted, "agreement with at least one reader is below 99.9 %");
}

/// Says in what two verdicts differ.
fn class(peer: &Verdict, ours: &Verdict) -> String {
    match (peer, ours) {
        (Some(_), None) => "peer: valid, ours: not".to_owned(),
        (None, Some(_)) => "peer: not valid, ours: valid".to_owned(),
        (Some(peer), Some(ours)) => {
            let mut parts = Vec::new();
            if peer.0 != ours.0 {
                parts.push(format!("region {} for {}", peer.0, ours.0));
            }
            if peer.1 != ours.1 {
                parts.push(format!("line {:?} for {:?}", peer.1, ours.1));
            }
            if peer.2 != ours.2 {
                parts.push("digits".to_owned());
            }
            parts.join(", ")
        }
        (None, None) => String::new(),
    }
}

fn ours(text: &str, home: PeerRegion) -> Verdict {
    let number = match text.strip_prefix('+') {
        Some(digits) => plan::parse_international(digits.as_bytes()),
        None => plan::parse(text.as_bytes(), Region::new(home.as_region_str().as_bytes())?),
    };
    let number = number.filter(|number| number.is_valid())?;
    let region = number.region().map_or_else(|| "001".to_owned(), |region| region.to_string());
    Some((region, number.line(), number.e164().as_str().to_owned()))
}

fn first_peer(text: &str, home: PeerRegion) -> Verdict {
    use phonenumber::Type;
    let home = home.as_region_str().parse().ok()?;
    let number = phonenumber::parse(Some(home), text).ok().filter(phonenumber::is_valid)?;
    let region = number.metadata(&phonenumber::metadata::DATABASE)?.id().to_owned();
    let line = match number.number_type(&phonenumber::metadata::DATABASE) {
        Type::FixedLine => LineType::Fixed,
        Type::Mobile => LineType::Mobile,
        Type::FixedLineOrMobile => LineType::FixedOrMobile,
        Type::TollFree => LineType::TollFree,
        Type::PremiumRate => LineType::Premium,
        Type::SharedCost => LineType::SharedCost,
        Type::PersonalNumber => LineType::Personal,
        Type::Voip => LineType::Voip,
        Type::Pager => LineType::Pager,
        Type::Uan => LineType::Uan,
        Type::Voicemail => LineType::Voicemail,
        _ => LineType::Unknown,
    };
    Some((region, line, number.format().mode(phonenumber::Mode::E164).to_string()))
}

fn second_peer(text: &str, home: PeerRegion) -> Verdict {
    let number = PHONE_NUMBER_UTIL.parse(text, Some(home)).ok()?;
    if !number.is_valid() {
        return None;
    }
    let line = match number.get_type() {
        PhoneNumberType::FixedLine => LineType::Fixed,
        PhoneNumberType::Mobile => LineType::Mobile,
        PhoneNumberType::FixedLineOrMobile => LineType::FixedOrMobile,
        PhoneNumberType::TollFree => LineType::TollFree,
        PhoneNumberType::PremiumRate => LineType::Premium,
        PhoneNumberType::SharedCost => LineType::SharedCost,
        PhoneNumberType::PersonalNumber => LineType::Personal,
        PhoneNumberType::VoIP => LineType::Voip,
        PhoneNumberType::Pager => LineType::Pager,
        PhoneNumberType::UAN => LineType::Uan,
        PhoneNumberType::VoiceMail => LineType::Voicemail,
        _ => LineType::Unknown,
    };
    let region = number.get_region_code()?.as_region_str().to_string();
    Some((region, line, number.format_as(PhoneNumberFormat::E164).into_owned()))
}

/// An example number: its region, country code and national digits.
struct Seed {
    home: Option<PeerRegion>,
    code: i32,
    national: String,
}

fn seeds() -> Vec<Seed> {
    const LINES: [PhoneNumberType; 11] = [
        PhoneNumberType::FixedLine,
        PhoneNumberType::Mobile,
        PhoneNumberType::Mobile,
        PhoneNumberType::TollFree,
        PhoneNumberType::PremiumRate,
        PhoneNumberType::SharedCost,
        PhoneNumberType::PersonalNumber,
        PhoneNumberType::VoIP,
        PhoneNumberType::Pager,
        PhoneNumberType::UAN,
        PhoneNumberType::VoiceMail,
    ];
    let mut seeds = Vec::new();
    let mut regions: Vec<PeerRegion> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    regions.sort_by_key(|region| region.as_region_str().to_string());
    for home in regions {
        for line in LINES {
            if let Ok(number) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(home, line) {
                let national = number.get_national_significant_number();
                seeds.push(Seed { home: Some(home), code: number.country_code, national });
            }
        }
    }
    let mut codes: Vec<i32> = PHONE_NUMBER_UTIL.get_supported_global_network_calling_codes().collect();
    codes.sort_unstable();
    for code in codes {
        if let Ok(number) = PHONE_NUMBER_UTIL.get_example_number_for_non_geo_entity(code) {
            seeds.push(Seed { home: None, code, national: number.get_national_significant_number() });
        }
    }
    seeds
}

/// Makes a number near a seed and writes it in one of several ways; digits and `+` only.
fn write(seed: &Seed, regions: &[PeerRegion], random: &mut Random) -> (String, PeerRegion) {
    let mut national: Vec<u8> = seed.national.bytes().collect();
    match random.below(10) {
        0 => {}
        // The subscriber's digits: mostly still valid.
        1..=4 => {
            let last = national.len().min(4);
            let from = national.len() - last;
            national[from..].iter_mut().for_each(|digit| *digit = random.digit());
        }
        // Any one or two digits: often of another range.
        5..=7 => {
            for _ in 0..=random.below(2) {
                let at = random.below(national.len());
                national[at] = random.digit();
            }
        }
        8 => national.push(random.digit()),
        _ => {
            national.pop();
        }
    }
    let national = String::from_utf8_lossy(&national);
    let home = seed.home.unwrap_or(PeerRegion::US);
    let anywhere = regions[random.below(regions.len())];
    match random.below(10) {
        0..=4 => (format!("+{}{national}", seed.code), anywhere),
        5 => (format!("00{}{national}", seed.code), PeerRegion::FR),
        6 if seed.home.is_some() => (format!("{}{national}", seed.code), home),
        7 if seed.home.is_some() => (national.into_owned(), home),
        8 | 9 if seed.home.is_some() => {
            let prefix = Region::new(home.as_region_str().as_bytes()).map_or(&[][..], plan::national_prefix);
            (format!("{}{national}", String::from_utf8_lossy(prefix)), home)
        }
        _ => (format!("+{}{national}", seed.code), anywhere),
    }
}

/// A small generator (xorshift64*): the same numbers every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 33) % end as u64) as usize
    }

    fn digit(&mut self) -> u8 {
        b'0' + self.below(10) as u8
    }
}
