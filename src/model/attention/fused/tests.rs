use candle_core::{DType, Device};

use super::{super::grouped, *};
use crate::model::{
    attention::{KvCache, PositionBias},
    layers::Linear,
    matrix::Matrix,
    packed::Packed,
    rope::Regime,
};

fn random(shape: &[usize]) -> Tensor {
    Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap()
}

fn attention(heads: usize, window: Option<usize>, softcap: Option<f64>) -> Attention {
    let weight = Matrix::Dense(Tensor::zeros((1, 1), DType::F32, &Device::Cpu).unwrap());
    let unused = Linear { weight, bias: None };
    Attention {
        heads,
        kv_heads: 2,
        head_dim: 20,
        query: unused.clone(),
        key: unused.clone(),
        value: unused.clone(),
        output: unused,
        query_key_norm: None,
        clip: None,
        scale: 0.3,
        softcap,
        position_bias: None,
        sinks: None,
        window,
    }
}

#[test]
fn fused_kernel_equals_tensor_operations() {
    let tokens: Vec<Vec<u32>> = [1, 7, 150, 3].iter().map(|&len| vec![0; len]).collect();
    let total = 161;
    for (prefix_len, heads, window, softcap, biased) in [
        (0, 6, None, None, false),
        (33, 6, None, None, false),
        (33, 2, Some(5), None, false),
        (33, 8, Some(38), Some(2.0), false),
        (0, 6, Some(4), None, true),
        (33, 6, None, None, true),
    ] {
        let mut attention = attention(heads, window, softcap);
        if biased {
            attention.position_bias = Some(PositionBias { rounded: true, ..PositionBias::alibi(heads) });
            attention.sinks = Some((0..heads).map(|head| head as f32 / 2.0 - 1.0).collect());
        }
        let packed = Packed::new(tokens.iter().map(Vec::as_slice), prefix_len, Regime::Short);
        let key_value = |tokens| KvCache { key: random(&[tokens, 40]), value: random(&[tokens, 40]) };
        let (prefix, own) = ((prefix_len > 0).then(|| key_value(prefix_len)), key_value(total));
        for last_only in [false, true] {
            let query = random(&[if last_only { tokens.len() } else { total }, heads * 20]);
            let suffixes = Suffixes { packed: &packed, prefix: prefix.as_ref(), own: &own, last_only };
            let found = mix(&attention, &query, &suffixes).unwrap();
            let expected = grouped::mix(&attention, &query, &suffixes).unwrap();
            let error = (found - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(error < 1e-5, "{prefix_len} {window:?} {softcap:?} {last_only}: {error}");
        }
    }
}
