//! Why a thing was or was not found: every place that a rule's pattern takes, what speaks for it and against it, and what
//! became of it.
//!
//! A walk of its own, slow and with memory to spare. What is reported is what the hot room reports, for the hot room is
//! asked: its candidates, neighbours and detections. Around them this walk tries every rule at every start of a word, so
//! that it can tell what did not get as far: a check that failed, a longer number, a missing word.
//!
//! It returns places, rules and words of the packs, never text.

use super::build::Recognizer;
use super::candidates::{
    DATED, EPOCH, GROUPED_ON, Job, LABELLED, Work, country, everyday, evidence, goes_on, is_epoch, is_prose,
};
use super::context::{Signs, Window, label, mentions, spaced_name, touching, windows};
use super::phone::{self, Trait};
use super::prose::PROSE;
use super::resolve::{Barriers, Candidate, RIVAL};
use super::verify::{Compact, accepts, before, extend, guarded, is_word};
use super::{CHUNK_BLOCKS, Hints, ScanFault, Scanner, fold};
use crate::check::{COMPACT_BYTES, Check, Form};
use crate::detection::Detection;
use crate::ids::{EntityId, Region, RuleId};
use crate::plan::{LineType, Number};
use crate::rules::{Gate, Rule, RuleSet, Sieve, Tail};
use crate::span::Span;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use std::sync::OnceLock;

/// One place that a rule's pattern takes, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// Which rule.
    pub rule: RuleId,
    /// What it would be.
    pub entity: EntityId,
    /// Where; for what is reported in part, all of it.
    pub span: Span,
    /// How many digits it holds.
    pub n_digits: usize,
    /// The country that it speaks of.
    pub country: Option<Region>,
    /// What was observed, in the order in which it is weighed.
    pub observations: Vec<Observation>,
    /// What the observations add up to, in tenths of a bit.
    pub evidence: i16,
    /// The same as a score, `0..=1000`.
    pub score: u16,
    /// What became of it.
    pub fate: Fate,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What was observed.
    pub what: What,
    /// What it is worth, in tenths of a bit.
    pub worth: i16,
}

/// What can be observed of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// It has the rule's shape.
    Shape,
    /// The check of that name accepts it.
    Check(&'static str),
    /// It is written with separators.
    Separators,
    /// A default region is its country.
    Region(Region),
    /// It reads as this telephone number.
    Plan {
        /// The region whose plan has it, where one does.
        region: Option<Region>,
        /// The type of line.
        line: LineType,
        /// Whether the range is assigned; else only its length is possible.
        assigned: bool,
    },
    /// Something else of a telephone number.
    Phone(Trait),
    /// It reads as milliseconds since 1970.
    Epoch,
    /// A further group of digits makes it look like a part of something longer.
    GoesOn,
    /// It is a part of the sentence: a blank parts a small word from it (`for 250`), or it parts a word with an accent.
    Prose,
    /// Words of it are everyday words, months or places.
    Everyday,
    /// Words for it stand beside it.
    Context(Vec<Mention>),
    /// Its rule's own words stand right before it.
    Label(Vec<Mention>),
    /// The name of the field holds words for it.
    Field(Vec<Mention>),
    /// Words against it stand beside it, or in the name of the field.
    Negative(Vec<Mention>),
}

/// A phrase of a pack that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The phrase as the pack has it.
    pub phrase: String,
    /// Who listens to it.
    pub owner: Owner,
    /// Where in the text; nothing in the name of a field.
    pub span: Option<Span>,
}

/// Whom a phrase speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This rule.
    Rule,
    /// All rules of its kind.
    Kind,
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It is a detection, or what others leave of it is.
    Reported {
        /// What is reported: mostly the whole span.
        pieces: Vec<Span>,
        /// The entity that is as plausible for the same bytes; the stricter operator of the two holds.
        rival: Option<EntityId>,
    },
    /// Another candidate holds its bytes.
    Beaten {
        /// The rule of that other.
        by: RuleId,
        /// What decided.
        edge: Edge,
        /// Whether both stay plausible: the stricter operator of the two holds.
        rival: bool,
    },
    /// It scores less than what is reported.
    Below,
    /// The rule asks for a word beside it, and there is none.
    Shut,
    /// A letter or digit beside it makes it a part of something longer.
    Guarded,
    /// The check refuses it.
    Refused(Refusal),
    /// It has fewer or more digits than the rule asks for.
    Digits {
        /// How many it has.
        n_digits: usize,
    },
    /// No numbering plan that is asked has such a number.
    NoPlan,
    /// The scanner did not look: it is a part of a telephone number beyond doubt, of a date with a time, of a label, a token
    /// or a longer run.
    PassedOver,
}

