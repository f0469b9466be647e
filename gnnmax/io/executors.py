"""Executors by name, for the command line: processes of this machine, a dask cluster, or MPI."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from gnnmax.errors import InputError, suggestion
from gnnmax.io.workers import ExecutorLike

__all__ = ["named_executor", "waiting_note"]

DASK = "dask://"
KNOWN = ("loky", DASK + "HOST:PORT", "mpi")

MPI_START = "mpiexec -n N python -m mpi4py.futures -m gnnmax"

WAIT_SECONDS = 30
"""Seconds within which a scheduler must answer."""


@contextlib.contextmanager
def named_executor(name: str, workers: int = 1) -> Iterator[ExecutorLike | None]:
    """Yield the executor of a name, and close it after the block; no library is imported but that of the name.

    Args:
        name: ``loky``: worker processes of this machine. ``dask://HOST:PORT``: the cluster of a dask scheduler.
            ``mpi``: the processes that ``mpiexec -n N python -m mpi4py.futures`` started.
        workers: Number of workers.

    Yields:
        The executor; None for ``loky``, which the package starts by itself.

    Raises:
        InputError: an unknown name, a library that is not installed, a scheduler that does not answer, or MPI
            without processes.

    Example:
        >>> with named_executor("loky") as executor:
        ...     print(executor)
        None
        >>> with named_executor("lokky") as executor:
        ...     pass
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: unknown executor 'lokky': did you mean loky?
    """
    if name == "loky":
        yield None
    elif name.startswith(DASK):
        with _dask_client(f"tcp://{name.removeprefix(DASK)}") as client:
            yield client.get_executor()
    elif name == "mpi":
        with _mpi_pool(workers) as pool:
            yield pool
    else:
        hint = suggestion(name, KNOWN) or f"; expected one of {', '.join(KNOWN)}"
        raise InputError(f"unknown executor {name!r}{hint}")


def waiting_note(executor: object) -> str:
    """Say that a dask cluster has no worker yet, for its executor waits for one; empty for any other executor.

    Example:
        >>> waiting_note(None)
        ''
    """
    client = getattr(executor, "_client", None)  # distributed has no public way from an executor to its client
    if client is None or not hasattr(client, "nthreads") or client.nthreads():
        return ""
    return f"the dask cluster at {client.scheduler.address} has no worker yet: the work begins when one joins"


def _dask_client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise InputError("a dask cluster needs distributed, which is not installed: pip install distributed") from None
    try:
        return Client(address, timeout=WAIT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = str(error).splitlines() or [type(error).__name__]
        raise InputError(
            f"no dask scheduler answers at {address}: {reason[0][:200]}; start one with 'dask scheduler', and give its "
            "address as dask://HOST:PORT"
        ) from None


def _mpi_pool(workers: int) -> Any:
    try:
        from mpi4py.futures import MPIPoolExecutor
        from mpi4py.MPI import COMM_WORLD
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f"mpi needs mpi4py with a library of MPI ({str(error)[:100]}): pip install mpi4py, and start the command "
            f"with {MPI_START}"
        ) from None
    if "mpi4py.futures" not in sys.orig_argv or COMM_WORLD.size < 2:  # it would wait for workers for ever
        raise InputError(f"mpi has no worker processes here: start the command with {MPI_START} ..., N at least 2")
    return MPIPoolExecutor(max_workers=workers if workers > 1 else None)
