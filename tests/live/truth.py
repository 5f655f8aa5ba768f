#!/usr/bin/env python3
"""Holds what the agent records against what a program knows of itself.

  truth.py --agent LIB --programs DIR --sources DIR [--runs N] [PROGRAM...]

Without --runs: each program is recorded with every allocation (rate 1), and each
call site's growth between the start and the exit snapshot must be the program's
own count, to the byte.

With --runs N: each program is recorded N times, sampled (--rate); over all sites
with ten or more sampled live objects the estimates must lie within three standard
errors of the truth (--within, share) and the root mean square of the z-scores
near 1 (--rms LOW,HIGH).

The snapshots are read here, from their documentation alone (heapdiff-snapshot(5)),
and addresses resolved by addr2line: nothing of heapdiff but the agent is involved.
Exit status 1: a figure is off; 77: a tool that is needed is missing.
"""
import argparse
import bisect
import glob
import json
import math
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

# Arguments with which each program does its work; --truth FILE is added.
PROGRAMS = {
    "leaky-service": ["--pace", "0", "--rounds", "500", "--settle", "300"],
    "threads": ["--rounds", "30000"],
    "containers": [],
    "plugin": [],
    "rust-leak": [],
}
# Those in which enough objects are sampled, each of its own.
SAMPLED = ["leaky-service", "threads"]
MIN_SAMPLES = 10


class Snapshot:
    """One file: records as (stack, record) with stacks as [(module, offset)]."""

    def __init__(self, path):
        modules, frames, self.records, end = [], [], [], None
        stacks = strings = 0
        with open(path, encoding="utf-8") as lines:
            self.header = json.loads(next(lines))
            for text in lines:
                line = json.loads(text)
                strings += len(line.get("strings", []))
                if "module" in line:
                    modules.append(line["module"])
                frames += line.get("frames", [])
                if "stack" in line:
                    stacks += 1
                    stack = [(None if frames[i][0] is None else modules[frames[i][0]]["path"],
                              frames[i][1]) for i in line["stack"]]
                    self.records += [(tuple(stack), record) for record in line["records"]]
                end = line.get("end", end)
        counts = {"strings": strings, "modules": len(modules), "frames": len(frames),
                  "stacks": stacks, "records": len(self.records)}
        if end != counts:
            sys.exit(f"{path}: the closing line says {end}, the file has {counts}")


class Segments:
    """File offsets of an ELF file as the addresses that its DWARF has."""

    def __init__(self, path):
        with open(path, "rb") as file:
            head = file.read(64)
            if head[:6] != b"\x7fELF\x02\x01":
                raise ValueError("not a 64-bit little-endian ELF file")
            offset, = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            file.seek(offset)
            table = file.read(size * count)
        self.loads = []
        for i in range(count):
            kind, _, at, address, _, length = struct.unpack_from("<IIQQQQ", table, i * size)
            if kind == 1:
                self.loads.append((at, length, address))

    def address(self, offset):
        for at, length, address in self.loads:
            if at <= offset < at + length:
                return offset - at + address
        return None


class Symbols:
    """Inline chains, innermost first, of (module path, file offset)."""

    def __init__(self):
        self.known = {}

    def resolve(self, places):
        by_module = {}
        for module, offset in places:
            if module and (module, offset) not in self.known:
                by_module.setdefault(module, set()).add(offset)
        for module, offsets in by_module.items():
            self.resolve_module(module, sorted(offsets))

    def resolve_module(self, module, offsets):
        try:
            segments = Segments(module)
        except (OSError, ValueError):
            self.known.update({(module, offset): [] for offset in offsets})
            return
        addresses = [segments.address(offset) for offset in offsets]
        asked = [(o, a) for o, a in zip(offsets, addresses) if a is not None]
        self.known.update({(module, offset): [] for offset in offsets})
        output = subprocess.run(
            ["addr2line", "-a", "-f", "-i", "-C", "-e", module],
            input="".join(f"{a:#x}\n" for _, a in asked), text=True, capture_output=True,
            check=True).stdout.splitlines()
        starts = [i for i, line in enumerate(output) if re.fullmatch(r"0x[0-9a-f]{16}", line)]
        for n, (offset, _) in enumerate(asked):
            stop = starts[n + 1] if n + 1 < len(starts) else len(output)
            chain = []
            for i in range(starts[n] + 1, stop - 1, 2):
                place = re.match(r"(.*):(\d+)", output[i + 1])
                if place:
                    chain.append((output[i], os.path.normpath(place[1]), int(place[2])))
            self.known[module, offset] = chain

    def site(self, stack, sources):
        """The innermost frame in the program's own sources: (function, line)."""
        for place in stack:
            for function, file, line in self.known.get(place, []):
                if file.startswith(sources + os.sep):
                    return function, line
        return None


