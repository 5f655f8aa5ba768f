#!/usr/bin/env python3
"""A Go program's own heap profiles: heapdiff's reading of profile.proto is that of
`go tool pprof`, to the byte, of one and of the difference of two; that of the text
(?debug=1) of the same moment is the same within rounding.
"""
import os

import comparison
from comparison import MEASURES

# The text has names for no frame of the runtime that is inside all others, so that
# another function seems to be the innermost: stacks of the runtime alone, which it
# names, and the other functions are compared apart. It alone has runtime.goexit.
PARTS = {"functions": ("--hide", r"^runtime\."),
         "the runtime's stacks": ("--ignore", r"^(?!runtime\.|/)", "--hide", r"^runtime\.goexit$")}


def sum_of(reading):
    return {"all": (sum(flat for flat, _ in reading.values()), None)}


def one_moment(bench, rate):
    proto, text = bench.path("heap.3.pb.gz"), bench.path("heap.3.txt")
    # Go and pprof cut the fraction off each record that they unsample, and heapdiff
    # does not when it reads the text.
    within = 0 if rate == 1 else bench.about(text)["records"] + 1
    for measure in MEASURES:
        what = f"go, rate {rate}, {measure}"
        theirs, total = bench.go_top(measure, proto)
        bench.compare(what, bench.read(measure, proto), theirs, total=total)
        for part, filters in PARTS.items():
            bench.compare(f"{what}, text, {part}", bench.read(measure, *filters, text),
                          bench.read(measure, *filters, proto), within)
        theirs, _ = bench.go_top(measure, text)
        bench.compare(f"{what}, text, total", sum_of(bench.read(measure, text)), sum_of(theirs),
                      within)


def difference(bench, rate):
    before, after = bench.path("heap.1.pb.gz"), bench.path("heap.3.pb.gz")
    for measure in MEASURES:
        ours = bench.read(measure, before, after)
        for base in ("base", "diff_base"):
            theirs, _ = bench.go_top(measure, f"-{base}={before}", after)
            bench.compare(f"go, rate {rate}, {measure}, -{base}", ours, theirs)


def leak(bench):
    bench.run("go", "build", "-o", bench.path("leak"), ".",
              cwd=os.path.join(bench.sources, "go/leak"))
    for rate in (512 << 10, 1):
        bench.run(bench.path("leak"), "-points", "3", "-pause", "0s", "-rate", str(rate))
        one_moment(bench, rate)
        difference(bench, rate)
        bench.through_pprof(f"go, rate {rate}", bench.path("heap.3.pb.gz"))
        bench.through_pprof(f"go, rate {rate}, text", bench.path("heap.3.txt"))


comparison.main(("go",), (), leak)
