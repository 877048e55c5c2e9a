//! The slow, obvious scanner: each rule alone, every start, every end, no sieve and no automaton that knows more than one
//! pattern. The fast scanner must find the same candidates. It is never optimised.

use efface::check::{COMPACT_BYTES, Form};
use efface::rules::{Guard, Rule, RuleSet, Sieve, Tail};
use efface::{Span, ids::RuleId};
use regex::bytes::{Regex, RegexBuilder};
use std::ops::Range;
use std::sync::OnceLock;

pub(crate) struct Oracle {
    labels: Vec<String>,
    rules: Vec<(RuleId, Rule, Regex)>,
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

impl Oracle {
    /// Whether the oracle can say where candidates of this sieve begin. The walks of the others depend on their anchor;
    /// they have tables of their own.
    pub(crate) const fn knows(sieve: Sieve) -> bool {
        matches!(
            sieve,
            Sieve::Digits { .. }
                | Sieve::Token
                | Sieve::Script
                | Sieve::Quad
                | Sieve::Long
                | Sieve::Dashes
                | Sieve::Colon
        )
    }

    pub(crate) fn new(rules: &RuleSet) -> Self {
        let labels = rules.entities().iter().map(|entity| entity.name.clone()).collect();
        let rules = rules
            .rules()
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.sieve != Sieve::Phone)
            .map(|(at, rule)| {
                let regex = RegexBuilder::new(&format!("^(?:{})$", rule.pattern)).unicode(false).build();
                (RuleId(u16::try_from(at).unwrap()), rule.clone(), regex.expect("a loaded pattern compiles"))
            })
            .collect();
        Self { labels, rules }
    }

    /// Every place that some rule accepts, the longest of each rule and start. For text that needs no folding.
    pub(crate) fn candidates(&self, text: &[u8]) -> Vec<(RuleId, Span)> {
        let mut out = Vec::new();
        for (id, rule, regex) in &self.rules {
            for start in 0..text.len() {
                if !begins(&self.labels, rule.sieve, text, start) {
                    continue;
                }
                let passes = |end: &usize| guarded(rule.guard, text, start, *end) && accepts(rule, &text[start..*end]);
                let longest = (start + 1..=text.len().min(start + 300))
                    .filter(|&end| regex.is_match(&text[start..end]))
                    .filter_map(|end| match &rule.tail {
                        None => Some(end).filter(passes),
                        Some(tail) => ends(tail, text, end).into_iter().find(passes),
                    })
                    .max();
                // What begins a UUID is all of it.
                let longest = longest.filter(|&end| uuid_around(text, start).is_none_or(|uuid| end == uuid.end));
                if let Some(end) = longest {
                    out.push((*id, Span::new(u32::try_from(start).unwrap(), u32::try_from(end).unwrap())));
                }
            }
        }
        // What begins with a digit inside of an address is a part of it.
        let sieve = |id: RuleId| self.rules.iter().find(|(known, ..)| *known == id).map(|(_, rule, _)| rule.sieve);
        let mut quads: Vec<Span> =
            out.iter().filter(|(id, _)| sieve(*id) == Some(Sieve::Quad)).map(|&(_, span)| span).collect();
        quads.sort();
        let inside = |at: u32, quad: &Span| quad.start < at && at < quad.end;
        let mut whole: Vec<Span> = Vec::new();
        for quad in quads {
            if !whole.iter().any(|first| inside(quad.start, first)) {
                whole.push(quad);
            }
        }
        let at_digits = |id: RuleId| matches!(sieve(id), Some(Sieve::Quad | Sieve::Token | Sieve::Digits { .. }));
        out.retain(|&(id, span)| !(at_digits(id) && whole.iter().any(|quad| inside(span.start, quad))));
        out.sort_by_key(|&(rule, span)| (span, rule));
        out
    }
}

/// The run of bytes of a class around `at`.
fn run(text: &[u8], at: usize, class: impl Fn(u8) -> bool) -> (usize, usize) {
    let start = (0..at).rev().take_while(|&i| class(text[i])).last().unwrap_or(at);
    let end = (at..text.len()).find(|&i| !class(text[i])).unwrap_or(text.len());
    (start, end)
}

