#!/usr/bin/env python3
"""Runs one golden case: commands and what they must print, in one file.

usage: golden.py [--update] --program HEAPDIFF --root PROJECT-ROOT
                 [--build BUILD-DIR] CASE

A case is read line by line; the order of what follows a command does not matter
to the shell, but stands as it is printed here:

    # a comment, kept by --update
    $ heapdiff top "$TESTDATA/pprof/a.pb.gz" | head -1
    | a line of standard output
    ! a line of standard error
    = 1                          the exit status, left out where it is 0

Commands run one after the other by sh, all in the same new, empty directory, so
that files and the remembered set go over from one to the next. The environment
holds PATH (the program first), HOME and XDG_STATE_HOME (new and empty, too),
LC_ALL=C.UTF-8, TZ=UTC and
    $TMP       the directory
    $TESTDATA  testdata/ of the project
    $ROOT      the project
    $PROGRAMS  the test programs that the build made
and wherever a value of these is printed, the case has its name. `pty COLUMNS
COMMAND...` runs a command on a terminal of that width.

A control character is shown as \\x1b, and a last line without newline ends in
" \\ no newline". Before the first command there may be
    % needs PATH        skip where the project has no such file or directory
    % needs-command X   skip where there is no such command
    % s/REGEX/TEXT/     replace in all output (Python's re.sub; any delimiter)
"""
import argparse
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
SECONDS = 600
NO_NEWLINE = " \\ no newline"


class Case:
    """head: the lines before the first command; steps: [(comments, command, expected)]"""

    def __init__(self, path):
        self.head, self.steps = [], []
        comments = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("$ "):
                self.steps.append((comments, line[2:], []))
                comments = []
            elif line.startswith(("| ", "! ", "= ")) or line in ("|", "!"):
                if not self.steps or comments:
                    sys.exit(f"{path}:{number}: output that belongs to no command")
                self.steps[-1][2].append(line)
            elif line.startswith("% ") and not self.steps:
                self.head.append(line)
            elif line.startswith("#") or not line.strip():
                (comments if self.steps else self.head).append(line)
            else:
                sys.exit(f"{path}:{number}: not understood: {line}")
        self.tail = comments
        if not self.steps:
            sys.exit(f"{path}: no command")

    def settings(self, word):
        return [line.split(None, 2)[2] for line in self.head if line.startswith(f"% {word} ")]

    def replacements(self):
        for line in self.head:
            if re.match(r"% s[^\w\s]", line):
                delimiter = line[3]
                _, pattern, text, _ = re.split(r"(?<!\\)" + re.escape(delimiter), line[2:])
                yield re.compile(pattern), text

    def text(self, results):
        lines = list(self.head)
        for (comments, command, _), result in zip(self.steps, results):
            lines += comments + ["$ " + command] + result
        return "\n".join(lines + self.tail) + "\n"


class Runner:
    def __init__(self, case, options, scratch):
        root = pathlib.Path(options.root).resolve()
        self.work = scratch / "work"
        tools = scratch / "tools"
        for folder in (self.work, tools, scratch / "home", scratch / "state"):
            folder.mkdir()
        program = pathlib.Path(options.program).resolve()
        (tools / "heapdiff").symlink_to(program)
        (tools / "pty").symlink_to(root / "tests/golden/pty.py")
        build = pathlib.Path(options.build).resolve() if options.build else program.parent
        self.names = {"TMP": self.work, "TESTDATA": root / "testdata",
                      "PROGRAMS": build / "testdata/programs", "ROOT": root}
        self.environment = {
            "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
            "HOME": str(scratch / "home"), "XDG_STATE_HOME": str(scratch / "state"),
            "LC_ALL": "C.UTF-8", "TZ": "UTC",
            **{name: str(value) for name, value in self.names.items()}}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.replacements = list(case.replacements())

    def shown(self, data, mark):
        text = data.decode("utf-8", "backslashreplace")
        for name, value in self.names.items():
            text = text.replace(str(value), "$" + name)
        for pattern, replacement in self.replacements:
            text = pattern.sub(replacement, text)
        text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]",
                      lambda match: f"\\x{ord(match[0]):02x}", text)
        if not text:
            return []
        lines = text.split("\n")
        if lines[-1]:
            lines[-1] += NO_NEWLINE
        else:
            lines.pop()
        return [f"{mark} {line}" if line else mark for line in lines]

    def run(self, command):
        try:
            result = subprocess.run(["sh", "-c", command], cwd=self.work, env=self.environment,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            sys.exit(f"not done after {SECONDS} s: {command}")
        lines = self.shown(result.stdout, "|") + self.shown(result.stderr, "!")
        if result.returncode:
            lines.append(f"= {result.returncode}")
        return lines


def skip_where_absent(case, root):
    for path in case.settings("needs"):
        if not (root / path).exists():
            print(f"skipped: there is no {path}")
            sys.exit(SKIPPED)
    for command in case.settings("needs-command"):
        if not shutil.which(command):
            print(f"skipped: there is no {command}")
            sys.exit(SKIPPED)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--program", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--build")
    parser.add_argument("case")
    options = parser.parse_args()
    path = pathlib.Path(options.case)
    case = Case(path)
    skip_where_absent(case, pathlib.Path(options.root))
    with tempfile.TemporaryDirectory(prefix="heapdiff-golden-") as scratch:
        runner = Runner(case, options, pathlib.Path(scratch).resolve())
        results = [runner.run(command) for _, command, _ in case.steps]
    wanted, got = path.read_text(), case.text(results)
    if wanted == got:
        return
    if options.update:
        path.write_text(got)
        print(f"updated {path}")
        return
    sys.stdout.writelines(difflib.unified_diff(
        wanted.splitlines(True), got.splitlines(True), f"{path.name}, wanted",
        f"{path.name}, got", n=5))
    sys.exit(1)


main()
