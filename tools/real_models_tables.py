"""Tables of docs/real-models.md, from the results of `partscope reproduce` and saved runs."""

import itertools

import numpy as np
from safetensors.numpy import load_file

NAMES = {"sst2": "SST-2", "agnews": "AG News"}
METHODS = {
    "standard": "4 shots",
    "standard_k": "24 shots",
    "prompts": "4 nearest of 24 (PromptS)",
    "contextual": "contextual calibration",
    "domain": "domain-context calibration (sees the words of the test texts)",
    "looc": "leave-one-out calibration",
    "linc": "LinC",
    "calib": "Calib+",
    "best_component": "best component on the training labels",
    "vote": "vote of the best components",
    "comprw": "CompRW as printed",
    "comprw_released": "CompRW as released",
    "partscope": "partscope's default",
    "loo_calib": "Calib+ on leave-one-out prompts",
    "loo_comprw": "CompRW as printed, on leave-one-out prompts",
    "loo_comprw_released": "CompRW as released, on leave-one-out prompts",
    "loo_partscope": "partscope's default on leave-one-out prompts",
    "oracle_best_component": "best component (oracle)",
    "oracle_worst_component": "worst component (oracle)",
}
# The paper's figures for Llama-2-7B.
PAPER_ACCURACY = {
    "sst2": {"standard": 75.8, "standard_k": 77.8, "prompts": 74.2, "calib": 87.6, "comprw": 90.6},
    "agnews": {"standard": 70.0, "standard_k": 71.1, "prompts": 57.5, "calib": 78.4, "comprw": 88.1},
}
PAPER_AGREEMENT = {
    "sst2": {"demos": 0.81, "templates": 0.40, "contrastive": 0.72},
    "agnews": {"demos": 0.89, "templates": 0.68, "contrastive": 0.82},
}
PAPER_BIASED = {"sst2": 37.8, "agnews": 13.4}
PAIRS = {"demos": "other demonstrations, same template", "templates": "other template, same demonstrations",
         "contrastive": "template that differs in one line break"}
DRAWS = 1000


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percent(value):
    return f"{100 * value:.1f}"


def points(value):
    return f"{100 * value:+.1f}".replace("-", "−")


def interval(values):
    """Returns the 2.5th and 97.5th percentile."""
    return np.nanpercentile(values, [2.5, 97.5])


def accuracy_table(results):
    rows = []
    for method, label in METHODS.items():
        cells = []
        for name, result in results.items():
            found = {row["method"]: row for row in result["accuracy"]}.get(method)
            if found is None:
                cells += ["–", "–"]
                continue
            (mean, deviation), = found["tasks"].values()
            low, high = found["ci"]
            cells.append(f"{percent(mean)} ({100 * deviation:.1f}) [{percent(low)}, {percent(high)}]")
            cells.append(PAPER_ACCURACY[name].get(method, "–"))
        rows.append([label, *cells])
    return table(["", *itertools.chain.from_iterable((NAMES[name], "Llama-2-7B") for name in results)], rows)


def accuracies(folder):
    """Returns the accuracy of each component alone."""
    run = load_file(folder / "attribution.safetensors")
    heads, mlps = run["test.heads"], run["test.mlps"]
    parts = np.concatenate([heads.reshape(-1, *heads.shape[2:]), mlps])
    return (parts.argmax(-1) == run["test.labels"]).mean(-1)


def correlations(accuracy, seeds, templates, contrasts):
    """Returns the mean Pearson's r over the three types of pairs of runs; `accuracy` is by template and demonstration set."""

    def mean(pairs):
        values = [np.corrcoef(accuracy[a], accuracy[b])[0, 1] for a, b in pairs]
        return np.mean(values) if values else np.nan

    def across(pairs):
        return mean([((one, seed), (two, seed)) for seed in seeds for one, two in pairs])

    return {
        "demos": mean([((t, a), (t, b)) for t in templates for a, b in itertools.combinations(seeds, 2) if a != b]),
        "templates": across(list(itertools.combinations(templates, 2))),
        "contrastive": across(contrasts),
    }


