"""Commands timed: the least CPU time of several runs and the most memory, and how many
instructions the small ones take."""
import os
import re
import resource
import shutil
import subprocess
import tempfile


def environment(work):
    """Nothing of the user's, and no cache of symbols from the run before."""
    return dict(os.environ, HOME=work, XDG_STATE_HOME=work, XDG_CACHE_HOME=work, LC_ALL="C.UTF-8",
                TZ="UTC", DEBUGINFOD_URLS="")


def once(command, work, output=None):
    """CPU seconds and peak memory in bytes of a shell command and all that it starts."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open(output or os.devnull, "wb") as out:
            status = subprocess.run(command, shell=True, cwd=work, env=environment(work),
                                    stdout=out, stderr=subprocess.DEVNULL, check=False).returncode
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(writer, f"{status} {used.ru_utime + used.ru_stime} {used.ru_maxrss}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    status, cpu, rss = os.read(reader, 100).split()
    os.close(reader)
    if int(status) != 0:
        raise SystemExit(f"run: it ended with {int(status)}: {command}")
    return float(cpu), int(rss) * 1024


def memory(command, work):
    """Peak memory in bytes by time(1), which does not count the Python that started it."""
    out = os.path.join(work, "memory")
    once(f"/usr/bin/time -o {out} -f %M {command}", work)
    with open(out, encoding="ascii") as file:
        return int(file.read().split()[-1]) * 1024


def interleaved(commands, runs, work):
    """{name: {cpu, rss, command}} of commands that take turns; those that take long are
    run once."""
    result = {}
    for turn in range(runs):
        for name, command in commands.items():
            if turn and result[name]["cpu"] > 20:
                continue
            cpu, rss = once(command, work)
            have = result.setdefault(name, {"cpu": cpu, "rss": 0, "command": command})
            have["cpu"] = round(min(have["cpu"], cpu), 4)
            have["rss"] = max(have["rss"], rss)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for row in result.values():
        if row["rss"] < 2 * own and os.path.exists("/usr/bin/time"):
            row["rss"] = memory(row["command"], work)
    return result


def instructions(command, work):
    """Instructions by callgrind, None where it is not installed."""
    if not shutil.which("valgrind"):
        return None
    with tempfile.TemporaryDirectory(dir=work) as out:
        done = subprocess.run(f"valgrind --tool=callgrind --callgrind-out-file={out}/out {command}",
                              shell=True, cwd=work, env=environment(work), text=True, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise SystemExit(f"run: callgrind failed on {command}: {done.stderr[-300:]}")
    return int(found[1])
