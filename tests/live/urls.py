#!/usr/bin/env python3
"""Snapshots from URLs, given by a server that also misbehaves in every way.

  urls.py --heapdiff FILE --testdata DIR

Every fault must be told apart, end with exit status 3 and say what to do; the secrets
in URLs, options and redirects must appear nowhere.
"""
import argparse
import fcntl
import glob
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time

import terminal
import web
from url_runner import SECRET, Runner, check, failures

def check_faults(runner, server):
    url = f"http://{server.host}/"
    secret = f"http://name:falsch-{SECRET}@{server.host}/"
    for page, wanted in (
            ("html", 'an HTML page ("Sign in") came, no profile: it wants a login'),
            ("login", f"came from {url}html?then=..., no profile"),
            ("json", 'a JSON message came, no profile: "profiling is off"'),
            ("busy", 'busy with another profile (500: "Could not enable CPU profiling'),
            ("secret", "the user and password, or the header, are not accepted (401)"),
            ("loop", f"redirects 10 times, at last to {url}loop?token=..."),
            ("half", "the answer stopped in the middle, after"),
            ("nothing", "there is no such page (404"),
    ):
        runner.fails(f"{url}{page}?key=...: ", f"{secret}{page}?key={SECRET}")
        runner.fails(wanted, f"{secret}{page}?key={SECRET}")
    runner.fails('(404: "what is /echo?key=... ...?")', "--header", f"X-Token: {SECRET}",
                 url + "echo?key=" + SECRET)
    runner.fails("a user and password are asked for (401): --user", url + "secret")
    runner.fails("access is refused (403)", url + "token")
    runner.fails("did not send more within 5 s", "--fetch-timeout", "5s", url + "stall")
    runner.fails("did not send more within 5 s", "--fetch-timeout", "5s", url + "drip")
    for page in ("endless", "huge", "bomb"):
        runner.fails("larger than 1MB", "--max-body", "1MiB", url + page)
    runner.fails("larger than 256MB", url + "huge")
    runner.fails(f"{server.host}: no profiles are at /debug/pprof/heap", server.host)
    runner.fails("cannot connect: Connection refused", f"127.0.0.1:{web.free_port()}")
    runner.fails("there is no host of this name", "no-such-host.invalid:6060")
    runner.fails("no TLS connection", f"https://{server.host}/")
    runner.fails("closed the connection without an answer", web.talk(b""))
    runner.fails("does not speak HTTP", web.talk(b"SSH-2.0-OpenSSH_9.2\r\n"))
    runner.fails("no heap snapshot in a format that heapdiff knows",
                 f"http://{web.talk(b'HTTP/1.0 200 OK' + 2 * bytes((13, 10)) + b'words' * 99)}/x")


def check_fetching(runner, server, profile):
    url = f"http://{server.host}/"
    plain = runner.run("top", "-n", "0", "--format", "csv", profile)[1]
    for arguments in ((url + "gzip",), (f"http://name:{SECRET}@{server.host}/secret",),
                      ("--user", f"name:{SECRET}", url + "moved"),
                      (f"http://name:{SECRET}@{server.host}/moved",),
                      ("--header", f"X-Token: {SECRET}", url + "token?key=" + SECRET)):
        out = runner.run("top", "-n", "0", "--format", "csv", *arguments)[1]
        check(out == plain, arguments, "differs from the file:", out)
    headers = os.path.join(runner.work, "headers")
    with open(headers, "w", encoding="utf-8") as file:
        file.write(f"X-Other: 1\r\n\nX-Token: {SECRET}\n")
    runner.prints("main.", "top", "--header", "@" + headers, url + "token")
    netrc = os.path.join(runner.work, ".netrc")
    with open(netrc, "w", encoding="utf-8") as file:
        file.write(f"machine 127.0.0.1 login name password {SECRET}\n")
    runner.prints("main.", "top", url + "secret")
    os.remove(netrc)
    # A file and a URL make a diff.
    runner.prints("2 snapshots", "top", profile, url + "gzip")


