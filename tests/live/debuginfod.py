#!/usr/bin/env python3
"""Symbols from Debian's debuginfod on loopback: a program that was stripped, one that is
gone; and from servers that are down, stall, trickle or lie.

  debuginfod.py --heapdiff FILE

Exit status 1: something is off; 77: there is no debuginfod.
"""
import argparse
import http.server
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import web

SKIPPED = 77
SOURCE = """#include <stdlib.h>
void *kept;
__attribute__((noinline)) void fill(void)
{
  kept = malloc(100000);
}
int main(void)
{
  fill();
  return kept == NULL;
}
"""
STALL_SECONDS = 2
SLACK_SECONDS = 60  # the machine is shared; without a limit it would be 90 and more

failures = []


def check(good, *what):
    if not good:
        failures.append(" ".join(str(w) for w in what))


class Work:
    """A recording, and heapdiff with caches and servers of its own."""

    def __init__(self, heapdiff, folder):
        self.heapdiff, self.folder, self.runs = heapdiff, folder, 0
        (folder / "leak.c").write_text(SOURCE)
        self.shell("cc -g -O1 leak.c -o leak && mkdir served && cp leak served/whole")
        self.heap("record", "-q", "--rate", "1", "-i", "0", "-o", "data", "--", "./leak")

    def shell(self, command):
        subprocess.run(command, shell=True, check=True, cwd=self.folder)

    def heap(self, *arguments, urls=None, fresh=True, **more):
        self.runs += fresh
        environment = dict(os.environ, HOME=str(self.folder / f"home{self.runs}"),
                           XDG_CACHE_HOME=str(self.folder / f"cache{self.runs}"),
                           XDG_STATE_HOME=str(self.folder / "state"), **more)
        for name in [name for name in environment if name.startswith("DEBUGINFOD_")]:
            del environment[name]
        if urls:
            environment["DEBUGINFOD_URLS"] = urls
        return subprocess.run([self.heapdiff, *arguments], cwd=self.folder, text=True,
                              capture_output=True, env=environment, timeout=600, check=True)

    def growth(self, urls=None, *arguments, fresh=True):
        """(function, line) of the row that grew, and standard error."""
        result = self.heap("top", "--format", "json", *arguments, "data", urls=urls, fresh=fresh)
        row = json.loads(result.stdout)["rows"][0]
        return (row["function"], row["line"]), result.stderr


