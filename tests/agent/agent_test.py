"""Runs programs under the agent and looks at what it wrote.

usage: agent_test.py AGENT PROGRAMS TEST
"""
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from running import AGENT, Run, check_exact, end_by, expected, program
from snapshot import Snapshot


def test_exact():
    with Run(program('agent_allocs')) as run:
        snapshots = run.only()
        assert [s.header['reason'] for s in snapshots] == ['start', 'exit']
        check_exact(run, snapshots[-1])
        header = snapshots[-1].header
        assert header['program'] == program('agent_allocs')
        assert header['command'] == [program('agent_allocs')]
        assert header['rate'] == 1 and header['threads'] == 1 and header['rss'] > 0
        assert header['rss_peak'] >= header['rss'] // 2
        assert header['allocator'].endswith('libc.so.6')
        assert header['time_ns'] > 1 << 60 and header['mono_ns'] > header['image_ns']
        assert 0 <= header['image_ns'] - header['start_ns'] < 10 ** 9 or header['start_ns'] > 0
        assert header['truncated_stacks'] == 0
        assert {'main'} <= {f for st in snapshots[-1].stacks for f in snapshots[-1].functions(st)}
        status = run.status()
        assert {k: status[k] for k in ('processes', 'snapshots', 'failed', 'errno', 'dropped')} == \
            {'processes': 1, 'snapshots': 2, 'failed': 0, 'errno': 0, 'dropped': 0}


def test_off():
    environment = dict(os.environ, LD_PRELOAD=AGENT)
    environment.pop('HEAPDIFF_DIR', None)
    done = subprocess.run([program('agent_allocs')], env=environment, capture_output=True, check=True)
    assert b'site_malloc' in done.stdout and not done.stderr


def test_cxx():
    names = {'site_newv': 'site_new', 'site_new_arrayv': 'site_new_array',
             'site_nothrowv': 'site_nothrow', 'site_alignedv': 'site_aligned'}
    plain = lambda name: names.get(name.lstrip('_Z0123456789'), name)
    with Run(program('agent_operators')) as run:
        check_exact(run, run.only()[-1], plain)
    jemalloc = '/usr/lib/x86_64-linux-gnu/libjemalloc.so.2'
    if os.path.exists(jemalloc):
        with Run(program('agent_operators'), preload=jemalloc) as run:
            snapshot = run.only()[-1]
            assert 'jemalloc' in snapshot.header['allocator']
            check_exact(run, snapshot, plain)
        with Run(program('agent_allocs'), preload=jemalloc) as run:
            assert 'site_strdup' in run.out


def test_locks():
    with Run(program('agent_locks'), 'locale') as run:
        run.only()
    with Run(program('agent_locks'), 'lone', interval=10) as run:
        snapshots = run.only()
        assert run.out == 'ended\n' and len(snapshots) > 3
        assert snapshots[-1].header['reason'] == 'exit'
        assert snapshots[-1].exact()['site_worker'] == [1000, 100, 1000, 100]
    native = subprocess.run([program('agent_locks'), 'unshare'], capture_output=True, text=True)
    with Run(program('agent_locks'), 'unshare', interval=10) as run:
        assert run.out == native.stdout and len(run.only()) > 3
    # Without a limit of memory that would be watched: no thread of the agent's.
    with Run(program('agent_locks'), 'late', oom_percent=0) as run:
        child = [s for s in run.series().values() if s[0].header['pid'] != run.process.pid][0]
        assert child[-1].exact()['site_worker'][1] == 2
        assert child[0].exact()['site_worker'][1] < 2
    with Run(program('agent_locks'), 'streams') as run:
        run.only()


def test_fork():
    with Run(program('agent_processes'), 'fork') as run:
        series = sorted(run.series().values(), key=lambda s: s[0].header['start_ns'])
        assert len(series) == 2
        parent, child = sorted(series, key=lambda s: s[0].header['pid'] != run.process.pid)
        assert parent[-1].exact()['site_parent'] == [1501, 3, 1501, 3]
        assert 'site_child' not in parent[-1].exact()
        assert child[-1].exact()['site_parent'][:2] == [500, 1]
        assert child[-1].exact()['site_child'] == [70, 1, 70, 1]
        assert child[-1].header['image_ns'] > parent[-1].header['image_ns']
        assert run.status()['processes'] == 1


