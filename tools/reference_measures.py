"""Golden values for `src/analysis/measures.rs`.

Rows of logits are softmaxed. macro_f1 is the mean F1 over the labels that occur; ece bins the largest probability
into 15 equal bins, open below, and averages |accuracy - confidence| over examples; nll the mean of -log p; share_sd
is the standard deviation over labels of predicted minus gold share.

    python tools/reference_measures.py > tests/golden/analysis/measures.json
"""

import json

import numpy as np

rng = np.random.default_rng(5)
cases = []
for labels, n, scale in [(2, 60, 1.0), (4, 97, 3.0), (5, 40, 8.0)]:
    gold = rng.integers(0, labels - (labels == 5), n)
    logits = np.round(scale * rng.standard_normal((n, labels)) + np.eye(labels)[gold], 4)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    predicted, confidence = p.argmax(1), p.max(1)
    edges = np.linspace(0, 1, 16)
    ece = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            ece += inside.mean() * abs((predicted == gold)[inside].mean() - confidence[inside].mean())
    f1 = []
    for y in np.union1d(gold, predicted):
        tp = ((predicted == y) & (gold == y)).sum()
        f1.append(2 * tp / ((predicted == y).sum() + (gold == y).sum()))
    shares = np.bincount(predicted, minlength=labels) / n - np.bincount(gold, minlength=labels) / n
    cases.append({
        "labels": labels, "gold": gold.tolist(), "logits": logits.ravel().tolist(), "macro_f1": float(np.mean(f1)),
        "ece": float(ece), "nll": float(-np.log(p[np.arange(n), gold]).mean()), "share_sd": float(shares.std()),
    })
print(json.dumps(cases))
