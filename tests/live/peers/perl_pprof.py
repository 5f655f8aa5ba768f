"""google-pprof and jeprof, the two Perl scripts that descend from gperftools' first
pprof: their readings, and what must be known of them to compare."""
import re
import shutil

from comparison import add, plain, renamed

# Where a library has no symbol for an address they take the exported one before it,
# with its version; heapdiff names the library, in brackets. The C library has its
# symbols where libc6-dbg is installed, as valgrind demands.
NAMELESS = "[no symbol]"
NEAREST = re.compile("@@(?!GLIBC_[0-9])")
# Allocators that both leave out of every stack; jeprof some more, by library.
ALLOCATORS = "^(malloc|calloc|realloc|free|operator new)$"


def top(bench, tool, program, snapshot, *arguments):
    """The reading of `TOOL --text`, and its total."""
    text = bench.run(tool, "--text", "--show_bytes", *arguments, program, snapshot)
    reading = {}
    for flat, cum, name in re.findall(
            r"^ *(-?\d+) +\S+% +\S+% +(-?\d+) +\S+% (.*)$", text, flags=re.M):
        add(reading, name, int(flat), int(cum))
    return reading, int(re.search(r"^Total: (-?\d+) ", text, flags=re.M)[1])


def llvm_tools():
    """An option for C++, or None where there is no LLVM: of an inlined function
    without a linkage name binutils' addr2line gives the name of the function around
    it, with the inlined one's line. The scripts want all the tools then."""
    addr2line = shutil.which("llvm-addr2line")
    if not addr2line:
        print("no llvm-addr2line here: C++ is left out")
        return None
    others = [f"{name}:{shutil.which(name)}" for name in ("nm", "objdump", "c++filt")]
    return f"--tools=addr2line:{addr2line}," + ",".join(others)


def compare(bench, what, ours, theirs, total, within=0, rule=plain):
    """Compares heapdiff's reading with one of the scripts'. They ask for inlined calls
    only in files that have a symbol _fini, and the C library has none: they miss the
    functions that the innermost was inlined into, all of them names that begin with
    an underscore, as no function of the programs does."""
    ours = renamed(ours, lambda name: NAMELESS if name.startswith("[") else name)
    theirs = renamed(theirs, lambda name: NAMELESS if NEAREST.search(name) else rule(name))
    ours = {name: (flat, cum) for name, (flat, cum) in ours.items()
            if flat or not name.startswith("_") or rule(name) in theirs}
    bench.compare(what, renamed(ours, rule), theirs, within=within, total=total)
