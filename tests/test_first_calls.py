"""The first calls of users of other libraries run as they type them, or say in one line what to type."""

import pytest

from tests.support.first_calls import CALLS, PAGE, PRELUDE, markdown


@pytest.fixture(scope="module")
def names():
    space = {}
    exec(PRELUDE, space)
    return space


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.library}: {call.code[-60:]}")
def test_a_first_call_runs_or_says_what_to_type(call, names, tmp_path):
    space = {**names, "folder": tmp_path}
    if not call.instead:
        exec(call.typed, space)
        return
    with pytest.raises((AttributeError, ValueError), match=r"\w") as caught:
        exec(call.typed, space)
    assert "\n" not in str(caught.value)
    first = call.instead.split(",")[0].split(":")[0].removeprefix("gnnmax.").split("(")[0]
    assert any(word in str(caught.value) for word in (first, first.split(".")[-1])), str(caught.value)


def test_at_least_forty_run_and_the_page_shows_them_all():
    assert sum(not call.instead for call in CALLS) >= 40
    assert PAGE.read_text(encoding="utf-8") == markdown()
