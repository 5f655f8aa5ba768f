#!/usr/bin/env python3
"""`heapdiff addr` beside other symbolizers, on debug files of real programs.

usage: symbols.py HEAPDIFF DIRECTORY [--counts N,N...] [--runs N] [--modules NAME,NAME...]
                  [--tools NAME,NAME...] [--file PATH]...

DIRECTORY (some 8 GB) receives Debian's debug packages of ceph-osd, of OpenJDK's libjvm and
of the kernel, unpacked and decompressed; what is there already is not fetched again. Each
tool gets the same addresses: of functions, weighted by their size, from a fixed seed. The
tools take turns; of each the least user time of the runs counts. Not a test: it measures.

--file adds a module of one's own; with it the packages are left out unless named.

Printed for each module and count: user and system seconds, peak memory, how many times as
much of both the others take, and on how many addresses heapdiff and llvm-symbolizer agree
in the whole chain of inlined calls: mangled names, and base name and line of each frame.
Aliases (names that the symbol table has for one address, such as folded functions), a
constructor's variants (C1, C2, C4) and clone suffixes (.cold) are one name there, and a
place without a line is none; what else differs is counted by kind, with an example.
"""
import argparse
import bisect
import collections
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

PACKAGES = {'ceph-osd': 'ceph-osd-dbg', 'libjvm': 'openjdk-17-dbg',
            'vmlinux': r'linux-image-[0-9].*[0-9]-amd64-dbg'}
SEED = 4


# --- what is symbolized ---------------------------------------------------------------


def package_name(pattern):
    """The newest package of a pattern."""
    out = subprocess.run(['apt-cache', 'search', '--names-only', f'^{pattern}$'], check=True,
                         text=True, stdout=subprocess.PIPE).stdout
    names = sorted((line.split()[0] for line in out.splitlines()),
                   key=lambda name: [int(n) for n in re.findall(r'\d+', name)])
    if not names:
        sys.exit(f'symbols.py: apt knows no package {pattern}')
    return names[-1]


def fetch(directory, name):
    """The debug file, uncompressed: the largest of its package."""
    file = directory / name
    if file.exists():
        return file
    package = package_name(PACKAGES[name])
    work = directory / f'{name}.package'
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run(['apt-get', 'download', package], cwd=work, check=True)
    subprocess.run(['dpkg-deb', '-x', next(work.glob('*.deb')), 'root'], cwd=work, check=True)
    found = [path for path in (work / 'root').rglob('*') if path.is_file() and
             (name != 'vmlinux' or path.name.startswith('vmlinux-'))]
    largest = max(found, key=lambda path: path.stat().st_size)
    subprocess.run(['objcopy', '--decompress-debug-sections', largest, f'{file}.new'],
                   check=True)
    os.rename(f'{file}.new', file)
    shutil.rmtree(work)
    return file


def functions(file):
    """name, address and size of each function symbol."""
    out = subprocess.run(['nm', '-S', '--defined-only', file], check=True, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    rows = (line.split() for line in out.splitlines())
    return [(row[3], int(row[0], 16), int(row[1], 16)) for row in rows
            if len(row) == 4 and row[2] in 'tTwWi']


def addresses(symbols, count):
    places = sorted({(address, size) for _, address, size in symbols if size})
    sums, total = [], 0
    for _, size in places:
        total += size
        sums.append(total)
    chance = random.Random(SEED)
    chosen = []
    for _ in range(count):
        at = chance.randrange(total)
        address, size = places[bisect.bisect_right(sums, at)]
        chosen.append(address + at - (sums[bisect.bisect_right(sums, at)] - size))
    return chosen


# --- running ---------------------------------------------------------------------------


# The kernel counts the memory of a child's parent at the fork as the child's: a small process
# is between, so that this script's lists are not in anybody's figures.
BETWEEN = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_utime, usage.ru_stime, usage.ru_maxrss,
      file=sys.stderr)
"""


def run(command, text, out):
    """user seconds, system seconds, peak MiB"""
    with open(text) as stdin, open(out, 'w') as stdout:
        said = subprocess.run([sys.executable, '-S', '-c', BETWEEN, *map(str, command)],
                              stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True,
                              check=True).stderr.split()
    if int(said[0]) not in (0, 1):  # eu-addr2line's 1: an address that it does not know
        sys.exit(f'symbols.py: {command[0]} failed with {said[0]}')
    return float(said[1]), float(said[2]), int(said[3]) / 1024


def tools(heapdiff, file, count, wanted):
    """The slowest ones get no more than they can do in minutes."""
    llvm = shutil.which('llvm-symbolizer-14') or shutil.which('llvm-symbolizer')
    all_tools = {'heapdiff': [heapdiff, 'addr', '--no-cache', file, '-'],
                 # The cache is emptied before each run of the first; the second, which
                 # comes behind it, takes all answers from there.
                 'heapdiff-first': [heapdiff, 'addr', file, '-'],
                 'heapdiff-second': [heapdiff, 'addr', file, '-'],
                 'llvm-symbolizer': [llvm, f'--obj={file}'] if llvm else None,
                 'addr2line': ['addr2line', '-a', '-f', '-i', '-C', '-e', file],
                 'eu-addr2line': ['eu-addr2line', '-a', '-f', '-i', '-C', '-e', file]
                                 if count <= 10000 else None}
    return {name: command for name, command in all_tools.items()
            if command and shutil.which(command[0]) and (not wanted or name in wanted)}


# --- agreement -------------------------------------------------------------------------


def plain(name):
    """Without clone suffix, and without which of a constructor's variants it is."""
    name = re.sub(r'\.(cold|part|isra|constprop|lto_priv|llvm)\b.*', '', name)
    return re.sub(r'([CD])[0-5](?=E|I)', r'\1', name) if name.startswith('_Z') else name


