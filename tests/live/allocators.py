#!/usr/bin/env python3
"""The heap profiles that other allocators write of a program with known answers:
leaky-service under jemalloc and under gperftools' heap profiler, read by heapdiff.

  allocators.py --heapdiff FILE --programs DIR

gperftools' records every allocation: all call sites must be the program's own
count, to the byte. jemalloc samples: the total must be near, and the same as
jeprof's where that is installed. `top` must name the leak, by its line. Exit
status 77: neither is installed.
"""
import argparse
import ctypes.util
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
ROUNDS = ["--pace", "0", "--rounds", "300"]
failures = []


def check(good, *what):
    if not good:
        failures.append(" ".join(str(w) for w in what))


def run_program(options, work, library, **environment):
    program = os.path.join(options.programs, "leaky-service")
    truth = os.path.join(work, "truth.json")
    subprocess.run([program, *ROUNDS, "--truth", truth], cwd=work, check=True, timeout=120,
                   env=dict(os.environ, LD_PRELOAD=library, **environment),
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(truth, encoding="utf-8") as file:
        return json.load(file)["sites"]


def top(options, work, *files):
    result = subprocess.run([options.heapdiff, "top", "--format", "json", "-n", "0", *files],
                            cwd=work, text=True, capture_output=True, check=False, timeout=120,
                            env=dict(os.environ, XDG_STATE_HOME=work,
                                     XDG_CACHE_HOME=os.path.join(work, "cache")))
    check(result.returncode == 0, "top ended with", result.returncode, result.stderr)
    return json.loads(result.stdout)["rows"] if result.returncode == 0 else []


def leak_is_first(name, rows, truth):
    leak = max(truth, key=lambda site: site["bytes"])
    check(rows and (rows[0]["function"], rows[0]["line"]) == (leak["function"], leak["line"]),
          f"{name}: the leak is {leak}, first is {rows[:1]}")


def by_number(files):
    return sorted(files, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def tcmalloc(options, work, library):
    truth = run_program(options, work, library, HEAPPROFILE=os.path.join(work, "tc"),
                        HEAP_PROFILE_ALLOCATION_INTERVAL=str(16 << 20))
    files = by_number(glob.glob(os.path.join(work, "tc.*.heap")))
    check(len(files) > 2, "gperftools wrote", files)
    leak_is_first("gperftools", top(options, work, files[0], files[-1]), truth)
    found = {(row["function"], row["line"]): row for row in top(options, work, files[-1])}
    for site in truth:
        row = found.get((site["function"], site["line"]), {"value": 0})
        check(row["value"] == site["bytes"], "gperftools:", site, "is", row)


def jeprof_total(options, file):
    program = os.path.join(options.programs, "leaky-service")
    text = subprocess.run(["jeprof", "--text", "--show_bytes", program, file], text=True,
                          capture_output=True, check=False, timeout=120).stdout
    match = re.search(r"^Total: (\d+) B", text, flags=re.M)
    return int(match[1]) if match else None


def jemalloc(options, work, library):
    truth = run_program(options, work, library, MALLOC_CONF="prof:true,prof_final:true,"
                        "lg_prof_interval:24,lg_prof_sample:12,prof_prefix:" + work + "/je")
    files = by_number(glob.glob(os.path.join(work, "je.*.i*.heap")))
    check(len(files) > 1, "jemalloc wrote", files)
    final = glob.glob(os.path.join(work, "je.*.f.heap"))[0]
    leak_is_first("jemalloc", top(options, work, files[0], files[-1]), truth)
    rows = top(options, work, final)
    total = sum(row["value"] for row in rows)
    known = sum(site["bytes"] for site in truth)
    # A size class is up to a quarter larger than what was asked for.
    check(0.8 * known < total < 1.4 * known, f"jemalloc: {total} bytes, the truth is {known}")
    if shutil.which("jeprof"):
        peer = jeprof_total(options, final)
        check(peer is not None and abs(total - peer) <= len(rows) + 1,
              f"jemalloc: {total} bytes, jeprof has {peer}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--programs", required=True, type=os.path.abspath)
    options = parser.parse_args()
    ran = 0
    for name, test in (("jemalloc", jemalloc), ("tcmalloc", tcmalloc)):
        library = ctypes.util.find_library(name)
        if not library:
            print(f"{name} is not installed: skipped")
            continue
        ran += 1
        with tempfile.TemporaryDirectory() as work:
            test(options, work, library)
    if failures:
        sys.exit("\n".join(failures))
    sys.exit(0 if ran else SKIPPED)


main()
