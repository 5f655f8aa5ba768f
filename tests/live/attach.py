#!/usr/bin/env python3
"""Attaches to processes that run, over and over: none may be harmed, none may miss a
request, and what is recorded must be right. What cannot be attached to is refused with the
reason.

  attach.py --heapdiff FILE --programs DIR --sources DIR --agent FILE [TEST...]

Exit status 1: something is off; 77: no process may be traced here.
"""
import argparse
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from attach_programs import (LIBC, Failure, Heapdiff, Program, Redis, RedisUser, Visited, check,
                             snapshots, stopped_ms, wait_until)

CYCLES = 100
NOBODY = 65534


class Skipped(Exception):
    pass


def need(*commands):
    for command in commands:
        if not shutil.which(command):
            raise Skipped(f"{command} is not installed")


def need_root():
    if os.geteuid() != 0:
        raise Skipped("not root")


def cycles(heapdiff, pid, count):
    """Attaches and detaches."""
    for i in range(count):
        said = heapdiff.record(pid, "-i", "0", "--for", "1ms", "-o", f"cycle.{i}")
        check("detached; 2 snapshots" in said, said)
        check(("attached to" in said) == (i == 0), "the agent is put in once:", i, said)
        shutil.rmtree(os.path.join(heapdiff.work, f"cycle.{i}"))


