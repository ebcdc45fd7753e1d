//! Computes the sample prompts with both programs and compares the results.

use candle_core::{Device, Tensor};
use serde_json::{Value, json};

use super::{
    differences::{self, Facts},
    families::{IMPLEMENTATIONS, Implementation},
    published::{Sizes, published},
    report::{CrossCheck, Explained},
    tensors::with_tensors,
};
use crate::{
    cancel::Cancel,
    catch_panic,
    doctor::{
        last_token::{LastToken, best, difference, last_token, magnitude},
        reference::TOLERANCE,
        sample_prompts,
        steps::{Observer, Step, each},
    },
    error::{InputError, Result},
    model::{
        Files, LoadOptions, Model, Source,
        family::choose,
        memory,
        weights::{Precision, Weights},
    },
    size::format_size,
};

/// Version of candle-transformers; a test compares it with Cargo.lock.
const VERSION: &str = "0.11.1";

/// A comparison, and this program's results once [`Comparison::keep`] has them.
pub(in crate::doctor) struct Comparison {
    family: &'static str,
    implementation: Option<&'static Implementation>,
    /// The model's own configuration.
    config: Value,
    /// The weights for the copy, rounded as this program rounds them.
    weights: Weights,
    prompts: Vec<Vec<u32>>,
    own: Vec<LastToken>,
    sizes: Option<Sizes>,
}

/// Differences between the results of two programs.
struct Deviation {
    max_rel: f64,
    hidden_max_rel: Option<f64>,
    top5_equal: usize,
}

/// What candle-transformers computes for a prompt.
struct Theirs {
    logits: Vec<f32>,
    hidden: Option<Vec<f32>>,
}

impl Comparison {
    /// Finds the implementation for the model with `files`, opened from `source`.
    ///
    /// # Errors
    /// If the copy of its weights does not fit in memory.
    pub(in crate::doctor) fn prepare(source: &Source, files: &Files, options: &LoadOptions) -> Result<Self> {
        let family = choose(files.config())?.name;
        let implementation = IMPLEMENTATIONS.iter().find(|known| known.family == family);
        let precision = files.precision(options.dtype, options.free_memory())?;
        let on_cpu = LoadOptions { device: Device::Cpu, ..options.clone() };
        let weights = source.open(&on_cpu)?.into_weights(on_cpu.free_memory())?;
        if implementation.is_some() {
            check_memory(memory::need(&weights, Precision::F32), on_cpu.free_memory())?;
        }
        Ok(Self {
            family,
            implementation,
            config: files.config().value().clone(),
            weights: weights.with_precision(precision),
            prompts: Vec::new(),
            own: Vec::new(),
            sizes: None,
        })
    }

    /// Computes and keeps the results of `model`.
    pub(in crate::doctor) fn keep(&mut self, model: &Model, observe: &mut Observer<'_>) -> Result<()> {
        let attention = &model.decoder.layers[0].attention;
        self.prompts = [sample_prompts::prompts(model)?, sample_prompts::random_prompts(model)?].concat();
        self.sizes = Some(Sizes {
            vocabulary: model.decoder.vocabulary()?,
            hidden: model.decoder.width()?,
            layers: model.decoder.layers.len(),
            heads: attention.heads,
            kv_heads: attention.kv_heads,
            head_dim: attention.head_dim,
            longest: self.longest(),
        });
        if self.implementation.is_some() {
            self.own = results(model, &self.prompts, observe)?;
        }
        Ok(())
    }

