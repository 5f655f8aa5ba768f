"""Call stacks as a large service has them: a walk through a call tree, from a fixed seed.
Stack follows stack by returning from a few frames and calling a few others, so that they
share their roots, as real ones do; then they are shuffled, as a profiler's hash table
does. What is drawn depends on the seed and the number of stacks alone.
"""
import random

SEED = 9
DEEPEST, DEPTH = 160, 56
# Most calls go where most calls go: of six callees, and of three places in a function.
CALLEES = (0,) * 9 + (1,) * 3 + (2, 2, 3, 4, 5)
PLACES = (0, 0, 0, 0, 1, 1, 2)
CLASSES = (16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512, 640, 1024, 1408,
           2048, 4096, 8192, 16384, 65536, 262144, 1 << 20)
RATE = 512 * 1024


class Tree:
    """Functions and the places in them that call or allocate."""

    def __init__(self, stacks):
        draw = random.Random(SEED)
        self.functions = max(200, min(24_000, stacks // 20))
        self.sites = 3 * self.functions  # place n is in function n // 3
        # Of each function, whom it calls: near ones mostly, as in a package.
        self.callees = [[self._callee(draw, number) for _ in range(6)]
                        for number in range(self.functions)]
        self.sizes = [draw.sample(CLASSES, draw.choice((1, 1, 1, 2, 3)))
                      for _ in range(self.sites)]

    def _callee(self, draw, number):
        if draw.random() < .7:
            return (number + draw.randrange(1, 40)) % self.functions
        return draw.randrange(self.functions)

    def function_name(self, number):
        return f"example.com/service/part{number // 60}.(*Store{number // 12 % 5}).Method{number}"

    def file_name(self, number):
        return f"/src/service/part{number // 60}/file{number // 6 % 10}.go"

    def start_line(self, number):
        return 20 + 70 * (number % 6)

    def line(self, site):
        return self.start_line(site // 3) + 7 + 19 * (site % 3)

    def stacks(self, count, encode, add):
        """Calls add(stack, leaf, size) with `count` different stacks. A stack is what
        encode(site, stack of the caller, None at the root) makes of it."""
        draw = random.Random(SEED + count)
        uniform, choice = draw.random, draw.choice
        path, seen = [(0, None, 0)], set()  # site, what encode made of it, hash
        while len(seen) < count:
            # Back to the middle: deeper stacks return from more than they call.
            del path[max(1, len(path) - int(1 + 6 * uniform() * (len(path) / DEPTH))):]
            site, made, digest = path[-1]
            for _ in range(1 + int(4 * uniform())):
                if len(path) >= DEEPEST:
                    break
                site = self.callees[site // 3][choice(CALLEES)] * 3 + choice(PLACES)
                made, digest = encode(site, made), hash((site, digest))
                path.append((site, made, digest))
            size = choice(self.sizes[site])
            if (digest, size) not in seen:
                seen.add((digest, size))
                add(made, site, size)


def values(draw, size, growing, age):
    """What one sampled stack holds in snapshot number `age`: live objects and bytes,
    allocated objects and bytes, unsampled as Go's runtime does it."""
    counted = 1 + int(-2.5 * (1 - draw.random()) ** 3 + 2.5)
    scale = 1 if size >= RATE * 8 else 1 / (1 - 2.718281828459045 ** (-size / RATE))
    live = int(counted * (1 + growing * age) * scale + .5)
    total = int(counted * (3 + age) * scale + .5)
    return live, live * size, total, total * size
