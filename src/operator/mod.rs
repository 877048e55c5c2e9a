//! Operators: a decision and a text become a new text.
//!
//! The room does not know where the text stood or why it was detected. [`apply`] has the operators that need no key: label,
//! mask, removal, and leaving it as it is. [`Minter`] makes tokens, of the [`canonical`] form of a value.

mod canonical;
mod code;
mod generalise;

pub use canonical::{Digits, Known, canonical, number_range};
pub use generalise::{PhoneClass, is_business, phone_head};

use crate::crypt::{Class, LaneClass, Mode, Purpose, Scope, TokenError, TokenScratch, Tokenizer, ValueTag, Within};
use crate::entity::Entity;
use crate::ids::TenantId;
use crate::policy::{Form, KEEP_LAST, Operator};
use crate::sensitive::Sensitive;

/// Makes the tokens of one tenant on one sort of lane.
#[derive(Debug)]
pub struct Minter<'m> {
    /// Has the keys.
    pub tokenizer: &'m Tokenizer,
    /// The memory of the worker.
    pub scratch: &'m mut TokenScratch,
    /// Whose message it is.
    pub tenant: TenantId<'m>,
    /// The sort of lane.
    pub lane: LaneClass,
}

impl<'m> Minter<'m> {
    /// Appends the token of a value, of which `canonical` is the canonical form.
    ///
    /// # Errors
    /// There is no value, it is too long, or the lane has no tokens of this mode; `out` is then as it was, and the value
    /// must be written as a label or not at all.
    ///
    /// # Cost
    /// No allocation once the keys of the tenant are ready and `out` has room.
    pub fn token(
        &mut self,
        mode: Mode,
        entity: &Entity,
        canonical: Sensitive<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), TokenError> {
        let tag = self.tokenizer.tag(self.tenant, Class::of(entity.kind), canonical);
        self.token_tagged(mode, entity, canonical, tag, out)
    }

    /// Does what [`Minter::token`] does for a value whose [`Tokenizer::tag`] is known.
    ///
    /// # Errors
    /// As [`Minter::token`].
    pub fn token_tagged(
        &mut self,
        mode: Mode,
        entity: &Entity,
        canonical: Sensitive<'_>,
        tag: ValueTag,
        out: &mut Vec<u8>,
    ) -> Result<(), TokenError> {
        let scope = self.scope(mode, entity)?;
        self.tokenizer.token_tagged(&scope, canonical, tag, out, self.scratch)
    }

    /// Appends the token of a value that is remembered under `tag`; tells whether one is.
    ///
    /// # Errors
    /// As [`Minter::token`].
    pub fn remembered(
        &mut self,
        mode: Mode,
        entity: &Entity,
        tag: ValueTag,
        out: &mut Vec<u8>,
    ) -> Result<bool, TokenError> {
        let scope = self.scope(mode, entity)?;
        self.tokenizer.remembered(&scope, tag, out, self.scratch)
    }

    fn scope(&self, mode: Mode, entity: &Entity) -> Result<Scope<'m>, TokenError> {
        let purpose = Purpose::new(self.lane, mode).ok_or(TokenError::Primitive)?;
        Ok(Scope { tenant: self.tenant, class: Class::of(entity.kind), purpose })
    }
}

