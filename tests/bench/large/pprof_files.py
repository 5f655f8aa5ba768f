"""profile.proto as Go's runtime writes it: samples first, then what they refer to, ids in
the order of a shuffled numbering, gzip at its fastest."""
import gzip
import random

import tree


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def numbers(*pairs):
    return b"".join(varint(number << 3) + varint(value) for number, value in pairs if value)


class Strings:
    def __init__(self):
        self.ids = {"": 0}

    def __call__(self, text):
        return self.ids.setdefault(text, len(self.ids))

    def encoded(self):
        return b"".join(field(6, text.encode()) for text in self.ids)


class Numbering:
    """Ids of places, in the order in which they are first met, as Go's runtime gives them."""

    def __init__(self):
        self.ids = {}

    def stack(self, node):
        """A stack's ids, leaf first; those of a part that was met before are at hand."""
        pending = []
        while node and node[2] is None:
            pending.append(node)
            node = node[1]
        known = node[2] if node else b""
        for part in pending:
            self.ids.setdefault(part[0], len(self.ids) + 1)
        for part in reversed(pending):
            known = part[2] = varint(self.ids[part[0]]) + known
        return known


def stacks(shape, count):
    """(stack, leaf, size) of `count` different ones, in any order."""
    found = []
    shape.stacks(count, lambda site, caller: [site, caller, None],
                 lambda stack, leaf, size: found.append((stack, leaf, size)))
    return found


def samples(found, age, numbering, strings):
    """The samples of snapshot `age`: in each the live objects of other places are gone."""
    draw = random.Random(f"{tree.SEED} {len(found)} {age}")
    label = {size: field(3, numbers((1, strings("bytes")), (3, size), (4, strings("bytes"))))
             for size in tree.CLASSES}
    for stack, leaf, size in found:
        live, space, total, allocated = tree.values(draw, size, leaf % 50 == 0, age)
        if leaf % 40 == age % 40:
            live = space = 0
        body = field(1, numbering.stack(stack))
        body += field(2, b"".join(map(varint, (total, allocated, live, space))))
        yield field(2, body + label[size])


def tables(shape, numbering, strings):
    """Mapping, locations and functions; every eighth place has a call inlined there."""
    parts = [field(3, numbers((1, 1), (2, 0x400000), (3, 0x4000000), (5, strings("/srv/service")),
                              (7, 1), (8, 1), (9, 1), (10, 1)))]
    for site, number in numbering.ids.items():
        function = site // 3
        lines = b""
        if site % 8 == 0:
            inner = (function + 1) % shape.functions
            lines = field(4, numbers((1, inner + 1), (2, shape.start_line(inner) + 2)))
        lines += field(4, numbers((1, function + 1), (2, shape.line(site))))
        parts.append(field(4, numbers((1, number), (2, 1), (3, 0x401000 + site * 64)) +
                           lines))
    for function in range(shape.functions):
        name = strings(shape.function_name(function))
        parts.append(field(5, numbers((1, function + 1), (2, name), (3, name),
                                      (4, strings(shape.file_name(function))),
                                      (5, shape.start_line(function)))))
    return parts


def write(path, shape, found, age):
    """Snapshot number `age` of a service with these stacks, gzipped; its inflated size. In
    each they come in another order, and so have other ids."""
    strings = Strings()
    numbering = Numbering()
    random.Random(f"order {age}").shuffle(found)
    types = [field(1, numbers((1, strings(name)), (2, strings(unit)))) for name, unit in (
        ("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"),
        ("inuse_space", "bytes"))]
    body = types + list(samples(found, age, numbering, strings))
    body += tables(shape, numbering, strings)
    period = field(11, numbers((1, strings("space")), (2, strings("bytes"))))
    default = strings("inuse_space")
    body.append(strings.encoded())
    body.append(numbers((9, (1_700_000_000 + 60 * age) * 10 ** 9)) + period +
                numbers((12, tree.RATE), (14, default)))
    data = b"".join(body)
    with open(path, "wb") as out:
        out.write(gzip.compress(data, 1, mtime=0))
    return len(data)


def write_series(paths, count):
    """One snapshot a path; returns their inflated sizes."""
    shape = tree.Tree(count)
    found = stacks(shape, count)
    sizes = []
    for age, path in enumerate(paths):
        for stack, _, _ in found:
            while stack and stack[2] is not None:
                stack[2] = None
                stack = stack[1]
        sizes.append(write(path, shape, found, age))
    return sizes
