"""However a call ends, it ends in one line and with a sensible status: closed streams, interrupts at any instant."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from gnnmax.cli.main import main
from tests.support.interrupts import heed_interrupts, wait_until

INTERRUPTED = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
turn, sys.argv[1:] = int(sys.argv[1]), sys.argv[2:]

class Finder:
    seen = 0
    def find_spec(self, *_):
        Finder.seen += 1
        if Finder.seen == turn:
            os.kill(os.getpid(), signal.SIGINT)

import gnnmax
sys.meta_path.insert(0, Finder())
try:
    runpy.run_module("gnnmax", run_name="__main__", alter_sys=True)
finally:
    if Finder.seen < turn:
        os._exit(99)
"""
CALLS = {
    "list": (),
    "--version": (),
    "info tiny --page card.html": ("card.html",),
    "generate tiny --out new": ("new/manifest.json",),
    "verify data": (),
    "detect matrix.csv --k 3 --models none --out maxima.csv": ("maxima.csv", "maxima.card.json"),
    "compare --data tiles-3 --models cnn --seeds 1 --steps 2 --evaluate-every 1 --device cpu --out other": (
        "other/results.json",
    ),
    "report run": ("run/report.html",),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a data set, a run and a matrix."""
    folder = tmp_path_factory.mktemp("place")
    budget = ["--seeds", "1", "--steps", "2", "--evaluate-every", "1", "--device", "cpu"]
    assert main(["generate", "tiny", "--out", str(folder / "data")]) == 0
    assert main(["compare", "--data", "tiles-3", "--models", "cnn", *budget, "--out", str(folder / "run")]) == 0
    (folder / "matrix.csv").write_text("a,b,1\nb,c,2\nc,d,3\n")
    return folder


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("call", CALLS)
def test_closed_streams_lose_no_work_and_are_no_error(place, call, closed):
    if closed != ">&-" and not call.startswith(("list", "generate")):
        pytest.skip("one command that prints and one that writes are enough")
    for made in CALLS[call]:
        (place / made).unlink(missing_ok=True)
    for folder in ("new", "other"):
        shutil.rmtree(place / folder, ignore_errors=True)
    command = f"{sys.executable} -m gnnmax {call} {closed}"
    done = subprocess.run(command, shell=True, cwd=place, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all((place / made).stat().st_size for made in CALLS[call])


def test_a_wrong_call_has_its_status_and_its_line_with_closed_output_too(tmp_path):
    command = f"{sys.executable} -m gnnmax list nowhere >&-"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("gnnmax: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("turn", [4, 10, 40, 150, 300, 450, 600])
def test_an_interrupt_while_modules_are_loaded_is_one_line(turn, tmp_path):
    call = [sys.executable, "-c", INTERRUPTED, str(turn), "info", "tiny"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "gnnmax: interrupted\n")


def test_the_command_that_is_installed_heeds_interrupts_from_the_start():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"gnnmax": "gnnmax.__main__:run"}


@pytest.mark.parametrize(
    "call",
    [
        "report run",
        pytest.param(
            "compare --data tiles-3 --models cnn --seeds 2 --workers 2 --steps 2 --evaluate-every 1 --device cpu "
            "--out fourth",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_settings_for_other_programs_end_neither_a_command_nor_its_workers(place, call):
    settings = {"PYTHONWARNINGS": "error", "MPLBACKEND": "bogus", "WORLD_SIZE": "", "RANK": ""}
    words = [sys.executable, "-m", "gnnmax", *call.split()]
    done = subprocess.run(words, cwd=place, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "Warning" in line]) == (0, []), done.stderr


def test_a_warning_that_a_library_raises_while_it_is_loaded_is_not_printed(tmp_path):
    module = tmp_path / "torch_geometric.py"
    module.write_text("import warnings\nwarnings.warn('`torch.jit.script` is deprecated. Switch.', FutureWarning)\n")
    code = (
        "import subprocess, sys; from gnnmax.__main__ import _settle_environment as settle; settle()\n"
        "import torch_geometric; subprocess.run([sys.executable, '-c', 'import torch_geometric'], check=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_was_removed_is_no_place_to_work_in(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for call in (["list", "rules"], ["generate", "tiny", "--out", "x"], ["compare", "--data", "tiny", "--out", "x"]):
        assert main(call) == 2
        assert capsys.readouterr().err == (
            "gnnmax: the current folder cannot be used: No such file or directory; change to another one by cd\n"
        )


def workers_of(group: int) -> list[int]:
    """The worker processes of a group that live, by /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and b"popen_loky" in stat.with_name("cmdline").read_bytes():
                found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
@pytest.mark.parametrize("seconds", [0.05, 0.15, 0.3, 0.45])
def test_an_interrupt_while_workers_start_is_one_line(seconds, tmp_path):
    words = [sys.executable, "-m", "gnnmax", "generate", "spike-15", "--out", "data", "--workers", "3"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(words, cwd=tmp_path, preexec_fn=heed_interrupts, start_new_session=True, **pipes)
    wait_until(lambda: workers_of(process.pid), process)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    out, err = process.communicate(timeout=600)
    assert (process.returncode, out, err) == (130, "", "gnnmax: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def heed_hang_ups():
    """Restore what nohup changes."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
@pytest.mark.parametrize(
    ("end", "seconds"), [(signal.SIGKILL, 0.0), (signal.SIGKILL, 1.0), (signal.SIGTERM, 1.0), (signal.SIGHUP, 1.0)]
)
def test_workers_end_with_the_process_that_started_them(end, seconds, tmp_path):
    words = [sys.executable, "-m", "gnnmax", "generate", "spike-15", "--set=splits.train=4000", "--workers", "3"]
    process = subprocess.Popen(
        [*words, "--out", "data"],
        cwd=tmp_path,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        preexec_fn=heed_hang_ups,
    )
    wait_until(lambda: len(workers_of(process.pid)) == 3, process)
    time.sleep(seconds)  # they start, or they draw
    process.send_signal(end)  # the parent alone
    assert process.wait() == -end
    until = time.monotonic() + 10
    while (left := workers_of(process.pid)) and time.monotonic() < until:
        time.sleep(0.05)
    for orphan in left:
        os.kill(orphan, signal.SIGKILL)
    assert not left
