"""Executors by name: refusals in one line."""

import sys
from types import SimpleNamespace

import pytest

from gnnmax.errors import InputError
from gnnmax.io.executors import named_executor


@pytest.mark.parametrize(
    ("name", "module", "message"),
    [
        ("dask://nowhere:1", "distributed", "needs distributed, which is not installed"),
        ("mpi", "mpi4py.futures", "mpi needs mpi4py"),
        ("daks://x:1", "", "unknown executor 'daks://x:1'; expected one of loky"),
        ("", "", "expected one of loky"),
    ],
)
def test_an_executor_that_cannot_be_had_is_refused(monkeypatch, name, module, message):
    if module:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=message), named_executor(name):
        pass


@pytest.mark.parametrize(
    ("call", "size"), [(["python", "-m", "gnnmax"], 3), (["python", "-m", "mpi4py.futures", "-m", "gnnmax"], 1)]
)
def test_mpi_without_worker_processes_is_refused_and_does_not_wait(monkeypatch, call, size):
    monkeypatch.setitem(sys.modules, "mpi4py.futures", SimpleNamespace(MPIPoolExecutor=None))
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", SimpleNamespace(COMM_WORLD=SimpleNamespace(size=size)))
    monkeypatch.setattr(sys, "orig_argv", call)
    with pytest.raises(InputError, match="mpi has no worker processes here"), named_executor("mpi"):
        pass
