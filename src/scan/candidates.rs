//! One text: from anchors to accepted candidates to detections.
//!
//! Each function takes an anchor, walks back to where a candidate of that sieve begins, and runs the automata there. The
//! walks are bounded by what was already looked at, so that no run of bytes is walked twice.

use super::automaton::Automata;
use super::build::Recognizer;
use super::context::{FieldNames, Groups, Place, Said, TOKEN, is_short};
use super::gates::{Open, OpenByRegions};
use super::leads::Lead;
use super::prose::{PROSE, parts_word};
use super::quiet::{Known, Quiet};
use super::resolve::{self, Barriers, Candidate, Winners};
use super::sieve::{LONG, Near};
use super::simd::Level;
use super::verify::{Accepted, Asked, Kinds, Pending, before, first_walk, is_word, verify, walk};
use super::{Hints, ScanFault, Scanner, Text, lookup, phone};
use crate::detection::Detection;
use crate::ids::Region;
use crate::label::telling_label_at;
use crate::rules::{CountryFrom, Gate, Guard, Sieve};
use crate::span::Span;
use std::ops::Range;

/// Evidence from which on nothing around a candidate is looked at, in tenths of a bit: odds of 256 to 1. The usual word
/// against a thing is worth 60, so it would be reported all the same.
const SETTLED: i16 = 80;
/// The same for an address or a link where no other thing claims a byte of it.
const SETTLED_ALONE: i16 = 70;
/// What a word of its own right before a candidate is worth, besides being a word, in tenths of a bit.
pub(super) const LABELLED: i16 = 40;
/// What digits that read as a moment in milliseconds are worth.
pub(super) const EPOCH: i16 = -40;
/// A check worth so much looks at more than a check digit.
pub(super) const DATED: i16 = 50;
/// What a further group of digits behind a candidate of equal groups is worth.
pub(super) const GROUPED_ON: i16 = -30;
/// Digits that make a number worth a look by the numbering plans.
pub(super) const PHONE_DIGITS: usize = 7;
/// Longest local part of an address with room for what is no address.
const LOCAL_BYTES: usize = 128;
/// Letters above ASCII before a number that are tried.
const SCRIPT_LETTERS: usize = 3;
/// Longest URL scheme.
const SCHEME_BYTES: usize = 24;
/// Longest run of hexadecimal digits and colons.
const COLON_BYTES: usize = 64;

/// Lists that a worker reuses from text to text.
#[derive(Default)]
pub(super) struct Work {
    accepted: Vec<Accepted>,
    /// Places that only rules that wait may take.
    waiting: Vec<Waiting>,
    places: Vec<Place>,
    candidates: Vec<Candidate>,
    barriers: Barriers,
    groups: Groups,
    /// What stands right before a candidate.
    label: Groups,
    /// The word that touches a candidate.
    touching: Groups,
    field: Groups,
    field_names: FieldNames,
    /// The phrases of the text.
    phrases: Said,
    /// Of the rules that wait or ask for words those that default regions, the text or the field's name open.
    open: Open,
    open_by_regions: OpenByRegions,
    winners: Winners,
    names: lookup::Memory,
    /// The last short texts in which nothing was found.
    pub(super) quiet: Quiet,
}

/// A place that is tried when it is known which of the rules that wait are open.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// What their patterns take at most.
    span: Span,
    sort: Sort,
    kinds: Kinds,
}

/// Whose automata hold rules that wait.
#[derive(Clone, Copy, Debug)]
enum Sort {
    Number,
    Code,
    Token,
}

impl Sort {
    const fn automata(self, scanner: &Scanner) -> &Automata {
        match self {
            Self::Number => &scanner.number,
            Self::Code => &scanner.code,
            Self::Token => &scanner.token,
        }
    }
}

/// How far a text has been looked at.
pub(super) struct Job<'t> {
    text: &'t [u8],
    /// Anchors before this place are part of something that is no value, or known already.
    pub(super) skip: usize,
    hints: &'t Hints<'t>,
    host_done: usize,
    colon_done: usize,
    long_done: usize,
    phone_done: usize,
    /// An address or a link that stands, and of which no part is what a rule that waits looks for.
    whole: Range<usize>,
    /// The work done so far.
    pub(super) n_candidates: usize,
    /// Whether a name that the caller knows may stand here.
    pub(super) named: bool,
}

impl Work {
    /// What was accepted in the last text.
    pub(super) fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    /// Begins a pass over texts of a buffer.
    pub(super) fn begin(&mut self, level: Level) {
        self.names.begin(level);
    }

    /// Whether a name that the caller knows may stand in the text `at`.
    pub(super) fn may_be_named(&mut self, buffer: &[u8], batch: &[Text<'_>], at: usize) -> bool {
        self.names.may_stand(buffer, batch, at)
    }

    /// Whether a name may stand in a text that is in no buffer.
    pub(super) fn may_be_named_alone(&mut self, text: &[u8], hints: &Hints<'_>) -> bool {
        self.names.may_stand_alone(text, hints)
    }

    /// What stood to be reported in the last text before overlaps were resolved, and where windows of context ended.
    pub(super) fn standing(&self) -> (&[Candidate], &Barriers) {
        (&self.candidates, &self.barriers)
    }
}

/// Whether something is an address or a link of which no rule that waits is surer: its parts are parts.
fn is_whole(scanner: &Scanner, accepted: &Accepted) -> bool {
    scanner.recognizers.get(usize::from(accepted.recognizer)).is_some_and(|of| {
        matches!(of.sieve, Sieve::At | Sieve::Scheme) && of.gate == Gate::Open && of.most() >= SETTLED_ALONE
    })
}

impl<'t> Job<'t> {
    pub(super) fn new(text: &'t [u8], hints: &'t Hints<'t>, work: &mut Work) -> Self {
        work.accepted.clear();
        work.waiting.clear();
        work.candidates.clear();
        Self {
            text,
            hints,
            skip: 0,
            host_done: 0,
            colon_done: 0,
            long_done: 0,
            phone_done: 0,
            whole: 0..0,
            n_candidates: 0,
            named: hints.has_names(),
        }
    }

