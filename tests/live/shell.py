#!/usr/bin/env python3
"""The prompt of heapdiff shell: editing, completion, history, Ctrl-C, pipes and the end.

usage: shell.py --heapdiff HEAPDIFF --testdata TESTDATA
"""
import argparse
import fcntl
import glob
import os
import pathlib
import re
import signal
import stat
import sys
import tempfile
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from terminal import Terminal  # noqa: E402

PROMPT = r"\(heapdiff\) "


def start(args, home, names):
    environment = {**os.environ, "TERM": "xterm", "HOME": home, "XDG_STATE_HOME": home,
                   "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    terminal = Terminal([args.heapdiff, "shell", *names], environment, home)
    terminal.expect(PROMPT)
    terminal.mark = len(terminal.output)
    settle(terminal)
    # And nothing is said over it later.
    terminal.read(0.8)
    assert "reading" not in terminal.text(), terminal.text()
    return terminal


def settle(terminal):
    """The prompt comes a moment before the terminal is set for it: Ctrl-C and Ctrl-D in between
    are lost."""
    end = time.monotonic() + 60
    while terminal.read(0.3) or termios.tcgetattr(terminal.fd)[3] & termios.ICANON:
        assert time.monotonic() < end, "the terminal stays as it was"


def wait_for_program(terminal, name):
    """Until the shell has started it, itself or by another."""
    def runs(pid):
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            try:
                if pathlib.Path(f"/proc/{child}/comm").read_text() == name + "\n" or runs(child):
                    return True
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has ended
        return False
    end = time.monotonic() + 120
    while not runs(terminal.pid):
        assert time.monotonic() < end, f"{name} does not run"
        terminal.read(0.05)


def completion(terminal):
    terminal.send("snap\t\n")
    terminal.expect(r"base +2026.*")
    terminal.expect(PROMPT)
    terminal.send("t\t")
    assert {"top", "traces", "tree", "trim_path="} <= set(
        terminal.expect(r"trim_path=(.|\n)*\(heapdiff\) t").split())
    terminal.send("o\t1 | head -1\n")
    terminal.expect(r"leak +5 snapshots")
    terminal.expect(PROMPT)
    terminal.send("list main.fi\t > listed\n")
    terminal.expect(PROMPT)
    terminal.send("foc\tmain.sp\t\n")
    terminal.expect(PROMPT)
    terminal.send("focus\n")
    terminal.expect(r"focus += main\.spawn ")
    terminal.expect(PROMPT)
    terminal.send("measure=alloc_s\t\nmeasure\n")
    terminal.expect(r"measure += alloc_space")
    terminal.expect(PROMPT, 2)
    # What nothing begins with, something may have inside.
    terminal.send("peek spaw\t\n")
    terminal.expect(r"\| main\.spawn")
    terminal.expect(PROMPT)
    terminal.send(":\nmeasure=\n")
    terminal.expect(PROMPT, 2)


def interrupts(terminal, home):
    settle(terminal)
    terminal.send("this is dropp")
    terminal.expect("dropp")
    terminal.send("\x03")
    terminal.expect(PROMPT)
    terminal.send("base\n")
    assert "unknown" not in terminal.expect(r"base += .*\n(.|\n)*" + PROMPT)
    # Also before the prompt is ready for it.
    for _ in range(200):
        terminal.send("\x03")
        terminal.expect(PROMPT)
    # A program that runs gets it; the shell goes on.
    terminal.send("top | sleep 600\n")
    terminal.expect(r"sleep 600\n")
    wait_for_program(terminal, "sleep")
    terminal.send("\x03")
    terminal.expect(r"ended by signal 2(.|\n)*" + PROMPT)
    # Who has seen enough ends a pipe, not the shell.
    terminal.send("traces | true\n")
    terminal.expect(PROMPT)
    terminal.send("top1 > out\n")
    terminal.expect(PROMPT)
    assert "leak" in pathlib.Path(home, "out").read_text()
    assert "main.fill" in pathlib.Path(home, "listed").read_text()


def fifo(args, home, names):
    """A FIFO that is full and that nobody reads does not hold the shell for ever."""
    terminal = start(args, home, names)
    name = os.path.join(home, "fifo")
    os.mkfifo(name)
    end = os.open(name, os.O_RDWR | os.O_NONBLOCK)
    os.write(end, bytes(fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)))
    terminal.send("top >fifo\n")
    waited = time.monotonic() + 120
    files = pathlib.Path(f"/proc/{terminal.pid}/fd")
    while not any(os.path.realpath(file) == os.path.realpath(name) for file in files.iterdir()):
        assert time.monotonic() < waited, terminal.text()
        terminal.read(0.01)
    terminal.send("\x03")
    said = terminal.expect("interrupted\n" + PROMPT)
    assert "fifo:" not in said, said
    os.close(end)
    terminal.send("quit\n")
    assert terminal.end() == 0, terminal.text()


