#!/usr/bin/env python3
"""heapdiff watch and heapdiff shell on URLs: a service that goes away, comes back, and starts
anew; its series on a screen (tmux) and as tables; options and secrets.

usage: watch_urls.py --heapdiff HEAPDIFF --testdata TESTDATA
"""
import argparse
import gzip
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import web
from pprof_time import of_time
from tmux import Tmux
from url_runner import SECRET, Runner, check, failures

PATIENCE = 120


ELSEWHERE = b"/opt/leak/leak"


class Service:
    """Gives one of the profiles of testdata/pprof/go-leak, as of now: what it gives is `at`.
    Another `program` is one from another place, which gives two and no more until it is
    `released`, however late somebody looks."""

    def __init__(self, testdata):
        self.profiles = [gzip.decompress(pathlib.Path(testdata, f"pprof/go-leak/heap.{i}.pb.gz")
                                         .read_bytes()) for i in range(1, 6)]
        self.goroutines = [path.read_bytes() for path in
                           sorted(pathlib.Path(testdata, "goroutines").glob("*.pb.gz"))]
        self.at, self.program, self.port = 0, b"/tmp/leak/leak", web.free_port()
        self.left, self.released = 2, threading.Event()
        self.start()

    def start(self):
        self.web = web.Web(self.profiles[0], self.port)
        self.web.pages["/debug/pprof/heap"] = self.heap
        self.web.pages["/debug/pprof/goroutine"] = self.goroutines[0]

    def heap(self, _):
        program = self.program
        if program == ELSEWHERE:
            if self.left == 0:
                self.released.wait()
            self.left -= self.left > 0
        body = self.profiles[self.at].replace(b"/tmp/leak/leak", program)
        return gzip.compress(of_time(body, time.time_ns()))

    def stop(self):
        self.web.stop()


def wait_for(good, what):
    end = time.monotonic() + PATIENCE
    while not good():
        assert time.monotonic() < end, what
        time.sleep(.05)


def grow(service, window):
    for at, text in enumerate(("23.11MB", "35.05MB", "45.58MB", "59.10MB", "70.61MB")):
        service.at = at
        window.expect(re.escape(text))


def on_screen(args, home):
    service = Service(args.testdata)
    url = f"http://name:{SECRET}@127.0.0.1:{service.port}"
    heapdiff = shlex.quote(args.heapdiff)
    command = (f"{heapdiff} watch -i 200ms {url}; echo status $?; read; "
               f"{heapdiff} watch -i 200ms --measure goroutines {url}; sleep 99")
    window = Tmux(home, "bash --norc -i -c " + shlex.quote(command), 100, 24)
    try:
        grow(service, window)
        window.expect(r"\+47\.50MB(.|\n)*GROWTH +LAST(.|\n)*VERDICT(.|\n)*main\.fill")
        service.stop()
        window.expect(r"snapshots  AWAY for \d+ s: (cannot |the server closed|the answer st)")
        service.start()
        window.expect(r"snapshots  1 gap: \d+ missing")
        # It starts anew, and growth counts from there.
        service.at = 0
        window.expect(r"restarted at \d\d:\d\d:\d\d  1 gap(.|\n)* heap 23\.11MB$"
                      r"|restarted at (.|\n)*heap 23\.11MB -> 23\.11MB")
        service.at = 1
        window.expect(r"restarted at (.|\n)*heap 23\.11MB -> 35\.05MB +\+11\.94MB")
        # From another place: another series.
        service.at = 4
        service.program = ELSEWHERE
        window.expect(r"  [12] snapshots?  restarted at (.|\n)*heap 70\.61MB")
        service.released.set()
        window.keys("s")
        screen = window.expect(r"\d+ files? saved in heapdiff\.saved-")
        assert SECRET not in screen, screen
        assert list(pathlib.Path(home).glob("heapdiff.saved-*/127.0.0.1-*.heap.*.heapdiff"))
        window.keys("C-c")
        screen = window.expect(r"since it restarted\n(.|\n)*the service restarted 2 times\n"
                               r"(.|\n)*\d+ snapshots in heapdiff\.data\n(.|\n)*status 0")
        assert SECRET not in screen, screen
        window.keys("Enter")
        window.expect(r"goroutines 38\b")
        window.keys("q")
        window.expect(r"next: heapdiff top --measure goroutines")
        assert list(pathlib.Path(home, "heapdiff.data").glob("127.0.0.1-*.goroutine.*"))
        assert not list(pathlib.Path(home, "heapdiff.data").glob("*.heap.*"))
    finally:
        window.close()
        service.released.set()
        service.stop()


def start(runner, *arguments):
    """Standard error goes to a file, so that it can be read while it is written."""
    with open(os.path.join(runner.work, "errors"), "w", encoding="utf-8") as errors:
        return subprocess.Popen([runner.program, *arguments], cwd=runner.work, text=True,
                                env=runner.environment, stdout=subprocess.PIPE, stderr=errors)


