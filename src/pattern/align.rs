//! Pairs expected with actual siblings so that one missing or added one is one difference:
//! [`align`] keeps the order, [`assign`] does not.

use std::collections::HashMap;

/// Most cells of a table; above it siblings are paired by position, which is still right, only less short.
const TABLE: usize = 250_000;

/// Cost of a sibling that stays alone, in the unit of the costs given to [`align`].
pub const ALONE: u32 = 2;

/// Pairs two ordered lists at least cost. `cost` is `None` for two that cannot be paired and 0 for
/// two that match; `alone` is the cost of leaving out an expected one. In order; each index comes once.
pub fn align(
    expected: usize,
    actual: usize,
    mut cost: impl FnMut(usize, usize) -> Option<u32>,
    alone: impl Fn(usize) -> u32,
) -> Vec<(Option<usize>, Option<usize>)> {
    // Costs that ended the search from an end are asked for again below; a cost may be that of a whole subtree.
    let mut ends: Vec<((usize, usize), Option<u32>)> = Vec::new();
    let both = expected.min(actual);
    let mut front = 0;
    // What may be left out at no cost is not settled by its neighbours alone.
    while front < both && alone(front) == ALONE {
        let found = cost(front, front);
        if found != Some(0) {
            ends.push(((front, front), found));
            break;
        }
        front += 1;
    }
    let mut back = 0;
    while back < both - front && alone(expected - 1 - back) == ALONE {
        let cell = (expected - 1 - back, actual - 1 - back);
        let known = ends.iter().find(|(other, _)| *other == cell).map(|(_, found)| *found);
        let found = known.unwrap_or_else(|| cost(cell.0, cell.1));
        if found != Some(0) {
            ends.push((cell, found));
            break;
        }
        back += 1;
    }
    let mut cost = |row: usize, column: usize| {
        let known = ends.iter().find(|(cell, _)| *cell == (row, column));
        known.map_or_else(|| cost(row, column), |(_, found)| *found)
    };
    let mut pairs: Vec<_> = (0..front).map(|at| (Some(at), Some(at))).collect();
    let (rows, columns) = (expected - front - back, actual - front - back);
    if rows == 0 || columns == 0 || (rows + 1).saturating_mul(columns + 1) > TABLE {
        for at in 0..rows.max(columns) {
            let (left, right) = ((at < rows).then_some(front + at), (at < columns).then_some(front + at));
            match (left, right) {
                (Some(row), Some(column)) if cost(row, column).is_none() => {
                    pairs.push((left, None));
                    pairs.push((None, right));
                }
                pair => pairs.push(pair),
            }
        }
    } else {
        pairs.extend(
            table(rows, columns, |row, column| cost(front + row, front + column), |row| alone(front + row))
                .map(|(row, column)| (row.map(|row| front + row), column.map(|column| front + column))),
        );
    }
    pairs.extend((0..back).rev().map(|at| (Some(expected - 1 - at), Some(actual - 1 - at))));
    pairs
}

/// Least-cost alignment by dynamic programming, from the ends so that it is read off in order.
fn table(
    rows: usize,
    columns: usize,
    mut cost: impl FnMut(usize, usize) -> Option<u32>,
    alone: impl Fn(usize) -> u32,
) -> impl Iterator<Item = (Option<usize>, Option<usize>)> {
    let width = columns + 1;
    let mut costs = vec![None; rows * columns];
    let mut best = vec![0_u32; (rows + 1) * width];
    for column in (0..columns).rev() {
        best[rows * width + column] = best[rows * width + column + 1] + ALONE;
    }
    for row in (0..rows).rev() {
        best[row * width + columns] = best[(row + 1) * width + columns] + alone(row);
        for column in (0..columns).rev() {
            let pair = cost(row, column);
            costs[row * columns + column] = pair;
            let mut least = (best[(row + 1) * width + column] + alone(row)).min(best[row * width + column + 1] + ALONE);
            if let Some(pair) = pair {
                least = least.min(best[(row + 1) * width + column + 1] + pair);
            }
            best[row * width + column] = least;
        }
    }
    let mut pairs = Vec::with_capacity(rows.max(columns));
    let (mut row, mut column) = (0, 0);
    while row < rows || column < columns {
        let here = best[row * width + column];
        if row < rows
            && column < columns
            && costs[row * columns + column].is_some_and(|pair| here == best[(row + 1) * width + column + 1] + pair)
        {
            pairs.push((Some(row), Some(column)));
            row += 1;
            column += 1;
        } else if row < rows && here == best[(row + 1) * width + column] + alone(row) {
            pairs.push((Some(row), None));
            row += 1;
        } else {
            pairs.push((None, Some(column)));
            column += 1;
        }
    }
    pairs.into_iter()
}