/// What decides between two candidates for the same bytes, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// More evidence.
    Evidence,
    /// A rule for a narrower thing.
    Specific,
    /// More bytes.
    Longer,
    /// It begins earlier.
    Earlier,
    /// Its rule stands first.
    First,
}

/// How a check refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// With other check digits it would pass.
    CheckDigit,
    /// No check digits would help: a date, a range or a number that is not issued, or a form that is not allowed.
    NeverIssued,
}

/// Explains what a scanner does.
pub struct Explainer<'e> {
    scanner: &'e Scanner,
    rules: &'e RuleSet,
    /// Each rule's pattern alone, compiled when a text first needs it.
    patterns: Vec<OnceLock<Option<dense::DFA<Vec<u32>>>>>,
}

/// Largest automaton of one rule.
const AUTOMATON_BYTES: usize = 32 << 20;
/// Fewest digits of what somebody may take for a telephone number.
const PHONE_DIGITS: usize = 7;
/// What a check is worth that has a check digit: less than nine of ten fail.
const DIGIT_WORTH: i16 = 30;

impl<'e> Explainer<'e> {
    /// Explains `scanner`, which was built from `rules`.
    #[must_use]
    pub fn new(scanner: &'e Scanner, rules: &'e RuleSet) -> Self {
        Self { scanner, rules, patterns: rules.rules().iter().map(|_| OnceLock::new()).collect() }
    }

    /// Tells of every place of `text` that a rule's pattern takes what became of it: by place, then by how far it got.
    ///
    /// # Offsets
    /// Bytes of `text`.
    ///
    /// # Errors
    /// A limit was passed: the text would be quarantined.
    ///
    /// # Cost
    /// Every rule at every start of a word; milliseconds for a message, and a second for the first of them.
    pub fn explain(&self, text: &[u8], hints: &Hints<'_>) -> Result<Vec<Explained>, ScanFault> {
        self.walk(text, hints, Reach::All)
    }

    /// Tells only of candidates that pattern, guard and check took: those whose evidence is weighed.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    ///
    /// # Cost
    /// Some times that of a scan.
    pub fn weighed(&self, text: &[u8], hints: &Hints<'_>) -> Result<Vec<Explained>, ScanFault> {
        let mut out = self.walk(text, hints, Reach::Weighed)?;
        out.retain(|of| matches!(of.fate, Fate::Reported { .. } | Fate::Beaten { .. } | Fate::Below | Fate::Shut));
        Ok(out)
    }

    fn walk(&self, text: &[u8], hints: &Hints<'_>, reach: Reach) -> Result<Vec<Explained>, ScanFault> {
        if u32::try_from(text.len()).is_err() {
            return Err(ScanFault::TooLong);
        }
        let scanner = self.scanner;
        let mut shadow = fold::Shadow::default();
        let folded = fold::needs_fold(text);
        if folded {
            shadow.fill(text);
        }
        let bytes = if folded { &shadow.bytes } else { text };
        let mut work = Work::default();
        let mut detections = Vec::new();
        let mut masks = vec![super::Masks::default(); CHUNK_BLOCKS];
        let mut job = Job::new(bytes, hints, &mut work);
        scanner.each_block(bytes, &mut masks, |block, masks, anchors| {
            scanner.anchors(&mut job, block, masks, anchors, &mut work);
        });
        job.finish(scanner, 0, &mut work, &mut detections)?;
        let (standing, known) = work.standing();
        let mut barriers = Barriers::default();
        if known.is_empty() {
            barriers.fill(standing.iter().map(|candidate| candidate.span));
        }
        let barriers = if known.is_empty() { &barriers } else { known };
        let walk = Walk { of: self, text: bytes, hints, standing, barriers, detections: &detections };
        let mut out: Vec<Explained> = Vec::new();
        // In a text without their words the scanner does not try rules that count for nothing without; here they are tried
        // all the same.
        let mut all = Work::default();
        let mut job = Job::new(bytes, hints, &mut all);
        scanner.each_block(bytes, &mut masks, |block, masks, anchors| {
            scanner.anchors(&mut job, block, masks, anchors, &mut all);
        });
        job.verify_waiting(scanner, false, &mut all);
        for found in walk.found(&all, reach) {
            out.extend(walk.explained(found));
        }
        if folded {
            let original = |span: &mut Span| {
                let (start, end) = shadow.original(span.start, span.end);
                *span = Span::new(start, end);
            };
            for explained in &mut out {
                original(&mut explained.span);
                if let Fate::Reported { pieces, .. } = &mut explained.fate {
                    pieces.iter_mut().for_each(original);
                }
                for observation in &mut explained.observations {
                    let (What::Context(words) | What::Label(words) | What::Field(words) | What::Negative(words)) =
                        &mut observation.what
                    else {
                        continue;
                    };
                    words.iter_mut().filter_map(|word| word.span.as_mut()).for_each(original);
                }
            }
        }
        out.sort_by_key(|of| (of.span.start, rank(&of.fate), -of.evidence, of.span.end, of.rule));
        Ok(out)
    }

