#!/usr/bin/env python3
"""The live view of heapdiff watch in tmux: keys go in by send-keys, the screen comes out by
capture-pane. And on a plain terminal, with signals all the time.

usage: watch.py --heapdiff HEAPDIFF --testdata TESTDATA --programs DIR
Exit status 77: there is no tmux.
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from terminal import Terminal
from tmux import Tmux

# The same program may run for another test just now.
OF_ITS_OWN = 600 + os.getpid() % 10000 / 10000


def heap(args, number):
    return pathlib.Path(args.testdata, f"pprof/go-leak/heap.{number}.pb.gz")


def add(args, directory, number):
    """As a recorder does: there when it is whole."""
    hidden = directory / ".new"
    shutil.copy(heap(args, number), hidden)
    hidden.rename(directory / heap(args, number).name)


def lines_are_whole(screen, columns, rows):
    lines = screen.split("\n")
    assert len(lines) <= rows + 1, len(lines)
    assert all(len(line) <= columns for line in lines), screen


def fills_the_width(window, screen):
    """The widest row, on a screen that is just so wide, keeps the end of its line number. With
    any other the table would lose a column."""
    row = max(re.findall(r"^.*main\.go:\d+$", screen, re.M), key=len)
    window.run("resize-window", "-x", str(len(row)), "-y", "30")
    window.keys("?")
    window.expect("save the series")
    window.keys("q")
    window.expect(f"(?m)^{re.escape(row)}$")


def directory(args, home):
    """A directory that is filled while it is watched."""
    data = pathlib.Path(home, "data")
    data.mkdir()
    command = f"{shlex.quote(args.heapdiff)} watch --every 100ms data; echo status $?; stty; sleep 99"
    window = Tmux(home, command)
    try:
        window.expect("waiting for the first snapshot")
        add(args, data, 1)
        window.expect(r"1 snapshot\b(.|\n)*INUSE")
        for number in (2, 3, 4):
            add(args, data, number)
        window.expect(r"4 snapshots cannot tell(.|\n)*GROWTH +LAST")
        add(args, data, 5)
        screen = window.expect(r"\+41\.54MB +\+10\.01MB.* leaking +\S{5} +main\.fill")
        lines_are_whole(screen, 80, 24)
        window.keys("n")
        window.expect(r"sort name")
        window.keys("v", "Down", "Down", "Enter")
        window.expect(r"main\.spawn +leak/main\.go(.|\n)*q back")
        window.keys("q")
        window.expect("q quit")
        window.keys("f")
        window.expect("focus: _")
        window.keys("spawx", "BSpace", "n", "Enter")
        window.expect(r"filtered by focus=spawn(.|\n)*main\.spawn")
        window.keys("x")
        window.expect("filtered by", absent=True)
        window.keys("m")
        window.expect("inuse_objects|alloc_space")
        window.keys("b")
        window.keys("?")
        window.expect("save the series")
        window.keys("Escape")
        window.expect("q quit")
        window.run("resize-window", "-x", "60", "-y", "10")
        screen = window.expect(r"^(.*\n){9}q quit")
        lines_are_whole(screen, 60, 10)
        window.run("resize-window", "-x", "140", "-y", "30")
        fills_the_width(window, window.expect(r"RATE/h(.|\n)*main\.fill .*main\.go:\d+\n"
                                              r".*main\.spawn .*main\.go:\d+\n"))
        window.keys("s")
        window.expect(r"5 files saved in heapdiff\.saved-\d+-\d+")
        saved = list(pathlib.Path(home).glob("heapdiff.saved-*/heap.*.pb.gz"))
        assert len(saved) == 5, saved
        pause(args, window, data)
        window.keys("q")
        screen = window.expect("status 0")
        assert "-icanon" not in screen and "-echo" not in screen.replace("-echoprt", ""), screen
    finally:
        window.close()


def pause(args, window, data):
    window.keys("p")
    window.expect("PAUSED")
    (data / heap(args, 5).name).unlink()
    time.sleep(.5)
    window.expect("5 snapshots")
    window.keys("p")
    window.expect(r"data  4 snapshots(.|\n)*leak   4 snapshots")


def program(args, home):
    """A program that is recorded on the fly, and ended by Ctrl-C."""
    service = pathlib.Path(args.programs, "leaky-service")
    heapdiff = shlex.quote(args.heapdiff)
    command = (f"{heapdiff} watch -- ./none; echo none $?; "
               f"{heapdiff} watch -i 300ms -- {shlex.quote(str(service))} --seconds {OF_ITS_OWN}; "
               "echo status $?; sleep 99")
    # An interactive shell: it goes on where Ctrl-C ended a program.
    window = Tmux(home, "bash --norc -i -c " + shlex.quote(command))
    try:
        window.expect(r"leaking.*cache_put")
        window.keys("C-c")
        window.expect(r"there is no such program\nnone 127\n(.|\n)*"
                      r"next: heapdiff top\n(.|\n)*status 0")
        assert list(pathlib.Path(home, "heapdiff.data").glob("*.heapdiff*"))
        # The program has been ended, too.
        left = subprocess.run(["pgrep", "-f", f"^{service} --seconds {OF_ITS_OWN}"], check=False,
                              stdout=subprocess.PIPE, text=True).stdout
        assert not left.strip(), left
    finally:
        window.close()


def signals(args, home):
    """A signal that comes while the screen is drawn does not end it."""
    data = pathlib.Path(home, "data")
    data.mkdir()
    for number in range(1, 6):
        add(args, data, number)
    for _ in range(5):
        terminal = Terminal([args.heapdiff, "watch", "--every", "50ms", "data"],
                            {**os.environ, "TERM": "xterm", "XDG_STATE_HOME": home}, home)
        terminal.expect("q quit")
        for _ in range(5000):
            os.kill(terminal.pid, signal.SIGWINCH)
            terminal.read(0)
        terminal.send("q")
        assert terminal.end() == 0, terminal.text()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heapdiff", required=True)
    parser.add_argument("--testdata", required=True)
    parser.add_argument("--programs", required=True)
    args = parser.parse_args()
    if not shutil.which("tmux"):
        sys.exit(77)
    args.heapdiff = os.path.abspath(args.heapdiff)
    args.programs = os.path.abspath(args.programs)
    for test in (directory, program, signals):
        # After a failure what still ends may still write there.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            test(args, home)
    print("the live view is as it should be")


main()
