//! Weights files: a fitted mix with the model, task and prompts that it belongs to.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    analysis::{method::Method, mix::Mix, reweight::Fit},
    attribution::WordClasses,
    component::{Component, Shape},
    data_memory::check_json,
    error::{InputError, Result},
    request::{Bos, Demonstration, Demos, Overflow, Prompting, RunRequest},
    run::{ModelMeta, PromptMeta, RunMeta, TaskMeta},
    text::list,
};

/// Version of the file format.
pub const SCHEMA: u32 = 1;

/// Keys of the mix itself, which may be edited; all others tell where it comes from.
const MIX_KEYS: [&str; 5] = ["method", "lambda", "rest", "offsets", "weights"];

/// Largest absolute value of a weight or an offset: with it every logit of a mix is finite.
const MOST_WEIGHT: f64 = 1e30;

/// A weights file, as `fit -o weights.json` writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightsFile {
    /// Version of the file format ([`SCHEMA`]).
    pub schema: u32,
    /// BLAKE3 of what the mix was fitted for: all keys but this one, `method`, `lambda`, `rest`, `offsets` and `weights`,
    /// as JSON without spaces and with sorted keys, in hexadecimal. [`parse`](Self::parse) checks it and
    /// [`to_text`](Self::to_text) writes it; files of older versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_checksum: Option<String>,
    /// BLAKE3 of the model's weight files.
    pub model_hash: String,
    /// Name of the task.
    pub task: String,
    /// Name of the template.
    pub template: String,
    /// Hash of what the template adds to prompts ([`TaskMeta::template_hash`]); empty in older files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub template_hash: String,
    /// Ids of the demonstrations in the prompts, in order.
    pub demo_ids: Vec<String>,
    /// The demonstrations themselves, in order.
    #[serde(default)]
    pub demos: Vec<Demonstration>,
    /// The request of the run that the mix was fitted on.
    #[serde(default)]
    pub request: Option<RunRequest>,
    /// Label words.
    pub label_words: Vec<String>,
    /// Token ids of the label words.
    pub label_tokens: Vec<u32>,
    /// The class of every label word and the rule for class logits; `None` if every class has one word, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word_classes: Option<WordClasses>,
    /// Method that fitted the weights.
    pub method: Method,
    /// Strength of the method's penalty.
    pub lambda: f64,
    /// Weight of `rest`.
    pub rest: f64,
    /// Offsets added to the label logits, in the order of the classes; empty if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<f64>,
    /// Weights by component.
    #[serde(deserialize_with = "each_component_once")]
    pub weights: BTreeMap<Component, f64>,
}

/// Reads weights by component; an error if a component has two.
fn each_component_once<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Component, f64>, D::Error> {
    struct Weights;

    impl<'de> Visitor<'de> for Weights {
        type Value = BTreeMap<Component, f64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a weight by component")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut weights = BTreeMap::new();
            while let Some((component, weight)) = entries.next_entry::<Component, f64>()? {
                if weights.insert(component, weight).is_some() {
                    return Err(serde::de::Error::custom(format!("{component} has two weights")));
                }
            }
            Ok(weights)
        }
    }

    from.deserialize_map(Weights)
}

impl WeightsFile {
    /// Creates the weights file of a fit on a run.
    pub fn new(fit: &Fit, meta: &RunMeta) -> Self {
        let made = (&meta.model, &meta.task, &meta.prompt, meta.request.as_ref());
        Self::from_mix(&fit.mix, (fit.method, fit.lambda), made)
    }

    /// Creates the weights file of any mix of a run, given its method and the strength of the method's penalty.
    pub fn from_mix(
        mix: &Mix,
        (method, lambda): (Method, f64),
        (model, task, prompt, request): (&ModelMeta, &TaskMeta, &PromptMeta, Option<&RunRequest>),
    ) -> Self {
        Self {
            schema: SCHEMA,
            origin_checksum: None,
            model_hash: model.weights_hash.clone(),
            task: task.name.clone(),
            template: task.template.clone(),
            template_hash: task.template_hash.clone(),
            demo_ids: prompt.demo_ids.clone(),
            demos: prompt.demos.clone(),
            request: request.cloned().map(|request| {
                // Older versions added special tokens to every text, and their requests do not say so.
                let bos = prompt.bos.unwrap_or(Bos::Always);
                RunRequest { prompting: Prompting { bos, ..request.prompting }, ..request }
            }),
            label_words: task.label_words.clone(),
            label_tokens: task.label_tokens.clone(),
            word_classes: task.word_classes.clone(),
            method,
            lambda,
            rest: mix.rest,
            offsets: mix.offsets.clone(),
            weights: weights_by_component(mix, shape_of(model, task)),
        }
    }

