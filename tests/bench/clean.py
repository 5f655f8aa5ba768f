#!/usr/bin/env python3
"""Rows claimed to have grown between two snapshots of one clean, busy program: redis
under a steady benchmark, after its warm-up.

usage: clean.py HEAPDIFF [PAIRS] [SECONDS-BETWEEN]

Records redis-server, overwrites keys of a full key space all the time, and compares
each snapshot with the next. Not a test: it only measures. Needs Debian's packages
redis-server and redis-tools.
"""
import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

KEYS, VALUE = 100_000, 512


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def main():
    heapdiff = os.path.abspath(sys.argv[1])
    missing = [tool for tool in ("redis-server", "redis-cli", "redis-benchmark")
               if not shutil.which(tool)]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}; apt-get install redis-server redis-tools")
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 1
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="heapdiff-clean-") as work:
        environment = dict(os.environ, XDG_STATE_HOME=work)
        recorder = subprocess.Popen(
            [heapdiff, "record", "-q", "-i", f"{int(seconds * 1000)}ms", "-o", "data", "--",
             "redis-server", "--port", port, "--save", "", "--appendonly", "no"],
            cwd=work, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(1)
        bench = ["redis-benchmark", "-p", port, "-q", "-r", str(KEYS), "-d", str(VALUE), "-t",
                 "set,get", "-P", "8"]
        # Warm: every key is there, and the allocator's and the clients' buffers.
        subprocess.run(["redis-cli", "-p", port, "debug", "populate", str(KEYS), "key",
                        str(VALUE)], stdout=subprocess.DEVNULL, check=True)
        subprocess.run(bench + ["-n", str(20 * KEYS)], stdout=subprocess.DEVNULL, check=True)
        with subprocess.Popen(bench + ["-l"], stdout=subprocess.DEVNULL) as load:
            time.sleep(3)
            begin = len(glob.glob(os.path.join(work, "data", "*.heapdiff")))
            time.sleep(seconds * (pairs + 2))
            snapshots = sorted(glob.glob(os.path.join(work, "data", "*.heapdiff")))
            load.kill()
        subprocess.run(["redis-cli", "-p", port, "shutdown", "nosave"], check=False,
                       stdout=subprocess.DEVNULL)
        recorder.wait()
        snapshots = snapshots[begin:begin + pairs + 1]
        claimed, rows = 0, 0
        for before, after in zip(snapshots, snapshots[1:]):
            answer = json.loads(subprocess.run(
                [heapdiff, "top", "--all", "--format", "json", before, after], cwd=work,
                env=environment, check=True, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL).stdout)
            grown = [row for row in answer["rows"] if row["verdict"] == "growing"]
            claimed += len(grown)
            rows += sum(row["growth"] > 0 for row in answer["rows"])
            for row in grown:
                print(f"grown: {row['name']} {row['growth']} +- {row['interval']}")
        print(f"{len(snapshots) - 1} pairs, {rows} rows with a gain, {claimed} claimed to have "
              f"grown; heap {answer['after'] >> 20} MB")


main()
