"""What the tests against other tools share: a program is run under the other tool's
recorder, and what that tool says of the recording is compared with what heapdiff
says, in sum and function by function. A reading is a dictionary: function -> what
was allocated in it and what at or below it (flat, cum); None is not compared.

Each test is a script with one function a comparison, which gets a Bench:

  SCRIPT --heapdiff FILE --programs DIR --sources DIR

Exit status 77: the other tool is not installed. What was compared is printed, one
line each, with the largest difference.
"""
import argparse
import ctypes.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
MEASURES = ("inuse_space", "inuse_objects", "alloc_space", "alloc_objects")
# Two tools may choose different ones of the names that a function of the C library
# has, as in printf and __printf, and one of them with its version.
ALIASES = re.compile(r"^(__GI_)?_*(?=\w)|(?<=IO_)new_|_impl$|@+GLIBC.*$")
# The place stands last, in parentheses, and may have some of its own.
VALGRIND_FRAME = re.compile(r"^(0x[0-9A-F]+): (.*) \([^()]*(?:\([^()]*\)[^()]*)*\)$")


def add(reading, name, flat, cum):
    """Takes a row in; of two with one name only the sum of flat means something."""
    if name in reading:
        reading[name] = (reading[name][0] + flat, None)
    else:
        reading[name] = (flat, cum)


def without(text, opening, closing):
    """`text` less what stands in brackets, nested ones too."""
    depth, kept = 0, []
    for at, letter in enumerate(text):
        depth += letter == opening
        if depth == 0:
            kept.append(letter)
        depth -= letter == closing and depth > 0 and text[at - 1] != "-"
    return "".join(kept)


def unmarked(name):
    """A name as pprof prints it, without the mark of inlined functions."""
    return re.sub(r" \((partial-)?inline\)$", "", name)


def plain(name):
    """A function's name without template arguments, parameters and marks: what is
    left is the same however a tool writes C++."""
    name = unmarked(name)
    if name.startswith("["):
        return name
    name = name.replace("(anonymous namespace)::", "").replace("operator()", "operator_call")
    name = re.sub(r" const$", "", without(without(name, "<", ">"), "(", ")"))
    return ALIASES.sub("", name)


def bare(name):
    """The last part of a C++ name, all that some tools show of inlined functions. Two
    functions may have it: then flat adds up, and cum is not compared."""
    return ALIASES.sub("", plain(name).rsplit("::", 1)[-1])


def valgrind_name(frame):
    """The function of "0x10A6B2: allocate (new_allocator.h:137)"; the address of what
    has no name."""
    address, name = VALGRIND_FRAME.match(frame).groups()
    return address if name == "???" else plain(name)


def renamed(reading, rule):
    """A reading under simpler names."""
    result = {}
    for name, (flat, cum) in reading.items():
        add(result, rule(name), flat, cum)
    return result


