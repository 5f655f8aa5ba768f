#!/usr/bin/env python3
"""gperftools' heap profiler: every allocation is recorded, so each value is the same
as google-pprof's, to the byte; and as the program's own count."""
import ctypes.util
import glob
import os
import re

import comparison
import perl_pprof
from comparison import MEASURES, bare, plain

TOOL = "google-pprof"


def preloaded(bench, every):
    return {"LD_PRELOAD": ctypes.util.find_library("tcmalloc"),
            "HEAPPROFILE": bench.path("tc"), "HEAP_PROFILE_ALLOCATION_INTERVAL": str(every)}


def snapshots(bench):
    files = sorted(glob.glob(bench.path("tc.*.heap")))
    bench.check(len(files) > 2, "gperftools wrote", files)
    return files


def record(bench, name):
    """The last snapshot of a program of testdata/programs."""
    bench.run(os.path.join(bench.programs, name), **preloaded(bench, 1 << 20))
    return snapshots(bench)[-1]


def compare(bench, what, files, *arguments, program="leaky-service", measure="inuse_space",
            peer_file=None, rule=plain):
    theirs, total = perl_pprof.top(bench, TOOL, os.path.join(bench.programs, program),
                                   peer_file or files[-1], "--" + measure, *arguments)
    ours = bench.read(measure, "--hide", perl_pprof.ALLOCATORS, *files)
    perl_pprof.compare(bench, "gperftools, " + what, ours, theirs, total, rule=rule)


def service(bench):
    truth = bench.run_service(300, **preloaded(bench, 16 << 20))
    files = snapshots(bench)
    bench.leak_is_first("gperftools", bench.top(files[0], files[-1]), truth)
    found = {(row["function"], row["line"]): row for row in bench.top(files[-1])}
    for site in truth:
        row = found.get((site["function"], site["line"]), {"value": 0})
        bench.check(row["value"] == site["bytes"], "gperftools:", site, "is", row)
    for measure in MEASURES:
        compare(bench, f"leaky-service, {measure}", files[-1:], measure=measure)
    compare(bench, "leaky-service, growth", [files[2], files[-1]], "--base=" + files[2])
    bench.through_pprof("gperftools, leaky-service", files[-1])


def threads(bench):
    compare(bench, "threads", [record(bench, "threads")], program="threads")


def leaf_before_return(match):
    return f"{match[1]}0x{int(match[2], 16) - 1:x}"


def containers(bench):
    """C++, most of it inlined. google-pprof looks the innermost address up as it
    stands, which is that after the call and often in another inlined function: it
    gets a copy with one less."""
    tools = perl_pprof.llvm_tools()
    if not tools or not bench.has_program("containers"):
        return
    last = record(bench, "containers")
    with open(last, encoding="utf-8") as file:
        text = re.sub(r"^( *\d+: +\d+ \[.*\] @ )0x([0-9a-f]+)", leaf_before_return, file.read(),
                      flags=re.M)
    with open(bench.path("copy"), "w", encoding="utf-8") as file:
        file.write(text)
    compare(bench, "containers", [last], tools, program="containers", rule=bare,
            peer_file=bench.path("copy"))
    bench.through_pprof("gperftools, containers", last)


comparison.main((TOOL,), ("tcmalloc",), service, threads, containers)
