#!/usr/bin/env python3
"""Real services: one in Go that leaks in four ways, followed through a restart and seen
through nginx with TLS and a password; a program under tcmalloc whose files are served.

  url_services.py --heapdiff FILE --programs DIR --sources DIR

What is not installed is skipped, and said.
"""
import argparse
import ctypes.util
import glob
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import web
from url_runner import SECRET, Runner, check, failures

SKIPPED = 77
LEAKS = {"main.leakSession", "main.leakHistory"}


class Lines:
    """What a process says on standard error, line by line."""

    def __init__(self, process):
        self.process, self.text = process, ""

    def wait_for(self, pattern, seconds=120):
        end, stream = time.monotonic() + seconds, self.process.stderr
        while not re.search(pattern, self.text) and time.monotonic() < end:
            if select.select([stream], [], [], .2)[0]:
                line = os.read(stream.fileno(), 65536).decode(errors="replace")
                if not line:
                    break
                self.text += line
        check(re.search(pattern, self.text), "no", pattern, "in", self.text)

    def wait_for_more(self, word, count):
        """So many of those that are said from now on: what has been said was read before."""
        while select.select([self.process.stderr], [], [], 0)[0]:
            line = os.read(self.process.stderr.fileno(), 65536).decode(errors="replace")
            if not line:
                break
            self.text += line
        self.wait_for(rf"(?s)({re.escape(word)}.*){{{self.text.count(word) + count}}}")

    def finish(self, sent):
        self.process.send_signal(sent)
        status = self.process.wait(timeout=600)
        self.text += self.process.stderr.read()
        self.process.stdout.close()
        check(SECRET not in self.text, self.text)
        return status


def build(options, work, version):
    program = os.path.join(work, "service" + version)
    environment = dict(os.environ, GOCACHE=os.path.join(work, "cache"), GOFLAGS="-mod=mod")
    subprocess.run(["go", "build", "-trimpath", "-ldflags", "-X main.version=" + version, "-o",
                    program, "."], cwd=os.path.join(options.sources, "go/service"), check=True,
                   env=environment, timeout=600)
    return program


def start(program, address=None):
    address = address or f"127.0.0.1:{web.free_port()}"
    service = subprocess.Popen([program, "-address", address], text=True, stdout=subprocess.PIPE)
    return service, service.stdout.readline().split()[1]


def stop(service):
    service.kill()
    service.wait()
    service.stdout.close()


def rows(runner, *arguments):
    status, out, err = runner.run("top", "--format", "json", "-n", "0", *arguments)
    check(status == 0, arguments, "ends with", status, err)
    return {row["function"]: row for row in json.loads(out)["rows"]} if status == 0 else {}


def check_go(runner, host):
    """Of the four leaks two are in the heap, one in the goroutines, one in neither."""
    found = rows(runner, "--gc", "--every", "250ms", "--for", "8s", host)
    leaking = {name for name, row in found.items() if row["verdict"] == "leaking"}
    check(LEAKS <= leaking, "leaking are", leaking)
    check("main.leakC" not in found and "main.work" not in leaking, sorted(found))
    found = rows(runner, "--measure", "goroutines", "--every", "2s", host)
    check(max(found, key=lambda name: found[name]["growth"]) == "main.wait", found)
    for page in ("goroutine?debug=1", "goroutine?debug=2", "heap?debug=1", "allocs"):
        runner.prints("main.", "top", f"http://{host}/debug/pprof/{page}")
    runner.fails("Go's net/http/pprof has no such profile (404", f"{host}/debug/pprof/nothing")


def check_restart(runner, programs, work):
    """The service goes away, and another build of it comes back."""
    service, host = start(programs[0])
    data = os.path.join(work, "restart.data")
    recording = Lines(runner.start("record", "-v", "-i", "200ms", "-o", data, host))
    recording.wait_for(r"(?s)( heap .*){6}")
    stop(service)
    # Which fault is the first depends on how far an answer was.
    recording.wait_for("warning: .*; it is tried again until it is back")
    time.sleep(1.5)
    os.replace(programs[1], programs[0])
    service = start(programs[0], host)[0]
    recording.wait_for(r"the service has restarted: its build is another one")
    recording.wait_for(r"(?s)restarted.*( heap .*){8}")
    check(recording.finish(signal.SIGINT) == 0, recording.text)
    stop(service)
    check(re.search(r"back after a gap of \S+: [1-9]\d* snapshots missing", recording.text) and
          re.search(r"heap \S+ -> \S+ \(\+\S+\)   goroutines \d+ -> \d+ \(\+\d+\)   since it restarted",
                    recording.text) and "1 gap: " in recording.text and
          "the service restarted 1 time\n" in recording.text, recording.text)
    err = runner.prints("main.leakSession", "top", data)
    check("the process began anew 1 time" in err, err)
    runner.prints("main.wait", "top", "--measure", "goroutines", data)