class Server:
    """debuginfod over the folder "served"."""

    def __init__(self, work):
        self.url = f"http://127.0.0.1:{web.free_port()}"
        port = self.url.rsplit(":", 1)[1]
        self.process = subprocess.Popen(
            ["debuginfod", "-p", port, "-d", str(work.folder / "debuginfod.sqlite"), "-F", "-t", "1",
             str(work.folder / "served")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()

    def wait(self):
        for _ in range(1200):
            try:
                with urllib.request.urlopen(self.url + "/metrics", timeout=2) as page:
                    text = page.read().decode()
                if 'found_executable_total{source="file"} 0' not in text and \
                        "found_executable_total" in text:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        sys.exit("debuginfod does not index its folder")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def dwz_file(work, server):
    """What dwz took out of several programs lies at the server alone, like the rest."""
    if not shutil.which("dwz"):
        return
    work.shell("for o in 0 1 2; do cc -g -O$o leak.c -o dwz$o; done; "
               "dwz -m common -M $PWD/common dwz0 dwz1 dwz2 && mv common served/ && "
               "cp dwz1 served/ && readelf -SW dwz1 | grep -q gnu_debugaltlink")
    address = subprocess.run("nm dwz1 | awk '/ fill$/ { print $1 }'", shell=True, check=True,
                             text=True, capture_output=True, cwd=work.folder).stdout.strip()
    said = work.heap("addr", "dwz1", address)
    check("dwz file" in said.stderr, "no server, and nothing is missing:", said.stderr)
    for _ in range(600):  # until the server has seen the files
        said = work.heap("addr", "dwz1", address, urls=server.url)
        if not said.stderr:
            break
        time.sleep(.2)
    check(not said.stderr and "fill" in said.stdout and "leak.c:4" in said.stdout,
          "dwz's file from the server:", said.stdout, said.stderr)
    work.shell("strip dwz1")
    said = work.heap("addr", "dwz1", address, urls=server.url)
    check(not said.stderr and "leak.c:4" in said.stdout, "stripped, dwz's file from the server:",
          said.stdout, said.stderr)


def real_server(work):
    server = Server(work)
    try:
        place = ("fill", 5)
        check(work.growth()[0] == place, "with the program there:", work.growth())
        work.shell("strip leak")
        check(work.growth()[0][1] is None, "stripped, and no server:", work.growth())
        got, said = work.growth(server.url)
        check(got == place, "stripped:", got, said)
        work.shell("rm leak")
        got, said = work.growth(server.url)
        check(got == place, "deleted:", got, said)
        # From the symbol cache: no server is needed any more.
        check(work.growth(fresh=False)[0] == place, "the second run has forgotten it")
        work.shell("printf 'int main(void) { return 0; }' >other.c; cc -g other.c -o leak")
        got, said = work.growth(server.url)
        check(got == place and "another build" not in said, "replaced:", got, said)
        work.heap("symbolize", "-o", "out", "data", urls=server.url)
        result = work.heap("top", "--format", "json", "out")
        check(json.loads(result.stdout)["rows"][0]["function"] == "fill", "symbolized:", result)
        work.shell("rm leak")
        dwz_file(work, server)
    finally:
        server.stop()
    started = time.monotonic()
    text = work.heap("info", "data", urls=server.url).stdout
    check("debuginfod server cannot be asked" in text, "the server is down:", text)
    check(time.monotonic() - started < SLACK_SECONDS, "a server that is down took long")


def expect_given_up(work, name, url):
    started = time.monotonic()
    text = work.heap("info", "--fetch-timeout", f"{STALL_SECONDS}s", "data", urls=url).stdout
    took = time.monotonic() - started
    check("did not answer within 2 s" in text, name, "is not said:", text)
    # The client must not remember it as a file that does not exist.
    text = work.heap("info", "--fetch-timeout", "1s", "data", urls=url, fresh=False).stdout
    check("did not answer within 1 s" in text, name, "is not asked again:", text)
    check(STALL_SECONDS * .9 <= took < STALL_SECONDS + SLACK_SECONDS, name, "took", took, "s")


def on_terminal(work, url, *arguments, interrupt_at=None):
    """What heapdiff says to a terminal, and its exit status. It is interrupted when it has said
    `interrupt_at`, at a time that is told, too."""
    home = work.folder / "home-terminal"
    home.mkdir(exist_ok=True)  # the client makes its cache below it
    environment = dict(os.environ, HOME=str(home), DEBUGINFOD_URLS=url)
    environment.pop("XDG_CACHE_HOME", None)
    master, slave = pty.openpty()
    process = subprocess.Popen([work.heapdiff, *arguments], cwd=work.folder, env=environment,
                               stdout=subprocess.DEVNULL, stderr=slave, stdin=subprocess.DEVNULL)
    os.close(slave)
    said, interrupted = b"", None
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        said += data
        if interrupt_at and interrupt_at in said and not interrupted:
            interrupted = time.monotonic()
            process.send_signal(signal.SIGINT)
    os.close(master)
    return said.decode(), process.wait(), interrupted


def silent_server(work):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        expect_given_up(work, "a server that never answers", url)
        said = on_terminal(work, url, "info", "--fetch-timeout", "5s", "data")[0]
        check("\r\x1b[Kheapdiff: fetching a program" in said, "no progress on a terminal:", said)
        check(said.count("\r\x1b[K") > said.count("fetching"), "progress stays there:", said)
        # Who interrupts does not wait for the server, and the snapshot that was in work is as
        # it was; the first one has no address to look up.
        last = sorted((work.folder / "data").iterdir())[-1]
        before = last.read_bytes()
        said, status, interrupted = on_terminal(work, url, "symbolize", "--in-place", "data",
                                                interrupt_at=b"fetching")
        check(status == 128 + signal.SIGINT and "interrupted: 1 snapshot " in said, "interrupted:",
              status, said)
        check(last.read_bytes() == before, "an interrupt has changed the snapshot")
        check(interrupted and time.monotonic() - interrupted < SLACK_SECONDS,
              "an interrupt is not heard")


class Bad(http.server.BaseHTTPRequestHandler):
    trickle = False
    answer = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(10 ** 9 if self.trickle else len(self.answer)))
        self.end_headers()
        try:
            self.wfile.write(self.answer)
            while self.trickle:
                self.wfile.write(b"x" * 100)
                time.sleep(.1)
        except OSError:
            pass

    def log_message(self, *arguments):
        pass


def bad_servers(work):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bad)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    work.shell("cc -g other.c -o other")
    for answer in (b"", b"not ELF", (work.folder / "other").read_bytes()):
        Bad.answer = answer
        got, said = work.growth(url)
        check(got[0] is None, "names from a wrong file:", len(answer), got, said)
    Bad.trickle = True
    expect_given_up(work, "a server that trickles", url)
    server.shutdown()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True)
    options = parser.parse_args()
    if not shutil.which("debuginfod"):
        print("skipped: there is no debuginfod")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="heapdiff-debuginfod-") as folder:
        work = Work(os.path.abspath(options.heapdiff), pathlib.Path(folder).resolve())
        real_server(work)
        silent_server(work)
        bad_servers(work)
    if failures:
        sys.exit("\n".join(failures))


main()