    /// The words that speak for a rule, its own first.
    pub fn words(&self, rule: &'e Rule) -> impl Iterator<Item = (&'e str, Owner)> {
        let kind = self.rules.entity(rule.entity).map(|entity| entity.kind);
        let of_kind = self.rules.contexts().iter().filter(move |of| Some(of.kind) == kind && rule.hears_kind());
        let own = rule.context.iter().map(|phrase| (phrase.as_str(), Owner::Rule));
        own.chain(of_kind.flat_map(|of| &of.words).map(|phrase| (phrase.as_str(), Owner::Kind)))
    }

    /// The words that speak against a rule, its own first.
    fn negative(&self, rule: &'e Rule) -> impl Iterator<Item = (&'e str, Owner)> {
        let kind = self.rules.entity(rule.entity).map(|entity| entity.kind);
        let of_kind = self.rules.contexts().iter().filter(move |of| Some(of.kind) == kind);
        let own = rule.negative.iter().map(|phrase| (phrase.as_str(), Owner::Rule));
        own.chain(of_kind.flat_map(|of| &of.negative).map(|phrase| (phrase.as_str(), Owner::Kind)))
    }

    fn pattern(&self, at: usize, rule: &Rule) -> Option<&dense::DFA<Vec<u32>>> {
        let compile = || {
            dense::Builder::new()
                .configure(
                    dense::Config::new()
                        .start_kind(StartKind::Anchored)
                        .match_kind(MatchKind::All)
                        .dfa_size_limit(Some(AUTOMATON_BYTES))
                        .determinize_size_limit(Some(AUTOMATON_BYTES)),
                )
                .syntax(syntax::Config::new().unicode(false).utf8(false))
                .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
                .build(&rule.pattern)
                .ok()
        };
        self.patterns.get(at)?.get_or_init(compile).as_ref()
    }
}

/// How far a walk goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Every place that a pattern takes.
    All,
    /// What the scanner weighs.
    Weighed,
}

/// What is told first of one place.
const fn rank(fate: &Fate) -> u8 {
    match fate {
        Fate::Reported { .. } => 0,
        Fate::Beaten { .. } => 1,
        Fate::Below => 2,
        Fate::Shut => 3,
        Fate::Refused(_) => 4,
        Fate::NoPlan => 5,
        Fate::Digits { .. } => 6,
        Fate::PassedOver => 7,
        Fate::Guarded => 8,
    }
}

/// A place that a pattern takes, before it is weighed.
struct Place {
    recognizer: usize,
    span: Span,
    /// How far it got.
    stage: Stage,
    /// The number and its observations, where it is a telephone number.
    phone: Option<(Number, Vec<(Trait, i16)>)>,
}

enum Stage {
    /// Pattern, guard and check took it.
    Accepted,
    /// So, and the scanner never looked.
    PassedOver,
    /// One of them did not.
    Missed(Fate),
}

/// One text.
struct Walk<'w> {
    of: &'w Explainer<'w>,
    text: &'w [u8],
    hints: &'w Hints<'w>,
    /// What stood when overlaps were resolved.
    standing: &'w [Candidate],
    barriers: &'w Barriers,
    detections: &'w [Detection],
}

