//! Sets of addresses as runs of them, each with its end: ascending, disjoint, and with a gap between any two.

/// Those that are in any of `runs`.
pub(super) fn joined(mut runs: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    runs.sort_unstable();
    let mut all: Vec<(u64, u64)> = Vec::new();
    for (start, end) in runs {
        match all.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => all.push((start, end)),
        }
    }
    all.shrink_to_fit();
    all
}

/// Whether `at` is in `runs`.
pub(super) fn contains(runs: &[(u64, u64)], at: u64) -> bool {
    let below = runs.partition_point(|&(start, _)| start <= at);
    below.checked_sub(1).is_some_and(|index| runs[index].1 > at)
}

/// Whether all of `run`, which is not empty, is in `runs`.
pub(super) fn covers(runs: &[(u64, u64)], run: (u64, u64)) -> bool {
    let below = runs.partition_point(|&(start, _)| start <= run.0);
    below.checked_sub(1).is_some_and(|index| runs[index].1 >= run.1)
}

/// The runs of what is in both `some` and `others`.
pub(super) fn common(some: &[(u64, u64)], others: &[(u64, u64)]) -> impl Iterator<Item = (u64, u64)> {
    some.iter().flat_map(move |&(start, end)| {
        let first = others.partition_point(|&(_, end)| end <= start);
        let near = others[first..].iter().take_while(move |&&(other, _)| other < end);
        near.map(move |&(other, other_end)| (start.max(other), end.min(other_end)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_say_what_a_set_of_all_their_addresses_says() {
        let set = |runs: &[(u64, u64)]| runs.iter().flat_map(|&(start, end)| start..end).collect::<Vec<_>>();
        let some = joined(vec![(8, 12), (0, 4), (4, 6), (20, 20), (10, 14)]);
        let others = joined(vec![(2, 9), (13, 30)]);
        assert_eq!((&some[..], &others[..]), (&[(0, 6), (8, 14), (20, 20)][..], &[(2, 9), (13, 30)][..]));
        let both: Vec<_> = common(&some, &others).filter(|(start, end)| start < end).collect();
        assert_eq!(both, [(2, 6), (8, 9), (13, 14)]);
        assert!((0..40).all(|at| contains(&some, at) == set(&some).contains(&at)));
        for (start, end) in (0..20).flat_map(|start| (start + 1..20).map(move |end| (start, end))) {
            assert_eq!(covers(&some, (start, end)), (start..end).all(|at| set(&some).contains(&at)), "{start}..{end}");
        }
    }
}
