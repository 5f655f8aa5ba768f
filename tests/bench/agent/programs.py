"""The programs that are measured and the ways in which each is run."""
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.path.join(HERE, '../../..'))
PYTHON = '/usr/bin/python3'
LIBRARIES = '/usr/lib/x86_64-linux-gnu'
HEAPTRACK = '/usr/lib/heaptrack/libheaptrack_preload.so'
RATE = 512 * 1024

# Units of work, so that a run takes some tenths of a second.
WORKLOADS = {
    'malloc loop, 1 thread': ['{bin}/pairs', 'loop', '12000000', '1'],
    'malloc loop, 2 threads': ['{bin}/pairs', 'loop', '6000000', '2'],
    'larson, 2 threads': ['{bin}/larson', '2', '5', '500000'],
    'STL program': ['{bin}/stl', '700'],
    'sqlite3': ['sqlite3', ':memory:', '.read {here}/work.sql'],
    'python3': [PYTHON, '-S', '{here}/work.py', '25'],
    'redis': None,
    'g++ -O2': ['{compiler}', '-quiet', '-O2', '{bin}/compiled.ii', '-o', '/dev/null'],
}
# What the same is worth where every allocation is recorded, which is slower.
SHORTER = {
    'malloc loop, 1 thread': ['{bin}/pairs', 'loop', '3000000', '1'],
    'malloc loop, 2 threads': ['{bin}/pairs', 'loop', '1500000', '2'],
    'larson, 2 threads': ['{bin}/larson', '2', '5', '150000'],
    'STL program': ['{bin}/stl', '300'],
    'sqlite3': WORKLOADS['sqlite3'],
    'python3': [PYTHON, '-S', '{here}/work.py', '10'],
    'redis': None,
}


class Bench:
    """The built programs, and a directory for what is written."""

    def __init__(self, agent):
        self.agent = agent
        self.bin = tempfile.mkdtemp(prefix='heapdiff-bench-')
        self.out = os.path.join(self.bin, 'out')
        os.mkdir(self.out)

    def __enter__(self):
        for name in ('pairs', 'larson', 'heap'):
            self.compile([name + '.c'], name, '-pthread')
        self.compile(['stl.cc'], 'stl', compiler='g++')
        self.compile(['compiled.cc'], 'compiled.ii', '-E', compiler='g++')
        asked = subprocess.run(['g++', '-print-prog-name=cc1plus'], check=True,
                               capture_output=True, text=True)
        self.compiler = asked.stdout.strip()
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.bin, ignore_errors=True)

    def compile(self, sources, target, *options, compiler='gcc'):
        paths = [os.path.join(HERE, source) for source in sources]
        subprocess.run([compiler, '-O2', '-g', *paths, '-o', os.path.join(self.bin, target),
                        *options], check=True)

    def agent_sources(self):
        """The agent's unwinder with what it rests on."""
        names = ('unwind quick cfi bytes expression row_cache stack_memory modules elf_image '
                 'files intern memory lock').split()
        return [os.path.join(SOURCE, 'src/agent', name + '.c') for name in names]

    def words(self, command):
        return [word.format(bin=self.bin, here=HERE, compiler=self.compiler) for word in command]

    def clear(self):
        for path in glob.glob(os.path.join(self.out, '*')):
            os.unlink(path)

    # The ways to run a program: environment variables.
    def native(self):
        return {}

    def ours(self, rate=RATE, interval=5000):
        return {'LD_PRELOAD': self.agent, 'HEAPDIFF_DIR': self.out, 'HEAPDIFF_RATE': str(rate),
                'HEAPDIFF_INTERVAL_MS': str(interval)}

    def off(self):
        return {'LD_PRELOAD': self.agent}

    def jemalloc(self, profile=None):
        way = {'LD_PRELOAD': f'{LIBRARIES}/libjemalloc.so.2'}
        if profile is not None:
            way['MALLOC_CONF'] = f'prof:true,lg_prof_sample:{profile},prof_final:true,' \
                                 f'prof_prefix:{self.out}/jeprof'
        return way

    def tcmalloc(self, sample=0):
        return {'LD_PRELOAD': f'{LIBRARIES}/libtcmalloc.so.4',
                'TCMALLOC_SAMPLE_PARAMETER': str(sample)}

    def heaptrack(self):
        return {'LD_PRELOAD': HEAPTRACK, 'DUMP_HEAPTRACK_OUTPUT': '/dev/null'}


