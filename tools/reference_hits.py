"""Golden values for the tests of kinds: Fisher and McNemar from scipy, and the exact permutation distribution of the hits.

The hits of a shuffled prediction correspond to rooks on blocks of a chessboard. Their distribution is computed here in exact
rational arithmetic, to check both methods of `src/analysis/permutation.rs`.

    python tools/reference_hits.py > tests/golden/analysis/hits.json
"""

import json
from fractions import Fraction
from math import comb, factorial

import numpy as np
from scipy import stats


def law(gold, predicted):
    """P(hits = 0, 1, ...) given both margins, as exact fractions."""
    rooks = [1]
    for r, c in zip(gold, predicted):
        block = [comb(r, k) * comb(c, k) * factorial(k) for k in range(min(r, c) + 1)]
        rooks = [
            sum(rooks[i] * block[k - i] for i in range(len(rooks)) if 0 <= k - i < len(block))
            for k in range(len(rooks) + len(block) - 1)
        ]
    n = sum(gold)
    ways = [rook * factorial(n - k) for k, rook in enumerate(rooks)]
    for low in range(len(ways) - 1):  # from powers of (t - 1) to powers of t
        for k in range(len(ways) - 2, low - 1, -1):
            ways[k] -= ways[k + 1]
    return [Fraction(way, factorial(n)) for way in ways]


def two_sided(law, hits):
    upper, lower = sum(law[hits:]), sum(law[: hits + 1])
    return float(min(1, 2 * min(upper, lower)))


def table(rng, n, labels, strength, gold_share=None, predicted_share=None):
    """A confusion table in which a share `strength` of the predictions copy (or, if negative, avoid) the gold label."""
    gold = rng.choice(labels, n, p=gold_share)
    predicted = rng.choice(labels, n, p=predicted_share)
    moved = rng.random(n) < abs(strength)
    predicted = np.where(moved, gold if strength > 0 else (gold + 1) % labels, predicted)
    confusion = np.zeros((labels, labels), int)
    np.add.at(confusion, (gold, predicted), 1)
    return confusion


def hits_case(confusion):
    gold, predicted = confusion.sum(1).tolist(), confusion.sum(0).tolist()
    p = two_sided(law(gold, predicted), int(np.trace(confusion)))
    return {"confusion": confusion.ravel().tolist(), "p": p}


def main():
    rng = np.random.default_rng(5)
    fisher = []
    for n in (8, 24, 300, 2000):
        for strength in (0.0, 0.05, -0.1, 0.3):
            confusion = table(rng, n, 2, strength)
            p = stats.fisher_exact(confusion).pvalue
            fisher.append({"confusion": confusion.ravel().tolist(), "p": float(p)})
    mcnemar = []
    for b, c in ((0, 0), (3, 9), (15, 15), (40, 71), (300, 410)):
        p = stats.binomtest(min(b, c), b + c).pvalue if b + c else 1.0
        mcnemar.append({"b": b, "c": c, "p": float(p)})
    small, large = [], []
    for labels in (3, 4):
        for strength in (0.0, 0.2, -0.3, 0.6, 1.0):
            small.append(hits_case(table(rng, 20, labels, strength)))
            small.append(hits_case(table(rng, 36, labels, strength)))
            large.append(hits_case(table(rng, 200, labels, strength / 4)))
            skewed = [0.8] + [0.2 / (labels - 1)] * (labels - 1)
            large.append(hits_case(table(rng, 400, labels, strength / 4, predicted_share=skewed)))
    golden = {"fisher": fisher, "mcnemar": mcnemar, "small": small, "large": large}
    print(json.dumps(golden))


if __name__ == "__main__":
    main()