def check_formats(runner, server, testdata):
    """Whatever a page holds is told by its content, as that of a file."""
    for name in ("jemalloc/service.1.heap", "heap-text/service.2.heap", "heap-text/go.3.txt",
                 "goroutines/2.debug1", "goroutines/2.debug2", "go-leak/heap.5.pb.gz"):
        file = os.path.join(testdata, name if name[:8] != "go-leak/" else "pprof/" + name)
        with open(file, "rb") as body:
            server.pages["/page"] = body.read()
        runner.prints("", "top", "--no-symbols", file)
        wanted = runner.run("top", "--no-symbols", "--format", "csv", file)[1]
        have = runner.run("top", "--no-symbols", "--format", "csv", f"http://{server.host}/page")[1]
        check(have == wanted, name, "is", have, "from a URL, from the file", wanted)


def check_elsewhere(runner, server):
    """What is meant for one server goes to no other."""
    other = web.Web(server.profile)
    other.pages["/debug/pprof/heap"] = server.profile
    server.elsewhere = f"http://{other.host}/debug/pprof/heap"
    runner.prints("main.", "top", "--user", f"name:{SECRET}", "--header", f"X-Token: {SECRET}",
                  f"http://{server.host}/away")
    sent = other.requests[-1][2]
    check("X-Token" not in sent and "Authorization" not in sent, "the other server got", sent)
    sent = server.requests[-1][2]
    check(sent.get("X-Token") == SECRET and "Authorization" in sent, "the first got only", sent)
    server.elsewhere = "file:///etc/passwd"
    runner.fails("redirects to nowhere", f"http://{server.host}/away")
    other.stop()


def check_memory(runner, server):
    """The next command asks about the same snapshot, and not the server."""
    runner.prints("main.", "top", f"http://name:{SECRET}@{server.host}/secret?key={SECRET}")
    asked = len(server.requests)
    runner.prints("main.", "list", "main")
    check(len(server.requests) == asked, "list fetched again")
    runner.prints("main.", "top", f"http://{server.host}/gzip")
    kept = glob.glob(os.path.join(runner.work, "state/heapdiff/fetched/*/*"))
    check(len(kept) == 1, "kept are", kept)
    check(all(os.stat(path).st_mode & 0o77 == 0 for path in kept), "others may read", kept)
    for path in glob.glob(os.path.join(runner.work, "state/**"), recursive=True):
        check(SECRET not in path, path)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                check(SECRET.encode() not in file.read(), path, "holds the secret")


def check_series(runner, server, profiles):
    """Two and more fetches; one of them fails; Ctrl-C ends the waiting."""
    host = f"http://{server.host}/x"
    bodies = [open(profile, "rb").read() for profile in profiles]
    server.pages["/x"] = lambda number: bodies[number - 1]
    err = runner.prints("2 snapshots", "top", "--every", "300ms", host)
    check("Ctrl-C ends that" in err, err)
    for verb in (("tree",), ("peek", "main"), ("traces",)):
        server.requests.clear()
        fetched = runner.run(*verb, "--every", "100ms", host)
        files = runner.run(*verb, *profiles[:2])
        check(fetched[:2] == files[:2] and "main.fill" in files[1], verb, fetched, "not", files)
    server.requests.clear()
    server.pages["/x"] = lambda number: (b"", 503) if number == 4 else bodies[number - 1]
    err = runner.prints("4 snapshots", "top", "--every", "100ms", "--for", "400ms", host)
    check("1 snapshot of the series could not be fetched; the first: " + host in err, err)
    check(len(server.requests) == 5, server.requests)
    # The fourth request says that the third has been answered.
    server.requests.clear()
    server.pages["/x"] = lambda number: bodies[number - 1] if number < 4 else (b"", 503)
    process = runner.start("top", "--every", "200ms", "--for", "99s", host)
    while len(server.requests) < 4 and process.poll() is None:
        time.sleep(.05)
    process.send_signal(signal.SIGINT)
    status, out, err = runner.finish(process)
    check(status == 0 and "3 snapshots" in out, "after Ctrl-C", status, out, err)
    runner.fails("--for is shorter than --every", "--every", "2s", "--for", "1s", host, status=2)
    runner.fails("500 at most", "--every", "1s", "--for", "1h", host, status=2)
    runner.fails("none is named", "--every", "1s", profiles[0], status=2)


