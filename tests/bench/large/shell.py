"""What a command of `heapdiff shell` costs: CPU time and time, of each the least of several
shells. A command is asked at once, and again, and once its answer has been prepared."""
import os
import subprocess
import time

IDLE = 3  # seconds; so long nobody types

# What is asked, in a new shell each: the last command counts, those before it are not timed.
# None: nobody types for a while, as after a setting that somebody has typed.
QUESTIONS = {
    "load": [],
    "top": ["top"],
    "top again": ["top", "top"],
    "top, prepared": [None, "top"],
    "top --cum, prepared": [None, "top --cum"],
    "list, prepared": [None, "list Method1801"],
    "explain, prepared": [None, "explain Method1801"],
    "tree, prepared": [None, "tree"],
    "peek, prepared": [None, "peek Method1801"],
    "traces 20, prepared": [None, "traces 20"],
    "snapshots, prepared": [None, "snapshots"],
    "focus, top, prepared": ["focus=part3", None, "top"],
    "focus, list, prepared": ["focus=part3", None, "list Method1801"],
    "focus, tree, prepared": ["focus=part3", None, "tree"],
    "hide, tree, prepared": ["hide=part3", None, "tree"],
    "top --cum": ["top --cum"],
    "list": ["list Method1801"],
    "tree": ["tree"],
    "top REGEX": ["top", "top part3"],
    "tree REGEX": ["tree", "tree part3"],
}


def cpu_of(pid):
    """Seconds of all threads that are there."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass
    return total / 1e9


def peak_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024


class Shell:
    """A shell that is spoken to through pipes. What a setting prints marks an answer's end."""

    def __init__(self, heapdiff, files, environment):
        self.process = subprocess.Popen([heapdiff, "shell", *files], text=True, env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def ask(self, command):
        self.process.stdin.write(f"{command}\nnodecount\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.split()[:2] == ["nodecount", "="]:
                return
        raise SystemExit(f"run: the shell ended at {command}")

    def timed(self, command):
        pid = self.process.pid
        cpu, start = cpu_of(pid), time.monotonic()
        self.ask(command)
        return max(cpu_of(pid) - cpu, 0), time.monotonic() - start

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def once(heapdiff, files, environment, commands):
    shell = Shell(heapdiff, files, environment)
    start = time.monotonic()
    if commands:
        shell.ask("")
        for command in commands[:-1]:
            if command is None:
                time.sleep(IDLE)
            else:
                shell.ask(command)
        cpu, wall = shell.timed(commands[-1])
    else:
        shell.ask("")
        cpu, wall = cpu_of(shell.process.pid), time.monotonic() - start
    rss = peak_of(shell.process.pid)
    shell.close()
    return cpu, wall, rss


def measured(heapdiff, files, environment, runs):
    """{question: {cpu, wall, rss}}; the runs take turns."""
    result = {}
    for _ in range(runs):
        for name, commands in QUESTIONS.items():
            cpu, wall, rss = once(heapdiff, files, environment, commands)
            have = result.setdefault(name, {"cpu": cpu, "wall": wall, "rss": 0})
            have["cpu"] = round(min(have["cpu"], cpu), 4)
            have["wall"] = round(min(have["wall"], wall), 4)
            have["rss"] = max(have["rss"], rss)
    return result