def check_record(runner, host, work):
    data = os.path.join(work, "kept.data")
    process = runner.start("record", "-i", "100ms", "--keep", "4", "--count", "11", "-o", data, host)
    status, _, err = runner.finish(process)
    check(status == 0 and "11 snapshots of heap and goroutines, 7 of them thinned out" in err, err)
    names = sorted(os.listdir(data))
    check(len(names) == 8 and all(re.fullmatch(
        r"127\.0\.0\.1-\d+\.(heap|goroutine)\.\d{8}T\d{6}\.\d{3}Z\.heapdiff", name)
        for name in names), names)
    # On a signal all that there is is whole, and nothing else lies about.
    for sent in (signal.SIGTERM, signal.SIGINT):
        recording = Lines(runner.start("record", "-v", "-i", "20ms", "-o", data, host))
        recording.wait_for(r"(?s)( heap .*){9}")
        check(recording.finish(sent) == 0, recording.text)
        check(not glob.glob(data + "/.*"), os.listdir(data))
        info = runner.run("info", data)[1]
        check(info.count("inuse_space") >= 9, info)
    # A directory that is gone, as a disk that is full, loses what comes, and is said.
    recording = Lines(runner.start("record", "-v", "-i", "50ms", "-o", data + "2", host))
    recording.wait_for(r"(?s)( heap .*){3}")
    while os.path.exists(data + "2"):  # something may be written into it just now
        shutil.rmtree(data + "2", ignore_errors=True)
    recording.wait_for_more(" heap ", 6)
    check(recording.finish(signal.SIGINT) == 0, recording.text)
    check(re.search(r"warning: \d+ snapshots could not be written: No such file or directory",
                    recording.text), recording.text)
    # A fault at the first one is an error, and the recording before stays where it is.
    before = sorted(os.listdir(data))
    status, _, err = runner.run("record", "-o", data, f"127.0.0.1:{web.free_port()}")
    check(status == 3 and "Connection refused" in err, status, err)
    check(sorted(os.listdir(data)) == before, "a recording that failed touched the one before")


def check_stopped(runner, service, host, work):
    """A service that hangs and comes back is the same process: there is a gap."""
    data = os.path.join(work, "gap.data")
    recording = Lines(runner.start("record", "-v", "-i", "200ms", "--fetch-timeout", "5s", "-o",
                                   data, host))
    recording.wait_for(r"(?s)( heap .*){6}")
    service.send_signal(signal.SIGSTOP)
    recording.wait_for("the server did not (answer|send more) within 5 s.*; it is tried again")
    service.send_signal(signal.SIGCONT)
    recording.wait_for(r"(?s)back after a gap of \S+: \d+ snapshots missing.*( heap .*){4}")
    check(recording.finish(signal.SIGINT) == 0, recording.text)
    check("restarted" not in recording.text, recording.text)
    err = runner.prints("main.wait", "top", "--measure", "goroutines", data)
    check(re.search(r"note: there is no snapshot in the ([5-9]|\d\d)\S* s before 2\d{3}-.* UTC; "
                    r"the others are \d+ ms apart", err), err)


def nginx_conf(work, port, host):
    return f"""
daemon off; pid {work}/nginx.pid; error_log {work}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {work}; proxy_temp_path {work};
  fastcgi_temp_path {work}; uwsgi_temp_path {work}; scgi_temp_path {work};
  gzip on; gzip_types *; gzip_min_length 1;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem;
    auth_basic "profiles"; auth_basic_user_file {work}/users;
    location /gone {{ return 502; }}
    location / {{ proxy_pass http://{host}; }}
  }}
}}
"""


