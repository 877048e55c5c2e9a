//! From records to what each lane gets; pure work on bytes, for any number of threads.
//!
//! Values, keys and header values of many records are laid side by side and scanned in one call, because the scanner is
//! twice as fast over many short texts. A record of which any part cannot be handled goes to no lane.

use super::config::{Input, Key, Layout, TenantFrom};
use super::lanes::LanePlan;
use crate::crypt::{Class, LaneClass, Mode, Purpose, Scope, TokenScratch, Tokenizer, token_at};
use crate::entity::Kind;
use crate::envelope::{Format, Record};
use crate::ids::{EntityId, TenantId};
use crate::redact::{Redactor, Scratch};
use crate::sensitive::Sensitive;
use crate::span::DocSpan;
use crate::tally::Tally;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A record as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Incoming<'m> {
    /// Nothing is a tombstone.
    pub(super) value: Option<&'m [u8]>,
    pub(super) key: Option<&'m [u8]>,
    /// Headers that some lane passes on: their number in [`Worker::headers`], and the value.
    pub(super) headers: Vec<(u16, Option<&'m [u8]>)>,
    /// Its topic's name, and the value of the header that names the tenant.
    pub(super) topic: &'m str,
    pub(super) tenant: Option<&'m [u8]>,
    /// It can only be quarantined.
    pub(super) refused: Option<&'static str>,
}

/// Rewrites records.
pub(super) struct Worker {
    work: Work,
    layout: Layout,
    tenant: Option<TenantFrom>,
    lanes: Vec<LanePlan>,
    /// Every header that some lane passes on.
    headers: Vec<String>,
    scans_keys: bool,
    mints_keys: bool,
}

/// How records become outputs.
pub(super) enum Work {
    Redact {
        redactor: Box<Redactor>,
        tokenizer: Option<Arc<Tokenizer>>,
    },
    /// As they are, on every lane: the yardstick of benches. No configuration leads here.
    PassThrough,
}

/// The memory of one chunk, and the answer.
pub(super) struct Sheet {
    /// In the order of [`FORMATS`].
    piles: [Pile; FORMATS.len()],
    rows: Vec<Row>,
    headers: Vec<(u16, Part)>,
    /// Tenants of rows, where records are of several: places in `names`.
    tenants: Vec<Option<(usize, usize)>>,
    names: String,
    /// Tokens of whole keys, by row and lane: places in `minted`.
    keys: Vec<(usize, usize)>,
    minted: Vec<u8>,
    token_scratch: Option<TokenScratch>,
    /// Parts are shown as they came: benches alone.
    passes_through: bool,
    pub(super) tally: Tally,
}

/// What parts of records are laid out as. Keys and headers are plain text; a value is what its layout says.
const FORMATS: [Format; 4] = [Format::Text, Format::Json, Format::Form, Format::Log];

/// Texts of one format, side by side.
struct Pile {
    format: Format,
    buffer: Vec<u8>,
    records: Vec<Record>,
    /// The row that each record is a part of.
    rows: Vec<u32>,
    scratch: Option<Scratch>,
}

/// Where the parts of a record are.
#[derive(Clone, Copy)]
struct Row {
    value: Part,
    key: Part,
    headers: (u32, u32),
    refused: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    None,
    Empty,
    /// In the pile of this number, at this place.
    In(u8, u32),
}

/// The pile of plain text.
const TEXT: u8 = 0;

/// What a lane gets of a record.
pub(super) struct Output<'s> {
    sheet: &'s Sheet,
    row: Row,
    at: usize,
    lane: usize,
}

impl Worker {
    pub(super) fn new(work: Work, input: &Input, lanes: Vec<LanePlan>) -> Self {
        let mut headers: Vec<String> = lanes.iter().flat_map(|lane| lane.headers.iter().cloned()).collect();
        headers.sort_unstable();
        headers.dedup();
        let scans_keys = lanes.iter().any(|lane| matches!(lane.key, Key::Scan | Key::Token));
        let mints_keys = lanes.iter().any(|lane| lane.key == Key::Token);
        Self { work, layout: input.layout, tenant: input.tenant.clone(), lanes, headers, scans_keys, mints_keys }
    }

