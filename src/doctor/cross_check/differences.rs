//! Where candle-transformers computes something else than the original implementation of a family.
//!
//! Each difference comes with a change of the configuration under which this program computes it, too. If both agree
//! then, the difference explains the deviation, and everything else is right. Who is right is settled by transformers:
//! `tools/cross_check.py` compares all three.

use serde_json::{Map, Value, json};

use super::published::{Sizes, scaling};

/// A known difference from the original.
pub(super) struct Difference {
    /// Families whose implementation has it.
    families: &'static [&'static str],
    /// What candle-transformers does.
    pub(super) what: &'static str,
    /// Whether it changes results of a model with this configuration.
    applies: fn(&Facts<'_>) -> bool,
    /// Changes the configuration so that this program does the same.
    adopt: fn(&mut Map<String, Value>, &Facts<'_>),
}

/// What decides about a difference.
pub(super) struct Facts<'a> {
    /// Configuration in the layout of candle-transformers.
    pub(super) published: &'a Map<String, Value>,
    pub(super) sizes: Sizes,
}

impl Facts<'_> {
    fn is(&self, field: &str, value: impl Into<Value>) -> bool {
        self.published.get(field) == Some(&value.into())
    }

    fn has(&self, field: &str) -> bool {
        self.published.contains_key(field)
    }

    fn number(&self, field: &str) -> Option<f64> {
        self.published.get(field)?.as_f64()
    }

    /// Returns the window, if the longest prompt does not fit in it.
    fn window(&self) -> Option<u64> {
        self.published.get("sliding_window")?.as_u64().filter(|&window| window < self.sizes.longest as u64)
    }

    fn scaling(&self) -> Option<&str> {
        scaling(self.published.get("rope_scaling")?.as_object()?).filter(|&kind| kind != "default")
    }
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        families: &["mistral", "mixtral", "qwen2", "qwen2_moe", "gemma2", "gemma3"],
        what: "its windows hold one token more",
        applies: |facts| facts.window().is_some(),
        adopt: |config, facts| {
            config.extend(facts.window().map(|window| ("sliding_window".to_owned(), json!(window + 1))));
        },
    },
    Difference {
        families: &["qwen2", "qwen2_moe", "gemma2"],
        what: "it has a window in every layer",
        applies: |facts| facts.window().is_some(),
        adopt: |config, facts| set(config, "layer_types", json!(vec!["sliding_attention"; facts.sizes.layers])),
    },
    Difference {
        families: &["phi3", "smollm3", "glm4"],
        what: "it has no windows",
        applies: |facts| facts.window().is_some(),
        adopt: |config, facts| {
            set(config, "sliding_window", Value::Null);
            set(config, "layer_types", json!(vec!["full_attention"; facts.sizes.layers]));
        },
    },
    Difference {
        families: &["gemma2", "gemma3"],
        what: "it scales scores by the width of a head and not by query_pre_attn_scalar",
        applies: |facts| facts.number("query_pre_attn_scalar") != Some(facts.sizes.head_dim as f64),
        adopt: |config, facts| set(config, "query_pre_attn_scalar", json!(facts.sizes.head_dim)),
    },
    Difference {
        families: &["llama", "granite"],
        what: "it leaves out the biases of attention and MLPs",
        applies: |facts| facts.is("attention_bias", true) || facts.is("mlp_bias", true),
        adopt: |config, _| {
            set(config, "attention_bias", json!(false));
            set(config, "mlp_bias", json!(false));
        },
    },
    Difference {
        families: &["llama", "granite"],
        what: "its activation is always SiLU",
        applies: |facts| !facts.is("hidden_act", "silu"),
        adopt: |config, _| set(config, "hidden_act", json!("silu")),
    },
    Difference {
        families: &["granite"],
        what: "it leaves out the factors on embeddings, scores, residuals and logits",
        applies: |_| true,
        adopt: |config, facts| {
            for field in ["embedding_multiplier", "residual_multiplier", "logits_scaling"] {
                set(config, field, json!(1.0));
            }
            set(config, "attention_multiplier", json!(1.0 / (facts.sizes.head_dim as f64).sqrt()));
        },
    },
    Difference {
        families: &["stablelm"],
        what: "it leaves out the norms of queries and keys",
        applies: |facts| facts.is("qk_layernorm", true),
        adopt: |config, _| set(config, "qk_layernorm", json!(false)),
    },
    Difference {
        families: &["falcon"],
        what: "it approximates GELU by tanh",
        applies: |facts| !facts.has("activation") || facts.is("activation", "gelu"),
        adopt: |config, _| set(config, "activation", json!("gelu_pytorch_tanh")),
    },
    Difference {
        families: &["falcon"],
        what: "the base of its rotary frequencies is always 10000",
        applies: |facts| facts.number("rope_theta") != Some(10_000.0),
        adopt: |config, _| {
            config.remove("rope_parameters");
            set(config, "rope_theta", json!(10_000.0));
        },
    },
    Difference {
        families: &[
            "mistral",
            "mixtral",
            "qwen2",
            "qwen3",
            "qwen2_moe",
            "qwen3_moe",
            "gemma",
            "gemma2",
            "gemma3",
            "phi",
            "olmo",
            "olmo2",
            "smollm3",
            "stablelm",
            "glm4",
            "falcon",
        ],
        what: "it leaves out the scaling of positions",
        applies: |facts| facts.scaling().is_some(),
        adopt: |config, _| without_scaling(config),
    },
];

fn set(config: &mut Map<String, Value>, field: &str, value: Value) {
    config.insert(field.to_owned(), value);
}

fn without_scaling(config: &mut Map<String, Value>) {
    config.remove("rope_scaling");
    let Some(Value::Object(parameters)) = config.get_mut("rope_parameters") else { return };
    let global = match parameters.get_mut("full_attention") {
        Some(Value::Object(global)) => global,
        _ => parameters,
    };
    global.insert("rope_type".to_owned(), json!("default"));
}

/// Returns the differences that change results of a model of `family`.
pub(super) fn applying(family: &str, facts: &Facts<'_>) -> Vec<&'static Difference> {
    let of_family = |known: &&Difference| known.families.contains(&family);
    DIFFERENCES.iter().filter(of_family).filter(|known| (known.applies)(facts)).collect()
}

/// Changes `config`, a model's own configuration, so that this program computes as candle-transformers does.
pub(super) fn adopt(config: &Value, differences: &[&Difference], facts: &Facts<'_>) -> Value {
    let mut config = config.as_object().cloned().unwrap_or_default();
    for difference in differences {
        (difference.adopt)(&mut config, facts);
    }
    Value::Object(config)
}

/// Returns why a model of `family` cannot be compared, if candle-transformers is known to compute another one in a way
/// that this program cannot adopt.
pub(super) fn incomparable(family: &str, published: &Map<String, Value>) -> Option<&'static str> {
    let scaling = published.get("rope_scaling").and_then(Value::as_object).and_then(scaling);
    match (family, scaling) {
        ("phi3", Some("longrope" | "su")) => Some(
            "it multiplies frequencies by the factors of LongRoPE, which the original divides by, and chooses between \
             them by position and not by length",
        ),
        _ => None,
    }
}
