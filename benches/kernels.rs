//! Benchmark of the CPU kernels relative to the machine's peak, and of the delay until a cancelled attribution ends.
//!
//! `cargo bench --bench kernels` prints medians over rounds, for the shapes of the demo model and of a model with 135M
//! parameters (width 576, 30 layers), with one thread and with all threads.

use std::{
    hint::black_box,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use candle_core::{DType, Device, Result, Tensor};
use partscope::{
    cancel::Cancel,
    decompose::{BatchSize, LabelProjection, Prepared},
    model::{
        BlockMatrix, BlockType, Decoder, HeadGrams, Matrix, Norm, NormKind, Packed, Regime,
        attention::{Attention, KvCache, Queries},
        layer::Layer,
        layers::{Activation, Linear},
        mlp::{FeedForward, Mlp},
        rope::Rope,
    },
};

/// Tokens of a batch, and of each prompt in it.
const TOKENS: usize = 512;
const SUFFIX: usize = 32;

struct Shape {
    name: &'static str,
    layers: usize,
    width: usize,
    heads: usize,
    kv_heads: usize,
    inner: usize,
    vocabulary: usize,
}

const SHAPES: [Shape; 2] = [
    Shape { name: "demo", layers: 8, width: 128, heads: 8, kv_heads: 4, inner: 320, vocabulary: 1839 },
    Shape { name: "135M", layers: 30, width: 576, heads: 9, kv_heads: 3, inner: 1536, vocabulary: 49152 },
];

fn main() -> partscope::Result<()> {
    for threads in [1, rayon::current_num_threads()] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        pool.install(|| -> partscope::Result<()> {
            let peak = peak()?;
            println!("threads {threads}: peak {peak:.0} GFLOP/s (fastest product of square matrices)");
            SHAPES.iter().try_for_each(|shape| kernels(shape, peak))?;
            [(1536, 576), (2048, 2048)].into_iter().try_for_each(|(inner, outer)| weight_types(inner, outer))
        })?;
    }
    cancellation(&SHAPES[1])
}

fn kernels(shape: &Shape, peak: f64) -> Result<()> {
    let (width, inner) = (shape.width, shape.inner);
    let (x, up) = (random(&[TOKENS, width])?, linear(width, inner)?);
    let operations = 2.0 * (TOKENS * width * inner) as f64;
    let seconds = median(|| up.forward(&x).expect("a product"));
    println!("  {:5} product {TOKENS}×{width}×{inner}: {:.0} % of peak", shape.name, share(operations, seconds, peak));
    let hidden = random(&[TOKENS, inner])?;
    let norm = norm(width)?;
    for (name, numbers, seconds) in [
        ("norm", TOKENS * width, median(|| norm.forward(&x).expect("a norm"))),
        ("SiLU · up", TOKENS * inner, {
            let gated = |gate: Tensor| Activation::Silu.forward(gate, Some(&hidden)).expect("a gate");
            median(|| gated(hidden.copy().expect("a copy")))
        }),
    ] {
        println!("  {:5} {name}: {:.2} ns per number", shape.name, 1e9 * seconds / numbers as f64);
    }
    for seen in [124, 664] {
        let attention = attention(shape)?;
        let kv_width = shape.kv_heads * width / shape.heads;
        let suffix = [0_u32; SUFFIX];
        let packed = Packed::new((0..TOKENS / SUFFIX).map(|_| &suffix[..]), seen, Regime::Short);
        let tokens = |count| {
            Ok::<_, candle_core::Error>(KvCache {
                key: random(&[count, kv_width])?,
                value: random(&[count, kv_width])?,
            })
        };
        let (prefix, own) = (tokens(seen)?, tokens(TOKENS)?);
        let seconds =
            median(|| attention.mix(&x, None, &packed, Some(&prefix), &own, Queries::All).expect("attention"));
        let pairs = TOKENS * (seen + SUFFIX.div_ceil(2));
        let operations = 2.0 * (TOKENS * width * width + 2 * pairs * width) as f64;
        println!(
            "  {:5} attention after {seen} tokens, queries included: {:.0} % of peak",
            shape.name,
            share(operations, seconds, peak)
        );
    }
    Ok(())
}

/// Prints the speed of products with weights of every type, relative to f32, for few and many tokens. Rounds alternate.
fn weight_types(inner: usize, outer: usize) -> partscope::Result<()> {
    for &kind in BlockType::ALL {
        let row = kind.bytes(inner).expect("whole blocks");
        // Small bytes make all scales finite and small.
        let bytes = (0..outer * row).map(|at| (at * 7919 % 53) as u8).collect();
        let blocks = Matrix::Blocks(Arc::new(BlockMatrix::new(kind, bytes, (outer, inner))?));
        let dense = Matrix::Dense(blocks.to_f32()?);
        let mut ratios = Vec::new();
        for tokens in [128, TOKENS] {
            let x = random(&[tokens, inner])?;
            let time = |matrix: &Matrix| {
                let started = Instant::now();
                black_box(matrix.apply(&x, None).expect("a product"));
                started.elapsed().as_secs_f64()
            };
            let mut rounds: Vec<f64> = (0..41).map(|_| time(&dense) / time(&blocks)).collect();
            rounds.sort_by(f64::total_cmp);
            ratios.push(rounds[20]);
        }
        let name = kind.name();
        println!(
            "  {name:6} product {inner}×{outer}: {:.2} (128 tokens), {:.2} (512) of f32's speed",
            ratios[0], ratios[1]
        );
    }
    Ok(())
}