def test_clone():
    with Run(program('agent_processes'), 'clone', rate=1, interval=1) as run:
        mine = [s for s in run.series().values() if s[0].header['pid'] == run.process.pid]
        assert mine[0][-1].exact()['site_parent'] == [1000, 1, 1000, 1]


def test_exec():
    with Run(program('agent_processes'), 'exec') as run:
        series = run.series()
        assert len(series) == 2
        first, second = (series[k] for k in sorted(series, key=len))
        assert [s.header['reason'] for s in first] == ['start', 'exec']
        assert first[-1].exact()['site_parent'] == [300, 1, 300, 1]
        assert [s.header['reason'] for s in second] == ['start', 'exit']
        assert second[-1].exact()['site_child'] == [40, 1, 40, 1]
        assert second[-1].header['command'][1:] == ['leaf', 'two words']
        assert first[0].header['pid'] == second[0].header['pid']
        assert second[0].header['image_ns'] > first[0].header['image_ns']
        assert run.status()['processes'] == 2
    # Whatever other threads try when it ends, there is one last snapshot.
    for _ in range(20):
        with Run(program('agent_processes'), 'exec_exit') as run:
            assert [s.header['reason'] for s in run.only()] in (['start', 'exec'], ['start', 'exit'])


def test_vfork():
    with Run(program('agent_processes'), 'vfork') as run:
        series = run.series()
        assert len(series) == 11
        mine = [s for s in series.values() if s[0].header['pid'] == run.process.pid][0]
        assert [s.header['reason'] for s in mine] == ['start', 'exit']


def test_exits():
    for mode, code in (('_exit', 3), ('_Exit', 3), ('quick_exit', 3)):
        with Run(program('agent_processes'), mode, check=code, interval=100000) as run:
            snapshots = run.only()
            assert [s.header['reason'] for s in snapshots] == ['start', 'exit']
            assert snapshots[-1].exact()['site_parent'] == [11, 1, 11, 1]
    with Run(program('agent_processes'), 'thread_exit', check=5, interval=100000) as run:
        snapshot = run.only()[-1]
        assert snapshot.header['reason'] == 'exit'
        assert snapshot.exact()['site_child'] == [10, 1, 10, 1]
        assert snapshot.header['threads'] == 2
    with Run(program('agent_processes'), 'abort', check=-signal.SIGKILL, interval=10) as run:
        whole = [n for n in os.listdir(run.directory) if n.endswith('.heapdiff')]
        assert Snapshot(os.path.join(run.directory, max(whole))).header['reason'] == 'interval'


def test_signals():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        run, seen = end_by(number, 'look')
        with run:
            assert seen == ['4'] * 3, seen
            snapshots = run.only()
            assert [s.header['reason'] for s in snapshots] == ['start', 'signal']
            assert snapshots[-1].exact()['site_held'] == [50000, 50, 50000, 50]
    for _ in range(20):  # nearly always inside the agent
        run, _ = end_by(signal.SIGTERM, 'busy')
        with run:
            assert run.only()[-1].header['reason'] == 'signal'
            assert run.status()['failed'] == 0
    run, _ = end_by(signal.SIGTERM, 'own', check=7)
    with run:
        assert run.only()[-1].header['reason'] == 'exit'
    run, _ = end_by(signal.SIGTERM, 'ignored', check=0)
    with run:
        assert run.only()[-1].header['reason'] == 'exit'
    run, _ = end_by(signal.SIGKILL)
    with run:
        assert run.only()[-1].header['reason'] == 'start'
    keyboard = """
import time
try:
    print('ready', flush=True)
    time.sleep(20)
except KeyboardInterrupt:
    raise SystemExit(9)
"""
    run, _ = end_by(signal.SIGINT, check=9, rate=524288,
                    command=(sys.executable, '-S', '-c', keyboard))
    run.__exit__()
    with Run(program('agent_signals'), 'identity', interval=5) as run:
        native = subprocess.run([program('agent_signals'), 'identity'], capture_output=True,
                                text=True, check=True)
        assert run.out == native.stdout


