//! Evidence to score: from log odds in tenths of a bit to `0..=1000`.

/// Beyond this many tenths of a bit the score does not move any more.
const REACH: i16 = 200;

/// The score of every evidence between `-REACH` and `REACH`.
pub(super) struct Table(Box<[u16]>);

impl Table {
    pub(super) fn new() -> Self {
        let scores = (-REACH..=REACH).map(|tenths| {
            let odds = (f64::from(tenths) / 10.0).exp2();
            let score = (1000.0 * odds / (1.0 + odds)).round();
            // In 0..=1000 by construction.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0.0..=1000.0")]
            let score = score as u16;
            score
        });
        Self(scores.collect())
    }

    /// Returns the score of `evidence` tenths of a bit: 500 at even odds.
    pub(super) fn of(&self, evidence: i16) -> u16 {
        let at = usize::try_from(evidence.clamp(-REACH, REACH) + REACH).unwrap_or(0);
        self.0.get(at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn log_odds() {
        let table = Table::new();
        for (evidence, score) in [(0, 500), (10, 667), (-10, 333), (40, 941), (100, 999), (500, 1000), (-500, 0)] {
            assert_eq!(table.of(evidence), score, "{evidence}");
        }
    }
}
