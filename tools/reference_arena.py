"""Golden values of published baselines, in numpy, written from the papers and the authors' code.

    python tools/reference_arena.py tests/golden/analysis

writes looc.json (`src/analysis/baseline/prior.rs`), linc.json (`linc.rs`), hidden.json (`on_hidden.rs`) and
unibias_heads.json (`unibias_heads.rs`):

* looc (arXiv 2405.02743): the prior is the mean over gold labels of the mean probabilities of the left-out
  demonstrations with that label; p = softmax(test) / prior, normalised.
* linc (arXiv 2401.12406): W = diag(1 / mean softmax(content_free)), b = 0; 15 passes of gradient steps of 0.00099 on
  the cross-entropy of softmax(W p + b), one training example at a time, in order; logits = W softmax(test) + b.
* hidden: centroid (arXiv 2406.16535) is minus the Euclidean distance of test states to the class means of training
  states. logistic solves sum CE(softmax(W x + b)) + |W|^2 / 2 by L-BFGS on states minus their training mean over the root
  mean square of that; its probabilities. sav (arXiv 2412.00142): per head, class means of z, cosine similarity; the 20
  heads with the most hits on the training examples (the first of equals) vote; ties go to the earliest vote, as
  collections.Counter.most_common has them.
* unibias_heads (arXiv 2405.20612; the rule is that of attention_manipulate.py in hzzhou01/UniBias): readings of heads and
  streams, the sets of biased heads that the grid of thresholds gives, and the set and weight that are chosen if every
  head adds fixed values to the label logits.

Needs numpy and scipy.
"""

import collections
import json
import pathlib
import sys

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def logits(rng, n, labels, scale=1.0):
    return np.round(scale * rng.standard_normal((n, labels)) + np.linspace(0, 1.5, labels), 3).astype(np.float32)


def looc(rng, labels, k, n):
    gold = rng.integers(0, labels, k)
    gold[0] = 0
    left_out, test = logits(rng, k, labels), logits(rng, n, labels)
    p = softmax(left_out.astype(float))
    prior = np.mean([p[gold == y].mean(0) for y in np.unique(gold)], 0)
    q = softmax(test.astype(float)) @ np.linalg.inv(np.diag(prior))
    q /= q.sum(1, keepdims=True)
    return {"labels": labels, "gold": gold.tolist(), "left_out": left_out.ravel().tolist(), "test": test.ravel().tolist(),
            "probabilities": q.ravel().tolist()}


def linc(rng, labels, k, n):
    gold = rng.permutation(np.arange(k) % labels)
    train, free, test = logits(rng, k, labels), logits(rng, 3, labels), logits(rng, n, labels)
    W, b = np.linalg.inv(np.diag(softmax(free.astype(float)).mean(0))), np.zeros(labels)
    for _ in range(15):
        for p, y in zip(softmax(train.astype(float)), gold):
            residual = softmax(W @ p + b) - np.eye(labels)[y]
            W, b = W - 0.00099 * np.outer(residual, p), b - 0.00099 * residual
    return {"labels": labels, "gold": gold.tolist(), "train": train.ravel().tolist(), "content_free": free.ravel().tolist(),
            "test": test.ravel().tolist(), "logits": (softmax(test.astype(float)) @ W.T + b).ravel().tolist()}


def logistic(x, gold, test, labels):
    n, d = x.shape
    m = x.mean(0)
    r = np.sqrt(((x - m) ** 2).mean())
    x, test = (x - m) / r, (test - m) / r
    onehot = np.eye(labels)[gold]

    def objective(z):
        W, b = z[: labels * d].reshape(labels, d), z[labels * d :]
        f = x @ W.T + b
        g = softmax(f) - onehot
        loss = (logsumexp(f, 1) - f[np.arange(n), gold]).sum() + 0.5 * (W**2).sum()
        return loss, np.concatenate([(g.T @ x + W).ravel(), g.sum(0)])

    z = np.zeros(labels * (d + 1))
    for _ in range(5):
        z = minimize(objective, z, jac=True, method="L-BFGS-B", options={"maxiter": 20000, "ftol": 1e-16, "gtol": 1e-11}).x
    return softmax(test @ z[: labels * d].reshape(labels, d).T + z[labels * d :])


def sav(z, gold, test, labels):
    means = np.stack([z[gold == y].mean(0) for y in range(labels)])

    def votes(own):
        cosine = (means * own).sum(-1) / np.linalg.norm(means, axis=-1) / np.linalg.norm(own, axis=-1)
        return cosine.argmax(0)

    hits = sum((votes(own) == y).astype(int) for own, y in zip(z, gold))
    best = sorted(range(len(hits)), key=lambda head: -hits[head])[:20]
    return [int(collections.Counter(votes(own)[best]).most_common(1)[0][0]) for own in test]


