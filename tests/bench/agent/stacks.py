"""The agent's stacks against libgcc's, frame by frame."""
import os

import programs

# Which allocations are looked at: the comparison is slow.
EVERY = {'STL program': 5, 'sqlite3': 3, 'python3': 20, 'redis': 1, 'g++ -O2': 10}


def build(bench):
    bench.compile(['compare.c', *bench.agent_sources()], 'compare.so', '-shared', '-fPIC',
                  '-fno-builtin', '-ftls-model=initial-exec', '-D_GNU_SOURCE', '-fexceptions',
                  '-fasynchronous-unwind-tables', '-fvisibility=hidden', '-iquote',
                  os.path.join(programs.SOURCE, 'src/agent'), '-lgcc_s')
    return os.path.join(bench.bin, 'compare.so')


def stacks(bench):
    library = build(bench)
    log = os.path.join(bench.bin, 'compare.log')
    print(f'{"":14}{"stacks":>10}{"equal":>10}{"share":>10}{"frames":>12}')
    for name, every in EVERY.items():
        if os.path.exists(log):
            os.unlink(log)
        way = {'LD_PRELOAD': library, 'HEAPDIFF_COMPARE_EVERY': str(every),
               'HEAPDIFF_COMPARE_LOG': log}
        programs.run(bench, programs.SHORTER | {'g++ -O2': programs.WORKLOADS['g++ -O2']}, name,
                     way)
        with open(log) as file:
            lines = [line.rstrip('\n').split(' | ') for line in file]
        compared, equal, frames, unlike = (sum(column) for column in
                                           zip(*([int(x) for x in line[0].split()]
                                                 for line in lines)))
        print(f'{name:14}{compared:10}{equal:10}{equal / compared:10.3%}{frames:12}')
        if unlike:
            print(f'  {unlike} walks differ where the last walk helped')
        for difference in sorted({d for line in lines for d in line[1:]}):
            print('  ' + difference)