def record(options, program, rate, seed=1):
    """Runs a program under the agent: (its own truth, first and last snapshot)."""
    work = tempfile.mkdtemp(prefix="heapdiff-truth-")
    try:
        truth = os.path.join(work, "truth.json")
        path = os.path.join(options.programs, program)
        environment = dict(os.environ, LD_PRELOAD=options.agent, HEAPDIFF_DIR=work,
                           HEAPDIFF_RATE=str(rate), HEAPDIFF_INTERVAL_MS="0",
                           HEAPDIFF_SEED=str(seed))
        process = subprocess.Popen([path, *PROGRAMS[program], "--truth", truth],
                                   env=environment, stdout=subprocess.DEVNULL)
        if process.wait(timeout=600) != 0:
            sys.exit(f"{program} ended with {process.returncode}")
        files = sorted(glob.glob(os.path.join(work, f"*.{process.pid}.*.heapdiff")))
        if len(files) < 2:
            sys.exit(f"{program}: {len(files)} snapshots, there must be two")
        with open(truth, encoding="utf-8") as file:
            return json.load(file)["sites"], Snapshot(files[0]), Snapshot(files[-1])
    finally:
        shutil.rmtree(work)


def by_site(snapshot, symbols, sources):
    symbols.resolve({place for stack, _ in snapshot.records for place in stack})
    sites = {}
    for stack, entry in snapshot.records:
        sites.setdefault(symbols.site(stack, sources), []).append(entry)
    return sites


def match(sites, truth, every):
    """The records of a truth's site, by its line. The function decides only between
    sites of equal lines in different files: binutils 2.40 names inlined members of
    templates after the function around them."""
    shared = sum(site["line"] == truth["line"] for site in every) > 1
    word = re.compile(r"\b" + re.escape(truth["function"]) + r"\b")
    found = []
    for site, records in sites.items():
        if site and site[1] == truth["line"] and (not shared or word.search(site[0])):
            found += records
    return found


MEASURES = [("bytes", "inuse_space"), ("objects", "inuse_objects"),
            ("alloc_bytes", "alloc_space"), ("alloc_objects", "alloc_objects")]


def exact_sums(header, records):
    order = header["measures"]
    return {name: sum(r["values"][order.index(name)] for r in records) for _, name in MEASURES}


def check_exact(options, program, symbols):
    truth, first, last = record(options, program, 1)
    before, after = (by_site(s, symbols, options.sources) for s in (first, last))
    wrong = 0
    for site in truth:
        start = exact_sums(first.header, match(before, site, truth))
        end = exact_sums(last.header, match(after, site, truth))
        for key, name in MEASURES:
            if key in site and end[name] - start[name] != site[key]:
                wrong += 1
                print(f"{program}: {site['function']}:{site['line']}: {name} grew by "
                      f"{end[name] - start[name]}, the program counted {site[key]}")
    print(f"{program}: {len(truth)} call sites, {wrong} figures differ")
    return wrong


def estimate(records):
    """Bytes, their variance, and the raw count: Var = sum of g^2 (1 - p) n, g = size / p."""
    total = variance = 0.0
    count = 0
    for r in records:
        p = -math.expm1(-(r["size"] + 1) / r["rate"])
        g = r["size"] / p
        total += g * r["live"]
        variance += g * g * (1 - p) * r["live"]
        count += r["live"]
    return total, variance, count


def scores_of(options, program, symbols, seed):
    truth, _, last = record(options, program, options.rate, seed)
    sites = by_site(last, symbols, options.sources)
    scores = []
    for site in truth:
        total, variance, count = estimate(match(sites, site, truth))
        if count >= MIN_SAMPLES and variance > 0:
            scores.append((total - site["bytes"]) / math.sqrt(variance))
    return scores


def check_sampled(options, programs, symbols):
    scores = []
    for program in programs:
        mine = [z for run in range(options.runs)
                for z in scores_of(options, program, symbols, options.seed + run)]
        scores += mine
        print(f"{program}: {options.runs} runs at {options.rate} bytes, {len(mine)} estimates "
              f"of {MIN_SAMPLES} or more samples")
    if not scores:
        print("no site has enough samples: nothing was tested")
        return 1
    scores.sort(key=abs)
    within = bisect.bisect_right([abs(z) for z in scores], 3) / len(scores)
    rms = math.sqrt(sum(z * z for z in scores) / len(scores))
    mean = sum(scores) / len(scores)
    low, high = (float(x) for x in options.rms.split(","))
    print(f"{len(scores)} estimates: {within:.2%} within three standard errors, "
          f"z-scores: RMS {rms:.3f}, mean {mean:+.3f}, largest {abs(scores[-1]):.2f}")
    return 0 if within >= options.within and low <= rms <= high else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--programs", required=True, help="directory of the built programs")
    parser.add_argument("--sources", required=True, help="directory of their sources")
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1, help="of the first run, then one more")
    parser.add_argument("--rate", type=int, default=16384)
    parser.add_argument("--within", type=float, default=0.99)
    parser.add_argument("--rms", default="0.8,1.2")
    parser.add_argument("program", nargs="*")
    options = parser.parse_args()
    options.agent = os.path.abspath(options.agent)
    options.sources = os.path.realpath(options.sources)
    if not shutil.which("addr2line"):
        print("addr2line (binutils) is missing")
        return 77
    programs = options.program or (SAMPLED if options.runs else list(PROGRAMS))
    here = [p for p in programs if os.path.exists(os.path.join(options.programs, p))]
    for program in sorted(set(programs) - set(here)):
        print(f"{program}: not built, left out")
    symbols = Symbols()
    if options.runs:
        return check_sampled(options, here, symbols)
    return 1 if sum([check_exact(options, program, symbols) for program in here]) else 0


if __name__ == "__main__":
    sys.exit(main())
