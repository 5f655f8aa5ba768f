"""The agent's stacks against libgcc's, frame by frame, in programs of several kinds.

usage: compare.py LIBRARY PROGRAMS SCRIPT

At least 99.9% must be equal, and a walk that the last one helped must always be what it
is without that help. tests/bench/agent/agent.py does the same on larger programs.
"""
import os
import subprocess
import sys
import tempfile


def compared(library, command, every, log):
    environment = dict(os.environ, LD_PRELOAD=library, HEAPDIFF_COMPARE_LOG=log,
                       HEAPDIFF_COMPARE_EVERY=str(every), PYTHONMALLOC='malloc')
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    with open(log, encoding='utf-8') as file:
        lines = file.read().splitlines()
    os.unlink(log)
    sums = [sum(column) for column in zip(*([int(x) for x in line.split(' | ')[0].split()]
                                            for line in lines))]
    return sums, [part for line in lines for part in line.split(' | ')[1:]]


def main():
    library, programs, script = (os.path.abspath(path) for path in sys.argv[1:])
    commands = [
        ([sys.executable, '-S', script, '1'], 10, 5000),
        (['cmake', '--help-module-list'], 1, 1000),
        ([os.path.join(programs, 'agent_operators')], 1, 5),
        ([os.path.join(programs, 'agent_shapes'), '40'], 1, 5000),
        ([os.path.join(programs, 'agent_stacks'), 'large'], 1, 1),
        ([os.path.join(programs, 'agent_stacks'), 'signal'], 1, 2),
    ]
    with tempfile.TemporaryDirectory() as directory:
        for command, every, fewest in commands:
            (stacks, equal, frames, unlike), differences = compared(
                library, command, every, os.path.join(directory, 'log'))
            print(f'{os.path.basename(command[0])}: {equal} of {stacks} stacks equal, '
                  f'{frames} frames', *differences, sep='\n  ')
            assert stacks >= fewest, 'too few to tell'
            assert equal >= .999 * stacks
            assert unlike == 0


main()
