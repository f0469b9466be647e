"""The code of the README and of the documents runs unchanged."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from gnnmax import MODELS, Recipe
from gnnmax.cli.main import main
from gnnmax.experiments.reproduction import TABLES
from gnnmax.report.documents import map_models_markdown, map_recipes_markdown, models_markdown, recipes_markdown
from tests.support.prose import written

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(page: str) -> list[tuple[str, str]]:
    """Languages and code of a page's fenced blocks."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


BLOCKS = blocks(README)
PAGES = [ROOT / "README.md", *sorted(written("*.md"))]
PYTHON = [
    pytest.param(code, id=f"{page.name}-{number}")
    for page in PAGES
    for number, (language, code) in enumerate(blocks(page.read_text(encoding="utf-8")))
    if language == "python"
]
SHOWN = [
    pytest.param(before, code, id=f"{page.name}-{number + 1}")
    for page in PAGES
    for number, ((_, before), (language, code)) in enumerate(pairwise(blocks(page.read_text(encoding="utf-8"))))
    if not language and code.startswith("$ gnnmax")
]
"""Commands with what they print, and the block before them, which makes their files."""

COMMANDS = [line.split("  #")[0] for language, code in BLOCKS if not language for line in code.splitlines()]


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_of_the_pages_runs(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "page", "exec"), {})
    shown = re.findall(r"print\(.*\)\s+# (.*)", code)
    printed = capsys.readouterr().out
    assert printed
    assert all(line in printed for line in shown)


@pytest.mark.parametrize(("before", "code"), SHOWN)
def test_a_command_prints_what_its_page_shows(before, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    exec(compile(before, "page", "exec"), {})
    command, *shown = code.splitlines()
    assert main(shlex.split(command)[2:]) == 0
    printed = [re.sub("[┃│]", " ", line).split() for line in capsys.readouterr().out.splitlines()]
    assert all(line.split() in printed for line in shown)


def test_the_commands_of_the_readme_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    calls = [shlex.split(line) for line in COMMANDS]
    assert {call[0] for call in calls} == {"make", "gnnmax"}
    for program, *words in calls:
        if program == "gnnmax":
            assert main(words) == 0, words
            assert capsys.readouterr().out, words


def test_the_result_in_the_readme_is_that_of_the_results():
    (headline,) = re.findall(r"<!-- headline -->\n(.*?)<!-- /headline -->", README, flags=re.DOTALL)
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"<!-- answer -->\n(.*?)<!--", results, flags=re.DOTALL)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in headline.splitlines()[2:]]
    assert len(cells) == 5
    for scorer, *figures in cells:
        for order, figure in zip(("natural", "shuffled"), figures, strict=True):
            assert f"| {order} | {scorer} | {figure} |" in table


def test_the_readme_has_at_most_seven_hundred_words():
    assert sum(bool(re.search(r"\w", word)) for word in README.split()) <= 700


def test_every_target_of_make_that_the_readme_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^make (\w+)", README, flags=re.MULTILINE)
    assert named
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in named)


def test_every_file_that_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)


def test_the_numbers_on_the_page_of_features_are_those_of_the_package():
    schema = msgspec.json.schema(Recipe)["$defs"]

    def kinds(record, field):
        one = schema[record]["properties"][field]
        return one.get("enum") or list((one.get("items") or one)["discriminator"]["mapping"])

    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    words = [
        "no",
        *[
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
        ],
    ]
    words += ["sixteen", "seventeen", "eighteen", "nineteen", "twenty", *(f"twenty-{word}" for word in words[1:10])]
    families = set(kinds("Recipe", "hosts")) - {"real", "file"}
    assert f"{words[len(families)].capitalize()} families of hosts" in page
    laws, chosen, orders = kinds("Recipe", "weights"), kinds("SubgraphSpec", "choose"), kinds("SubgraphSpec", "order")
    assert f"{words[len(laws)].capitalize()} laws of weights; {words[len(chosen)]} ways to choose nodes; " in page
    assert f"{words[len(orders)]} orders of nodes" in page
    assert f"{words[len(TABLES)].capitalize()} tables of theorems" in page
    assert 25 <= len(MODELS) <= 35 and "About thirty nets" in page


def test_the_table_of_recipes_is_that_of_the_recipes():
    assert recipes_markdown() in (ROOT / "datasets" / "README.md").read_text(encoding="utf-8")


def test_the_table_of_recipes_of_maps_is_that_of_the_recipes():
    assert map_recipes_markdown() in (ROOT / "datasets" / "README.md").read_text(encoding="utf-8")


def test_the_table_of_nets_on_maps_is_that_of_the_registry():
    assert map_models_markdown() in (ROOT / "docs" / "maps.md").read_text(encoding="utf-8")


def test_the_table_of_models_is_that_of_the_registry():
    assert models_markdown() in (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
