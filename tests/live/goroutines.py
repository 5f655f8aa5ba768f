#!/usr/bin/env python3
"""Go's goroutines: a program that knows how many of its goroutines wait where, its
profiles read by heapdiff and by go tool pprof.

  goroutines.py --heapdiff FILE --sources DIR

The counts of all three forms (profile.proto, debug=1, debug=2) must be the program's
own, and flat and cum of every function those of `go tool pprof -top`. Of a second
program, whose functions named leak* leak goroutines, these and no others must be called
leaking in all three forms. Exit status 77: there is no Go.
"""
import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
FORMS = ("pb.gz", "debug1", "debug2")
POINTS = 12
failures = []


def check(good, *what):
    if not good:
        failures.append(" ".join(str(w) for w in what))


def run(command, work, **more):
    environment = dict(os.environ, XDG_STATE_HOME=work, GOFLAGS="-mod=mod",
                       GOCACHE=os.path.join(work, "cache"), PPROF_TMPDIR=work, **more)
    return subprocess.run(command, cwd=work, env=environment, text=True, check=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def rows(options, work, *arguments):
    text = run([options.heapdiff, "top", "--format", "json", "-n", "0", *arguments], work)
    return json.loads(text)["rows"]


def by_pprof(work, file):
    """function -> (flat, cum); one function may stand twice, inlined and not."""
    text = run(["go", "tool", "pprof", "-top", "-nodecount=10000", "-nodefraction=0", file], work)
    found = collections.Counter(), collections.Counter()
    for line in text.splitlines():
        match = re.match(r"\s*(\d+)\s+\S+%\s+\S+%\s+(\d+)\s+\S+%\s+(.*?)( \(inline\))?$", line)
        if match:
            found[0][match[3]] += int(match[1])
            found[1][match[3]] += int(match[2])
    return found


def compare_with_pprof(options, work, file):
    flat, cum = by_pprof(work, file)
    check(len(flat) > 15, "go tool pprof shows", len(flat), "functions")
    seen = set()
    for row in rows(options, work, "--pprof", "--all", file):
        name = row["name"].removesuffix(" (inline)")
        seen.add(name)
        check((row["flat"], row["cum"]) == (flat[name], cum[name]), file, name, "is",
              (row["flat"], row["cum"]), "go tool pprof has", (flat[name], cum[name]))
    check(seen == set(flat), file, "functions differ:", seen ^ set(flat))
    return len(seen)


def build(options, work, name):
    program = os.path.join(work, name)
    subprocess.run(["go", "build", "-trimpath", "-o", program, "."],
                   cwd=os.path.join(options.sources, name), check=True, timeout=600)
    return program


def check_counts(options, work):
    program = build(options, work, "goroutines")
    truth = {}
    for line in run([program, "-dir", work], work).splitlines():
        point, name, count = line.split()
        truth.setdefault(point, {})[name] = int(count)
    for form in FORMS:
        for point in truth:
            have = collections.Counter()
            for row in rows(options, work, "--by", "function", f"{point}.{form}"):
                have[row["function"]] += row["value"]
            for name, count in truth[point].items():
                check(have[name] == count, form, point, name, "is", have[name], "not", count)
        first = rows(options, work, f"1.{form}", f"2.{form}")[0]
        check((first["function"], first["growth"]) == ("main.consume", 100), form, first)
    compared = compare_with_pprof(options, work, "2.pb.gz")
    print(f"{compared} functions are the same in go tool pprof")


def check_verdicts(options, work):
    program = build(options, work, "waiting")
    for form in FORMS:
        os.mkdir(os.path.join(work, form))
    run([program, "-points", str(POINTS), "-dir", work], work)
    for form in FORMS:
        files = [f"{point}.{form}" for point in range(1, POINTS + 1)]
        for file in files:
            os.link(os.path.join(work, file), os.path.join(work, form, file))
        named, found = rows(options, work, *files), rows(options, work, form)
        check(named == found, form, "differs between files as named and those of a directory")
        own = {row["function"]: row for row in named if row["function"].startswith("main.")}
        check(len(own) == 10, form, "has", sorted(own))
        for name, row in own.items():
            leaks = name.startswith("main.leak")
            check((row["verdict"] == "leaking") == leaks, form, name, "is", row["verdict"], "with",
                  row["probability"], "of", row["values"])
            check(row["interval"] is None, form, name, "is counted, not sampled")
        print(form, *(f"{name.removeprefix('main.')}: {row['verdict']}"
                      for name, row in own.items()))
        text = run([options.heapdiff, "explain", "leakOnSend", *files], work)
        check("\nleaking with" in text, form, text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--sources", required=True, type=os.path.abspath)
    options = parser.parse_args()
    if not shutil.which("go"):
        print("go is not installed: skipped")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as work:
        check_counts(options, work)
    with tempfile.TemporaryDirectory() as work:
        check_verdicts(options, work)
    if failures:
        sys.exit("\n".join(failures))


main()