def agreement_intervals(result, runs):
    """Bootstrap intervals of the mean correlations, over demonstration sets and components, crossed."""
    accuracy = {key: accuracies(folder) for key, folder in runs.items()}
    seeds, templates = sorted({seed for _, seed in runs}), list(dict.fromkeys(row["template"] for row in counted(result)))
    contrasts = [pair for pair in result["contrasts"] if all((name, seeds[0]) in runs for name in pair)]
    whole = correlations(accuracy, seeds, templates, contrasts)
    reported = result["agreement"][0]["pearson"]
    for kind, value in whole.items():
        if reported[kind] is not None and abs(value - reported[kind]) > 1e-6:
            raise SystemExit(f"error: r of {kind} is {reported[kind]} in reproduce and {value} from the saved runs")
    rng, draws = np.random.default_rng(0), {kind: [] for kind in PAIRS}
    components = len(next(iter(accuracy.values())))
    for _ in range(DRAWS):
        chosen = rng.integers(0, components, components)
        drawn = correlations({key: values[chosen] for key, values in accuracy.items()}, list(rng.choice(seeds, len(seeds))), templates, contrasts)
        for kind, value in drawn.items():
            draws[kind].append(value)
    return {kind: interval(values) for kind, values in draws.items() if reported[kind] is not None}


def agreement_table(results, intervals):
    rows = []
    for name, result in results.items():
        found = result["agreement"][0]
        for kind, label in PAIRS.items():
            if found["pearson"][kind] is None:
                continue
            low, high = intervals[name][kind]
            rows.append([NAMES[name], label, f"{found['pearson'][kind]:.2f} [{low:.2f}, {high:.2f}]", f"{found['pearson_disjoint'][kind]:.2f}",
                         f"{found['iou_top5'][kind]:.2f}", f"{PAPER_AGREEMENT[name][kind]:.2f}"])
    return table(["task", "pairs of runs", "r", "r on disjoint halves", "IoU of the best five", "r, Llama-2-7B"], rows)


def counted(result):
    return [row for row in result["rows"] if row["counted"]]


def kinds_table(results):
    rows = []
    for name, result in results.items():
        shares = {kind: np.mean([row["share"][kind] for row in counted(result)]) for kind in ("good", "bad", "label_biased")}
        best = np.mean([row["held_out_best"]["accuracy"] for row in counted(result)])
        rows.append([NAMES[name], *(f"{percent(value)} %" for value in shares.values()), f"{PAPER_BIASED[name]} %", f"{percent(best)} %"])
    return table(["task", "good", "bad", "label-biased", "label-biased, Llama-2-7B", "best component, chosen on one half, scored on the other"], rows)


def difference(result, method, other):
    """Returns the mean difference of two methods over runs, and its bootstrap interval over demonstration sets and templates, crossed."""
    rows = counted(result)
    seeds, templates = sorted({row["demo_seed"] for row in rows}), list(dict.fromkeys(row["template"] for row in rows))
    by_key = {(row["template"], row["demo_seed"]): row["accuracy"][method] - row["accuracy"][other] for row in rows}
    values = np.array([[by_key[template, seed] for seed in seeds] for template in templates])
    rng = np.random.default_rng(0)
    drawn = [values[np.ix_(rng.integers(0, len(templates), len(templates)), rng.integers(0, len(seeds), len(seeds)))].mean() for _ in range(DRAWS)]
    return values.mean(), *interval(drawn)


def verdict(low, high):
    return "yes" if low > 0 else "no" if high < 0 else "not shown"


def gain_row(results, claim, method, other, paper):
    cells, verdicts = [], []
    for name, result in results.items():
        mean, low, high = difference(result, method, other)
        cells.append(f"{NAMES[name]} {points(mean)} [{points(low)}, {points(high)}]")
        verdicts.append(verdict(low, high))
    return [claim, paper, "; ".join(cells), "; ".join(dict.fromkeys(verdicts)) if len(set(verdicts)) == 1 else "; ".join(verdicts)]


