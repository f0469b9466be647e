"""The page about nets of one's own: its files and its commands run unchanged, but for smaller data and budgets."""

import re
import shlex
from pathlib import Path

import numpy as np
import scipy.sparse

from gnnmax.cli.main import main
from tests.support.maps import BUMP, LINE, few_maps_for_ceilings, map_recipe

PAGE = (Path(__file__).parents[2] / "docs" / "own-net.md").read_text(encoding="utf-8")
SMALLER = {"tiles-3": "tiny", "line-64-shuffled": "few.toml", "2": "1", "300": "4"}
SHORT = {"compare": ["--evaluate-every", "2", "--device", "cpu"], "audit": ["--most", "5"]}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_the_files_and_the_commands_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    few_maps_for_ceilings(monkeypatch)
    maps = map_recipe(splits={"train": 8, "val": 6, "test": 6}, n=16, plant=BUMP, diagonal=5, background=LINE)
    sizes, _entry_points = blocks("toml")
    for name, content in zip(("net.py", "mapnet.py"), blocks("py"), strict=True):
        Path(name).write_text(content)
    for name, content in (("sizes.toml", sizes), ("few.toml", maps.replace(name="few").to_toml())):
        Path(name).write_text(content)
    matrix = np.random.default_rng(0).normal(size=(20, 20))
    scipy.sparse.save_npz("map.npz", scipy.sparse.csr_array(matrix + matrix.T))
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert [words[1] for words in commands] == [
        *("compare", "report", "audit", "evaluate", "compare"),
        *("compare", "audit", "detect"),
    ]
    for program, command, *words in commands:
        assert program == "gnnmax"
        smaller = [SMALLER.get(word, word) for word in words]
        steps = ["--steps", "4"] if command == "compare" and "--steps" not in words else []
        assert main([command, *smaller, *steps, *SHORT.get(command, [])]) == 0, (command, capsys.readouterr().err)
        assert command in ("report", "detect") or {"mine", "near"} & set(re.findall(r"\w+", capsys.readouterr().out))


def test_the_nets_of_the_page_have_twenty_lines():
    for source in blocks("py"):
        lines = [line for line in source.splitlines() if line.strip() and not line.startswith(("import", "from"))]
        assert len(lines) <= 20
