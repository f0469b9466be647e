"""The site: every public name, option and page is listed; ``make docs`` builds it, these tests only read the lists."""

import ast
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gnnmax
from gnnmax import detection
from gnnmax.cli import COMMANDS
from gnnmax.cli.main import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TUTORIALS = sorted(path for path in (DOCS / "tutorials").glob("*.md") if path.stem != "index")
SCRIPTS = sorted((DOCS / "gallery").glob("*.py"))


@pytest.fixture(scope="module")
def extensions():
    """The modules that make pages, as Sphinx imports them: from a folder that is on the path for as long as needed."""
    sys.path.insert(0, str(DOCS / "extensions"))
    try:
        import api_pages
        import command_pages
        import execution_times
        import generated_pages
        import references

        yield {
            module.__name__: module
            for module in (api_pages, command_pages, execution_times, generated_pages, references)
        }
    finally:
        sys.path.remove(str(DOCS / "extensions"))


@pytest.fixture(scope="module")
def pages(extensions):
    return extensions["generated_pages"].generated()


def test_every_module_of_the_package_is_on_one_page_of_the_reference(pages, extensions):
    listed = [name for page in pages.values() for name in re.findall(r"^\.\. automodule:: (\S+)$", page, re.MULTILINE)]
    files = [path for path in (ROOT / "gnnmax").rglob("*.py") if path.stem != "__main__"]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files}
    assert sorted(listed) == sorted(modules - extensions["api_pages"].LAZY)


def test_every_public_name_is_in_the_list_of_public_names_and_documented_where_it_is_defined(pages, extensions):
    index = pages["api/index.rst"]
    for name in gnnmax.__all__:
        assert f"`gnnmax.{name} <gnnmax.{gnnmax._MODULES[name]}.{name}>`" in index
    names = extensions["api_pages"].public_names
    for package in (gnnmax, detection):
        for name, module in package._MODULES.items():
            assert name in names(f"{package.__name__}.{module}"), name


def test_a_public_name_without_a_page_is_noticed(extensions):
    assert "is_centred" in extensions["api_pages"].public_names("gnnmax.task.label")
    assert "absent" not in extensions["api_pages"].public_names("gnnmax.task.label")


def test_constants_and_type_aliases_without_a_docstring_are_listed_with_their_source(pages, extensions):
    values = extensions["api_pages"].plain_values
    assert values("gnnmax.auditing.findings") == {"Symmetry": "Literal['invariant', 'equivariant', 'neither']"}
    assert "Scorer" in values("gnnmax.evaluation.evaluator")  # handed on
    assert "Scorer" not in values("gnnmax.task.scorers")  # a docstring follows
    page = pages["api/auditing.rst"]
    assert ".. py:data:: Symmetry\n   :module: gnnmax.auditing.findings\n" in page


def test_no_public_name_of_a_module_is_without_a_page(extensions):
    api, missing = extensions["api_pages"], []
    for module in (module for folder in api.modules_of().values() for module in folder):
        tree = api.tree_of(module)
        shown = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        shown |= {name for name, value in api.values_of(module).items() if value.described}
        for node in tree.body:  # functions and classes that are handed on are shown where they are imported too
            if isinstance(node, ast.ImportFrom):
                shown |= {alias.asname or alias.name for alias in node.names} - set(api.plain_values(module))
        missing += [f"{module}.{each}" for each in {*api.public_names(module)} - shown - {*api.plain_values(module)}]
    assert missing == []


def test_every_public_function_and_class_has_a_docstring(extensions):
    missing = []
    for module in (module for folder in extensions["api_pages"].modules_of().values() for module in folder):
        tree = extensions["api_pages"].tree_of(module)
        defined = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        described = {node.name for node in defined if ast.get_docstring(node)}  # overloads have none of their own
        public = {node.name for node in defined} & set(extensions["api_pages"].public_names(module))
        missing += [f"{module}.{name}" for name in sorted(public - described)]
    assert missing == []


