#!/usr/bin/env python3
"""The leak reports of gcc's and clang's sanitizers of a program with known answers,
read by heapdiff.

  lsan.py --heapdiff FILE --sources DIR

testdata/programs/lost.c is built with -fsanitize=leak and -fsanitize=address, with
and without -pie. heapdiff's totals must be those of the report's SUMMARY line, each
call site's figures the program's own count and the sums of the report itself, to the
byte; and the same again with symbolize=0, where heapdiff finds the lines through
DWARF. Exit status 77: no compiler here makes a program that looks for leaks.
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
FLAGS = ["-g", "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-D_GNU_SOURCE",
         "-Wl,--build-id"]
BUILDS = [("gcc", "leak", ["-fPIE", "-pie"]), ("gcc", "address", ["-fno-pie", "-no-pie"]),
          ("clang", "leak", ["-fno-pie", "-no-pie"]), ("clang", "address", ["-fPIE", "-pie"])]
MEASURES = ("bytes", "objects", "direct", "indirect")
failures = []


def check(good, *what):
    if not good:
        failures.append(" ".join(str(w) for w in what))


def build(options, work, compiler, sanitizer, mode):
    """The program's path, None where this compiler has no such sanitizer."""
    program = os.path.join(work, "lost")
    sources = [os.path.join(options.sources, name) for name in ("lost.c", "truth.c")]
    if not shutil.which(compiler):
        return None
    made = subprocess.run([compiler, *FLAGS, *mode, f"-fsanitize={sanitizer}", *sources, "-o",
                           program], check=False, capture_output=True, timeout=600)
    return program if made.returncode == 0 else None


def run(program, work, symbolize, rounds):
    """The truth, and the report: "" where the program could not look for leaks."""
    truth = os.path.join(work, "truth.json")
    settings = f"symbolize={symbolize}:detect_leaks=1:color=never"
    result = subprocess.run([program, "--rounds", str(rounds), "--truth", truth], cwd=work,
                            check=False, capture_output=True, text=True, timeout=600,
                            env=dict(os.environ, LSAN_OPTIONS=settings, ASAN_OPTIONS=settings))
    with open(truth, encoding="utf-8") as file:
        sites = json.load(file)["sites"]
    report = result.stderr if "detected memory leaks" in result.stderr else ""
    return sites, report, result.stderr


def heapdiff(options, work, *arguments):
    result = subprocess.run([options.heapdiff, "top", "--format", "json", "-n", "0", *arguments],
                            cwd=work, text=True, capture_output=True, check=False, timeout=600,
                            env=dict(os.environ, XDG_STATE_HOME=work))
    check(result.returncode == 0, "top ended with", result.returncode, result.stderr)
    return json.loads(result.stdout) if result.returncode == 0 else {"rows": [], "total": {}}


def own_sums(report):
    """(function, line) of the first frame in lost.c -> sums; by the text alone."""
    sums = collections.defaultdict(lambda: dict.fromkeys(MEASURES, 0))
    for leak in re.split(r"\n(?=(?:Direct|Indirect) leak of )", report)[1:]:
        kind, size, count = re.match(r"(\w+) leak of (\d+) byte\(s\) in (\d+) object", leak).groups()
        frame = re.search(r" in (\w+) \S*lost\.c:(\d+)", leak)
        site = sums[(frame[1], int(frame[2])) if frame else None]
        site["bytes"] += int(size)
        site["objects"] += int(count)
        site[kind.lower()] += int(size)
    return dict(sums)


def read_sums(top):
    return {(row["function"], row["line"]): {"bytes": row["value"], "objects": row["objects"],
                                             "direct": row["direct_space"],
                                             "indirect": row["indirect_space"]}
            for row in top["rows"]}


def check_report(options, work, name, sites, report):
    path = os.path.join(work, "log")
    with open(path, "w", encoding="utf-8") as file:
        # Longer than what a probe sees.
        file.write("some test's output\n" * 1000 + report + "some other test's output\n")
    top = heapdiff(options, work, path)
    rows, total = read_sums(top), top["total"]
    size, count = map(int, re.search(r"SUMMARY: \w+: (\d+) byte\(s\) leaked in (\d+) allocation",
                                     report).groups())
    check((total.get("value"), total.get("objects")) == (size, count),
          f"{name}: {total}, the summary has {size} bytes in {count} allocations")
    for site in sites:
        row = rows.get((site["function"], site["line"]), dict.fromkeys(MEASURES, 0))
        check((row["bytes"], row["objects"]) == (site["bytes"], site["objects"]),
              f"{name}: {site} is {row}")
    check(len(rows) == len(sites), f"{name}: more rows than sites: {rows}")
    return rows


def check_build(options, work, name, program):
    sites, report, said = run(program, work, 1, 1)
    if not report:
        print(f"{name}: no leak report: {said.strip()[:200]!r}")
        return False
    named = check_report(options, work, name, sites, report)
    if "lost.c:" in report:
        check(own_sums(report) == named, f"{name}: the report has {own_sums(report)}, not {named}")
    else:
        print(f"{name}: the sanitizer found no lines; heapdiff did")
    sites, report, _ = run(program, work, 0, 1)
    check("lost.c:" not in report, f"{name}: symbolize=0 was not heard")
    bare = check_report(options, work, name + " symbolize=0", sites, report)
    check(bare == named, f"{name}: with symbolize=0 {bare}, else {named}")
    check_growth(options, work, name, program)
    print(f"{name}: {len(named)} call sites agree, twice")
    return True


def check_growth(options, work, name, program):
    """Two reports: what more rounds lost is the growth, to the byte."""
    paths, truths = [], []
    for rounds in (1, 6):
        sites, report, _ = run(program, work, rounds % 2, rounds)
        paths.append(os.path.join(work, f"log.{rounds}"))
        truths.append({(site["function"], site["line"]): site["bytes"] for site in sites})
        with open(paths[-1], "w", encoding="utf-8") as file:
            file.write(report)
    rows = {(row["function"], row["line"]): row["growth"]
            for row in heapdiff(options, work, *paths)["rows"]}
    for site, after in truths[1].items():
        check(rows.get(site, 0) == after - truths[0][site], f"{name}: {site} grew by",
              after - truths[0][site], "not", rows.get(site))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--sources", required=True, type=os.path.abspath)
    options = parser.parse_args()
    ran = 0
    for compiler, sanitizer, mode in BUILDS:
        name = " ".join([compiler, sanitizer, mode[-1]])
        with tempfile.TemporaryDirectory() as work:
            program = build(options, work, compiler, sanitizer, mode)
            if program:
                ran += check_build(options, work, name, program)
            else:
                print(f"{name}: cannot be built here: skipped")
    if failures:
        sys.exit("\n".join(failures))
    sys.exit(0 if ran else SKIPPED)


main()
