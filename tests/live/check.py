#!/usr/bin/env python3
"""`heapdiff check` on builds of one program, as a CI job runs it: the shell script of
heapdiff-check(1) itself. Of six builds it fails the one that leaks, and no other. The
outputs are what their formats ask for.

  check.py --heapdiff FILE --source gated.c --man heapdiff-check.1 --schema sarif-2.1.0.json
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

SKIPPED = 77
BUILDS = ("BASE", "LEAK", "SHIFTED", "RENAMED", "HELPER", "INLINED")

failures = []


def check(good, *what):
    if not good:
        failures.append(" ".join(str(w) for w in what))


class Work:
    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        self.compiler = shutil.which("cc")
        self.environment = dict(os.environ, XDG_STATE_HOME=str(self.folder / "state"),
                                XDG_CACHE_HOME=str(self.folder / "cache"),
                                PATH=str(self.folder / "bin") + ":" + os.environ["PATH"])
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "heapdiff").symlink_to(pathlib.Path(options.heapdiff).resolve())
        self.runs = 0

    def seeded(self):
        """The environment of another recording than those before: one in a thousand fails the
        gate by chance, and what is seen here is to be seen in every run of the test."""
        self.runs += 1
        return dict(self.environment, HEAPDIFF_SEED=str(self.runs))

    def build(self, name):
        """A checkout of its own, as in CI, with the program in it."""
        place = self.folder / name
        place.mkdir()
        source = place / "gated.c"
        text = pathlib.Path(self.options.source).read_text()
        source.write_text(shifted(text) if name == "SHIFTED" else text)
        subprocess.run([self.compiler, "-O2", "-g", "-fno-ipa-icf", f"-D{name}", "-o",
                        place / "gated", "gated.c"], cwd=place, check=True)
        return place

    def run(self, place, *arguments):
        return subprocess.run(["heapdiff", *arguments], cwd=place, text=True, timeout=600,
                              capture_output=True, env=self.seeded())


def shifted(text):
    """Other lines above the functions, and inside of them: at their beginning, and before
    what comes in their middle."""
    text = "/* Three\n * lines\n * more. */\n" + text
    text = text.replace("(size_t bytes)\n{\n", "(size_t bytes)\n{\n  if (!bytes)\n    return;\n")
    assert "struct block *page" in text
    return text.replace("    struct block *page", "    /* Now\n     * the page. */\n"
                                                  "    struct block *page")


def script_of(page):
    """The shell script in the manual page's examples."""
    text = pathlib.Path(page).read_text()
    match = re.search(r"^\.nf\n\.RS\n(#!/bin/sh\n.*?)^\.RE\n\.fi", text, flags=re.M | re.S)
    if not match:
        sys.exit(f"{page}: there is no example of a shell script")
    return match[1].replace("\\-", "-").replace("\\e", "\\").replace("\\(dq", '"')


def run_script(work, place, script):
    (place / "ci.sh").write_text(script)
    return subprocess.run(["sh", "ci.sh", "./gated"], cwd=place, text=True, timeout=600,
                          capture_output=True, env=work.seeded())


def only_the_leak_fails(work):
    """The base makes the baseline; then each build goes through the script."""
    script = script_of(work.options.man)
    base = work.build("BASE")
    result = run_script(work, base, script)
    check(result.returncode == 0, "the first run, which makes the baseline:", result.returncode,
          result.stderr)
    check((base / "heapdiff.baseline").is_file(), "the script has made no baseline")
    for name in BUILDS:
        place = base if name == "BASE" else work.build(name)
        if place is not base:
            shutil.copy(base / "heapdiff.baseline", place)
        result = run_script(work, place, script)
        check(result.returncode == (1 if name == "LEAK" else 0), name, "ends with",
              result.returncode, result.stdout, result.stderr)
        if name == "LEAK":
            check("FAIL  serve  gated.c:" in result.stdout, "no call site:", result.stdout)
            check(re.search(r"^ *> .*malloc\(1000\)", result.stdout, flags=re.M),
                  "no source line:", result.stdout)
            outputs_are_valid(work, place)
        if name in ("RENAMED", "HELPER", "INLINED"):
            check(" similar " in result.stdout, name, "is not matched by likeness:", result.stdout)
        if name == "SHIFTED":
            check(" order " in result.stdout and " new  " not in result.stdout,
                  "shifted lines are not matched by order:", result.stdout)