def test_redis_under_load(options, heapdiff, work):
    need("redis-server", "redis-benchmark")
    with Redis(work) as server:
        user = RedisUser(server.socket)
        user.start()
        load = ["redis-benchmark", "-s", server.socket, "-l", "-c", "20", "-t", "set,get,lpush",
                "-q"]
        with Program(load, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as bench:
            wait_until(lambda: user.failure or user.requests > 100, "requests")
            cycles(heapdiff, server.pid, CYCLES)
            before = user.requests
            wait_until(lambda: user.failure or user.requests > before + 100, "requests after it")
            check(bench.process.poll() is None, "redis-benchmark has ended")
            user.ended = True
            user.join()
            check(not user.failure, "a request failed:", user.failure)
        check(server.end() == 0, "redis-server did not end well")


def test_sixteen_threads(options, heapdiff, work):
    with Visited(options, "join") as program:
        wait_until(lambda: len(os.listdir(f"/proc/{program.pid}/task")) == 17, "its threads")
        cycles(heapdiff, program.pid, CYCLES)
        check(re.search(r"^Threads:\t18$", program.text("status"), re.M),
              "16, the main one and the agent's:", program.text("status"))
        program.unharmed()


def test_fresh_ones(options, heapdiff, work):
    """Loading the agent into programs that allocate, or load libraries, all the time."""
    library = os.path.join(options.programs, "libplugin_a.so")
    for way in [["join"], ["load", library], ["allocate"], ["compute"], ["epoll"]]:
        for _ in range(3):
            with Visited(options, *way) as program:
                said = heapdiff.record(program.pid, "-i", "0", "--for", "20ms", "-o", "fresh")
                check(stopped_ms(said) > 0, said)
                program.unharmed()
            shutil.rmtree(os.path.join(work, "fresh"))


def test_a_leak_is_found(options, heapdiff, work):
    service = [os.path.join(options.programs, "leaky-service"), "--seconds", "600"]
    with Program(service, stdout=subprocess.DEVNULL) as program:
        said = heapdiff.record(program.pid, "--rate", "4k", "-i", "200ms", "--count", "12", "-o",
                               "leak")
        check(len(snapshots(os.path.join(work, "leak"))) >= 12, said)
        check(" snapshots in leak" in said and "next: heapdiff top" in said, said)
        top = json.loads(heapdiff.run("top", "--format", "json", "leak")[0])
        first = top["rows"][0]
        source = os.path.join(options.sources, "service/cache.c")
        lines = pathlib.Path(source).read_text(encoding="utf-8").splitlines()
        leak = next(i for i, line in enumerate(lines, 1) if "nobody ever frees it" in line)
        check((first["function"], first["file"], first["line"]) == ("cache_put", source, leak),
              "not the leak:", first)
        check(first["growth"] > 0.5 * sum(row["growth"] for row in top["rows"]), first)


def test_watched(options, heapdiff, work):
    """`heapdiff watch PID`: left, it is detached from; and the process may end first."""
    service = [os.path.join(options.programs, "leaky-service"), "--seconds"]
    words = ["watch", "--attach-timeout", "100s", "-i", "100ms", "--rate", "4k"]
    with Program([*service, "600"], stdout=subprocess.DEVNULL) as program:
        out, said = heapdiff.run(*words, "--count", "6", str(program.pid))
        check("cache_put" in out and out.count("inuse_space") == 6, out)
        check("attached to leaky-service" in said and "detached; " in said, said)
        check(program.process.poll() is None, "the service has ended")
        top = heapdiff.run("top", "--focus", "cache_put")
        check("heapdiff.data, as last time here" in top[1], top)
        # Whoever reads the tables has seen enough: it is detached from, too.
        said = heapdiff.run("watch", "--attach-timeout", "100s", "-i", "100ms", "-o", "again",
                            "--count", "1", str(program.pid))[1]
        check("woke the agent" in said and "detached; " in said, said)
        with Program([heapdiff.program, *words, "-o", "third", str(program.pid)], cwd=work,
                     env=heapdiff.environment, stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE) as watch:
            watch.process.stdout.readline()
            watch.process.stdout.close()
            err = watch.process.stderr.read().decode()
            check("detached; " in err, err)
        check(program.process.poll() is None, "the service has ended")
    with Program([*service, "600"], stdout=subprocess.DEVNULL) as program:
        with Program([heapdiff.program, *words, "-o", "ended", str(program.pid)], cwd=work,
                     env=heapdiff.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     text=True) as watch:
            watch.process.stdout.readline()
            program.process.terminate()
            program.process.wait()
            err = watch.process.communicate()[1]
            check(f"process {program.pid} has ended; " in err, err)
            check(watch.process.returncode == 0, watch.process.returncode)
    said = heapdiff.run(*words, "999999999", status=3)[1]
    check("there is no such process" in said, said)


def test_dormant(options, heapdiff, work):
    program = os.path.join(options.programs, "visited")
    with Visited(options, "allocate", before=[heapdiff.program, "record", "--dormant"]) as target:
        exe = os.readlink(f"/proc/{target.pid}/exe")
        check(exe == os.path.realpath(program), "nothing of heapdiff stays in the way:", exe)
        heapdiff_words = heapdiff.run("snap", str(target.pid), status=3)[1]
        check("wakes the agent in it" in heapdiff_words, heapdiff_words)
        with heapdiff.start("--pid", str(target.pid), "-i", "0", "-o", "woken") as recording:
            check("woke the agent in visited" in recording.said[0], recording.said)
            path = heapdiff.run("snap", str(target.pid))[0].rstrip("\n")
            check(os.path.isabs(path) and os.path.exists(path), path)
            info = heapdiff.run("info", path)[0]
            check("request" in info, info)
            said = heapdiff.run("snap", "--rate", "64k", str(target.pid))[1]
            check("64.00kB" in said, said)
            last = heapdiff.run("snap", str(target.pid))[0].rstrip("\n")
            check('"rate":65536' in pathlib.Path(last).read_text(encoding="utf-8"), last)
            check("detached; 5 snapshots in woken" in recording.finish(), recording.said)
        target.unharmed()


def test_snap_of_a_program_that_was_started(options, heapdiff, work):
    words = [heapdiff.program, "record", "-q", "-i", "1h", "-o", "started", "--",
             os.path.join(options.programs, "visited"), "epoll"]
    with Program(words, cwd=work, env=heapdiff.environment, stdout=subprocess.PIPE,
                 text=True) as recorder:
        check(recorder.process.stdout.readline() == "ready\n")
        children = f"task/{recorder.pid}/children"
        child = wait_until(lambda: recorder.text(children).strip(), "the program")
        path = heapdiff.run("snap", child)[0].rstrip("\n")
        check(os.path.dirname(path) == os.path.join(work, "started"), path)
        heapdiff.refuses(child, "is being recorded already, into " + os.path.join(work, "started"))
        check(recorder.end() == 0, "the program")


def test_the_end_of_the_process(options, heapdiff, work):
    with Visited(options, "allocate") as program:
        with heapdiff.start("--pid", str(program.pid), "-i", "50ms", "-o", "ends") as recording:
            program.unharmed()
            recording.until(f"process {program.pid} has ended;")
            check(recording.process.wait(60) == 0, recording.said)
    check(len(snapshots(os.path.join(work, "ends"))) >= 2, "the last one")


def test_it_becomes_another_program(options, heapdiff, work):
    with Program(["sh", "-c", "read x; exec sleep 600"], stdin=subprocess.PIPE) as program:
        with heapdiff.start("--pid", str(program.pid), "-i", "0", "-o", "exec") as recording:
            program.process.stdin.write(b"\n")
            program.process.stdin.close()
            recording.until("has become another program")
            check(recording.process.wait(60) == 0, recording.said)


def test_heapdiff_is_killed(options, heapdiff, work):
    with Visited(options, "allocate") as program:
        pid = str(program.pid)
        with heapdiff.start("--pid", pid, "-i", "50ms", "-o", "killed") as recording:
            recording.process.kill()
            recording.process.wait()
        heapdiff.refuses(pid, "is being recorded already, into " + os.path.join(work, "killed"))
        count = len(snapshots(os.path.join(work, "killed")))
        wait_until(lambda: len(snapshots(os.path.join(work, "killed"))) > count, "it goes on")
        said = heapdiff.record(pid, "--detach")
        check("detached; its snapshots are in " + os.path.join(work, "killed") in said, said)
        said = heapdiff.record(pid, "--detach", status=3)
        check("is not being recorded" in said, said)
        check("woke" in heapdiff.record(pid, "--for", "1ms", "-o", "again"))
        program.unharmed()


def test_another_detaches(options, heapdiff, work):
    with Visited(options, "poll") as program:
        with heapdiff.start("--pid", str(program.pid), "-o", "other") as recording:
            heapdiff.record(program.pid, "--detach")
            recording.until("another heapdiff has detached")
            check(recording.process.wait(60) == 0, recording.said)
        program.unharmed()


def test_nothing_stays_but_a_thread(options, heapdiff, work):
    with Visited(options, "sleep") as program:
        files = sorted(os.listdir(f"/proc/{program.pid}/fd"))
        heapdiff.record(program.pid, "--for", "1ms", "-o", "gone")
        check(sorted(os.listdir(f"/proc/{program.pid}/fd")) == files, "its files")
        maps = program.text("maps")
        check("wxp" not in maps, "memory that is writable and executable:", maps)
        anonymous = [line for line in maps.splitlines() if re.search(r" r-xp .* 0 *$", line)]
        check(not anonymous, "code that is nobody's:", anonymous)
        names = [pathlib.Path(task, "comm").read_text(encoding="utf-8").strip()
                 for task in pathlib.Path(f"/proc/{program.pid}/task").iterdir()]
        check(sorted(names) == ["heapdiff", "visited"], names)
        program.unharmed()


# --- what cannot be attached to ----------------------------------------------------------------


def test_stopped(options, heapdiff, work):
    with Visited(options, "sleep") as program:
        program.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: "State:\tT" in program.text("status"), "the stop")
        heapdiff.refuses(program.pid, f"kill -CONT {program.pid}")
        program.process.send_signal(signal.SIGCONT)
        wait_until(lambda: "State:\tT" not in program.text("status"), "its end")
        program.unharmed()