impl Walk<'_> {
    fn recognizer(&self, at: usize) -> Option<&Recognizer> {
        self.of.scanner.recognizers.get(at)
    }

    /// Every place that a pattern or a numbering plan takes.
    fn found(&self, work: &Work, reach: Reach) -> Vec<Place> {
        let mut out: Vec<Place> = (work.accepted().iter())
            .map(|accepted| Place {
                recognizer: usize::from(accepted.recognizer),
                span: Span::new(accepted.start, accepted.end),
                stage: Stage::Accepted,
                phone: None,
            })
            .collect();
        self.phones(&mut out);
        if reach == Reach::Weighed {
            return out;
        }
        let n_accepted = out.len();
        for (at, rule) in self.of.rules.rules().iter().enumerate() {
            if rule.sieve == Sieve::Phone || !self.may_hold(rule) {
                continue;
            }
            let Some(dfa) = self.of.pattern(at, rule) else { continue };
            for start in (0..self.text.len()).filter(|&start| self.begins(rule, start)) {
                let Some((end, missed)) = self.longest(at, dfa, start) else { continue };
                let numbered = self.text.get(start..end).is_some_and(|c| c.iter().any(u8::is_ascii_digit));
                if rule.sieve == Sieve::Token && !numbered {
                    continue;
                }
                let (Ok(first), Ok(last)) = (u32::try_from(start), u32::try_from(end)) else { continue };
                let known = out.get(..n_accepted).unwrap_or_default();
                let taken = |place: &Place| place.recognizer == at && place.span.start == first;
                if !known.iter().any(taken) {
                    let stage = missed.map_or(Stage::PassedOver, Stage::Missed);
                    out.push(Place { recognizer: at, span: Span::new(first, last), stage, phone: None });
                }
            }
        }
        out
    }

    /// Whether the text has what every candidate of the rule has; saves compiling most rules.
    fn may_hold(&self, rule: &Rule) -> bool {
        let has = |byte: u8| self.text.contains(&byte);
        match rule.sieve {
            Sieve::Digits { min, .. } => {
                self.text.iter().filter(|b| b.is_ascii_digit()).count() >= usize::from(min.min(4))
            }
            Sieve::Quad | Sieve::Token | Sieve::Script => self.text.iter().any(u8::is_ascii_digit),
            Sieve::Long => self.text.len() >= super::sieve::LONG,
            Sieve::At => has(b'@'),
            Sieve::Scheme | Sieve::Colon => has(b':'),
            Sieve::Www | Sieve::Domain => has(b'.'),
            Sieve::Dashes => has(b'-'),
            Sieve::Phone => true,
            Sieve::Capital => self.text.iter().any(u8::is_ascii_uppercase),
            // Nobody told a name here.
            Sieve::Name => false,
        }
    }

    /// Whether a candidate of the rule might begin at `start`, by a wider measure than the scanner's.
    fn begins(&self, rule: &Rule, start: usize) -> bool {
        let first = self.text.get(start).copied().unwrap_or_default();
        let after = before(self.text, start, 1);
        match rule.sieve {
            Sieve::Digits { .. } | Sieve::Quad => first.is_ascii_digit() && !after.is_some_and(is_word),
            // The first byte of a character above ASCII, or a digit before one.
            Sieve::Script => first >= 0xc2 || first.is_ascii_digit(),
            Sieve::Dashes => first == b'-' && after != Some(b'-'),
            Sieve::Capital => first.is_ascii_uppercase() && !after.is_some_and(is_word),
            Sieve::Colon => (is_word(first) || first == b':') && !after.is_some_and(|b| is_word(b) || b == b':'),
            Sieve::Www | Sieve::Domain => {
                let run = self.text.get(start..).unwrap_or_default();
                let run = run.iter().take_while(|&&b| is_word(b) || matches!(b, b'.' | b'-'));
                let dotted = run.clone().zip(run.skip(1)).any(|(&a, b)| a == b'.' && b.is_ascii_alphabetic());
                dotted && is_word(first) && !after.is_some_and(is_word)
            }
            _ => is_word(first) && !after.is_some_and(is_word),
        }
    }

    /// The longest candidate of the rule from `start` on that passes; else the one that got furthest, and where it failed.
    fn longest(&self, at: usize, dfa: &dense::DFA<Vec<u32>>, start: usize) -> Option<(usize, Option<Fate>)> {
        let of = self.recognizer(at)?;
        let mut best: Option<(usize, Option<Fate>)> = None;
        for end in ends(dfa, self.text.get(start..)?) {
            for end in self.with_tail(of.tail.as_ref(), start + end) {
                let fate = self.misses(of, start, end);
                let far = |fate: &Option<Fate>| fate.as_ref().map_or(0, |fate| 1 + rank(fate));
                // Ends come in ascending order, but for those of a tail.
                if best.as_ref().is_none_or(|(known, of)| (far(&fate), known) <= (far(of), &end.max(*known))) {
                    best = Some((end, fate));
                }
            }
        }
        best
    }

    /// Where a candidate whose pattern ends at `from` may end.
    fn with_tail(&self, tail: Option<&Tail>, from: usize) -> Vec<usize> {
        let Some(tail) = tail else { return vec![from] };
        let mut end = extend(tail, self.text, from);
        let mut out = vec![end];
        while out.len() <= Tail::CUTS
            && let Some(cut) = self.text.get(from..end).and_then(|rest| rest.iter().rposition(|&b| tail.cut.has(b)))
        {
            end = from + cut;
            while end > from && before(self.text, end, 1).is_some_and(|b| tail.trim.has(b)) {
                end -= 1;
            }
            out.push(end);
        }
        out.reverse();
        out
    }

    /// Why guard, digits or check do not let a candidate pass.
    fn misses(&self, of: &Recognizer, start: usize, end: usize) -> Option<Fate> {
        let candidate = self.text.get(start..end)?;
        if !guarded(of.guard, self.text, start, end) {
            return Some(Fate::Guarded);
        }
        if accepts(of, candidate, &mut None) {
            return None;
        }
        if let Sieve::Digits { min, max } = of.sieve {
            let n_digits = Compact::upto(&mut None, candidate).n_digits;
            if !(usize::from(min)..=usize::from(max)).contains(&n_digits) {
                return Some(Fate::Digits { n_digits });
            }
        }
        Some(Fate::Refused(of.check.map_or(Refusal::NeverIssued, |check| refusal(check, candidate))))
    }

    /// Telephone numbers, looked for where the scanner does, and digits that are none.
    fn phones(&self, out: &mut Vec<Place>) {
        let Some(recognizer) = self.of.scanner.phone else { return };
        // The end of the last number, and of the last run of digits that was told to be none.
        let (mut floor, mut told) = (0, 0);
        for start in 0..self.text.len() {
            let digit = |at: usize| self.text.get(at).is_some_and(u8::is_ascii_digit);
            let word = self.text.get(..start).unwrap_or_default();
            let letters = word.iter().rev().take_while(|&&b| is_word(b));
            // The first digit of a word.
            if !digit(start) || start < floor || letters.clone().any(u8::is_ascii_digit) {
                continue;
            }
            let n_letters = letters.count();
            let n_alone = (start..).take_while(|&at| digit(at)).count();
            let mixed = n_letters > 0 || self.text.get(start + n_alone).copied().is_some_and(is_word);
            // The whole run of digits, as people group them.
            let (mut end, mut n_digits) = (start, 0);
            for (at, &byte) in self.text.iter().enumerate().skip(start) {
                match byte {
                    b'0'..=b'9' => (end, n_digits) = (at + 1, n_digits + 1),
                    b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'~' => {}
                    _ => break,
                }
            }
            let asked = match mixed {
                true => n_alone >= PHONE_DIGITS || before(self.text, start - n_letters, 1) == Some(b'+'),
                false => n_digits >= PHONE_DIGITS,
            };
            if !asked {
                continue;
            }
            if let Some(found) = phone::find(self.text, start, floor, self.hints.regions) {
                let observations = phone::observations(self.text, start, floor, &found);
                floor = found.span.end as usize;
                let (stage, phone) = (Stage::Accepted, Some((found.number, observations)));
                out.push(Place { recognizer, span: found.span, stage, phone });
            } else if start >= told && n_letters == 0 {
                told = end;
                if n_digits <= 15
                    && !is_day(self.text.get(start..end).unwrap_or_default())
                    && let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(end))
                {
                    let stage = Stage::Missed(Fate::NoPlan);
                    out.push(Place { recognizer, span: Span::new(from, to), stage, phone: None });
                }
            }
        }
    }

    /// Weighs a place and tells what became of it.
    fn explained(&self, place: Place) -> Option<Explained> {
        let of = self.recognizer(place.recognizer)?;
        let rule = self.of.rules.rule(of.rule)?;
        let Place { span, stage, phone, .. } = place;
        let candidate = span.of(self.text).unwrap_or_default();
        let mut observations = vec![Observation { what: What::Shape, worth: of.evidence.shape }];
        let mut tell = |what: What, worth: i16| observations.push(Observation { what, worth });
        let country = match &phone {
            Some((number, _)) => number.region(),
            None => country(of, candidate),
        };
        let refused = matches!(stage, Stage::Missed(Fate::Refused(_) | Fate::NoPlan));
        if let Some((number, parts)) = phone {
            for (part, worth) in parts {
                tell(
                    match part {
                        Trait::Reading => {
                            What::Plan { region: number.region(), line: number.line(), assigned: number.is_valid() }
                        }
                        part => What::Phone(part),
                    },
                    worth,
                );
            }
        } else {
            if let Some(check) = of.check.filter(|_| !refused) {
                tell(What::Check(check.name), check.worth);
            }
            if of.evidence.separators != 0 && candidate.iter().any(|b| !b.is_ascii_alphanumeric()) {
                tell(What::Separators, of.evidence.separators);
            }
            if is_epoch(candidate) && of.check.is_none_or(|check| check.worth < DATED) {
                tell(What::Epoch, EPOCH);
            }
            if goes_on(self.text, span) {
                tell(What::GoesOn, GROUPED_ON);
            }
            if is_prose(self.of.scanner, of, self.text, span) {
                tell(What::Prose, PROSE);
            }
            let against = everyday(self.of.scanner, of, candidate);
            if against != 0 {
                tell(What::Everyday, against);
            }
            if let Some(country) = country.filter(|country| self.hints.regions.contains(country))
                && of.evidence.region != 0
            {
                tell(What::Region(country), of.evidence.region);
            }
        }
        let alone: i16 = observations.iter().map(|o| o.worth).sum();
        let index = u16::try_from(place.recognizer).ok()?;
        let standing = self.standing.iter().find(|c| c.recognizer == index && c.span == span);
        let settled = standing.is_some_and(|candidate| candidate.settled);
        let labels = || rule.labels.iter().map(|label| (label.as_str(), Owner::Rule));
        let (mut words, field) =
            (self.beside(span, self.of.words(rule)), self.in_field(self.of.words(rule).chain(labels())));
        let mut negative = self.beside(span, self.of.negative(rule));
        negative.extend(self.in_field(self.of.negative(rule)));
        let mut label = self.label(span, rule);
        if let Some(window) = touching(self.text, span, self.barriers) {
            let labels: Vec<_> = labels().collect();
            tell_mentions(window, Where::Text, &labels, &mut words);
            tell_mentions(window, Where::Text, &labels, &mut label);
        }
        let opened = !words.is_empty() || !field.is_empty();
        if !settled {
            // The better of the two counts, words beside it and the name of the field.
            let by_context = if words.is_empty() { 0 } else { of.evidence.context };
            let by_label = if label.is_empty() { 0 } else { LABELLED };
            let beside = by_context + by_label;
            let by_field = if field.is_empty() { 0 } else { of.evidence.field.max(beside) - beside };
            let mut tell = |what: What, worth: i16| observations.push(Observation { what, worth });
            if !words.is_empty() {
                tell(What::Context(words), by_context);
            }
            if !label.is_empty() {
                tell(What::Label(label), by_label);
            }
            if !field.is_empty() {
                tell(What::Field(field), by_field);
            }
            if !negative.is_empty() {
                tell(What::Negative(negative), of.evidence.negative);
            }
        }
        let total: i16 = observations.iter().map(|o| o.worth).sum();
        let fate = match stage {
            Stage::Missed(fate) => fate,
            Stage::PassedOver => Fate::PassedOver,
            Stage::Accepted => match standing {
                Some(standing) => self.judged(standing),
                None if of.gate == Gate::Context && !opened => Fate::Shut,
                None if self.of.scanner.scores.of(total) < self.of.scanner.config.min_score => Fate::Below,
                None => Fate::PassedOver,
            },
        };
        // What would not be reported anyway is not worth a word.
        let shut = of.gate == Gate::Context && !opened;
        if fate == Fate::PassedOver && (shut || self.of.scanner.scores.of(total) < self.of.scanner.config.min_score) {
            return None;
        }
        debug_assert!(
            matches!(fate, Fate::PassedOver) || standing.is_none_or(|c| c.alone == alone && c.evidence == total),
            "evidence is told as it was weighed"
        );
        debug_assert!(
            refused
                || of.sieve == Sieve::Phone
                || alone
                    == evidence(of, candidate, country, self.hints)
                        + if goes_on(self.text, span) { GROUPED_ON } else { 0 }
                        + if is_prose(self.of.scanner, of, self.text, span) { PROSE } else { 0 }
                        + everyday(self.of.scanner, of, candidate),
            "what speaks for it alone is told as it was weighed"
        );
        Some(Explained {
            rule: of.rule,
            entity: of.entity,
            span,
            n_digits: candidate.iter().filter(|b| b.is_ascii_digit()).count(),
            country,
            observations,
            evidence: total,
            score: self.of.scanner.scores.of(total),
            fate,
        })
    }

    /// What became of a candidate that others could beat.
    fn judged(&self, own: &Candidate) -> Fate {
        let of = |at: u16| self.recognizer(usize::from(at));
        let rule = of(own.recognizer).map(|r| r.rule);
        let overlapping =
            || self.detections.iter().filter(|d| d.span.start < own.span.end && own.span.start < d.span.end);
        // What a better one leaves of a candidate is reported with the candidate's own rule and score.
        let score = self.of.scanner.scores.of(own.evidence);
        let within = |d: &&Detection| {
            Some(d.rule) == rule && d.score == score && own.span.start <= d.span.start && d.span.end <= own.span.end
        };
        let own_pieces: Vec<&Detection> = overlapping().filter(within).collect();
        if let Some(first) = own_pieces.first() {
            return Fate::Reported { pieces: own_pieces.iter().map(|d| d.span).collect(), rival: first.rival };
        }
        let Some(winner) = overlapping().next() else { return Fate::PassedOver };
        let better = (self.standing.iter())
            .filter(|c| of(c.recognizer).is_some_and(|r| r.rule == winner.rule))
            .find(|c| c.span.start <= winner.span.start && winner.span.end <= c.span.end);
        let generic = |c: &Candidate| of(c.recognizer).is_none_or(|r| r.generic);
        let edge = match better {
            Some(better) if better.evidence > own.evidence => Edge::Evidence,
            Some(better) if generic(better) != generic(own) => Edge::Specific,
            Some(better) if better.span.len() != own.span.len() => Edge::Longer,
            Some(better) if better.span.start != own.span.start => Edge::Earlier,
            _ => Edge::First,
        };
        let entity = of(own.recognizer).map(|r| r.entity);
        let near = better.is_some_and(|better| better.span == own.span && better.evidence - own.evidence <= RIVAL);
        Fate::Beaten { by: winner.rule, edge, rival: near && winner.rival == entity && winner.span == own.span }
    }

    /// The phrases that stand around a place, as the scanner sees them.
    fn beside<'p>(&self, span: Span, phrases: impl Iterator<Item = (&'p str, Owner)>) -> Vec<Mention> {
        let phrases: Vec<(&str, Owner)> = phrases.collect();
        let own = self.barriers.around(span.start).unwrap_or(span);
        let own = Span::new(own.start.min(span.start), own.end.max(span.end));
        let mut out = Vec::new();
        let mut look = |window: Window<'_>| tell_mentions(window, Where::Text, &phrases, &mut out);
        windows(self.text, own, self.barriers, Signs::ALL, &mut look);
        // Words of a wider candidate that this one is a part of.
        let sides = [(own.start, span.start), (span.end, own.end)].map(|(start, end)| Span::new(start, end));
        let piece = |span: Span| span.of(self.text).unwrap_or_default();
        if sides.iter().any(|&side| piece(side).iter().any(u8::is_ascii_alphabetic)) {
            sides.iter().for_each(|&side| look(all_of(piece(side), side.start as usize)));
        }
        out
    }

    /// The rule's own phrases right before a place.
    fn label(&self, span: Span, rule: &Rule) -> Vec<Mention> {
        let phrases: Vec<(&str, Owner)> = rule.context.iter().map(|phrase| (phrase.as_str(), Owner::Rule)).collect();
        let own = self.barriers.around(span.start).unwrap_or(span);
        let own = Span::new(own.start.min(span.start), own.end.max(span.end));
        let mut out = Vec::new();
        if let Some(window) = label(self.text, own, self.barriers, Signs::ALL) {
            tell_mentions(window, Where::Text, &phrases, &mut out);
        }
        out
    }

    /// The phrases in the name of the field.
    fn in_field<'p>(&self, phrases: impl Iterator<Item = (&'p str, Owner)>) -> Vec<Mention> {
        let Some(field) = self.hints.field else { return Vec::new() };
        let phrases: Vec<(&str, Owner)> = phrases.collect();
        let (spaced, len) = spaced_name(field);
        let mut out = Vec::new();
        tell_mentions(all_of(spaced.get(..len).unwrap_or_default(), 0), Where::Field, &phrases, &mut out);
        tell_mentions(all_of(field.as_bytes(), 0), Where::Field, &phrases, &mut out);
        out
    }
}

