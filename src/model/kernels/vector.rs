//! Arithmetic on short slices, in forms that the compiler vectorises. All functions are inlined into callers that are
//! compiled for several instruction sets. `FUSED` selects fused multiply-add, which is slow on processors without it.

#![allow(clippy::inline_always, reason = "without inlining, functions are compiled for the baseline instruction set")]

/// Largest number of f32 values per vector instruction.
pub(in crate::model) const LANES: usize = 16;

/// Computes `a · b + c`.
#[inline(always)]
pub(in crate::model) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Computes `a · x + sums` for the first [`LANES`] values of `x`.
#[inline(always)]
pub(in crate::model) fn add_scaled<const FUSED: bool>(a: f32, x: &[f32], sums: [f32; LANES]) -> [f32; LANES] {
    let (x, mut sums) = (&x[..LANES], sums);
    for lane in 0..LANES {
        sums[lane] = multiply_add::<FUSED>(a, x[lane], sums[lane]);
    }
    sums
}

/// Sums all lanes in a fixed order.
#[inline(always)]
pub(in crate::model) fn sum(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Sums `map(value)` over all values.
#[inline(always)]
pub(in crate::model) fn sum_of(values: &[f32], map: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let tail: f32 = chunks.remainder().iter().map(|&value| map(value)).sum();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += map(value);
        }
    }
    sum(lanes) + tail
}

/// Returns the largest value.
#[inline(always)]
pub(in crate::model) fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let tail = chunks.remainder().iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.iter().fold(tail, |a, &b| a.max(b))
}

/// Replaces every value `x` by `exp(x − largest)` and returns their sum.
#[inline(always)]
pub(in crate::model) fn exponentiate<const FUSED: bool>(values: &mut [f32], largest: f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let mut chunks = values.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *value = exp::<FUSED>(*value - largest);
            *lane += *value;
        }
    }
    let mut tail = 0.0;
    for value in chunks.into_remainder() {
        *value = exp::<FUSED>(*value - largest);
        tail += *value;
    }
    sum(lanes) + tail
}

