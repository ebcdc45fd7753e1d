#!/usr/bin/env python3
"""Kills partscope at random moments and in the middle of saves, and checks that nothing is lost, refused or left behind.

    tools/kill_storm.py --binary target/release/partscope --random 200 --aimed 200

Every round runs one of two requests of the demo (or `fit -o`) over the results of the last one and sends SIGKILL, SIGINT
or SIGTERM, after a random time or as soon as a file of the save in progress appears. Then
- the folder must have the old run or the new one, as `partscope components` reads it;
- after SIGINT and SIGTERM no temporary may be left, and the exit status must be that of the signal (or of success);
- the same command must work, with the bytes of an undisturbed run, and leave nothing but its files;
- `partscope cache verify` must find no damage.
Only Python's standard library is needed. Exit status: 0 if all of this holds.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SIGNALS = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM]
FILES = ["attribution.safetensors", "examples.jsonl", "run.json"]
# Patterns of what a save in progress creates, below the working folder.
AIMS = ["cache/partial/*/batches-*", "cache/entries/new-*", "cache/entries/new-*/run.json", "run/.partscope-new-*",
        "run/.partscope-new-*/run.json", "run/.partscope-ready", "weights/.partscope-*"]


class Storm:
    def __init__(self, binary, home, size, rng):
        self.binary, self.home, self.rng = binary, home, rng
        self.environment = dict(os.environ, PARTSCOPE_CACHE=str(home / "cache"), PARTSCOPE_CONFIG_DIR=str(home))
        self.run, self.weights = home / "run", home / "weights" / "w.json"
        self.requests = {seed: ["run", "--task", "sentiment", "--limit", str(size), "--demo-seed", str(seed),
                                "--threads", "1", "-o", str(self.run)] for seed in (0, 1)}
        self.fit = ["fit", str(self.run), "-o", str(self.weights)]
        self.counts, self.failures = collections.Counter(), []

    def start(self, arguments):
        def default_signals():
            for number in SIGNALS[1:]:
                signal.signal(number, signal.SIG_DFL)

        return subprocess.Popen([self.binary, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=default_signals)

    def finish(self, arguments):
        """Runs a command to its end; returns exit status and standard output, and notes complaints."""
        process = self.start(arguments)
        output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors.decode()

    def expect(self, condition, text):
        if not condition:
            self.failures.append(text)
            print("FAILED:", text, file=sys.stderr)

    def results(self):
        """The run's bytes, without the keys of run.json that differ between two equal runs."""
        meta = json.loads((self.run / "run.json").read_bytes())
        for key in "timing", "checksum":
            meta.pop(key, None)
        return [(self.run / name).read_bytes() for name in FILES[:2]] + [json.dumps(meta)]

    def components(self):
        status, output, errors = self.finish(["components", str(self.run), "--json"])
        return output if status == 0 else errors

    def prepare(self):
        """Makes undisturbed results, and measures how long they take."""
        self.weights.parent.mkdir()
        self.expected, self.shown, self.seconds = {}, {}, 0
        for seed, arguments in self.requests.items():
            shutil.rmtree(self.home / "cache", ignore_errors=True)
            begin = time.monotonic()
            status, _, errors = self.finish(arguments)
            self.seconds = max(self.seconds, time.monotonic() - begin)
            assert status == 0, errors
            self.expected[seed], self.shown[seed] = self.results(), self.components()
        self.fitted = {}
        for seed, arguments in self.requests.items():
            self.finish(arguments)
            begin = time.monotonic()
            status, _, errors = self.finish(self.fit)
            self.fit_seconds = time.monotonic() - begin
            assert status == 0, errors
            self.fitted[seed] = self.weights.read_bytes()
        self.current = max(self.requests)

    def temporaries(self):
        found = [*self.run.glob(".partscope-*"), *self.weights.parent.glob(".*"), *self.run.glob(".tmp*")]
        return [str(path.relative_to(self.home)) for path in [*found, *(self.home / "cache/entries").glob("new-*")]]

    def wait_for(self, process, aim):
        """Waits until the pattern matches a new path; returns whether it did before the process ended."""
        while process.poll() is None:
            if any(True for _ in self.home.glob(aim)):
                return True
            time.sleep(0.0002)
        return False

    def round(self, aim):
        seed = 1 - self.current
        fits = aim.startswith("weights") if aim else self.rng.random() < 0.2
        if not fits and self.rng.random() < 0.7:
            shutil.rmtree(self.home / "cache", ignore_errors=True)
        arguments = self.fit if fits else self.requests[seed]
        number = self.rng.choice(SIGNALS)
        process = self.start(arguments)
        if aim:
            hit = self.wait_for(process, aim)
            time.sleep(self.rng.choice([0, 0, self.rng.uniform(0, 0.004)]))
        else:
            time.sleep(self.rng.uniform(0, 1.05 * (self.fit_seconds if fits else self.seconds)))
            hit = process.poll() is None
        process.send_signal(number)
        _, errors = process.communicate(timeout=300)
        name = f"{signal.Signals(number).name} {aim or 'at random'} on {' '.join(arguments[:1])}"
        killed = process.returncode == -number
        self.counts["killed" if killed else "finished first"] += 1
        self.counts[f"killed by {signal.Signals(number).name}"] += killed
        self.expect(killed or process.returncode == 0, f"{name}: status {process.returncode}: {errors.decode()}")
        if killed and number != signal.SIGKILL:
            self.expect(not self.temporaries(), f"{name}: left {self.temporaries()}")
        left = self.temporaries()
        self.counts["rounds with temporaries after the kill"] += bool(left)
        shown = self.components()
        self.expect(shown in self.shown.values(), f"{name}: neither the old run nor the new one: {shown[:300]}")
        if fits:
            self.expect(self.weights.read_bytes() in self.fitted.values(), f"{name}: the weights are damaged")
        status, _, errors = self.finish(arguments)
        self.expect(status == 0, f"{name}: the same command again: status {status}: {errors}")
        if fits:
            self.expect(self.weights.read_bytes() == self.fitted[self.current], f"{name}: other weights")
        else:
            self.current = seed
            self.expect(self.results() == self.expected[seed], f"{name}: other results")
            partial = [*(self.home / "cache/partial").glob("*")]
            self.expect(not partial, f"{name}: finished batches are left")
        self.expect(not self.temporaries(), f"{name}: left for good: {self.temporaries()}")
        self.expect(sorted(os.listdir(self.run)) == FILES, f"{name}: the folder has {os.listdir(self.run)}")
        status, output, _ = self.finish(["cache", "verify", "--json"])
        self.expect(status == 0 and not json.loads(output)["damaged"], f"{name}: the cache is damaged")
        return hit


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/partscope")
    parser.add_argument("--random", type=int, default=200, help="kills at random moments")
    parser.add_argument("--aimed", type=int, default=200, help="kills in the middle of a save")
    parser.add_argument("--examples", type=int, default=60, help="test examples of the runs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="partscope-storm-") as home:
        storm = Storm(os.path.abspath(options.binary), pathlib.Path(home), options.examples, random.Random(options.seed))
        storm.prepare()
        for _ in range(options.random):
            storm.round(None)
        aimed, tries = collections.Counter(), 0
        while sum(aimed.values()) < options.aimed and tries < 3 * options.aimed + 20:
            aim = AIMS[tries % len(AIMS)]
            tries += 1
            aimed[aim] += storm.round(aim)
    print(f"{options.random} random and {sum(aimed.values())} aimed kills ({tries} tries) in "
          f"{time.monotonic() - begin:.0f} s; {len(storm.failures)} failures")
    for what, count in [*storm.counts.items(), *((f"aimed at {aim}", count) for aim, count in aimed.items())]:
        print(f"  {count:4} {what}")
    sys.exit(bool(storm.failures))


if __name__ == "__main__":
    main()