def test_traced(options, heapdiff, work):
    need("strace")
    with Visited(options, "sleep", "interruptible") as program:
        with Program(["strace", "-o", "/dev/null", "-p", str(program.pid)],
                     stderr=subprocess.DEVNULL) as tracer:
            wait_until(lambda: f"TracerPid:\t{tracer.pid}" in program.text("status"), "strace")
            heapdiff.refuses(program.pid, f"is traced by strace (process {tracer.pid})")
            tracer.end()
        program.unharmed()


def test_other_kinds_of_programs(options, heapdiff, work):
    source = os.path.join(work, "waits.c")
    pathlib.Path(source).write_text("#include <unistd.h>\nint main(void) { pause(); }\n",
                                    encoding="utf-8")
    kinds = [("cc", ["-static"], "is statically linked"), ("musl-gcc", [], "is linked with musl"),
             ("musl-gcc", ["-static"], "is statically linked")]
    for compiler, words, reason in kinds:
        need(compiler)
        program = os.path.join(work, "other")
        subprocess.run([compiler, *words, "-o", program, source], check=True)
        with Program([program]) as target:
            heapdiff.refuses(target.pid, reason)
    need("go")
    pathlib.Path(work, "sleeps.go").write_text(
        'package main\nimport "time"\nfunc main() { time.Sleep(time.Hour) }\n', encoding="utf-8")
    subprocess.run(["go", "build", "-o", program, "sleeps.go"], cwd=work, check=True,
                   env=dict(os.environ, CGO_ENABLED="0", GOFLAGS="-mod=mod"))
    with Program([program]) as target:
        heapdiff.refuses(target.pid, "heapdiff record HOST:PORT")


