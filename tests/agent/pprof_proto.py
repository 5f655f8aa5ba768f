"""Reads a profile.proto with nothing but the wire format."""


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """Field number -> list of numbers or bytes."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        assert tag & 7 in (0, 2), tag
        value, at = varint(data, at)
        if tag & 7 == 2:
            assert at + value <= len(data), 'a message is cut'
            value, at = data[at:at + value], at + value
        found.setdefault(tag >> 3, []).append(value)
    return found


def packed(data):
    numbers, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        numbers.append(value)
    return numbers


class Profile:
    def __init__(self, path):
        with open(path, 'rb') as file:
            top = fields(file.read())
        strings = [s.decode() for s in top[6]]
        assert strings[0] == ''
        one = lambda message, field: fields(message).get(field, [0])[0]
        self.types = [(strings[one(m, 1)], strings[one(m, 2)]) for m in top[1]]
        self.mappings = [(one(m, 1), one(m, 2), one(m, 3), one(m, 4), strings[one(m, 5)],
                          strings[one(m, 6)]) for m in top.get(3, [])]
        self.locations = {one(m, 1): (one(m, 2), one(m, 3)) for m in top.get(4, [])}
        self.samples = []
        for message in top.get(2, []):
            parts = fields(message)
            labels = {strings[one(label, 1)]: one(label, 3) for label in parts.get(3, [])}
            self.samples.append((packed(parts.get(1, [b''])[0]), packed(parts[2][0]), labels))
        self.period_type = tuple(strings[one(top[11][0], i)] for i in (1, 2))
        self.period, self.time = top[12][0], top[9][0]
        self.default_type = strings[top[14][0]]
        ids = {m[0] for m in self.mappings}
        assert all(mapping in ids | {0} for mapping, _ in self.locations.values())
        assert all(i in self.locations for s in self.samples for i in s[0])

    def frame(self, location):
        """(path, offset in the file)"""
        mapping, address = self.locations[location]
        for number, start, limit, offset, path, _ in self.mappings:
            if number == mapping:
                assert start <= address < limit
                return path, address - start + offset
        return None, address
