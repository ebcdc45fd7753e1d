//! The arithmetic operations that an attribution needs at least.

use crate::{
    error::Result,
    model::{
        Decoder,
        layer::Layer,
        layers::Linear,
        mlp::{FeedForward, Mlp},
    },
};

/// Returns the floating-point operations needed to attribute suffixes of `lengths` tokens after a shared prefix of
/// `shared` tokens: matrix products and attention, with the prefix computed once and only last tokens in the last
/// layer. A multiply-add counts as two; norms, rotary embeddings and softmax are not counted.
pub(super) fn operations(decoder: &Decoder, shared: usize, lengths: &[usize]) -> Result<f64> {
    let (tokens, prompts) = (lengths.iter().sum::<usize>(), lengths.len());
    // Query-key pairs: every suffix token attends to the prefix, the tokens before it in its suffix, and itself.
    let pairs: usize = lengths.iter().map(|&t| t * shared + t * (t + 1) / 2).sum();
    let last_pairs: usize = lengths.iter().map(|&t| shared + t).sum();
    let prefix_pairs = shared * (shared + 1) / 2;
    let mut total = 0.0;
    for (index, layer) in decoder.layers.iter().enumerate() {
        let Weights { key_value, others, per_pair } = weights(layer)?;
        let last = index + 1 == decoder.layers.len();
        let (rows, pairs) = if last { (prompts, last_pairs) } else { (tokens + shared, pairs + prefix_pairs) };
        total += 2.0 * ((tokens + shared) as f64 * key_value + rows as f64 * others + pairs as f64 * per_pair);
    }
    Ok(total)
}

/// Multiplications in one layer.
struct Weights {
    /// Per key and value token.
    key_value: f64,
    /// Per query token.
    others: f64,
    /// Per query-key pair.
    per_pair: f64,
}

fn weights(layer: &Layer) -> Result<Weights> {
    let attention = &layer.attention;
    let mlp = match &layer.mlp {
        Mlp::Dense(map) => feed_forward(map)?,
        Mlp::Mixture(mixture) => size(&mixture.router)? + mixture.chosen as f64 * feed_forward(&mixture.experts[0])?,
    };
    Ok(Weights {
        key_value: size(&attention.key)? + size(&attention.value)?,
        others: size(&attention.query)? + size(&attention.output)? + mlp,
        per_pair: 2.0 * (attention.heads * attention.head_dim) as f64,
    })
}

fn feed_forward(map: &FeedForward) -> Result<f64> {
    let gate = map.gate.as_ref().map_or(Ok(0.0), size)?;
    Ok(gate + size(&map.up)? + size(&map.down)?)
}

fn size(linear: &Linear) -> Result<f64> {
    let (rows, columns) = linear.weight.shape()?;
    Ok(rows as f64 * columns as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LoadOptions, Model, Source};

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 0.5, "{a} {b}");
    }

    #[test]
    fn operations_on_the_demo_match_hand_computation() {
        let decoder = Model::load(&Source::Demo, &LoadOptions::default()).unwrap().decoder;
        let layers = decoder.layers.len() as f64;
        let first = weights(&decoder.layers[0]).unwrap();
        let width = decoder.width().unwrap() as f64;
        let Mlp::Dense(map) = &decoder.layers[0].mlp else { panic!("the demo is dense") };
        let inner = map.up.weight.shape().unwrap().0 as f64;
        let heads = (decoder.layers[0].attention.heads * decoder.layers[0].attention.head_dim) as f64;
        let keys = (decoder.layers[0].attention.kv_heads * decoder.layers[0].attention.head_dim) as f64;
        close(first.key_value, 2.0 * width * keys);
        close(first.others, 2.0 * width * heads + 3.0 * width * inner);
        // One prompt of one token without a prefix: every product once, one pair per layer.
        let once = operations(&decoder, 0, &[1]).unwrap();
        close(once, 2.0 * layers * (first.key_value + first.others + 2.0 * heads));
        // A second token adds no query, output or MLP operations in the last layer.
        let more = operations(&decoder, 0, &[2]).unwrap() - once;
        let pairs = 2.0 * (layers - 1.0) + 1.0;
        close(more, 2.0 * (layers * first.key_value + (layers - 1.0) * first.others + pairs * 2.0 * heads));
    }
}
