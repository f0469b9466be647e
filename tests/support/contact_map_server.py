"""A process that forks one reader of contact maps for each file: faster than an interpreter that imports h5py."""

import json
import subprocess
import sys
from contextlib import contextmanager

from gnnmax.detection.contact_maps import READER, reason_of

SERVER = """
import json, os, runpy, sys
read = runpy.run_path(sys.argv[1])["main"]
for line in sys.stdin:
    arguments, out, said = json.loads(line)
    child = os.fork()
    if not child:
        for number, path in ((1, out), (2, said)):
            os.dup2(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), number)
        status = 99
        try:
            status = read(*arguments)
        finally:
            os._exit(status)
    _, status, used = os.wait4(child, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss]), flush=True)
"""


class ContactMapServer:
    """Starts readers; ``ended`` keeps their exit statuses, processor seconds and peak memory in kB."""

    def __init__(self, folder):
        self.out, self.said = folder / "out", folder / "said"
        self.ended = []
        command = [sys.executable, "-P", "-c", SERVER, str(READER)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @contextmanager
    def started(self, arguments):
        """Do what :func:`gnnmax.detection.contact_maps.started` does."""
        self.process.stdin.write(json.dumps([arguments, str(self.out), str(self.said)]) + "\n")
        self.process.stdin.flush()
        status, *spent = json.loads(self.process.stdout.readline())
        self.ended.append((status, *spent))
        with self.out.open("rb") as out, self.said.open("rb") as said:
            yield out, lambda: reason_of(status, said.read(1_000))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
