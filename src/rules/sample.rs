//! Makes values that follow a rule: what its pattern allows and its check accepts, or refuses.

use super::Rule;
use crate::check::{COMPACT_BYTES, Form};
use regex_syntax::hir::{Class, Hir, HirKind};

/// What a made value is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Pass the rule's check.
    Valid,
    /// Have the shape and fail the check.
    Invalid,
}

/// Values that are drawn for one that fits. What passes one time in a million is found.
const TRIES: usize = 4_000_000;
/// Bytes that a tail adds.
const TAIL: usize = 8;

impl Rule {
    /// Makes a value of this rule's shape that its check accepts or refuses, the same for the same `seed` everywhere.
    ///
    /// A value is drawn from the pattern until it does what is wanted, so it is as likely as any other of its shape. It is
    /// nobody's on purpose and may be somebody's by chance.
    ///
    /// # Errors
    /// None where the rule has no pattern, nothing that it allows was found to fit, or no check could refuse.
    ///
    /// # Cost
    /// A microsecond for each value that is drawn, four million at most: seconds where only a hash decides.
    #[must_use]
    pub fn sample(&self, seed: u64, want: Want) -> Option<String> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&self.pattern).ok()?;
        let mut state = self.id.bytes().fold(seed ^ 0x9e37_79b9_7f4a_7c15, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        if want == Want::Invalid && self.check.is_none() {
            return None;
        }
        let mut value = Vec::new();
        for _ in 0..TRIES {
            value.clear();
            draw(&hir, &mut state, &mut value);
            if let Some(tail) = &self.tail {
                let class: Vec<u8> = (b'!'..=b'~').filter(|&b| tail.class.has(b) && !tail.trim.has(b)).collect();
                for _ in 0..TAIL.min(tail.max as usize) {
                    value.push(*class.get(below(&mut state, class.len()))?);
                }
            }
            if self.accepts(&value) == (want == Want::Valid) {
                return String::from_utf8(value).ok();
            }
        }
        None
    }

    fn accepts(&self, value: &[u8]) -> bool {
        let Some(check) = self.check else { return true };
        match check.form {
            Form::Raw => (check.run)(value),
            Form::Compact => {
                let compact: Vec<u8> =
                    value.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
                compact.len() <= COMPACT_BYTES && (check.run)(&compact)
            }
        }
    }
}

/// Appends one text that `hir` matches.
fn draw(hir: &Hir, state: &mut u64, out: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(class) => {
            // Capitals where both cases are allowed: that is how people write numbers.
            let mut bytes: Vec<u8> = match class {
                Class::Bytes(class) => class.ranges().iter().flat_map(|r| r.start()..=r.end()).collect(),
                Class::Unicode(class) => class
                    .ranges()
                    .iter()
                    .flat_map(|r| r.start()..=r.end())
                    .filter_map(|c| u8::try_from(c).ok())
                    .collect(),
            };
            if bytes.iter().any(u8::is_ascii_uppercase) {
                let known = bytes.clone();
                bytes.retain(|b| !(b.is_ascii_lowercase() && known.contains(&b.to_ascii_uppercase())));
            }
            out.extend(bytes.get(below(state, bytes.len())));
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min);
            let n = repetition.min as usize + below(state, (most - repetition.min) as usize + 1);
            (0..n).for_each(|_| draw(&repetition.sub, state, out));
        }
        HirKind::Capture(capture) => draw(&capture.sub, state, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| draw(part, state, out)),
        HirKind::Alternation(parts) => {
            if let Some(part) = parts.get(below(state, parts.len())) {
                draw(part, state, out);
            }
        }
    }
}

/// A number below `n`, 0 where `n` is.
fn below(state: &mut u64, n: usize) -> usize {
    let drawn = super::template::next(state) % (n.max(1) as u64);
    usize::try_from(drawn).unwrap_or(0)
}
