#!/usr/bin/env python3
"""Kills processes of a sweep at random moments, and checks that nothing is lost and nothing is computed twice.

    tools/sweep_storm.py --binary target/release/partscope --processes 8 --kills 200

A sweep of the demo is computed once by one process. Then it is computed by PROCESSES processes at once, in random parts;
at random times one of them gets SIGKILL, or SIGTERM for a fifth of them, and another one is started in its place. When
there were KILLS kills, the processes run to the end. Whenever all cells are done earlier, the sweep starts again in a new
folder with an empty store. Then
- the merged files must be the same bytes as those of the one process, every time;
- no cell may be computed twice, as the times that processes write show: a killed process writes none for its cell;
- no lease, no temporary file and no failed cell may be left, and `partscope cache verify` must find no damage;
- a process that got SIGTERM must end with 143 (or 0, if it was done) within five seconds.
Only Python's standard library is needed. Exit status: 0 if all of this holds.
"""

import argparse
import collections
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

FILES = ["rows.csv", "rows.parquet", "tables.json", "report.html"]
SWEEP = """models = ["demo"]
tasks = ["sentiment", "topic"]
templates = 2
seeds = {seeds}
budgets = [8, 12]
limit = {limit}
"""


class Sweep:
    def __init__(self, binary, folder, text):
        self.binary, self.folder = binary, folder
        folder.mkdir()
        (folder / "sweep.toml").write_text(text)
        self.environment = dict(os.environ, PARTSCOPE_CACHE=str(folder / "cache"), PARTSCOPE_CONFIG_DIR=str(folder))
        self.check("plan", folder / "sweep.toml", "-o", folder / "s", "--no-measure")
        self.cells = (folder / "s" / "manifest.json").read_text().count('"template":')

    def command(self, *args):
        return [str(self.binary), "sweep", *map(str, args)]

    def check(self, *args):
        subprocess.run(self.command(*args), env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def start(self, part):
        args = self.command("run", self.folder / "s", "--partition", part, "--max-kills", 1000000, "--threads", 1)
        log = open(self.folder / "log", "a")
        return subprocess.Popen(args, env=self.environment, stdout=subprocess.DEVNULL, stderr=log)

    def state(self):
        return next(path for path in (self.folder / "s").iterdir() if path.is_dir())

    def done(self):
        return sum(1 for _ in self.state().glob("done/*/*.json")) if any((self.folder / "s").glob("*/done")) else 0

    def merged(self):
        self.check("merge", self.folder / "s", "-o", self.folder / "tables")
        return [(self.folder / "tables" / name).read_bytes() for name in FILES]

    def problems(self, expected):
        found = []
        if self.merged() != expected:
            found.append("the merged files differ")
        names = collections.Counter()
        for path in self.state().glob("rates/*"):
            names.update(line.split()[0] for line in path.read_text().splitlines())
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            found.append(f"computed more than once: {twice}")
        left = [path for kind in ("leases", "failed", "killed", "damaged") for path in self.state().glob(f"{kind}/*")]
        left += list(self.state().glob("**/.partscope-*"))
        if left:
            found.append(f"left behind: {left}")
        verify = subprocess.run([str(self.binary), "cache", "verify"], env=self.environment, capture_output=True, text=True)
        if verify.returncode:
            found.append(f"cache verify: {verify.stdout}{verify.stderr}")
        return found, sum(names.values())


def part(rng, processes):
    kind = rng.choice(["whole", "slice", "hash", "cost"])
    count = 1 if kind == "whole" else rng.choice([2, 3, processes])
    return f"{'slice' if kind == 'whole' else kind}:{rng.randrange(count)}/{count}"


def end(process, how, problems):
    started = time.monotonic()
    process.send_signal(how)
    code = process.wait()
    took = time.monotonic() - started
    if how == signal.SIGTERM and (code not in (0, -signal.SIGTERM, 128 + signal.SIGTERM) or took > 5):
        problems.append(f"SIGTERM: exit {code} after {took:.1f} s")
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=20, help="demonstration sets, which make the sweep larger")
    parser.add_argument("--limit", type=int, default=24, help="scored examples")
    parser.add_argument("--longest", type=float, default=1.0, help="seconds between kills at most")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng, problems = random.Random(args.seed), []
    text = SWEEP.format(seeds=args.seeds, limit=args.limit)
    kills, terms, rounds, slowest, started = 0, 0, 0, 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        whole = Sweep(args.binary.resolve(), home / "whole", text)
        whole.check("run", whole.folder / "s")
        expected = whole.merged()
        print(f"{whole.cells} cells, {time.monotonic() - started:.0f} s by one process", flush=True)
        while kills < args.kills:
            rounds += 1
            sweep = Sweep(args.binary.resolve(), home / f"round-{rounds}", text)
            running = [sweep.start(part(rng, args.processes)) for _ in range(args.processes)]
            while kills < args.kills and sweep.done() < sweep.cells:
                time.sleep(rng.uniform(0, args.longest))
                at = rng.randrange(len(running))
                if running[at].poll() is None:
                    how = signal.SIGTERM if rng.random() < 0.2 else signal.SIGKILL
                    took = end(running[at], how, problems)
                    kills, terms = kills + 1, terms + (how == signal.SIGTERM)
                    slowest = max(slowest, took) if how == signal.SIGTERM else slowest
                running[at] = sweep.start(part(rng, args.processes))
            running.append(sweep.start("slice:0/1"))
            codes = [process.wait() for process in running]
            if any(codes):
                problems.append(f"round {rounds}: exit codes {codes}, see {sweep.folder / 'log'}")
                print((sweep.folder / "log").read_text()[-2000:], file=sys.stderr)
            found, computed = sweep.problems(expected)
            problems += [f"round {rounds}: {problem}" for problem in found]
            print(f"round {rounds}: {kills} kills so far, {sweep.cells} cells, {computed} times written", flush=True)
    seconds = time.monotonic() - started
    print(f"{kills} kills ({terms} SIGTERM, slowest end {slowest:.2f} s) of {args.processes} processes, {seconds:.0f} s")
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
