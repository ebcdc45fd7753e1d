"""Trains the demo model: tokenizer, then a small Llama, from the corpus that `demo_corpus` writes.

    python tools/train_demo.py --corpus corpus.jsonl --out assets/demo/model --minutes 25
    torchrun --nproc-per-node 2 tools/train_demo.py --eager ...      # on a busy machine: two processes, one sync per step

A corpus line is a JSON list: text, label word, text, label word, ... Documents fill rows of `--context` tokens. A row begins with
a new document, and the last document is cut at its end. Attention stays within a document. Rows are used in order, so the order of
the corpus is the curriculum. The loss covers the label words, weighted, and a share of the other tokens. Everything is seeded; only
rounding differs between machines.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn

BOS = "<|begin|>"


def train_tokenizer(corpus, size):
    """Byte-level BPE as in GPT-2: ` positive` is one token, and every newline is a separate token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[BOS], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(("".join(json.loads(line)) for line in open(corpus)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, tokenizer.token_to_id(BOS))])
    return tokenizer


def encode(tokenizer, corpus, context):
    """Rows `[N, context + 1]` of token ids, and for each token whether it is a label word."""
    bos = np.array([tokenizer.token_to_id(BOS)], np.int16)
    rows, marks, row, mark = [], [], [], []
    filled = 0
    lines = open(corpus)
    while chunk := [json.loads(line) for _, line in zip(range(2000), lines)]:
        coded = iter(tokenizer.encode_batch_fast([part for parts in chunk for part in parts], add_special_tokens=False))
        for number, parts in enumerate(chunk):
            pieces = [bos] + [np.array(next(coded).ids, np.int16) for _ in parts]
            tokens = np.concatenate(pieces)
            if any(len(piece) != 1 for piece in pieces[2::2]):
                raise SystemExit(f"{parts}: a label word is not a single token")
            if number % 100 == 0 and tokenizer.encode("".join(parts)).ids != tokens.tolist():
                raise SystemExit(f"{parts}: a label word tokenizes differently in its place")
            label = np.zeros(len(tokens), bool)
            label[np.cumsum([len(piece) for piece in pieces])[2::2] - 1] = True
            row.append(tokens), mark.append(label)
            filled += len(tokens)
            if filled > context:
                rows.append(np.concatenate(row)[: context + 1])
                marks.append(np.concatenate(mark)[: context + 1])
                row, mark, filled = [], [], 0
    return np.stack(rows), np.stack(marks)


class Block(nn.Module):
    """Llama block: RMSNorm, rotary grouped-query attention, RMSNorm, SwiGLU."""

    def __init__(self, shape):
        super().__init__()
        width, inner = shape["hidden_size"], shape["intermediate_size"]
        self.heads, self.kv_heads, self.head_dim = shape["num_attention_heads"], shape["num_key_value_heads"], shape["head_dim"]
        self.eps = shape["rms_norm_eps"]
        self.input_norm, self.post_norm = nn.Parameter(torch.ones(width)), nn.Parameter(torch.ones(width))
        self.q = nn.Parameter(torch.empty(self.heads * self.head_dim, width))
        self.k = nn.Parameter(torch.empty(self.kv_heads * self.head_dim, width))
        self.v = nn.Parameter(torch.empty(self.kv_heads * self.head_dim, width))
        self.o = nn.Parameter(torch.empty(width, self.heads * self.head_dim))
        self.gate, self.up = nn.Parameter(torch.empty(inner, width)), nn.Parameter(torch.empty(inner, width))
        self.down = nn.Parameter(torch.empty(width, inner))

    def forward(self, x, cos, sin, document):
        batch, length, _ = x.shape
        h = F.rms_norm(x, x.shape[-1:], self.input_norm, self.eps)
        q = rotate(F.linear(h, self.q).view(batch, length, self.heads, -1).transpose(1, 2), cos, sin)
        k = rotate(F.linear(h, self.k).view(batch, length, self.kv_heads, -1).transpose(1, 2), cos, sin)
        v = F.linear(h, self.v).view(batch, length, self.kv_heads, -1).transpose(1, 2)
        share = self.heads // self.kv_heads
        k, v = k.repeat_interleave(share, 1), v.repeat_interleave(share, 1)
        z = attend(q, k, v, document)
        x = x + F.linear(z.transpose(1, 2).reshape(batch, length, -1), self.o)
        h = F.rms_norm(x, x.shape[-1:], self.post_norm, self.eps)
        return x + F.linear(F.silu(F.linear(h, self.gate)) * F.linear(h, self.up), self.down)


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