/// Whether a candidate of this sieve may begin at `start`: the words of `Sieve`, said once more.
fn begins(labels: &[String], sieve: Sieve, text: &[u8], start: usize) -> bool {
    let first = text[start];
    let before = start.checked_sub(1).map(|i| text[i]);
    let after_word = before.is_some_and(word);
    let label = |s: usize, e: usize| {
        let inside = s > 0 && text[s - 1] == b'[' && text.get(e) == Some(&b']');
        inside && labels.iter().any(|label| label.as_bytes() == &text[s..e])
    };
    if within_moment(text, start) {
        return false;
    }
    if let Some(uuid) = uuid_around(text, start) {
        return sieve == Sieve::Token && start == uuid.start;
    }
    // A number that stands behind.
    let numbered = |s: usize| !within_moment(text, s) && uuid_around(text, s).is_none();
    match sieve {
        Sieve::Digits { .. } | Sieve::Token => {
            if !word(first) || after_word || (sieve != Sieve::Token && !first.is_ascii_digit()) {
                return false;
            }
            let (_, end) = run(text, start, word);
            let parts = |at: usize| text.get(at).is_some_and(|b| b" -./".contains(b));
            if text[start..end].iter().any(u8::is_ascii_digit) {
                let mixed = !text[start..end].iter().all(u8::is_ascii_digit);
                let after = |joint: usize| run(text, text.len().min(joint + 1), word).1;
                let has_letter = |s: usize, e: usize| (s..e).any(|i| !text[i].is_ascii_digit());
                let dot = |at: usize| text.get(at) == Some(&b'.');
                let letter_follows = parts(end) && {
                    let next = after(end);
                    let far = dot(end) && dot(next) && next > end + 1 && has_letter(next + 1, after(next));
                    has_letter(end + 1, next) || far
                };
                return !label(start, end) && (sieve != Sieve::Token || mixed || letter_follows);
            }
            let short = end - start <= 4 && text[start..end].iter().all(u8::is_ascii_alphabetic);
            short && parts(end) && text.get(end + 1).is_some_and(|&b| word(b)) && {
                let (s, e) = run(text, end + 1, word);
                s == end + 1 && numbered(s) && text[s..e].iter().any(u8::is_ascii_digit) && !label(s, e)
            }
        }
        Sieve::Quad => {
            let (_, end) = run(text, start, |b| b.is_ascii_digit());
            let word_end = run(text, start, word).1;
            first.is_ascii_digit()
                && !after_word
                && end - start <= 3
                && text.get(end) == Some(&b'.')
                && text.get(end + 1).is_some_and(u8::is_ascii_digit)
                && !label(start, word_end)
        }
        Sieve::Script => {
            let digits = text[start..].iter().take_while(|b| b.is_ascii_digit()).count();
            let from = start + digits;
            let letters = || text[from..].iter().scan((), |(), &b| (b >= 0x80).then_some(b));
            let leads: Vec<u8> = letters().filter(|b| *b >= 0xc2).collect();
            let (behind, len) = (from.checked_sub(1).map(|i| text[i]), letters().count());
            let joint = usize::from(text.get(from + len).is_some_and(|b| b" -".contains(b)));
            let next = from + len + joint;
            let number = next < text.len() && word(text[next]) && {
                let (s, e) = run(text, next, word);
                s == next && numbered(s) && text[s..e].iter().any(u8::is_ascii_digit) && !label(s, e)
            };
            let in_word = behind.is_some_and(|b| b >= 0x80) && leads.first().is_some_and(|lead| *lead < 0xe0);
            let begins = digits == 0 || digits <= 2 && !after_word;
            begins && number && leads.first() == text.get(from) && (1..=3).contains(&leads.len()) && !in_word
        }
        Sieve::Long => {
            let (s, e) = run(text, start, |b| word(b) || b == b'-');
            word(first) && !after_word && e - s >= 16 && !text[s..e].starts_with(b"tok_") && !label(s, e)
        }
        Sieve::Dashes => {
            let (s, e) = run(text, start, |b| b == b'-');
            first == b'-' && e - s >= 5 && start == e - 5
        }
        Sieve::Colon => {
            let fits = |b: u8| b.is_ascii_hexdigit() || b == b':';
            let (s, e) = run(text, start, fits);
            // Two colons of the run at most five places apart, or one just before it.
            let near = |i: usize| (1..=5).any(|n| i >= n && text[i - n] == b':');
            fits(first) && s == start && (s..e).any(|i| text[i] == b':' && near(i))
        }
        // The walks of the other sieves depend on the anchor; their tables are in `scan.rs`.
        _ => false,
    }
}

/// Whether `at` is in a date with a time: `2026-05-14T12:23:34.567Z`. They are read from left to right, and none begins in
/// another.
fn within_moment(text: &[u8], at: usize) -> bool {
    static MOMENT: OnceLock<Regex> = OnceLock::new();
    let moment = MOMENT.get_or_init(|| {
        let pattern = r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt ](?:[01]\d|2[0-4]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?(?:[Zz]|[+-](?:0\d|1[0-4]):?\d\d)?";
        RegexBuilder::new(pattern).unicode(false).build().unwrap()
    });
    let mut start = 0;
    while start <= at {
        let free = start == 0 || !(word(text[start - 1]) || text[start - 1] == b'-');
        let end = moment.find(&text[start..]).filter(|_| free).and_then(|found| {
            let end = start + found.end();
            // Where digits or a word go on, it is no time.
            let goes_on = text.get(end).is_some_and(|&b| word(b) || b == b'-' || b == b':');
            let more_digits = text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(u8::is_ascii_digit);
            (!goes_on && !more_digits).then_some(end)
        });
        match end {
            Some(end) if at < end => return true,
            Some(end) => start = end,
            None => start += 1,
        }
    }
    false
}

