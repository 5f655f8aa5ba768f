#!/usr/bin/env python3
"""Every #include is one that layers.txt allows.

usage: check_layers.py PROJECT-ROOT
"""
import fnmatch
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# What needs no installed package but libc's and the compiler's.
LIBC = re.compile(
    r"^(alloca|assert|ctype|dirent|dlfcn|elf|errno|fcntl|features|float|glob|grp|inttypes|langinfo|libgen|"
    r"limits|link|locale|malloc|math|poll|pthread|pwd|sched|setjmp|signal|spawn|stdalign|stdarg|"
    r"stdatomic|stdbool|stddef|stdint|stdio|stdio_ext|stdlib|stdnoreturn|string|strings|termios|threads|"
    r"time|ucontext|unistd|unwind|wchar|(sys|linux|asm|bits|net|netinet|arpa)/[a-z_0-9/-]+)\.h$")


class Rules:
    def __init__(self, path):
        self.folders, self.public, self.allowed, self.libraries = {}, {}, [], {}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            match = re.match(r"(folder|public|allow|library) ([^:]+):(.*)$", line)
            if not match:
                sys.exit(f"{path}:{number}: not a rule: {line}")
            self.add(match[1], match[2].split(), match[3].split())

    def add(self, kind, names, rest):
        if kind == "allow":
            self.allowed.append((names[0], names[1]))
        else:
            table = {"folder": self.folders, "public": self.public, "library": self.libraries}
            table[kind][names[0]] = rest

    def excepted(self, inside, header):
        return any(fnmatch.fnmatch(inside, file) and header == allowed
                   for file, allowed in self.allowed)

    def library(self, header):
        """The folders that may include a third-party header, None where it is none."""
        for pattern, folders in self.libraries.items():
            if fnmatch.fnmatch(header, pattern):
                return folders
        return None

    def wrong_quoted(self, top, folder, file, inside, header):
        """Why a "header" may not be included there; None where it may."""
        if top == "cli":
            return None if (file.parent / header).is_file() else "is no header of cli/"
        if top == "include":
            return "is not <heapdiff/...>: an installed header finds nothing else"
        target = header.split("/")[0] if "/" in header else None
        if target is None:
            return None if folder == "agent" and (file.parent / header).is_file() \
                else "names no folder"
        if target == folder or self.excepted(inside, header):
            return None
        if folder not in self.folders:
            return f"src/{folder} is not in layers.txt"
        if target in self.folders[folder]:
            return None
        return f"src/{folder} may include {' '.join(self.folders[folder]) or 'nothing'} only"

    def wrong_angled(self, top, folder, header):
        who = folder if top == "src" else top
        if header.startswith("heapdiff/"):
            public = self.public.get(who, [])
            if "*" in public or header.removeprefix("heapdiff/") in public:
                return None
            return f"{who} may include of the public headers {' '.join(public) or 'none'}"
        folders = self.library(header)
        if folders is None:
            return None if LIBC.match(header) else "is neither of libc nor in layers.txt"
        if top == "cli" and "cli" in folders:
            return None
        if top == "src" and (folder in folders or ("*" in folders and folder != "agent")):
            return None
        return f"{who} may not include it"


def check(root, rules):
    count = 0
    for top in ("src", "cli", "include"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in (".c", ".h", ".def"):
                continue
            parts = file.relative_to(root / top).parts
            folder, inside = parts[0], "/".join(parts)
            for number, line in enumerate(file.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                quoted, angled = match[1], match[2]
                why = rules.wrong_quoted(top, folder, file, inside, quoted) if quoted \
                    else rules.wrong_angled(top, folder, angled)
                if why:
                    count += 1
                    print(f"{file.relative_to(root)}:{number}: {quoted or angled}: {why}")
    return count


def main():
    root = pathlib.Path(sys.argv[1])
    count = check(root, Rules(pathlib.Path(__file__).with_name("layers.txt")))
    if count:
        sys.exit(f"{count} includes cross the layers (tests/lint/layers.txt)")


main()
