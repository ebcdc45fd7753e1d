//! The diverging colour map on terminals with 256 colours.
//!
//! The nearest of xterm's colours to every step would give runs of very different length and lightness that goes up and
//! down. Instead a few colours are chosen for each side, so that lightness is monotone and the steps are about equal.

use crate::color::{Lab, Rgb};

use super::color::indexed;

/// Colours of a side, with the neutral one.
pub(super) const COLORS: usize = 7;

/// Price of a step that is longer or shorter than the mean one, relative to that of a colour that is not the wanted one.
const UNEVEN: f64 = 0.5;

/// Least difference in lightness between two colours that follow each other.
const LIGHTER: f64 = 0.005;

/// Returns [`COLORS`] of xterm's colours along `side`, which runs from the neutral colour to an end.
pub(super) fn along(side: &[Rgb]) -> Vec<u8> {
    let wanted: Vec<Lab> = (0..COLORS).map(|step| side[step * (side.len() - 1) / (COLORS - 1)].lab()).collect();
    let steps = wanted.windows(2).map(|pair| pair[0].distance(pair[1]));
    let mean = steps.sum::<f64>() / (COLORS - 1) as f64;
    let rises = wanted[COLORS - 1].l > wanted[0].l;
    let colors: Vec<(u8, Lab)> = (16..=255).map(|index| (index, indexed(index).lab())).collect();
    let follows = |a: Lab, b: Lab| if rises { b.l > a.l + LIGHTER } else { b.l < a.l - LIGHTER };
    let nearest = (0..colors.len()).min_by(|&a, &b| {
        let distance = |at: usize| colors[at].1.distance(wanted[0]);
        distance(a).total_cmp(&distance(b))
    });
    // The cheapest way to every colour, as its price and the colours on it; it starts with the neutral one.
    let mut ways: Vec<Option<(f64, Vec<usize>)>> = vec![None; colors.len()];
    if let Some(neutral) = nearest {
        ways[neutral] = Some((0.0, vec![neutral]));
    }
    for wanted in &wanted[1..] {
        ways = (0..colors.len())
            .map(|to| {
                let own = colors[to].1;
                let before = ways.iter().flatten().filter_map(|(price, way)| {
                    let last = colors[*way.last()?].1;
                    let uneven = (last.distance(own) - mean).abs();
                    follows(last, own).then_some((price + UNEVEN * uneven + own.distance(*wanted), way))
                });
                let (price, way) = before.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
                Some((price, [way.as_slice(), &[to]].concat()))
            })
            .collect();
    }
    let best = ways.into_iter().flatten().min_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map_or_else(Vec::new, |(_, way)| way.into_iter().map(|at| colors[at].0).collect())
}
