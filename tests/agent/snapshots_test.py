"""What snapshots are asked for by, what is kept of them, and what they carry.

usage: snapshots_test.py AGENT PROGRAMS TEST
"""
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

from control import EVENT_BYTES, Client
from pprof_proto import Profile
from running import AGENT, Run, expected, program
from snapshot import Snapshot, Symbols, whole


def reasons(snapshots):
    return [s.header['reason'] for s in snapshots]


def test_api():
    native = subprocess.run([program('agent_triggers'), 'api'], capture_output=True, text=True,
                            check=True)
    assert native.stdout == 'recording 0\nfirst 38\nsecond 38\nchild 1 vfork 4\n', native.stdout
    with Run(program('agent_triggers'), 'api') as run:
        assert run.out == 'recording 1\nfirst 0\nsecond 0\nchild 0 vfork 4\n', run.out
        series = {s[0].header['pid'] == run.process.pid: s for s in run.series().values()}
        mine, child = series[True], series[False]
        assert reasons(mine) == ['start', 'request', 'request', 'exit']
        assert [s.header.get('label') for s in mine] == [None, 'warm "up"', None, None]
        assert [s.exact()['site_held'][0] for s in mine[1:]] == [100, 1100, 1100]
        assert child[-2].header['label'] == 'child'
    with Run(program('agent_triggers'), 'threads', interval=3) as run:
        asked = [s for s in run.only() if s.header['reason'] == 'request']
        assert len(asked) == 60 and {s.header['label'] for s in asked} == {'many'}
        assert run.status()['failed'] == 0
    # Whoever is asking when the program ends, its last snapshot is the last, and nothing is
    # left half written.
    for _ in range(10):
        with Run(program('agent_triggers'), 'end', interval=1) as run:
            found = reasons(run.only())
            assert found[-1] == 'exit' and found.count('exit') == 1, found
            assert run.status()['failed'] == 0


def test_signal():
    with Run(program('agent_triggers'), 'signal', signal=int(signal.SIGUSR2), wait=False,
             stdin=subprocess.PIPE) as run:
        assert run.process.stdout.readline() == 'ready\n'
        for count in (2, 3):
            run.process.send_signal(signal.SIGUSR2)
            deadline = time.time() + 120
            while sum(n.endswith('.heapdiff') for n in os.listdir(run.directory)) < count:
                assert time.time() < deadline, os.listdir(run.directory)
                time.sleep(.01)
        run.process.stdin.write('x')
        run.process.stdin.flush()
        run.finish()
        assert run.out == 'read 1\n', run.out
        snapshots = run.only()
        assert reasons(snapshots) == ['start', 'request', 'request', 'exit']
        assert snapshots[1].header['label'] == 'SIGUSR2'
        assert snapshots[1].exact()['site_held'][0] == 100
        assert run.status()['signal_taken'] == 0
    # Off unless asked for: the signal ends the program as it always did.
    with Run(program('agent_triggers'), 'signal', wait=False, stdin=subprocess.PIPE) as run:
        assert run.process.stdout.readline() == 'ready\n'
        run.process.send_signal(signal.SIGUSR2)
        run.finish(check=-signal.SIGUSR2)
    native = subprocess.run([program('agent_triggers'), 'own'], capture_output=True, text=True,
                            check=True)
    with Run(program('agent_triggers'), 'own', signal=int(signal.SIGUSR2)) as run:
        assert run.out == native.stdout == 'default 1\ndefault 1\nhandled 1\nown 1\n', run.out
        assert run.status()['signal_taken'] == 1
        with open(os.path.join(run.directory, 'heapdiff-agent.log')) as log:
            assert 'handles the signal itself' in log.read()
        os.unlink(os.path.join(run.directory, 'heapdiff-agent.log'))
        assert reasons(run.only()) == ['start', 'exit']


