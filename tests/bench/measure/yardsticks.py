"""What the token and OpenSSL do by themselves, measured beside every run: the yardsticks of all ratios."""

import json
import subprocess

from lib import signer
from lib.util import BUILD


class Yardsticks:
    """With a token of its own, so that the keys of a run do not slow it down.

    T      plain rate: two threads of one process, token object
    C      ceiling: two processes of one thread, session copies of the key
    token_cpu_us, copy_cpu_us   CPU time of one signature: one thread with the token object, and of C
    v_us   CPU time of one verification of a P-256 signature by OpenSSL"""

    def __init__(self, folder, seconds):
        self.token = signer.Token(folder, "yardstick")
        self.seconds = seconds

    def _start(self, threads, kind, algorithm, *more):
        command = [BUILD / "tests/bench/tokenrate", signer.MODULE, self.token.label, self.token.pin_file]
        command += [threads, self.seconds, kind, algorithm, *more]
        return subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.token.environment
        )

    @staticmethod
    def _read(process):
        process.stdin.close()
        output = process.stdout.read()
        if process.wait() != 0:
            raise AssertionError("tokenrate could not measure the token")
        return json.loads(output)

    def _pair(self, algorithm):
        """Two processes that begin at once.  One logs in after the other: SoftHSM rewrites its token object then."""
        pair = []
        for _ in range(2):
            pair.append(self._start(1, "copy", algorithm, "wait"))
            pair[-1].stdout.readline()
        for process in pair:
            process.stdin.close()
        return [self._read(process) for process in pair]

    def measure(self, algorithm):
        threads = self._read(self._start(2, "token", algorithm))
        alone = self._read(self._start(1, "token", algorithm))
        copies = self._pair(algorithm)
        command = [BUILD / "tests/bench/tokenrate", "verify", str(self.seconds)]
        return {
            "T": threads["rate"],
            "C": sum(c["rate"] for c in copies),
            "token_cpu_us": alone["cpu_us"],
            "copy_cpu_us": sum(c["cpu_us"] for c in copies) / 2,
            "v_us": json.loads(subprocess.check_output(command))["cpu_us"],
        }


def mean(before, after):
    return {key: (before[key] + after[key]) / 2 for key in before}