def test_title():
    with Run(program('agent_processes'), 'title', 'a b', 'ü\udcff"\\\n') as run:
        series = run.series()
        assert len(series) == 2
        for snapshots in series.values():
            assert snapshots[-1].header['command'][2:] == ['a b', 'ü\ufffd"\\\n']


def test_closed():
    with Run(program('agent_processes'), 'closed', '12', interval=2) as run:
        snapshots = run.only()
        assert len(snapshots) > 10
        assert snapshots[-1].header['failed_snapshots'] == 0
        assert snapshots[-1].exact()['site_parent'] == [2000, 200, 2000, 200]


def test_storm():
    for rate in (1, 4096):
        began = time.time()
        with Run(program('agent_processes'), 'storm', '1000', '4', rate=rate, interval=5) as run:
            snapshots = run.own()
            assert len(snapshots) > 3
            if rate == 1:
                live, objects, _, allocated = snapshots[-1].exact()['site_parent']
                assert live == objects == 0 and allocated > 1000
        print(f'rate {rate}: {time.time() - began:.1f} s, {len(snapshots)} snapshots')


def test_storm_dlopen():
    plugin = program('libagent_plugin_a.so')
    with Run(program('agent_processes'), 'storm', '300', '4', plugin, rate=1, interval=5) as run:
        run.own()


def test_threads():
    with Run(program('agent_processes'), 'threads', interval=5) as run:
        assert run.only()[-1].exact()['site_child'] == [16000, 2000, 16000, 2000]


def run_at_one_address(a, b, rate):
    """Where the kernel puts b is its own affair: nearly always where a was."""
    for _ in range(10):
        run = Run(program('agent_plugins'), a, b, rate=rate)
        addresses = run.out.split()
        if addresses[-1] == addresses[-2]:
            break
        run.__exit__()
    return run


def test_plugins():
    a, b = program('libagent_plugin_a.so'), program('libagent_plugin_b.so')
    for rate in (1, 100):
        with run_at_one_address(a, b, rate) as run:
            addresses = run.out.split()
            assert addresses[-1] == addresses[-2], 'not at one address: ' + run.out
            snapshot = run.only()[-1]
            bytes_in = {}
            for stack in snapshot.stacks:
                for i in stack['stack'][:1]:
                    path = snapshot.modules[snapshot.frames[i][0]]['path']
                    if path in (a, b):
                        assert snapshot.function(i) == 'plugin_alloc'
                        for record in stack['records']:
                            value = record['values'][0] if rate == 1 else record['size']
                            bytes_in.setdefault(path, set()).add(value)
            if rate == 1:
                sums = {p: sum(v) if len(v) > 1 else v for p, v in bytes_in.items()}
                total = {p: 0 for p in (a, b)}
                for stack in snapshot.stacks:
                    path = snapshot.modules[snapshot.frames[stack['stack'][0]][0]]['path']
                    if path in total:
                        total[path] += stack['records'][0]['values'][0]
                assert total == {a: 30000, b: 630}, (total, sums)
            else:
                assert bytes_in[a] == {1000} and bytes_in.get(b, {70}) == {70}
            assert len(snapshot.modules) <= 5, 'a module for every dlopen'
            ids = {m['path']: m.get('build_id') for m in snapshot.modules}
            assert ids[a] and ids[a] != ids.get(b)
            assert all(m['gone'] for m in snapshot.modules if m['path'] == a)


def stacks_of(run, *needed):
    snapshot = run.only()[-1]
    found = [st for st in snapshot.stacks if 'site_leaf' in snapshot.functions(st)]
    assert found
    return snapshot, found