def test_bytes():
    """100 MB in blocks of 1 MB, a snapshot every 10 MB; sampled, about so many. One serves all
    that it is due for, so there are no more blocks before the agent has heard of it."""
    for rate, fewest, most in ((1, 9, 10), (262144, 6, 14)):
        with Run(program('agent_driven'), rate=rate, seed=1, every_bytes=10 << 20, wait=False,
                 stdin=subprocess.PIPE) as run:
            client, deadline = Client(run.process.pid), time.time() + 120
            for _ in range(100):
                run.process.stdin.write('alloc direct 1 1048576\nfree 1\n')
                run.process.stdin.flush()
                assert [run.process.stdout.readline() for _ in range(2)] == ['ok\n'] * 2
                while client.control.events & EVENT_BYTES:
                    assert time.time() < deadline, 'nobody hears'
                    time.sleep(.001)
            run.finish()
            found = reasons(run.only())
            assert found[0] == 'start' and found[-1] == 'exit'
            assert set(found[1:-1]) == {'bytes'} and fewest <= len(found) - 2 <= most, found


def limit_memory(size):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))


def test_limit():
    """A snapshot, and only one, once the address space is nearly full."""
    with Run(program('agent_triggers'), 'limit', '2', preexec=limit_memory(600 << 20)) as run:
        snapshots = run.only()
        assert reasons(snapshots) == ['start', 'oom', 'exit'], reasons(snapshots)
        held = snapshots[1].exact()['site_held'][0]
        assert 480 << 20 <= held < 600 << 20, held
        assert snapshots[1].header['limits']['rlimit'] == 600 << 20
    with Run(program('agent_triggers'), 'limit', preexec=limit_memory(600 << 20),
             oom_percent=0) as run:
        assert reasons(run.only()) == ['start', 'exit']
    with Run(program('agent_triggers'), 'limit', preexec=limit_memory(6000 << 20)) as run:
        assert reasons(run.only()) == ['start', 'exit']


def test_counted():
    """Who sees a snapshot near the limit finds it counted, as the process may be killed at that
    moment: the agent is held up where the file has just got its name."""
    hold = ('strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=renameat2', '-e',
            'inject=renameat2:delay_exit=300000')
    if not shutil.which('strace') or subprocess.run([*hold, 'true'], check=False).returncode:
        print('strace is not here, or may not trace: not tried')
        return
    with Run(program('agent_triggers'), 'limit', '2', preexec=limit_memory(600 << 20), wait=False,
             under=hold) as run:
        deadline = time.time() + 120
        while len(whole(run.directory)) < 2:
            assert time.time() < deadline, os.listdir(run.directory)
            time.sleep(.001)
        assert run.status()['pressed'] == 1
        run.finish()
        assert reasons(run.only()) == ['start', 'oom', 'exit']


class Group:
    """A memory cgroup of version 1 or 2 with a limit; None where none can be made."""

    def __init__(self, limit):
        self.unified = os.path.exists('/sys/fs/cgroup/cgroup.controllers')
        top = '/sys/fs/cgroup' if self.unified else '/sys/fs/cgroup/memory'
        self.path = f'{top}/heapdiff-test-{os.getpid()}'
        os.mkdir(self.path)
        names = ('memory.max', 'memory.swap.max') if self.unified else \
            ('memory.limit_in_bytes', 'memory.memsw.limit_in_bytes')
        try:
            self.write(names[0], limit)
        except OSError:
            self.remove()
            raise
        try:
            self.write(names[1], 0 if self.unified else limit)
        except OSError:
            pass  # no swap is accounted for

    def write(self, name, value):
        with open(os.path.join(self.path, name), 'w') as file:
            file.write(str(value))

    def join(self):
        self.write('cgroup.procs', os.getpid())

    def remove(self):
        for _ in range(1200):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(.05)


