"""Results of a mixed model in the format of lm-evaluation-harness, for the tools that read it.

The files are `results_DATE.json` and `samples_TASK_DATE.jsonl` as its `EvaluationTracker` writes them. Two differences
follow from the method: log-likelihoods are normalised over the labels only, because a mix has no other logits, and samples
have no ``arguments``, because a run stores the tokens of its prompts and not their text.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import package

if TYPE_CHECKING:
    from ._mix import Mix
    from ._run import Run


def save_harness(run: Run, mix: Mix | None, folder: Path) -> tuple[Path, Path]:
    """Writes the results of ``mix`` on the test examples of ``run``, or of the model itself; returns both paths."""
    np = package("numpy", "results for lm-evaluation-harness")
    table = run.attribution("test")
    logits = table.class_logits() if mix is None else mix.logits(table)
    wide = logits.astype(np.float64)
    top = wide.max(axis=-1, keepdims=True)
    likelihoods = wide - top - np.log(np.exp(wide - top).sum(axis=-1, keepdims=True))
    predicted, gold = logits.argmax(axis=-1), table.labels
    hits = (predicted == gold).astype(float)
    n, task, prompt = len(hits), run.meta["task"], run.meta["prompt"]
    name = task["name"]
    error = float(hits.std(ddof=1) / math.sqrt(n)) if n > 1 else "N/A"
    model = run.meta["model"]["id"]
    how = "model" if mix is None else f"mix,method={mix.meta.get('method')}"
    whole = {
        "results": {name: {"name": name, "alias": name, "acc,none": float(hits.mean()), "acc_stderr,none": error, "sample_len": n}},
        "group_subtasks": {name: []},
        "configs": {
            name: {
                "task": name,
                "output_type": "multiple_choice",
                "doc_to_choice": run.class_names,
                "num_fewshot": prompt["shots"],
                "metadata": {"template": task["template"], "demo_seed": prompt["demo_seed"], "demo_ids": prompt["demo_ids"]},
            }
        },
        "versions": {name: 1},
        "n-shot": {name: prompt["shots"]},
        "higher_is_better": {name: {"acc": True}},
        "n-samples": {name: {"original": (run.meta.get("selection") or {}).get("of", n), "effective": n}},
        "config": {
            "model": "partscope",
            "model_args": f"pretrained={model},weights_hash={run.meta['model']['weights_hash']},{how}",
            "model_dtype": run.meta["model"]["dtype"],
            "batch_size": None,
            "device": run.meta["model"]["device"],
            "limit": None,
        },
        "date": datetime.now().timestamp(),
        "model_source": "partscope",
        "model_name": model,
        "model_name_sanitized": _sanitized(model),
    }
    stamp = datetime.now().isoformat().replace(":", "-")
    to = folder / _sanitized(model)
    to.mkdir(parents=True, exist_ok=True)
    results, samples = to / f"results_{stamp}.json", to / f"samples_{re.sub(r'[^0-9A-Za-z_]', '_', name)}_{stamp}.jsonl"
    results.write_text(json.dumps(whole, indent=2, ensure_ascii=False), encoding="utf-8")
    with samples.open("w", encoding="utf-8") as file:
        for index, row in enumerate(run.examples("test")):
            file.write(json.dumps(_sample(index, row, likelihoods[index].tolist(), hits[index]), ensure_ascii=False) + "\n")
    return results, samples


def _sample(index: int, row: Any, likelihoods: list[float], hit: float) -> dict[str, Any]:
    best = likelihoods.index(max(likelihoods))
    answers = [[str(value), str(choice == best)] for choice, value in enumerate(likelihoods)]
    doc, target = {"id": row["id"], "text": row["text"]}, str(row["gold"])
    return {
        "doc_id": index,
        "doc": doc,
        "target": target,
        "resps": [[answer] for answer in answers],
        "filtered_resps": answers,
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "target_hash": _hash(target),
        "acc": hit,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sanitized(name: str) -> str:
    """As the harness: characters that file names cannot have become ``__``."""
    return re.sub(r'["<>:/|\\?*\[\]]+', "__", name)
