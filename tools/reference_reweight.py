"""Golden values for reweighting.

It computes two things, each with the simplest possible code:

* `optimum`: the optimal value of the convex problem of docs/method.md, by scipy's L-BFGS-B on the smooth form
  w = a + u - v, u >= 0, v >= 0, without proximal steps or working sets;
* `comprw_printed`, `comprw_released`: component reweighting (arXiv 2406.13131) as a training loop. What the paper
  does not specify follows the code that its authors released:
    - full batch, plain (sub)gradient descent at rate 0.05, every weight 1 at the start, sign(0) = 0;
    - at most 2000 epochs, counted from 0; after the step of epochs 0, 100, 200 ... it stops if every training example is
      predicted right;
    - released only: mean cross-entropy + 0.01 * sum |w|, weights clipped to [0, 1] where they are used (the gradient
      passes where 0 <= w <= 1; the penalty uses the unclipped weights), and it stops after the third epoch whose
      cross-entropy is not below the least so far;
    - printed: summed cross-entropy + 0.1 * sum |w|, no clipping, and no such patience, which the paper does not mention;
    - f64 throughout (theirs is f32), so that the patience counts real changes of the loss and not rounding.

    python tools/reference_reweight.py > tests/golden/analysis/reweight.json
"""

import json

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax


def make_table(seed, components, n, labels, scale):
    """Contributions [C, N, Y], some of them informative, `rest` [N, Y] and gold labels, as short decimals."""
    rng = np.random.default_rng(seed)
    gold = rng.permutation(np.arange(n) % labels)
    noise = rng.standard_normal((components, n, labels)) * rng.uniform(0.2, 1.5, (components, 1, 1))
    bias = rng.standard_normal((components, 1, labels)) * rng.uniform(0, 1, (components, 1, 1))
    lift = np.where(rng.random(components) < 0.2, rng.uniform(-0.5, 1.0, components), 0.0)
    g = scale * (noise + bias + lift[:, None, None] * np.eye(labels)[gold])
    rest = rng.standard_normal((n, labels))
    return np.round(g, 3).astype(np.float32), np.round(rest, 3).astype(np.float32), gold


def objective(w, g, rest, gold, rho):
    """Mean cross-entropy and its gradient."""
    z = rho * rest + np.tensordot(w, g, 1)
    n = len(gold)
    loss = (logsumexp(z, 1) - z[np.arange(n), gold]).mean()
    residual = softmax(z, 1)
    residual[np.arange(n), gold] -= 1
    return loss, np.tensordot(g, residual / n, ([1, 2], [0, 1]))


def optimum(g, rest, gold, rho, anchor, lam, bounds, price):
    g, rest, c = g.astype(float), rest.astype(float), len(g)

    def smooth(x):
        loss, gradient = objective(anchor + x[:c] - x[c:], g, rest, gold, rho)
        return loss + lam * price @ (x[:c] + x[c:]), np.concatenate([gradient + lam * price, lam * price - gradient])

    up, down = (None, None) if bounds is None else (bounds[1] - anchor, anchor - bounds[0])
    limits = [(0, up)] * c + [(0, down)] * c
    options = {"maxiter": 200000, "maxfun": 400000, "ftol": 1e-16, "gtol": 1e-10, "maxcor": 40}
    x, value = np.zeros(2 * c), np.inf
    for _ in range(5):
        found = minimize(smooth, x, jac=True, method="L-BFGS-B", bounds=limits, options=options)
        x, value = found.x, min(value, found.fun)
    return float(value)


def price(g, scaling):
    centred = g.astype(float) - g.astype(float).mean(2, keepdims=True)
    return np.sqrt((centred**2).mean((1, 2))) if scaling == "standardised" else np.ones(len(g))


def comprw(g, gold, released):
    """The final weights, clipped if `released`, and the number of epochs with a step."""
    dtype = torch.float64
    g, gold = torch.tensor(g, dtype=dtype).permute(1, 0, 2), torch.tensor(gold)
    w = torch.ones(g.shape[1], 1, dtype=dtype, requires_grad=True)
    rate, lam, reduction = 0.05, 0.01 if released else 0.1, "mean" if released else "sum"

    def used():
        inside = (w >= 0) & (w <= 1)  # torch.clip no longer passes a gradient at the ends, as it did in 2024
        return torch.where(inside, w, w.detach().clamp(0, 1)) if released else w

    def logits():
        return (g * used()).sum(1)

    least, patience, epochs = 100.0, 3, 0
    for epoch in range(2000):
        loss = torch.nn.functional.cross_entropy(logits(), gold, reduction=reduction)
        w.grad = None
        (loss + lam * torch.norm(w, 1)).backward()
        with torch.no_grad():
            w -= rate * w.grad
            epochs = epoch + 1
            if epoch % 100 == 0 and (logits().argmax(1) == gold).all():
                break
        if released:
            patience, least = (patience - 1, least) if least <= loss else (patience, loss.detach())
            if patience == 0:
                break
    return used().detach().flatten().double().tolist(), epochs


def main():
    cases = []
    for seed, (components, n, labels, scale) in enumerate(
        [(30, 20, 2, 0.5), (24, 21, 3, 0.3), (24, 20, 4, 1.0), (60, 24, 2, 0.05), (12, 24, 4, 0.2)]
    ):
        g, rest, gold = make_table(seed, components, n, labels, scale)
        optima = []
        for rho in (0.0, 1.0):
            for towards in ("towards_zero", "towards_one"):
                for bounds in (None, [0.0, 1.0], [-0.5, 1.5]):
                    for lam, scaling in ((0.1, "raw"), (0.01, "raw"), (0.001, "raw"), (0.02, "standardised"), (0.0, "raw")):
                        if lam == 0.0 and bounds is None:
                            continue
                        anchor = float(towards == "towards_one")
                        value = optimum(g, rest, gold, rho, anchor, lam, bounds, price(g, scaling))
                        optima.append({"rest": rho, "penalty": towards, "bounds": bounds, "lambda": lam, "scaling": scaling, "objective": value})
        loops = {}
        for name in ("printed", "released"):
            weights, epochs = comprw(g, gold, name == "released")
            loops[name] = {"weights": [round(w, 6) for w in weights], "epochs": epochs}
        decimals = lambda values: [float(f"{v:.3f}") for v in values.ravel()]
        cases.append(
            {"components": components, "labels": labels, "gold": gold.tolist(), "contributions": decimals(g), "rest": decimals(rest), "optima": optima, "comprw": loops}
        )
    print(json.dumps({"cases": cases}))


if __name__ == "__main__":
    main()
