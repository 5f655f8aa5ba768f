"""Sampled totals against exact ones, in many seeded runs of one program.

usage: montecarlo.py AGENT PROGRAMS RUNS

The truth is what the agent itself says at rate 1, which the program confirms. Each run
with another HEAPDIFF_SEED estimates the live and the allocated bytes and objects of every
site and of all, as heapdiff-snapshot(5) says a reader does: a record of size s stands for
1/p objects, p = 1 - exp(-(s + 1) / rate), with a variance of (1 - p) / p^2. Judged are the
bias, relative to the truth, and how often the 95% interval has the truth in it. What
rests on fewer than 50 uncertain samples a run (counted as W. Kish counts the effective
size of a weighted sample) is judged by its bias alone: its distribution is not normal.
"""
import collections
import math
import sys

from running import Run, expected, program

RATE, FEWEST, NORMAL_95 = 4096, 50, 1.959964
PLACES = {'live bytes': 0, 'live objects': 1, 'allocated bytes': 2, 'allocated objects': 3}


def truth():
    with Run(program('agent_sizes'), '1') as run:
        sums, said = run.only()[-1].exact(), expected(run.out)
    for site, (live, objects, count) in said.items():
        assert sums[site][:2] == [live, objects] and sums[site][3] == count, site
    sites = {site: sums[site] for site in said}
    sites['all'] = [sum(values) for values in zip(*sites.values())]
    return sites


def estimate(snapshot):
    """Site -> measure -> [estimate, variance, sum of the squares of its parts]."""
    found = collections.defaultdict(lambda: [[0.0, 0.0, 0.0] for _ in PLACES])
    for stack in snapshot.stacks:
        site = snapshot.site(stack)
        if not site:
            continue
        for record in stack['records']:
            size, p = record['size'], 1 - math.exp(-(record['size'] + 1) / record['rate'])
            for name in (site, 'all'):
                for place in range(4):
                    count = record['live' if place < 2 else 'alloc']
                    unit = (1 if place % 2 else size) / p
                    cell = found[name][place]
                    cell[0] += count * unit
                    cell[1] += count * unit * unit * (1 - p)
                    cell[2] += count * (unit * unit * (1 - p)) ** 2
    return found


class Tally:
    """What all runs said of one site and measure."""

    def __init__(self, exact):
        self.exact, self.total, self.squares, self.runs = exact, 0.0, 0.0, 0
        self.inside, self.samples = 0, 0.0

    def add(self, value, variance, squared_parts):
        self.total += value
        self.squares += (value - self.exact) ** 2
        self.samples += variance ** 2 / squared_parts if squared_parts else 0
        self.runs += 1
        self.inside += abs(value - self.exact) <= NORMAL_95 * math.sqrt(variance) + 1e-6

    def bias(self):
        return self.total / self.runs / self.exact - 1 if self.exact else 0.0

    def bias_noise(self):
        """The standard error of the bias."""
        spread = math.sqrt(self.squares / self.runs)
        return spread / math.sqrt(self.runs) / self.exact if self.exact else 0.0

    def is_sampled_enough(self):
        return self.samples >= FEWEST * self.runs and self.squares > 0


def run_all(runs):
    exact = truth()
    tallies = {(site, m): Tally(exact[site][place]) for site in exact
               for m, place in PLACES.items()}
    for seed in range(1, runs + 1):
        with Run(program('agent_sizes'), '1', rate=RATE, seed=seed) as run:
            found = estimate(run.only()[-1])
        for (site, measure), tally in tallies.items():
            tally.add(*found[site][PLACES[measure]])
    return tallies


def repeatable():
    seen = []
    for seed in (7, 7, 8):
        with Run(program('agent_sizes'), '1', rate=RATE, seed=seed) as run:
            seen.append(sorted((site, cells) for site, cells in
                               estimate(run.only()[-1]).items()))
    assert seen[0] == seen[1], 'the same seed gave other samples'
    assert seen[0] != seen[2], 'another seed gave the same samples'


def judge(tallies, runs):
    """The figures of the whole study hold for any smaller one within its own noise."""
    judged = [t for t in tallies.values() if t.is_sampled_enough()]
    coverage = sum(t.inside for t in judged) / sum(t.runs for t in judged)
    slack = 3 * math.sqrt(.95 * .05 / runs)  # measures of a run are not independent
    worst = 0.0
    for (site, measure), tally in sorted(tallies.items()):
        allowed = .005 + 4.5 * tally.bias_noise()
        if tally.is_sampled_enough():
            worst = max(worst, abs(tally.bias()))
            print(f'{site:14} {measure:18} bias {tally.bias():+8.3%}  in the interval '
                  f'{tally.inside / tally.runs:6.1%}  samples a run {tally.samples / runs:.0f}')
        assert abs(tally.bias()) <= allowed, (site, measure, tally.bias(), allowed)
    print(f'{runs} runs: worst bias {worst:.3%}, coverage {coverage:.2%}')
    assert len(judged) >= 10
    assert .94 - slack <= coverage <= .96 + slack, coverage


if __name__ == '__main__':
    repeatable()
    judge(run_all(int(sys.argv[3])), int(sys.argv[3]))