def environment(name, way):
    result = dict(os.environ, **way)
    if name == 'python3':
        result['PYTHONMALLOC'] = 'malloc'
    return result


def run_command(bench, name, command, way):
    """CPU seconds of the command and all its children."""
    process = subprocess.Popen(bench.words(command), env=environment(name, way),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f'{name} failed ({process.returncode}) with {way}')
    return usage.ru_utime + usage.ru_stime


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


REDIS_TESTS = (('-t', 'set,get,lpush,lpop,sadd,hset', '-d', '64'),
               ('-t', 'set,get', '-d', '2000', '-r', '10000'))


def cpu_seconds(pid):
    """Of all threads that the process has."""
    total = 0
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/schedstat') as file:
            total += int(file.read().split()[0])
    return total / 1e9


def ask_redis(port, requests):
    for options in REDIS_TESTS:
        subprocess.run(['redis-benchmark', '-q', '-p', port, '-c', '20', '-P', '16', '-n',
                        str(requests), *options], check=True, stdout=subprocess.DEVNULL)


def run_redis(way, requests, wrapper=()):
    """CPU seconds of the server for a number of requests of some kinds, without its start
    and its end."""
    port = str(free_port())
    server = subprocess.Popen([*wrapper, 'redis-server', '--port', port, '--save', '',
                               '--appendonly', 'no', '--bind', '127.0.0.1'],
                              env=dict(os.environ, **way), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    for _ in range(1200):
        asked = subprocess.run(['redis-cli', '-p', port, 'ping'], capture_output=True)
        if asked.stdout == b'PONG\n':
            break
        time.sleep(.05)
    ask_redis(port, 1000)
    before = cpu_seconds(server.pid)
    ask_redis(port, requests)
    used = cpu_seconds(server.pid) - before
    subprocess.run(['redis-cli', '-p', port, 'shutdown', 'nosave'], capture_output=True)
    server.wait()
    return used


def run(bench, workloads, name, way):
    bench.clear()
    if workloads[name] is None:
        return run_redis(way, 60000)
    return run_command(bench, name, workloads[name], way)


def count_once(bench, run_with):
    """Instructions in millions of what this runs under the tool that it is given."""
    bench.clear()
    log = os.path.join(bench.bin, 'counts')
    for path in glob.glob(log + '.*'):
        os.unlink(path)
    run_with(['valgrind', '--tool=cachegrind', '--cache-sim=no', '--trace-children=yes',
              '--cachegrind-out-file=/dev/null', f'--log-file={log}.%p'])
    total = 0
    for path in glob.glob(log + '.*'):
        with open(path) as file:
            found = re.search(r'I\s+refs:\s+([\d,]+)', file.read())
        total += int(found[1].replace(',', '')) if found else 0
    return total / 1e6


def count(bench, workloads, name, way):
    """Instructions in millions; a server's are those of more requests less those of fewer,
    which leaves out its start and its end. Snapshots by the clock would be counted by how
    slow the counting is: only the last one is."""
    if 'HEAPDIFF_INTERVAL_MS' in way:
        way = dict(way, HEAPDIFF_INTERVAL_MS='86400000')
    if workloads[name] is None:
        fewer, more = (count_once(bench, lambda tool: run_redis(way, requests, tool))
                       for requests in (2000, 12000))
        return more - fewer
    command = bench.words(workloads[name])
    return count_once(bench, lambda tool: subprocess.run(
        [*tool, *command], env=environment(name, way), check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL))
