"""The code of docs/audit.md runs as it stands, and prints what the page says."""

import re
import shlex
from pathlib import Path

from gnnmax.auditing.transformations import TRANSFORMATIONS
from gnnmax.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_the_python_of_the_page_prints_what_it_says(capsys):
    codes = [code for language, code in BLOCKS if language == "python"]
    for code in codes:
        exec(compile(code, "audit.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    shown = re.findall(r"print\(.*\)\s+# (.*)", "".join(codes))
    assert len(shown) == 5
    assert [line for line in printed if line in shown] == shown


def test_the_commands_of_the_page_run_and_the_counter_example_is_the_one_that_is_shown(capsys):
    commands = [line for language, code in BLOCKS if not language for line in code.splitlines()]
    (shown,) = (code for language, code in BLOCKS if language == "text")
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "gnnmax"
        assert main(words) == 0
        assert (shown in capsys.readouterr().out) == ("nms" in command)


def test_the_table_of_the_page_is_that_of_the_transformations():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (stays|moves) \|$", PAGE, flags=re.MULTILINE)
    assert rows == [(t.name, t.summary, "stays" if t.label_stays else "moves") for t in TRANSFORMATIONS.values()]