    /// Returns the header that names a record's tenant.
    pub(super) fn tenant_header(&self) -> Option<&str> {
        match &self.tenant {
            Some(TenantFrom::Header(name)) => Some(name),
            _ => None,
        }
    }

    pub(super) fn lanes(&self) -> &[LanePlan] {
        &self.lanes
    }

    /// Returns every header that some lane passes on.
    pub(super) fn headers(&self) -> &[String] {
        &self.headers
    }

    pub(super) fn sheet(&self) -> Sheet {
        // Most streams have texts of one format or two; the others get their memory when they come.
        let pile = |format| {
            let scratch = matches!(format, Format::Text | Format::Json).then(|| self.scratch()).flatten();
            Pile { format, buffer: Vec::new(), records: Vec::new(), rows: Vec::new(), scratch }
        };
        let tokenizer = match &self.work {
            Work::Redact { tokenizer, .. } => tokenizer.as_ref(),
            Work::PassThrough => None,
        };
        Sheet {
            piles: FORMATS.map(pile),
            rows: Vec::new(),
            headers: Vec::new(),
            tenants: Vec::new(),
            names: String::new(),
            keys: Vec::new(),
            minted: Vec::new(),
            token_scratch: tokenizer.map(|tokenizer| tokenizer.scratch()),
            passes_through: matches!(self.work, Work::PassThrough),
            tally: Tally::default(),
        }
    }

    fn scratch(&self) -> Option<Scratch> {
        match &self.work {
            Work::Redact { redactor, .. } => Some(redactor.scratch()),
            Work::PassThrough => None,
        }
    }