    /// The text, for the memory of those in which nothing is found.
    pub(super) fn known(&self) -> Option<Known> {
        Known::of(self.text, self.hints)
    }

    fn verify(&mut self, scanner: &Scanner, automata: &Automata, start: usize, work: &mut Work) {
        self.n_candidates += verify(automata, &scanner.recognizers, self.text, start, &mut work.accepted);
    }

    /// The same for addresses and links.
    fn verify_whole(&mut self, scanner: &Scanner, automata: &Automata, start: usize, work: &mut Work) {
        let n_before = work.accepted.len();
        self.verify(scanner, automata, start, work);
        for whole in work.accepted.iter().skip(n_before) {
            if whole.end as usize > self.whole.end && is_whole(scanner, whole) {
                self.whole = whole.start as usize..whole.end as usize;
            }
        }
    }

    /// The same at a word of so many bytes, or 0 where no pattern minds; rules that wait are left for later.
    fn verify_first(&mut self, scanner: &Scanner, sort: Sort, start: usize, word: usize, lead: &Lead, work: &mut Work) {
        let automata = sort.automata(scanner);
        // A short text is read as a whole, however long a place is.
        let worth = match self.whole.contains(&start) {
            true => automata.leads.ready(lead, word),
            false => automata.leads.of(lead, word, is_short(self.text)),
        };
        let mut pending = Pending { kinds: worth.waiting, len: 1 };
        for automaton in automata.worth(worth) {
            let Work { accepted, .. } = work;
            self.n_candidates += first_walk(automaton, &scanner.recognizers, self.text, start, accepted, &mut pending);
        }
        let Pending { kinds, len } = pending;
        // Texts are not longer than that.
        if !kinds.is_empty()
            && let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(start + len))
        {
            work.waiting.push(Waiting { span: Span::new(from, to), sort, kinds });
        }
    }

