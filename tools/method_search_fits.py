"""The estimators that tools/method_search.py compares.

An estimator takes the training rows (contributions [C, N, Y], `rest`, `full`, gold), the number of labels and the heads
a layer, and returns a function from test contributions, `rest` and `full` to scores [N, Y]. `comprw`, `released` and
`calib` are the loops of tools/reference_reweight.py and tools/reference_baselines.py in numpy.
"""

import itertools

import numpy as np
from scipy.optimize import minimize


def softmax(z):
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


def losses(z, gold):
    z = z - z.max(-1, keepdims=True)
    return np.log(np.exp(z).sum(-1)) - z[np.arange(len(gold)), gold]


def centred(values):
    return values - values.mean(-1, keepdims=True)


def mix(weights, rho, offsets):
    return lambda g, rest, full: np.tensordot(weights, g, 1) + rho * rest + offsets


def comprw(released):
    def method(train, labels, _heads):
        g, _, _, gold = train
        n, columns, one_hot = len(gold), centred(g).reshape(len(g), -1), np.eye(labels)[gold]
        lam, scale = (0.01, 1.0) if released else (0.1, n)
        w, least, patience = np.ones(len(g)), 100.0, 3
        used = lambda: np.clip(w, 0, 1) if released else w
        for epoch in range(2000):
            z = (used() @ columns).reshape(n, labels)
            gradient = scale * columns @ ((softmax(z) - one_hot) / n).ravel()
            if released:
                gradient = gradient * ((w >= 0) & (w <= 1))
            w = w - 0.05 * (gradient + lam * np.sign(w))
            if epoch % 100 == 0 and ((used() @ columns).reshape(n, labels).argmax(1) == gold).all():
                break
            loss = scale * losses(z, gold).mean()
            patience, least = (patience, loss) if loss < least else (patience - 1, least)
            if released and patience == 0:
                break
        return mix(used(), 0.0, 0.0)

    return method


def calib(train, labels, _heads):
    _, _, full, gold = train
    p, v, one_hot, least, patience = softmax(full), np.ones(labels), np.eye(labels)[gold], 100.0, 3
    for epoch in range(5000):
        if patience == 0 or epoch % 100 == 0 and ((p * v).argmax(1) == gold).all():
            break
        loss = losses(p * v, gold).mean()
        v = v - 0.05 * ((softmax(p * v) - one_hot) * p).mean(0)
        patience, least = (patience, loss) if loss < least else (patience - 1, least)
    return lambda g, rest, full: softmax(full) * v


class Dual:
    """Sum of cross-entropies + 1/2 |w|^2 / variances, by Newton steps in the dual: logits = base + K alpha."""

    def __init__(self, columns, variances, base, gold, labels):
        self.columns, self.variances, self.base, self.gold, self.labels = columns, variances, base, gold, labels
        self.kernel = (columns * variances[:, None]).T @ columns
        self.solve()

    def value(self, alpha, change):
        z = (self.base + change).reshape(-1, self.labels)
        return losses(z, self.gold).sum() + 0.5 * alpha @ change, z

    def solve(self):
        n, labels = len(self.gold), self.labels
        one_hot, alpha, change = np.eye(labels)[self.gold].ravel(), np.zeros(n * labels), np.zeros(n * labels)
        value, z = self.value(alpha, change)
        for _ in range(100):
            p = softmax(z)
            residual = p.ravel() - one_hot
            curvature = np.einsum("ny,yz->nyz", p, np.eye(labels)) - np.einsum("ny,nz->nyz", p, p)
            blocks = self.kernel.reshape(n, labels, -1)
            system = np.eye(n * labels) + np.einsum("nyz,nzm->nym", curvature, blocks).reshape(n * labels, -1)
            if np.abs(residual + alpha).max() < 1e-8:
                break
            goal = np.einsum("nyz,nz->ny", curvature, change.reshape(n, labels)).ravel() - residual
            step, t = np.linalg.solve(system, goal) - alpha, 1.0
            while True:
                trial = alpha + t * step
                moved = self.kernel @ trial
                after, z_after = self.value(trial, moved)
                if after <= value + 1e-12 * (1 + abs(value)) or t < 1e-6:
                    break
                t /= 2
            alpha, change, value, z = trial, moved, after, z_after
        self.alpha, self.weights, self.objective = alpha, self.variances * (self.columns @ alpha), value
        self.system, self.curvature, self.residual, self.logits = system, curvature, residual, z

    def left_out(self):
        """Logits of every example with its own label left out, to first order."""
        n, labels = len(self.gold), self.labels
        posterior, out = self.kernel @ np.linalg.inv(self.system), self.logits.copy()
        for i in range(n):
            own = slice(i * labels, (i + 1) * labels)
            block = posterior[own, own]
            out[i] += np.linalg.solve(np.eye(labels) - block @ self.curvature[i], block @ self.residual[own])
        return out

    def evidence(self):
        return -self.objective - 0.5 * np.linalg.slogdet(self.system)[1]


