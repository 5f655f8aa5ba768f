"""The time of a profile in pprof's format, uncompressed."""


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def varint_at(body, at):
    number = shift = 0
    while True:
        number |= (body[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if body[at - 1] < 128:
            return number, at


def of_time(body, time_ns):
    """A profile as if it had been taken then: its field 9 is the time."""
    out, at = b"", 0
    while at < len(body):
        tag, value = varint_at(body, at)
        number, end = varint_at(body, value)
        end += number if tag & 7 == 2 else 0
        out += b"\x48" + varint(time_ns) if tag == 9 << 3 else body[at:end]
        at = end
    return out
