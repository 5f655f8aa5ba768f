#!/usr/bin/env python3
"""C memory that Go code leaks through cgo is charged to the Go lines that asked for
it, to the byte.

  cgo.py --heapdiff FILE --source DIR

Builds testdata/programs/go/cgo with the Go that is there. Exit status 77: none is.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--source", required=True, type=os.path.abspath)
    options = parser.parse_args()
    if not shutil.which("go"):
        print("no Go here")
        return 77
    with tempfile.TemporaryDirectory(prefix="heapdiff-cgo-") as work:
        environment = dict(os.environ, XDG_STATE_HOME=os.path.join(work, "state"),
                           GOFLAGS="-mod=mod", GOCACHE=os.path.join(work, "cache"), HOME=work)
        subprocess.run(["go", "build", "-o", os.path.join(work, "cgo"), "."], cwd=options.source,
                       env=environment, check=True)

        def run(*arguments):
            return subprocess.run([options.heapdiff, *arguments], cwd=work, env=environment,
                                  check=True, text=True, stdout=subprocess.PIPE).stdout

        # Go ends by a system call of its own, so there is no snapshot at exit: the
        # program waits for the last one.
        printed = run("record", "-q", "--rate", "1", "-i", "50ms", "--", "./cgo", "-pause", "50ms")
        truth = {name: (int(size), int(count)) for name, size, count in
                 re.findall(r"(main\.\w+) (\d+) bytes (\d+) objects", printed)}
        rows = json.loads(run("top", "--all", "--format", "json"))["rows"]
        seen = {row["function"]: (row["growth"], row["objects_growth"]) for row in rows
                if (row["file"] or "").endswith("cgo/main.go")}
        print("counted:", truth, "seen:", seen)
        said = subprocess.run([options.heapdiff, "record", "-i", "0", "-o", "again", "--", "./cgo"],
                              cwd=work, env=environment, check=True, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr
        if "heapdiff record HOST:PORT" not in said:
            print("not told where Go's own heap is to be found:", said)
            return 1
        return 0 if truth and all(seen.get(name) == truth[name] for name in truth) else 1


sys.exit(main())
