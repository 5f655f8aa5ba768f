#!/usr/bin/env python3
"""Holds verdicts on real programs against what is known of them: twelve behaviours (and
a small leak in a site that churns) of a native program under the agent, and the like of
a Go program through its pprof endpoint.

  verdicts.py --heapdiff FILE --programs DIR --sources DIR native|go [MILLISECONDS]

Every function named leak* whose growth exceeds ten standard errors must be called
leaking, and no other one of the program. Both programs have a time of their own, by which
the snapshots are taken (and dated, where they tell no ages of blocks): a machine that is
busy makes a run longer, and changes little in it. Exit status 77: what it needs is not here.
"""
import argparse
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from pprof_time import of_time

SNAPSHOTS = 60
# Recordings of a program that was held up are no recordings of what it does.
MOST_RECORDINGS = 10
STANDARD_ERRORS = 10
HALF_INTERVAL = 1.96
# One of its own: ages tell, whatever the level does.
IN_CHURN = "leak_in_churn"


def judge(rows, sources):
    """Prints a line a row of the program's own; returns false claims and what is missed."""
    faults, leaks = [], set()
    for row in rows:
        if not (row["file"] or "").startswith(sources):
            continue
        function = row["function"].removeprefix("main.")
        error = (row["interval"] or 0) / HALF_INTERVAL
        leaks_truly = function.lower().startswith("leak")
        called = row["verdict"] == "leaking"
        print(f"{function:20} {row['growth']:>10} +- {row['interval'] or 0:>8}  "
              f"{row['verdict']:10} {row['probability']:.3f}")
        if called and leaks_truly:
            leaks.add(function)
        elif called:
            faults.append(f"{function} does not leak, but is called so")
        elif leaks_truly and (row["growth"] > STANDARD_ERRORS * error or function == IN_CHURN):
            # The map's own growth is a line of its own in Go: one line must do.
            faults.append((function, row))
    missed = {fault[0] for fault in faults if isinstance(fault, tuple)} - leaks
    return [f for f in faults if isinstance(f, str)] + [f"{f} leaks, but is not called so"
                                                        for f in sorted(missed)]


def top(options, work, *snapshots):
    output = subprocess.run([options.heapdiff, "top", "--all", "--format", "json", *snapshots],
                            cwd=work, env=options.environment, check=True,
                            stdout=subprocess.PIPE).stdout
    answer = json.loads(output)
    if answer["snapshots"] < SNAPSHOTS:
        sys.exit(f"only {answer['snapshots']} snapshots")
    return answer["rows"]


def native(options, work):
    for _ in range(MOST_RECORDINGS):
        said = subprocess.run(
            [options.heapdiff, "record", "-q", "--rate", "4k", "-i", "0", "-o", "data", "--",
             os.path.join(options.programs, "behaviours"), str(options.milliseconds),
             str(SNAPSHOTS)], cwd=work, env=options.environment, check=True,
            stdout=subprocess.PIPE, text=True).stdout
        if "held up" not in said:
            break
        print("recorded again: the machine had no time for the program")
    return judge(top(options, work, "data"), options.sources + os.sep)


def fetch(url):
    with urllib.request.urlopen(url, timeout=600) as answer:
        return answer.read()


def go(options, work):
    if not shutil.which("go"):
        print("no Go here")
        sys.exit(77)
    environment = dict(options.environment, GOFLAGS="-mod=mod", HOME=work,
                       GOCACHE=os.path.join(work, "cache"))
    source = os.path.join(options.sources, "go", "behaviours")
    binary = os.path.join(work, "behaviours")
    subprocess.run(["go", "build", "-o", binary, "."], cwd=source, env=environment, check=True)
    with subprocess.Popen([binary, "-ms", str(options.milliseconds)], text=True,
                          stdout=subprocess.PIPE) as program:
        address, snapshots = program.stdout.readline().strip(), []
        step, start_ns = options.milliseconds // (SNAPSHOTS + 1), time.time_ns()
        for number in range(SNAPSHOTS):
            fetch(f"http://{address}/go-on?ms={step}")
            snapshots.append(pathlib.Path(work, f"{number:03}.pb.gz"))
            profile = gzip.decompress(fetch(f"http://{address}/debug/pprof/heap?gc=1"))
            snapshots[-1].write_bytes(gzip.compress(
                of_time(profile, start_ns + number * step * 10 ** 6)))
        program.kill()
    return judge(top(options, work, *snapshots), source + os.sep)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--programs", required=True, type=os.path.abspath)
    parser.add_argument("--sources", required=True, type=os.path.realpath)
    parser.add_argument("which", choices=("native", "go"))
    parser.add_argument("milliseconds", type=int, nargs="?", default=9000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heapdiff-verdicts-") as work:
        # Seeded: what is seen here is seen in every run.
        options.environment = dict(os.environ, XDG_STATE_HOME=os.path.join(work, "state"),
                                   HEAPDIFF_SEED="1")
        faults = {"native": native, "go": go}[options.which](options, work)
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
