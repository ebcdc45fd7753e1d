//! Tests that the themes work with colour vision deficiencies.
//!
//! Simulation after Machado, Oliveira and Fernandes, 2009, at full severity; distances are in OKLab.

use ratatui::style::Color;

use crate::color::{Lab, Rgb};

use super::{
    color::Depth,
    theme::{Role, Theme},
};

/// Matrices on linear RGB: normal vision, and without the long, the medium and the short cones.
const EYES: [(&str, [[f64; 3]; 3]); 4] = [
    ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deuteranopia",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "tritanopia",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

/// Returns a colour as seen with this vision.
fn seen(color: Color, eye: &[[f64; 3]; 3]) -> Lab {
    let Color::Rgb(r, g, b) = color else { panic!("{color} is not an RGB colour") };
    let linear = |byte: u8| {
        let c = f64::from(byte) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    let byte = |linear: f64| {
        let c = linear.clamp(0.0, 1.0);
        let c = if c <= 0.003_130_8 { c * 12.92 } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
        (c * 255.0).round() as u8
    };
    let light = [r, g, b].map(linear);
    let [r, g, b] = eye.map(|row| byte(row.iter().zip(light).map(|(weight, value)| weight * value).sum()));
    Rgb(r, g, b).lab()
}

#[test]
fn the_map_is_legible_with_every_vision() {
    for (theme, (name, eye)) in
        Theme::built_in(Depth::True).unwrap().iter().flat_map(|t| EYES.iter().map(move |e| (t, e)))
    {
        let at = |place: f64| seen(theme.ramp.color(place).unwrap(), eye);
        for sign in [-1.0, 1.0] {
            let side: Vec<Lab> = (0..=16).map(|step| at(sign * f64::from(step) / 16.0)).collect();
            let rises = side.windows(2).filter(|pair| pair[1].l > pair[0].l).count();
            assert!([0, 16].contains(&rises), "{} to {name}: lightness is not monotone", theme.name);
            let steps: Vec<f64> = side.windows(2).map(|pair| pair[0].distance(pair[1])).collect();
            let mean = steps.iter().sum::<f64>() / 16.0;
            assert!(steps.iter().all(|step| (0.5..1.7).contains(&(step / mean))), "{} to {name}", theme.name);
        }
        for (place, least) in [(0.25, 0.1), (0.5, 0.18), (1.0, 0.19)] {
            let apart = at(-place).distance(at(place));
            assert!(apart > least, "{} to {name}: the sides are {apart:.3} apart at {place}", theme.name);
        }
    }
}

#[test]
fn kinds_are_distinct_with_every_vision() {
    let kinds = [Role::Good, Role::Bad, Role::Biased];
    for (theme, (name, eye)) in
        Theme::built_in(Depth::True).unwrap().iter().flat_map(|t| EYES.iter().map(move |e| (t, e)))
    {
        let apart = |a: Role, b: Role| seen(theme.color(a), eye).distance(seen(theme.color(b), eye));
        for (index, &a) in kinds.iter().enumerate() {
            for &b in &kinds[index + 1..] {
                assert!(apart(a, b) > 0.08, "{} to {name}: {a:?} and {b:?} are {:.3} apart", theme.name, apart(a, b));
            }
            for b in [Role::Accent, Role::Alarm] {
                assert!(apart(a, b) > 0.045, "{} to {name}: {a:?} and {b:?} are {:.3} apart", theme.name, apart(a, b));
            }
        }
    }
}