impl Minter<'_> {
    fn code(&mut self, entity: &Entity, within: Within<'_>, canonical: Sensitive<'_>) -> Result<u64, TokenError> {
        let scope = (self.tenant, Class::of(entity.kind), self.lane);
        self.tokenizer.code(scope, within, canonical, self.scratch)
    }

    /// Appends the code of a value within a conversation, such as `[PERSON-KAMURO]`: one of a million.
    ///
    /// # Errors
    /// As [`Minter::token`].
    ///
    /// # Security
    /// Nobody turns a code back, and codes of two conversations have nothing in common; within one they tell who is who.
    pub fn conv(
        &mut self,
        entity: &Entity,
        conversation: &[u8],
        canonical: Sensitive<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), TokenError> {
        let code = self.code(entity, Within::Conversation(conversation), canonical)?;
        out.push(b'[');
        out.extend_from_slice(entity.name.as_bytes());
        out.push(b'-');
        out.extend(code::word(code).map(|letter| letter.to_ascii_uppercase()));
        out.push(b']');
        Ok(())
    }

    /// Appends a made-up value in the place of `text`; one that is nobody's already stays. Tells whether there are such values
    /// of this kind.
    ///
    /// # Errors
    /// As [`Minter::token`].
    pub fn fake(
        &mut self,
        entity: &Entity,
        text: Sensitive<'_>,
        canonical: Sensitive<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, TokenError> {
        if code::is_fake(entity.kind, canonical.expose()) {
            out.extend_from_slice(text.expose());
            return Ok(true);
        }
        let code = self.code(entity, Within::Tenant, canonical)?;
        Ok(code::fake(entity.kind, text.expose(), code, out))
    }

    /// Returns how many days the dates of a subject are shifted by.
    ///
    /// # Errors
    /// As [`Minter::token`].
    pub fn shift(&mut self, entity: &Entity, subject: &[u8], most: u16) -> Result<i64, TokenError> {
        let code = self.code(entity, Within::Subject(subject), Sensitive::new(b"shift"))?;
        Ok(generalise::days(code, most))
    }
}

/// Appends what `form` leaves of a value, of which `canonical` is the canonical form; `shift` is what its subject's dates are
/// shifted by, in days. Tells whether there is an answer; where there is none, nothing was written.
///
/// # Cost
/// One pass; no allocation beyond `out`.
pub fn generalise(
    form: &Form,
    entity: &Entity,
    canonical: Sensitive<'_>,
    shift: Option<i64>,
    out: &mut Vec<u8>,
) -> bool {
    generalise::generalise(form, entity, canonical.expose(), shift, out)
}

/// Appends to `out` what `text` becomes. A token, a code, a made-up value or a sort is made by a
/// [`Minter`] and by [`generalise()`]; here its place is taken by the label.
///
/// # Security
/// A label is an entity's name in brackets and holds nothing of the text. A mask tells the number of letters and digits
/// and what stands between them; it leaves at most a third of them in clear.
///
/// # Cost
/// One pass over the text; no allocation beyond `out`.
///
/// # Example
/// ```
/// use efface::entity::{Entity, Kind};
/// use efface::policy::Operator;
/// use efface::sensitive::Sensitive;
///
/// let card = Entity { name: "CREDIT_CARD".to_owned(), kind: Kind::CreditCard, country: None };
/// let mut out = Vec::new();
/// efface::operator::apply(
///     &Operator::Mask { keep_last: 4 },
///     &card,
///     Sensitive::new(b"4111 1111 1111 1111"),
///     &mut out,
/// );
/// assert_eq!(out, b"**** **** **** 1111");
/// ```
pub fn apply(operator: &Operator, entity: &Entity, text: Sensitive<'_>, out: &mut Vec<u8>) {
    match operator {
        Operator::Keep => out.extend_from_slice(text.expose()),
        Operator::Mask { keep_last } => mask(text, *keep_last, out),
        Operator::MaskMiddle => mask_middle(text, out),
        Operator::Redact | Operator::Token { .. } | Operator::Conv | Operator::Fake | Operator::Generalise { .. } => {
            label(entity, out)
        }
        Operator::Drop => {}
    }
}

/// Appends the label of `entity`, such as `[BR_CPF]`.
pub fn label(entity: &Entity, out: &mut Vec<u8>) {
    out.push(b'[');
    out.extend_from_slice(entity.name.as_bytes());
    out.push(b']');
}

