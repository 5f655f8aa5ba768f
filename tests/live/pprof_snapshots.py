#!/usr/bin/env python3
"""`record --snapshot-format pprof`: go tool pprof and heapdiff read the same totals
from it, and both name the leaking function.

  pprof_snapshots.py --heapdiff FILE --programs DIR

Exit status 77: there is no go tool.
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

TYPES = ("alloc_objects", "alloc_space", "inuse_objects", "inuse_space")


def go_totals(path, environment):
    """Sample type -> sum over all samples."""
    text = subprocess.run(["go", "tool", "pprof", "-raw", path], env=environment, text=True,
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    types = re.search(r"Samples:\n(.*)\n", text).group(1).split()
    names = [t.split("/")[0] for t in types]
    body = text[text.index("Samples:"):text.index("Locations\n")].splitlines()[2:]
    sums = collections.Counter()
    for line in body:
        if re.match(r"\s+bytes:", line):
            continue
        for name, value in zip(names, line.split(":")[0].split()):
            sums[name] += int(value)
    return dict(sums)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--programs", required=True, type=os.path.abspath)
    options = parser.parse_args()
    if not shutil.which("go"):
        print("no go tool here")
        return 77
    failures = 0
    with tempfile.TemporaryDirectory(prefix="heapdiff-pprof-") as work:
        # Seeded: what is seen here is seen in every run.
        environment = dict(os.environ, XDG_STATE_HOME=os.path.join(work, "state"), HOME=work,
                           GOCACHE=os.path.join(work, "cache"), PPROF_TMPDIR=work,
                           HEAPDIFF_SEED="1")

        def run(*arguments):
            return subprocess.run([options.heapdiff, *arguments], cwd=work, env=environment,
                                  check=True, text=True, stdout=subprocess.PIPE).stdout

        for rate in ("1", "64k"):
            run("record", "-q", "--rate", rate, "-i", "300ms", "--snapshot-format", "pprof", "-o",
                rate, "--", os.path.join(options.programs, "leaky-service"), "--rounds", "200")
            files = sorted(os.listdir(os.path.join(work, rate)))
            last = os.path.join(work, rate, files[-1])
            info = json.loads(run("info", "--format", "json", last))["rows"][0]
            go = go_totals(last, environment)
            print(rate, len(files), "files", {t: (info[t], go.get(t)) for t in TYPES})
            failures += any(info[t] != go.get(t) for t in TYPES) or not go["inuse_space"]
            top = subprocess.run(["go", "tool", "pprof", "-top", last], env=environment, text=True,
                                 check=True, stdout=subprocess.PIPE).stdout
            first = next(line for line in top.splitlines() if line.endswith(" cache_put"))
            print(first)
            failures += "File: leaky-service" not in top
            rows = json.loads(run("top", "--all", "--format", "json", rate))
            names = [row["function"] for row in rows["rows"]]
            failures += names[0] != "cache_put"
    print("failures:", failures)
    return 1 if failures else 0


sys.exit(main())