def test_cgroup():
    """The snapshot that one wishes one had: it is there when the kernel has killed."""
    try:
        group = Group(100 << 20)
    except OSError as error:
        print('no memory cgroup can be made here, not tried:', error)
        return
    try:
        with Run(program('agent_triggers'), 'grow', '80', '1', '0', '0', preexec=group.join) as run:
            assert reasons(run.only()) == ['start', 'exit'], reasons(run.only())
        with Run(program('agent_triggers'), 'grow', '300', '1', '94', '2', preexec=group.join,
                 check=-signal.SIGKILL) as run:
            snapshots = run.only()
            assert reasons(snapshots) == ['start', 'oom'], reasons(snapshots)
            assert snapshots[1].header['limits']['cgroup'] == 100 << 20
            held = snapshots[1].exact()['site_held'][0]
            assert 80 << 20 < held < 100 << 20, held
            assert run.status()['pressed'] == 1
        # Nobody's own is near the limit, but together they are.
        with Run(program('agent_triggers'), 'grow', '36', '3', '30', '4', preexec=group.join,
                 wait=False) as run:
            run.process.wait(timeout=250)
            run.process.stdout.close()
            run.process.stderr.close()
            # One may have been killed in the middle of its own.
            found = [s for s in map(Snapshot, whole(run.directory)) if s.header['reason'] == 'oom']
            assert found and all(s.exact()['site_held'][0] < 40 << 20 for s in found)
    finally:
        group.remove()


def test_keep():
    with Run(program('agent_processes'), 'closed', '40', interval=2, keep=8) as run:
        snapshots = run.only(thinned=True)
        numbers = [s.header['sequence'] for s in snapshots]
        status = run.status()
        assert len(numbers) == 8 and numbers[0] == 0, numbers
        assert numbers[-1] == status['snapshots'] - 1 and snapshots[-1].header['reason'] == 'exit'
        assert status['thinned'] == status['snapshots'] - 8, status
        assert status['thinned'] > 20, status
        # A gap is at most twice the mean by the rule, and some; but nobody can take one away
        # that was there from the first, as where a busy machine took a snapshot late.
        headers = [s.header for s in snapshots]
        mean = (headers[-1]['mono_ns'] - headers[0]['mono_ns']) / (len(headers) - 1)
        for before, after in zip(headers, headers[1:]):
            gap = after['mono_ns'] - before['mono_ns']
            assert gap < 3 * mean or after['sequence'] == before['sequence'] + 1, numbers
    with Run(program('agent_processes'), 'fork', keep=2) as run:
        assert all(len(s) <= 2 for s in run.series(thinned=True).values())


def test_keep_bytes():
    with Run(program('agent_processes'), 'closed', '40', interval=2, keep_bytes=30000) as run:
        snapshots = run.only(thinned=True)
        sizes = [os.path.getsize(s.path) for s in snapshots]
        assert sum(sizes) <= 30000 < sum(sizes) + 2 * max(sizes), sizes
        assert snapshots[0].header['reason'] == 'start'
        assert snapshots[-1].header['reason'] == 'exit'
        assert run.status()['thinned'] > 0
    with Run(program('agent_processes'), 'closed', '5', interval=10, keep_bytes=1) as run:
        assert reasons(run.only(thinned=True)) == ['start', 'exit']


def test_misunderstood():
    """One line in the log, no recording, and the program runs as it does."""
    native = subprocess.run([program('agent_allocs')], capture_output=True, text=True, check=True)
    for name, value in (('rate', '0'), ('rate', '12x'), ('interval_ms', '-1'), ('keep', '5000'),
                        ('max_frames', '1025'), ('oom_percent', '101'), ('signal', '9' * 30),
                        ('rate', 'a\nb')):
        name = {'interval_ms': 'interval', 'max_frames': 'frames'}.get(name, name)
        with Run(program('agent_allocs'), **{'rate': 1, name: value}) as run:
            assert run.out == native.stdout
            assert os.listdir(run.directory) == ['heapdiff-agent.log']
            with open(os.path.join(run.directory, 'heapdiff-agent.log')) as log:
                lines = log.readlines()
            name = {'interval': 'interval_ms', 'frames': 'max_frames'}.get(name, name)
            shown = f'HEAPDIFF_{name.upper()}={value}'.replace('\n', '?')
            assert len(lines) == 1 and 'agent_allocs' in lines[0] and shown in lines[0], lines
            assert run.status()['processes'] == 0
    with Run(program('agent_allocs'), rate='') as run:
        assert run.only()[0].header['rate'] == 524288
    environment = dict(os.environ, LD_PRELOAD=AGENT, HEAPDIFF_RATE='x', HEAPDIFF_DIR='relative')
    done = subprocess.run([program('agent_allocs')], env=environment, capture_output=True, text=True,
                          check=True)
    assert done.stdout == native.stdout and not done.stderr


