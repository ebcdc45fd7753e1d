//! Attributes label logits to components.
//!
//! The final norm's scale is the realised one, held fixed; with it, the label logits are a linear function of the
//! residual stream and thus a sum of contributions ("direct logit attribution"; Elhage et al. 2021, *A Mathematical
//! Framework for Transformer Circuits*; Chang et al. 2024, arXiv 2406.13131).
//!
//! A head's `d`-wide result is never computed: its output projection is multiplied once with the label rows of the
//! unembedding, and a head then costs `head_dim · Y` multiplications per example ([`LabelProjection`]).

mod collector;
mod hidden;
mod label_projection;
mod output_norms;
mod prepared;
mod stream_lens;
pub(crate) mod workers;

pub use collector::Collector;
pub(crate) use collector::{LabelLogits, final_scale};
pub use hidden::hidden_meta;
pub use label_projection::{LabelProjection, label_gram};
pub use prepared::{BatchSize, Prepared};
pub(crate) use stream_lens::StreamLens;

#[cfg(test)]
mod tests {
    use candle_core::Tensor;

    use super::*;
    use crate::{
        attribution::{Attribution, F32_TOLERANCE},
        cancel::Cancel,
        model::{LoadOptions, Model, Source},
    };

    fn model() -> Model {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models/llama-biased");
        Model::load(&Source::Folder(folder.into()), &LoadOptions::default()).unwrap()
    }

    /// Prompts of 3 to 17 tokens with a shared prefix of 2.
    fn prompts() -> Vec<Vec<u32>> {
        let token = |prompt: u32, at: u32| (prompt * 7919 + at * at * 31 + at * 13 + 5) % 97;
        (0..20)
            .map(|prompt| [1, 2].into_iter().chain((0..=prompt % 15).map(|at| token(prompt, at))).collect())
            .collect()
    }

    fn attribute(model: &Model, projection: &LabelProjection) -> Attribution {
        let (prompts, cancel) = (prompts(), Cancel::default());
        let prepared = Prepared::new(&model.decoder, projection, &prompts, &cancel).unwrap();
        assert_eq!(prepared.prefix_tokens(), 2);
        let mut table = Attribution::new(projection.shape(), vec![0; prompts.len()]);
        prepared.attribute(&prompts, BatchSize { tokens: 40 }, &cancel, |batch| table.push(&batch)).unwrap();
        table
    }

    #[test]
    fn contributions_and_rest_add_up_to_the_logits() {
        let model = model();
        let table = attribute(&model, &LabelProjection::new(&model.decoder, &[3, 50, 96]).unwrap());
        assert!(table.is_complete());
        assert!(table.exactness().holds(F32_TOLERANCE), "{:?}", table.exactness());
    }

    #[test]
    fn hidden_states_give_the_logits_and_the_contributions_of_heads() {
        let model = model();
        let projection = LabelProjection::new(&model.decoder, &[3, 50, 96]).unwrap();
        let (prompts, cancel, table) = (prompts(), Cancel::default(), attribute(&model, &projection));
        let prepared = Prepared::new(&model.decoder, &projection, &prompts, &cancel).unwrap();
        let mut values = Vec::new();
        let size = BatchSize { tokens: 40 };
        prepared.hidden(&prompts, size, &cancel, |(batch, _)| values.extend(batch)).unwrap();
        let meta = hidden_meta(&model.decoder).unwrap();
        let hidden = crate::hidden::Hidden { meta, values: [values, Vec::new()] };
        let split = crate::attribution::Split::Train;
        assert_eq!((hidden.len(split), meta.bytes(20)), (20, 4 * hidden.values[0].len()));
        let rows: Vec<Vec<f32>> = projection.label_rows.to_vec2().unwrap();
        let bias: Vec<f32> =
            projection.label_bias.as_ref().map_or_else(|| vec![0.0; 3], |bias| bias.to_vec1().unwrap());
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        for example in 0..20 {
            for label in 0..3 {
                let logit = dot(&rows[label], hidden.state(split, example)) + f64::from(bias[label]);
                let full = f64::from(table.full()[example * 3 + label]);
                assert!((logit * model.decoder.logit_scale - full).abs() < 1e-4, "{logit} {full}");
            }
            // Contributions of heads are `P z` times the final norm's scale, one number per example.
            let mut scale = None;
            for head in 0..meta.layers * meta.heads {
                let (layer, own) = (head / meta.heads, head % meta.heads);
                let p: Vec<Vec<f32>> = projection.heads[layer].get(own).unwrap().to_vec2().unwrap();
                let component = crate::component::Component::head(layer, own);
                let contributions = table.contribution_of(component).unwrap();
                for (label, p) in p.iter().enumerate() {
                    let (pz, real) = (dot(p, hidden.z(split, example, head)), contributions[example * 3 + label]);
                    let scale = *scale.get_or_insert(f64::from(real) / pz);
                    assert!((pz * scale - f64::from(real)).abs() < 1e-4, "{component} {pz} {real}");
                }
            }
        }
    }

    #[test]
    fn bytes_do_not_depend_on_batches_or_threads() {
        let model = model();
        let projection = LabelProjection::new(&model.decoder, &[3, 50, 96]).unwrap();
        let (prompts, cancel) = (prompts(), Cancel::default());
        let bytes = |threads: usize, tokens: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let prepared = Prepared::new(&model.decoder, &projection, &prompts, &cancel).unwrap();
                let mut table = Attribution::new(projection.shape(), vec![0; prompts.len()]);
                prepared.attribute(&prompts, BatchSize { tokens }, &cancel, |batch| table.push(&batch)).unwrap();
                let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                let whole = table.batch(0..table.len());
                (bits(&whole.components), bits(&whole.rest), bits(&whole.full))
            })
        };
        let once = bytes(1, 10_000);
        for (threads, tokens) in [(1, 1), (1, 40), (2, 40), (3, 10_000), (7, 17)] {
            assert!(bytes(threads, tokens) == once, "{threads} threads, batches of {tokens} tokens");
        }
    }

    #[test]
    fn a_corrupted_projection_makes_exactness_fail() {
        let model = model();
        let mut projection = LabelProjection::new(&model.decoder, &[3, 50, 96]).unwrap();
        let mut values: Vec<f32> = projection.heads[1].flatten_all().unwrap().to_vec1().unwrap();
        values[10] += 0.5;
        projection.heads[1] = Tensor::from_vec(values, projection.heads[1].shape(), model.decoder.device()).unwrap();
        let exactness = attribute(&model, &projection).exactness();
        assert!(!exactness.holds(F32_TOLERANCE), "{exactness:?}");
    }

    #[test]
    fn a_cancelled_attribution_stops() {
        let model = model();
        let projection = LabelProjection::new(&model.decoder, &[3, 50]).unwrap();
        let cancel = Cancel::default();
        let prompts = prompts();
        let prepared = Prepared::new(&model.decoder, &projection, &prompts, &cancel).unwrap();
        let mut batches = 0;
        let serial = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let outcome = serial.install(|| {
            prepared.attribute(&prompts, BatchSize { tokens: 1 }, &cancel, |_| {
                batches += 1;
                cancel.cancel();
            })
        });
        assert!(matches!(outcome, Err(crate::Error::Cancelled)));
        assert_eq!(batches, 1);
    }
}
