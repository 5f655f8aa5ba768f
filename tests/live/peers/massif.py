#!/usr/bin/env python3
"""valgrind's massif: every node of every call tree that ms_print prints, to its full
depth, is what heapdiff's stacks with these innermost frames add up to, to the byte.
"""
import os
import re

import comparison
from comparison import plain, valgrind_name

ROW = re.compile(r"^ +(\d+) +[\d,]+ +[\d,]+ +([\d,]+) +[\d,]+ +[\d,]+$")
ROOT = re.compile(r"^\d+\.\d+% \(([\d,]+)B\) ")
NODE = re.compile(r"^([ |]*)->\d+\.\d+% \(([\d,]+)B\) (.*)$")
BELOW = re.compile(r"^in \d+\+? places?, (all )?below ")


def number(text):
    return int(text.replace(",", ""))


def printed_trees(text):
    """By snapshot: the heap's bytes, and where there is a tree what each path of
    functions from the innermost one on holds: its nodes of several lines are one."""
    heaps, trees, path = {}, {}, []
    snapshot = None
    for line in text.splitlines():
        row, root, node = ROW.match(line), ROOT.match(line), NODE.match(line)
        if row:
            snapshot = int(row[1])
            heaps[snapshot] = number(row[2])
        elif root:
            trees[snapshot] = {(): number(root[1])}
        elif node and not BELOW.match(node[3]):
            path[len(node[1]) // 2:] = [valgrind_name(node[3])]
            key = tuple(path)
            trees[snapshot][key] = trees[snapshot].get(key, 0) + number(node[2])
    return heaps, trees


def heapdiff_tree(bench, snapshot):
    """The same of what heapdiff writes as folded stacks."""
    tree = {}
    folded = bench.run(bench.heapdiff, "convert", "--to", "folded", snapshot)
    for line in folded.splitlines():
        stack, value = line.rsplit(" ", 1)
        path = [] if stack == "[no stack]" else [plain(name) for name in stack.split(";")[::-1]]
        for depth in range(len(path) + 1):
            key = tuple(path[:depth])
            tree[key] = tree.get(key, 0) + int(value)
    return tree


def compare(bench, what, file, text):
    heaps, trees = printed_trees(text)
    nodes = wrong = 0
    for snapshot, printed in sorted(trees.items()):
        bench.check(printed[()] == heaps[snapshot], what, snapshot, "ms_print's own total")
        ours = heapdiff_tree(bench, f"{file}@{snapshot}")
        for path, value in printed.items():
            nodes += 1
            if ours.get(path, 0) != value:
                wrong += 1
                bench.check(False, f"{what}@{snapshot}: {' < '.join(path) or 'total'}: "
                                   f"{ours.get(path, 0)}, not {value}")
    bench.check(nodes > len(trees) > 0, what, "compared nothing")
    deepest = max(len(path) for tree in trees.values() for path in tree)
    print(f"massif, {what}: {nodes} nodes of {len(trees)} trees, {deepest} deep, {wrong} differ")
    return max(trees)


def record(bench, program, arguments, options, print_options=()):
    file = bench.path("massif.out")
    bench.run("valgrind", "-q", "--tool=massif", "--massif-out-file=" + file, *options,
              os.path.join(bench.programs, program), *arguments)
    last = compare(bench, program, file, bench.run("ms_print", *print_options, file))
    bench.through_pprof(f"massif, {program}", f"{file}@{last}", ("inuse_space",))


def service(bench):
    """What lies below the threshold is left out by massif."""
    record(bench, "leaky-service", ["--pace", "0", "--rounds", "40"],
           ["--time-unit=B", "--detailed-freq=3"])


def containers(bench):
    """C++, nothing left out."""
    if bench.has_program("containers"):
        record(bench, "containers", [], ["--threshold=0", "--detailed-freq=2"], ["--threshold=0"])


def kate(bench):
    """A large program's file, and what ms_print showed of it."""
    file = os.path.join(bench.sources, "../../../shared/conformance/massif/massif.out.kate")
    if not os.path.exists(file):
        print("kate: there is no ../shared/conformance: left out")
        return
    with open(file + ".print", encoding="utf-8") as printed:
        compare(bench, "kate", file, printed.read())


comparison.main(("valgrind", "ms_print"), (), service, containers, kate)
