"""Docstrings, messages and pages are plain English: they use no idiom that readers stumble over."""

import itertools

import pytest

from tests.support.prose import IDIOMS, Text, occurrences, prose, strings_of

TEXTS = list(prose())

ALLOWED: dict[str, dict[str, int]] = {
    "anew": {"README.md": 1, "docs": 3, "gnnmax/report": 3},
    "alike": {"docs": 6, "gnnmax/evaluation": 7, "gnnmax/report": 1},
    "whoever": {"gnnmax/evaluation": 1},
    "so many": {"docs": 1, "gnnmax/evaluation": 1},
    "of which": {"gnnmax/evaluation": 3},
    "told": {"CONTRIBUTING.md": 1, "README.md": 1, "docs": 4, "gnnmax/evaluation": 4},
    "stands there": {"gnnmax/report": 2},
}
"""Occurrences that are still allowed, by idiom and folder: lower a number when they went, and raise none."""


@pytest.mark.parametrize("idiom", IDIOMS)
def test_an_idiom_occurs_no_more_often_than_it_may(idiom):
    for folder, texts in itertools.groupby(sorted(TEXTS, key=lambda text: text.folder), key=lambda text: text.folder):
        found = [place for text in texts for place in occurrences(text, idiom)]
        allowed = ALLOWED.get(idiom, {}).get(folder, 0)
        assert len(found) <= allowed, f"{folder} may say {idiom!r} {allowed} times:\n" + "\n".join(found)


def test_only_idioms_that_are_looked_for_are_allowed_and_only_where_there_is_prose():
    assert set(ALLOWED) <= set(IDIOMS)
    assert {folder for folders in ALLOWED.values() for folder in folders} <= {text.folder for text in TEXTS}


def test_docstrings_messages_pages_and_templates_are_read():
    read = {text.path for text in TEXTS}
    assert {"README.md", "CONTRIBUTING.md", "docs/results.md", "gnnmax/report/templates/page.html"} <= read
    assert {"gnnmax/errors.py", "gnnmax/task/label.py"} <= read


def test_an_idiom_is_found_in_a_docstring_and_in_a_message_across_lines_and_with_its_place():
    source = (
        'def f(x):\n    """First.\n\n    It is of no\n    account.\n    """\n    raise ValueError(f"{x} were Told")\n'
    )
    texts = list(strings_of("a.py", source))
    assert [place for text in texts for place in occurrences(text, "of no account")] == ["a.py:4: of no account"]
    assert [place for text in texts for place in occurrences(text, "told")] == ["a.py:7: told"]


def test_a_longer_word_a_comment_and_a_name_are_no_idiom():
    assert occurrences(Text("a.md", 1, "The untold renewal"), "told") == []
    assert [place for text in strings_of("a.py", "told = 1  # told") for place in occurrences(text, "told")] == []