/// Every ASCII letter and digit and every other character beyond ASCII becomes one `*`: letters and digits of all
/// scripts, marks that change them, and bytes that are no UTF-8.
fn mask(text: Sensitive<'_>, keep_last: u8, out: &mut Vec<u8>) {
    let text = text.expose();
    let n_masked = text.iter().filter(|&&byte| is_masked(byte)).count();
    let n_kept = usize::from(keep_last.min(KEEP_LAST)).min(n_masked / 3);
    let mut n_before_kept = n_masked - n_kept;
    let mut keeping = false;
    for &byte in text {
        if is_masked(byte) {
            keeping = n_before_kept == 0;
            n_before_kept = n_before_kept.saturating_sub(1);
            out.push(if keeping { byte } else { b'*' });
        } else if !is_continuation(byte) || keeping {
            // A kept character keeps its later bytes; a masked one loses them with its first.
            out.push(byte);
        }
    }
}

/// Digits but for the first six and the last four become `*`; of fewer than fourteen only the last four stay.
///
/// # Source
/// PCI Security Standards Council, FAQ 1091: what a truncated number may show.
fn mask_middle(text: Sensitive<'_>, out: &mut Vec<u8>) {
    let n = text.expose().iter().filter(|byte| byte.is_ascii_digit()).count();
    if n < 14 {
        return mask(text, KEEP_LAST, out);
    }
    let mut at = 0;
    for &byte in text.expose() {
        let shown = at < 6 || at + 4 >= n;
        at += usize::from(byte.is_ascii_digit());
        match byte {
            b'0'..=b'9' if !shown => out.push(b'*'),
            0x80.. => {}
            _ => out.push(byte),
        }
    }
}

const fn is_masked(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0xc0
}

/// Whether `byte` is a later byte of a character beyond ASCII.
const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Kind;

    fn entity() -> Entity {
        Entity { name: "PHONE_NUMBER".to_owned(), kind: Kind::PhoneNumber, country: None }
    }

    #[track_caller]
    fn check(operator: &Operator, text: &[u8], want: &[u8]) {
        let mut out = b"before ".to_vec();
        apply(operator, &entity(), Sensitive::new(text), &mut out);
        assert_eq!(out, [b"before ", want].concat(), "{}", String::from_utf8_lossy(&out));
    }

    #[test]
    fn operators() {
        check(&Operator::Keep, b"+1 202 555 0143", b"+1 202 555 0143");
        check(&Operator::Redact, b"+1 202 555 0143", b"[PHONE_NUMBER]");
        check(&Operator::Drop, b"+1 202 555 0143", b"");
        check(&Operator::Token { mode: Mode::Siv }, b"+1 202 555 0143", b"[PHONE_NUMBER]");
        check(&Operator::Mask { keep_last: 0 }, b"+1 202 555 0143", b"+* *** *** ****");
        check(&Operator::Mask { keep_last: 2 }, b"+1 202 555 0143", b"+* *** *** **43");
    }

    #[test]
    fn cards_show_what_they_may() {
        let mask = Operator::MaskMiddle;
        check(&mask, b"4111 1111 1111 1111", b"4111 11** **** 1111");
        check(&mask, b"378282246310005", b"378282*****0005");
        check(&mask, b"4222222222222", b"*********2222");
        check(&mask, b"12/27", b"**/*7");
    }

    #[test]
    fn masks_leave_a_third_at_most() {
        let mask = Operator::Mask { keep_last: 4 };
        check(&mask, b"", b"");
        check(&mask, b"12", b"**");
        check(&mask, b"123", b"**3");
        check(&mask, b"078-05-1120", b"***-**-*120");
        check(&mask, b"4111111111111111", b"************1111");
        check(&Operator::Mask { keep_last: 255 }, b"4111111111111111", b"************1111");
    }

    #[test]
    fn masks_work_on_characters() {
        let mask = Operator::Mask { keep_last: 0 };
        check(&mask, "é@example.org".as_bytes(), b"*@*******.***");
        check(&mask, "٠١٢-٣".as_bytes(), b"***-*");
        check(&Operator::Mask { keep_last: 4 }, "٠١٢٣٤٥".as_bytes(), "****٤٥".as_bytes());
        check(&mask, b"ab\xffcd", b"*****");
        check(&mask, b"ab\x80cd", b"****");
    }
}
