//! Weights files: a fitted mix with the model, task and prompts that it belongs to.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};

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

/// A weights file, as `fit -o weights.json` writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightsFile {
    /// Version of the file format ([`SCHEMA`]).
    pub schema: u32,
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
    /// If the text is not a weights file, has another version, or has weights or offsets that are not finite.
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
        let broken = file.weights.iter().find(|(_, weight)| !weight.is_finite());
        match broken {
            Some((component, _)) => Err(bad(format!("the weight of {component} is not finite")).into()),
            None if file.weights.is_empty() => Err(bad("the file has no weights".into()).into()),
            None if !file.rest.is_finite() => Err(bad("the weight of rest is not finite".into()).into()),
            None if !file.offsets.iter().all(|offset| offset.is_finite()) => {
                Err(bad("an offset is not finite".into()).into())
            }
            None if ![0, labels].contains(&file.offsets.len()) => {
                let (offsets, of) =
                    (file.offsets.len(), file.word_classes.as_ref().map_or("label words", |_| "classes"));
                Err(bad(format!("the file has {offsets} offsets for {labels} {of}")).into())
            }
            None => Ok(file),
        }
    }

    /// Returns the text of the file.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
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
        if (&self.label_words, &self.label_tokens) != (&task.label_words, &task.label_tokens) {
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

/// Returns the weights of a mix by component, as in weights files and `fit --json`.
pub fn weights_by_component(mix: &Mix, shape: Shape) -> BTreeMap<Component, f64> {
    shape.iter().zip(mix.weights.iter().copied()).collect()
}

fn shape_of(model: &ModelMeta, task: &TaskMeta) -> Shape {
    Shape { layers: model.layers, heads: model.heads, labels: task.class_names().len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{
        reweight::{FitOptions, fit},
        testing::{run, table},
    };

    const SHAPE: Shape = Shape { layers: 2, heads: 11, labels: 2 };

    fn file() -> (WeightsFile, RunMeta, Mix) {
        let run = run(table(SHAPE, 12, 1, |i| i as f64 / 9.0), table(SHAPE, 4, 2, |_| 0.0));
        let fit = fit(&run.train, &FitOptions::default(), &crate::cancel::Cancel::default()).unwrap();
        (WeightsFile::new(&fit, &run.meta), run.meta, fit.mix)
    }

    #[test]
    fn parsing_a_written_file_restores_the_mix() {
        let (file, meta, mix) = file();
        let read = WeightsFile::parse(&file.to_text()).unwrap().mix(&meta.model, &meta.task).unwrap();
        assert_eq!(read.rest, mix.rest);
        assert!(read.weights.iter().zip(&mix.weights).all(|(read, written)| (read - written).abs() < 1e-15));
        let json: serde_json::Value = serde_json::from_str(&file.to_text()).unwrap();
        let text = file.to_text();
        assert!(json["weights"]["L1.MLP"].is_f64() && json["rest"] == 0.0 && json["method"] == "convex");
        assert!(text.find("L0.H2").unwrap() < text.find("L0.H10").unwrap(), "components are in the model's order");
    }

    #[test]
    fn weights_of_another_model_task_or_label_set_are_refused() {
        let (file, meta, _) = file();
        let message = |meta: &RunMeta| file.mix(&meta.model, &meta.task).unwrap_err().to_string();
        let mut other = meta.clone();
        other.model.weights_hash = "0".into();
        assert!(message(&other).contains("another model"));
        let mut other = meta.clone();
        other.task.name = "rte".into();
        assert!(message(&other).contains("for task toy, not rte"));
        let mut other = meta.clone();
        other.task.label_words[0] = " maybe".into();
        assert!(message(&other).contains("label 0 and  label 1, not  maybe and"), "{}", message(&other));
    }

    #[test]
    fn invalid_files_are_refused() {
        let (mut file, meta, _) = file();
        assert!(WeightsFile::parse("{}").unwrap_err().to_string().contains("not a weights file"));
        file.weights.remove(&Component::head(1, 3));
        assert!(file.mix(&meta.model, &meta.task).unwrap_err().to_string().contains("L1.H3 has no weight"));
        file.weights.insert(Component::head(7, 0), 1.0);
        assert!(file.mix(&meta.model, &meta.task).unwrap_err().to_string().contains("no component L7.H0"));
        for (instead, problem) in [
            (r#""L0.H0": 1, "L0.H0": 1"#, "L0.H0 has two weights"),
            (r#""L00.H0": 1"#, "`L00.H0` is not a component"),
            ("", "no weights"),
        ] {
            let mut text: serde_json::Value = serde_json::from_str(&file.to_text()).unwrap();
            text["weights"] = "HERE".into();
            let text = text.to_string().replace("\"HERE\"", &format!("{{{instead}}}"));
            let message = WeightsFile::parse(&text).unwrap_err().to_string();
            assert!(message.contains(problem), "{message}");
        }
        file.offsets = vec![0.5];
        assert!(WeightsFile::parse(&file.to_text()).unwrap_err().to_string().contains("1 offsets for 2 label words"));
        file.offsets = Vec::new();
        file.demo_ids = vec!["a".to_owned(), "b".to_owned()];
        file.demos = ["b", "a"].map(Demonstration::of_pool).to_vec();
        assert!(WeightsFile::parse(&file.to_text()).unwrap_err().to_string().contains("`demos` and `demo_ids`"));
        file.demos.reverse();
        WeightsFile::parse(&file.to_text()).unwrap();
        file.schema = 9;
        assert!(WeightsFile::parse(&file.to_text()).unwrap_err().to_string().contains("version 9"));
    }
}
