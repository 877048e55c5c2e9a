//! Made-up messages for the demo, for tests and benches: invented texts in ten languages, and people who do not exist.
//!
//! Numbers and names are those that authorities keep free for examples: `example.org` (RFC 2606), 192.0.2.0/24 (RFC 5737),
//! telephone numbers for fiction of the United States (555-01xx), Ofcom, Arcep, the Bundesnetzagentur, ACMA and PTS, test
//! numbers of card schemes, and IBAN from the registry's own examples.

use super::mock::Traffic;

/// A made-up message.
#[derive(Clone, Debug)]
pub struct Message {
    /// `m-00001` and so on; it stands in the document too, and on every lane.
    pub id: String,
    /// The client it belongs to, of two.
    pub tenant: &'static str,
    /// The conversation: the record's key.
    pub conversation: String,
    /// ISO 639.
    pub language: &'static str,
    /// What is in it that must not come out; empty where nothing is.
    pub planted: Vec<String>,
    /// The document; a few are broken on purpose.
    pub json: String,
}

impl Message {
    /// Returns the message as a record; a conversation stays in one partition.
    #[must_use]
    pub fn record(&self, n_partitions: i32) -> Traffic {
        let n: u32 =
            self.conversation.bytes().map(u32::from).fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        Traffic {
            partition: i32::try_from(n % n_partitions.max(1).unsigned_abs()).unwrap_or(0),
            key: Some(self.conversation.clone().into_bytes()),
            value: Some(self.json.clone().into_bytes()),
            headers: vec![("tenant".to_owned(), Some(self.tenant.as_bytes().to_vec()))],
            ..Traffic::default()
        }
    }
}

/// Makes messages, always the same for a seed.
#[must_use]
pub fn messages(n: usize, seed: u64) -> Vec<Message> {
    let templates: Vec<Template> = TEMPLATES.lines().filter_map(Template::read).collect();
    let (full, plain): (Vec<_>, Vec<_>) = templates.iter().partition(|template| template.text.contains('{'));
    let mut random = Random(seed);
    (1..=n).filter_map(|number| message(number, &full, &plain, &mut random)).collect()
}

const TEMPLATES: &str = include_str!("../../demo/messages.tsv");
const TENANTS: [&str; 2] = ["north-clinic", "harbour-shop"];
const N_PEOPLE: u64 = 40;
/// One message of so many is cut short on the way.
const BROKEN: u64 = 500;

struct Template {
    language: &'static str,
    country: &'static str,
    channel: &'static str,
    text: &'static str,
}

impl Template {
    fn read(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let (language, country, channel) = (columns.next()?, columns.next()?, columns.next()?);
        Some(Self { language, country, channel, text: columns.next()? })
    }
}

fn message(number: usize, full: &[&Template], plain: &[&Template], random: &mut Random) -> Option<Message> {
    let template = if random.below(3) == 0 { random.pick(full)? } else { random.pick(plain)? };
    let person = random.below(N_PEOPLE);
    let mut planted = Vec::new();
    let text = fill(template, person, random, &mut planted);
    let tenant = *TENANTS.get(usize::try_from(person % 2).ok()?)?;
    let conversation = format!("c-{person:03}");
    let id = format!("m-{number:05}");
    let mut json = format!(
        "{{\"message\":\"{id}\",\"tenant\":\"{tenant}\",\"conversation\":\"{conversation}\",\"channel\":{{\"type\":\"{}\",\"country\":\"{}\"}},\"text\":{}}}",
        template.channel,
        template.country,
        serde_json::to_string(&text).ok()?,
    );
    if random.below(BROKEN) == 0 {
        json.pop();
    }
    Some(Message { id, tenant, conversation, language: template.language, planted, json })
}

fn fill(template: &Template, person: u64, random: &mut Random, planted: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = template.text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (slot, after) = after.split_once('}').unwrap_or((after, ""));
        let name = NAMES.get(usize::try_from(person).unwrap_or(0) % NAMES.len()).copied().unwrap_or("Sam");
        let value = match slot {
            "phone" => phone(template.country, person),
            "abroad" => format!("+44 20 7946 0{:03}", person * 7 % 1_000),
            "email" => format!("{}.{person}@example.org", name.to_lowercase()),
            "card" => random.pick(CARDS).copied().unwrap_or_default().to_owned(),
            "iban" => random.pick(IBANS).copied().unwrap_or_default().to_owned(),
            "ip" => format!("192.0.2.{}", 1 + person),
            _ => name.to_owned(),
        };
        if slot != "name" {
            planted.push(value.clone());
        }
        out.push_str(&value);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A number of the country as its people write it.
fn phone(country: &str, person: u64) -> String {
    match country {
        "FR" => format!("06 39 98 {:02} {:02}", person % 100, person * 3 % 100),
        "DE" => format!("030 23125{:03}", person * 7 % 1_000),
        "GB" => format!("020 7946 0{:03}", person * 7 % 1_000),
        "AU" => {
            let last = ["006", "156", "157", "158", "159"];
            format!(
                "0491 570 {}",
                last.get(usize::try_from(person).unwrap_or(0) % last.len()).copied().unwrap_or("006")
            )
        }
        "SE" => format!("070-174 06 {:02}", 5 + person % 95),
        _ => format!("202-555-01{:02}", person % 100),
    }
}

const NAMES: &[&str] = &["Dana", "Amina", "Jonas", "Lucia", "Omar", "Priya", "Kofi", "Marta", "Elin", "Wanjiku"];
const CARDS: &[&str] = &["4111 1111 1111 1111", "5555 5555 5555 4444", "3782 822463 10005", "4242 4242 4242 4242"];
const IBANS: &[&str] =
    &["DE89 3704 0044 0532 0130 00", "FR14 2004 1010 0505 0001 3M02 606", "GB29 NWBK 6016 1331 9268 19"];

/// splitmix64: no cryptography, always the same.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// Returns a number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        of.get(usize::try_from(self.below(of.len() as u64)).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn two_thousand_messages() {
        let all = messages(2_000, 1);
        let languages: BTreeSet<_> = all.iter().map(|message| message.language).collect();
        let tenants: BTreeSet<_> = all.iter().map(|message| message.tenant).collect();
        let n_full = all.iter().filter(|message| !message.planted.is_empty()).count();
        assert!(languages.len() >= 8, "{languages:?}");
        assert_eq!((all.len(), tenants.len()), (2_000, 2));
        assert!((600..740).contains(&n_full), "about one in three holds something: {n_full}");
    }
}
