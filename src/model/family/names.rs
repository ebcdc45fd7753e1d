//! Names of a decoder's tensors in Hugging Face checkpoints, without `.weight` and `.bias`.

/// Names outside layers, and inside one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) embedding: &'static str,
    pub(super) embedding_norm: &'static str,
    /// Learned positions.
    pub(super) positions: &'static str,
    pub(super) norm: &'static str,
    pub(super) unembedding: &'static str,
    /// Prefix of the layers, which a layer's number follows.
    pub(super) layers: &'static str,
    pub(super) attention_norm: &'static str,
    pub(super) query: &'static str,
    pub(super) key: &'static str,
    pub(super) value: &'static str,
    /// Queries, keys and values in one tensor.
    pub(super) joined: &'static str,
    pub(super) output: &'static str,
    pub(super) query_norm: &'static str,
    pub(super) key_norm: &'static str,
    pub(super) sinks: &'static str,
    pub(super) attention_post_norm: &'static str,
    pub(super) mlp_norm: &'static str,
    pub(super) gate: &'static str,
    pub(super) up: &'static str,
    /// Gate and up in one tensor.
    pub(super) gate_up: &'static str,
    pub(super) down: &'static str,
    pub(super) mlp_post_norm: &'static str,
}

impl Names {
    /// Names in checkpoints of Llama.
    pub(super) const LLAMA: Self = Self {
        embedding: "model.embed_tokens",
        embedding_norm: "model.embed_norm",
        positions: "model.embed_positions",
        norm: "model.norm",
        unembedding: "lm_head",
        layers: "model.layers",
        attention_norm: "input_layernorm",
        query: "self_attn.q_proj",
        key: "self_attn.k_proj",
        value: "self_attn.v_proj",
        joined: "self_attn.qkv_proj",
        output: "self_attn.o_proj",
        query_norm: "self_attn.q_norm",
        key_norm: "self_attn.k_norm",
        sinks: "self_attn.sinks",
        attention_post_norm: "post_attention_layernorm",
        mlp_norm: "post_attention_layernorm",
        gate: "mlp.gate_proj",
        up: "mlp.up_proj",
        gate_up: "mlp.gate_up_proj",
        down: "mlp.down_proj",
        mlp_post_norm: "post_feedforward_layernorm",
    };
    /// Names in checkpoints of GPT-2.
    pub(super) const GPT2: Self = Self {
        embedding: "transformer.wte",
        positions: "transformer.wpe",
        norm: "transformer.ln_f",
        layers: "transformer.h",
        attention_norm: "ln_1",
        joined: "attn.c_attn",
        output: "attn.c_proj",
        mlp_norm: "ln_2",
        up: "mlp.c_fc",
        down: "mlp.c_proj",
        ..Self::LLAMA
    };
    /// Names in checkpoints of BLOOM and Falcon.
    pub(super) const BLOOM: Self = Self {
        embedding: "transformer.word_embeddings",
        embedding_norm: "transformer.word_embeddings_layernorm",
        joined: "self_attention.query_key_value",
        output: "self_attention.dense",
        mlp_norm: "post_attention_layernorm",
        attention_norm: "input_layernorm",
        up: "mlp.dense_h_to_4h",
        down: "mlp.dense_4h_to_h",
        ..Self::GPT2
    };
}
