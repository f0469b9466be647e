"""Worker processes compute a bounded number of results ahead, in order."""

from concurrent.futures import Future

import pytest

from gnnmax.io import workers
from gnnmax.io.workers import AHEAD, map_ahead


@pytest.fixture
def submitted(monkeypatch):
    """The items submitted so far to an executor that finishes everything at once, and ``"killed"`` when it is ended."""
    import loky

    log = []

    class Executor:
        @staticmethod
        def submit(function, item):
            log.append(item)
            done = Future()
            if item != "never":
                done.set_result(function(item))
            return done

        @staticmethod
        def shutdown(kill_workers):
            log.append("killed")

    monkeypatch.setattr(loky, "get_reusable_executor", lambda **options: Executor)
    return log


def test_results_come_in_order_and_few_are_computed_ahead(submitted):
    results = map_ahead(str, range(100), workers=2, timeout=20)
    taken = []
    for taken_before, result in enumerate(results):
        assert len(submitted) <= taken_before + 1 + 2 * AHEAD
        taken.append(result)
    assert taken == [str(number) for number in range(100)]
    assert submitted == list(range(100))


def test_workers_end_if_the_caller_stops_before_the_last_result(submitted):
    results = map_ahead(str, ["first", "never"], workers=2, timeout=20)
    assert next(results) == "first"
    results.close()
    assert submitted[-1] == "killed"


def test_interrupts_are_blocked_whenever_work_is_submitted(monkeypatch):
    import contextlib

    blocked = []

    class Executor:
        @staticmethod
        def submit(function, item):
            assert blocked[-1:] == [True]
            done = Future()
            done.set_result(item)
            return done

    @contextlib.contextmanager
    def starting(count, *, timeout):
        blocked.append(True)
        yield Executor
        blocked.append(False)

    monkeypatch.setattr(workers, "starting_workers", starting)
    assert list(map_ahead(str, range(20), workers=1, timeout=20)) == list(range(20))
