"""Tables in documents: what stands between two marks is replaced, and a document without them is refused first."""

import pytest

from gnnmax.errors import InputError
from gnnmax.report import documents


@pytest.mark.parametrize("old", ["", "old\n", "two\nlines\n"])
def test_any_text_between_the_marks_is_replaced(tmp_path, old):
    page = tmp_path / "page.md"
    page.write_text(f"a\n<!-- x -->\n{old}<!-- /x -->\nb\n")
    documents.replace_marked(page, "x", "new")
    assert page.read_text() == "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n"


def test_a_document_without_marks_is_refused_before_anything_is_measured(tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(documents, "reproduce", lambda name, **_: measured.append(name))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "results.md").write_text("<!-- answer -->\n<!-- /answer -->\n")
    with pytest.raises(InputError, match="does not have the marks <!-- bayes -->"):
        documents.refresh_tables(tmp_path, ["answer", "bayes"])
    with pytest.raises(InputError, match="unknown table 'anser'"):
        documents.refresh_tables(tmp_path, ["anser"])
    assert not measured