def test_stacks():
    with Run(program('agent_stacks'), 'deep') as run:
        _, found = stacks_of(run)
        assert len(found[0]['stack']) == 128 and found[0]['truncated'] is True
        assert run.only()[-1].header['truncated_stacks'] == 1
    with Run(program('agent_stacks'), 'deep', frames=1024) as run:
        snapshot, found = stacks_of(run)
        names = snapshot.functions(found[0])
        assert names.count('deep') == 301 and 'main' in names and not found[0].get('truncated')
    with Run(program('agent_stacks'), 'large') as run:
        snapshot, found = stacks_of(run)
        names = snapshot.functions(found[0])
        assert names.count('large_frames') == 51 and 'main' in names
    with Run(program('agent_stacks'), 'signal') as run:
        snapshot, found = stacks_of(run)
        names = snapshot.functions(found[0])
        order = [names.index(n) for n in ('site_leaf', 'on_signal', 'interrupted', 'main')]
        assert order == sorted(order) and not found[0].get('truncated'), names
    with Run(program('agent_stacks'), 'fiber') as run:
        snapshot, found = stacks_of(run)
        assert snapshot.functions(found[0])[:2] == ['site_leaf', 'fiber_main']
        assert sum(st['records'][0]['values'][3] for st in found) == 100
    with Run(program('agent_stacks'), 'bare') as run:
        snapshot, found = stacks_of(run)
        assert sum(st['records'][0]['values'][3] for st in found) == 2
    with Run(program('agent_stacks'), 'garbage') as run:
        snapshot, found = stacks_of(run)
        assert found[0]['truncated'] is True
        assert snapshot.frames[found[0]['stack'][1]][0] is None


def test_kill():
    for i in range(30):
        with Run(program('agent_processes'), 'endless', interval=1, wait=False) as run:
            time.sleep(.02 + random.random() * .05)
            run.process.kill()
            run.finish(check=-signal.SIGKILL)
            for name in os.listdir(run.directory):
                if name.endswith('.heapdiff'):
                    Snapshot(os.path.join(run.directory, name))
                else:
                    assert name.startswith('.') and name.endswith('.heapdiff.tmp')


def test_failures():
    with Run(program('agent_processes'), 'limit', interval=10) as run:
        status = run.status()
        assert status['failed'] > 0 and status['errno'] == 27, status
        assert len(os.listdir(run.directory)) == status['snapshots']
        run.series()
    with Run(program('agent_allocs'), directory='/nonexistent/directory') as run:
        assert run.status()['failed'] == 2 and run.status()['errno'] == 2
    if os.geteuid() == 0 and mount_test():
        print('a full tmpfs: tried')
    else:
        print('a full tmpfs: mounting is not permitted, not tried')


def mount_test():
    directory = tempfile.mkdtemp(prefix='heapdiff-tmpfs-')
    options = ['mount', '-t', 'tmpfs', '-o', 'size=16k', 'none', directory]
    if subprocess.run(options, capture_output=True).returncode != 0:
        os.rmdir(directory)
        return False
    try:
        run = Run(program('agent_triggers'), 'fill', interval=5, directory=directory)
        status = run.status()
        assert status['failed'] > 0 and status['errno'] == 28, status
        assert len(os.listdir(directory)) == status['snapshots'] > 0
        last = run.only()[-1]
        assert last.header['sequence'] == status['snapshots'] - 1
        os.unlink(run.status_path)
    finally:
        subprocess.run(['umount', directory], check=True)
        os.rmdir(directory)
    return True


def estimates(run, snapshot, rate):
    """Site -> [live bytes, live objects, objects allocated]."""
    sums = {}
    for stack in snapshot.stacks:
        row = sums.setdefault(snapshot.site(stack), [0, 0, 0])
        for record in stack['records']:
            assert record['rate'] == rate
            p = 1 - math.exp(-(record['size'] + 1) / rate)
            row[0] += record['live'] * record['size'] / p
            row[1] += record['live'] / p
            row[2] += record['alloc'] / p
    return sums