/// Most pairs of which it is remembered whether they match.
pub const REMEMBERED: usize = 4_000_000;

/// For each expected one an actual one that matches it, as many as possible, whatever the order.
pub fn assign(expected: usize, actual: usize, mut matches: impl FnMut(usize, usize) -> bool) -> Vec<Option<usize>> {
    let mut taken_by: Vec<Option<usize>> = vec![None; actual];
    let mut chosen: Vec<Option<usize>> = vec![None; expected];
    let remember = expected.saturating_mul(actual) <= REMEMBERED;
    // What stands at its own place is the usual case and costs one look each.
    let own: Vec<bool> = (0..expected.min(actual)).map(|at| matches(at, at)).collect();
    for at in (0..own.len()).filter(|at| own[*at]) {
        chosen[at] = Some(at);
        taken_by[at] = Some(at);
    }
    if chosen.iter().all(Option::is_some) {
        return chosen;
    }
    let mut known: Vec<Option<bool>> = if remember { vec![None; expected * actual] } else { Vec::new() };
    for (at, held) in own.iter().enumerate().filter(|_| remember) {
        known[at * actual + at] = Some(*held);
    }
    let mut fits = |row: usize, column: usize| match known.get_mut(row * actual + column) {
        Some(slot) => *slot.get_or_insert_with(|| matches(row, column)),
        None => matches(row, column),
    };
    for start in 0..expected {
        if chosen[start].is_some() {
            continue;
        }
        if let Some(free) = (0..actual).find(|column| taken_by[*column].is_none() && fits(start, *column)) {
            chosen[start] = Some(free);
            taken_by[free] = Some(start);
            continue;
        }
        if !remember {
            continue;
        }
        // A path over pairs that match, breadth first, to an actual one that is free (Kuhn's algorithm).
        let mut reached: Vec<Option<usize>> = vec![None; actual];
        let mut queue = std::collections::VecDeque::from([start]);
        let mut free = None;
        'search: while let Some(row) = queue.pop_front() {
            for column in 0..actual {
                if reached[column].is_some() || !fits(row, column) {
                    continue;
                }
                reached[column] = Some(row);
                match taken_by[column] {
                    None => {
                        free = Some(column);
                        break 'search;
                    }
                    Some(owner) => queue.push_back(owner),
                }
            }
        }
        while let Some(column) = free {
            let Some(row) = reached[column] else { break };
            free = chosen[row].replace(column);
            taken_by[column] = Some(row);
            if row == start {
                break;
            }
        }
    }
    chosen
}

