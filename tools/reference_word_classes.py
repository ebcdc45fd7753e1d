"""Golden values for several label words per class, `src/analysis/word_classes_tests.rs`.

Written from the definition alone, in numpy: contributions are added per word, and the logit of a class is the maximum, the
sum or the mean over its words. For contributions g [C, N, W], `rest` [N, W] and the class of each word:

- `component`: class logits of one component alone, `full`: of the model, `mix`: of the weighted sum plus an offset a class;
- `accuracy` of the model, of every component, of the sum of all components, and of the mix;
- `margins`: the contribution of each component, and of rest, to the mean over examples of gold minus the strongest other
  class of the model, at the words that have the model's class logits, so that they add up to the model's mean margin.

    python tools/reference_word_classes.py > tests/golden/analysis/word_classes.json
"""

import json

import numpy as np

CASES = [("max", [0, 0, 1, 1, 1]), ("max", [1, 0, 2, 1, 0, 2, 2]), ("sum", [0, 1, 1, 0]), ("mean", [0, 0, 1])]


def case(seed, rule, of_word, components=8, n=12):
    rng = np.random.default_rng(seed)
    of_word, classes = np.array(of_word), max(of_word) + 1
    gold = rng.permutation(np.arange(n) % classes)
    lift = 0.7 * (of_word[None, :] == gold[:, None])
    g = np.round(rng.standard_normal((components, n, len(of_word))) + lift, 2).astype(np.float32)
    rest = np.round(rng.standard_normal((n, len(of_word))), 2).astype(np.float32)
    weights = np.round(rng.normal(0.5, 1.0, components), 2)
    offsets = np.round(rng.standard_normal(classes), 2)
    reduce = {"max": np.max, "sum": np.sum, "mean": np.mean}[rule]

    def by_class(words):
        return np.stack([reduce(words[..., of_word == c], axis=-1) for c in range(classes)], axis=-1)

    def accuracy(logits):
        return float((logits.argmax(-1) == gold).mean())

    words = g.astype(float).sum(0) + rest
    full = by_class(words)
    mix = by_class((weights[:, None, None] * g.astype(float)).sum(0) + 0.5 * rest) + offsets
    others = np.where(np.eye(classes, dtype=bool)[gold], -np.inf, full)
    rival = others.argmax(-1)

    def part(values, row, label):
        own = np.flatnonzero(of_word == label)
        return values[row, own[words[row, own].argmax()]] if rule == "max" else reduce(values[row, own])

    def margin(values):
        return float(np.mean([part(values, i, gold[i]) - part(values, i, rival[i]) for i in range(n)]))

    terms = [margin(x.astype(float)) for x in g] + [margin(rest.astype(float))]
    model = float((full[np.arange(n), gold] - full[np.arange(n), rival]).mean())
    assert abs(sum(terms) - model) < 1e-9
    return {
        "rule": rule, "of_word": of_word.tolist(), "gold": gold.tolist(), "contributions": np.round(g.ravel().astype(float), 2).tolist(),
        "rest": np.round(rest.ravel().astype(float), 2).tolist(), "weights": weights.tolist(), "offsets": offsets.tolist(),
        "component": by_class(g[0].astype(float)).ravel().tolist(), "full": full.ravel().tolist(), "mix": mix.ravel().tolist(),
        "accuracy": {"full": accuracy(full), "components": [accuracy(by_class(x)) for x in g],
                     "sum": accuracy(by_class(g.astype(float).sum(0))), "mix": accuracy(mix)},
        "margins": terms, "margin": model,
    }


print(json.dumps([case(seed, rule, of_word) for seed, (rule, of_word) in enumerate(CASES)]))
