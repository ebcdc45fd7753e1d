"""Figures of the demo model, independently in PyTorch: accuracy of its components, and the effect of prompt changes.

    python tools/demo_figures.py --model assets/demo/model --tasks assets/demo/tasks --split dev [--only sentiment,topic] [--json F]

Per task, template and demonstration seed it attributes the last prompt token: a head adds `W_U[Y] . (g * (W_O z)) / rms(x)` to
the label logits, and an MLP likewise. It reports means over runs with their standard deviation.
"""

import argparse
import itertools
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer


class Llama:
    """The exported model in f32, with the output of each head and MLP at the last token."""

    def __init__(self, folder):
        self.shape = json.loads((folder / "config.json").read_text())
        self.weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.heads, self.head_dim = self.shape["num_attention_heads"], self.shape["head_dim"]
        self.kv_heads, self.layers = self.shape["num_key_value_heads"], self.shape["num_hidden_layers"]

    def norm(self, x, name):
        return F.rms_norm(x, x.shape[-1:], self.weights[name], self.shape["rms_norm_eps"])

    def rotate(self, x, start):
        exponent = torch.arange(0, self.head_dim, 2) / self.head_dim
        angles = torch.arange(start, start + x.shape[2])[:, None] / self.shape["rope_theta"] ** exponent
        angles = torch.cat((angles, angles), -1)
        first, second = x.chunk(2, -1)
        return x * angles.cos() + torch.cat((-second, first), -1) * angles.sin()

    @torch.no_grad()
    def run(self, tokens, past=None, last=None):
        """Returns keys and values of every layer; with `last` (index of each row's last token), components, embedding and final x."""
        start = past[0][0].shape[2] if past else 0
        x = F.embedding(tokens, self.weights["model.embed_tokens.weight"])
        row = torch.arange(len(tokens))
        kept, heads, mlps = [], [], []
        embedded = x[row, last] if last is not None else None
        for layer in range(self.layers):
            weight = lambda name: self.weights[f"model.layers.{layer}.{name}.weight"]
            h = self.norm(x, f"model.layers.{layer}.input_layernorm.weight")
            split = lambda name, heads: F.linear(h, weight(f"self_attn.{name}")).unflatten(-1, (heads, -1)).transpose(1, 2)
            q, k, v = self.rotate(split("q_proj", self.heads), start), self.rotate(split("k_proj", self.kv_heads), start), split("v_proj", self.kv_heads)
            if past:
                k = torch.cat((past[layer][0].expand(len(tokens), -1, -1, -1), k), 2)
                v = torch.cat((past[layer][1].expand(len(tokens), -1, -1, -1), v), 2)
            kept.append((k, v))
            share = self.heads // self.kv_heads
            seen = torch.arange(k.shape[2])[None] <= torch.arange(start, start + q.shape[2])[:, None]
            z = F.scaled_dot_product_attention(q, k.repeat_interleave(share, 1), v.repeat_interleave(share, 1), attn_mask=seen)
            if last is not None:
                out = weight("self_attn.o_proj").unflatten(1, (self.heads, -1))
                heads.append(torch.einsum("nhd,whd->nhw", z[row, :, last], out))
            x = x + F.linear(z.transpose(1, 2).flatten(2), weight("self_attn.o_proj"))
            h = self.norm(x, f"model.layers.{layer}.post_attention_layernorm.weight")
            mlp = F.linear(F.silu(F.linear(h, weight("mlp.gate_proj"))) * F.linear(h, weight("mlp.up_proj")), weight("mlp.down_proj"))
            if last is not None:
                mlps.append(mlp[row, last])
            x = x + mlp
        if last is None:
            return kept
        return torch.cat((torch.stack(heads, 1).flatten(1, 2), torch.stack(mlps, 1)), 1), embedded, x[row, last]

    @torch.no_grad()
    def attribute(self, prompts, words):
        """Contributions `[N, components + rest, Y]` and full logits `[N, Y]`; the shared prefix is computed once."""
        ids = [self.tokenizer.encode(prompt).ids for prompt in prompts]
        rows = self.weights.get("lm_head.weight", self.weights["model.embed_tokens.weight"])[[self.token(word) for word in words]]
        prefix = 0
        while all(len(row) > prefix + 1 and row[prefix] == ids[0][prefix] for row in ids):
            prefix += 1
        past = self.run(torch.tensor([ids[0][:prefix]]))
        tables, fulls = [], []
        for chunk in range(0, len(ids), 64):
            suffixes = [row[prefix:] for row in ids[chunk : chunk + 64]]
            longest = max(map(len, suffixes))
            padded = torch.tensor([row + [0] * (longest - len(row)) for row in suffixes])
            parts, embedded, x = self.run(padded, past, torch.tensor([len(row) - 1 for row in suffixes]))
            parts = torch.cat((parts, embedded[:, None]), 1)
            assert (parts.sum(1) - x).abs().max() < 1e-3 * x.abs().max()
            scale = torch.rsqrt(x.square().mean(-1) + self.shape["rms_norm_eps"])
            tables.append(torch.einsum("ncw,yw->ncy", parts * scale[:, None, None] * self.weights["model.norm.weight"], rows))
            fulls.append(F.linear(self.norm(x, "model.norm.weight"), rows))
        return torch.cat(tables), torch.cat(fulls)

    def token(self, word):
        ids = self.tokenizer.encode(word, add_special_tokens=False).ids
        assert len(ids) == 1, (word, ids)
        return ids[0]

    def names(self):
        return [f"L{l}.H{h}" for l in range(self.layers) for h in range(self.heads)] + [f"L{l}.MLP" for l in range(self.layers)]