/// What a phrase stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Text,
    Field,
}

/// A window without a cut.
const fn all_of(piece: &[u8], at: usize) -> Window<'_> {
    Window { words: piece, words_at: at, whole: piece, whole_at: at }
}

/// Appends the phrases that stand in a window, each once.
fn tell_mentions(window: Window<'_>, place: Where, phrases: &[(&str, Owner)], out: &mut Vec<Mention>) {
    mentions(window, phrases.iter().map(|(phrase, _)| *phrase), |n, at| {
        let Some(&(phrase, owner)) = phrases.get(n) else { return };
        if out.iter().any(|known| known.phrase == phrase) {
            return;
        }
        let span = || Some(Span::new(u32::try_from(at.start).ok()?, u32::try_from(at.end).ok()?));
        let span = if place == Where::Text { span() } else { None };
        out.push(Mention { phrase: phrase.to_owned(), owner, span });
    });
}

/// The lengths of all matches that begin with the text, ascending.
fn ends(dfa: &dense::DFA<Vec<u32>>, text: &[u8]) -> Vec<usize> {
    let mut out = Vec::new();
    let Ok(mut state) = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)) else { return out };
    // A match is known one byte late.
    for (at, &byte) in text.iter().enumerate() {
        state = dfa.next_state(state, byte);
        if dfa.is_match_state(state) {
            out.push(at);
        } else if dfa.is_dead_state(state) || dfa.is_quit_state(state) {
            return out;
        }
    }
    if dfa.is_match_state(dfa.next_eoi_state(state)) {
        out.push(text.len());
    }
    out
}

