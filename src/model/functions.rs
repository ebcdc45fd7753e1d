//! Kinds of norms and activations.

/// Kind of norm, named by what it divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// Root mean square (Zhang & Sennrich 2019, arXiv 1910.07467).
    Rms,
    /// Standard deviation, after subtracting the mean (Ba et al. 2016, arXiv 1607.06450).
    Layer,
}

/// The non-linearity of an MLP.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `x · sigmoid(x)`.
    Silu,
    /// GELU by its tanh approximation (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// GELU by the error function (`gelu`).
    GeluErf,
    /// `max(x, 0)`.
    Relu,
    /// gpt-oss: `g · sigmoid(alpha · g) · (u + 1)` with `g = min(x, limit)` and the other input `u` within `±limit`.
    Clamped {
        /// Factor in the sigmoid.
        alpha: f32,
        /// Largest value of the gate, and largest magnitude of the other input.
        limit: f32,
    },
}
