"""Reads native snapshots and names their frames by the ELF symbol tables."""
import bisect
import collections
import json
import os
import struct

PT_LOAD, SHT_SYMTAB, SHT_DYNSYM, STT_FUNC = 1, 2, 11, 2


class Symbols:
    """The functions of an ELF file by file offset."""

    def __init__(self, path):
        with open(path, 'rb') as file:
            data = file.read()
        phoff, shoff = struct.unpack_from('<QQ', data, 32)
        phsize, phnum, shsize, shnum = struct.unpack_from('<HHHH', data, 54)
        loads = []
        for i in range(phnum):
            kind, _, offset, address, _, size = struct.unpack_from('<IIQQQQ', data, phoff + i * phsize)
            if kind == PT_LOAD:
                loads.append((address, size, offset))
        sections = [struct.unpack_from('<IIQQQQIIQQ', data, shoff + i * shsize) for i in range(shnum)]
        found = {}
        for section in sections:
            if section[1] not in (SHT_SYMTAB, SHT_DYNSYM):
                continue
            names = sections[section[6]][4]
            for at in range(section[4], section[4] + section[5], 24):
                name, info, _, _, value, size = struct.unpack_from('<IBBHQQ', data, at)
                if info & 15 != STT_FUNC or not size:
                    continue
                end = data.index(b'\0', names + name)
                for address, length, offset in loads:
                    if address <= value < address + length:
                        text = data[names + name:end].decode()
                        found[value - address + offset] = (size, text)
        self.starts = sorted(found)
        self.found = found

    def name(self, offset):
        i = bisect.bisect_right(self.starts, offset) - 1
        if i < 0:
            return None
        size, name = self.found[self.starts[i]]
        return name if offset < self.starts[i] + size else None


class Snapshot:
    """A snapshot, checked against its closing line."""

    cache = {}

    def __init__(self, path):
        self.path = path
        self.modules, self.frames, self.stacks = [], [], []
        with open(path, encoding='utf-8', errors='strict') as file:
            lines = [json.loads(line) for line in file]
        self.header, self.end = lines[0], lines[-1]['end']
        assert self.header['heapdiff'] == 1 and self.header['kind'] == 'heap'
        for line in lines[1:-1]:
            if 'module' in line:
                self.modules.append(line['module'])
            elif 'frames' in line:
                self.frames += line['frames']
            else:
                assert all(0 <= i < len(self.frames) for i in line['stack'])
                self.stacks.append(line)
        records = sum(len(stack['records']) for stack in self.stacks)
        counts = (len(self.modules), len(self.frames), len(self.stacks), records)
        assert counts == tuple(self.end[k] for k in ('modules', 'frames', 'stacks', 'records'))

    def function(self, index):
        module, offset = self.frames[index]
        if module is None:
            return None
        path = self.modules[module]['path']
        if path.startswith('['):
            return path
        if path not in Snapshot.cache:
            Snapshot.cache[path] = Symbols(path)
        return Snapshot.cache[path].name(offset)

    def functions(self, stack):
        return [self.function(i) for i in stack['stack']]

    def site(self, stack):
        """The innermost frame that a test calls a site."""
        for name in self.functions(stack):
            if name and '_' in name and (name.startswith('site_') or 'site_' in name):
                return name
        return None

    def exact(self):
        """Site -> [live bytes, live objects, allocated bytes, allocated objects]."""
        sums = collections.defaultdict(lambda: [0] * 4)
        for stack in self.stacks:
            for record in stack['records']:
                for i, value in enumerate(record['values']):
                    sums[self.site(stack)][i] += value
                aged = sum(count for _, count in record.get('ages', []))
                assert aged == record['values'][1]
        return sums


def whole(directory):
    """Those that have been written, of a directory that is being written to, or was when the
    end came."""
    return [os.path.join(directory, name) for name in os.listdir(directory)
            if not name.startswith('.')]


def load(directory, thinned=False):
    """All snapshots of a directory, which holds nothing else: series -> list. With
    `thinned` some may be missing in the middle."""
    series = collections.defaultdict(list)
    for name in sorted(os.listdir(directory)):
        assert name.endswith('.heapdiff') and not name.startswith('.'), name
        snapshot = Snapshot(os.path.join(directory, name))
        series[name.rsplit('.', 2)[0]].append(snapshot)
    for snapshots in series.values():
        numbers = [s.header['sequence'] for s in snapshots]
        assert numbers == sorted(set(numbers)) if thinned else numbers == list(range(len(numbers)))
        assert snapshots[0].header['reason'] == 'start'
        keys = ('host', 'boot_id', 'pid', 'start_ns', 'image_ns')
        assert len({tuple(s.header[k] for k in keys) for s in snapshots}) == 1
    return series