class Bench:
    """A scratch directory, the tools, and the failures of one test."""

    def __init__(self, options, work):
        self.heapdiff = options.heapdiff
        self.programs = options.programs
        self.sources = options.sources
        self.work = work
        self.failures = []
        self.environment = dict(os.environ, XDG_STATE_HOME=work, HOME=work, TZ="UTC", LC_ALL="C",
                                GOCACHE=os.path.join(work, "cache"), GOFLAGS="-mod=mod")

    def check(self, good, *what):
        if not good:
            self.failures.append(" ".join(str(w) for w in what))

    def path(self, name):
        return os.path.join(self.work, name)

    def run(self, *command, cwd=None, **environment):
        """What the command prints; it must end well."""
        result = subprocess.run(command, cwd=cwd or self.work, capture_output=True, check=False,
                                env=dict(self.environment, **environment), timeout=600,
                                encoding="utf-8", errors="replace")
        if result.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {result.returncode}: {result.stderr}")
        return result.stdout

    def run_service(self, rounds, *before, **environment):
        """Runs leaky-service; what it knows of its own allocations."""
        self.run(*before, os.path.join(self.programs, "leaky-service"), "--pace", "0", "--rounds",
                 str(rounds), "--truth", self.path("truth.json"), **environment)
        with open(self.path("truth.json"), encoding="utf-8") as file:
            return json.load(file)["sites"]

    def has_program(self, name):
        there = os.path.exists(os.path.join(self.programs, name))
        if not there:
            print(f"{name} was not built here: left out")
        return there

    def top(self, *arguments):
        """The rows of `heapdiff top`."""
        text = self.run(self.heapdiff, "top", "--all", "--format", "json", *arguments)
        return json.loads(text)["rows"]

    def read(self, measure, *arguments):
        """heapdiff's reading, by function, wrappers and all."""
        reading = {}
        for row in self.top("--pprof", "--measure", measure, *arguments):
            add(reading, unmarked(row["name"]), row["flat"], row["cum"])
        return reading

    def compare(self, what, ours, theirs, within=0, total=None):
        """Two readings, and `total` where the other tool states one. `within` is what
        rounding may make of a value; of the total, one at most."""
        worst = count = 0
        for name in sorted(set(ours) | set(theirs)):
            mine, other = ours.get(name, (0, 0)), theirs.get(name, (0, 0))
            count += 1
            for kind, a, b in zip(("flat", "cum"), mine, other):
                if a is None or b is None:
                    continue
                worst = max(worst, abs(a - b))
                self.check(abs(a - b) <= within, f"{what}: {name}: {kind} {a}, not {b}")
        if total is not None:
            mine = sum(flat for flat, _ in ours.values())
            worst = max(worst, abs(mine - total))
            self.check(abs(mine - total) <= min(within, 1), f"{what}: {mine} in all, not {total}")
        self.check(count > 0, what, "compared nothing")
        print(f"{what}: {count} functions, largest difference {worst} of {within}")

    def about(self, snapshot):
        """What `heapdiff info` says of it."""
        text = self.run(self.heapdiff, "info", "--format", "json", snapshot)
        return json.loads(text)["rows"][0]

    def leak_is_first(self, what, rows, truth):
        leak = max(truth, key=lambda site: site["bytes"])
        self.check(rows and (rows[0]["function"], rows[0]["line"]) ==
                   (leak["function"], leak["line"]), f"{what}: the leak is {leak}, not {rows[:1]}")

    def go_top(self, measure, *arguments):
        """The reading of `go tool pprof`, and its total."""
        text = self.run("go", "tool", "pprof", "-top", "-nodefraction=0", "-symbolize=none",
                        "-sample_index=" + measure, "-unit=B", *arguments)
        reading = {}
        for flat, cum, name in re.findall(
                r"^ *(-?\d+)B? +\S+% +\S+% +(-?\d+)B? +\S+%  (.*)$", text, flags=re.M):
            add(reading, unmarked(name), int(flat), int(cum))
        return reading, int(re.search(r"% of (-?\d+)B? total", text)[1])

    def through_pprof(self, what, snapshot, measures=MEASURES):
        """What heapdiff converts to pprof's format is the same to `go tool pprof`, and
        to heapdiff itself. Estimates are rounded there, record by record, so that each
        run of records keeps its sum to within one: a function's may lie in several."""
        if not shutil.which("go"):
            print(f"{what}: no Go here, not converted")
            return
        about = self.about(snapshot)
        within = 0 if about["rate"] == 1 else about["records"] // 2 + 1
        converted = self.path("converted.pb.gz")
        self.run(self.heapdiff, "convert", "--to", "pprof", "-o", converted, snapshot)
        for measure in measures:
            ours = renamed(self.read(measure, snapshot), plain)
            theirs, total = self.go_top(measure, converted)
            theirs = renamed(theirs, plain)
            if "[unknown]" in ours:  # pprof has no row for samples without a stack
                add(theirs, "[unknown]", total - sum(flat for flat, _ in theirs.values()), None)
            self.compare(f"{what}, converted, {measure}", ours, theirs, within, total)
            self.compare(f"{what}, read back, {measure}", ours,
                         renamed(self.read(measure, converted), plain), within)


def main(tools, libraries, *tests):
    """Runs the tests of one script, each in a directory of its own, and exits."""
    parser = argparse.ArgumentParser()
    for name in ("heapdiff", "programs", "sources"):
        parser.add_argument("--" + name, required=True, type=os.path.abspath)
    options = parser.parse_args()
    missing = [tool for tool in tools if not shutil.which(tool)]
    missing += [library for library in libraries if not ctypes.util.find_library(library)]
    if missing:
        print(", ".join(missing), "not installed: skipped")
        sys.exit(SKIPPED)
    failures = []
    for test in tests:
        with tempfile.TemporaryDirectory(prefix="heapdiff-peer-") as work:
            bench = Bench(options, work)
            test(bench)
            failures += bench.failures
    sys.exit("\n".join(failures) if failures else 0)