def scaled(train, labels, centre=True):
    """Label-centred contributions and rest, their means over examples, and the contributions minus those."""
    g, rest, _, gold = train
    x, r = centred(g), centred(rest)
    m_x, m_r = (x.mean(1), r.mean(0)) if centre else (np.zeros((len(x), labels)), np.zeros(labels))
    x, r = x - m_x[:, None], r - m_r
    return x.reshape(len(x), -1), r.ravel(), m_x, m_r, gold


def offsets(n, labels):
    return np.tile(np.eye(labels) - 1 / labels, (1, n))


def prior(model=0.3, deviation=0.8, exponent=0.5, offset=2.0, centre=True, mlps=1.0, choose=None, free=0.0, anchor=1.0):
    """The default and its variants. `mlps`: factor on the variance of MLPs; `free`: deviation of the model's own scale;
    `choose`: `loo` or `evidence` averages over deviations, weighted by either; `anchor` 0 starts from no weights."""

    def method(train, labels, heads):
        x, r, m_x, m_r, gold = scaled(train, labels, centre)
        n = len(gold)
        a = model / np.sqrt(((r + x.sum(0)) ** 2).mean())
        s = np.sqrt((x**2).mean(1))
        v = np.where(s > 1e-9 * s.max(), np.maximum(s, 1e-300) ** (-2 * exponent), 0)
        v[heads :: heads + 1] *= mlps
        v = v / (v * s * s).sum()
        whole = r + x.sum(0)
        columns = np.concatenate([x, whole[None] * a, offsets(n, labels)])

        def at(deviation):
            variances = np.concatenate([v * deviation**2, [free**2], np.full(labels, offset**2)])
            dual = Dual(columns, variances, anchor * a * whole, gold, labels)
            scale = a * (anchor + dual.weights[len(x)])
            return dual, (dual.weights[: len(x)] + scale, scale, dual.weights[len(x) + 1 :])

        if choose is None:
            w, rho, b = at(deviation)[1]
        else:
            logs, found = [], []
            for factor in (0.25, 0.5, 1, 2, 4):
                dual, solution = at(deviation * factor)
                fit = -losses(dual.left_out(), gold).sum() if choose == "loo" else dual.evidence()
                logs.append(fit - 0.5 * np.log2(factor) ** 2)
                found.append(solution)
            share = softmax(np.array(logs))
            w, rho, b = (sum(p * part for p, part in zip(share, parts)) for parts in zip(*found))
        return mix(w, rho, centred(b) - w @ m_x - rho * m_r)

    return method