def options_in(text: str) -> set[str]:
    """The options that the lines of a help begin with; a terminal without box characters gets blanks."""
    signatures = re.findall(r"^(?:│ | {2})(-.*?)(?: {2,}|$)", text, re.MULTILINE)
    return {option for each in signatures for option in re.findall(r"--[a-z][a-z0-9-]*", each)} - {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_that_the_help_of_a_command_lists_is_documented(name, pages, capsys):
    assert main([name, "--help"]) == 0
    options = options_in(capsys.readouterr().out)
    section = pages["commands.rst"].split(f"\n.. program:: gnnmax {name}\n")[1].split("\n.. program::")[0]
    documented = set(re.findall(r"--[a-z][a-z0-9-]*", " ".join(re.findall(r"^\.\. option:: (.*)$", section, re.M))))
    assert options <= documented
    fields = {f"--{each.name.replace('_', '-')}" for each in dataclasses.fields(COMMANDS[name])}
    assert options & fields or not documented  # the help was read


@pytest.mark.parametrize("mark", ["│ ", "  "])
def test_the_options_of_a_help_are_read_with_and_without_a_box(mark):
    lines = [
        "-h, --help            show this",
        "--out PATH            Where, not --in.",
        "--no-probes, --probes",
        "PATH  --x",
    ]
    assert options_in("\n".join(mark + line for line in lines)) == {"--out", "--no-probes", "--probes"}


def test_the_meaning_of_an_option_is_read_from_all_its_lines_and_no_title_is_an_option(pages, extensions):
    text = """usage: gnnmax do [-h] [OPTIONS] PATH [STR [STR ...]]

  options
  -------
  Words about these options.
  PATH [STR [STR ...]]      Files. (required)
  -h, --help                show this help message and exit
  --share {None}|NUMBER|PERCENT%|pPERCENTILE
                            A share (20%), or
                            a percentile. (default: None)
"""
    assert extensions["command_pages"].options_of(text) == [
        ("PATH [STR [STR ...]]", "Files. (required)"),
        ("--share NUMBER|PERCENT%|pPERCENTILE", "A share (20%), or a percentile."),
    ]
    assert "(20%)" in pages["commands.rst"] and "%%" not in pages["commands.rst"]
    assert ".. code-block:: text\n\n   gnnmax detect MATRIX [options]\n" in pages["commands.rst"]


def test_every_documented_option_has_a_description(pages):
    empty = re.findall(r"^\.\. option:: (.*)\n\n\s*$", pages["commands.rst"], re.MULTILINE)
    assert empty == []


def test_every_page_is_in_a_table_of_contents(pages):
    contents = [(DOCS / "index.md").read_text(encoding="utf-8"), (DOCS / "tutorials" / "index.md").read_text()]
    listed = {
        line.strip()
        for page in contents
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    }
    written = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    written = {page for page in written if not page.startswith("generated/")} - {"index"}
    made = {f"generated/{Path(page).with_suffix('')}" for page in pages if "/" not in page}
    assert written | made <= listed | {f"tutorials/{line}" for line in listed}


def test_there_are_a_gallery_of_sixteen_pictures_and_eight_tutorials():
    assert len(SCRIPTS) >= 16
    assert len(TUTORIALS) >= 8


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_is_executed_and_leaves_one_figure(path):
    source = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"plot_\d\d_\w+", path.stem)  # the name that the build executes
    assert len(re.findall(r"^figure, \w+ = ", source, re.MULTILINE)) == 1
    title, line = (ast.get_docstring(ast.parse(source)) or "").splitlines()[:2]
    assert line == "=" * len(title)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_is_a_notebook_that_is_listed_and_executed(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("---\njupytext:\n")
    assert "{code-cell} python" in text
    assert path.stem in (DOCS / "tutorials" / "index.md").read_text(encoding="utf-8").splitlines()


def test_the_settings_execute_every_tutorial_and_stop_at_an_error():
    settings = (DOCS / "conf.py").read_text(encoding="utf-8")
    for line in ('nb_execution_mode = "cache"', "nb_execution_raise_on_error = True", '"abort_on_example_error": True'):
        assert line in settings


def test_a_notebook_that_takes_more_than_a_minute_stops_the_build(extensions):
    slow_pages = extensions["execution_times"].slow_pages
    assert slow_pages({"a": 59.9, "b": None}) == []
    assert slow_pages({"a": 59.9, "b": 61.2}) == [
        "the notebook took 61 seconds, and a reader has 60: make it smaller (b)"
    ]
    assert '"execution_times",' in (DOCS / "conf.py").read_text(encoding="utf-8")


def test_the_build_treats_warnings_as_errors_and_is_part_of_the_continuous_integration():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^docs: setup.*\n\trm .*\n\t.*sphinx.* -W --keep-going -n ", makefile, re.MULTILINE)
    assert re.search(r"^timeout \d+ make docs$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)


def test_no_page_that_loads_scripts_from_elsewhere_is_written():
    settings = (DOCS / "conf.py").read_text(encoding="utf-8")
    assert '"write_computation_times": False' in settings
    assert 'html_math_renderer = "imgmath"' in settings


def test_what_the_build_writes_is_not_tracked():
    ignored = subprocess.run(
        ["git", "check-ignore", "docs/generated/commands.rst", "build/site/html/index.html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(ignored.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("page", "link", "moved"),
    [
        ("order", "[a](detection.md#x)", "[a](/detection.md#x)"),
        ("maps", "[a](../datasets/README.md)", "[a](/generated/datasets.md)"),
        ("generated/datasets", "[a](../docs/maps.md)", "[a](/maps.md)"),
        ("generated/changelog", "[a](docs/order.md)", "[a](/order.md)"),
        ("models", "[a](../gnnmax/models/weights/cnn/README.md)", "[a](/generated/weights/cnn.md)"),
        ("use/start", "[a](../own-net.md)", "[a](/own-net.md)"),
        ("order", "[a](https://x.org/a.md)", "[a](https://x.org/a.md)"),
        ("order", "[a](#there)", "[a](#there)"),
    ],
)
def test_links_of_the_repository_are_links_of_the_site(extensions, page, link, moved):
    assert extensions["references"].site_links(link, page) == moved
