"""Golden values for the default fit, `src/analysis/reweight/prior.rs`.

It solves the problem of docs/method.md in the weights themselves, by scipy's L-BFGS-B, without the dual problem, kernels
or Newton steps that the program uses. In contributions x [C, N, Y], r for `rest`, gold labels y:

1. Label-centre x and r (subtract the mean over Y), then subtract their means over the training examples, m_x and m_r.
2. a = MODEL / rms(r + sum_c x_c); X = a x, R = a r; s_c = rms(X_c) over all N Y values. Components with
   s_c <= 1e-9 max s are constant: their X is 0 and they keep u_c = 1.
3. v_c = DEVIATION^2 k_c s_c^(-2 EXPONENT) / sum_c k_c s_c^(2 - 2 EXPONENT), where k_c is MLPS for MLPs, else 1. Here every
   second component is an MLP.
4. Minimise  sum_i CE(softmax(b + R_i + sum_c u_c X_ic), y_i) + 1/2 sum_c (u_c - 1)^2 / v_c + 1/2 sum_y b_y^2 / OFFSET^2,
   where offsets enter label-centred. `objective` is this over N.
5. The mix has weights u_c, 1 for rest, and offsets b / a - sum_c u_c m_c - m_r, label-centred.

    python tools/reference_prior.py > tests/golden/analysis/prior.json
"""

import json

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

PRIOR = {"model": 0.3, "deviation": 0.8, "exponent": 0.5, "mlps": 0.5, "offset": 2.0}


def make_table(seed, components, n, labels, scale):
    """Contributions [C, N, Y], the first constant, some informative; `rest` [N, Y]; gold labels, not quite balanced."""
    rng = np.random.default_rng(seed)
    gold = rng.permutation(np.arange(n) % labels)
    gold[0] = 0
    noise = rng.standard_normal((components, n, labels)) * rng.uniform(0.2, 1.5, (components, 1, 1))
    bias = rng.standard_normal((components, 1, labels)) * rng.uniform(0, 1, (components, 1, 1))
    lift = np.where(rng.random(components) < 0.2, rng.uniform(-0.5, 1.0, components), 0.0)
    g = scale * (noise + bias + lift[:, None, None] * np.eye(labels)[gold])
    g[0] = np.arange(labels)
    rest = rng.standard_normal((n, labels))
    return np.round(g, 3).astype(np.float32), np.round(rest, 3).astype(np.float32), gold


def centred(values):
    return values - values.mean(-1, keepdims=True)


def fit(g, rest, gold, prior, strength=1.0):
    components, n, labels = g.shape
    x, r = centred(g.astype(float)), centred(rest.astype(float))
    m_x, m_r = x.mean(1, keepdims=True), r.mean(0, keepdims=True)
    x, r = x - m_x, r - m_r
    a = prior["model"] / np.sqrt(((r + x.sum(0)) ** 2).mean())
    x, r = a * x, a * r
    s = np.sqrt((x**2).mean((1, 2)))
    live = s > 1e-9 * s.max()
    sd, k, p = np.zeros(components), np.where(np.arange(components) % 2, prior["mlps"], 1.0), prior["exponent"]
    sd[live] = prior["deviation"] * np.sqrt(k[live]) * s[live] ** -p / np.sqrt((k[live] * s[live] ** (2 - 2 * p)).sum())
    sd, so = sd / np.sqrt(strength), prior["offset"] / np.sqrt(strength)
    one_hot = np.eye(labels)[gold]

    def objective(z):
        u, b = 1 + sd * z[:components], so * z[components:]
        logits = r + np.tensordot(u, x, 1) + centred(b)
        residual = softmax(logits, 1) - one_hot
        loss = (logsumexp(logits, 1) - logits[np.arange(n), gold]).sum()
        gradient = np.concatenate([sd * (x * residual).sum((1, 2)), so * centred(residual.sum(0))])
        return loss + 0.5 * z @ z, gradient + z

    z = np.zeros(components + labels)
    for _ in range(5):
        z = minimize(objective, z, jac=True, method="L-BFGS-B", options={"maxiter": 10000, "ftol": 1e-16, "gtol": 1e-11}).x
    u, b = 1 + sd * z[:components], so * z[components:]
    offsets = centred(b / a - np.tensordot(u, m_x[:, 0], 1) - m_r[0])
    return {"strength": strength, "objective": objective(z)[0] / n, "weights": u.tolist(), "offsets": offsets.tolist()}


def main():
    cases = []
    for seed, (components, n, labels, scale) in enumerate([(30, 20, 2, 0.5), (24, 21, 3, 30.0), (60, 20, 4, 0.05)]):
        g, rest, gold = make_table(seed, components, n, labels, scale)
        decimals = lambda values: [float(f"{v:.3f}") for v in values.ravel()]
        fits = [fit(g, rest, gold, PRIOR, strength) for strength in (100.0, 1.0, 0.01)]
        cases.append(
            {"components": components, "labels": labels, "gold": gold.tolist(), "contributions": decimals(g), "rest": decimals(rest), "fits": fits}
        )
    print(json.dumps({"prior": PRIOR, "cases": cases}))


if __name__ == "__main__":
    main()
