"""The page about nets of one's own: its file and its commands run unchanged, but for a smaller budget."""

import re
import shlex
from pathlib import Path

from gnnmax.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "own-net.md").read_text(encoding="utf-8")
SHORT = {"compare": ["--steps", "4", "--evaluate-every", "2", "--device", "cpu"], "audit": ["--most", "20"]}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_the_files_and_the_commands_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (source,) = blocks("py")
    sizes, _entry_points = blocks("toml")
    Path("net.py").write_text(source)
    Path("sizes.toml").write_text(sizes)
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert [words[1] for words in commands] == ["compare", "report", "audit", "evaluate", "compare"]
    for program, command, *words in commands:
        assert program == "gnnmax"
        smaller = [{"tiles-3": "tiny", "2": "1"}.get(word, word) for word in words]
        assert main([command, *smaller, *SHORT.get(command, [])]) == 0, (command, capsys.readouterr().err)
        assert "mine" in capsys.readouterr().out or command == "report"


def test_the_net_of_the_page_has_twenty_lines():
    (source,) = blocks("py")
    lines = [line for line in source.splitlines() if line.strip() and not line.startswith(("import", "from"))]
    assert len(lines) <= 20