def moved_cost_is_told(work):
    """Half of what a function held moves: growth here, the same loss there."""
    base, helper = work.folder / "BASE", work.folder / "HELPER"
    exact = ("--rate", "1", "-i", "0")
    for place in (base, helper):
        work.run(place, "record", "-q", *exact, "-o", "exact", "--", "./gated")
    result = work.run(helper, "check", "--format", "json", "--max-growth", "0",
                      "../BASE/exact", "exact")
    check(result.returncode == 0, "exact figures of moved cost:", result.returncode,
          result.stdout)


def commands_fail_as_said(work):
    leak = work.folder / "LEAK"
    runs = (
        (("--warn-only", "--baseline", "heapdiff.baseline", "--", "./gated"), 0),
        (("--baseline", "heapdiff.baseline", "--", "./gated"), 1),
        (("--max-growth", "4MiB", "--baseline", "heapdiff.baseline", "--", "./gated"), 0),
        (("--baseline", "heapdiff.baseline", "--", "sh", "-c", "./gated; exit 9"), 9),
        (("--", "./nothing"), 127),
        (("--baseline", "nothing", "heapdiff.data"), 3),
        (("--max-growth", "much", "heapdiff.data"), 2),
    )
    for arguments, status in runs:
        result = work.run(leak, "check", *arguments)
        check(result.returncode == status, arguments, "ends with", result.returncode,
              "not", status, result.stderr)


def outputs_are_valid(work, place):
    import jsonschema
    with open(work.options.schema, encoding="utf-8") as file:
        schema = json.load(file)
    outputs = [f"--output={name}=out.{name}" for name in
               ("sarif", "junit", "markdown", "github", "json")]
    (place / "known.supp").write_text("# heapdiff: reason=<known> & \"borne\" with\n"
                                      "leak:load_table\n")
    result = work.run(place, "check", "--suppressions", "known.supp", "--baseline",
                      "heapdiff.baseline", *outputs, "heapdiff.data")
    check(result.returncode == 1, "with five outputs:", result.returncode, result.stderr)
    sarif = json.loads((place / "out.sarif").read_text())
    for error in jsonschema.Draft7Validator(schema).iter_errors(sarif):
        check(False, "SARIF:", error.json_path, error.message)
    results = sarif["runs"][0]["results"]
    check(any(r["level"] == "error" and r["locations"][0]["physicalLocation"]["artifactLocation"]
              ["uri"] == "gated.c" for r in results), "SARIF has no place")
    check(all(r["locations"] for r in results), "code scanning takes no result without a place")
    check(any("suppressions" in r for r in results), "SARIF has no suppression")
    junit_is_valid(place / "out.junit")
    lines = (place / "out.github").read_text().splitlines()
    check(any(re.match(r"::error file=gated\.c,line=\d+,title=heapdiff max-growth::serve ", line)
              for line in lines), "no annotation:", lines)
    markdown = (place / "out.markdown").read_text()
    check(markdown.startswith("### heapdiff: ") and "<details>" in markdown and
          "| serve gated.c:" in markdown, "markdown:", markdown)
    found = json.loads((place / "out.json").read_text())
    check(found["schema"] == "heapdiff.check/1" and found["passed"] is False and
          any(f["rule"] == "max-growth" and f["name"] == "serve" for f in found["findings"]),
          "json:", found["findings"])
    if shutil.which("xmllint"):
        result = subprocess.run(["xmllint", "--noout", place / "out.junit"], check=False)
        check(result.returncode == 0, "xmllint finds fault with the JUnit file")


def junit_is_valid(path):
    """What Jenkins, GitLab and their like go by: names, counts that are true, failures with
    messages."""
    root = xml.etree.ElementTree.parse(path).getroot()
    suites = list(root)
    check(root.tag == "testsuites" and [s.tag for s in suites] == ["testsuite"], "JUnit: root")
    for suite in suites:
        cases = suite.findall("testcase")
        failed = [case for case in cases if case.find("failure") is not None]
        check(int(suite.get("tests")) == len(cases) == int(root.get("tests")), "JUnit: tests")
        check(int(suite.get("failures")) == len(failed) == int(root.get("failures")) > 0,
              "JUnit: failures")
        check(all(case.get("name") and case.get("classname") for case in cases), "JUnit: names")
        check(all(case.find("failure").get("message") for case in failed), "JUnit: messages")


def main():
    parser = argparse.ArgumentParser()
    for name in ("heapdiff", "source", "man", "schema"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        print("python3-jsonschema is not installed")
        sys.exit(SKIPPED)
    if not shutil.which("cc"):
        print("there is no compiler")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        work = Work(options, folder)
        only_the_leak_fails(work)
        moved_cost_is_told(work)
        commands_fail_as_said(work)
    if failures:
        sys.exit("\n".join(failures))


main()
