//! Comparison with values that another implementation computed for the same model, exported by `tools/export_reference.py`.
//!
//! A reference is a safetensors file: `tokens`, the ids of all prompts end to end; `lengths` per prompt; `logits` of each
//! prompt's last token, `[N, V]`; and, for the label tokens in `labels`, the contributions `heads` `[L, H, N, Y]`, `mlps`
//! `[L, N, Y]` and `rest` `[N, Y]`, which may be left out.

use std::path::Path;

use safetensors::{SafeTensors, tensor::Dtype};
use serde::Serialize;

use super::{
    last_token::{best, difference, last_token, magnitude},
    steps::{Observer, each},
};
use crate::{
    attribution::Attribution,
    bounded,
    cancel::Cancel,
    component::Shape,
    data_memory::check_json,
    decompose::{BatchSize, LabelProjection, Prepared},
    disk,
    error::{Error, InputError, Result},
    model::Model,
    size::format_size,
};

/// Largest deviation of a model in f32 that agrees, relative to the largest value.
pub(super) const TOLERANCE: f64 = 1e-4;

/// Deviation of a model from a reference.
#[derive(Clone, Debug, Serialize)]
pub struct Reference {
    /// What computed the values, as the file says.
    pub against: String,
    /// Number of prompts.
    pub prompts: usize,
    /// Largest difference of a logit over the whole vocabulary, relative to the largest logit.
    pub max_rel: f64,
    /// Number of prompts whose five best tokens are the same.
    pub top5_equal: usize,
    /// Deviation of the contributions, if the file has them.
    pub contributions: Option<Contributions>,
    /// `agrees` or `deviates`.
    pub verdict: &'static str,
}

/// Deviation of the contributions.
#[derive(Clone, Debug, Serialize)]
pub struct Contributions {
    /// Largest difference, relative to the component's largest contribution.
    pub max_rel: f64,
    /// Component with that difference.
    pub worst: String,
}

/// Values of a reference file.
struct Values {
    against: String,
    prompts: Vec<Vec<u32>>,
    labels: Vec<u32>,
    logits: Vec<f32>,
    /// Contributions of all components in the order of [`Shape`], then `rest`.
    contributions: Option<Vec<Vec<f32>>>,
}

/// Compares `model` with the values in the file at `path`.
///
/// # Errors
/// If the file is not a reference, or of a model of another shape.
pub(super) fn compare(model: &Model, path: &Path, observe: &mut Observer<'_>) -> Result<Reference> {
    let values = read(model, path)?;
    let (vocabulary, cancel) = (model.decoder.vocabulary()?, Cancel::default());
    let (mut worst, mut largest, mut top5_equal) = (0.0_f64, 0.0_f64, 0);
    let own = each(&values.prompts, "prompts of the reference", observe, |prompt| {
        Ok::<_, Error>(last_token(model, prompt, &cancel)?.logits)
    })?;
    for (found, expected) in own.iter().zip(values.logits.chunks_exact(vocabulary)) {
        worst = worst.max(difference(found, expected));
        largest = largest.max(magnitude(expected));
        top5_equal += usize::from(best(found) == best(expected));
    }
    let max_rel = worst / largest.max(f64::MIN_POSITIVE);
    let contributions = match &values.contributions {
        Some(expected) => Some(compare_contributions(model, &values, expected, &cancel)?),
        None => None,
    };
    let errors = [Some(max_rel), contributions.as_ref().map(|own| own.max_rel)];
    let agrees = top5_equal == values.prompts.len() && errors.into_iter().flatten().all(|error| error <= TOLERANCE);
    let (prompts, verdict) = (values.prompts.len(), if agrees { "agrees" } else { "deviates" });
    Ok(Reference { against: values.against, prompts, max_rel, top5_equal, contributions, verdict })
}

fn compare_contributions(
    model: &Model,
    values: &Values,
    expected: &[Vec<f32>],
    cancel: &Cancel,
) -> Result<Contributions> {
    let projection = LabelProjection::new(&model.decoder, &values.labels)?;
    let prepared = Prepared::new(&model.decoder, &projection, &values.prompts, cancel)?;
    let mut table = Attribution::new(projection.shape(), vec![0; values.prompts.len()]);
    prepared.attribute(&values.prompts, BatchSize::default(), cancel, |batch| table.push(&batch))?;
    let shape = projection.shape();
    let mut worst = Contributions { max_rel: 0.0, worst: "rest".to_owned() };
    for (index, expected) in expected.iter().enumerate() {
        let is_rest = index == shape.components();
        let found = if is_rest { table.rest() } else { table.contribution(index) };
        let max_rel = difference(found, expected) / magnitude(expected).max(f64::MIN_POSITIVE);
        if max_rel > worst.max_rel {
            let name = if is_rest { "rest".to_owned() } else { shape.component(index).to_string() };
            worst = Contributions { max_rel, worst: name };
        }
    }
    Ok(worst)
}

