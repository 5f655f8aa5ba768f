"""heapdiff run on URLs: its answers, its faults, and its silence about secrets."""
import os
import subprocess

SECRET = "geheim"
failures = []


def check(good, *what):
    if not good:
        failures.append(" ".join(str(w) for w in what))


class Runner:
    def __init__(self, program, work):
        self.program, self.work = program, work
        # Where no name server answers, that is known soon (resolv.conf(5)).
        self.environment = dict(os.environ, XDG_STATE_HOME=os.path.join(work, "state"), HOME=work,
                                LC_ALL="C.UTF-8", TZ="UTC", RES_OPTIONS="timeout:1 attempts:1")
        for name in list(self.environment):
            if name.lower().endswith("_proxy"):
                del self.environment[name]

    def start(self, *arguments):
        return subprocess.Popen([self.program, *arguments], cwd=self.work, env=self.environment,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process, seconds=600):
        out, err = process.communicate(timeout=seconds)
        check(SECRET not in out + err, process.args, "tells the secret:", out, err)
        return process.returncode, out, err

    def run(self, *arguments):
        return self.finish(self.start(*arguments))

    def fails(self, wanted, *arguments, status=3):
        have, out, err = self.run("top", *arguments)
        check(have == status, arguments, "ends with", have, "not", status, err)
        check(wanted in err, arguments, "says", repr(err), "without", repr(wanted))
        check(not out, arguments, "prints", out)

    def prints(self, wanted, *arguments):
        status, out, err = self.run(*arguments)
        check(status == 0 and wanted in out, arguments, "ends with", status, out, err)
        return err
