"""The agent in programs that are linked, started and led as services are.

usage: lifecycle_test.py AGENT PROGRAMS TEST
"""
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

from running import AGENT, Run, check_exact, expected, program
from snapshot import Snapshot, load, whole

NAMES = {'site_newv': 'site_new', 'site_new_arrayv': 'site_new_array',
         'site_nothrowv': 'site_nothrow', 'site_alignedv': 'site_aligned'}


def plain(name):
    return NAMES.get(name.lstrip('_Z0123456789'), name)


def test_linkage():
    """Every function is counted once, whoever's it is: the C family and C++'s."""
    os.environ['TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD'] = str(1 << 62)
    tried = 0
    for name in ('allocs', 'operators'):
        for way in ('jemalloc', 'tcmalloc', 'tcmalloc_minimal', 'static_libstdcxx', 'nopie'):
            path = program(f'agent_{name}_{way}')
            if not os.path.exists(path):
                continue
            tried += 1
            with Run(path) as run:
                snapshot = run.only()[-1]
                library = way if 'malloc' in way else 'libc.so'
                assert library in snapshot.header['allocator'], snapshot.header['allocator']
                check_exact(run, snapshot, plain)
                print(way, name, snapshot.header['allocator'])
    assert tried
    # An allocator that is linked into the program itself cannot be stood before: that
    # is said, and the program runs.
    path = program('agent_allocs_static_jemalloc')
    if os.path.exists(path):
        with Run(path) as run:
            with open(os.path.join(run.directory, 'heapdiff-agent.log')) as log:
                lines = log.readlines()
            assert len(lines) == 1 and 'allocator of its own' in lines[0], lines
            assert expected(run.out)


def test_scopes():
    """What another scope allocates is not seen there, and what is seen stays right."""
    library = program('libagent_plugin_a.so')
    for rate in (1, 100):
        with Run(program('agent_scopes'), library, 'dlmopen', rate=rate) as run:
            assert run.out == 'done\n'
            if rate == 1:
                sums = run.only()[-1].exact()
                assert sums['site_seen'] == [7, 1, 2000 * 100 + 7, 2001], sums['site_seen']
        with Run(program('agent_scopes'), library, 'deepbind', rate=rate) as run:
            assert run.out == 'done\n'
            if rate == 1:
                live, objects, size, count = run.only()[-1].exact()['site_seen']
                assert (size, count) == (4000 * 100 + 7, 4001), (size, count)
                # Blocks whose free was not seen: their addresses are used again, which
                # is seen.
                assert 1 <= objects <= 3 and live == 7 + (objects - 1) * 100, (live, objects)


def wait_for(condition):
    deadline = time.time() + 120
    while not condition():
        assert time.time() < deadline, 'in vain'
        time.sleep(.01)


def test_daemon():
    with Run(program('agent_lifecycle'), 'daemon', interval=20, for_all=True) as run:
        def ended():
            return any(s.header['reason'] == 'exit' and 'site_late' in s.exact()
                       for s in map(Snapshot, whole(run.directory)))
        wait_for(ended)
        series = [s for s in run.series().values() if 'site_late' in s[-1].exact()]
        assert len(series) == 1 and len(series[0]) > 1
        assert series[0][-1].exact()['site_late'] == [1000, 10, 1000, 10]
        assert series[0][-1].exact()['site_early'][:2] == [1000, 10]
        assert run.status()['failed'] == 0, run.status()
        modes = {stat.S_IMODE(os.stat(os.path.join(run.directory, n)).st_mode)
                 for n in os.listdir(run.directory)}
        assert modes <= {0o644}, modes


def load_whole(directory):
    """As load, of a directory that was being written to when the end came."""
    with tempfile.TemporaryDirectory(prefix='heapdiff-copy-') as copy:
        for path in whole(directory):
            shutil.copy(path, copy)
        return load(copy)


