"""Single figures: nanoseconds a pair, nanoseconds a frame, a snapshot, memory."""
import json
import os
import statistics
import subprocess
import sys

import programs
from figures import median_text

PAIRS, SLICES_A_RUN = 1000000, 10


class Slices:
    """A resident process that runs some pairs whenever it is told to: neighbours in time
    suffer from the same noise."""

    def __init__(self, bench, way, live=0, *more):
        self.process = subprocess.Popen(
            [os.path.join(bench.bin, 'pairs'), 'slices', str(PAIRS), str(live), *more],
            env=dict(os.environ, **way), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def turn(self):
        self.process.stdin.write(b'.')
        self.process.stdin.flush()
        return float(self.process.stdout.readline()) / PAIRS

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def one_run(bench, ways, bases, plain, added):
    """Medians of neighbours' differences. Where code and data come to lie differs from
    process to process, and with it what a pair costs: so every run has its own."""
    base = {name: Slices(bench, *way) for name, way in bases.items()}
    all_ways = {name: (Slices(bench, *way[1:]), base[way[0]]) for name, way in ways.items()}
    found = {name: [] for name in ways}
    for turn in range(SLICES_A_RUN):
        for name, (ours, theirs) in all_ways.items():
            if turn % 2:
                without = theirs.turn()
                value = ours.turn()
            else:
                value = ours.turn()
                without = theirs.turn()
            found[name].append(value - without)
            if theirs is base['native']:
                plain.append(without)
    for name, values in found.items():
        added[name].append(statistics.median(values))
    for process in [*base.values(), *(p for p, _ in all_ways.values())]:
        process.end()


def pair(bench, runs):
    ways = {
        'heapdiff, loaded but off': ('native', bench.off(), 0),
        'heapdiff 512 KiB': ('native', bench.ours(), 0),
        'heapdiff 512 KiB, 65,000 live': ('native, 75,000 blocks', bench.ours(), 75000),
        'jemalloc prof 19': ('jemalloc', bench.jemalloc(19), 0),
        'gperftools 512 KiB': ('gperftools', bench.tcmalloc(programs.RATE), 0),
        'heapdiff 512 KiB, one thread': ('native, one thread', bench.ours(), 0, 'alone'),
        'heapdiff rate 1': ('native', bench.ours(1), 0),
        'heaptrack': ('native', bench.heaptrack(), 0),
    }
    bases = {'native': (bench.native(), 0), 'native, 75,000 blocks': (bench.native(), 75000),
             'jemalloc': (bench.jemalloc(), 0), 'gperftools': (bench.tcmalloc(), 0),
             'native, one thread': (bench.native(), 0, 'alone')}
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    plain = []
    added = {name: [] for name in ways}
    for _ in range(runs):
        one_run(bench, ways, bases, plain, added)
    print(f'{"native":32} {median_text(plain, 2):>24} ns a pair')
    for name, values in added.items():
        print(f'{name:32} {median_text(values, 2):>24} ns added a pair')


def unwind(bench, runs):
    bench.compile(['frames.c', *bench.agent_sources()], 'frames', '-D_GNU_SOURCE', '-fexceptions',
                  '-fasynchronous-unwind-tables', '-fno-tree-slp-vectorize', '-falign-loops=32',
                  '-iquote', os.path.join(programs.SOURCE, 'src/agent'), '-lunwind')
    rows = []
    for _ in range(runs):
        out = subprocess.run([os.path.join(bench.bin, 'frames'), '1000'], check=True,
                             capture_output=True, text=True).stdout
        lines = [[float(x) for x in line.split()] for line in out.splitlines()]
        rows.append([statistics.median(column) for column in zip(*lines)])
    print(f'{int(rows[0][3])} frames (libunwind: {int(rows[0][4])}), ns a frame')
    for i, name in enumerate(('heapdiff', 'heapdiff, after a like walk', 'libunwind')):
        print(f'{name:32} {median_text([row[i] for row in rows], 2):>24}   of libunwind '
              f'{median_text([row[i] / row[2] for row in rows], 2)}')


def locked_ms(directory):
    """What the header of the last snapshot says: those that were timed are gone."""
    found = []
    for name in os.listdir(directory):
        if not name.endswith('.heapdiff'):
            continue
        with open(os.path.join(directory, name)) as file:
            header = json.loads(file.readline())
        if header['reason'] == 'exit':
            found.append(header['locked_ns'] / 1e6)
    return found


def snapshot(bench, runs):
    """At rate 1, and with a rate at which all is sampled: records are by size then."""
    ways = {'heapdiff rate 1': bench.ours(1, 0), 'heapdiff rate 2': bench.ours(2, 0),
            'jemalloc': bench.jemalloc(0)}
    wall, cpu, locked = ({name: [] for name in ways} for _ in range(3))
    for _ in range(runs):
        for name, way in ways.items():
            bench.clear()
            out = subprocess.run([os.path.join(bench.bin, 'heap'), 'stacks'], check=True,
                                 env=dict(os.environ, **way), capture_output=True, text=True).stdout
            rows = [[float(x) for x in line.split()] for line in out.splitlines()]
            wall[name].append(statistics.median(row[0] for row in rows))
            cpu[name].append(statistics.median(row[1] for row in rows))
            locked[name] += locked_ms(bench.out)
    for name in ways:
        shares = [statistics.median(mine / theirs for mine, theirs in
                                    zip(values[name], values['jemalloc'])) for values in (wall, cpu)]
        print(f'{name:18} ms: wall {median_text(wall[name], 1)}, {shares[0]:.2f} of jemalloc; CPU '
              f'{median_text(cpu[name], 1)}, {shares[1]:.2f} of jemalloc'
              + (f'; locked {median_text(locked[name], 2)}' if locked[name] else ''))


def memory(bench, runs):
    sizes = {}
    for name, way in (('native', bench.native()), ('heapdiff', bench.ours())):
        sizes[name] = []
        for _ in range(runs):
            bench.clear()
            out = subprocess.run([os.path.join(bench.bin, 'heap'), 'live', '11600'], check=True,
                                 env=dict(os.environ, **way), capture_output=True, text=True).stdout
            sizes[name].append(int(out) / 1e6)
    print(f'resident: {statistics.median(sizes["native"]):.2f} MB native, '
          f'{statistics.median(sizes["heapdiff"]):.2f} MB with about 10,000 live samples at '
          f'512 KiB')
    if not sizes['heapdiff']:
        sys.exit('nothing was measured')
