"""Golden factors of Calib+ (arXiv 2406.13131, as its authors' code trains it, in f64).

`p_hat = softmax(v * p)`, where `p` are the model's label probabilities. Mean cross-entropy, full batch, plain gradient
descent at rate 0.05 from v = 1, at most 5000 epochs. Before the steps of epochs 0, 100, 200 ... it stops if every training
example is predicted right; it also stops after the third epoch whose loss is not below the least so far.

    python tools/reference_baselines.py > tests/golden/analysis/calib.json
"""

import json

import numpy as np
import torch


def calib_plus(full, gold):
    p = torch.softmax(torch.tensor(full, dtype=torch.float64), 1)
    gold = torch.tensor(gold)
    v = torch.ones(full.shape[1], dtype=torch.float64, requires_grad=True)
    least, patience, epochs = 100.0, 3, 0
    for epoch in range(5000):
        loss = torch.nn.functional.cross_entropy(p * v, gold)
        if epoch % 100 == 0 and ((p * v).argmax(1) == gold).all():
            break
        v.grad = None
        loss.backward()
        with torch.no_grad():
            v -= 0.05 * v.grad
        epochs = epoch + 1
        patience, least = (patience - 1, least) if least <= loss else (patience, loss.item())
        if patience == 0:
            break
    return v.tolist(), epochs


def main():
    cases = []
    for seed, (n, labels, signal) in enumerate([(20, 2, 1.0), (21, 3, 2.0), (20, 4, 0.5), (20, 2, 6.0)]):
        rng = np.random.default_rng(seed)
        gold = rng.permutation(np.arange(n) % labels)
        bias = rng.standard_normal(labels)
        full = np.round(rng.standard_normal((n, labels)) + bias + signal * np.eye(labels)[gold], 3).astype(np.float32)
        factors, epochs = calib_plus(full, gold)
        decimals = [float(f"{z:.3f}") for z in full.ravel()]
        cases.append({"labels": labels, "gold": gold.tolist(), "full": decimals, "factors": factors, "epochs": epochs})
    print(json.dumps(cases))


if __name__ == "__main__":
    main()