    fn at(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    fn back_while(&self, from: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
        let head = self.text.get(from.saturating_sub(most)..from).unwrap_or_default();
        from - head.iter().rev().take_while(|&&b| is(b)).count()
    }

    fn on_while(&self, from: usize, is: impl Fn(u8) -> bool) -> usize {
        let tail = self.text.get(from..).unwrap_or_default();
        from + tail.iter().take_while(|&&b| is(b)).count()
    }

    /// Whether `start..end` is the inside of a label that an operator wrote: the name of an entity in brackets.
    fn is_label(&self, scanner: &Scanner, start: usize, end: usize) -> bool {
        before(self.text, start, 1) == Some(b'[')
            && self.at(end) == Some(b']')
            && self.text.get(start..end).is_some_and(|word| scanner.labels.iter().any(|label| label.as_bytes() == word))
    }

    /// The first digit of a word.
    #[inline(never)]
    pub(super) fn digit(&mut self, scanner: &Scanner, at: usize, near: Near<'_>, work: &mut Work) {
        let start = match near.behind(near.masks.word) {
            Some(n) => at - n.min(at),
            None => self.back_while(at, at, is_word),
        };
        let digits = match near.ahead(near.masks.digit) {
            Some(n) => (at + n).min(self.text.len()),
            None => self.on_while(at, |b| b.is_ascii_digit()),
        };
        let end = match near.ahead(near.masks.word) {
            Some(n) => (at + n).min(self.text.len()),
            None => self.on_while(digits, is_word),
        };
        if end - start == 8 && self.text.get(start..).is_some_and(is_uuid) {
            return self.uuid(scanner, start, work);
        }
        let mixed = start < at || digits < end;
        if mixed {
            if self.is_label(scanner, start, end) {
                return;
            }
            let joint = before(self.text, start, 1);
            let maybe = digits - at >= PHONE_DIGITS || joint == Some(b'+');
            if maybe && self.phone(scanner, at, work) {
                return;
            }
            // A plus as links and forms write it.
            let is_plus = start == at && joint == Some(b'%') && matches!(self.at(at + 1), Some(b'B' | b'b'));
            if is_plus && digits - at == 1 && self.phone(scanner, at + 2, work) {
                return;
            }
        }
        let mut begun = None;
        if start == at {
            // One that hangs on another word by a hyphen may be the tail of a key.
            if digits - at == 4 && self.at(digits) == Some(b'-') && before(self.text, at, 1) != Some(b'-') {
                let moment = self.text.get(at..).and_then(moment);
                if let Some(len) = moment {
                    self.skip = at + len;
                    return;
                }
            }
            let enough = scanner.fewest_enough;
            // May count digits behind the end of the text: too many is only slow.
            let lead = near.digits().unwrap_or_else(|| self.cluster(at, digits, enough));
            if lead >= scanner.fewest_digits && self.long_number(scanner, at, lead, mixed, &mut begun, work) {
                return;
            }
            if digits - at <= 3
                && self.at(digits) == Some(b'.')
                && self.at(digits + 1).is_some_and(|b| b.is_ascii_digit())
            {
                let n_before = work.accepted.len();
                self.verify(scanner, &scanner.quad, start, work);
                // What begins inside of an address is a part of it.
                let end = work.accepted.iter().skip(n_before).map(|quad| quad.end as usize).max();
                self.skip = self.skip.max(end.unwrap_or(0));
            }
        }
        if !scanner.script.all.is_empty() {
            self.script(scanner, start, work);
        }
        if mixed || self.letters_follow(end) {
            let begun = begun.unwrap_or_else(|| Lead::at(self.text, start));
            self.verify_first(scanner, Sort::Token, start, end - start, &begun, work);
        }
        // `AB 12 34 56 C` begins before its first digit.
        if start >= 2
            && let Some([letter, b' ' | b'-' | b'.' | b'/']) = self.text.get(start - 2..start)
            && letter.is_ascii_alphabetic()
        {
            let word = self.back_while(start - 1, 5, |b| b.is_ascii_alphabetic());
            let len = start - 1 - word;
            // Not where it is the end of an address.
            if len <= 4 && word >= self.skip && !before(self.text, word, 1).is_some_and(is_word) {
                self.verify_first(scanner, Sort::Token, word, len, &Lead::at(self.text, word), work);
            }
        }
    }

    /// A UUID: its groups are no numbers, nor parts of any.
    #[cold]
    fn uuid(&mut self, scanner: &Scanner, start: usize, work: &mut Work) {
        let (n_before, end) = (work.accepted.len(), start + UUID_BYTES);
        let worth = scanner.token.leads.of(&Lead::at(self.text, start), 8, false);
        for automaton in scanner.token.worth(worth) {
            self.n_candidates +=
                walk(automaton, &scanner.recognizers, Asked::All, self.text, start, &mut work.accepted);
        }
        let mut at = 0;
        work.accepted.retain(|accepted| {
            at += 1;
            at <= n_before || accepted.end as usize == end
        });
        // A key may begin before it.
        let run = self.back_while(start, start - self.long_done.min(start), in_run);
        if run < start {
            self.long_run(scanner, run..end, start, work);
        }
        (self.long_done, self.skip) = (end, end);
    }

    /// Tries the rules for letters above ASCII that stand before the word at `word`, which holds a digit.
    #[inline]
    fn script(&mut self, scanner: &Scanner, word: usize, work: &mut Work) {
        let joint = usize::from(matches!(before(self.text, word, 1), Some(b' ' | b'-')));
        if before(self.text, word, joint + 1).is_some_and(|b| b >= 0x80) {
            self.letters_before(scanner, word - joint, work);
        }
    }

    #[inline(never)]
    fn letters_before(&mut self, scanner: &Scanner, end: usize, work: &mut Work) {
        let mut start = end;
        for _ in 0..SCRIPT_LETTERS {
            let tail = self.back_while(start, 3, |b| matches!(b, 0x80..=0xbf));
            let Some(lead) = tail.checked_sub(1) else { return };
            let Some(0xc2..) = self.at(lead) else { return };
            start = lead;
            let behind = before(self.text, start, 1);
            let is_first = behind.is_none_or(|b| b < 0x80);
            // Scripts of two bytes a letter put blanks between words.
            if is_first || self.at(lead) >= Some(0xe0) {
                self.verify(scanner, &scanner.script, start, work);
            }
            if is_first {
                let digits = self.back_while(start, 3, |b| b.is_ascii_digit());
                if (1..=2).contains(&(start - digits)) {
                    self.verify(scanner, &scanner.script, digits, work);
                }
                return;
            }
        }
    }

    /// Digits that are many enough for the numbering plans or a rule for numbers. Returns whether they are a telephone
    /// number beyond doubt.
    #[inline(never)]
    fn long_number(
        &mut self,
        scanner: &Scanner,
        at: usize,
        lead: usize,
        mixed: bool,
        begun: &mut Option<Lead>,
        work: &mut Work,
    ) -> bool {
        if !mixed && lead >= PHONE_DIGITS && self.phone(scanner, at, work) {
            return true;
        }
        let begun = begun.get_or_insert_with(|| Lead::at(self.text, at));
        if !mixed && lead >= scanner.number_digits {
            self.verify_first(scanner, Sort::Number, at, 0, begun, work);
        }
        if lead >= scanner.code_digits {
            self.verify_first(scanner, Sort::Code, at, 0, begun, work);
        }
        false
    }

    /// Tries the rules that wait; where it is `known` which are open (`work.open`), no others.
    pub(super) fn verify_waiting(&mut self, scanner: &Scanner, known: bool, work: &mut Work) {
        let Work { accepted, waiting, open, .. } = work;
        let open = known.then_some(&*open);
        for place in waiting.iter().filter(|place| open.is_none_or(|open| open.meets(place.kinds))) {
            let automata = place.sort.automata(scanner).all.iter();
            let alive = automata.filter(|automaton| automaton.waits_for(place.kinds));
            for automaton in alive.filter(|automaton| open.is_none_or(|open| automaton.is_open(open))) {
                // Past the budget the text is a fault, whatever else it holds.
                if self.n_candidates > scanner.config.limits.candidates {
                    return;
                }
                let (start, asked) = (place.span.start as usize, Asked::Waiting(open));
                self.n_candidates += walk(automaton, &scanner.recognizers, asked, self.text, start, accepted);
            }
        }
    }

    /// Whether a blank, dot, slash or hyphen at `end` parts a word that holds letters, or a dot one of digits and that,
    /// with another dot, one that holds letters: `0012.3456.789A`.
    #[inline]
    fn letters_follow(&self, end: usize) -> bool {
        let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        let Some(&[joint @ (b' ' | b'-' | b'.' | b'/'), next, ..]) = self.text.get(end..) else { return false };
        letter(next)
            || (next.is_ascii_digit() && {
                let last = self.on_while(end + 2, |b| b.is_ascii_digit());
                self.at(last).is_some_and(letter)
                    || (joint == b'.'
                        && self.at(last) == Some(b'.')
                        && self.at(self.on_while(last + 1, |b| b.is_ascii_digit())).is_some_and(letter))
            })
    }

    /// How many digits follow each other from `at` with nothing but `NUMBER_SEPARATORS` between them; stops counting
    /// at `enough`.
    fn cluster(&self, at: usize, first_end: usize, enough: usize) -> usize {
        let mut n_digits = first_end - at;
        for &byte in self.text.get(first_end..).unwrap_or_default() {
            match byte {
                b'0'..=b'9' => n_digits += 1,
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'~' => {}
                _ => break,
            }
            if n_digits >= enough {
                break;
            }
        }
        n_digits
    }

    /// Looks for a telephone number. Returns whether there is one beyond doubt: nothing in it is looked at again, for no
    /// number is both that and something else.
    fn phone(&mut self, scanner: &Scanner, at: usize, work: &mut Work) -> bool {
        let Some(recognizer) = scanner.phone else { return false };
        if at < self.phone_done {
            return false;
        }
        self.n_candidates += 1;
        let Some(found) = phone::find(self.text, at, self.phone_done, self.hints.regions) else { return false };
        self.phone_done = found.span.end as usize;
        let Ok(index) = u16::try_from(recognizer) else { return false };
        let shape = scanner.recognizers.get(recognizer).map_or(0, |r| r.evidence.shape);
        let evidence = found.evidence + shape;
        self.push(scanner, work, index, found.span, evidence, found.number.region());
        let sure = evidence >= SETTLED;
        if sure {
            self.skip = self.phone_done;
        }
        sure
    }

    /// An `@`.
    #[inline]
    pub(super) fn mail(&mut self, scanner: &Scanner, at: usize, work: &mut Work) {
        let local = |b: u8| {
            is_word(b)
                || matches!(
                    b,
                    b'.' | b'-'
                        | b'+'
                        | b'%'
                        | b'\''
                        | b'&'
                        | b'!'
                        | b'#'
                        | b'$'
                        | b'*'
                        | b'/'
                        | b'='
                        | b'?'
                        | b'^'
                        | b'`'
                        | b'{'
                        | b'|'
                        | b'}'
                        | b'~'
                        | 0x80..
                )
        };
        if !before(self.text, at, 1).is_some_and(local)
            || !self.at(at + 1).is_some_and(|b| is_word(b) || b == b'[' || b >= 0x80)
        {
            return;
        }
        // From the longest plausible start to the right: `mailto:`, quotes and punctuation end it, and so does a script
        // that puts no blank between words.
        let low = at.saturating_sub(LOCAL_BYTES);
        let plain = |b: u8| is_word(b) || matches!(b, b'.' | b'-' | b'+' | b'%' | b'\'' | b'&');
        let mut start = self.back_while(at, at - low, plain);
        while start > low
            && let Some(lead) = self.latin_before(start)
        {
            start = self.back_while(lead, lead - low, plain);
        }
        let start = self.on_while(start, |b| !(b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80));
        if start < at {
            self.verify_whole(scanner, &scanner.at, start, work);
            let near = self.text.get(start..self.text.len().min(at + LOCAL_BYTES)).unwrap_or_default();
            if !near.is_ascii() {
                self.verify(scanner, &scanner.at_wide, start, work);
            }
        }
    }

    /// Where the Latin, Greek or Cyrillic letter that ends at `end` begins.
    fn latin_before(&self, end: usize) -> Option<usize> {
        let lead = end.checked_sub(2)?;
        matches!(self.text.get(lead..end), Some([0xc3..=0xd4, 0x80..=0xbf])).then_some(lead)
    }

    /// A `:` at most five places after another.
    #[inline]
    pub(super) fn colons(&mut self, scanner: &Scanner, at: usize, work: &mut Work) {
        let near = self.text.get(at.saturating_sub(5)..at).unwrap_or_default();
        // The other colon may have stood before the text.
        if at < self.colon_done || !near.contains(&b':') {
            return;
        }
        let fits = |b: u8| b.is_ascii_hexdigit() || b == b':';
        let start = self.back_while(at, COLON_BYTES, fits);
        self.colon_done = self.on_while(at, fits);
        self.verify(scanner, &scanner.colon, start, work);
    }

    /// The last byte of `://`.
    pub(super) fn scheme(&mut self, scanner: &Scanner, last: usize, work: &mut Work) {
        let Some(at) = last.checked_sub(2) else { return };
        let run = self.back_while(at, SCHEME_BYTES, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let run = self.on_while(run, |b| !b.is_ascii_alphabetic() && b != b':');
        if run < at {
            self.verify_whole(scanner, &scanner.scheme, run, work);
        }
        // `seehttp://`: a scheme that people glue to a word.
        for known in [&b"http"[..], b"https"] {
            if let Some(start) = at.checked_sub(known.len())
                && start > run
                && self.text.get(start..at).is_some_and(|s| s.eq_ignore_ascii_case(known))
            {
                self.verify(scanner, &scanner.scheme, start, work);
            }
        }
    }

    /// A letter after a dot after a letter or digit.
    #[inline]
    pub(super) fn host(&mut self, scanner: &Scanner, at: usize, work: &mut Work) {
        if at < self.host_done {
            return;
        }
        let in_host = |b: u8| is_word(b) || matches!(b, b'.' | b'-');
        let floor = at - self.host_done.min(at);
        let start = self.back_while(at, floor, in_host);
        self.host_done = self.on_while(at, in_host);
        let start = self.on_while(start, |b| matches!(b, b'.' | b'-' | b'_'));
        // A part of an address or of a link is found as such.
        let head = self.text.get(start.saturating_sub(5)..start).unwrap_or_default();
        let linked = head.ends_with(b"@") || head.eq_ignore_ascii_case(b"tp://") || head.eq_ignore_ascii_case(b"ps://");
        if linked || self.at(self.host_done) == Some(b'@') || start >= at {
            return;
        }
        self.verify(scanner, &scanner.host, start, work);
    }

    /// A place inside a run of at least sixteen of `A-Z a-z 0-9 _ -`.
    #[inline]
    pub(super) fn long(&mut self, scanner: &Scanner, at: usize, near: Near<'_>, work: &mut Work) {
        if at < self.long_done {
            return;
        }
        let run = near.masks.word | near.masks.dash;
        let start = match near.behind(run) {
            Some(n) => at - n.min(at),
            None => self.back_while(at, at - self.long_done, in_run),
        };
        let end = match near.ahead(run) {
            Some(n) => (at + n).min(self.text.len()),
            None => self.on_while(at, in_run),
        };
        self.long_done = end;
        self.long_run(scanner, start..end, end, work);
    }

    /// Tries what may begin with the words of a run, up to one of them.
    fn long_run(&mut self, scanner: &Scanner, run: Range<usize>, upto: usize, work: &mut Work) {
        if run.len() < LONG
            || self.text.get(run.clone()).is_some_and(|run| run.starts_with(TOKEN))
            || self.is_label(scanner, run.start, run.end)
        {
            return;
        }
        let mut from = run.start;
        while from < upto {
            if self.text.get(from..).is_some_and(is_uuid) {
                return;
            }
            if self.at(from).is_some_and(is_word) {
                self.verify(scanner, &scanner.long, from, work);
            }
            let Some(hyphen) = self.text.get(from..upto).and_then(|run| memchr::memchr(b'-', run)) else { break };
            from += hyphen + 1;
        }
    }

    /// The fifth hyphen of a run.
    pub(super) fn dashes(&mut self, scanner: &Scanner, at: usize, work: &mut Work) {
        let end = self.on_while(at, |b| b == b'-');
        if let Some(start) = end.checked_sub(5) {
            self.verify(scanner, &scanner.dashes, start, work);
        }
    }

    /// The second letter of a word with a capital one.
    #[inline(never)]
    pub(super) fn capital(&mut self, scanner: &Scanner, at: usize, work: &mut Work) {
        let is_letter = matches!(self.at(at), Some(b'a'..=b'z' | b'_' | 0xc3..=0xc9));
        let may_open = is_letter && scanner.openers.may_open(self.text, at);
        let Some(start) = at.checked_sub(1).filter(|_| may_open) else { return };
        let opened = scanner.openers.of(self.text, start);
        if opened.head {
            self.verify(scanner, &scanner.opened, start, work);
        }
        if opened.behind {
            self.verify(scanner, &scanner.introduced, start, work);
        }
    }

    fn push(
        &self,
        scanner: &Scanner,
        work: &mut Work,
        recognizer: u16,
        span: Span,
        evidence: i16,
        country: Option<Region>,
    ) {
        let Some(of) = scanner.recognizers.get(usize::from(recognizer)) else { return };
        let best = evidence.saturating_add(of.evidence.context.max(of.evidence.field).max(0) + LABELLED);
        if scanner.scores.of(best) < scanner.config.min_score {
            return;
        }
        let settled = evidence >= SETTLED && of.gate == Gate::Open;
        work.candidates.push(Candidate {
            span,
            recognizer,
            alone: evidence,
            evidence,
            country,
            settled,
            shut: of.gate == Gate::Context,
        });
    }

    /// Looks for the names that the caller knows.
    fn names(&mut self, scanner: &Scanner, work: &mut Work) {
        let Some(recognizer) = scanner.name else { return };
        let shape = scanner.recognizers.get(usize::from(recognizer)).map_or(0, |of| of.evidence.shape);
        let Work { names, candidates, .. } = work;
        lookup::find(self.text, self.hints, &scanner.everyday, names, |span, worth| {
            let evidence = worth + shape;
            self.n_candidates += 1;
            candidates.push(Candidate {
                span,
                recognizer,
                alone: evidence,
                evidence,
                country: None,
                settled: true,
                shut: false,
            });
            self.n_candidates <= scanner.config.limits.candidates
        });
    }

    /// Removes places left for later that are parts of an address or of a link: no rule that waits is surer of them.
    #[inline(never)]
    fn spare_parts(&self, scanner: &Scanner, work: &mut Work) {
        let Work { accepted, waiting, .. } = work;
        for whole in accepted.iter().filter(|whole| is_whole(scanner, whole)) {
            waiting.retain(|place| place.span.start < whole.start || whole.end <= place.span.start);
        }
    }

    /// Removes what stands in a label that tells more than its entity: `[IP_ADDRESS 203.0.113.0/24]`.
    fn spare_labels(&self, work: &mut Work) {
        for at in memchr::memchr_iter(b'[', self.text) {
            let Some(len) = self.text.get(at..).and_then(telling_label_at) else { continue };
            let inside = |start: u32, end: u32| (start as usize) < at + len && at < end as usize;
            work.accepted.retain(|accepted| !inside(accepted.start, accepted.end));
            work.candidates.retain(|candidate| !inside(candidate.span.start, candidate.span.end));
        }
    }

    /// Turns what was accepted into detections.
    pub(super) fn finish(
        &mut self,
        scanner: &Scanner,
        index: u32,
        work: &mut Work,
        out: &mut Vec<Detection>,
    ) -> Result<(), ScanFault> {
        let limits = &scanner.config.limits;
        if self.named {
            self.names(scanner, work);
        }
        if !work.accepted.is_empty() {
            self.spare_parts(scanner, work);
        }
        let mut known = false;
        let asks = |accepted: &Accepted| {
            scanner.recognizers.get(usize::from(accepted.recognizer)).is_some_and(|of| of.gate == Gate::Context)
        };
        let waiting = !work.waiting.is_empty() || work.accepted.iter().any(asks);
        if waiting && self.n_candidates <= limits.candidates {
            scanner.words.of_field(self.hints.field.unwrap_or_default(), &mut work.field_names, &mut work.field);
            known = self.read(scanner, work);
            let Work { phrases, open, open_by_regions, field, .. } = work;
            scanner.gates.open_by_regions(self.hints.regions, open_by_regions, open);
            if self.hints.field.is_some() {
                field.each().for_each(|group| scanner.gates.open_by_words(group, open));
            }
            scanner.words.anywhere(self.text, phrases, |phrase| scanner.gates.open_by_phrase(phrase, open));
            self.verify_waiting(scanner, known, work);
        }
        if self.n_candidates > limits.candidates {
            return Err(ScanFault::TooManyCandidates);
        }
        if work.accepted.is_empty() && work.candidates.is_empty() {
            return Ok(());
        }
        self.spare_labels(work);
        for at in 0..work.accepted.len() {
            let Some(&accepted) = work.accepted.get(at) else { break };
            let Some(of) = scanner.recognizers.get(usize::from(accepted.recognizer)) else { continue };
            // A candidate without a guard may part a word in two, and what it leaves is another word.
            let waits = of.gate == Gate::Context && of.guard != Guard::None;
            if known && waits && !work.open.rules.has(accepted.recognizer) {
                continue;
            }
            let span = Span::new(accepted.start, accepted.end);
            let candidate = span.of(self.text).unwrap_or_default();
            let country = country(of, candidate);
            let mut evidence = evidence(of, candidate, country, self.hints);
            if goes_on(self.text, span) {
                evidence += GROUPED_ON;
            }
            if is_prose(scanner, of, self.text, span) {
                evidence += PROSE;
            }
            evidence += everyday(scanner, of, candidate);
            self.push(scanner, work, accepted.recognizer, span, evidence, country);
        }
        if work.candidates.is_empty() {
            return Ok(());
        }
        if let [only] = work.candidates.as_slice()
            && only.settled
        {
            out.extend(only.detection(scanner, index, None));
            return Ok(());
        }
        settle(scanner, &mut work.candidates);
        if work.candidates.iter().any(|c| !c.settled) {
            if !waiting {
                self.read(scanner, work);
            }
            self.weigh(scanner, work);
        }
        let n_before = out.len();
        resolve::resolve(index, self.text, &mut work.candidates, scanner, &mut work.winners, out);
        if out.len() - n_before > limits.detections {
            out.truncate(n_before);
            return Err(ScanFault::TooManyDetections);
        }
        Ok(())
    }

    /// Reads what stands around all that is not settled. Tells whether all was read that may count.
    fn read(&self, scanner: &Scanner, work: &mut Work) -> bool {
        // A short text is read as a whole.
        work.places.clear();
        if !is_short(self.text) {
            self.list_places(scanner, work);
        }
        let Work { accepted, candidates, waiting, places, phrases, .. } = work;
        let mut kinds = Kinds::default();
        waiting.iter().for_each(|place| kinds.add(place.kinds));
        let recognizers = accepted.iter().map(|accepted| accepted.recognizer);
        let open = candidates.iter().filter(|candidate| !candidate.settled);
        for recognizer in recognizers.chain(open.map(|candidate| candidate.recognizer)) {
            scanner.recognizers.get(usize::from(recognizer)).into_iter().for_each(|of| kinds.add(of.kinds));
        }
        scanner.words.read(self.text, places, kinds, phrases)
    }

    /// Lists all that windows may jump over, and what of it is not settled.
    #[inline(never)]
    fn list_places(&self, scanner: &Scanner, work: &mut Work) {
        let Work { waiting, accepted, candidates, places, .. } = work;
        places.extend(waiting.iter().map(|place| Place { span: place.span, asked: true }));
        places.extend(accepted.iter().map(|accepted| {
            let of = scanner.recognizers.get(usize::from(accepted.recognizer));
            let sure = of.is_some_and(|of| of.gate == Gate::Open && of.most() >= SETTLED_ALONE);
            Place { span: Span::new(accepted.start, accepted.end), asked: !sure }
        }));
        places.extend(candidates.iter().map(|candidate| Place { span: candidate.span, asked: !candidate.settled }));
    }

    /// Adds what stands around the candidates that need it.
    ///
    /// Windows end at other candidates, but only at those that will be reported: nothing else is gone in a second run.
    /// Which those are is known once all are weighed; where words made some of them plausible, all are weighed anew.
    fn weigh(&self, scanner: &Scanner, work: &mut Work) {
        scanner.words.of_field(self.hints.field.unwrap_or_default(), &mut work.field_names, &mut work.field);
        if self.weigh_once(scanner, work) {
            self.weigh_once(scanner, work);
        }
    }

    /// Weighs all candidates with the barriers as they are known; tells whether there are others now.
    fn weigh_once(&self, scanner: &Scanner, work: &mut Work) -> bool {
        let Work { candidates, barriers, groups, label, touching, field, phrases, .. } = work;
        let stands = |c: &Candidate| !c.shut && scanner.scores.of(c.evidence) >= scanner.config.min_score;
        barriers.fill(candidates.iter().filter(|c| stands(c)).map(|c| c.span));
        let mut around = None;
        let mut labelled = false;
        let mut changed = false;
        for candidate in candidates.iter_mut().filter(|c| !c.settled) {
            let Some(of) = scanner.recognizers.get(usize::from(candidate.recognizer)) else { continue };
            let stood = stands(candidate);
            let Span { start, end } = candidate.span;
            let own = barriers.around(start).unwrap_or(candidate.span);
            let own = Span::new(own.start.min(start), own.end.max(end));
            // Words of a wider candidate that this one is a part of stand beside this one: `ssn 536-22-1234` may be the
            // number of a passport.
            let beside = [(own.start, start), (end, own.end)]
                .map(|(start, end)| Span::new(start, end).of(self.text).unwrap_or_default());
            let lettered = beside.iter().any(|piece| piece.iter().any(u8::is_ascii_alphabetic));
            let place = Some((own, lettered.then_some(candidate.span)));
            if around != place {
                around = place;
                labelled = false;
                scanner.words.around(self.text, phrases, own, barriers, groups);
                if lettered {
                    beside.iter().for_each(|piece| scanner.words.look(piece, groups));
                }
            }
            let mut positive = 0;
            candidate.shut = of.gate == Gate::Context;
            let mut is_labelled = false;
            if !of.labels.is_empty() {
                scanner.words.touching(self.text, candidate.span, barriers, touching);
                is_labelled = touching.any(&of.labels);
            }
            if is_labelled || groups.any(&of.words) {
                positive = of.evidence.context;
                candidate.shut = false;
            }
            // A word of its own right before it, which is not anybody's. What stands there stands around it, too, but behind
            // a label or token.
            if phrases.is_marked() || groups.any(of.own_words()) {
                if !labelled {
                    labelled = true;
                    scanner.words.before(self.text, phrases, own, barriers, label);
                }
                is_labelled |= label.any(of.own_words());
            }
            if is_labelled {
                positive += LABELLED;
            }
            if field.any(&of.words) || field.any(&of.labels) {
                positive = positive.max(of.evidence.field);
                candidate.shut = false;
            }
            let negative = groups.any(&of.negative) || field.any(&of.negative);
            candidate.evidence = candidate.alone + positive + if negative { of.evidence.negative } else { 0 };
            changed |= stands(candidate) != stood;
        }
        changed
    }
}

/// Settles links whose bytes nothing else claims but what is a part of them, hears the same words and is worth no more.
/// Sorts them by place: neighbours in the text are neighbours in the list.
fn settle(scanner: &Scanner, candidates: &mut [Candidate]) {
    candidates.sort_unstable_by(|a, b| a.span.start.cmp(&b.span.start).then(b.span.end.cmp(&a.span.end)));
    let of = |c: &Candidate| scanner.recognizers.get(usize::from(c.recognizer));
    let is_part = |a: &Candidate, b: &Candidate| {
        let covers = |a: &Recognizer, b: &Recognizer| {
            let worth = |of: &Recognizer| [of.evidence.context, of.evidence.negative, of.evidence.field];
            let no_more = worth(b).into_iter().zip(worth(a)).all(|(b, a)| b <= a);
            let same = a.words == b.words && a.labels == b.labels && a.negative == b.negative;
            no_more && same && a.gate == b.gate && a.generic == b.generic
        };
        b.span.end <= a.span.end && b.alone <= a.alone && of(a).zip(of(b)).is_some_and(|(a, b)| covers(a, b))
    };
    let mut rest = candidates;
    while let Some(first) = rest.first().copied() {
        let mut end = first.span.end;
        let mut n = 1;
        while let Some(next) = rest.get(n).filter(|next| next.span.start < end) {
            end = end.max(next.span.end);
            n += 1;
        }
        let (together, others) = rest.split_at_mut(n);
        let is_link = |of: &Recognizer| of.gate == Gate::Open && matches!(of.sieve, Sieve::Scheme | Sieve::Www);
        let sure = first.alone >= SETTLED_ALONE && of(&first).is_some_and(is_link);
        if sure && together.iter().skip(1).all(|other| is_part(&first, other)) {
            together.iter_mut().for_each(|candidate| candidate.settled = true);
        }
        rest = others;
    }
}

/// Returns the length of the date with a time that `text` begins with: `2026-05-14T12:23:34.567Z`. Envelopes and logs are
/// full of them; no rule finds anything inside, and nothing that looks like one and stands free is anything else.
///
/// # Source
/// RFC 3339 §5.6, also with a blank for the `T` and without an offset.
fn moment(text: &[u8]) -> Option<usize> {
    let head: &[u8; 17] = text.first_chunk()?;
    let [d1, d2, d3, d4, b'-', m1, m2, b'-', d5, d6, b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':'] = *head else {
        return None;
    };
    let two = |a: u8, b: u8| (a.is_ascii_digit() && b.is_ascii_digit()).then(|| (a - b'0') * 10 + (b - b'0'));
    // No place on earth is further from UTC than 14 hours; more is the year of a date that follows.
    let is_offset = |hours: u8| hours <= 14;
    let fits = two(d1, d2).is_some()
        && two(d3, d4).is_some()
        && (1..=12).contains(&two(m1, m2)?)
        && (1..=31).contains(&two(d5, d6)?)
        && two(h1, h2)? <= 24
        && two(n1, n2)? <= 59;
    fits.then_some(())?;
    // Two digits and a fraction, no more: a longer number may be somebody's.
    let [s1, s2, rest @ ..] = text.get(17..)? else { return None };
    (two(*s1, *s2)? <= 60).then_some(())?;
    let fraction = match rest {
        [b'.', digits @ ..] => digits.iter().take_while(|b| b.is_ascii_digit()).count(),
        _ => 0,
    };
    (fraction <= 9).then_some(())?;
    let rest_at = 19 + if fraction > 0 { 1 + fraction } else { 0 };
    let offset = match text.get(rest_at..)? {
        [b'Z' | b'z', ..] => 1,
        [b'+' | b'-', a, b, b':', c, d, ..] if two(*a, *b).is_some_and(is_offset) && two(*c, *d).is_some() => 6,
        [b'+' | b'-', a, b, c, d, ..] if two(*a, *b).is_some_and(is_offset) && two(*c, *d).is_some() => 5,
        _ => 0,
    };
    let end = rest_at + offset;
    let goes_on = |b: u8| is_word(b) || matches!(b, b'-' | b':');
    let more = text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(u8::is_ascii_digit);
    (!more && !text.get(end).copied().is_some_and(goes_on)).then_some(end)
}

/// Returns whether `candidate` reads as milliseconds since 1970, from 2014 to 2033.
pub(super) fn is_epoch(candidate: &[u8]) -> bool {
    matches!(candidate, [b'1', b'4'..=b'9', rest @ ..] if rest.len() == 11 && rest.iter().all(u8::is_ascii_digit))
}

/// What runs are of in which long values stand.
fn in_run(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

/// Whether a text begins with a UUID of letters and digits, and with a digit in its first group; no word goes on behind it. RFC 9562.
fn is_uuid(text: &[u8]) -> bool {
    let Some((uuid, behind)) = text.split_first_chunk::<UUID_BYTES>() else { return false };
    let is_part = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    uuid.iter().enumerate().all(is_part)
        && uuid.iter().take(8).any(u8::is_ascii_digit)
        && uuid.iter().any(u8::is_ascii_alphabetic)
        && !behind.first().is_some_and(|&b| is_word(b) || b == b'-')
}

const UUID_BYTES: usize = 36;

/// Returns whether a number of groups that are as long as each other goes on before or behind `span` with one more of
/// them.
pub(super) fn goes_on(text: &[u8], span: Span) -> bool {
    let candidate = span.of(text).unwrap_or_default();
    if !candidate.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let Some(&joint) = candidate.iter().find(|b| matches!(b, b' ' | b'-')) else { return false };
    let len = candidate.split(|&b| b == joint).next().map_or(0, <[u8]>::len);
    let is_group = |group: &[u8]| group.len() == len && group.iter().all(u8::is_ascii_digit);
    if len < 3 || !candidate.split(|&b| b == joint).all(is_group) {
        return false;
    }
    let behind = text.get(span.end as usize..).unwrap_or_default();
    let before = text.get(..span.start as usize).unwrap_or_default();
    let next = behind.split_first().filter(|&(&b, _)| b == joint).map(|(_, rest)| rest);
    let last = before.split_last().filter(|&(&b, _)| b == joint).map(|(_, rest)| rest);
    let follows =
        next.is_some_and(|rest| rest.get(..len).is_some_and(is_group) && !rest.get(len).copied().is_some_and(is_word));
    let leads = last.is_some_and(|rest| {
        let at = rest.len().wrapping_sub(len);
        rest.get(at..).is_some_and(is_group) && !before_at(rest, at)
    });
    follows || leads
}

/// Returns whether a candidate is a part of the sentence around it: it holds a small word, or parts a word with an accent. Of a rule
/// that asks for a word no more than that and its shape is known; other shapes say enough: `de 136 695 976`.
pub(super) fn is_prose(scanner: &Scanner, of: &Recognizer, text: &[u8], span: Span) -> bool {
    of.gate == Gate::Context
        && of.sieve == Sieve::Token
        && (span.of(text).is_some_and(|candidate| scanner.prose.is_in(candidate)) || parts_word(text, span))
}

/// What the words of a name speak against it that stands behind a phrase: everyday words, months, places.
pub(super) fn everyday(scanner: &Scanner, of: &Recognizer, candidate: &[u8]) -> i16 {
    if of.sieve == Sieve::Capital && of.gate == Gate::Context { scanner.everyday.against(candidate) } else { 0 }
}

/// Returns whether a letter or digit stands before `at`.
fn before_at(text: &[u8], at: usize) -> bool {
    before(text, at, 1).is_some_and(is_word)
}

/// The country that a candidate speaks of.
pub(super) fn country(of: &Recognizer, candidate: &[u8]) -> Option<Region> {
    match of.country {
        CountryFrom::Entity(region) => Some(region),
        CountryFrom::Prefix => Region::new(candidate.get(..2)?),
        CountryFrom::None | CountryFrom::Plan => None,
    }
}

/// What a candidate is worth before anything around it is known.
pub(super) fn evidence(of: &Recognizer, candidate: &[u8], country: Option<Region>, hints: &Hints<'_>) -> i16 {
    let mut evidence = of.evidence.shape + of.check.map_or(0, |check| check.worth);
    if of.evidence.separators != 0 && candidate.iter().any(|b| !b.is_ascii_alphanumeric()) {
        evidence += of.evidence.separators;
    }
    // A date inside says more than the clock does.
    if is_epoch(candidate) && of.check.is_none_or(|check| check.worth < DATED) {
        evidence += EPOCH;
    }
    if of.evidence.region != 0 && country.is_some_and(|country| hints.regions.contains(&country)) {
        evidence += of.evidence.region;
    }
    evidence
}