def claims_table(results, intervals):
    rows = []
    exact = max(row["max_rel"] for result in results.values() for row in result["rows"])
    rows.append(["contributions add up to the logits", "by construction", f"largest relative error {exact:.1e}", "yes" if exact < 1e-4 else "no"])
    rows.append(gain_row(results, "the best component (oracle) beats the whole model at 4 shots", "oracle_best_component", "standard", "66.6 against 61.2 (8 tasks)"))
    worst = {name: np.mean([row["accuracy"]["oracle_worst_component"] - row["chance"] for row in counted(result)]) for name, result in results.items()}
    bad = {name: np.mean([row["share"]["bad"] for row in counted(result)]) for name, result in results.items()}
    rows.append(["some components are reliably bad", "worst 24.5, chance 41.7 (8 tasks)",
                 "; ".join(f"{NAMES[name]} worst {points(worst[name])} from chance, {percent(bad[name])} % bad" for name in results),
                 "; ".join("yes" if value > 0 else "no" for value in bad.values())])
    cells, verdicts = [], []
    for name, result in results.items():
        found = result["agreement"][0]["pearson"]
        cells.append(f"{NAMES[name]} {found['demos']:.2f} against {found['templates']:.2f}")
        verdicts.append("yes" if intervals[name]["demos"][0] > intervals[name]["templates"][1] else "no" if found["demos"] < found["templates"] else "not shown")
    rows.append(["components agree more across demonstrations than across templates", "0.81 against 0.40; 0.89 against 0.68", "; ".join(cells), "; ".join(verdicts)])
    rows.append(gain_row(results, "24 shots are better than 4", "standard_k", "standard", "+2.6 (8 tasks)"))
    rows.append(gain_row(results, "CompRW beats 24 shots", "comprw", "standard_k", "+6.0 (8 tasks)"))
    rows.append(gain_row(results, "CompRW beats Calib+", "comprw", "calib", "+2.1 (8 tasks)"))
    rows.append(gain_row(results, "partscope's default beats CompRW", "partscope", "comprw", "–"))
    rows.append(gain_row(results, "the default on leave-one-out prompts beats the default", "loo_partscope", "partscope", "–"))
    return table(["claim", "the paper, Llama-2-7B", "here", "holds"], rows)


def swings_table(results):
    """The full model's range over runs, and by template."""
    rows = []
    for name, result in results.items():
        for template in dict.fromkeys(row["template"] for row in result["rows"]):
            of_template = [row["accuracy"] for row in result["rows"] if row["template"] == template]
            values, best = ([accuracy[method] for accuracy in of_template] for method in ("standard", "oracle_best_component"))
            rows.append([NAMES[name], f"`{template}`", f"{percent(min(values))} to {percent(max(values))}", percent(np.mean(values)), percent(np.mean(best))])
    return table(["task", "template", "4 shots, lowest to highest", "mean", "best component (oracle), mean"], rows)


def setup(results, version):
    first = results["sst2"]["run"]
    sizes = {name: result["rows"][0]["n"] for name, result in results.items()}
    examples = " and ".join(f"{size} test examples of {NAMES[name]}" for name, size in sizes.items())
    model = first["model"]
    return (f"{version}; {model['layers']} layers of {model['heads']} heads and an MLP, weights `{model['weights_hash'][:12]}…`; "
            f"{examples}, equally many of each label; {len(counted(results['sst2']))} runs of each task.")


def sections(results, runs, version):
    """Returns the Markdown of every section of the page."""
    intervals = {name: agreement_intervals(result, runs[name]) for name, result in results.items()}
    return {
        "setup": setup(results, version),
        "accuracy": accuracy_table(results),
        "agreement": agreement_table(results, intervals),
        "kinds": kinds_table(results),
        "swings": swings_table(results),
        "claims": claims_table(results, intervals),
    }
