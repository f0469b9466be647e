"""Files that must be refused before anything is read: pipes, devices, folders, links in a circle, nothing."""

import os
import shutil
import signal
from contextlib import contextmanager


def _pipe(path):
    os.mkfifo(path)


def _device(path):
    path.symlink_to("/dev/zero")


def _folder(path):
    path.mkdir()


def _circle(path):
    path.symlink_to(path.name)


def _empty(path):
    path.touch()


SPECIAL = {"pipe": _pipe, "device": _device, "folder": _folder, "circle": _circle, "empty": _empty}


def put_special(path, kind):
    """Replace a file by a special one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    SPECIAL[kind](path)


@contextmanager
def no_hang(seconds=5):
    """Fail a block that takes too long, even if it waits inside a system call."""

    def stop(*_):
        raise AssertionError(f"hung for {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