/// The UUID that `at` is in, of which the first group holds a digit and some group a letter.
fn uuid_around(text: &[u8], at: usize) -> Option<Range<usize>> {
    static UUID: OnceLock<Regex> = OnceLock::new();
    let uuid = UUID.get_or_init(|| {
        let pattern = r"^[[:xdigit:]]{8}-(?:[[:xdigit:]]{4}-){3}[[:xdigit:]]{12}";
        RegexBuilder::new(pattern).unicode(false).build().unwrap()
    });
    (at.saturating_sub(35)..=at).map(|start| start..start + 36).find(|place| {
        let (before, after) = (place.start.checked_sub(1).map(|i| text[i]), text.get(place.end));
        uuid.is_match(&text[place.start..])
            && !before.is_some_and(word)
            && !after.is_some_and(|&b| word(b) || b == b'-')
            && text[place.start..place.start + 8].iter().any(u8::is_ascii_digit)
            && text[place.clone()].iter().any(u8::is_ascii_alphabetic)
    })
}

/// Where a tail may end: as far as it goes, or before one of the bytes where it may be cut.
fn ends(tail: &Tail, text: &[u8], from: usize) -> Vec<usize> {
    let mut ends = vec![extend(tail, text, from)];
    while ends.len() <= Tail::CUTS {
        let last = *ends.last().unwrap();
        let Some(mut end) = (from..last).rev().find(|&at| tail.cut.has(text[at])) else { break };
        while end > from && tail.trim.has(text[end - 1]) {
            end -= 1;
        }
        ends.push(end);
    }
    ends
}

fn extend(tail: &Tail, text: &[u8], from: usize) -> usize {
    let most = text.len().min(from + tail.max as usize);
    if let Some(until) = &tail.until {
        let until = until.as_bytes();
        if let Some(at) = (from..most).find(|&at| text[at..most].starts_with(until)) {
            let mut end = at + until.len();
            let mut closing = end;
            while closing < most
                && (text[closing].is_ascii_uppercase() || text[closing].is_ascii_digit() || text[closing] == b' ')
            {
                closing += 1;
            }
            if closing < most && text[closing] == b'-' {
                end = closing;
                while end < most && text[end] == b'-' {
                    end += 1;
                }
            }
            return end;
        }
    }
    let mut end = from;
    while end < most && tail.class.has(text[end]) {
        end += 1;
    }
    while end > from && tail.trim.has(text[end - 1]) {
        end -= 1;
    }
    end
}

fn guarded(guard: Guard, text: &[u8], start: usize, end: usize) -> bool {
    let left = start.checked_sub(1).map(|i| text[i]);
    let right = text.get(end).copied();
    let free = !left.is_some_and(word) && !right.is_some_and(word);
    let joins = |b: Option<u8>| b.is_some_and(|b| b".,-/:".contains(&b));
    match guard {
        Guard::None => true,
        Guard::Word => free,
        Guard::Dots | Guard::Colons => {
            let beyond = |at: Option<usize>| at.and_then(|at| text.get(at)).copied();
            let sides = [(left, beyond(start.checked_sub(2))), (right, beyond(Some(end + 1)))];
            let dotted = |b: u8| b.is_ascii_digit();
            let coloned = |b: u8| b.is_ascii_hexdigit() || b == b':';
            free && sides.iter().all(|&(joint, beyond)| {
                let joined = joint == Some(b'.') && beyond.is_some_and(dotted);
                let colon = guard == Guard::Colons && joint == Some(b':') && beyond.is_some_and(coloned);
                !joined && !colon
            })
        }
        Guard::Hyphens => {
            let beyond = |at: Option<usize>| at.and_then(|at| text.get(at)).copied();
            let sides = [(left, beyond(start.checked_sub(2))), (right, beyond(Some(end + 1)))];
            free && !sides.iter().any(|&(joint, beyond)| joint == Some(b'-') && beyond.is_some_and(word))
        }
        Guard::Number => {
            let digit_left = start >= 2 && text[start - 2].is_ascii_digit();
            let digit_right = text.get(end + 1).is_some_and(u8::is_ascii_digit);
            free && left != Some(b'+') && !(joins(left) && digit_left) && !(joins(right) && digit_right)
        }
    }
}

fn accepts(rule: &Rule, candidate: &[u8]) -> bool {
    if let Sieve::Digits { min, max } = rule.sieve {
        let n = candidate.iter().filter(|b| b.is_ascii_digit()).count();
        if n < usize::from(min) || n > usize::from(max) {
            return false;
        }
    }
    let Some(check) = rule.check else { return true };
    match check.form {
        Form::Raw => (check.run)(candidate),
        Form::Compact => {
            let compact: Vec<u8> =
                candidate.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
            compact.len() <= COMPACT_BYTES && (check.run)(&compact)
        }
    }
}
