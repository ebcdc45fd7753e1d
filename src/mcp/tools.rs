//! The list of tools with their arguments, and the JSON schemas that follow from it.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

/// An argument of a tool.
pub(super) struct Field {
    pub(super) name: &'static str,
    kind: &'static str,
    required: bool,
    about: &'static str,
}

/// A tool: its name, what it does, its arguments.
pub(super) struct Description {
    pub(super) name: &'static str,
    about: &'static str,
    pub(super) fields: &'static [Field],
}

const fn required(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    Field { name, kind, required: true, about }
}

const fn optional(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    Field { name, kind, required: false, about }
}

/// All tools.
pub(super) const TOOLS: &[Description] = &[
    Description {
        name: "run",
        about: "Attribute the label logits of a task's test examples to attention heads and MLPs, and save the run. Returns \
                accuracies with intervals and the exactness of the attribution.",
        fields: &[
            required("task", "string", "a built-in task (topic, sentiment, …) or the path of a task file"),
            required("output", "string", "folder for the run"),
            optional("model", "string", "`demo` (default), the path of a folder or GGUF file, or org/name if allowed"),
            optional("template", "string", "one template of the task"),
            optional("num_fewshot", "integer", "demonstrations per prompt (default 4)"),
            optional("demo_seed", "integer", "seed of the demonstration set"),
            optional("limit", "integer", "test examples (default 200)"),
            optional("train_examples", "integer", "labelled examples for fitting weights (default 20)"),
        ],
    },
    Description {
        name: "components",
        about: "Statistics of components as classifiers: accuracy with interval, kind, kappa, q. In layer order, or ranked by \
                accuracy on the training labels. Ranking on test labels picks lucky components; it must be asked for with \
                use_test_labels and is reported.",
        fields: &[
            required("run", "string", "folder of a run"),
            optional("rank_by", "string", "`train` or `test` accuracy; without it, layer order"),
            optional("top", "integer", "components to return (default 20 if ranked, else 400)"),
            optional("names", "array", "only these components, e.g. [\"L5.H3\", \"L2.MLP\"]"),
            optional("use_test_labels", "boolean", "allow rank_by `test`"),
        ],
    },
    Description {
        name: "fit",
        about: "Fit one weight per component on the run's training labels. Returns test accuracies of the mix and of baselines \
                on the same labels, each with its interval and whether it saw test labels.",
        fields: &[
            required("run", "string", "folder of a run"),
            optional("method", "string", "partscope (default), ridge_cv, comprw, comprw_released or convex"),
            optional("output", "string", "file for all weights"),
            optional("top", "integer", "weights to return, those farthest from 1 first (default 20)"),
        ],
    },
    Description {
        name: "compare",
        about: "Compare two runs of one model: agreement of component accuracies, flipped examples, and the components that \
                moved them, with intervals.",
        fields: &[
            required("a", "string", "folder of the first run"),
            required("b", "string", "folder of the second run"),
            optional("flips", "integer", "flipped examples to return (default 10)"),
            optional("top", "integer", "components to return (default 10)"),
        ],
    },
    Description {
        name: "ablate",
        about: "Run the model again with components scaled inside the forward pass. Returns direct, indirect and total effects \
                on the run's test examples.",
        fields: &[
            required("run", "string", "folder of a run"),
            optional("set", "object", "weights by component, others stay 1: {\"L5.H3\": 0}"),
            optional("mix", "string", "a weights file of `fit`, instead of `set`"),
            optional("positions", "string", "`last` (default) or `all` token positions"),
            optional("fill", "string", "replacement for the removed output: `zero` (default) or `mean`"),
        ],
    },
    Description {
        name: "report",
        about: "Write figures (SVG, PNG), tables (CSV, Parquet) and one HTML page of runs.",
        fields: &[required("runs", "array", "folders of runs"), required("output", "string", "folder for the report")],
    },
];

impl Description {
    /// Returns the tool called `name`.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    /// Returns the names of all arguments.
    pub(super) fn known(&self) -> Vec<&'static str> {
        self.fields.iter().map(|field| field.name).collect()
    }

    /// Returns the tool as the protocol describes it.
    pub(super) fn tool(&self) -> Tool {
        Tool::new(self.name, self.about, Arc::new(self.schema()))
    }

    fn schema(&self) -> JsonObject {
        let property = |field: &Field| {
            let mut own = json!({ "type": field.kind, "description": field.about });
            match field.kind {
                "array" => own["items"] = json!({ "type": "string" }),
                "object" => own["additionalProperties"] = json!({ "type": "number" }),
                "integer" => own["minimum"] = json!(0),
                _ => {}
            }
            (field.name.to_owned(), own)
        };
        let mut schema = JsonObject::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), Value::Object(self.fields.iter().map(property).collect()));
        let required = self.fields.iter().filter(|field| field.required).map(|field| Value::from(field.name));
        schema.insert("required".to_owned(), required.collect());
        schema.insert("additionalProperties".to_owned(), false.into());
        schema
    }
}
