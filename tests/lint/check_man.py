#!/usr/bin/env python3
"""The man pages: mandoc finds no fault, each verb's page names every option of
the verb and no other, and every page that one refers to as heapdiff's is there.

usage: check_man.py PROJECT-ROOT HEAPDIFF
"""
import pathlib
import re
import shutil
import subprocess
import sys

# The build stamps no dates, so that it can be reproduced.
ACCEPTED = "missing date"
# Verbs that have no page of their own are described in heapdiff(1).
IN_MAIN_PAGE = ("help", "completion")
# Not rows of a verb: what the program itself takes, and other programs' options
# in the text.
GENERAL = {"heapdiff.1": {"--help", "-h", "--version"}}
OTHERS = {"heapdiff-record.1": {"-g"}, "heapdiff-top.1": {"-top"},
          "heapdiff-peek.1": {"-peek"}, "heapdiff-tree.1": {"-tree"},
          "heapdiff-traces.1": {"-traces"},
          "heapdiff-shell.1": {"-top", "-peek", "-tree", "-traces"},
          # of valgrind
          "heapdiff-formats.7": {"--detailed-freq", "--fullpath-after", "--pages-as-heap",
                                 "--threshold", "--tool", "--xtree-memory",
                                 # of compilers
                                 "-fsanitize",
                                 # of heaptrack
                                 "--disable-builtin-suppressions", "--raw"}}


def option_rows(program):
    """verb -> {"--long", "-l", ...}"""
    text = subprocess.run([program, "completion", "rows"], text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    verbs = {}
    for line in text.splitlines():
        fields = line.split("\t")
        options = verbs.setdefault(fields[0], set())
        if len(fields) == 4:
            options.add("--" + fields[1])
            if fields[2] != "-":
                options.add("-" + fields[2])
    return verbs


def plain(page):
    """A page's source without its examples and with its escapes undone."""
    text = re.sub(r"^\.nf$.*?^\.fi$", "", page.read_text(), flags=re.M | re.S)
    text = re.sub(r'\\f[A-Z]|\\f\(..|"', " ", text)
    return text.replace("\\-", "-").replace("\\&", "")


def documented(page):
    """The options that head a paragraph."""
    heads = re.findall(r"^\.TP\n(.*)$", plain(page), flags=re.M)
    return {word for head in heads for word in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", head)}


def mentioned(page):
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", plain(page)))


def check_options(folder, verbs, faults):
    every = set().union(*verbs.values()) | GENERAL["heapdiff.1"]
    for verb, options in verbs.items():
        if verb in IN_MAIN_PAGE:
            continue
        page = folder / f"heapdiff-{verb}.1"
        if not page.is_file():
            faults.append(f"man/{page.name}: the verb {verb} has no page")
            continue
        faults += [f"man/{page.name}: {option} is not described"
                   for option in sorted(options - documented(page))]
        faults += [f"man/{page.name}: {option} is described, but there is no such option"
                   for option in sorted(documented(page) - options)]
    for page in sorted(folder.glob("heapdiff*.[157]")):
        wrong = mentioned(page) - every - OTHERS.get(page.name, set())
        faults += [f"man/{page.name}: {option} is no option of any verb"
                   for option in sorted(wrong)]
    main = plain(folder / "heapdiff.1")
    faults += [f"man/heapdiff.1: the verb {verb} is not named" for verb in verbs
               if not re.search(rf"heapdiff {verb}\b", main)]


def check_references(folder, faults):
    for page in sorted(folder.glob("*.[157]")):
        for name, section in re.findall(r"(heapdiff[\w-]*) \((\d)\)", plain(page)):
            if not (folder / f"{name}.{section}").is_file():
                faults.append(f"man/{page.name}: there is no {name}({section})")


def check_markup(folder, faults):
    for page in sorted(folder.glob("*.[157]")):
        result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        faults += [line for line in result.stdout.splitlines() if ACCEPTED not in line]


def main():
    folder = pathlib.Path(sys.argv[1]) / "man"
    faults = []
    check_options(folder, option_rows(sys.argv[2]), faults)
    check_references(folder, faults)
    if shutil.which("mandoc"):
        check_markup(folder, faults)
    else:
        print("mandoc is not installed: the markup was not checked")
    if faults:
        sys.exit("\n".join(faults))


main()