def test_costs():
    for rate in (1, 4096):
        with Run(program('agent_processes'), 'storm', '0', '8', rate=rate, interval=20) as run:
            last = run.only()[-1].header
            agent, status = last['agent'], run.status()
            objects = sum(r['values'][3] if rate == 1 else r['alloc']
                          for s in run.only()[-1].stacks for r in s['records'])
            print(rate, agent, objects, status, last['cpu_ns'])
            assert agent['samples'] == objects == status['samples'] > 100
            assert 0 < agent['recording_ns'] < last['cpu_ns']
            assert 0 < agent['writing_ns'] < status['writing_ns'] < last['cpu_ns']
            assert agent['recording_ns'] <= status['recording_ns']
            assert 100000 < agent['memory'] <= status['memory'] < 100 << 20


def mapped(snapshot):
    """Site -> [bytes, mappings] that its functions have mapped."""
    names = snapshot.header['measures']
    space, objects = names.index('mmap_space'), names.index('mmap_objects')
    sums = {}
    for stack in snapshot.stacks:
        row = sums.setdefault(snapshot.site(stack), [0, 0])
        for values in (r['values'] for r in stack['records'] if 'values' in r):
            row[0] += values[space]
            row[1] += values[objects]
    return {site: row for site, row in sums.items() if row[1]}


def test_mmap():
    """To the byte, whatever is cut out of the middle, moved, or done in threads."""
    native = subprocess.run([program('agent_mappings')], capture_output=True, text=True, check=True)
    for rate in (1, 524288):
        for interval in (0, 3):
            with Run(program('agent_mappings'), rate=rate, interval=interval, mmap=1) as run:
                assert run.out == native.stdout
                mine = [s for s in run.series().values() if s[0].header['pid'] == run.process.pid]
                want = {line.split()[0]: [int(n) for n in line.split()[1:]]
                        for line in run.out.splitlines()}
                assert mapped(mine[0][-1]) == want, (mapped(mine[0][-1]), want)
                assert run.status()['failed'] == run.status()['dropped'] == 0
    with Run(program('agent_mappings'), rate=1) as run:
        mine = [s for s in run.series().values() if s[0].header['pid'] == run.process.pid]
        assert 'mmap_space' not in mine[0][-1].header['measures']


def test_resident():
    """Memory of every kind is found where it is, to a megabyte."""
    mb = 1 << 20
    with Run(program('agent_resident'), interval=200, wait=False) as run:
        assert run.process.stdout.readline() == 'ready\n'
        ready, last, deadline = time.monotonic_ns(), None, time.time() + 120
        while not last and time.time() < deadline:
            time.sleep(.05)
            for name in sorted(n for n in os.listdir(run.directory) if n.endswith('.heapdiff')):
                header = Snapshot(os.path.join(run.directory, name)).header
                if header['mono_ns'] > ready and 'resident' in header and 'malloc' in header:
                    last = header
        run.process.terminate()
        run.finish(check=-signal.SIGTERM)
        assert last, 'no snapshot of it all'
        resident, malloc = last['resident'], last['malloc']
        print(last['rss'], resident, malloc)
        live = 40000 * 1000 // 2
        want = {'brk': 40000 * 1008, 'arenas': 3 * 8 * mb, 'stacks': 3 * 2 * mb, 'go': 0,
                'shared': 5 * mb}
        for kind, size in want.items():
            assert abs(resident[kind] - size) < 2 * mb, (kind, resident, size)
        # The agent's own memory is there, too, as far as it has been touched.
        assert 49 * mb < resident['anonymous'] < 52 * mb + last['agent']['memory'], resident
        assert abs(sum(resident.values()) - last['rss']) < 2 * mb
        assert abs(malloc['mapped'] - 30 * mb) < mb
        assert abs(malloc['used'] - (live + 30 * mb + 3 * 8 * mb)) < 2 * mb, malloc
        assert abs(malloc['system'] - (40000 * 1008 + 30 * mb + 3 * 8 * mb)) < 2 * mb, malloc
        assert 'malloc' not in run.only()[-1].header, 'libc must not be asked by the program itself'


