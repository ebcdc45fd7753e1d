//! Components that resemble a given one.

use super::column::AtlasColumn;
use crate::analysis::compare::ranks;

/// A component and how far it is from the given one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alike {
    /// Its index.
    pub index: usize,
    /// Mean distance of its ranks, as shares of all ranks: 0 if it has the same rank in every column.
    pub distance: f64,
}

/// Returns the other components, the most similar to the one at `index` first: by the mean distance of ranks over the
/// columns in which both have a value. Ranks make columns of different units comparable, and no outlier rules. Components
/// without a common column are left out.
pub fn alike(columns: &[AtlasColumn], index: usize) -> Vec<Alike> {
    let shares: Vec<Vec<Option<f64>>> = columns.iter().map(rank_shares).collect();
    let components = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    let distance = |other: usize| {
        let pairs = shares.iter().filter_map(|shares| Some((shares[index]?, shares[other]?)));
        let distances: Vec<f64> = pairs.map(|(own, other)| (own - other).abs()).collect();
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        (!distances.is_empty()).then_some(Alike { index: other, distance: mean })
    };
    let mut found: Vec<Alike> = (0..components).filter(|&other| other != index).filter_map(distance).collect();
    found.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.index.cmp(&b.index)));
    found
}

/// Returns the rank of every component that has a value, from 0 to 1.
fn rank_shares(column: &AtlasColumn) -> Vec<Option<f64>> {
    let present: Vec<(usize, f64)> = column.present().map(|(index, cell)| (index, cell.value)).collect();
    let values: Vec<f64> = present.iter().map(|(_, value)| *value).collect();
    let most = (values.len().max(2) - 1) as f64;
    let mut shares = vec![None; column.cells.len()];
    for (&(index, _), rank) in present.iter().zip(ranks(&values)) {
        shares[index] = Some((rank - 1.0) / most);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::atlas::column::Cell;

    #[test]
    fn the_nearest_has_similar_ranks_in_any_unit() {
        let column = |values: [f64; 4]| {
            AtlasColumn::new("", "", "", values.map(|value| Some(Cell { value, lo: value, hi: value })).to_vec())
        };
        let mut columns = vec![column([1.0, 2.0, 3.0, 4.0]), column([1e9, 3e9, 2e9, 9e12])];
        let found = alike(&columns, 3);
        assert_eq!(found.iter().map(|own| own.index).collect::<Vec<_>>(), [1, 2, 0]);
        assert!((found[0].distance - 0.5).abs() < 1e-12);
        columns[0].cells[1] = None;
        columns[1].cells[1] = None;
        assert!(alike(&columns, 3).iter().all(|own| own.index != 1), "nothing to compare with");
        assert!(alike(&[], 0).is_empty());
    }
}