    /// Rewrites a chunk of records.
    pub(super) fn rewrite(&self, records: &[Incoming<'_>], sheet: &mut Sheet) {
        if catch_unwind(AssertUnwindSafe(|| self.rewrite_together(records, sheet))).is_ok() {
            return;
        }
        // A bug of ours: find the record that trips it, so that it costs a message and not a chunk.
        let mut marked = records.to_vec();
        for record in &mut marked {
            *sheet = self.sheet();
            let one = std::slice::from_ref(record);
            if catch_unwind(AssertUnwindSafe(|| self.rewrite_together(one, sheet))).is_err() {
                *record = Incoming { refused: Some(INTERNAL), ..Incoming::default() };
            }
        }
        *sheet = self.sheet();
        if catch_unwind(AssertUnwindSafe(|| self.rewrite_together(&marked, sheet))).is_err() {
            let all: Vec<_> =
                records.iter().map(|_| Incoming { refused: Some(INTERNAL), ..Incoming::default() }).collect();
            *sheet = self.sheet();
            sheet.lay(self, &all);
        }
    }

    fn rewrite_together(&self, records: &[Incoming<'_>], sheet: &mut Sheet) {
        #[cfg(test)]
        tests::trip(records);
        sheet.lay(self, records);
        let Work::Redact { redactor, tokenizer } = &self.work else { return };
        let by_field = matches!(self.tenant, Some(TenantFrom::Field(_) | TenantFrom::Profile));
        let by_caller = by_field || matches!(self.tenant, Some(TenantFrom::Header(_) | TenantFrom::Topic));
        sheet.name_tenants(self, records);
        for pile in (0..sheet.piles.len()).filter(|&pile| pile != usize::from(TEXT)) {
            sheet.redact(redactor, pile, by_caller && !by_field);
        }
        if by_field {
            sheet.tenants_of_values();
        }
        sheet.redact(redactor, usize::from(TEXT), by_caller);
        for at in 0..sheet.rows.len() {
            let Some(&row) = sheet.rows.get(at) else { continue };
            let parts = [row.value, row.key];
            let headers = sheet.headers_of(row).iter().map(|(_, part)| *part);
            let fault = parts.into_iter().chain(headers).find_map(|part| sheet.fault(part));
            let orphan = by_caller && sheet.tenants.get(at).is_none_or(Option::is_none);
            if let Some(row) = sheet.rows.get_mut(at) {
                let orphan = orphan.then_some("tenant_missing");
                row.refused = row.refused.or(fault).or(orphan);
            }
        }
        if let (true, Some(tokenizer)) = (self.mints_keys, tokenizer) {
            sheet.mint_keys(self, tokenizer, records);
        }
    }
}

const INTERNAL: &str = "internal_error";

impl Sheet {
    fn lay(&mut self, worker: &Worker, records: &[Incoming<'_>]) {
        self.tally = Tally::default();
        self.rows.clear();
        self.headers.clear();
        self.tenants.clear();
        self.names.clear();
        self.keys.clear();
        self.minted.clear();
        for pile in &mut self.piles {
            pile.buffer.clear();
            pile.records.clear();
            pile.rows.clear();
        }
        for record in records {
            let at = self.rows.len() as u32;
            if record.refused.is_some() {
                self.rows.push(Row { value: Part::None, key: Part::None, headers: (0, 0), refused: record.refused });
                continue;
            }
            let value = record.value.map_or(Part::None, |value| self.add(at, worker.layout.of(value), value));
            let key = match record.key {
                Some(key) if worker.scans_keys => self.add(at, Format::Text, key),
                _ => Part::None,
            };
            let begin = self.headers.len() as u32;
            for (number, value) in &record.headers {
                let part = value.map_or(Part::None, |value| self.add(at, Format::Text, value));
                self.headers.push((*number, part));
            }
            self.rows.push(Row { value, key, headers: (begin, self.headers.len() as u32), refused: None });
        }
        for pile in self.piles.iter_mut().skip(2).filter(|pile| !pile.records.is_empty()) {
            pile.scratch = pile.scratch.take().or_else(|| worker.scratch());
        }
    }

    /// Adds a part of a row to the pile of its format.
    fn add(&mut self, row: u32, format: Format, text: &[u8]) -> Part {
        let pile = (0..).zip(&mut self.piles).find(|(_, pile)| pile.format == format);
        let Some((number, pile)) = pile else { return Part::None };
        pile.add(row, text).map_or(Part::Empty, |at| Part::In(number, at))
    }

    /// Takes note of tenants that a header or the topic names.
    fn name_tenants(&mut self, worker: &Worker, records: &[Incoming<'_>]) {
        let name = |record: &Incoming<'_>| match worker.tenant {
            Some(TenantFrom::Header(_)) => {
                record.tenant.and_then(|name| std::str::from_utf8(name).ok()).map(str::to_owned)
            }
            Some(TenantFrom::Topic) => Some(record.topic.to_owned()),
            _ => None,
        };
        for record in records {
            let place = name(record).and_then(|name| self.name_tenant(TenantId::new(&name)?));
            self.tenants.push(place);
        }
    }

    fn name_tenant(&mut self, tenant: TenantId<'_>) -> Option<(usize, usize)> {
        let start = self.names.len();
        self.names.push_str(tenant.as_str());
        Some((start, self.names.len()))
    }

    /// Takes over the tenants that values named themselves, for their keys and headers.
    fn tenants_of_values(&mut self) {
        for at in 0..self.rows.len() {
            let name = match self.rows.get(at).map(|row| row.value) {
                Some(Part::In(pile, number)) if pile != TEXT => self.piles.get(usize::from(pile)).and_then(|pile| {
                    let name = pile.scratch.as_ref()?.tenant(&pile.buffer, number as usize)?;
                    Some(name.as_str().to_owned())
                }),
                _ => None,
            };
            let place = name.and_then(|name| self.name_tenant(TenantId::new(&name)?));
            if let Some(tenant) = self.tenants.get_mut(at) {
                *tenant = place;
            }
        }
    }

    fn tenant(&self, row: usize) -> Option<TenantId<'_>> {
        let (start, end) = (*self.tenants.get(row)?)?;
        TenantId::new(self.names.get(start..end)?)
    }

    fn redact(&mut self, redactor: &Redactor, number: usize, by_caller: bool) {
        let Some(pile) = self.piles.get_mut(number).filter(|pile| !pile.records.is_empty()) else { return };
        let Some(mut scratch) = pile.scratch.take() else { return };
        let mut tally = std::mem::take(&mut self.tally);
        let Some(pile) = self.piles.get(number) else { return };
        let format = pile.format;
        if by_caller {
            let records =
                pile.records.iter().zip(&pile.rows).map(|(record, row)| (*record, self.tenant(*row as usize)));
            redactor.redact_records_of(format, &pile.buffer, records, &mut scratch, &mut tally);
        } else {
            redactor.redact_records(format, &pile.buffer, pile.records.iter().copied(), &mut scratch, &mut tally);
        }
        self.tally = tally;
        if let Some(pile) = self.piles.get_mut(number) {
            pile.scratch = Some(scratch);
        }
    }

    /// Yields what was done on a lane: entity, operator (its place among the names) and how often.
    pub(super) fn applied(&self, lane: usize) -> impl Iterator<Item = (EntityId, usize, u64)> + '_ {
        // The memory of a pile that is empty tells of an earlier chunk.
        let used = self.piles.iter().filter(|pile| !pile.records.is_empty());
        used.filter_map(|pile| pile.scratch.as_ref()).flat_map(move |scratch| scratch.applied(lane))
    }

    /// Makes tokens of whole keys. A key that is a value by itself has the token of that value already.
    fn mint_keys(&mut self, worker: &Worker, tokenizer: &Tokenizer, records: &[Incoming<'_>]) {
        let Some(mut scratch) = self.token_scratch.take() else { return };
        let mut minted = Vec::new();
        for (at, record) in records.iter().enumerate() {
            for (number, lane) in worker.lanes.iter().enumerate() {
                let start = minted.len();
                let row = self.rows.get(at).copied().filter(|row| row.refused.is_none());
                if let (Key::Token, Some(row), Some(key)) = (lane.key, row, record.key) {
                    let rewritten = self.text(row.key, number).unwrap_or_default();
                    let is_token = token_at(rewritten, 0).is_some_and(|token| token.span.len() == rewritten.len());
                    let mode = if lane.class == LaneClass::Storage { Mode::Siv } else { Mode::Mac };
                    let tenant = match &worker.tenant {
                        Some(TenantFrom::Fixed(name)) => TenantId::new(name),
                        _ => self.tenant(at),
                    };
                    if is_token && rewritten != key {
                        minted.extend_from_slice(rewritten);
                    } else if let (Some(tenant), Some(purpose)) = (tenant, Purpose::new(lane.class, mode)) {
                        let scope = Scope { tenant, class: Class::of(Kind::OtherId), purpose };
                        if tokenizer.token(&scope, Sensitive::new(key), &mut minted, &mut scratch).is_err()
                            && let Some(row) = self.rows.get_mut(at)
                        {
                            // Empty, or longer than a token can hold.
                            row.refused = (!key.is_empty()).then_some("key_too_long");
                        }
                    }
                }
                self.keys.push((start, minted.len()));
            }
        }
        self.minted = minted;
        self.token_scratch = Some(scratch);
    }

    /// Why a part cannot be shown. A part that was not rewritten cannot.
    fn fault(&self, part: Part) -> Option<&'static str> {
        let (pile, at) = match part {
            Part::None | Part::Empty => return None,
            Part::In(pile, at) => (self.piles.get(usize::from(pile)), at),
        };
        let Some(pile) = pile else { return Some(INTERNAL) };
        let records = pile.scratch.as_ref().map(|scratch| scratch.found().records());
        match records.and_then(|records| records.get(at as usize)) {
            Some(record) => record.walked.err().map(|reason| reason.word()),
            None => Some(INTERNAL),
        }
    }

    fn headers_of(&self, row: Row) -> &[(u16, Part)] {
        self.headers.get(row.headers.0 as usize..row.headers.1 as usize).unwrap_or_default()
    }

    fn text(&self, part: Part, lane: usize) -> Option<&[u8]> {
        let (pile, at) = match part {
            Part::None => return None,
            Part::Empty => return Some(&[]),
            Part::In(pile, at) => (self.piles.get(usize::from(pile))?, at as usize),
        };
        Some(match &pile.scratch {
            Some(scratch) => scratch.record(at, lane),
            None if self.passes_through => {
                pile.records.get(at).and_then(|record| record.whole.of(&pile.buffer)).unwrap_or_default()
            }
            // Nothing was rewritten, so nothing is shown.
            None => &[],
        })
    }

    /// Returns what a lane gets of the record at a place of the chunk, or why no lane gets it.
    pub(super) fn output(&self, at: usize, lane: usize) -> Result<Output<'_>, &'static str> {
        match self.rows.get(at) {
            Some(&Row { refused: Some(reason), .. }) => Err(reason),
            Some(&row) => Ok(Output { sheet: self, row, at, lane }),
            None => Err(INTERNAL),
        }
    }
}

impl<'s> Output<'s> {
    pub(super) fn value(&self) -> Option<&'s [u8]> {
        self.sheet.text(self.row.value, self.lane)
    }