/// Measures the time from a request to cancel to the end of the attribution, for requests at various times.
fn cancellation(shape: &Shape) -> partscope::Result<()> {
    let decoder = decoder(shape)?;
    let projection = LabelProjection::new(&decoder, &[1, 2])?;
    let prompts: Vec<Vec<u32>> = (0..400)
        .map(|prompt| (0..156).map(|at| if at < 124 { at } else { (prompt * 31 + at) % 1000 }).collect())
        .collect();
    let mut waits = Vec::new();
    for attempt in 0..12_u64 {
        let cancel = Cancel::default();
        waits.push(thread::scope(|scope| {
            let work = scope.spawn(|| {
                let prepared = Prepared::new(&decoder, &projection, &prompts, &cancel)?;
                prepared.attribute(&prompts, BatchSize::default(), &cancel, |_| {})
            });
            thread::sleep(Duration::from_millis(50 + 170 * attempt));
            let cancelled_at = Instant::now();
            cancel.cancel();
            let outcome = work.join().expect("the worker does not panic");
            assert!(outcome.is_err(), "the attribution finished before it was cancelled");
            cancelled_at.elapsed().as_secs_f64()
        }));
    }
    waits.sort_by(f64::total_cmp);
    println!("cancel at {}: median {:.0} ms, longest {:.0} ms", shape.name, 1e3 * waits[6], 1e3 * waits[11]);
    Ok(())
}

fn decoder(shape: &Shape) -> Result<Decoder> {
    let embedding = Matrix::Dense(random(&[shape.vocabulary, shape.width])?);
    let layer = || -> Result<Layer> {
        Ok(Layer {
            attention_norm: Some(norm(shape.width)?),
            attention: attention(shape)?,
            attention_post_norm: None,
            mlp_norm: Some(norm(shape.width)?),
            mlp: Mlp::Dense(FeedForward {
                gate: Some(linear(shape.width, shape.inner)?),
                up: linear(shape.width, shape.inner)?,
                down: linear(shape.inner, shape.width)?,
                activation: Activation::Silu,
            }),
            mlp_post_norm: None,
            parallel: false,
            residual_scale: 1.0,
            rope: Some(0),
        })
    };
    Ok(Decoder {
        embedding: embedding.clone(),
        embedding_scale: 1.0,
        embedding_norm: None,
        positions: None,
        ropes: vec![Rope::plain(10_000.0, shape.width / shape.heads)],
        layers: (0..shape.layers).map(|_| layer()).collect::<Result<_>>()?,
        norm: norm(shape.width)?,
        unembedding: Linear { weight: embedding, bias: None },
        logit_scale: 1.0,
        logit_softcap: None,
        context: 8192,
        head_grams: HeadGrams::default(),
    })
}

fn attention(shape: &Shape) -> Result<Attention> {
    let head_dim = shape.width / shape.heads;
    let kv_width = shape.kv_heads * head_dim;
    Ok(Attention {
        heads: shape.heads,
        kv_heads: shape.kv_heads,
        head_dim,
        query: linear(shape.width, shape.width)?,
        key: linear(shape.width, kv_width)?,
        value: linear(shape.width, kv_width)?,
        output: linear(shape.width, shape.width)?,
        query_key_norm: None,
        clip: None,
        scale: 1.0 / (head_dim as f64).sqrt(),
        softcap: None,
        position_bias: None,
        sinks: None,
        window: None,
    })
}

fn norm(width: usize) -> Result<Norm> {
    Ok(Norm {
        kind: NormKind::Rms,
        weight: Tensor::ones(width, DType::F32, &Device::Cpu)?,
        bias: None,
        epsilon: 1e-5,
        groups: 1,
    })
}

fn linear(from: usize, to: usize) -> Result<Linear> {
    Ok(Linear { weight: Matrix::Dense((random(&[to, from])? * (1.0 / (from as f64).sqrt()))?), bias: None })
}

fn random(shape: &[usize]) -> Result<Tensor> {
    Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu)
}

/// Measures the speed of the fastest of several matrix products, in 10⁹ operations per second.
fn peak() -> Result<f64> {
    let (x, square) = (random(&[1024, 1024])?, linear(1024, 1024)?);
    let once = || {
        let started = Instant::now();
        black_box(square.forward(&x).expect("a product"));
        started.elapsed().as_secs_f64()
    };
    Ok(2.0 * 1024_f64.powi(3) / (0..20).map(|_| once()).fold(f64::INFINITY, f64::min) / 1e9)
}

fn share(operations: f64, seconds: f64, peak: f64) -> f64 {
    100.0 * operations / seconds / 1e9 / peak
}

/// Returns the median time of `work` over 41 rounds, in seconds.
fn median<T>(work: impl Fn() -> T) -> f64 {
    let mut seconds: Vec<f64> = (0..41)
        .map(|_| {
            let started = Instant::now();
            black_box(work());
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[20]
}