def pprof_of(run):
    """The process's profiles; nothing else may lie there."""
    names = sorted(os.listdir(run.directory))
    assert all(n.endswith('.heapdiff.pb') for n in names), names
    return [Profile(os.path.join(run.directory, n)) for n in names]


def site_of(profile, sample, symbols={}):
    for location in sample[0]:
        path, offset = profile.frame(location)
        if path and path.startswith('/'):
            if path not in symbols:
                symbols[path] = Symbols(path)
            name = symbols[path].name(offset)
            if name and name.startswith('site_'):
                return name
    return None


def test_pprof():
    """Exact sums by site; sampled, whole samples of the size that the label says."""
    with Run(program('agent_allocs'), format=1) as run:
        first, last = pprof_of(run)
        for profile in (first, last):
            assert profile.mappings[0][4] == program('agent_allocs')
            assert profile.types == [('alloc_objects', 'count'), ('alloc_space', 'bytes'),
                                     ('inuse_objects', 'count'), ('inuse_space', 'bytes')]
            assert profile.period_type == ('space', 'bytes') and profile.period == 1
            assert profile.default_type == 'inuse_space' and profile.time > 1 << 60
        sums = {}
        for sample in last.samples:
            row = sums.setdefault(site_of(last, sample), [0] * 4)
            for i, k in enumerate((3, 2, 1, 0)):
                row[i] += sample[1][k]
        want = expected(run.out)
        assert len(want) > 3 and all(sums.get(s, [0] * 4) == v for s, v in want.items()), (sums, want)
        assert last.mappings[0][5] and all(m[1] < m[2] for m in last.mappings)
    rate = 65536
    with Run(program('agent_sizes'), '1', rate=rate, format=1) as run:
        profile = pprof_of(run)[-1]
        assert profile.period == rate and len(profile.samples) > 7
        for sample in profile.samples:
            size, (count, space, live, live_space) = sample[2].get('bytes', 0), sample[1]
            weight = 1 / (1 - math.exp(-(size + 1) / rate))
            for objects, total in ((count, space), (live, live_space)):
                raw = round(objects / weight)
                assert abs(objects - raw * weight) <= .5 + 1e-9 * objects, (sample, weight)
                assert abs(total - raw * weight * size) <= .5 + 1e-9 * total, (sample, weight)
        sizes = {s[2].get('bytes', 0) for s in profile.samples}
        assert {65536, 1048576, 4194304} <= sizes
    with Run(program('agent_mappings'), format=1, mmap=1) as run:
        names = [n for n in os.listdir(run.directory) if f'.{run.process.pid}.' in n]
        profile = Profile(os.path.join(run.directory, max(names)))
        assert profile.types[:2] == [('mmap_objects', 'count'), ('mmap_space', 'bytes')]
        sums = {}
        for sample in profile.samples:
            row = sums.setdefault(site_of(profile, sample), [0, 0])
            row[0] += sample[1][1]
            row[1] += sample[1][0]
        want = {line.split()[0]: [int(n) for n in line.split()[1:]] for line in run.out.splitlines()}
        assert {k: v for k, v in sums.items() if v[1]} == want, (sums, want)
    for _ in range(10):  # killed in the middle: whole or not there
        with Run(program('agent_processes'), 'endless', interval=1, format=1, wait=False) as run:
            time.sleep(.05)
            run.process.kill()
            run.finish(check=-signal.SIGKILL)
            for name in os.listdir(run.directory):
                if not name.startswith('.'):
                    Profile(os.path.join(run.directory, name))


if __name__ == '__main__':
    globals()['test_' + sys.argv[3]]()