def test_chroot():
    if os.geteuid() != 0:
        print('chroot needs root: not tried')
        return
    with tempfile.TemporaryDirectory(prefix='heapdiff-root-') as root:
        with Run(program('agent_lifecycle'), 'chroot', root, interval=5) as run:
            assert run.out == 'served\n'
            # One that was being written when the root changed may stay unfinished.
            snapshots = next(iter(load_whole(run.directory).values()))
            status = run.status()
            assert len(snapshots) == status['snapshots'] > 0
            assert status['failed'] > 0 and status['errno'] == 2, status
            assert 'site_early' in snapshots[-1].exact()
            assert os.listdir(root) == []
        # A directory that is there under the new root is written to.
        with tempfile.TemporaryDirectory(prefix='heapdiff-inside-') as inside:
            os.makedirs(root + inside)
            with Run(program('agent_lifecycle'), 'chroot', root, interval=5,
                     directory=inside) as run:
                assert run.status()['failed'] <= 1  # the one that was in the middle
                late = max(os.listdir(root + inside))
                assert late.endswith('.heapdiff')
            os.makedirs(inside, exist_ok=True)


def test_abort():
    with Run(program('agent_lifecycle'), 'abort', interval=5, check=-signal.SIGABRT) as run:
        snapshots = next(iter(load_whole(run.directory).values()))
        assert len(snapshots) > 1 and snapshots[-1].header['reason'] == 'interval'
        assert snapshots[-1].exact()['site_early'] == [1000, 10, 1000, 10]


def test_wrappers():
    """What starts another program leaves a series of its own; the program is there."""
    cpu = str(min(os.sched_getaffinity(0)))
    for wrapper in (('env', 'A=b'), ('nice', '-n', '1'), ('timeout', '250'), ('taskset', '-c', cpu),
                    ('setsid', '-w'), ('/bin/sh', '-c', 'exec "$0" "$@"')):
        if not shutil.which(wrapper[0]):
            print(wrapper[0], 'is not here')
            continue
        with Run(*wrapper, program('agent_processes'), 'leaf') as run:
            leaves = [s for s in run.series().values()
                      if s[0].header['program'] == program('agent_processes')]
            assert len(leaves) == 1, (wrapper, list(run.series()))
            assert leaves[0][-1].exact()['site_child'] == [40, 1, 40, 1]
            assert leaves[0][-1].header['reason'] == 'exit'


def test_spawn():
    with Run(program('agent_lifecycle'), 'spawn') as run:
        series = run.series().values()
        mine = [s for s in series if s[0].header['pid'] == run.process.pid]
        spawned = [s for s in series if s[0].header['command'][1:] == ['users']]
        assert len(mine) == 1 and len(spawned) == 10
        assert [s.header['reason'] for s in mine[0]] == ['start', 'exit']
        assert mine[0][-1].exact()['site_early'] == mine[0][-1].exact()['site_late']
        assert all(s[-1].exact()['site_early'] == [1000, 10, 1000, 10] for s in spawned)


def test_setuid():
    """The dynamic loader of a set-user-ID program ignores the agent."""
    if os.geteuid() != 0:
        print('making a set-user-ID program needs root: not tried')
        return
    with tempfile.TemporaryDirectory(prefix='heapdiff-setuid-') as place:
        os.chmod(place, 0o755)
        path = os.path.join(place, 'program')
        shutil.copy(program('agent_lifecycle'), path)
        os.chmod(path, 0o4755)

        def become_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        probe = subprocess.run([path, 'users'], preexec_fn=become_nobody, capture_output=True,
                               text=True, check=True)
        if probe.stdout != '65534 0\n':
            print('set-user-ID is without effect here: not tried')
            return
        directory = tempfile.mkdtemp(prefix='heapdiff-agent-')
        os.chmod(directory, 0o777)
        with Run(path, 'users', directory=directory, preexec=become_nobody) as run:
            assert run.out == '65534 0\n'
            assert os.listdir(directory) == [] and run.status()['processes'] == 0


if __name__ == '__main__':
    globals()['test_' + sys.argv[3]]()