    /// The rewritten key.
    pub(super) fn key(&self) -> Option<&'s [u8]> {
        self.sheet.text(self.row.key, self.lane)
    }

    /// The token of the whole key.
    pub(super) fn key_token(&self, n_lanes: usize) -> Option<&'s [u8]> {
        if self.row.key == Part::None {
            return None;
        }
        match self.sheet.keys.get(self.at * n_lanes + self.lane) {
            Some(&(start, end)) => self.sheet.minted.get(start..end),
            None => self.key(),
        }
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = (u16, Option<&'s [u8]>)> + '_ {
        self.sheet.headers_of(self.row).iter().map(|&(number, part)| (number, self.sheet.text(part, self.lane)))
    }
}

impl Pile {
    /// Adds a text, and tells its number; an empty one needs no work.
    fn add(&mut self, row: u32, text: &[u8]) -> Option<u32> {
        if text.is_empty() {
            return None;
        }
        let at = self.records.len() as u32;
        let start = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        self.buffer.extend_from_slice(text);
        let span = DocSpan::new(start, u32::try_from(self.buffer.len()).unwrap_or(u32::MAX));
        self.records.push(Record { body: span, whole: span });
        self.rows.push(row);
        self.buffer.push(b'\n');
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;
    use crate::stream::{Config, Job};
    use std::path::Path;

    fn worker() -> Worker {
        let text = "[kafka]\nbootstrap_servers = \"x\"\ngroup_id = \"g\"\n[input]\ntopics = [\"in\"]\n\
                    [lanes.storage]\ntopic = \"s\"\nkey = \"drop\"\n[lanes.analytics]\ntopic = \"a\"\nkey = \"drop\"\n\
                    [quarantine]\ntopic = \"q\"\n";
        let config = Config::parse(text, "efface.toml", Path::new(".")).unwrap();
        Job::build(config, &RuleSet::builtin().unwrap(), &|_| None).unwrap().worker
    }

    /// A bug of ours: the first of these trips it, the second only among others.
    const TRIPS: [&[u8]; 2] = [b"alone d@example.org", b"among others d@example.org"];

    pub(super) fn trip(records: &[Incoming<'_>]) {
        for record in records {
            let is_alone = records.len() == 1;
            assert_ne!(record.value, Some(TRIPS[0]), "the bug that a test wants");
            assert!(is_alone || record.value != Some(TRIPS[1]), "the bug that a test wants");
        }
    }

    /// F15: what trips a bug is quarantined, and in clear on no lane; the others of its chunk are rewritten. A bug that only a
    /// whole chunk trips costs the chunk.
    #[test]
    fn a_bug_costs_a_message() {
        #[track_caller]
        fn check(values: &[&[u8]], expected: &[Result<&[u8], &str>]) {
            let worker = worker();
            let mut sheet = worker.sheet();
            let records: Vec<Incoming<'_>> =
                values.iter().map(|value| Incoming { value: Some(value), ..Incoming::default() }).collect();
            // The second time on the sheet that is left of the first.
            for _ in 0..2 {
                worker.rewrite(&records, &mut sheet);
                for lane in 0..2 {
                    let shown =
                        (0..values.len()).map(|at| sheet.output(at, lane).map(|output| output.value().unwrap()));
                    assert!(shown.eq(expected.iter().copied()));
                }
            }
        }
        let (good, shown): (&[u8], &[u8]) = (b"to d@example.org", b"to [EMAIL_ADDRESS]");
        check(&[good, TRIPS[0], good], &[Ok(shown), Err(INTERNAL), Ok(shown)]);
        check(&[TRIPS[0]], &[Err(INTERNAL)]);
        check(&[TRIPS[1]], &[Ok(b"among others [EMAIL_ADDRESS]")]);
        check(&[good, TRIPS[1]], &[Err(INTERNAL), Err(INTERNAL)]);
        check(&[TRIPS[1], TRIPS[0], good], &[Err(INTERNAL); 3]);
    }

    /// A sheet is used for any chunk after any other: of text alone, of JSON alone, of both, of neither.
    #[test]
    fn no_chunk_changes_the_next() {
        let worker = worker();
        let mut sheet = worker.sheet();
        let (text, json) = (b"write to d@example.org".as_slice(), br#"{"t":"d@example.org"}"#.as_slice());
        let chunks: [&[Option<&[u8]>]; 7] = [
            &[Some(text)],
            &[Some(json)],
            &[Some(text), Some(json)],
            &[None, Some(b"")],
            &[Some(json), None],
            &[Some(text)],
            &[Some(b"{broken"), Some(text)],
        ];
        for chunk in chunks {
            let records: Vec<Incoming<'_>> =
                chunk.iter().map(|value| Incoming { value: *value, ..Incoming::default() }).collect();
            worker.rewrite(&records, &mut sheet);
            for (at, value) in chunk.iter().enumerate() {
                for lane in 0..2 {
                    let shown = sheet.output(at, lane).map(|output| output.value().map(<[u8]>::to_vec));
                    let expected: Result<Option<&[u8]>, &str> = match value {
                        Some(b"{broken") => Err("broken_json"),
                        Some(value) if *value == text => Ok(Some(b"write to [EMAIL_ADDRESS]")),
                        Some(value) if *value == json => Ok(Some(br#"{"t":"[EMAIL_ADDRESS]"}"#)),
                        other => Ok(*other),
                    };
                    assert_eq!(shown, expected.map(|value| value.map(<[u8]>::to_vec)));
                }
            }
        }
    }

    /// A worker with this input, whose lanes have this policy, and a key.
    fn worker_of(input: &str, policy: &str) -> Result<Worker, String> {
        let text = format!(
            "[kafka]\nbootstrap_servers = \"x\"\ngroup_id = \"g\"\n[input]\ntopics = [\"in\"]\n{input}\n\
             [lanes.storage]\ntopic = \"s\"\npolicy = \"{policy}\"\nkey = \"drop\"\n\
             [lanes.analytics]\ntopic = \"a\"\npolicy = \"{policy}\"\nkey = \"drop\"\n\
             [quarantine]\ntopic = \"q\"\n[keys]\nroot = \"env:KEY\"\n"
        );
        static RULES: std::sync::OnceLock<RuleSet> = std::sync::OnceLock::new();
        let rules = RULES.get_or_init(|| RuleSet::builtin().unwrap());
        let env = |_: &str| Some("c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6".to_owned());
        let config = Config::parse(&text, "efface.toml", Path::new(".")).map_err(|err| err.to_string())?;
        Job::build(config, rules, &env).map(|job| job.worker).map_err(|err| err.to_string())
    }

    /// What a lane gets of one value.
    fn on_lane(worker: &Worker, value: &str, lane: usize) -> Result<String, &'static str> {
        let mut sheet = worker.sheet();
        worker.rewrite(&[Incoming { value: Some(value.as_bytes()), ..Incoming::default() }], &mut sheet);
        let output = sheet.output(0, lane)?;
        Ok(String::from_utf8_lossy(output.value().unwrap_or_default()).into_owned())
    }

    #[test]
    fn fields_are_what_their_profile_says() {
        #[track_caller]
        fn check(envelope: &str, value: &str, expected: Result<&str, &'static str>) {
            let worker = worker_of(&format!("envelope = \"{envelope}\""), "default").unwrap();
            for lane in 0..2 {
                assert_eq!(on_lane(&worker, value, lane).as_deref(), expected.as_deref(), "{envelope}");
            }
        }
        // A name of the envelope is known in its text, by part too; `none` knows neither.
        let contact = r#"{"contact":{"name":"Awa Ndiaye"},"id":77,"text":"it is Awa, really"}"#;
        let known = Ok(r#"{"contact":{"name":"[PERSON]"},"id":77,"text":"it is [PERSON], really"}"#);
        check("auto", contact, known);
        check("json", contact, known);
        check("none", contact, Ok(contact));
        check("text", contact, Ok(contact));
        check("json", "not json", Err("broken_json"));
        // A profile speaks of its platform's fields alone.
        let update = r#"{"update_id":9,"message":{"from":{"id":5551,"first_name":"Awa"},"text":"hi"}}"#;
        let rewritten =
            r#"{"update_id":9,"message":{"from":{"id":"[TELEGRAM_USER_ID]","first_name":"[PERSON]"},"text":"hi"}}"#;
        check("telegram", update, Ok(rewritten));
        check("auto", update, Ok(rewritten));
        // Forms are told from text, and written as forms.
        check(
            "auto",
            "From=%2B221771234567&ProfileName=Awa+Ndiaye&Body=hi%2C+Awa+here",
            Ok("From=%5BPHONE_NUMBER%5D&ProfileName=%5BPERSON%5D&Body=hi%2C+%5BPERSON%5D+here"),
        );
        check("auto", "Awa says a=b and more", Ok("Awa says a=b and more"));
    }

    #[test]
    fn records_say_whose_they_are() {
        let worker = worker_of("tenant = { profile = true }", "rapidpro").unwrap();
        let event = |org: &str| {
            format!(r#"{{"type":"msg_received",{org}"task":{{"urn":"tel:+221771234567","text":"+221771234567"}}}}"#)
        };
        let of = |org: &str| on_lane(&worker, &event(org), 0);
        assert_eq!(of(""), Err("tenant_missing"));
        let (one, other) = (of(r#""org_id":1,"#).unwrap(), of(r#""org_id":2,"#).unwrap());
        assert!(one.contains("tok_ph_") && !one.contains("771234567"), "{one}");
        assert_ne!(one, other, "two tenants, two tokens");
        assert_eq!(on_lane(&worker, "plain text", 0), Err("tenant_missing"));
    }

    #[test]
    fn codes_are_of_a_conversation() {
        let of = |input: &str| worker_of(&format!("tenant = {{ name = \"a\" }}\n{input}"), "wapikit").unwrap();
        // The lanes come in the order of their names: this is analytics.
        let said = |worker: &Worker, c: u32| {
            let text = on_lane(worker, &format!(r#"{{"c":{c},"text":"+221771234567"}}"#), 0).unwrap();
            text.split_once("text").unwrap().1.to_owned()
        };
        let worker = of("conversation = { field = \"/c\" }");
        assert_eq!(said(&worker, 1), said(&worker, 1));
        assert_ne!(said(&worker, 1), said(&worker, 2), "two conversations, two codes");
        assert!(!said(&worker, 1).contains("771234567"));
        // What does not say its conversation has labels.
        assert!(said(&of("envelope = \"auto\""), 1).contains("[PHONE_NUMBER]"));
        let none = worker_of("tenant = { name = \"a\" }\nenvelope = \"none\"", "wapikit").map(drop).unwrap_err();
        assert!(none.contains("codes of conversations") && none.contains("hint: input.conversation"), "{none}");
    }

    #[test]
    fn what_was_promised_not_to_be_sent_is_counted() {
        let worker = worker_of("tenant = { name = \"a\" }", "rapidpro").unwrap();
        let mut sheet = worker.sheet();
        let value = br#"{"text":"call +221771234567, mail d@example.org"}"#;
        worker.rewrite(&[Incoming { value: Some(value), ..Incoming::default() }], &mut sheet);
        let names: Vec<_> = sheet.tally.alerts().map(|(category, n)| (category.name(), n)).collect();
        assert_eq!(names, []);
        let value = br#"{"ssn":"219-09-9999","card":"4111 1111 1111 1111"}"#;
        worker.rewrite(&[Incoming { value: Some(value), ..Incoming::default() }], &mut sheet);
        let names: Vec<_> = sheet.tally.alerts().map(|(category, n)| (category.name(), n)).collect();
        assert_eq!(names, [("gov_id", 1), ("financial", 1)]);
        // A policy without alerts counts none.
        let worker = worker_of("", "default").unwrap();
        let mut sheet = worker.sheet();
        worker.rewrite(&[Incoming { value: Some(value), ..Incoming::default() }], &mut sheet);
        assert_eq!(sheet.tally.alerts().count(), 0);
    }

    #[test]
    fn operators_are_counted_as_applied() {
        let worker = worker_of("tenant = { name = \"a\" }", "rapidpro").unwrap();
        let mut sheet = worker.sheet();
        let rules = RuleSet::builtin().unwrap();
        let mut applied = |value: &str, lane: usize| -> Vec<String> {
            worker.rewrite(&[Incoming { value: Some(value.as_bytes()), ..Incoming::default() }], &mut sheet);
            let name = |(entity, operator, n): (EntityId, usize, u64)| {
                let entity = rules.entity(entity).unwrap().name.clone();
                format!("{n} {entity} {}", crate::policy::Operator::NAMES[operator])
            };
            sheet.applied(lane).map(name).collect()
        };
        assert_eq!(applied(r#"{"text":"d@example.org and e@example.org"}"#, 1), ["2 EMAIL_ADDRESS token"]);
        // The form has no answer for this date, so a label was written.
        assert_eq!(applied(r#"{"dob":"some day in 19xx"}"#, 1), ["1 DATE_OF_BIRTH redact"]);
        assert_eq!(applied("d@example.org", 1), ["1 EMAIL_ADDRESS token"]);
        assert_eq!(applied("nothing", 1), Vec::<String>::new(), "a chunk tells of itself alone");
    }

    #[test]
    fn what_no_profile_is_does_not_start() {
        #[track_caller]
        fn check(input: &str, policy: &str, expected: &str) {
            let err = worker_of(input, policy).map(drop).unwrap_err();
            assert!(err.starts_with(expected) && err.contains("\n  hint: "), "{err}");
        }
        check(
            "envelope = \"telegramm\"",
            "default",
            "efface.toml:6: no such envelope: telegramm\n  hint: did you mean telegram",
        );
        check("envelope = \"no/such.toml\"", "default", "efface.toml:6: no such envelope: no/such.toml");
        check(
            "envelope = \"telegram\"\ntenant = { profile = true }",
            "rapidpro",
            "efface.toml:6: the envelope telegram does not say whose",
        );
        check("names = { file = \"no-such.txt\" }", "default", "efface.toml: input.names.file: no-such.txt cannot");
    }

    #[test]
    fn what_was_not_rewritten_is_not_shown() {
        let worker = worker();
        let mut sheet = worker.sheet();
        sheet.piles[1].scratch = None;
        let record = Incoming { value: Some(br#"{"t":"d@example.org"}"#), ..Incoming::default() };
        worker.rewrite(&[record], &mut sheet);
        assert_eq!(sheet.output(0, 0).err(), Some(INTERNAL));
        assert_eq!(sheet.text(Part::In(1, 0), 0), Some(b"".as_slice()));
    }
}