/// Whether the groups of digits are as long as those of a date.
fn is_day(digits: &[u8]) -> bool {
    let mut groups = digits.split(|b| !b.is_ascii_digit()).map(<[u8]>::len);
    let groups = [groups.next(), groups.next(), groups.next(), groups.next()];
    matches!(groups, [Some(4), Some(2), Some(2), None] | [Some(1 | 2), Some(1 | 2), Some(4), None])
}

/// Finds out whether other check digits would help: the last one or two characters, or the two behind a country's letters.
fn refusal(check: &Check, candidate: &[u8]) -> Refusal {
    let places: Vec<usize> =
        candidate.iter().enumerate().filter(|(_, b)| b.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
    if check.worth < DIGIT_WORTH || places.len() > COMPACT_BYTES {
        return Refusal::NeverIssued;
    }
    let mut tried = candidate.to_vec();
    let pairs = [places.len().checked_sub(2), Some(2)];
    for first in pairs.into_iter().flatten() {
        let Some(&[a, b]) = places.get(first..first + 2) else { continue };
        for one in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
            for two in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
                for (at, with) in [(a, one), (b, two)] {
                    tried.get_mut(at).into_iter().for_each(|place| *place = *with);
                }
                if passes(check, &tried) {
                    return Refusal::CheckDigit;
                }
            }
        }
        tried.copy_from_slice(candidate);
    }
    Refusal::NeverIssued
}

fn passes(check: &Check, candidate: &[u8]) -> bool {
    match check.form {
        Form::Raw => (check.run)(candidate),
        Form::Compact => {
            let compact: Vec<u8> =
                candidate.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
            (check.run)(&compact)
        }
    }
}
