//! Rank correlations between the columns of the atlas.

use serde::Serialize;

use super::column::AtlasColumn;
use crate::analysis::{compare::spearman, intervals::Z95};

/// Spearman's ρ between all pairs of columns, over the components that have both values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorrelationMatrix {
    /// Names of the columns that have values.
    pub columns: Vec<String>,
    /// ρ of each pair; null where it is undefined.
    pub spearman: Vec<Vec<Option<f64>>>,
    /// Lower ends of the 95% intervals ([`interval`]).
    pub lo: Vec<Vec<Option<f64>>>,
    /// Upper ends of the 95% intervals.
    pub hi: Vec<Vec<Option<f64>>>,
    /// Number of components with both values.
    pub n: Vec<Vec<usize>>,
}

/// Correlates all columns that have values.
pub fn correlations(columns: &[AtlasColumn]) -> CorrelationMatrix {
    let present: Vec<&AtlasColumn> = columns.iter().filter(|column| column.meta.absent.is_none()).collect();
    let pairs = |of: fn(&[f64], &[f64]) -> Option<f64>| -> Vec<Vec<Option<f64>>> {
        let row = |a: &&AtlasColumn| present.iter().map(|b| paired(a, b)).map(|(a, b)| of(&a, &b)).collect();
        present.iter().map(row).collect()
    };
    CorrelationMatrix {
        columns: present.iter().map(|column| column.meta.name.clone()).collect(),
        spearman: pairs(spearman),
        lo: pairs(|a, b| Some(interval(spearman(a, b)?, a.len())?.0)),
        hi: pairs(|a, b| Some(interval(spearman(a, b)?, a.len())?.1)),
        n: present.iter().map(|a| present.iter().map(|b| paired(a, b).0.len()).collect()).collect(),
    }
}

/// Returns the values of both columns for the components that have both.
pub fn paired(a: &AtlasColumn, b: &AtlasColumn) -> (Vec<f64>, Vec<f64>) {
    a.cells.iter().zip(&b.cells).filter_map(|(a, b)| Some((a.as_ref()?.value, b.as_ref()?.value))).unzip()
}

/// Returns the 95% interval of Spearman's ρ of `n` pairs: Fisher's transformation with the variance `(1 + ρ²/2) / (n − 3)`
/// of Bonett & Wright (2000), *Sample size requirements for estimating Pearson, Kendall and Spearman correlations*. It takes
/// components as independent, which those of one layer are not, so it is rather too narrow. `None` with fewer than 4 pairs.
pub fn interval(rho: f64, n: usize) -> Option<(f64, f64)> {
    let freedom = n.checked_sub(3).filter(|&freedom| freedom > 0)?;
    let half = Z95 * ((1.0 + rho * rho / 2.0) / freedom as f64).sqrt();
    Some(((rho.atanh() - half).tanh(), (rho.atanh() + half).tanh()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::atlas::column::Cell;

    fn column(name: &str, values: &[Option<f64>]) -> AtlasColumn {
        let cell = |value: &Option<f64>| value.map(|value| Cell { value, lo: value, hi: value });
        AtlasColumn::new(name, "", "", values.iter().map(cell).collect())
    }

    #[test]
    fn columns_are_paired_where_both_have_values() {
        let a = column("a", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(Some));
        let b = column("b", &[Some(3.0), None, Some(1.0), Some(2.0), Some(9.0), Some(8.0)]);
        let matrix = correlations(&[a, AtlasColumn::absent("c", "", "", 6, "why"), b]);
        assert_eq!(matrix.columns, ["a", "b"]);
        assert_eq!(matrix.n, [[6, 5], [5, 5]]);
        // scipy.stats.spearmanr([1, 3, 4, 5, 6], [3, 1, 2, 9, 8]) = 0.6
        assert!((matrix.spearman[0][1].unwrap() - 0.6).abs() < 1e-12);
        assert_eq!(matrix.spearman[0][1], matrix.spearman[1][0]);
        assert_eq!(matrix.spearman[0][0], Some(1.0));
    }

    #[test]
    fn intervals_are_those_of_bonett_and_wright() {
        // By hand for ρ = 0.5 and n = 103: atanh 0.5 = 0.549306, half width 1.959964 · sqrt(1.125 / 100) = 0.207887.
        let (lo, hi) = interval(0.5, 103).unwrap();
        assert!((lo - (0.549_306_f64 - 0.207_887).tanh()).abs() < 1e-5, "{lo}");
        assert!((hi - (0.549_306_f64 + 0.207_887).tanh()).abs() < 1e-5, "{hi}");
        assert_eq!(interval(0.3, 3), None);
        assert_eq!(interval(1.0, 50), Some((1.0, 1.0)));
    }
}
