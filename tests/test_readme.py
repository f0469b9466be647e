"""The code of the README runs as it stands."""

import re
import shlex
from pathlib import Path

import pytest

from gnnmax.cli import main
from gnnmax.report.documents import recipes_markdown

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
PYTHON = [code for language, code in BLOCKS if language == "python"]
COMMANDS = [line.split("  #")[0] for language, code in BLOCKS if not language for line in code.splitlines()]


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_of_the_readme_runs(code, capsys):
    exec(compile(code, "README.md", "exec"), {})
    shown = re.findall(r"print\(.*\)\s+# (.*)", code)
    printed = capsys.readouterr().out
    assert printed
    assert all(line in printed for line in shown)


def test_the_commands_of_the_readme_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    calls = [shlex.split(line) for line in COMMANDS]
    assert {call[0] for call in calls} == {"make", "gnnmax"}
    for program, *words in calls:
        if program == "gnnmax":
            assert main(words) == 0, words
            assert capsys.readouterr().out, words


def test_every_target_of_make_that_the_readme_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^make (\w+)", README, flags=re.MULTILINE)
    assert named
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in named)


def test_every_file_that_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)


def test_the_table_of_recipes_is_that_of_the_recipes():
    assert recipes_markdown() in (ROOT / "datasets" / "README.md").read_text(encoding="utf-8")
