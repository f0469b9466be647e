"""A map over an executor: in order, a bounded number of results ahead, and lost work is given out again."""

import contextlib
import functools
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context

import pytest

from gnnmax.errors import InputError, LostWorkerError
from gnnmax.io import ordered_map
from gnnmax.io.ordered_map import AHEAD, TRIES, map_ahead
from tests.support.dying import square_or_die

SQUARES = [number**2 for number in range(20)]


class Immediate(Executor):
    """An executor that finishes everything at once but the item ``"never"``; ``log`` holds what happened to it."""

    def __init__(self):
        self.log = []

    def submit(self, function, item):
        self.log.append(item)
        done = Future()
        if item != "never":
            done.set_result(function(item))
        return done

    def shutdown(self, wait=True, *, cancel_futures=False, kill_workers=False):
        self.log.append("killed" if kill_workers else "shut down")


class Losing(Executor):
    """An executor that loses its worker as soon as it holds some items, and every item of a set by itself."""

    def __init__(self, deadly, log):
        self.deadly, self.log, self.lost = deadly, log, []
        self.log.append([])

    def submit(self, function, item):
        self.log[-1].append(item)
        future = Future()
        if self.lost or item in self.deadly:
            self.lost.append(future)
            future.set_exception(BrokenExecutor("the worker ended"))
        else:
            future.set_result(function(item))
        return future


@pytest.fixture
def own(monkeypatch):
    """An executor in the place of our own worker processes."""
    executor = Immediate()
    monkeypatch.setattr(ordered_map, "own_pool", lambda workers, *, timeout: executor)
    return executor


def test_results_come_in_order_and_few_are_computed_ahead(own):
    results = map_ahead(str, range(100), workers=2, timeout=20)
    taken = []
    for taken_before, result in enumerate(results):
        assert len(own.log) <= taken_before + 1 + 2 * AHEAD
        taken.append(result)
    assert taken == [str(number) for number in range(100)]
    assert own.log == list(range(100))


def test_workers_end_if_the_caller_stops_before_the_last_result(own):
    results = map_ahead(str, ["first", "never"], workers=2, timeout=20)
    assert next(results) == "first"
    results.close()
    assert own.log[-1] == "killed"


def test_interrupts_are_blocked_whenever_work_is_submitted(own):
    def blocked(item):
        return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    assert all(map_ahead(blocked, range(20), workers=1, timeout=20))
    assert not blocked(0)


def test_a_given_executor_computes_at_most_four_results_ahead_for_each_of_its_workers_and_stays_open():
    given = Immediate()
    results = map_ahead(str, range(100), workers=3, timeout=20, executor=given)
    next(results)
    assert len(given.log) <= 1 + 3 * AHEAD
    results.close()
    assert "shut down" not in given.log and "killed" not in given.log


def test_an_executor_that_a_function_made_is_made_once_and_shut_down_at_the_end():
    made = []

    def make():
        made.append(Immediate())
        return made[-1]

    assert list(map_ahead(str, range(20), workers=2, timeout=20, executor=make)) == [str(n) for n in range(20)]
    (executor,) = made
    assert executor.log == [*range(20), "shut down"]


def test_a_lost_unit_is_given_out_at_most_three_times_the_last_time_alone_and_the_right_one_is_named():
    log = []
    call = {"workers": 3, "timeout": 20, "executor": lambda: Losing({5}, log), "name": lambda n: f"unit {n}"}
    taken = []
    with pytest.raises(LostWorkerError, match=r"^unit 5: the worker process ended 3 times .*the worker ended.*memory"):
        taken.extend(map_ahead(abs, range(30), **call))
    assert len(log) == TRIES
    assert log[-1] == [5]
    assert taken == [0, 1, 2, 3, 4]


def test_workers_that_end_themselves_change_no_result(tmp_path):
    deaths = {number: tmp_path / str(number) for number in (0, 19)}
    found = list(map_ahead(functools.partial(square_or_die, deaths), range(20), workers=2, timeout=20))
    assert found == SQUARES
    assert all(marker.exists() for marker in deaths.values())