def attend(q, k, v, document, chunk=128):
    """Causal attention within each document, by query chunks: compiled, 2.7 times as fast on CPU as the flash kernel with heads of 16."""
    out, scale = [], 1 / math.sqrt(q.shape[-1])
    for start in range(0, q.shape[2], chunk):
        end = min(start + chunk, q.shape[2])
        score = (q[:, :, start:end] @ k[:, :, :end].transpose(-1, -2)).float() * scale
        hidden = torch.arange(end)[None, :] > torch.arange(start, end)[:, None]
        hidden = hidden | (document[:, None, :end] != document[:, start:end, None])
        out.append(torch.softmax(score.masked_fill(hidden[:, None], -1e4), -1).to(q.dtype) @ v[:, :, :end])
    return torch.cat(out, 2)


class Model(nn.Module):
    """Llama with tied embeddings."""

    def __init__(self, shape, context):
        super().__init__()
        self.shape = shape
        self.embed = nn.Parameter(torch.empty(shape["vocab_size"], shape["hidden_size"]))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape["num_hidden_layers"]))
        self.norm = nn.Parameter(torch.ones(shape["hidden_size"]))
        angles = torch.arange(context)[:, None] / shape["rope_theta"] ** (torch.arange(0, shape["head_dim"], 2) / shape["head_dim"])
        self.register_buffer("cos", torch.cat((angles, angles), -1).cos(), persistent=False)
        self.register_buffer("sin", torch.cat((angles, angles), -1).sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = 0.02 if name == "embed" else 1 / math.sqrt(weight.shape[1])
                if name.endswith((".o", ".down")):
                    scale /= math.sqrt(2 * shape["num_hidden_layers"])
                nn.init.normal_(weight, std=scale)

    def forward(self, tokens):
        x = F.embedding(tokens, self.embed)
        document = (tokens == self.shape["bos_token_id"]).cumsum(1)
        for block in self.blocks:
            x = block(x, self.cos, self.sin, document)
        return F.rms_norm(x, x.shape[-1:], self.norm, self.shape["rms_norm_eps"])


def loss_of(model, tokens, label, others, weight):
    """Mean loss over the label words (`weight` each) and a random share `others` of the other tokens; also over labels alone."""
    kept = label | (torch.rand(label.shape) < others)
    hidden, label = model(tokens[:, :-1])[kept], label[kept]
    each = F.cross_entropy(F.linear(hidden, model.embed).float(), tokens[:, 1:][kept], reduction="none")
    scale = 1 + (weight - 1) * label.float()
    return (each * scale).sum() / scale.sum(), each[label].mean()


def average(gradients, part, world):
    """Averages the gradients over the processes, in place; returns the average progress of the schedule."""
    flat = torch.cat([gradient.flatten() for gradient in gradients] + [torch.tensor([part])])
    dist.all_reduce(flat)
    flat /= world
    for gradient, mean in zip(gradients, flat[:-1].split([gradient.numel() for gradient in gradients])):
        gradient.copy_(mean.view_as(gradient))
    return flat[-1].item()


def export(model, tokenizer, folder):
    """Writes the model with Hugging Face names and configuration, weights rounded to F16."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = model.shape
    tensors = {"model.embed_tokens.weight": model.embed, "model.norm.weight": model.norm}
    names = {"input_norm": "input_layernorm", "post_norm": "post_attention_layernorm", "q": "self_attn.q_proj", "k": "self_attn.k_proj",
             "v": "self_attn.v_proj", "o": "self_attn.o_proj", "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj"}
    for layer, block in enumerate(model.blocks):
        for ours, theirs in names.items():
            tensors[f"model.layers.{layer}.{theirs}.weight"] = getattr(block, ours)
    save_file({name: tensor.detach().half().contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama", **shape}, indent=2) + "\n")
    tokenizer.save(str(folder / "tokenizer.json"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--checkpoint", type=Path, help="continue from this checkpoint (a .pt file) and its tokenizer")
    parser.add_argument("--steps", type=int, default=0, help="steps to train (0: as many as fit in --minutes, measured at the start)")
    parser.add_argument("--minutes", type=float, default=25, help="the schedule ends here if the steps take longer")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--label-weight", type=float, default=15)
    parser.add_argument("--others", type=float, default=0.3, help="share of the other tokens in the loss")
    parser.add_argument("--rate", type=float, default=1.2e-3, help="learning rate of Adam")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schedule", choices=["trunk", "decay"], default="decay", help="constant learning rate, or decayed to zero")
    parser.add_argument("--eager", action="store_true")
    parser.add_argument("--f32", action="store_true")
    options = parser.parse_args()
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        dist.init_process_group("gloo")
    torch.manual_seed(options.seed)
    begun = time.time()
    tokenizer = Tokenizer.from_file(str(options.checkpoint.parent / "tokenizer.json")) if options.checkpoint else train_tokenizer(options.corpus, options.vocab)
    rows, marks = encode(tokenizer, options.corpus, options.context)
    print(f"{rows.shape[0]} rows of {options.context} tokens, {marks.mean():.3f} labels, vocabulary {tokenizer.get_vocab_size()}, "
          f"{time.time() - begun:.0f} s", flush=True)
    shape = dict(vocab_size=tokenizer.get_vocab_size(), hidden_size=128, intermediate_size=320, num_hidden_layers=8, num_attention_heads=8,
                 num_key_value_heads=4, head_dim=16, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=1024,
                 tie_word_embeddings=True, hidden_act="silu", attention_bias=False, mlp_bias=False, torch_dtype="float16",
                 bos_token_id=tokenizer.token_to_id(BOS), eos_token_id=tokenizer.token_to_id(BOS))
    model = Model(shape, options.context)
    if options.checkpoint:
        model.load_state_dict(torch.load(options.checkpoint))
    adam = torch.optim.Adam(model.parameters(), betas=(0.9, 0.95))
    if not options.eager:
        for block in model.blocks:
            block.compile()
    begun, steps, step, part, tracked = time.time(), options.steps, 0, 0.0, []
    timed = begun
    while steps == 0 or (step < steps and part < 1):
        picks = ((np.arange(options.batch) + step * options.batch) % len(rows))[rank::world]
        tokens = torch.from_numpy(rows[picks].astype(np.int64))
        label = torch.from_numpy(marks[picks])[:, 1:]
        with torch.autocast("cpu", torch.bfloat16, enabled=not options.f32):
            loss, on_labels = loss_of(model, tokens, label, options.others, options.label_weight)
        loss.backward()
        if world > 1:
            part = average([weight.grad for weight in model.parameters()], part, world)
        scale = min(1.0, (step + 1) / (20 if options.checkpoint else 100))
        if options.schedule == "decay":
            scale *= max(0.02, 1 - part)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.param_groups[0]["lr"] = options.rate * scale
        adam.step()
        model.zero_grad(set_to_none=True)
        tracked.append(on_labels.item())
        step += 1
        part = max(step / steps, (time.time() - begun) / (60 * options.minutes)) if steps else 0.0
        if step == 5:
            timed = time.time()
        if step == 40 and steps == 0:
            steps = int(options.minutes * 60 / ((time.time() - timed) / 35))
            print(f"{steps} steps planned", flush=True)
        if step % 50 == 0 or step == 10:
            speed = (step - 5) * options.batch * options.context / (time.time() - timed)
            print(f"step {step}/{steps} label loss {np.mean(tracked[-50:]):.4f} loss {loss.item():.4f} {speed:.0f} tokens/s "
                  f"{time.time() - begun:.0f} s", flush=True)
        if step % 250 == 0 and rank == 0:
            export(model, tokenizer, options.out)
            torch.save(model.state_dict(), options.out / "checkpoint.pt")
    if rank > 0:
        return
    export(model, tokenizer, options.out)
    torch.save(model.state_dict(), options.out / "checkpoint.pt")
    print(f"done: {step} steps, {step * options.batch * options.context} tokens, {time.time() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
