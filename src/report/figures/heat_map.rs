//! Heat maps over components: one row per layer from bottom to top, with the heads and then the MLP.

use crate::{
    analysis::Kind,
    component::Shape,
    report::{
        style::{DIM, EMPTY, FAINT, INK, ink_on, kind_name, mark, shade},
        svg::{Anchor, Canvas},
    },
};

/// Data of a heat map.
#[derive(Clone, Debug)]
pub(in crate::report) struct HeatMap<'a> {
    /// Title above the map.
    pub(in crate::report) title: &'a str,
    /// Name of the values, above the legend.
    pub(in crate::report) unit: &'a str,
    /// One value per component, in the order of `shape`.
    pub(in crate::report) values: &'a [f64],
    /// Layers and heads.
    pub(in crate::report) shape: Shape,
    /// Values at the low end, the middle and the high end of the colour scale.
    pub(in crate::report) scale: (f64, f64, f64),
    /// Tooltips, one per component.
    pub(in crate::report) tips: &'a [String],
    /// Kinds to mark; empty for none.
    pub(in crate::report) kinds: &'a [Kind],
}

const LEFT: f64 = 46.0;
const TOP: f64 = 58.0;

impl HeatMap<'_> {
    /// Returns the size of a cell: larger for a smaller model, with a visible minimum.
    fn cell(&self) -> f64 {
        (640.0 / (self.shape.heads + 1) as f64).clamp(7.0, 34.0)
    }

    /// Maps `value` to the colour scale: −1 is its low end, 1 its high end.
    fn scaled(&self, value: f64) -> f64 {
        let (low, middle, high) = self.scale;
        let side = if value < middle { middle - low } else { high - middle };
        if side > 0.0 { (value - middle) / side } else { 0.0 }
    }
}

/// Draws a heat map.
pub(in crate::report) fn heat_map(map: &HeatMap<'_>) -> String {
    let (cell, Shape { layers, heads, .. }) = (map.cell(), map.shape);
    let gap = cell * 0.4;
    let (width, height) = (cell * (heads + 1) as f64 + gap, cell * layers as f64);
    let mut canvas = Canvas::new((LEFT + width + 150.0).max(460.0), TOP + height + 48.0);
    canvas.bold((LEFT, 24.0), 14.0, INK, Anchor::Start, map.title);
    for (index, component) in map.shape.iter().enumerate() {
        let (layer, column) = (index / (heads + 1), index % (heads + 1));
        let x = LEFT + column as f64 * cell + if column == heads { gap } else { 0.0 };
        let y = TOP + (layers - 1 - layer) as f64 * cell;
        let value = map.values[index];
        let color = if value.is_finite() { shade(map.scaled(value)).hex() } else { EMPTY.to_owned() };
        let tip = map.tips.get(index).cloned().unwrap_or_else(|| format!("{component}: {value:.3}"));
        canvas.rect((x, y), (cell - 1.0, cell - 1.0), &color, Some(&tip));
        if let Some(sign) = map.kinds.get(index).map(|&kind| mark(kind)).filter(|sign| !sign.is_empty() && cell >= 9.0)
        {
            let size = (cell * 0.38).min(11.0);
            let at = (x + cell / 2.0, y + cell / 2.0 + size * 0.36);
            canvas.text(at, size, ink_on(shade(map.scaled(value))), Anchor::Middle, sign);
        }
    }
    rulers(&mut canvas, map, cell, gap);
    legend(&mut canvas, map, LEFT + width + 26.0, height.max(96.0));
    canvas.finish()
}

fn rulers(canvas: &mut Canvas, map: &HeatMap<'_>, cell: f64, gap: f64) {
    let Shape { layers, heads, .. } = map.shape;
    let every = |count: usize| [1, 2, 4, 8, 16].into_iter().find(|n| count / n <= 16 || *n == 16).unwrap_or(16);
    for layer in (0..layers).step_by(every(layers)) {
        let y = TOP + (layers - 1 - layer) as f64 * cell + cell / 2.0 + 4.0;
        canvas.text((LEFT - 8.0, y), 11.0, DIM, Anchor::End, &format!("L{layer}"));
    }
    let below = TOP + layers as f64 * cell + 16.0;
    for head in (0..heads).step_by(every(heads)) {
        canvas.text((LEFT + (head as f64 + 0.5) * cell, below), 11.0, DIM, Anchor::Middle, &format!("H{head}"));
    }
    canvas.text((LEFT + (heads as f64 + 0.5) * cell + gap, below), 11.0, DIM, Anchor::Middle, "MLP");
}

fn legend(canvas: &mut Canvas, map: &HeatMap<'_>, x: f64, height: f64) {
    let (low, middle, high) = map.scale;
    let (steps, bar) = (48, height.min(180.0) - 16.0);
    canvas.text((x, TOP - 10.0), 11.0, DIM, Anchor::Start, map.unit);
    for step in 0..steps {
        let position = 1.0 - 2.0 * (f64::from(step) + 0.5) / f64::from(steps);
        let y = TOP + bar * f64::from(step) / f64::from(steps);
        canvas.rect((x, y), (14.0, bar / f64::from(steps) + 0.5), &shade(position).hex(), None);
    }
    for (value, share) in [(high, 0.0), (middle, 0.5), (low, 1.0)] {
        let y = TOP + bar * share;
        canvas.line((x + 14.0, y), (x + 19.0, y), FAINT, 1.0);
        canvas.text((x + 23.0, y + 4.0), 11.0, DIM, Anchor::Start, &format!("{value:.2}"));
    }
    if !map.kinds.is_empty() {
        for (line, kind) in [Kind::Good, Kind::Bad, Kind::LabelBiased].into_iter().enumerate() {
            let count = map.kinds.iter().filter(|&&k| k == kind).count();
            let words = format!("{} {} ({count})", mark(kind), kind_name(kind));
            canvas.text((x, TOP + bar + 22.0 + 15.0 * line as f64), 11.0, DIM, Anchor::Start, &words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_has_a_cell_with_the_colour_of_its_value() {
        let shape = Shape { layers: 2, heads: 3, labels: 2 };
        let values = [0.5, 1.0, 0.0, 0.5, 0.5, 0.5, 0.5, f64::NAN];
        let tips: Vec<String> = shape.iter().map(|component| format!("tip of {component}")).collect();
        let kinds = [
            Kind::Neutral,
            Kind::Good,
            Kind::Bad,
            Kind::LabelBiased,
            Kind::Neutral,
            Kind::Neutral,
            Kind::Neutral,
            Kind::Neutral,
        ];
        let map = HeatMap {
            title: "t",
            unit: "accuracy",
            values: &values,
            shape,
            scale: (0.0, 0.5, 1.0),
            tips: &tips,
            kinds: &kinds,
        };
        let svg = heat_map(&map);
        for (tip, position) in [("L0.H1", 1.0), ("L0.H2", -1.0), ("L1.H0", 0.0)] {
            let cell = svg.lines().find(|line| line.contains(&format!("tip of {tip}<"))).unwrap();
            assert!(cell.contains(&shade(position).hex()), "{cell}");
        }
        assert_eq!(svg.matches("tip of ").count(), 8);
        for words in ["▲ good (1)", "▼ bad (1)", "■ label-biased (1)"] {
            assert!(svg.contains(words), "{words}");
        }
    }
}
