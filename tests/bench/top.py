#!/usr/bin/env python3
"""CPU time of a small diff, heapdiff beside `go tool pprof`, in one run.

usage: top.py HEAPDIFF [RUNS]

Prints the median of user + system time of each and the ratio. Not a test: it
only measures.
"""
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile


def cpu_ms(command, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                   env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main():
    heapdiff = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    data = pathlib.Path(__file__).resolve().parents[2] / 'testdata/pprof/go-leak'
    first, last = str(data / 'heap.1.pb.gz'), str(data / 'heap.5.pb.gz')
    state = tempfile.TemporaryDirectory()
    environment = dict(os.environ, XDG_STATE_HOME=state.name, XDG_CACHE_HOME=state.name)
    commands = {'heapdiff top': [heapdiff, 'top', first, last]}
    if shutil.which('go'):
        commands['go tool pprof -top -diff_base'] = ['go', 'tool', 'pprof', '-top', '-diff_base',
                                                     first, last]
    times = {name: [] for name in commands}
    for _ in range(runs):  # in turn, so that a noisy moment hits both
        for name, command in commands.items():
            times[name].append(cpu_ms(command, environment))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f'{name:32} {medians[name]:8.1f} ms CPU (median of {runs}; {min(values):.1f} to '
              f'{max(values):.1f})')
    if len(medians) == 2:
        ours, theirs = medians.values()
        print(f'ratio {theirs / max(ours, 0.01):.1f}')


main()