def ridge_cv(train, labels, _heads):
    """The default before: a ridge towards the model, cross-validated (folds by another generator than the program's)."""
    x, r, _, _, gold = scaled(train, labels, centre=False)
    n, count = len(gold), len(x)
    columns, s = np.concatenate([x, offsets(n, labels)]), np.sqrt((x**2).mean(1))
    price = np.concatenate([s, np.full(labels, 0.03 * s.mean())])
    variances = np.where(price > 0, 1 / np.maximum(price, 1e-300) ** 2, 0)
    base = r + x.sum(0)
    gradient = columns @ ((softmax(base.reshape(n, labels)) - np.eye(labels)[gold]) / n).ravel()
    strongest = (np.abs(gradient[price > 0]) / (1e-3 * price[price > 0])).max()
    strengths, rng, folds, turn = strongest * np.geomspace(1, 1e-4, 12), np.random.default_rng(0), [[] for _ in range(5)], 0
    for y in range(labels):
        for i in rng.permutation(np.where(gold == y)[0]):
            folds[turn % 5].append(i)
            turn += 1
    at = np.arange(n * labels).reshape(n, labels)
    held = np.zeros((5, 12))
    for k, out in enumerate(folds):
        kept = np.setdiff1d(np.arange(n), out)
        inside, outside = at[kept].ravel(), at[out].ravel()
        for j, lam in enumerate(strengths if out else []):
            w = Dual(columns[:, inside], variances / (lam * len(kept)), base[inside], gold[kept], labels).weights
            held[k, j] = losses((base[outside] + w @ columns[:, outside]).reshape(-1, labels), gold[out]).sum()
    best = held.sum(0).argmin()
    excess = held - held[:, [best]]
    close = [j for j in range(best) if excess[:, j].mean() <= 0.5 * np.sqrt(excess[:, j].var(ddof=1) / 5)]
    w = Dual(columns, variances / (strengths[close[0] if close else best] * n), base, gold, labels).weights
    return mix(1 + w[:count], 1.0, w[count:])


def box(model=0.3, deviation=0.8, exponent=0.5, lower=0.0, offset=2.0):
    """The default with weights of at least `lower` times the model's."""

    def method(train, labels, _heads):
        x, r, m_x, m_r, gold = scaled(train, labels)
        n, a = len(gold), model / np.sqrt(((r + x.sum(0)) ** 2).mean())
        x, r, s = a * x, a * r, a * np.sqrt((x**2).mean(1))
        sd = deviation * np.maximum(s, 1e-9 * s.max()) ** -exponent
        sd /= np.sqrt((s ** (2 - 2 * exponent)).sum())
        columns = np.concatenate([x * sd[:, None], offset * offsets(n, labels)])
        base, one_hot = r + x.sum(0), np.eye(labels)[gold]

        def objective(u):
            z = (base + u @ columns).reshape(n, labels)
            return losses(z, gold).sum() + 0.5 * u @ u, columns @ (softmax(z) - one_hot).ravel() + u

        bounds = [((lower - 1) / d, None) for d in sd] + [(None, None)] * labels
        u = minimize(objective, np.zeros(len(columns)), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}).x
        w = a * (1 + sd * u[: len(x)])
        return mix(w, a, centred(offset * u[len(x) :]) - w @ m_x - a * m_r)

    return method


def average(first, second):
    """The mean of two mixes, each scaled to a root mean square of 1 on the training examples."""

    def method(train, labels, heads):
        parts = [made(train, labels, heads) for made in (first, second)]
        sizes = []
        for part in parts:
            z = centred(part(*train[:3]))
            sizes.append(np.sqrt(((z - z.mean(0)) ** 2).mean()) + 1e-12)
        return lambda g, rest, full: sum(part(g, rest, full) / size for part, size in zip(parts, sizes))

    return method


PUBLISHED = {
    "model": lambda train, labels, heads: lambda g, rest, full: full,
    "calib": calib,
    "comprw": comprw(False),
    "released": comprw(True),
    "ridge_cv": ridge_cv,
}


DEFAULT = "default: 0.3, 0.8, 0.5, MLPs half"


def candidates():
    """The grid that is chosen from, and variants that are shown only."""
    grid = {
        f"prior {model}, {ratio * model:.2f}, {exponent}": prior(model, ratio * model, exponent)
        for exponent, model, ratio in itertools.product((0.25, 0.5), (0.15, 0.25, 0.4, 0.6), (2.0, 2.8, 4.0))
    }
    grid |= {
        DEFAULT: prior(mlps=0.5),
        "MLPs half the variance, deviation 1": prior(deviation=1.0, mlps=0.5),
        "MLPs a quarter of the variance": prior(mlps=0.25),
        "MLPs twice the variance": prior(mlps=2.0),
    }
    others = {
        "not centred": prior(centre=False),
        "offsets 0.1": prior(offset=0.1),
        "from no weights": prior(anchor=0.0),
        "free scale": prior(free=1.0),
        "deviation by evidence": prior(choose="evidence"),
        "deviation by left-out labels": prior(choose="loo"),
        "box at 0": box(),
        "averaged with released": average(prior(), comprw(True)),
    }
    return grid, others