def errors(runner):
    return pathlib.Path(runner.work, "errors").read_text(encoding="utf-8")


def as_tables(args, home):
    """What happens is said on standard error; each snapshot is a table."""
    runner, service = Runner(args.heapdiff, home), Service(args.testdata)
    host = f"127.0.0.1:{service.port}"
    process = start(runner, "watch", "-i", "100ms", "-o", "series", f"http://{host}")
    for at in range(5):
        service.at = at
        asked = len(service.web.requests)
        wait_for(lambda: len(service.web.requests) > asked + 1, "it asks again")
    service.stop()
    wait_for(lambda: "it is tried again until it is back" in errors(runner), "away")
    service.start()
    wait_for(lambda: "back after a gap of" in errors(runner), "back")
    service.at = 0
    wait_for(lambda: "the service has restarted: it has allocated less" in errors(runner), "anew")
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=PATIENCE)[0]
    err = errors(runner)
    check(process.returncode == 0, process.returncode, err)
    check("+47.50MB (+205.5%)" in out and out.count("inuse_space") >= 5 and "LAST" in out, out)
    check("snapshots in series" in err and "1 gap: " in err and "restarted 1 time" in err, err)
    # The series stays, and is remembered.
    err = runner.prints("main.fill", "top", "--last", "5", "--focus", "fill")
    check("series, as last time here" in err, err)
    check(len(list(pathlib.Path(home, "series").glob("*.heap.*"))) > 5, "series")
    service.stop()


def options(args, home):
    runner, service = Runner(args.heapdiff, home), Service(args.testdata)
    host = f"127.0.0.1:{service.port}"
    page = f"http://{host}"
    once = ("watch", "--count", "1", "-i", "100ms")
    runner.prints("heap 23.11MB", *once, "--gc", host)
    check(service.web.requests[-1][1] == "gc=1", service.web.requests[-1])
    runner.prints("heap 23.11MB", *once, "--user", f"name:{SECRET}", page + "/secret")
    runner.prints("heap 23.11MB", *once, "--header", f"X-Token: {SECRET}", page + "/token")
    runner.prints("goroutines 38", *once, "--measure", "goroutines", host)
    for wanted, arguments in ((": a user and password are asked for (401)", (page + "/secret",)),
                              ("did not send more within 5 s", ("--fetch-timeout", "5s",
                                                                page + "/stall")),
                              ("larger than 1MB", ("--max-body", "1MiB", page + "/huge")),
                              ("an HTML page", (page + "/html",)),
                              ("cannot connect: Connection refused",
                               (f"127.0.0.1:{web.free_port()}",))):
        status, out, err = runner.run(*once, *arguments)
        check(status == 3 and not out and wanted in err, arguments, status, out, err)
    for wanted, arguments in (("a URL is watched alone", (host, host)),
                              ("a URL is watched alone", ("heapdiff.data", page)),
                              ("--measure takes", ("--measure", "none", host))):
        status, out, err = runner.run(*once, *arguments)
        check(status == 2 and not out and wanted in err, arguments, status, out, err)
    # A reader that has enough.
    process = subprocess.run(f"{shlex.quote(args.heapdiff)} watch -i 100ms {host} | head -1",
                             shell=True, cwd=home, env=runner.environment, text=True, check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    check("inuse_space" in process.stdout, process)
    service.stop()


def shell(args, home):
    """The shell fetches at its start, and not again."""
    runner, service = Runner(args.heapdiff, home), Service(args.testdata)
    # What it gives next has grown.
    service.web.pages["/debug/pprof/heap"] = lambda number: service.profiles[number - 1]
    script = "top\npeek main.fill\ntop\n"
    environment = runner.environment
    for arguments, wanted, asked in (
            (("--gc", f"127.0.0.1:{service.port}"), "heap 23.11MB", 1),
            (("--user", f"name:{SECRET}", f"http://127.0.0.1:{service.port}/secret"),
             "heap 23.11MB", 1),
            (("--every", "100ms", f"127.0.0.1:{service.port}"), "(+51.7%)", 2)):
        service.web.requests.clear()
        done = subprocess.run([args.heapdiff, "shell", *arguments], input=script, cwd=home,
                              env=environment, text=True, check=False, timeout=PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check(done.returncode == 0 and done.stdout.count(wanted) == 2, arguments, done)
        check(len(service.web.requests) == asked, service.web.requests)
        check(SECRET not in done.stdout + done.stderr, done)
    service.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--testdata", required=True, type=os.path.abspath)
    args = parser.parse_args()
    tests = [as_tables, options, shell]
    if shutil.which("tmux"):
        tests.append(on_screen)
    for test in tests:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            test(args, home)
    if failures:
        sys.exit("\n".join(failures))
    print("services are watched as they should be")


main()
