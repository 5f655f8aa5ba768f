#!/usr/bin/env python3
"""Judges the verdicts: simulated heaps with planted leaks (simulate.c), read by the
command line, its order and its verdicts held against the truth.

usage: leaks.py HEAPDIFF [--heaps N] [--tune] [--points 8,24] [--scenario NAME]
                [--ages] [--rate BYTES] [--kinds]

Prints a line a scenario and number of snapshots, for naive (last less first, as
`pprof -diff_base` ranks) and for heapdiff:

  MRR        mean over all leaks of 1 / (1 + sites ranked above it that do not leak)
  top-1      share of heaps in which the first row leaks
  precision  of the rows called leaking, the share that leaks; recall: of the leaks,
             the share that is called so
  false      rows called leaking in a heap without leaks, on average
  growth, rate   how often the 95% interval of the growth (all sites that moved by more
             than ten sampled objects), and of a leak's rate, holds the truth

The judged seeds are 1,000,000 and above; --tune takes others, below. Not a test: it
only measures, in some minutes of CPU time.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

JUDGED, TUNED = 1_000_000, 1
SCENARIOS = ("typical", "hard", "clean")


class Heap:
    """One heap: its truth, and its rows in heapdiff's order."""

    def __init__(self, options, scenario, points, seed):
        with tempfile.TemporaryDirectory(prefix="heapdiff-leaks-") as work:
            subprocess.run([options.simulator, str(seed), scenario, str(points), work,
                            str(options.rate), str(int(options.ages))], check=True)
            truth = [line.split() for line in pathlib.Path(work, "truth").read_text().splitlines()]
            pathlib.Path(work, "truth").unlink()
            output = subprocess.run(
                [options.heapdiff, "top", "--all", "--format", "json", work], check=True,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=dict(os.environ, XDG_STATE_HOME=work)).stdout
        self.truth = {f"site_{number}": (kind, leaks == "1", float(growth), float(rate))
                      for number, kind, leaks, growth, rate in truth}
        self.rows = json.loads(output)["rows"]

    def leaks(self, row):
        return self.truth[row["function"]][1]


def reciprocal_ranks(heap, rows):
    above, ranks = 0, []
    for row in rows:
        if heap.leaks(row):
            ranks.append(1 / (1 + above))
        else:
            above += 1
    missing = sum(leaks for _, leaks, _, _ in heap.truth.values()) - len(ranks)
    return ranks + [0] * missing


class Score:
    """What the heaps of one scenario add up to."""

    def __init__(self):
        self.heaps = self.called = self.right = self.leaks = 0
        self.ranks = {"naive": [], "heapdiff": []}
        self.first = collections.Counter()
        self.covered = {"growth": [], "rate": []}
        self.kinds = collections.defaultdict(lambda: [0, 0, []])

    def add(self, heap):
        naive = sorted(heap.rows, key=lambda row: -row["growth"])
        self.heaps += 1
        for name, rows in (("naive", naive), ("heapdiff", heap.rows)):
            self.ranks[name] += reciprocal_ranks(heap, rows)
            self.first[name] += heap.leaks(rows[0])
        verdicts = {row["function"]: row["verdict"] for row in heap.rows}
        for site, (kind, leaks, _, _) in heap.truth.items():
            is_called = verdicts.get(site) == "leaking"
            self.leaks += leaks
            self.called += is_called
            self.right += is_called and leaks
            self.kinds[kind][0] += 1
            self.kinds[kind][1] += is_called
        for row in heap.rows:
            self.cover(row, heap.truth[row["function"]])

    def cover(self, row, truth):
        kind, leaks, growth, rate = truth
        if row["interval"] and row["sampled_objects"] >= 10:
            self.covered["growth"].append(abs(row["growth"] - growth) <= row["interval"])
        if leaks and row["verdict"] == "leaking" and row["rate_interval"]:
            inside = abs(row["rate_per_hour"] - rate) <= row["rate_interval"]
            self.covered["rate"].append(inside)
            self.kinds[kind][2].append(inside)


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else float("nan")


def report(scenario, points, score, show_kinds):
    for name in ("naive", "heapdiff"):
        line = f"{scenario:8} N={points:<3} {name:9}"
        if scenario != "clean":
            line += (f" MRR {mean(score.ranks[name]):.2f}  top-1 "
                     f"{score.first[name] / score.heaps:.2f}")
        if name == "heapdiff":
            if scenario != "clean":
                line += (f"  precision {score.right / max(score.called, 1):.2f}  recall "
                         f"{score.right / score.leaks:.2f}  rate {mean(score.covered['rate']):.2f}")
            else:
                line += f" false {score.called / score.heaps:.2f}"
            line += f"  growth {mean(score.covered['growth']):.3f}  ({score.heaps} heaps)"
        if scenario != "clean" or name == "heapdiff":
            print(line, flush=True)
    if show_kinds:
        for kind, (count, called, covered) in sorted(score.kinds.items()):
            print(f"    {kind:12} {count:6}  called leaking {called / count:.3f}"
                  + (f"  rate covered {mean(covered):.2f}" if covered else ""))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("heapdiff", type=os.path.abspath)
    parser.add_argument("--heaps", type=int, default=60)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--points", default="8,24")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--ages", action="store_true")
    parser.add_argument("--rate", type=int, default=524288)
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    here = pathlib.Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory(prefix="heapdiff-leaks-") as work:
        options.simulator = os.path.join(work, "simulate")
        subprocess.run(["cc", "-O2", "-o", options.simulator, str(here / "simulate.c"), "-lm"],
                       check=True)
        first = TUNED if options.tune else JUDGED
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for scenario in options.scenario or SCENARIOS:
                for points in map(int, options.points.split(",")):
                    score = Score()
                    for heap in pool.map(lambda seed: Heap(options, scenario, points, seed),
                                         range(first, first + options.heaps)):
                        score.add(heap)
                    report(scenario, points, score, options.kinds)


sys.exit(main())