def test_what_is_no_process(options, heapdiff, work):
    with Program(["true"]) as zombie:
        wait_until(lambda: "State:\tZ" in zombie.text("status"), "a zombie")
        heapdiff.refuses(zombie.pid, "a zombie")
    with Visited(options, "join") as program:
        thread = wait_until(lambda: next((task for task in os.listdir(f"/proc/{program.pid}/task")
                                          if task != str(program.pid)), None), "its threads")
        heapdiff.refuses(thread, f"is a thread of process {program.pid}")
        program.unharmed()
    name = pathlib.Path("/proc/2/comm")  # in a container there is no such process
    if name.exists() and name.read_text(encoding="utf-8") == "kthreadd\n":
        heapdiff.refuses(2, "thread of the kernel")


# --- other users, other views -------------------------------------------------------------------


def for_nobody(options):
    """heapdiff, the agent and the program where anybody can run them."""
    place = tempfile.mkdtemp(prefix="heapdiff-attach-", dir="/var/tmp")
    os.chmod(place, 0o755)
    for file in (options.heapdiff, options.agent, os.path.join(options.programs, "visited")):
        shutil.copy(file, place)
    return place


def test_another_user(options, heapdiff, work):
    need_root()
    place, others = for_nobody(options), left_behind()
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        own = os.path.join(place, "data")
        os.mkdir(own)
        os.chown(own, NOBODY, NOBODY)
        nobodys = Heapdiff(argparse.Namespace(heapdiff=os.path.join(place, "heapdiff")), own)
        nobodys.environment["HEAPDIFF_AGENT"] = os.path.join(place, os.path.basename(options.agent))
        with Visited(options, "sleep") as roots:
            nobodys.refuses(roots.pid, "belongs to user root (0)", **as_nobody)
            roots.unharmed()
        program = os.path.join(place, "visited")
        with Visited(options, "allocate", program=program, cwd="/", **as_nobody) as target:
            said = heapdiff.record(target.pid, "-i", "50ms", "--count", "5", "-o", "theirs")
            check(re.search(r"detached; \d+ snapshots in theirs", said), said)
            found = snapshots(os.path.join(work, "theirs"))
            check(len(found) >= 5 and all(os.stat(path).st_size > 0 for path in found), found)
            wait_until(lambda: left_behind() <= others, "nothing is left behind")
            if yama() <= 0:
                said = nobodys.record(target.pid, "--for", "10ms", **as_nobody)
                check("woke" in said, said)
            target.unharmed()
        if yama() <= 0:
            with Visited(options, "allocate", program=program, cwd="/", **as_nobody) as target:
                said = nobodys.record(target.pid, "--for", "10ms", "-o", "fresh", **as_nobody)
                check("attached to visited" in said, said)
                target.unharmed()
    finally:
        shutil.rmtree(place)


