"""Random prompts of the golden models' tokenizer, for tests and for tools/check_apply.py."""

import json
import random
from pathlib import Path

TOKENS = [7, 19, 42]


def random_prompts(path: Path) -> Path:
    """Writes 24 training and 40 test prompts with random labels; returns ``path``."""
    rng = random.Random(0)
    rows = [
        {
            "prompt": " ".join(f"w{rng.randrange(2, 97)}" for _ in range(rng.randrange(5, 12))),
            "label": rng.randrange(len(TOKENS)),
            "split": "train" if row < 24 else "test",
        }
        for row in range(64)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