def render(template, example):
    text = template["example"]
    for name, value in example.items():
        text = text.replace("{{ %s }}" % name, value)
    return text


def prefix_of(template, demos, labels):
    return "".join(render(template, demo) + template["label_words"][labels.index(demo["label"])] + template["separator"] for demo in demos)


def until_last_differ(demos, rng):
    while True:
        rng.shuffle(demos)
        if demos[-1]["label"] != demos[-2]["label"]:
            return demos


def budget(pool, labels, seed):
    """The 24 labelled examples of a seed: demonstrations and training examples, each balanced as far as possible."""
    by_label = [[example for example in pool if example["label"] == label] for label in labels]
    share, shots = 24 // len(labels), 4 if len(labels) != 3 else 3
    mine = [group[seed * share : (seed + 1) * share] for group in by_label]
    rng = np.random.default_rng(seed)
    demos = until_last_differ([e for group in mine for e in group[: shots // len(labels)]], rng)
    train = [e for group in mine for e in group[shots // len(labels) :]]
    return demos, train, until_last_differ([e for group in mine for e in group], rng)


def comprw(table, gold, steps=2000, rate=0.05, penalty=0.1):
    """Component reweighting as printed: summed loss, L1, SGD from ones, early stop on the training part."""
    weights = torch.ones(table.shape[1], requires_grad=True)
    best, kept, waited = math.inf, weights.detach().clone(), 0
    for _ in range(steps):
        loss = F.cross_entropy(torch.einsum("ncy,c->ny", table, weights), gold, reduction="sum") + penalty * weights.abs().sum()
        (gradient,) = torch.autograd.grad(loss, weights)
        if loss.item() < best - 1e-3:
            best, kept, waited = loss.item(), weights.detach().clone(), 0
        else:
            waited += 1
            if waited >= 50:
                break
        weights = (weights.detach() - rate * gradient).requires_grad_()
    return kept


def released(table, gold, steps=2000, rate=0.05, penalty=0.01):
    """As released: mean loss, weights clipped to [0, 1] in the forward pass, stop at full training accuracy, looked at every 100."""
    weights = torch.ones(table.shape[1], requires_grad=True)
    for step in range(steps):
        used = weights.clamp(0, 1)
        logits = torch.einsum("ncy,c->ny", table, used)
        if step % 100 == 99 and (logits.argmax(1) == gold).all():
            break
        loss = F.cross_entropy(logits, gold) + penalty * used.abs().sum()
        (gradient,) = torch.autograd.grad(loss, weights)
        weights = (weights.detach() - rate * gradient).requires_grad_()
    return weights.detach().clamp(0, 1)


def one_run(model, task, template, seed, examples, pool, many):
    labels = task["labels"]
    demos, train, all24 = budget(pool, labels, seed)
    gold = torch.tensor([labels.index(example["label"]) for example in examples])
    prefix = prefix_of(template, demos, labels)
    table, full = model.attribute([prefix + render(template, example) for example in examples], template["label_words"])
    right = full.argmax(1) == gold
    table, parts = table[:, :-1], None
    hits = (table.argmax(2) == gold[:, None]).float()
    accuracy, n = hits.mean(0), len(gold)
    even, odd = torch.arange(n) % 2 == 0, torch.arange(n) % 2 == 1
    held = [(hits[b][:, hits[a].mean(0).argmax()].mean() - right[b].float().mean()).item() for a, b in ((even, odd), (odd, even))]
    z, chance = 1.96, 1 / len(labels)
    upper = (accuracy + z * z / (2 * n) + z * (accuracy * (1 - accuracy) / n + z * z / (4 * n * n)).sqrt()) / (1 + z * z / n)
    predicted = table.argmax(2)
    biased = (predicted == predicted[:1]).all(0)
    out = dict(accuracy=right.float().mean().item(), best=accuracy.max().item(), worst=accuracy.min().item(), held_out_gain=float(np.mean(held)),
               biased=biased.float().mean().item(), bad=((upper < chance) & ~biased).float().mean().item(),
               predicted=torch.bincount(full.argmax(1), minlength=len(labels)).div(n).tolist(),
               best_name=model.names()[accuracy.argmax()], components=accuracy.tolist(),
               halves=[hits[even].mean(0).tolist(), hits[odd].mean(0).tolist()])
    train_table, _ = model.attribute([prefix + render(template, example) for example in train], template["label_words"])
    train_gold = torch.tensor([labels.index(example["label"]) for example in train])
    for name, fit in (("comprw", comprw), ("comprw_released", released)):
        weights = fit(train_table[:, :-1], train_gold)
        out[name] = (torch.einsum("ncy,c->ny", table, weights).argmax(1) == gold).float().mean().item()
    if many:
        _, full = model.attribute([prefix_of(template, all24, labels) + render(template, example) for example in examples], template["label_words"])
        out["accuracy24"] = (full.argmax(1) == gold).float().mean().item()
    return out


def correlation(first, second):
    first, second = np.array(first), np.array(second)
    return float(np.corrcoef(first, second)[0, 1]) if first.std() > 0 and second.std() > 0 else 0.0


def spread(values):
    return f"{np.mean(values):.3f} ({np.std(values):.3f})"


def markdown(report, summary):
    """The two tables of assets/demo/README.md, one row per template and per task: percent, mean (SD) over demonstration sets."""
    yield "| task | template | full, 3/4 shots | full, 24 shots | best part − full, held out | worst part | label-biased | bad | CompRW |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, runs in report.items():
        for template in dict.fromkeys(key.split("/")[0] for key in runs):
            own = [run for key, run in runs.items() if key.split("/")[0] == template]
            cell = lambda key: f"{100 * np.mean(v):.1f} ({100 * np.std(v):.1f})" if (v := [run[key] for run in own if key in run]) else "–"
            yield f"| {name} | {template} | " + " | ".join(map(cell, ("accuracy", "accuracy24", "held_out_gain", "worst", "biased", "bad", "comprw"))) + " |"
    yield ""
    yield "| task | chance | full, 3/4 shots | full, 24 shots | CompRW | runs with a part ≥ 5 above | runs with a bad part | label-biased | pair moves full by | r pair | r demos | r templates |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for line in [*summary, {"task": "**mean**", **{key: float(np.mean([line[key] for line in summary])) for key in summary[0] if key != "task"}}]:
        cells = [f"{100 * line[key]:.1f}" for key in ("chance", "full", "full24", "comprw", "gain_share", "bad_runs", "biased", "moved")]
        yield f"| {line['task']} | " + " | ".join(cells + [f"{line[key]:.2f}" for key in ("r_contrast", "r_demos", "r_templates")]) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("assets/demo/model"))
    parser.add_argument("--tasks", type=Path, default=Path("assets/demo/tasks"))
    parser.add_argument("--split", default="dev")
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--many", type=int, default=5, help="number of demonstration seeds that also run with 24 shots")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path, help="write the tables of assets/demo/README.md to this file")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = Llama(options.model)
    report, summary = {}, []
    for path in sorted(options.tasks.glob("*.toml")):
        task = tomllib.loads(path.read_text())
        name = task["name"]
        if options.only and name not in options.only.split(","):
            continue
        read = lambda split: [json.loads(line) for line in open(path.parent / task["data"][split])]
        pool, examples = read("pool"), read(options.split)[: options.limit]
        runs = {(template["name"], seed): one_run(model, task, template, seed, examples, pool, seed < options.many)
                for template in task["template"] for seed in range(options.seeds)}
        report[name] = {f"{template}/{seed}": run for (template, seed), run in runs.items()}
        templates = [template["name"] for template in task["template"]]
        print(f"\n{name} ({len(task['labels'])} labels, {len(examples)} {options.split} examples)")
        for template in templates:
            own = [runs[template, seed] for seed in range(options.seeds)]
            column = lambda key: spread([run[key] for run in own]) if all(key in run for run in own) else "-"
            print(f"  {template:14} full {column('accuracy')} 24 {column('accuracy24')} best {column('best')} worst {column('worst')} gain {column('held_out_gain')} "
                  f"biased {column('biased')} bad {column('bad')} comprw {column('comprw')} rel {column('comprw_released')} "
                  f"predicted {np.mean([run['predicted'] for run in own], 0).round(2)} {own[0]['best_name']}")
        seeds = range(options.seeds)
        r = lambda a, b: correlation(runs[a]["components"], runs[b]["components"])
        demos = [r((t, a), (t, b)) for t in templates for a, b in itertools.combinations(seeds, 2)] or [np.nan]
        across = [r((a, s), (b, s)) for s in seeds for a, b in itertools.combinations(templates, 2)]
        pairs = [(t["name"], t["contrast"]) for t in task["template"] if "contrast" in t and t["name"] < t["contrast"]]
        contrast = [r((a, s), (b, s)) for s in seeds for a, b in pairs]
        moved = [abs(runs[a, s]["accuracy"] - runs[b, s]["accuracy"]) for s in seeds for a, b in pairs]
        every = list(runs.values())
        gains = np.mean([run["held_out_gain"] >= 0.05 for run in every])
        line = dict(task=name, full=np.mean([run["accuracy"] for run in every]), chance=1 / len(task["labels"]),
                    full24=np.mean([run["accuracy24"] for run in every if "accuracy24" in run] or [np.nan]), gain_share=gains, biased=np.mean([run["biased"] for run in every]),
                    bad=np.mean([run["bad"] for run in every]), bad_runs=np.mean([run["bad"] > 0 for run in every]), best=np.mean([run["best"] for run in every]),
                    worst=np.mean([run["worst"] for run in every]), comprw=np.mean([run["comprw"] for run in every]),
                    released=np.mean([run["comprw_released"] for run in every]), moved=np.mean(moved), r_contrast=np.mean(contrast),
                    r_demos=np.mean(demos), r_templates=np.mean(across))
        summary.append({key: value if isinstance(value, str) else float(value) for key, value in line.items()})
        print("  " + " ".join(f"{key} {value:.3f}" for key, value in summary[-1].items() if key != "task"), flush=True)
    print()
    keys = [key for key in summary[0] if key != "task"]
    print(f"{'task':12}" + "".join(f"{key[:10]:>11}" for key in keys))
    for line in [*summary, {"task": "mean", **{key: float(np.mean([line[key] for line in summary])) for key in keys}}]:
        print(f"{line['task'][:12]:12}" + "".join(f"{line[key]:11.3f}" for key in keys))
    if options.markdown:
        options.markdown.write_text("\n".join(markdown(report, summary)) + "\n")
    if options.json:
        options.json.write_text(json.dumps({"split": options.split, "summary": summary, "runs": report}))


if __name__ == "__main__":
    main()