def test_estimator():
    """Poisson sampling is unbiased at every size and as noisy as it says."""
    rate, scores, alloc_scores, mixed = 65536, [], [], []
    sizes = [0, 1, 16, 64, 1000, 4096, 65536, 1048576, 4194304]
    for seed in range(40):
        with Run(program('agent_sizes'), str(seed), rate=rate, seed=seed + 1) as run:
            got = estimates(run, run.only()[-1], rate)
            want = expected(run.out)
            for size in sizes:
                live, objects, count = want[f'site_{size}']
                p = 1 - math.exp(-(size + 1) / rate)
                row = got.get(f'site_{size}', [0] * 3)
                for truth, estimate, list_ in ((objects, row[1], scores),
                                               (count, row[2], alloc_scores)):
                    spread = math.sqrt(truth * (1 - p) / p)
                    if spread < .5:
                        assert abs(estimate - truth) < 3
                    elif truth * p >= 10:
                        list_.append((estimate - truth) / spread)
            p = 1 - math.exp(-65 / rate) # of its 3,900 small objects; the large are all there
            error = got['site_mixed'][0] - want['site_mixed'][0]
            mixed.append(error / (64 * math.sqrt(3900 * (1 - p) / p)))
    for name, zs in (('live', scores), ('allocated', alloc_scores)):
        rms = math.sqrt(sum(z * z for z in zs) / len(zs))
        inside = sum(abs(z) < 3 for z in zs) / len(zs)
        bias = sum(zs) / math.sqrt(len(zs))
        assert len(zs) > 40
        print(f'{name}: {len(zs)} estimates, rms z {rms:.3f}, {inside:.1%} within 3, bias z {bias:.2f}')
        assert .75 < rms < 1.25 and inside >= .96 and abs(bias) < 4.5
    assert abs(sum(mixed)) / math.sqrt(len(mixed)) < 4.5


def test_exports():
    symbols = subprocess.run(['nm', '-D', '--defined-only', AGENT], capture_output=True, text=True,
                             check=True).stdout
    names = {line.split()[-1].split('@')[0] for line in symbols.splitlines()}
    hooks = set('malloc calloc realloc reallocarray free free_sized free_aligned_sized '
                'posix_memalign aligned_alloc memalign valloc pvalloc malloc_usable_size dlclose '
                '_exit _Exit execve execv execvp execvpe execl execlp execle fexecve '
                'execveat unshare setns pthread_exit sigaction signal setuid setgid seteuid '
                'setegid setreuid setregid setresuid setresgid setgroups initgroups '
                'mmap mmap64 munmap mremap heapdiff_agent_recording heapdiff_agent_snapshot '
                'heapdiff_agent_locked heapdiff_agent_attach'.split())
    assert hooks <= names
    others = {n for n in names - hooks if not n.startswith(('_Zn', '_Zd'))}
    assert not others, others
    dynamic = subprocess.run(['readelf', '-dW', AGENT], capture_output=True, text=True,
                             check=True).stdout
    needed = [line.split('[')[1].rstrip(']') for line in dynamic.splitlines() if '(NEEDED)' in line]
    assert needed == ['libc.so.6'], needed


def test_overhead():
    """Printed, not judged: a shared machine cannot."""
    def cost(threads, **options):
        if not options:
            return min(float(subprocess.run([program('agent_loop'), '2000000', str(threads)],
                                            capture_output=True, check=True).stdout)
                       for _ in range(3))
        best = 1e9
        for _ in range(3):
            with Run(program('agent_loop'), '2000000', str(threads), **options) as run:
                best = min(best, float(run.out))
        return best
    for threads in (1, 2):
        print(f'{threads} thread(s): ns a pair {cost(threads):.1f} native, '
              f'{cost(threads, rate=524288):.1f} sampled, {cost(threads, rate=1):.1f} exact')


if __name__ == '__main__':
    globals()['test_' + sys.argv[3]]()
