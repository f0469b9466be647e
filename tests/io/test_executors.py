"""Executors by name: refusals in one line."""

import sys

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