def check_nginx(runner, host, work):
    if not shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or \
            not shutil.which("openssl"):
        print("nginx or openssl is not installed: TLS and passwords are skipped")
        return
    os.chmod(work, 0o755)  # nginx's workers are of another user where we are root
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", f"{work}/key.pem", "-out", f"{work}/cert.pem"], check=True,
                   stderr=subprocess.DEVNULL)
    with open(f"{work}/users", "w", encoding="utf-8") as file:
        file.write(f"name:{{PLAIN}}{SECRET}\n")
    port = web.free_port()
    with open(f"{work}/nginx.conf", "w", encoding="utf-8") as file:
        file.write(nginx_conf(work, port, host))
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-e", f"{work}/error.log", "-c",
                              f"{work}/nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        through_nginx(runner, f"https://127.0.0.1:{port}", port, work)
    finally:
        nginx.terminate()
        nginx.wait()


def through_nginx(runner, url, port, work):
    trust, user = ("--ca-cert", f"{work}/cert.pem"), ("--user", f"name:{SECRET}")
    for _ in range(600):
        if "cannot connect" not in runner.run("top", *trust, *user, url)[2]:
            break
        time.sleep(.1)
    runner.prints("main.leakSession", "top", *trust, *user, url)
    runner.prints("main.leakSession", "top", *trust, url.replace("//", f"//name:{SECRET}@"))
    runner.prints("main.leakSession", "top", *trust, *user, url + "/debug/pprof/heap?debug=1")
    err = runner.prints("main.leakSession", "top", "--insecure", *user, url)
    check("warning: --insecure: nobody has checked" in err, err)
    runner.fails("the server's certificate is not trusted", *user, url)
    runner.fails("holds no certificates in PEM form", "--ca-cert", f"{work}/users", *user, url,
                 status=2)
    runner.fails('a user and password are asked for (401: "401 Authorization Required")', *trust,
                 url + "/debug/pprof/heap")
    runner.fails("are not accepted (401", *trust, "--user", f"name:not-{SECRET}", url)
    runner.fails('the server failed (502: "502 Bad Gateway")', *trust, *user, url + "/gone")
    runner.fails("write https:// (400", f"127.0.0.1:{port}/debug/pprof/heap")
    data = os.path.join(work, "tls.data")
    status, _, err = runner.run("record", "--insecure", *user, "-i", "100ms", "--count", "2", "-o",
                                data, url)
    check(status == 0 and "warning: --insecure" in err and len(os.listdir(data)) == 4, err)


def check_tcmalloc(runner, options, work):
    """A program that serves nothing but files, its heap profiles among them."""
    library = ctypes.util.find_library("tcmalloc")
    if not library:
        print("tcmalloc is not installed: skipped")
        return
    service = os.path.join(options.programs, "leaky-service")
    subprocess.run([service, "--pace", "0", "--rounds", "300"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600, cwd=work,
                   env=dict(os.environ, LD_PRELOAD=library, HEAPPROFILE=os.path.join(work, "tc"),
                            HEAP_PROFILE_ALLOCATION_INTERVAL=str(4 << 20)))
    files = sorted(glob.glob(os.path.join(work, "tc.*.heap")))
    check(len(files) > 2, "gperftools wrote", files)
    bodies = [open(file, "rb").read() for file in files]
    server = web.Web()
    server.pages["/pprof/heap"] = lambda number: bodies[min(number, len(bodies)) - 1]
    runner.prints("cache_put", "top", server.host)
    data = os.path.join(work, "tc.data")
    status, _, err = runner.run("record", "-i", "1s", "--count", "3", "-o", data, server.host)
    check(status == 0 and "3 snapshots in" in err, err)
    out = runner.run("top", data)[1]
    # The profiles tell no time: their names do.
    check(re.search("3 snapshots over [1-9]", out) and "cache_put" in out, out)
    server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True, type=os.path.abspath)
    parser.add_argument("--programs", required=True, type=os.path.abspath)
    parser.add_argument("--sources", required=True, type=os.path.abspath)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        runner = Runner(options.heapdiff, work)
        check_tcmalloc(runner, options, work)
        if shutil.which("go") and shutil.which("gcc"):
            programs = [build(options, work, version) for version in "12"]
            service, host = start(programs[0])
            try:
                check_go(runner, host)
                check_record(runner, host, work)
                check_stopped(runner, service, host, work)
                check_nginx(runner, host, work)
            finally:
                stop(service)
            check_restart(runner, programs, work)
        else:
            print("go or gcc is not installed: skipped")
    if failures:
        sys.exit("\n".join(failures))
    sys.exit(0 if shutil.which("go") else SKIPPED)


main()
