"""jemalloc's and gperftools' heap profiles as text, and heapdiff's own JSON Lines, of the
same call tree. The places of the first two are addresses of a real program, so that symbols
can be looked up by whoever reads them."""
import json
import re
import subprocess

import random

import tree

BASE = 0x555555554000


class Program:
    """Addresses in functions of an executable, as it would be mapped."""

    def __init__(self, path):
        self.path = path
        headers = self.tool("readelf", "-lW", path)
        load = next(line.split() for line in headers.splitlines()
                    if line.split()[:1] == ["LOAD"] and " E " in line.replace("R E", " E "))
        self.offset, self.start = int(load[1], 16), int(load[2], 16)
        self.size = int(load[5], 16)
        self.functions = []
        for line in self.tool("nm", "-S", "--defined-only", path).splitlines():
            found = re.match(r"([0-9a-f]+) ([0-9a-f]+) [tT] ", line)
            if found and int(found[2], 16) >= 64:
                self.functions.append((int(found[1], 16), int(found[2], 16)))
        self.functions.sort()

    @staticmethod
    def tool(*command):
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout

    def address(self, site):
        """Where the call at a place of the tree returns to."""
        start, size = self.functions[site // 3 % len(self.functions)]
        return BASE + start + 8 + (size - 16) * (site % 3 + 1) // 4

    def maps(self):
        page = 4096
        begin, end = self.start // page * page, (self.start + self.size + page - 1) // page * page
        return (f"{BASE + begin:x}-{BASE + end:x} r-xp {self.offset // page * page:08x} 00:00 1  "
                f"{self.path}\n")


def rows(count, age, addresses):
    """(addresses leaf first, live objects and bytes, allocated ones) of each stack."""
    draw = random.Random(f"{tree.SEED} {count} {age}")
    shape, found = tree.Tree(count), []

    def add(stack, leaf, size):
        found.append((stack, tree.values(draw, size, leaf % 50 == 0, age)))

    shape.stacks(count, lambda site, caller: addresses(site) + (caller or ""), add)
    draw.shuffle(found)
    return found


def write_jemalloc(path, count, age, program):
    words = {}

    def address(site):
        if site not in words:
            words[site] = f" 0x{program.address(site):x}"
        return words[site]

    with open(path, "w", encoding="ascii") as out:
        lines, totals = [], [0, 0, 0, 0]
        for stack, counts in rows(count, age, address):
            live, space, total, allocated = counts
            totals = [a + b for a, b in zip(totals, counts)]
            row = f"{live}: {space} [{total}: {allocated}]"
            lines.append(f"@{stack}\n  t*: {row}\n  t0: {row}\n")
        row = f"{totals[0]}: {totals[1]} [{totals[2]}: {totals[3]}]"
        out.write(f"heap_v2/{tree.RATE}\n  t*: {row}\n  t0: {row}\n")
        out.writelines(lines)
        out.write("\nMAPPED_LIBRARIES:\n" + program.maps())


def write_gperftools(path, count, age, program):
    with open(path, "w", encoding="ascii") as out:
        lines, totals = [], [0, 0, 0, 0]
        for stack, counts in rows(count, age, lambda site: f" 0x{program.address(site):x}"):
            totals = [a + b for a, b in zip(totals, counts)]
            lines.append("{}: {} [{}: {}] @".format(*counts) + stack + "\n")
        out.write("heap profile: {}: {} [{}: {}] @ heapprofile\n".format(*totals))
        out.writelines(lines)
        out.write("\nMAPPED_LIBRARIES:\n" + program.maps())


def write_native(path, count, age):
    """heapdiff-snapshot(5), exact, with symbols."""
    shape = tree.Tree(count)
    strings, frames = {}, []

    def text(value):
        return strings.setdefault(value, len(strings))

    for site in range(shape.sites):
        function = site // 3
        frames.append([0, 0x401000 + site * 64,
                       [[text(shape.function_name(function)), text(shape.file_name(function)),
                         shape.line(site), shape.start_line(function)]]])
    head = {"heapdiff": 1, "kind": "heap", "pid": 1, "time_ns": (1_700_000_000 + 60 * age) * 10 ** 9,
            "sequence": age, "program": "/srv/service", "rate": 1,
            "measures": ["inuse_space", "inuse_objects", "alloc_space", "alloc_objects"]}
    with open(path, "w", encoding="ascii") as out:
        def line(value):
            out.write(json.dumps(value, separators=(",", ":")) + "\n")

        line(head)
        line({"module": {"path": "/srv/service", "build_id": "00"}})
        names = list(strings)
        for at in range(0, len(names), 500):
            line({"strings": names[at:at + 500]})
        for at in range(0, len(frames), 500):
            line({"frames": frames[at:at + 500]})
        made = 0
        for stack, counts in rows(count, age, lambda site: f",{site}"):
            live, space, total, allocated = counts
            out.write(f'{{"stack":[{stack[1:]}],"records":[{{"values":'
                      f"[{space},{live},{allocated},{total}]}}]}}\n")
            made += 1
        line({"end": {"strings": len(strings), "modules": 1, "frames": len(frames),
                      "stacks": made, "records": made}})