def yama():
    try:
        return int(pathlib.Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii"))
    except OSError:
        return -1


def left_behind():
    """Where what cannot be written to its place lies for as long as it is written: also of other
    tests that run just now."""
    return {path for root in ("/tmp", "/var/tmp") for path in pathlib.Path(root).glob("heapdiff-*")
            if re.fullmatch(r"heapdiff-[a-z2-7]{8}", path.name)}


def isolated(heapdiff, target, work, name):
    """The snapshots come to where heapdiff was told to put them."""
    with heapdiff.start("--pid", str(target.pid), "-i", "50ms", "-o", name) as recording:
        path = heapdiff.run("snap", str(target.pid))[0].rstrip("\n")
        check(os.path.dirname(path) == os.path.join(work, name), path)
        check(os.stat(path).st_size > 0, "an empty snapshot")
        wait_until(lambda: len(snapshots(os.path.join(work, name))) >= 5, "five snapshots")
        said = recording.finish()
    check("detached; " in said, said)
    check(all(os.stat(path).st_size > 0 for path in snapshots(os.path.join(work, name))), said)
    check(json.loads(heapdiff.run("top", "--format", "json", name)[0])["rows"] is not None)


def test_another_mount_namespace(options, heapdiff, work):
    need_root()
    need("unshare", "mount")
    script = ("exec 9<" + os.path.join(options.programs, "visited") + "; "
              "mount -t tmpfs none /tmp && cat <&9 >/tmp/visited && chmod 755 /tmp/visited && exec 9<&- && "
              "exec /tmp/visited allocate")
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        raise Skipped("no mount namespaces here")
    with Visited(options, "-m", "sh", "-c", script, program="unshare") as target:
        isolated(heapdiff, target, work, "mounts")
        left = os.listdir(f"/proc/{target.pid}/root/tmp")
        check(left == ["visited"], "left there:", left)
        target.unharmed()


def test_another_root(options, heapdiff, work):
    need_root()
    need("chroot")
    root = pathlib.Path(work, "root")
    program = os.path.join(options.programs, "visited")
    libraries = re.findall(r"(/\S+) \(0x", subprocess.run(
        ["ldd", program], capture_output=True, text=True, check=True).stdout)
    for file in libraries:
        place = root / file.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    shutil.copy(program, root / "visited")
    (root / "tmp").mkdir()
    with Visited(options, str(root), "/visited", "allocate", program="chroot") as target:
        isolated(heapdiff, target, work, "roots")
        check(not os.listdir(root / "tmp"), "left there:", os.listdir(root / "tmp"))
        target.unharmed()


# ---------------------------------------------------------------------------------------------


def may_trace():
    """Whether this process may trace another of its own user."""
    with Program(["sleep", "600"]) as target:
        LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        good = LIBC.ptrace(0x4206, target.pid, None, None) == 0  # PTRACE_SEIZE
        return None if good else os.strerror(ctypes.get_errno())


def run(name, test, options):
    with tempfile.TemporaryDirectory(prefix="heapdiff-attach-live-") as work:
        started = time.monotonic()
        try:
            test(options, Heapdiff(options, work), work)
            print(f"{name}: fine, {time.monotonic() - started:.1f} s", flush=True)
        except Skipped as why:
            print(f"{name}: skipped: {why}", flush=True)
        except (Failure, subprocess.SubprocessError, OSError, LookupError) as failure:
            print(f"{name}: FAILED: {failure!r}", flush=True)
            return False
    return True


def main():
    parser = argparse.ArgumentParser()
    for name in ("heapdiff", "programs", "sources", "agent"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    why = may_trace()
    if why:
        print(f"skipped: no process may be traced here: {why}")
        sys.exit(77)
    tests = {name[5:]: test for name, test in globals().items() if name.startswith("test_")}
    chosen = options.tests or tests
    sys.exit(not all([run(name, tests[name], options) for name in chosen]))


main()
