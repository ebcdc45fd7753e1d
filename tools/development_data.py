"""Development data for choosing methods: converts and splits three public data sets.

    python tools/development_data.py --sst2 DIR --ag-news DIR --reviews DIR -o OUT [--seed 0]

DIR holds the files as their authors distribute them:

* SST-2 (Socher et al. 2013): train.tsv, dev.tsv, test.tsv with a sentence and 0 or 1 a line. Its own splits are kept.
* AG News (Zhang et al. 2015): classes.txt and one file, test.csv, with class (from 1), title and description.
* Customer reviews (Hu & Liu 2004): custrev.all in Latin-1, with 0 or 1 and a sentence a line.

OUT/TASK gets pool.csv, dev.csv, test.csv and TASK.toml for each data set. Texts that are equal but for case, space and
punctuation count as one: the first stays, in the order test, dev, pool; if their labels differ, all of them go. Data
sets with one file are split by seed. dev and test are balanced over labels, as in arXiv 2406.13131, and labels take
turns, so that the first rows are balanced too; pool keeps the shares of its labels. Equal input gives equal bytes.
"""

import argparse
import collections
import csv
import html
import pathlib
import random
import re

# Rows of dev and test, if the data set has no splits of its own.
DEV, TEST = 500, 1000

# Each label word is one token in the tokenizers of Gemma 3 and SmolLM2.
TASKS = {
    "sst2": {
        "description": "Is a sentence of a film review positive? (Socher et al. 2013)",
        "labels": ["negative", "positive"],
        "templates": [
            ("review", "Review: {{ text }}\\nSentiment:", [" negative", " positive"], "\\n\\n"),
            ("it-was", "{{ text }}\\nIt was", [" terrible", " great"], "\\n\\n"),
            ("arrow", "{{ text }} =>", [" negative", " positive"], "\\n"),
            ("opinion", "Film: {{ text }}\\nOpinion:", [" bad", " good"], "\\n"),
        ],
    },
    "ag_news": {
        "description": "What is a news item about? (Zhang et al. 2015)",
        "labels": ["World", "Sports", "Business", "Sci/Tech"],
        "templates": [
            ("article", "Article: {{ text }}\\nTopic:", [" World", " Sports", " Business", " Technology"], "\\n\\n"),
            ("about", "{{ text }}\\nThis is about", [" politics", " sports", " business", " technology"], "\\n\\n"),
            ("section", "News: {{ text }}\\nSection:", [" World", " Sports", " Business", " Science"], "\\n"),
        ],
    },
    "reviews": {
        "description": "Is a sentence of a product review positive? (Hu and Liu 2004)",
        "labels": ["negative", "positive"],
        "templates": [
            ("review", "Review: {{ text }}\\nSentiment:", [" negative", " positive"], "\\n\\n"),
            ("customer", "{{ text }}\\nThe customer is", [" disappointed", " satisfied"], "\\n\\n"),
            ("quality", "Comment: {{ text }}\\nQuality:", [" bad", " good"], "\\n"),
        ],
    },
}


def sst2(folder):
    def rows(split):
        lines = (folder / f"{split}.tsv").read_text(encoding="utf-8").split("\n")
        return [(text.strip(), int(label)) for text, label in (line.rsplit("\t", 1) for line in lines if line.strip())]

    return {"pool": rows("train"), "dev": rows("dev"), "test": rows("test")}


def ag_news(folder):
    with open(folder / "test.csv", encoding="utf-8", newline="") as file:
        return [(clean(f"{title}. {body}"), int(label) - 1) for label, title, body in csv.reader(file)]


def reviews(folder):
    lines = (folder / "custrev.all").read_text(encoding="latin-1").split("\n")
    return [(line[2:].strip(), int(line[0])) for line in lines if line.strip()]


def clean(text):
    """Replaces the remains of HTML in AG News: entities, some of which lost their `&`, and backslashes for spaces."""
    text = re.sub(r"(?<![&\w])#(\d+);", r"&#\1;", text)
    text = re.sub(r"\b(quot|amp|lt|gt);", r"&\1;", text)
    text = re.sub(r"<[^<>]*>", " ", html.unescape(text))
    return " ".join(text.replace("\\", " ").split())


def key(text):
    return re.sub(r"\W+", "", text.casefold())


def without_duplicates(splits):
    """Keeps the first of equal texts, and none if their labels differ."""
    labels = collections.defaultdict(set)
    for rows in splits.values():
        for text, label in rows:
            labels[key(text)].add(label)
    seen, kept = set(), {}
    for split in ["test", "dev", "pool"]:
        kept[split] = []
        for text, label in splits[split]:
            found = key(text)
            if found and found not in seen and len(labels[found]) == 1:
                seen.add(found)
                kept[split].append((text, label))
    return kept


def balanced(rows, labels, limit=None):
    """The same number of rows of each label, in turn, and the rows that are left."""
    by_label = [[row for row in rows if row[1] == label] for label in range(labels)]
    count = min(map(len, by_label))
    count = min(count, limit // labels) if limit else count
    return [by_label[label][i] for i in range(count) for label in range(labels)], [
        row for members in by_label for row in members[count:]
    ]


def split(data, labels, seed):
    """Shuffles by seed, and splits what has no splits of its own."""
    draws = random.Random(seed)
    if isinstance(data, dict):
        data = without_duplicates(data)
        for rows in data.values():
            draws.shuffle(rows)
        return {"pool": data["pool"], **{name: balanced(data[name], labels)[0] for name in ["dev", "test"]}}
    rows = without_duplicates({"test": data, "dev": [], "pool": []})["test"]
    draws.shuffle(rows)
    test, rows = balanced(rows, labels, TEST)
    dev, rows = balanced(rows, labels, DEV)
    draws.shuffle(rows)
    return {"pool": rows, "dev": dev, "test": test}


def write(folder, name, splits):
    task = TASKS[name]
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in splits.items():
        with open(folder / f"{part}.csv", "w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["id", "text", "label"])
            out.writerows((f"{part}-{i}", text, task["labels"][label]) for i, (text, label) in enumerate(rows))
    quoted = lambda texts: "[" + ", ".join(f'"{text}"' for text in texts) + "]"
    lines = [
        f'name = "{name}"',
        f'description = "{task["description"]}"',
        f"labels = {quoted(task['labels'])}",
        "",
        "[data]",
        *(f'{part} = "{part}.csv"' for part in ["pool", "dev", "test"]),
    ]
    for template, example, words, separator in task["templates"]:
        lines += ["", "[[template]]", f'name = "{template}"', f'example = "{example}"']
        lines += [f"label_words = {quoted(words)}", f'separator = "{separator}"']
    (folder / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for option in ["--sst2", "--ag-news", "--reviews", "-o"]:
        parser.add_argument(option, type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    data = {"sst2": sst2(args.sst2), "ag_news": ag_news(args.ag_news), "reviews": reviews(args.reviews)}
    for name, rows in data.items():
        splits = split(rows, len(TASKS[name]["labels"]), args.seed)
        write(args.o / name, name, splits)
        print(name, {part: len(rows) for part, rows in splits.items()})


if __name__ == "__main__":
    main()
