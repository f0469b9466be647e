"""What may stand where workers are asked for."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from gnnmax.errors import InputError
from gnnmax.io.workers import check_sendable, check_workers


@pytest.mark.parametrize("executor", ["dask", 2, [ThreadPoolExecutor]])
def test_neither_an_executor_nor_a_function_is_refused(executor):
    with pytest.raises(InputError, match=r"executor must be a concurrent\.futures\.Executor, or a function.*: pass"):
        check_workers(1, executor)


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor, ThreadPoolExecutor(1)])
def test_an_executor_and_a_function_that_makes_one_are_accepted(executor):
    check_workers(1, executor)


def test_what_loky_sends_by_value_the_standard_pool_refuses():
    check_sendable(lambda: 1, "the net")
    with ProcessPoolExecutor(1) as pool, pytest.raises(InputError, match="the net cannot be sent to worker processes"):
        check_sendable(lambda: 1, "the net", pool)