def test_a_given_executor_that_loses_a_worker_is_one_line_and_its_function_goes_on(tmp_path):
    pool = functools.partial(ProcessPoolExecutor, 1, mp_context=get_context("spawn"))
    once = functools.partial(square_or_die, {4: tmp_path / "one"})
    with pool() as given, pytest.raises(LostWorkerError, match=r"^4: the given executor .* give a function"):
        list(map_ahead(once, range(20), workers=1, timeout=20, executor=given))
    again = functools.partial(square_or_die, {4: tmp_path / "two"})
    assert list(map_ahead(again, range(20), workers=1, timeout=20, executor=pool)) == SQUARES


@contextlib.contextmanager
def dask_executor():
    """Workers of dask, which later tests do not find as the default."""
    from distributed import Client

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None, set_as_default=False) as client:
        yield client.get_executor()


def loky_executor():
    import loky

    return loky.ProcessPoolExecutor(2)


HAS_DISTRIBUTED = find_spec("distributed") is not None


@pytest.mark.parametrize(
    "make",
    [
        lambda: ThreadPoolExecutor(2),
        loky_executor,
        pytest.param(
            dask_executor, marks=pytest.mark.skipif(not HAS_DISTRIBUTED, reason="distributed is not installed")
        ),
    ],
)
def test_any_executor_gives_the_same_results_and_can_be_used_afterwards(make):
    with make() as executor:
        found = list(
            map_ahead(functools.partial(square_or_die, {}), range(20), workers=1, timeout=20, executor=executor)
        )
        assert found == SQUARES
        assert executor.submit(abs, -1).result() == 1


def test_the_error_of_a_unit_is_raised_as_it_is_and_ends_the_others():
    begun = []

    def fail(number):
        begun.append(number)
        if number == 2:
            raise InputError("wrong")
        time.sleep(0.01)
        return number

    with ThreadPoolExecutor(1) as executor:
        results = map_ahead(fail, range(1000), workers=1, timeout=20, executor=executor)
        with pytest.raises(InputError, match=r"^wrong$"):
            list(results)
    assert len(begun) < 20


def test_the_caller_can_look_while_it_waits(monkeypatch):
    monkeypatch.setattr(ordered_map, "POLL_SECONDS", 0.01)
    looked = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        call = {"workers": 1, "timeout": 20, "executor": executor, "on_wait": looked.set}
        assert list(map_ahead(lambda _: looked.wait(10), [0], **call)) == [True]


@pytest.mark.parametrize(
    ("executor", "complaint"),
    [
        (lambda: "dask", "executor.. must return a concurrent.futures.Executor, not 'dask'"),
        (ThreadPoolExecutor(1), "the executor accepts no work: .* shutdown"),
    ],
)
def test_an_executor_that_cannot_work_is_refused_in_one_line(executor, complaint):
    if isinstance(executor, Executor):
        executor.shutdown()
    with pytest.raises(InputError, match=complaint):
        list(map_ahead(abs, [1], workers=1, timeout=20, executor=executor))


def test_a_unit_costs_less_than_ten_milliseconds_beyond_its_own_work():
    list(map_ahead(abs, range(8), workers=2, timeout=20))  # the workers start
    began = time.process_time()
    list(map_ahead(abs, range(100), workers=2, timeout=20))
    assert time.process_time() - began < 100 * 0.01


def test_with_a_function_for_failures_the_other_items_go_on():
    log = []

    def failed(item, error):
        return item, type(error).__name__

    found = list(
        map_ahead(
            lambda number: number**2,
            range(6),
            workers=2,
            timeout=10,
            executor=lambda: Losing({3}, log),
            on_failure=failed,
        )
    )
    assert found == [0, 1, 4, (3, "LostWorkerError"), 16, 25]
