#!/usr/bin/env python3
"""jemalloc's heap profiles, sampled: each value is what jeprof makes of the file, with
and without prof_accum; and the total is near what the program counts itself."""
import ctypes.util
import glob
import os
import re

import comparison
import perl_pprof
from comparison import MEASURES, bare, plain

TOOL = "jeprof"
# Of an estimate jeprof cuts the fraction off, and heapdiff rounds it so that rows add
# up: both are less than one away from it.
WITHIN = 1


def preloaded(bench, interval, accumulate):
    return {"LD_PRELOAD": ctypes.util.find_library("jemalloc"),
            "MALLOC_CONF": f"prof:true,prof_final:true,lg_prof_interval:{interval},"
                           f"lg_prof_sample:12,prof_accum:{accumulate},"
                           f"prof_prefix:{bench.path('je')}"}


def snapshots(bench):
    """Those of the intervals in order, and the last one."""
    files = sorted(glob.glob(bench.path("je.*.i*.heap")),
                   key=lambda name: int(re.search(r"\.i(\d+)\.", name)[1]))
    bench.check(len(files) > 1, "jemalloc wrote", files)
    return files, glob.glob(bench.path("je.*.f.heap"))[0]


def inside_jemalloc(bench, snapshot):
    """What jeprof takes the library's own functions for: those that it exports."""
    with open(snapshot, encoding="utf-8") as file:
        library = re.search(r" (/\S*/libjemalloc\S*)$", file.read(), flags=re.M)[1]
    names = {line.split(" ", 2)[2].split("(")[0] for line in
             bench.run("nm", "-D", "-C", "--defined-only", library).splitlines()}
    return "--exclude=^(" + "|".join(map(re.escape, sorted(names))) + ")$"


def compare(bench, what, files, *arguments, program="leaky-service", measure="inuse_space",
            rule=plain, within=WITHIN):
    theirs, total = perl_pprof.top(bench, TOOL, os.path.join(bench.programs, program), files[-1],
                                   "--" + measure, *arguments)
    ours = bench.read(measure, "--hide", "jemalloc|" + perl_pprof.ALLOCATORS, *files)
    perl_pprof.compare(bench, "jemalloc, " + what, ours, theirs, total, within, rule)


def service(bench):
    truth = bench.run_service(300, **preloaded(bench, 24, "true"))
    files, final = snapshots(bench)
    bench.leak_is_first("jemalloc", bench.top(files[0], files[-1]), truth)
    total = sum(row["value"] for row in bench.top(final))
    known = sum(site["bytes"] for site in truth)
    # A size class is up to a quarter larger than what was asked for.
    bench.check(0.8 * known < total < 1.4 * known, f"jemalloc: {total} bytes, truth is {known}")
    for measure in MEASURES:
        compare(bench, f"leaky-service, {measure}", [final], measure=measure)
    # Both sides are rounded.
    compare(bench, "leaky-service, growth", [files[0], files[-1]], "--base=" + files[0],
            within=2 * WITHIN)
    bench.through_pprof("jemalloc, leaky-service", final)


def containers(bench):
    """C++, and no accumulated figures: none are made up."""
    tools = perl_pprof.llvm_tools()
    if not tools or not bench.has_program("containers"):
        return
    bench.run(os.path.join(bench.programs, "containers"), **preloaded(bench, 20, "false"))
    final = snapshots(bench)[1]
    compare(bench, "containers", [final], tools, inside_jemalloc(bench, final),
            program="containers", rule=bare)
    bench.check(bench.about(final)["alloc_space"] is None, "alloc_space without prof_accum")
    bench.through_pprof("jemalloc, containers", final, MEASURES[:2])


comparison.main((TOOL,), ("jemalloc",), service, containers)
