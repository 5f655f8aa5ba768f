"""Ratios of whole programs, and how sure they are."""
import math
import statistics

import programs


def interval(values):
    """A 95% interval of the median by the order of the values (binomial)."""
    ordered, n = sorted(values), len(values)
    below, k = 0.0, 0
    while k < n // 2:
        below += math.comb(n, k) * .5 ** n
        if below > .025:
            break
        k += 1
    low = max(k - 1, 0)
    return ordered[low], ordered[n - 1 - low]


def median_text(values, digits=3):
    low, high = interval(values)
    return f'{statistics.median(values):.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]'


def geometric(values):
    return math.exp(sum(math.log(v) for v in values) / len(values))


def chosen(workloads, options):
    wanted = [w for w in options.only.split(',') if w]
    return [n for n in workloads if not wanted or any(w in n for w in wanted)]


def ratios(bench, workloads, name, pairs, options):
    """Per way: the ratios of its runs to those of its base next to them."""
    if options.counts:
        base = {}
        for label, (way, of) in pairs.items():
            key = str(of)
            if key not in base:
                base[key] = programs.count(bench, workloads, name, of)
        return {label: [programs.count(bench, workloads, name, way) / base[str(of)]]
                for label, (way, of) in pairs.items()}
    found = {label: [] for label in pairs}
    for turn in range(options.runs):
        for label, (way, of) in pairs.items():
            if turn % 2:
                theirs = programs.run(bench, workloads, name, of)
            ours = programs.run(bench, workloads, name, way)
            if not turn % 2:
                theirs = programs.run(bench, workloads, name, of)
            found[label].append(ours / theirs)
    return found


def table(bench, workloads, ways, options):
    labels = list(ways)
    print(f'{"":24}' + ''.join(f'{label:>26}' for label in labels))
    rows = {}
    for name in chosen(workloads, options):
        found = ratios(bench, workloads, name, ways, options)
        rows[name] = {label: statistics.median(values) for label, values in found.items()}
        print(f'{name:24}' + ''.join(f'{median_text(found[label]):>26}' for label in labels),
              flush=True)
    return rows


def sampled(bench, options):
    native = bench.native()
    ways = {
        'heapdiff 512 KiB': (bench.ours(), native),
        'jemalloc prof 19': (bench.jemalloc(19), bench.jemalloc()),
        'gperftools 512 KiB': (bench.tcmalloc(programs.RATE), bench.tcmalloc()),
    }
    workloads = dict(programs.WORKLOADS)
    if options.counts: # of loops alone a part tells as much as the whole
        workloads |= {name: command for name, command in programs.SHORTER.items()
                      if 'thread' in name}
    table(bench, workloads, ways, options)


def exact(bench, options):
    native = bench.native()
    ways = {'heapdiff rate 1': (bench.ours(1), native), 'heaptrack': (bench.heaptrack(), native)}
    rows = table(bench, programs.SHORTER, ways, options)
    shares = {name: row['heapdiff rate 1'] / row['heaptrack'] for name, row in rows.items()}
    for name, share in shares.items():
        print(f'  {name:24} {share:.2f} of heaptrack')
    print(f'  geometric mean           {geometric(shares.values()):.2f}, '
          f'worst {max(shares.values()):.2f}')