    /// Parses the text of a weights file.
    ///
    /// # Errors
    /// If the text is not a weights file, has another version, has weights or offsets that are too large, or what the mix
    /// was fitted for has changed since it was written.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |problem: String| InputError::new(problem).help("write the file again with `partscope fit -o`");
        check_json(text.as_bytes())?;
        let file: Self =
            serde_json::from_str(text).map_err(|error| bad(format!("this is not a weights file: {error}")))?;
        if file.schema != SCHEMA {
            return Err(bad(format!(
                "weights files of version {} are not supported, only version {SCHEMA}",
                file.schema
            ))
            .into());
        }
        if file.origin_checksum.as_ref().is_some_and(|expected| origin_checksum(text) != *expected) {
            let problem = "a key that says what the weights were fitted for has changed since the file was written";
            return Err(bad(problem.to_owned()).field("origin_checksum").into());
        }
        let (words, tokens) = (file.label_words.len(), file.label_tokens.len());
        if words < 2 || words != tokens {
            return Err(bad(format!("the file has {words} label words and {tokens} label tokens")).into());
        }
        let labels = file.word_classes.as_ref().map_or(words, WordClasses::count);
        if let Some(classes) = file.word_classes.as_ref().filter(|classes| classes.words() != words) {
            return Err(
                bad(format!("the file has classes of {} words for {words} label words", classes.words())).into()
            );
        }
        let ids = || file.demos.iter().map(|demo| &demo.id);
        if !file.demos.is_empty() && !ids().eq(&file.demo_ids) {
            return Err(bad("`demos` and `demo_ids` name other demonstrations, or in another order".into()).into());
        }
        let numbers = file.weights.iter().map(|(component, &weight)| (format!("the weight of {component}"), weight));
        let rest = std::iter::once(("the weight of rest".to_owned(), file.rest));
        let offsets = file.offsets.iter().enumerate().map(|(at, &offset)| (format!("offset {at}"), offset));
        if let Some((name, number)) = numbers.chain(rest).chain(offsets).find(|(_, number)| !is_in_range(*number)) {
            return Err(bad(format!("{name} is {number:e}; numbers up to ±{MOST_WEIGHT:e} are read")).into());
        }
        if file.weights.is_empty() {
            return Err(bad("the file has no weights".into()).into());
        }
        if ![0, labels].contains(&file.offsets.len()) {
            let (offsets, of) = (file.offsets.len(), file.word_classes.as_ref().map_or("label words", |_| "classes"));
            return Err(bad(format!("the file has {offsets} offsets for {labels} {of}")).into());
        }
        Ok(file)
    }

    /// Returns the text of the file, with its `origin_checksum`.
    pub fn to_text(&self) -> String {
        let text = |file: &Self| serde_json::to_string_pretty(file).unwrap_or_default() + "\n";
        text(&Self { origin_checksum: Some(origin_checksum(&text(self))), ..self.clone() })
    }

    /// Returns the request for the prompts that the mix was fitted on, with listed demonstrations and no training
    /// examples.
    pub fn prompts(&self) -> RunRequest {
        let demos = if self.demos.is_empty() {
            self.demo_ids.iter().map(Demonstration::of_pool).collect()
        } else {
            self.demos.clone()
        };
        let request =
            self.request.clone().unwrap_or_else(|| RunRequest { task: self.task.clone(), ..RunRequest::default() });
        let mut prompting = request.prompting;
        if prompting.on_overflow == Overflow::Skip {
            // Every text that is to be labelled gets a label, or an error.
            prompting.on_overflow = Overflow::Error;
        }
        RunRequest {
            prompting,
            template: Some(self.template.clone()),
            train_examples: 0,
            limit: None,
            selection: None,
            demos: Demos::Listed(demos),
            loo: false,
            ..request
        }
    }

    /// Returns the mix for this model and task.
    ///
    /// # Errors
    /// If the file belongs to another model, task or set of label words, or its weights do not name exactly the model's
    /// components.
    pub fn mix(&self, model: &ModelMeta, task: &TaskMeta) -> Result<Mix> {
        self.check_origin(model, task)?;
        let shape = shape_of(model, task);
        let unknown: Vec<String> =
            self.weights.keys().filter(|c| shape.index(**c).is_none()).map(ToString::to_string).collect();
        if !unknown.is_empty() {
            let problem = format!("the model has no component {}", list(unknown.iter().take(5)));
            return Err(InputError::new(problem).field("weights").help("fit weights for this model").into());
        }
        let weight = |component: Component| {
            let missing = || InputError::new(format!("{component} has no weight")).field("weights");
            self.weights.get(&component).copied().ok_or_else(|| missing().help("fit weights for this model").into())
        };
        Ok(Mix {
            weights: shape.iter().map(weight).collect::<Result<_>>()?,
            rest: self.rest,
            offsets: self.offsets.clone(),
        })
    }

    /// Checks that the template with `hash` is the one that the weights were fitted with, as far as the file tells.
    ///
    /// # Errors
    /// If the template has changed: its prompts are then not those that the weights are for.
    pub fn check_template(&self, hash: &str) -> Result<()> {
        if self.template_hash.is_empty() || self.template_hash == hash {
            return Ok(());
        }
        let problem = format!("the template `{}` has changed since the weights were fitted", self.template);
        let help = "restore the template, or run and fit again";
        Err(InputError::new(problem).field("template").help(help).into())
    }

    fn check_origin(&self, model: &ModelMeta, task: &TaskMeta) -> Result<()> {
        let refuse =
            |field: &str, problem: String, help: &str| Err(InputError::new(problem).field(field).help(help).into());
        if self.model_hash != model.weights_hash {
            let problem = format!("these weights were fitted on another model, not {}", model.id);
            return refuse("model_hash", problem, "use the model they were fitted on, or fit again");
        }
        if self.task != task.name {
            let problem = format!("these weights were fitted for task {}, not {}", self.task, task.name);
            return refuse("task", problem, "use the task they were fitted for, or fit again");
        }
        if self.label_words == task.label_words && self.label_tokens != task.label_tokens {
            let [theirs, ours] =
                [&self.label_tokens, &task.label_tokens].map(|ids| list(ids.iter().map(u32::to_string)));
            let problem = format!("these weights were fitted for the label tokens {theirs}, not {ours}");
            return refuse("label_tokens", problem, "use the template they were fitted for, or fit again");
        }
        if self.label_words != task.label_words {
            let (theirs, ours) = (list(&self.label_words), list(&task.label_words));
            let problem = format!("these weights were fitted for the labels {theirs}, not {ours}");
            return refuse("label_words", problem, "use the template they were fitted for, or fit again");
        }
        let scored = |classes: Option<&WordClasses>| classes.map(|own| (own.of_word().to_vec(), own.class_logit()));
        if scored(self.word_classes.as_ref()) != scored(task.word_classes.as_ref()) {
            let problem = "these weights were fitted for other classes of the label words, or another `class_logit`";
            return refuse("word_classes", problem.to_owned(), "use the template they were fitted for, or fit again");
        }
        Ok(())
    }
}

fn is_in_range(number: f64) -> bool {
    number.abs() <= MOST_WEIGHT
}

/// Returns [`WeightsFile::origin_checksum`] of the file with this text, which is JSON.
fn origin_checksum(text: &str) -> String {
    let mut file: Value = serde_json::from_str(text).unwrap_or_default();
    if let Some(keys) = file.as_object_mut() {
        keys.retain(|key, _| key != "origin_checksum" && !MIX_KEYS.contains(&key.as_str()));
    }
    file.sort_all_objects();
    blake3::hash(file.to_string().as_bytes()).to_hex().to_string()
}

/// Returns the weights of a mix by component, as in weights files and `fit --json`.
pub fn weights_by_component(mix: &Mix, shape: Shape) -> BTreeMap<Component, f64> {
    shape.iter().zip(mix.weights.iter().copied()).collect()
}

fn shape_of(model: &ModelMeta, task: &TaskMeta) -> Shape {
    Shape { layers: model.layers, heads: model.heads, labels: task.class_names().len() }
}

#[cfg(test)]
mod tests;
