#!/usr/bin/env python3
"""valgrind's DHAT: what its JSON says of each allocation point, added up here for every
function, is heapdiff's reading of the file, to the byte; and the program's own count.
"""
import json
import os

import comparison
from comparison import MEASURES, plain, renamed, valgrind_name

# In use at the end, and allocated in all; DHAT has bytes and blocks of both.
FIELDS = dict(zip(MEASURES, ("eb", "ebk", "tb", "tbk")))


def own_sums(document, field):
    """Each function's flat and cum: of recursion once."""
    flat, cum = {}, {}
    for point in document["pps"]:
        names = [valgrind_name(document["ftbl"][frame]) for frame in point["fs"]]
        flat[names[0]] = flat.get(names[0], 0) + point[field]
        for name in set(names):
            cum[name] = cum.get(name, 0) + point[field]
    return {name: (flat.get(name, 0), value) for name, value in cum.items()}


def compare(bench, program, file):
    with open(file, encoding="utf-8") as opened:
        document = json.load(opened)
    for measure, field in FIELDS.items():
        ours = renamed(bench.read(measure, file), plain)
        bench.compare(f"dhat, {program}, {measure}", ours, own_sums(document, field),
                      total=sum(point[field] for point in document["pps"]))
    bench.through_pprof(f"dhat, {program}", file)


def valgrind(file):
    return "valgrind", "-q", "--tool=dhat", "--dhat-out-file=" + file


def service(bench):
    file = bench.path("service.json")
    truth = bench.run_service(40, *valgrind(file))
    found = {(row["function"], row["line"]): row for row in bench.top(file)}
    for site in truth:
        row = found.get((site["function"], site["line"]), {"value": 0})
        bench.check(row["value"] == site["bytes"], "dhat:", site, "is", row)
    compare(bench, "leaky-service", file)


def containers(bench):
    if bench.has_program("containers"):
        file = bench.path("containers.json")
        bench.run(*valgrind(file), os.path.join(bench.programs, "containers"))
        compare(bench, "containers", file)


comparison.main(("valgrind",), (), service, containers)