def type_until(terminal, keys, heard):
    """A Ctrl-C that is still on its way drops what is typed: it is typed again then."""
    end = time.monotonic() + 120
    terminal.send(keys)
    while not heard():
        assert time.monotonic() < end, f"{keys!r} is not heard; there is:\n{terminal.text()}"
        if not terminal.read(1):
            os.write(terminal.fd, keys.encode())


def signals(args, home, names):
    """Whatever is just being written when Ctrl-C comes: there are answers after it, and the
    end is a good one."""
    terminal = start(args, home, names)
    for _ in range(30):
        terminal.send("traces\n")
        for _ in range(100):
            os.kill(terminal.pid, signal.SIGINT)
            terminal.read(0)
        while terminal.read(0.1):
            pass
        type_until(terminal, "top1\n", lambda: re.search(r"\[\d+ others", terminal.text()))
    # By that it is known, too, that nothing is on its way any more.
    terminal.expect(r"TOTAL(.|\n)*" + PROMPT)
    terminal.send("quit\n")
    assert terminal.end() == 0, terminal.text()


def history(args, home, names):
    terminal = start(args, home, names)
    terminal.send("\x1b[A\n")
    terminal.expect(r"quit")
    assert terminal.end() == 0
    file = pathlib.Path(home, "heapdiff/shell_history")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, oct(file.stat().st_mode)
    assert "peek" in file.read_text()


def together(args, home, names):
    """Two shells at a time: what was typed in either is there afterwards, and in order; a shell
    that is killed loses nothing."""
    first, second = start(args, home, names), start(args, home, names)
    for number, terminal in enumerate((first, second, first, second)):
        terminal.send(f"focus=typed{number}\nfocus\n")
        terminal.expect(f"focus += typed{number}")
        terminal.expect(PROMPT)
    first.kill()
    second.send("quit\n")
    assert second.end() == 0
    lines = pathlib.Path(home, "heapdiff/shell_history").read_text().split("\n")
    have = [line for line in lines if "typed" in line]
    assert [line.removesuffix("\\012") for line in have] == [
        f"focus=typed{number}" for number in range(4)], have
    assert not list(pathlib.Path(home, "heapdiff").glob("shell_history.*"))


def long_work(args, home):
    """Ctrl-C ends what is computed, and the next answer is right. Each question is of other
    stacks, so that it has to be computed; the key may come when it has been."""
    wide = pathlib.Path(home, "wide.folded")
    with open(wide, "w", encoding="ascii") as file:
        for i in range(30000):
            file.write("".join(f"f{(i * 7 + k * k) % 5003};" for k in range(60)) + f"g{i} {i}\n")
    terminal = start(args, home, [str(wide)])
    for i in range(50):
        settle(terminal)  # else it is typed ahead, and Ctrl-C throws that away
        terminal.send(f"traces 1 -zz{i}\n")
        terminal.expect(f"zz{i}\n")
        os.write(terminal.fd, b"\x03")
        if "interrupted" in terminal.expect(r"(interrupted|f4870\n-)(.|\n)*" + PROMPT):
            break
    else:
        raise AssertionError("Ctrl-C ends nothing")
    terminal.send("top1\n")
    terminal.expect(r"\[\d+ others\](.|\n)*TOTAL(.|\n)*" + PROMPT)
    terminal.send("quit\n")
    assert terminal.end() == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True)
    parser.add_argument("--testdata", required=True)
    args = parser.parse_args()
    args.heapdiff = os.path.abspath(args.heapdiff)
    names = sorted(glob.glob(os.path.abspath(args.testdata) + "/pprof/go-leak/heap.?.pb.gz"))
    with tempfile.TemporaryDirectory() as home:
        terminal = start(args, home, names)
        completion(terminal)
        interrupts(terminal, home)
        terminal.send("quit\n")
        assert terminal.end() == 0
        after = termios.tcgetattr(terminal.fd)
        assert after[3] & termios.ICANON and after[3] & termios.ECHO, "the terminal is left raw"
        history(args, home, names)
        fifo(args, home, names)
        signals(args, home, names)
        together(args, home, names)
        long_work(args, home)
        terminal = start(args, home, names)
        terminal.send("\x04")
        assert terminal.end() == 0
    print("completion, history, Ctrl-C, pipes: as they should be")


main()
