#!/usr/bin/env python3
"""The library neither prints nor ends the process: no object of it refers to a
function that does.

usage: check_symbols.py NM LIBRARY
"""
import re
import subprocess
import sys

BANNED = re.compile(
    r"^(__)?(v?printf|puts|putchar|putchar_unlocked|perror|psignal|psiginfo|stdout|stderr|"
    r"_IO_2_1_stdout_|_IO_2_1_stderr_|v?dprintf|v?errx?|v?warnx?|error|error_at_line|v?syslog|"
    r"exit|_exit|_Exit|quick_exit|abort|_assert_fail|assert_fail|assert_perror_fail)(_chk)?$")
# (object, symbol): why
ALLOWED = {
    ("target.c.o", "_exit"): "the forked child, where the program could not be started",
    ("isolated.c.o", "_exit"): "the forked child, whose end is not the program's",
}


def main():
    nm, library = sys.argv[1:]
    listing = subprocess.run([nm, "--print-file-name", "--undefined-only", library], text=True,
                             check=True, stdout=subprocess.PIPE).stdout
    symbols, faults = 0, []
    for line in listing.splitlines():
        match = re.match(r"^.*?:([^:]+): +[Uw] (\S+)$", line)
        if not match:
            continue
        symbols += 1
        name = match[2].split("@")[0]
        if BANNED.match(name) and (match[1], name) not in ALLOWED:
            faults.append(f"{match[1]}: {name}")
    # A listing that could not be read must not pass for a clean one.
    if not symbols:
        sys.exit(f"{library}: {nm} lists no undefined symbols")
    if faults:
        sys.exit("\n".join(faults) + "\nonly cli/ prints and exits")


main()
