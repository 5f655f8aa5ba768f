#!/usr/bin/env python3
"""Holds what `heapdiff top` and `list` say of a program against what the program
knows of itself: record at rate 1, then compare call site by call site, to the byte.

  sites.py --heapdiff FILE --programs DIR --sources DIR [PROGRAM...]

Unlike truth.py this goes through all of heapdiff: agent, reader, DWARF, demangling,
wrappers, grouping, JSON. Exit status 1: something is off.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

PROGRAMS = {
    "leaky-service": ["--pace", "0", "--rounds", "500", "--settle", "300"],
    "threads": [],
    "containers": [],
    "plugin": [],
    "rust-leak": [],
}

LIBRARY_BYTES = 16384

failures = []


def check(good, *what):
    if not good:
        failures.append(" ".join(str(w) for w in what))


class Recording:
    def __init__(self, options, program, work):
        self.options, self.program, self.work = options, program, work
        self.environment = dict(os.environ, XDG_STATE_HOME=os.path.join(work, "state"),
                                XDG_CACHE_HOME=os.path.join(work, "cache"))
        truth = os.path.join(work, "truth.json")
        self.run("record", "-q", "--rate", "1", "-i", "0", "-o", "data", "--",
                 os.path.join(options.programs, program), *PROGRAMS[program], "--truth", truth)
        with open(truth, encoding="utf-8") as file:
            self.truth = json.load(file)["sites"]

    def run(self, *arguments):
        result = subprocess.run([self.options.heapdiff, *arguments], cwd=self.work, text=True,
                                capture_output=True, env=self.environment, timeout=600)
        check(result.returncode == 0, self.program, arguments[0], "ended with",
              result.returncode, result.stderr)
        return result

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--format", "json").stdout)


def sites_agree(recording, top):
    """Every site's growth is the program's own count, and little is left over: what
    the C library allocates for a caller's line (stdio's buffer, a thread's table)."""
    sources = recording.options.sources + os.sep
    own = [row for row in top["rows"] if (row["file"] or "").startswith(sources)]
    known = 0
    for site in recording.truth:
        rows = [row for row in own if row["line"] == site["line"] and
                site["function"] in row["function"]]
        growth = sum(row["growth"] for row in rows)
        objects = sum(row["objects_growth"] for row in rows)
        check((growth, objects) == (site["bytes"], site["objects"]), recording.program,
              f"{site['function']}:{site['line']} is {site['bytes']} bytes in "
              f"{site['objects']} objects, heapdiff says {growth} in {objects}")
        known += growth
    listed = sum(row["growth"] for row in own)
    check(0 <= listed - known <= LIBRARY_BYTES, recording.program, "holds", listed - known,
          "bytes at sites that it does not know of:",
          [(row["function"], row["line"]) for row in own])


def table_adds_up(recording, top, rows):
    for key in ("growth", "before", "after", "objects_growth"):
        total = sum(row[key] for row in rows) + (top.get("others") or {}).get(key, 0)
        check(total == top["total"][key], recording.program, key, "adds up to", total,
              "but TOTAL says", top["total"][key])


def groupings_agree(recording, top):
    for by in ("function", "line", "file", "module", "stack"):
        other = recording.json("top", "--all", "--by", by)
        table_adds_up(recording, other, other["rows"])
        check(other["total"]["growth"] == top["total"]["growth"], recording.program, "--by", by,
              "has another total")
    few = recording.json("top", "-n", "1")
    table_adds_up(recording, few, few["rows"])


def list_marks_the_lines(recording):
    """`list` of each function has the growth at the truth's line, and its source."""
    for site in recording.truth:
        if not site["bytes"]:
            continue
        listing = recording.json("list", rf"\b{site['function']}\b")
        lines = [line for function in listing["functions"] for line in function["lines"]
                 if "text" in line and line["line"] == site["line"]]
        check(sum(line["growth"] for line in lines) == site["bytes"], recording.program,
              "list", site["function"], "has", [line["growth"] for line in lines], "at line",
              site["line"])
        check(all(function["missing"] is None for function in listing["functions"]),
              recording.program, "list", site["function"], "lacks its source")


def info_symbolizes(recording):
    info = recording.json("info")
    check(info["rows"], recording.program, "info has no rows")
    for row in info["rows"]:
        check(row["symbolized"] <= row["addresses"], recording.program, "info: symbolized")
    path = os.path.join(recording.options.programs, recording.program)
    named = [line for line in info["rows"][-1]["modules"] if line.startswith(path + " ")]
    check(named and "(dwarf" in named[0], recording.program,
          "info does not say that the program has DWARF:", info["rows"][-1]["modules"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--programs", required=True, type=os.path.abspath)
    parser.add_argument("--sources", required=True, type=os.path.abspath)
    parser.add_argument("programs_to_run", nargs="*", metavar="PROGRAM")
    options = parser.parse_args()
    ran = 0
    for program in options.programs_to_run or PROGRAMS:
        if not os.access(os.path.join(options.programs, program), os.X_OK):
            print(f"{program}: not built here, left out")
            continue
        with tempfile.TemporaryDirectory(prefix="heapdiff-sites-") as work:
            recording = Recording(options, program, work)
            top = recording.json("top", "--all")
            sites_agree(recording, top)
            table_adds_up(recording, top, top["rows"])
            groupings_agree(recording, top)
            list_marks_the_lines(recording)
            info_symbolizes(recording)
            if program == "leaky-service":
                check(top["rows"][0]["function"] == "cache_put", "the leak is not the first row")
            print(f"{program}: {len(recording.truth)} sites, {len(top['rows'])} rows, total "
                  f"{top['total']['growth']} bytes")
            ran += 1
    for failure in failures:
        print("FAILED:", failure, file=sys.stderr)
    sys.exit(1 if failures or not ran else 0)


main()