/// Computes `eˣ` for `x ≤ 0`, to 2 units in the last place: splits the argument into a power of two and a remainder
/// below `ln 2 / 2`, where a polynomial is exact to rounding (Cody & Waite 1980). NaN stays NaN.
#[inline(always)]
#[allow(clippy::excessive_precision, clippy::inconsistent_digit_grouping)]
pub(in crate::model) fn exp<const FUSED: bool>(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it puts the rounded integer into the low bits
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = multiply_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let power = shifted - ROUND;
    let r = multiply_add::<FUSED>(power, -0.693_359_375, x);
    let r = multiply_add::<FUSED>(power, 2.121_944_4e-4, r);
    let p = 1.987_569_15e-4;
    let p = multiply_add::<FUSED>(p, r, 1.398_199_95e-3);
    let p = multiply_add::<FUSED>(p, r, 8.333_451_9e-3);
    let p = multiply_add::<FUSED>(p, r, 4.166_579_6e-2);
    let p = multiply_add::<FUSED>(p, r, 1.666_666_5e-1);
    let p = multiply_add::<FUSED>(p, r, 0.5);
    let y = multiply_add::<FUSED>(p, r * r, r) + 1.0;
    y * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// Computes `x · sigmoid(x)`.
#[inline(always)]
pub(in crate::model) fn silu<const FUSED: bool>(x: f32) -> f32 {
    let small = exp::<FUSED>(-x.abs());
    x * (if x < 0.0 { small } else { 1.0 }) / (1.0 + small)
}

/// Computes the hyperbolic tangent, to 3e-7.
#[inline(always)]
pub(in crate::model) fn tanh<const FUSED: bool>(x: f32) -> f32 {
    let small = exp::<FUSED>(-2.0 * x.abs());
    ((1.0 - small) / (1.0 + small)).copysign(x)
}

/// Computes GELU by its tanh approximation.
#[inline(always)]
pub(in crate::model) fn gelu_tanh<const FUSED: bool>(x: f32) -> f32 {
    const SCALE: f32 = 0.797_884_6; // √(2/π)
    0.5 * x * (1.0 + tanh::<FUSED>(SCALE * x * (1.0 + 0.044_715 * x * x)))
}

/// Computes GELU by the error function.
#[inline(always)]
pub(in crate::model) fn gelu_erf<const FUSED: bool>(x: f32) -> f32 {
    0.5 * x * (1.0 + erf::<FUSED>(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Computes the error function, to 5e-7, by the rational approximation and coefficients of Eigen and XLA.
#[inline(always)]
#[allow(clippy::excessive_precision, clippy::unreadable_literal)]
fn erf<const FUSED: bool>(x: f32) -> f32 {
    let x = if x > 4.0 { 4.0 } else { x };
    let x = if x < -4.0 { -4.0 } else { x };
    let y = x * x;
    let p = -2.72614225801306e-10;
    let p = multiply_add::<FUSED>(p, y, 2.77068142495902e-08);
    let p = multiply_add::<FUSED>(p, y, -2.10102402082508e-06);
    let p = multiply_add::<FUSED>(p, y, -5.69250639462346e-05);
    let p = multiply_add::<FUSED>(p, y, -7.34990630326855e-04);
    let p = multiply_add::<FUSED>(p, y, -2.95459980854025e-03);
    let p = multiply_add::<FUSED>(p, y, -1.60960333262415e-02);
    let q = -1.45660718464996e-05;
    let q = multiply_add::<FUSED>(q, y, -2.13374055278905e-04);
    let q = multiply_add::<FUSED>(q, y, -1.68282697438203e-03);
    let q = multiply_add::<FUSED>(q, y, -7.37332916720468e-03);
    let q = multiply_add::<FUSED>(q, y, -1.42647390514189e-02);
    x * p / q
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_exp<const FUSED: bool>() {
        for i in 0..87_000 {
            let x = -0.001 * i as f32;
            let (actual, expected) = (f64::from(exp::<FUSED>(x)), f64::from(x).exp());
            assert!((actual - expected).abs() <= 2.5e-7 * expected, "{x}: {actual} {expected}");
        }
        assert!((exp::<FUSED>(0.0) - 1.0).abs() < f32::EPSILON);
        assert!(exp::<FUSED>(f32::NAN).is_nan());
        assert!(exp::<FUSED>(f32::NEG_INFINITY) < 1e-37);
    }

    fn check_activations<const FUSED: bool>() {
        for i in -12_000..=12_000 {
            let x = 0.001 * i as f32;
            let x_f64 = f64::from(x);
            let inner = 0.797_884_560_802_865_4 * (x_f64 + 0.044_715 * x_f64.powi(3));
            let by_erf = 0.5 * x_f64 * (1.0 + libm::erf(x_f64 * std::f64::consts::FRAC_1_SQRT_2));
            for (name, actual, expected) in [
                ("silu", silu::<FUSED>(x), x_f64 / (1.0 + (-x_f64).exp())),
                ("tanh", tanh::<FUSED>(x), x_f64.tanh()),
                ("gelu_tanh", gelu_tanh::<FUSED>(x), 0.5 * x_f64 * (1.0 + inner.tanh())),
                ("gelu_erf", gelu_erf::<FUSED>(x), by_erf),
            ] {
                let tolerance = 5e-7 * x_f64.abs().max(1.0);
                assert!((f64::from(actual) - expected).abs() <= tolerance, "{name} {x}: {actual} {expected}");
            }
        }
        for activation in [silu::<FUSED>, tanh::<FUSED>, gelu_tanh::<FUSED>, gelu_erf::<FUSED>] {
            assert!(activation(f32::NAN).is_nan());
        }
    }

    #[test]
    fn functions_are_accurate_with_and_without_fused_multiply_add() {
        check_exp::<true>();
        check_exp::<false>();
        check_activations::<true>();
        check_activations::<false>();
    }

    #[test]
    fn sums_and_maxima_are_right_for_any_length() {
        for length in 0..70 {
            let values: Vec<f32> = (0..length).map(|i| ((i * 37) % 23) as f32 - 11.0).collect();
            assert!((sum_of(&values, |x| x) - values.iter().sum::<f32>()).abs() < 1e-3);
            assert_eq!(largest(&values).to_bits(), values.iter().copied().fold(f32::NEG_INFINITY, f32::max).to_bits());
        }
    }
}