    /// Computes with candle-transformers and compares.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub(in crate::doctor) fn finish(
        self,
        source: &Source,
        options: &LoadOptions,
        observe: &mut Observer<'_>,
    ) -> Result<CrossCheck> {
        let (Some(implementation), Some(sizes)) = (self.implementation, self.sizes) else {
            return Ok(unknown(format!("candle-transformers {VERSION} has no implementation of {}", self.family)));
        };
        let tied = self.config.get("tie_word_embeddings").and_then(Value::as_bool);
        let tied = tied.unwrap_or_else(|| !self.weights.has("lm_head.weight"));
        let mut theirs = published(&self.config, self.family, sizes);
        theirs["tie_word_embeddings"] = json!(tied);
        let Some(fields) = theirs.as_object() else { return Ok(unknown(String::new())) };
        if let Some(why) = differences::incomparable(self.family, fields) {
            return Ok(unknown(format!("candle-transformers {VERSION} computes another model: {why}")));
        }
        let computed = with_tensors(&self.weights, implementation.embedding, tied, |tensors| {
            let compute = || compute(implementation, theirs.clone(), tensors, &self.prompts, observe);
            catch_panic::catch(compute).map_or_else(Err, |done| done.map_err(|error| error.to_string()))
        })?;
        let computed = match computed {
            Ok(computed) => computed,
            Err(problem) => {
                let problem = problem.lines().next().unwrap_or_default();
                let reason = format!("candle-transformers {VERSION} does not compute this variant: {problem}");
                return Ok(unknown(reason));
            }
        };
        let found = deviation(&self.own, &computed);
        let explained = if found.agrees(self.prompts.len()) {
            None
        } else {
            self.explain(source, options, &Facts { published: fields, sizes }, &computed, observe)?
        };
        Ok(CrossCheck {
            against: format!("candle-transformers {VERSION} ({})", implementation.module),
            max_rel: Some(found.max_rel),
            hidden_max_rel: found.hidden_max_rel,
            top5_equal: Some(found.top5_equal),
            prompts: self.prompts.len(),
            longest: sizes.longest,
            verdict: if found.agrees(self.prompts.len()) { "agrees" } else { "deviates" },
            explained,
            reason: None,
        })
    }

    /// Computes with this program once more, as candle-transformers is known to differ from the original.
    fn explain(
        &self,
        source: &Source,
        options: &LoadOptions,
        facts: &Facts<'_>,
        computed: &[Theirs],
        observe: &mut Observer<'_>,
    ) -> Result<Option<Explained>> {
        let known = differences::applying(self.family, facts);
        if known.is_empty() {
            return Ok(None);
        }
        let files = source.open(options)?;
        let adopted = differences::adopt(files.config().value(), &known, facts);
        let config = files.config().clone().with_value(adopted);
        let model = Model::from_files(source, files.with_config(config), options)?;
        let found = deviation(&results(&model, &self.prompts, observe)?, computed);
        let differences = known.iter().map(|known| known.what.to_owned()).collect();
        Ok(found.agrees(self.prompts.len()).then_some(Explained { differences, max_rel: found.max_rel }))
    }

    fn longest(&self) -> usize {
        self.prompts.iter().map(Vec::len).max().unwrap_or(0)
    }
}

fn unknown(reason: String) -> CrossCheck {
    CrossCheck {
        against: format!("candle-transformers {VERSION}"),
        max_rel: None,
        hidden_max_rel: None,
        top5_equal: None,
        prompts: 0,
        longest: 0,
        verdict: "unknown family",
        explained: None,
        reason: Some(reason),
    }
}

fn check_memory(need: u64, free: Option<u64>) -> Result<()> {
    let Some(free) = free.filter(|&free| need > free) else { return Ok(()) };
    let (need, free) = (format_size(need), format_size(free));
    let problem = format!("the copy of the weights in f32 takes about {need} of memory, but only {free} are free");
    let help = "free some memory, check a smaller model of the family, or use --reference";
    Err(InputError::new(problem).field("--cross-check").help(help).into())
}

fn results(model: &Model, prompts: &[Vec<u32>], observe: &mut Observer<'_>) -> Result<Vec<LastToken>> {
    each(prompts, "prompts of the cross-check", observe, |prompt| last_token(model, prompt, &Cancel::default()))
}

fn compute(
    implementation: &Implementation,
    config: Value,
    tensors: candle_nn::VarBuilder,
    prompts: &[Vec<u32>],
    observe: &mut Observer<'_>,
) -> candle_core::Result<Vec<Theirs>> {
    observe(Step::Stage("loading the copy for candle-transformers"));
    let forward = (implementation.build)(config, tensors)?;
    let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    let of_prompt = |prompt: &Vec<u32>| {
        let output = forward(&Tensor::from_slice(prompt, (1, prompt.len()), &Device::Cpu)?)?;
        Ok(Theirs { logits: values(&output.logits)?, hidden: output.hidden.as_ref().map(values).transpose()? })
    };
    each(prompts, "prompts by candle-transformers", observe, of_prompt)
}

fn deviation(own: &[LastToken], theirs: &[Theirs]) -> Deviation {
    let relative = |pairs: Vec<(&[f32], &[f32])>| {
        let worst = pairs.iter().map(|(own, theirs)| difference(own, theirs)).fold(0.0, f64::max);
        let largest = pairs.iter().map(|(_, theirs)| magnitude(theirs)).fold(f64::MIN_POSITIVE, f64::max);
        worst / largest
    };
    let pairs = || own.iter().zip(theirs);
    let hidden: Option<Vec<(&[f32], &[f32])>> =
        pairs().map(|(own, theirs)| Some((&own.hidden[..], theirs.hidden.as_deref()?))).collect();
    Deviation {
        max_rel: relative(pairs().map(|(own, theirs)| (&own.logits[..], &theirs.logits[..])).collect()),
        hidden_max_rel: hidden.map(relative),
        top5_equal: pairs().filter(|(own, theirs)| best(&own.logits) == best(&theirs.logits)).count(),
    }
}

impl Deviation {
    fn agrees(&self, prompts: usize) -> bool {
        self.max_rel <= TOLERANCE
            && self.hidden_max_rel.is_none_or(|hidden| hidden <= TOLERANCE)
            && self.top5_equal == prompts
    }
}

#[cfg(test)]
mod tests {
    /// The version is part of the report.
    #[test]
    fn the_version_is_that_of_the_dependency() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"candle-transformers\"\nversion = \"{}\"\n", super::VERSION)));
    }
}