def hidden(rng, labels, k, n):
    meta = {"width": 6, "layers": 5, "heads": 6, "head_dim": 3}
    values = meta["width"] + meta["layers"] * meta["heads"] * meta["head_dim"]
    gold, truth = rng.permutation(np.arange(k) % labels), rng.integers(0, labels, n)
    shift = rng.standard_normal((labels, values)) * rng.uniform(0, 0.8, values)
    make = lambda y: np.round(rng.standard_normal((len(y), values)) + shift[y], 3).astype(np.float32)
    train, test = make(gold), make(truth)
    d = meta["width"]
    x, t = train[:, :d].astype(float), test[:, :d].astype(float)
    heads = lambda v: v[:, d:].astype(float).reshape(len(v), -1, meta["head_dim"])
    centroid = np.stack([x[gold == y].mean(0) for y in range(labels)])
    distance = np.linalg.norm(t[:, None] - centroid, axis=-1)
    return {"labels": labels, "meta": meta, "gold": gold.tolist(), "train": train.ravel().tolist(),
            "test": test.ravel().tolist(), "centroid": (-distance).ravel().tolist(),
            "logistic": logistic(x, gold, t, labels).ravel().tolist(), "sav": sav(heads(train), gold, heads(test), labels)}


def biased(head, stream, th_bias, th_sum, th_cv):
    """Whether a head is biased; label logits of the head and of the stream, `[N, Y]`."""
    ave, hidden = head.mean(0), stream.mean(0)
    size = np.abs(ave).sum()
    if not (size > th_sum * np.abs(hidden).sum() and size > 0.2):
        return False
    if not np.mean(np.abs((ave.mean() - ave) / ave.mean())) > th_bias:
        return False
    cv = (head.std(0, ddof=1) + 1e-10) / (ave + 1e-10)
    overall = np.sum(np.abs(ave) / (size + 1e-10) * np.abs(cv))
    return 0 < overall < th_cv


def unibias_heads(rng, layers, heads, labels, n, base):
    shape = (layers, heads, n, labels)
    level = rng.uniform(-1.2, 1.2, (layers, heads, 1, labels)) * rng.uniform(0, 1, (layers, heads, 1, 1))
    readings = np.round(level * (1 + rng.uniform(0.02, 0.4, (layers, heads, 1, 1)) * rng.standard_normal(shape)), 4)
    streams = np.round(3 * rng.standard_normal((layers, 1, labels)) + 0.3 * rng.standard_normal((layers, n, labels)), 4)
    effects = np.round(level[:, :, 0].reshape(-1, labels), 4)
    sets = {()}
    for th_bias in np.arange(0.1, 0.51, 0.1):
        for th_sum in [0.02, 0.05, 0.1, 0.15, 0.2]:
            for th_cv in np.arange(0.1, 0.251, 0.05):
                own = [l * heads + h for l in range(layers // 2, layers) for h in range(heads)
                       if biased(readings[l, h], streams[l], th_bias, th_sum, th_cv)]
                sets.add(tuple(own))

    def run(own, alpha):
        f = np.exp(np.array(base) - (1 - alpha) * effects[list(own)].sum(0) if own else np.array(base))
        return f / (f.sum() + 1)

    def search(sets, alphas, least):
        found = [(own, alpha, run(own, alpha)) for alpha in alphas for own in sets]
        found = [(own, alpha, p) for own, alpha, p in found if p.sum() > least * 0.95]
        return [(np.mean(np.abs(np.log(p.mean()) - np.log(p))), own, alpha, p.sum()) for own, alpha, p in found]

    whole = run((), 1).sum()
    first = sorted(search(sorted(sets), [0.0], whole), key=lambda item: item[0])
    best = first[0]
    if best[0] > 0.1:
        again = [own for _, own, _, _ in first[:5] if own]
        second = search(again, [-0.1, -0.25, -0.5, -1], max(best[3], whole))
        best = min([best] + second, key=lambda item: item[0])
    return {"shape": [layers, heads, labels], "examples": n, "heads": readings.ravel().tolist(),
            "streams": streams.ravel().tolist(), "base": base, "effects": effects.tolist(),
            "candidates": [list(own) for own in sorted(sets)], "chosen": list(best[1]), "weight": float(best[2]),
            "bias": float(best[0])}


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, make in [("looc", looc), ("linc", linc), ("hidden", hidden)]:
        rng = np.random.default_rng(11)
        cases = [make(rng, labels, k, 9) for labels, k in [(2, 24), (3, 20), (4, 8)]]
        (folder / f"{name}.json").write_text(json.dumps(cases) + "\n")
    rng = np.random.default_rng(5)
    cases = [unibias_heads(rng, 6, 4, 2, 8, [1.5, 0.2]), unibias_heads(rng, 4, 6, 3, 6, [0.3, 1.0, 0.1]),
             unibias_heads(rng, 8, 3, 2, 8, [0.2, 0.1]), unibias_heads(rng, 6, 4, 4, 8, [1.0, 0.0, 0.5, 2.0])]
    (folder / "unibias_heads.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
