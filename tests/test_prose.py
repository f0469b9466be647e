"""Docstrings, messages and pages are plain English: they use no idiom that readers stumble over."""

import pytest

from tests.support.prose import IDIOMS, Text, occurrences, prose, strings_of

TEXTS = list(prose())


@pytest.mark.parametrize("idiom", IDIOMS)
def test_an_idiom_that_readers_stumble_over_does_not_occur(idiom):
    assert [place for text in TEXTS for place in occurrences(text, idiom)] == []


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