def check_goroutines(runner, server, testdata):
    """The measure says which page of a bare host is meant."""
    dump = os.path.join(testdata, "goroutines")
    found = [name for name in sorted(os.listdir(dump)) if name.endswith(".pb.gz")]
    with open(os.path.join(dump, found[0]), "rb") as file:
        server.pages["/debug/pprof/goroutine"] = file.read()
    runner.prints("goroutines", "top", "--measure", "goroutines", server.host)
    server.requests.clear()
    server.pages["/debug/pprof/heap"] = server.profile
    runner.prints("main.", "top", "--gc", server.host + "/debug/pprof/")
    check(server.requests[0][:2] == ("/debug/pprof/heap", "gc=1"), server.requests)
    # The page that came is named, not one that would have been asked next.
    server.pages["/debug/pprof/heap"] = b"no profile"
    runner.fails(f"http://{server.host}/debug/pprof/heap: ", server.host)


def on_terminal(runner, *arguments, keys=b"", after="", given=None):
    """What a terminal shows as standard error; `keys` are typed once it shows `after`."""
    ours, theirs = pty.openpty()
    terminal.keep_output(theirs, echo=False)
    process = subprocess.Popen([runner.program, *arguments], cwd=runner.work, stdin=subprocess.PIPE,
                               env=runner.environment, stdout=subprocess.DEVNULL, stderr=theirs,
                               start_new_session=True, preexec_fn=lambda: fcntl.ioctl(
                                   theirs, termios.TIOCSCTTY, 0))
    os.close(theirs)
    shown = ""
    while True:
        try:
            shown += os.read(ours, 65536).decode(errors="replace")
        except OSError:
            break
        if given and "reading" in shown:
            process.stdin.write(given)
            process.stdin.close()
            given = None
        if keys and after in shown:
            os.write(ours, keys)
            keys = b""
    os.close(ours)
    return process.wait(timeout=600), shown


def check_progress(runner, server, profile):
    """What takes more than half a second is said, where somebody looks, and gone when it
    is over, or when Ctrl-C ends it."""
    line = f"\r\x1b[Kheapdiff: fetching http://{server.host}/stall: "
    url = f"http://name:{SECRET}@{server.host}/stall"
    status, shown = on_terminal(runner, "top", "--fetch-timeout", "5s", url)
    check(status == 3 and line in shown and "\r\x1b[Kheapdiff: http:" in shown, status, repr(shown))
    check(SECRET not in shown, shown)
    status, shown = on_terminal(runner, "top", url, keys=b"\x03", after=line)
    check(status == -signal.SIGINT and shown.endswith("\r\x1b[K"), status, repr(shown))
    with open(profile, "rb") as file:
        status, shown = on_terminal(runner, "top", "-", given=file.read())
    check(status == 0 and "\r\x1b[Kheapdiff: reading standard input\r\x1b[K" in shown, status,
          repr(shown))
    server.pages["/x"] = server.profile
    status, shown = on_terminal(runner, "top", "--every", "5s", "--for", "100s",
                                f"http://{server.host}/x", keys=b"\x03", after="snapshot 3 of 21")
    check(status == 0 and
          re.search(r"\r\x1b\[Kheapdiff: waiting for snapshot 2 of 21: [1-5] s", shown),
          status, repr(shown))
    # Nobody looks: nothing is said.
    check("fetching" not in runner.run("top", "--fetch-timeout", "1s", url)[2], "said to nobody")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--testdata", required=True, type=os.path.abspath)
    options = parser.parse_args()
    profiles = sorted(glob.glob(os.path.join(options.testdata, "pprof/go-leak/heap.*.pb.gz")))
    with tempfile.TemporaryDirectory() as work, open(profiles[0], "rb") as file:
        server = web.Web(file.read())
        runner = Runner(options.heapdiff, work)
        check_faults(runner, server)
        check_fetching(runner, server, profiles[0])
        check_formats(runner, server, options.testdata)
        check_elsewhere(runner, server)
        check_memory(runner, server)
        check_series(runner, server, profiles)
        check_progress(runner, server, profiles[0])
        check_goroutines(runner, server, options.testdata)
        print(len(server.requests), "requests at the end")
    if failures:
        sys.exit("\n".join(failures))


main()
