"""A terminal for tests of full screens: tmux."""
import os
import re
import subprocess
import time

PATIENCE = 120  # seconds; what should come comes in much less


class Tmux:
    """A server of its own with one window, which a shell command fills."""

    def __init__(self, directory, command, columns=80, rows=24):
        self.base = ["tmux", "-S", os.path.join(directory, "tmux.socket"), "-f", "/dev/null"]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "XDG_STATE_HOME": directory}
        environment.pop("TMUX", None)
        # terminal.keep_output() says why.
        subprocess.run([*self.base, "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c",
                        directory, "stty noflsh; " + command], check=True, env=environment)

    def run(self, *words):
        return subprocess.run([*self.base, *words], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def screen(self):
        return self.run("capture-pane", "-p")

    def keys(self, *keys):
        self.run("send-keys", *keys)

    def expect(self, pattern, absent=False):
        end = time.monotonic() + PATIENCE
        while True:
            screen = self.screen()
            if bool(re.search(pattern, screen)) != absent:
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} {'stays' if absent else 'does not come'}:\n"
                                     f"{screen}")
            time.sleep(.1)

    def close(self):
        subprocess.run([*self.base, "kill-server"], check=False, stderr=subprocess.DEVNULL)
