//! Medians, quartiles, and ratios of pairs.

/// The middle of what was measured, and the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Middle {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
}

impl Middle {
    /// None of nothing.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        // Between two neighbours, in proportion.
        let at = |part: f64| {
            let place = part * (sorted.len().checked_sub(1)? as f64);
            let (below, above) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
            Some(below + (above - below) * place.fract())
        };
        Some(Self { low: at(0.25)?, median: at(0.5)?, high: at(0.75)? })
    }
}

/// What two sides took, round by round.
#[derive(Clone, Debug, Default)]
pub(super) struct Compared {
    pub(super) sdk: Vec<f64>,
    pub(super) by_hand: Vec<f64>,
}

impl Compared {
    /// Of each round's pair: what disturbs a machine for longer than a round disturbs both.
    pub(super) fn ratio(&self) -> Option<Middle> {
        Middle::of(
            &self.sdk.iter().zip(&self.by_hand).map(|(sdk, by_hand)| sdk / by_hand).collect::<Vec<_>>(),
        )
    }
}

/// By how much readings grew from the first to the last: the median of the slopes between all pairs (Theil and Sen), since
/// a collector's heap moves up and down, and a leak only up.
pub(super) fn growth(readings: &[f64]) -> Option<f64> {
    let indexed = || readings.iter().enumerate();
    let slopes: Vec<f64> = indexed()
        .flat_map(|(early, before)| {
            indexed().skip(early + 1).map(move |(late, after)| (after - before) / (late - early) as f64)
        })
        .collect();
    Some(Middle::of(&slopes)?.median * (readings.len() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(Middle::of(&[4.0, 1.0, 3.0, 2.0]), Some(Middle { low: 1.75, median: 2.5, high: 3.25 }));
        assert_eq!(Middle::of(&[7.0]), Some(Middle { low: 7.0, median: 7.0, high: 7.0 }));
        assert_eq!(Middle::of(&[]), None);
    }

    #[test]
    fn what_grows_is_told_from_what_moves() {
        assert_eq!(growth(&[10.0, 11.0, 12.0, 13.0]), Some(3.0));
        assert_eq!(growth(&[10.0, 17.0, 10.0, 10.0, 10.0]), Some(0.0));
        assert_eq!(growth(&[10.0]), None);
    }

    #[test]
    fn a_ratio_is_of_pairs_and_not_of_medians() {
        let compared = Compared { sdk: vec![1.0, 20.0, 300.0], by_hand: vec![2.0, 40.0, 600.0] };
        assert_eq!(compared.ratio().unwrap(), Middle { low: 0.5, median: 0.5, high: 0.5 });
    }
}
