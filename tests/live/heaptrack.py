#!/usr/bin/env python3
"""Programs with known answers under heaptrack, read by heapdiff.

  heaptrack.py --heapdiff FILE --programs DIR

At the end of the recording the bytes in use and the number of allocations, together
and of each function, and the peak must be heaptrack_print's own, to the byte, and each
call site what the program counted itself; in the interpreted form and in the raw one,
which heapdiff symbolizes. Exit status 77: heaptrack is not installed.
"""
import argparse
import collections
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
PROGRAMS = {"leaky-service": ["--pace", "200", "--rounds", "100"], "containers": []}
failures = []


def check(good, *what):
    if not good:
        failures.append(" ".join(str(w) for w in what))


def run(work, *command):
    result = subprocess.run(command, cwd=work, text=True, capture_output=True, check=False,
                            timeout=600, env=dict(os.environ, XDG_STATE_HOME=work))
    check(result.returncode == 0, *command, "ended with", result.returncode, result.stderr)
    return result.stdout


def record(options, work, program, *how):
    truth = os.path.join(work, "truth.json")
    run(work, "heaptrack", *how, "-o", "recording", os.path.join(options.programs, program),
        *PROGRAMS[program], "--truth", truth)
    with open(truth, encoding="utf-8") as file:
        return glob.glob(os.path.join(work, "recording*"))[0], json.load(file)["sites"]


def last_of(options, work, file):
    """The name of its last snapshot, and what `info` says of it."""
    about = run(work, options.heapdiff, "info", file).split("\n\n")[-1]
    number = re.search(r"^sequence +(\d+)$", about, flags=re.M)[1]
    return f"{file}@{number}", about


def top(options, work, *arguments):
    return json.loads(run(work, options.heapdiff, "top", "--format", "json", "-n", "0",
                          *arguments))


def bare(row):
    """A function's name without its namespace and class, which heaptrack's lack where
    it found them in DWARF."""
    return (row["function"] or "").split("::")[-1]


def sites_agree(options, work, program, name, truth):
    """Each call site has what the program counted itself."""
    found = collections.Counter()
    for row in top(options, work, name)["rows"]:
        found[(bare(row), row["line"])] += row["value"]
    for site in truth:
        have = found[(site["function"], site["line"])]
        check(have == site["bytes"], f"{program}: {site} is {have}")


def costs_of(work, file, kind):
    """heaptrack_print's sum of a cost, and the sum of the stacks that hold a function."""
    run(work, "heaptrack_print", "-f", file, "-p0", "-a0", "-T0", "-l0",
        "--flamegraph-cost-type", kind, "-F", "stacks")
    total, functions = 0, collections.Counter()
    with open(os.path.join(work, "stacks"), encoding="utf-8") as lines:
        for line in lines:
            stack, cost = line.rsplit(" ", 1)
            total += int(cost)
            for name in {frame.split(" (")[0] for frame in stack.split(";")}:
                functions[name] += int(cost)
    return total, functions


def peer_agrees(options, work, program, peer_file, last, truth):
    """All figures, and those of every function that both name alike."""
    name, about = last
    for kind, measure in (("leaked", "inuse_space"), ("allocations", "alloc_objects")):
        total, functions = costs_of(work, peer_file, kind)
        said = top(options, work, "--measure", measure, "--cum", "--by", "function", name)
        check(said["after"] == total, f"{program}: {measure} {said['after']}, not {total}")
        names = collections.Counter(bare(row) for row in said["rows"])
        rows = {bare(row): row["cum"] for row in said["rows"] if names[bare(row)] == 1}
        # heaptrack_print cuts stacks at main: those before it are not comparable.
        both = {name for name in rows.keys() & functions.keys() if name and name[0] != "_"}
        wanted = {site["function"] for site in truth if site["bytes"]}
        check(both >= wanted, f"{program}: not in both: {sorted(wanted - both)}")
        for function in sorted(both):
            check(rows[function] == functions[function], f"{program}: {measure} of {function} is",
                  rows[function], "not", functions[function])
        print(f"{program}: {measure} {total} and {len(both)} functions as heaptrack_print")
    peak = costs_of(work, peer_file, "peak")[0]
    check(f"in use at once were {peak} bytes" in about, f"{program}: the peak is {peak}", about)


def interpret(work, raw):
    """What heaptrack_interpret makes of a raw recording; None where it is not there."""
    program = "/usr/lib/heaptrack/libexec/heaptrack_interpret"
    if not os.access(program, os.X_OK):
        return None
    run(work, "sh", "-c", f"{{ zstd -qdc {raw} || gzip -dc {raw}; }} 2>/dev/null | {program} "
        ">interpreted")
    return os.path.join(work, "interpreted")


def test(options, program, *how):
    with tempfile.TemporaryDirectory() as work:
        file, truth = record(options, work, program, *how)
        last = last_of(options, work, file)
        sites_agree(options, work, program, last[0], truth)
        peer_file = interpret(work, file) if how else file
        if peer_file:
            peer_agrees(options, work, program, peer_file, last, truth)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--programs", required=True, type=os.path.abspath)
    options = parser.parse_args()
    if not shutil.which("heaptrack") or not shutil.which("heaptrack_print"):
        print("heaptrack is not installed: skipped")
        sys.exit(SKIPPED)
    for program in PROGRAMS:
        if not os.access(os.path.join(options.programs, program), os.X_OK):
            print(f"{program} is not built: skipped")
            continue
        test(options, program)
        test(options, program, "--raw")
    sys.exit("\n".join(failures) if failures else 0)


main()
