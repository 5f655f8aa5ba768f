#!/usr/bin/env python3
"""What the agent costs, beside gperftools, jemalloc and heaptrack.

usage: agent.py AGENT [PART...] [--runs N] [--only WORKLOAD[,...]] [--counts]

AGENT is build/release/src/agent/libheapdiff-agent.so. The parts, all by default:

  pair       CPU nanoseconds that a malloc and its free cost more than without
  sampled    real programs, one sample every 512 KiB, as a ratio to the same allocator
             without it
  exact      the same with every allocation recorded, beside heaptrack
  stacks     stacks that differ from those of libgcc's unwinder, and where
  safety     1,000 forks under allocating threads, 1,000 kills in the middle of a snapshot
  unwind     nanoseconds a frame, beside libunwind
  snapshot   a heap of 16,000 stacks and 65,000 blocks: how long one snapshot takes
  memory     resident memory that the agent adds

Everything is run in turn with what it is compared with. A figure is the median of N
ratios (15 by default) of neighbouring runs, its interval that of the median (95%, from
the order of the values). CPU time is that of the program alone: heaptrack's interpreter
is not counted, and what it would read is thrown away; redis's start and end are not
counted, nor the compiler's driver. With --counts, instructions are
counted instead (valgrind), once: no other process disturbs those.

Needs Debian's gcc, g++, python3, sqlite3, redis, libunwind-dev, libgoogle-perftools4,
libjemalloc2, heaptrack and, for --counts, valgrind. Not a test: it only measures.
"""
import argparse
import os
import sys

import figures
import programs
import safety
import single
import stacks


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('agent')
    parser.add_argument('parts', nargs='*')
    parser.add_argument('--runs', type=int, default=15)
    parser.add_argument('--only', default='')
    parser.add_argument('--counts', action='store_true')
    options = parser.parse_args()
    agent = os.path.abspath(options.agent)
    parts = {
        'pair': lambda bench: single.pair(bench, options.runs),
        'sampled': lambda bench: figures.sampled(bench, options),
        'exact': lambda bench: figures.exact(bench, options),
        'stacks': lambda bench: stacks.stacks(bench),
        'safety': lambda bench: safety.safety(bench),
        'unwind': lambda bench: single.unwind(bench, options.runs),
        'snapshot': lambda bench: single.snapshot(bench, options.runs),
        'memory': lambda bench: single.memory(bench, options.runs),
    }
    for name in options.parts:
        if name not in parts:
            sys.exit(f'agent.py: no part {name!r}: take some of {", ".join(parts)}')
    with programs.Bench(agent) as bench:
        for name in options.parts or parts:
            print(f'--- {name}', flush=True)
            parts[name](bench)


if __name__ == '__main__':
    main()
