#!/usr/bin/env python3
"""No source file and no function is too long to be read at once.

usage: check_sizes.py PROJECT-ROOT
A function's length is counted from its opening brace to its closing one, each
alone at the beginning of a line, as the project's style has them.
"""
import pathlib
import sys

MOST_FILE_LINES = 500
MOST_FUNCTION_LINES = 60
FOLDERS = ("src", "cli", "include", "tests", "testdata/programs")


def long_functions(lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start + 1 > MOST_FUNCTION_LINES:
                yield start, number - start + 1
            start = None


def main():
    root = pathlib.Path(sys.argv[1])
    faults = []
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".c", ".h", ".cc", ".def", ".py", ".sh", ".txt"):
                continue
            name = file.relative_to(root)
            lines = file.read_text(errors="replace").splitlines()
            if len(lines) > MOST_FILE_LINES:
                faults.append(f"{name}: {len(lines)} lines, at most {MOST_FILE_LINES}: split it "
                              f"by concept")
            if file.suffix == ".c":
                faults += [f"{name}:{start}: a function of {length} lines, at most "
                           f"{MOST_FUNCTION_LINES}" for start, length in long_functions(lines)]
    if faults:
        sys.exit("\n".join(faults))


main()