def our_chains(path):
    chains = []
    for line in open(path, errors='replace'):
        if not line.startswith(' '):
            chains.append([])
            line = line.split(None, 1)[1]
        match = re.match(r'(.*?)(?: \(inline\))?(?:  (\S.*):(\d+|\?))?$', line.strip())
        place = f'{os.path.basename(match[2] or "??")}:{(match[3] or "0").replace("?", "0")}'
        chains[-1].append((match[1], place))
    return chains


def llvm_chains(path):
    chains, lines = [[]], [line.rstrip('\n') for line in open(path, errors='replace')]
    at = 0
    while at < len(lines):
        if not lines[at]:
            chains.append([])
            at += 1
            continue
        place = lines[at + 1].rsplit(':', 2)
        chains[-1].append((lines[at], f'{os.path.basename(place[0])}:{place[1]}'))
        at += 2
    return chains[:-1] if not chains[-1] else chains


def difference(ours, theirs, places):
    """None where the chains agree, else the kind."""
    if len(ours) != len(theirs):
        return 'depth'
    for (_, left), (_, right) in zip(ours, theirs):
        # Without debug information llvm-symbolizer names the object file, at line 0.
        if left != right and not (left == '??:0' and right.endswith(':0')):
            return 'line'
    for (left, _), (right, _) in zip(ours, theirs):
        if plain(left) != plain(right) and not places[plain(left)] & places[plain(right)]:
            return 'name'
    return None


def agreement(heapdiff, file, symbols, chosen, work):
    text, ours, theirs = work / 'list', work / 'ours', work / 'theirs'
    text.write_text(''.join(f'{address:#x}\n' for address in chosen))
    run([heapdiff, 'addr', '--mangled', file, '-'], text, ours)
    run(tools(heapdiff, file, 0, ['llvm-symbolizer'])['llvm-symbolizer'] + ['--no-demangle'],
        text, theirs)
    places = collections.defaultdict(set)
    for name, address, _ in symbols:
        places[plain(name)].add(address)
    kinds, examples = collections.Counter(), {}
    for address, left, right in zip(chosen, our_chains(ours), llvm_chains(theirs)):
        kind = difference(left, right, places)
        kinds[kind] += 1
        if kind:
            examples.setdefault(kind, (address, left, right))
    same = kinds.pop(None, 0)
    print(f'  agrees with llvm-symbolizer on {100 * same / len(chosen):.3f}% '
          f'({same} of {len(chosen)})', ', '.join(f'{kind}: {n}' for kind, n in kinds.items()))
    for kind, (address, left, right) in examples.items():
        print(f'    {kind} at {address:#x}:\n      heapdiff        {left}\n'
              f'      llvm-symbolizer {right}')


# --- the table -------------------------------------------------------------------------


def measure(heapdiff, file, chosen, options, work):
    text, out = work / 'list', work / 'out'
    text.write_text(''.join(f'{address:#x}\n' for address in chosen))
    commands = tools(heapdiff, file, len(chosen), options.tools)
    results = collections.defaultdict(list)
    for _ in range(options.runs):
        for name, command in commands.items():
            if name == 'heapdiff-first':
                subprocess.run([heapdiff, 'cache', '--clear'], check=True,
                               stderr=subprocess.DEVNULL)
            if name != 'eu-addr2line' or not results[name]:
                results[name].append(run(command, text, out))
    least = {name: min(values) for name, values in results.items()}
    base = least.get('heapdiff')
    if 'heapdiff-second' in least:
        first, second = least['heapdiff-first'], least['heapdiff-second']
        print(f'  {len(chosen):7} the second run from the cache is {first[0] / second[0]:.1f} '
              f'times as fast as the first (user; with system time '
              f'{sum(first[:2]) / sum(second[:2]):.1f})')
    for name, (user, system, peak) in least.items():
        ratio = f'{user / base[0]:8.1f} x {peak / base[2]:7.1f} x' if base else ''
        print(f'  {len(chosen):7} {name:16} {user:8.3f} s user {system:6.3f} s system '
              f'{peak:6.0f} MiB {ratio}', flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('heapdiff')
    parser.add_argument('directory', type=pathlib.Path)
    parser.add_argument('--counts', default='1000,10000,100000')
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--modules')
    parser.add_argument('--tools')
    parser.add_argument('--file', action='append', default=[])
    options = parser.parse_args()
    options.tools = options.tools.split(',') if options.tools else None
    names = options.modules.split(',') if options.modules else [] if options.file else PACKAGES
    heapdiff = os.path.abspath(options.heapdiff)
    os.environ['XDG_CACHE_HOME'] = os.path.join(os.path.abspath(options.directory), 'cache')
    work = options.directory / 'work'
    work.mkdir(parents=True, exist_ok=True)
    counts = [int(count) for count in options.counts.split(',')]
    files = [fetch(options.directory, name) for name in names]
    for file in files + [pathlib.Path(path) for path in options.file]:
        symbols = functions(file)
        print(f'{file.name} ({file.stat().st_size / 1e6:.0f} MB)', flush=True)
        for count in counts:
            measure(heapdiff, str(file), addresses(symbols, count), options, work)
        agreement(heapdiff, str(file), symbols, addresses(symbols, max(counts)), work)


main()