/// Checks that the JSON header of the safetensors file `bytes` takes no more memory than other JSON may.
fn check_header(bytes: &[u8]) -> Result<(), InputError> {
    let Some((length, rest)) = bytes.split_first_chunk() else { return Ok(()) };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    check_json(&rest[..length.min(rest.len())])
}

/// Reads a reference for `model`.
fn read(model: &Model, path: &Path) -> Result<Values> {
    let error = |field: &str, problem: String| {
        let help = "write it with tools/export_reference.py, from the same model";
        InputError::new(problem).path(path).field(field).help(help)
    };
    let limit = bounded::max_data()? / 2;
    let bytes = disk::read_up_to(path, limit)?.ok_or_else(|| {
        let help = format!("export fewer prompts, or raise the limit: {}=4GB", bounded::VARIABLE);
        InputError::new(format!("the file has more than {}", format_size(limit))).path(path).help(help)
    })?;
    check_header(&bytes).map_err(|problem| problem.path(path).field("header"))?;
    let invalid = |problem: safetensors::SafeTensorError| error("header", problem.to_string());
    let tensors = SafeTensors::deserialize(&bytes).map_err(invalid)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(invalid)?;
    let floats = |name: &str, shape: &[usize]| -> Result<Vec<f32>> {
        let tensor = tensors.tensor(name).map_err(|problem| error(name, problem.to_string()))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            let problem = format!("{:?} in {:?} is not f32 in {shape:?}", tensor.shape(), tensor.dtype());
            return Err(error(name, problem).into());
        }
        let values: Vec<f32> =
            tensor.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(error(name, format!("value {at} is {}, not a finite number", values[at])).into()),
            None => Ok(values),
        }
    };
    let vocabulary = model.decoder.vocabulary()?;
    let ids = |name: &str, most: usize| -> Result<Vec<u32>> {
        let tensor = tensors.tensor(name).map_err(|problem| error(name, problem.to_string()))?;
        if tensor.dtype() != Dtype::I64 || tensor.shape().len() != 1 {
            return Err(error(name, "the tensor is not a list of 64-bit integers".to_owned()).into());
        }
        let values = tensor.data().as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes));
        let checked = values.map(|value| u32::try_from(value).ok().filter(|&id| (id as usize) < most));
        let checked: Option<Vec<u32>> = checked.collect();
        checked.ok_or_else(|| error(name, format!("a value is not between 0 and {most}")).into())
    };
    let (tokens, lengths) = (ids("tokens", vocabulary)?, ids("lengths", model.decoder.context + 1)?);
    let total: usize = lengths.iter().map(|&length| length as usize).sum();
    if total != tokens.len() || lengths.is_empty() || lengths.contains(&0) {
        return Err(error("lengths", format!("they are not those of prompts of {} tokens", tokens.len())).into());
    }
    let mut rest = &tokens[..];
    let prompts: Vec<Vec<u32>> = lengths
        .iter()
        .map(|&length| {
            let (prompt, others) = rest.split_at(length as usize);
            rest = others;
            prompt.to_vec()
        })
        .collect();
    let count = prompts.len();
    let (labels, contributions) = if tensors.tensor("heads").is_ok() {
        let labels = ids("labels", vocabulary)?;
        let shape = Shape { layers: model.meta.layers, heads: model.meta.heads, labels: labels.len() };
        let heads = floats("heads", &[shape.layers, shape.heads, count, shape.labels])?;
        let mlps = floats("mlps", &[shape.layers, count, shape.labels])?;
        let rows = (count * shape.labels).max(1);
        let mut all = Vec::new();
        for (heads, mlp) in heads.chunks_exact(shape.heads * rows).zip(mlps.chunks_exact(rows)) {
            all.extend(heads.chunks_exact(rows).map(<[f32]>::to_vec));
            all.push(mlp.to_vec());
        }
        all.push(floats("rest", &[count, shape.labels])?);
        (labels, Some(all))
    } else {
        (Vec::new(), None)
    };
    let made = header.metadata().as_ref().and_then(|facts| facts.get("made_with").cloned());
    Ok(Values {
        against: made.unwrap_or_else(|| "an unnamed program".to_owned()),
        logits: floats("logits", &[count, vocabulary])?,
        prompts,
        labels,
        contributions,
    })
}