/// As [`assign`], for so many that not every one can be tried with every other. `keys` are those of expected ones that
/// match only what has the same key; the others are tried with all.
pub fn assign_by_key(
    expected: &[Option<u64>],
    actual: &[u64],
    mut matches: impl FnMut(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let mut chosen: Vec<Option<usize>> = vec![None; expected.len()];
    let mut free = vec![true; actual.len()];
    for at in 0..expected.len().min(actual.len()) {
        if expected[at].is_none_or(|key| key == actual[at]) && matches(at, at) {
            chosen[at] = Some(at);
            free[at] = false;
        }
    }
    // The first comes off the end.
    let mut left: HashMap<u64, Vec<usize>> = HashMap::new();
    for (column, key) in actual.iter().enumerate().rev().filter(|(column, _)| free[*column]) {
        left.entry(*key).or_default().push(column);
    }
    for (row, key) in expected.iter().enumerate() {
        let Some(same) = key.filter(|_| chosen[row].is_none()).and_then(|key| left.get_mut(&key)) else { continue };
        // What has the key and does not match one expected value matches none of its equals.
        while let Some(column) = same.pop() {
            if matches(row, column) {
                chosen[row] = Some(column);
                free[column] = false;
                break;
            }
        }
    }
    for row in (0..expected.len()).filter(|row| expected[*row].is_none()) {
        if chosen[row].is_none()
            && let Some(column) = (0..actual.len()).find(|column| free[*column] && matches(row, *column))
        {
            chosen[row] = Some(column);
            free[column] = false;
        }
    }
    chosen
}

/// Pairs what [`assign`] left over, nearest first.
pub fn nearest(
    expected: &[usize],
    actual: &[usize],
    mut cost: impl FnMut(usize, usize) -> Option<u32>,
) -> Vec<(usize, usize)> {
    let mut candidates = Vec::new();
    if expected.len().saturating_mul(actual.len()) > TABLE {
        // What cannot be paired is not, however many there are.
        let by_position = expected.iter().copied().zip(actual.iter().copied());
        return by_position.filter(|(row, column)| cost(*row, *column).is_some()).collect();
    }
    for &row in expected {
        for &column in actual {
            if let Some(cost) = cost(row, column) {
                candidates.push((cost, row, column));
            }
        }
    }
    candidates.sort_unstable();
    let (mut rows, mut columns) = (std::collections::HashSet::new(), std::collections::HashSet::new());
    let mut pairs = Vec::new();
    for (_, row, column) in candidates {
        if !rows.contains(&row) && !columns.contains(&column) {
            rows.insert(row);
            columns.insert(column);
            pairs.push((row, column));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(expected: &str, actual: &str) -> String {
        let (left, right) = (expected.as_bytes(), actual.as_bytes());
        align(left.len(), right.len(), |i, j| Some(if left[i] == right[j] { 0 } else { 3 }), |_| ALONE)
            .into_iter()
            .map(|(i, j)| {
                let letter = |list: &[u8], at: Option<usize>| at.map_or('-', |at| char::from(list[at]));
                format!("{}{} ", letter(left, i), letter(right, j))
            })
            .collect()
    }

    #[test]
    fn one_missing_is_one_difference() {
        assert_eq!(letters("abcd", "acd"), "aa b- cc dd ");
        assert_eq!(letters("acd", "abcd"), "aa -b cc dd ");
        assert_eq!(letters("abcd", "abxd"), "aa bb cx dd ");
        assert_eq!(letters("", "ab"), "-a -b ");
        assert_eq!(letters("ab", ""), "a- b- ");
    }

    #[test]
    fn keys_find_what_trying_finds() {
        let expected = [Some(7), Some(8), None, Some(7), Some(9)];
        let actual = [8, 7, 5, 6, 7];
        let fits = |row: usize, column: usize| expected[row].is_none_or(|key| key == actual[column]);
        assert_eq!(assign_by_key(&expected, &actual, fits), [Some(1), Some(0), Some(2), Some(4), None]);
        assert_eq!(assign(5, 5, fits), [Some(1), Some(0), Some(2), Some(4), None]);
        assert_eq!(assign_by_key(&[Some(1), None], &[], |_, _| true), [None, None]);
    }

    #[test]
    fn assigns_all_that_can_be() {
        // 0 fits both, 1 fits only the first: a greedy choice would leave 1 alone.
        let fits = [[true, true, false], [true, false, false], [false, true, true]];
        let found = assign(3, 3, |row, column| fits[row][column]);
        assert_eq!(found, vec![Some(1), Some(0), Some(2)]);
        assert_eq!(assign(1, 0, |_, _| true), vec![None]);
        assert_eq!(assign(3, 2, |_, _| true).iter().flatten().count(), 2);
    }
}
