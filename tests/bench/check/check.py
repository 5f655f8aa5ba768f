#!/usr/bin/env python3
"""How often `heapdiff check` cries wolf, and how often it misses a leak: a program that
holds 10 to 40 MiB at several sites (testdata/programs/gated.c), recorded anew for each
side of each comparison, with a budget of 1 MiB.

  check.py --heapdiff FILE --source gated.c [--unchanged N] [--leaks N] [--spread]

Prints the counts; exit status 1 where one is not what is asked for: at 4 KiB, no failure
in 200 unchanged runs and at least 99 in 100 with a leak of 2 MiB; at 512 KiB, at most 1
in 200, and at least 99 in 100 with one of 16 MiB; and of a leak of 2 MiB at 512 KiB the
gate says that it is too small to be seen. --spread: the leak is no new call site, but
more of what a site holds already.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SIZES = (10, 15, 20, 25, 30, 35, 40)  # MiB


class Work:
    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        self.environment = dict(os.environ, XDG_STATE_HOME=str(self.folder / "state"),
                                XDG_CACHE_HOME=str(self.folder / "cache"))

    def build(self, name, *flags):
        program = self.folder / name / "gated"
        program.parent.mkdir()
        subprocess.run(["cc", "-O2", "-g", *flags, "-o", program, self.options.source],
                       check=True)
        return program

    def record(self, program, rate, size, where):
        subprocess.run([self.options.heapdiff, "record", "-q", "--rate", rate, "-i", "0", "-o",
                        self.folder / where, "--", program, "--mib", str(size)], check=True,
                       env=self.environment, cwd=self.folder)

    def gate(self, old, new):
        result = subprocess.run([self.options.heapdiff, "check", "--no-config", "--max-growth",
                                 "1MiB", "--format", "json", old, new], cwd=self.folder,
                                env=self.environment, capture_output=True, text=True)
        if result.returncode not in (0, 1):
            sys.exit(f"check ends with {result.returncode}: {result.stderr}")
        return result.returncode == 1, json.loads(result.stdout)

    def compare(self, base, changed, rate, times):
        """How many of so many comparisons fail, and what the last one said."""
        failed, said = 0, None
        for i in range(times):
            size = SIZES[i % len(SIZES)]
            self.record(base, rate, size, "base")
            self.record(changed, rate, size, "new")
            fails, said = self.gate("base", "new")
            failed += fails
        return failed, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--heapdiff", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--unchanged", type=int, default=200)
    parser.add_argument("--leaks", type=int, default=100)
    parser.add_argument("--spread", action="store_true")
    options = parser.parse_args()
    options.heapdiff = os.path.abspath(options.heapdiff)
    faults = []

    def say(what, count, times, good):
        print(f"{what}: {count} of {times} fail{'' if good else '  <- not what is asked for'}",
              flush=True)
        if not good:
            faults.append(what)

    with tempfile.TemporaryDirectory() as folder:
        work = Work(options, folder)
        kind = "-DMORE_SESSIONS" if options.spread else "-DLEAK"
        base = work.build("base-build")
        small = work.build("small-leak", kind, "-DLEAK_BYTES=(2<<20)")
        large = work.build("large-leak", kind, "-DLEAK_BYTES=(16<<20)")
        many, few = options.unchanged, options.leaks
        count, _ = work.compare(base, base, "4k", many)
        say("4k, unchanged", count, many, count == 0)
        count, _ = work.compare(base, small, "4k", few)
        say("4k, a leak of 2 MiB", count, few, count >= .99 * few)
        count, said = work.compare(base, base, "512k", many)
        say("512k, unchanged", count, many, count <= many / 200)
        count, _ = work.compare(base, large, "512k", few)
        say("512k, a leak of 16 MiB", count, few, count >= .99 * few)
        count, said = work.compare(base, small, "512k", 1)
        told = "too small to be seen at this rate" in said["conclusion"]
        print(f"512k, a leak of 2 MiB: {said['conclusion']}")
        if not told and not count:
            faults.append("a leak that is too small is not said to be so")
    sys.exit("\n".join(faults) or 0)


main()
