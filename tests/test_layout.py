"""Files that the repository must and must not contain."""

import ast
import importlib
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import gnnmax
from gnnmax import detection
from tests.support.checkout import tracked
from tests.support.skips import skip_outside_ci

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "gnnmax").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def test_the_datasets_folder_holds_no_python_file_and_cannot_be_imported_as_a_package():
    assert not list((ROOT / "datasets").rglob("*.py"))
    spec = importlib.util.find_spec("datasets")
    assert spec is None or spec.origin is None or ROOT / "datasets" not in Path(spec.origin).parents


def test_scripts_are_thin_and_say_how_they_are_called():
    scripts = sorted((ROOT / "scripts").glob("*.py"))
    assert scripts
    for script in scripts:
        source = script.read_text(encoding="utf-8")
        code = [line for line in source.splitlines() if line.strip()]
        assert len(code) < 20, script
        assert f"python scripts/{script.name}" in (ast.get_docstring(ast.parse(source)) or ""), script


@pytest.mark.parametrize(
    "path", [*(ROOT / "scripts").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")], ids=lambda path: path.name
)
def test_scripts_and_benchmarks_import_what_there_is(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "gnnmax":
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name) or importlib.util.find_spec(f"{node.module}.{alias.name}"), (
                    alias.name
                )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_pickle_and_no_global_random_state(path):
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(import|from) (pickle|cloudpickle|dill)\b|\bnp\.load\(|\btorch\.(load|save)\(", source)
    assert not re.search(r"allow_pickle\s*=\s*True|\bcloudpickle\b", source)
    for name in re.findall(r"np\.random\.(\w+)", source):
        assert name in {"Generator", "Philox", "SeedSequence", "default_rng"}, name
    assert not re.search(r"^\s*(import random|from random import)", source, flags=re.MULTILINE)
    assert "torch.manual_seed(" not in source
    assert "print(" not in re.sub(r'"""[\s\S]*?"""', "", source).replace("_print(", "").replace(".print(", "")


def test_no_module_has_the_name_of_a_public_function():
    functions = {name for name in gnnmax.__all__ if name.islower()}
    modules = {path.stem for path in SOURCES} | {path.parent.name for path in SOURCES}
    assert not functions & modules


def test_the_public_names_are_all_there():
    for name in gnnmax.__all__:
        assert getattr(gnnmax, name) is not None
    assert set(gnnmax.__all__) <= set(dir(gnnmax))
    with pytest.raises(AttributeError, match="no attribute 'pytorch'"):
        _ = gnnmax.pytorch


@pytest.mark.parametrize("package", [gnnmax, detection], ids=lambda package: package.__name__)
def test_names_that_are_loaded_on_first_use_are_those_that_type_checkers_see(package):
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    (seen,) = (node for node in tree.body if isinstance(node, ast.If))
    found = {
        alias.name: imported.module.removeprefix(f"{package.__name__}.")
        for imported in seen.body
        for alias in imported.names
    }
    assert found == package._MODULES and sorted(found) == package.__all__
    assert all(getattr(package, name) is not None for name in found)


def test_the_package_is_typed_and_nothing_large_or_pickled_is_kept():
    assert (ROOT / "gnnmax" / "py.typed").exists()
    for path in tracked():
        assert path.suffix not in {".pt", ".pth", ".pkl", ".pickle", ".npy"}, path
        assert not path.exists() or path.stat().st_size < 1_000_000, path


def test_contributing_is_a_page():
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 90


def test_no_module_or_function_grows_out_of_sight():
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 500, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 100, f"{path}: {node.name}"


def calls(source: str) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def without_match(source: str) -> list[str]:
    """Calls of ``pytest.raises`` that let any message pass."""
    raises = [call for call in calls(source) if ast.unparse(call.func) == "pytest.raises"]
    return [ast.unparse(call) for call in raises if "match" not in {keyword.arg for keyword in call.keywords}]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_every_expected_error_is_known_by_its_message_and_no_missing_library_is_skipped(path):
    source = path.read_text(encoding="utf-8")
    assert without_match(source) == []
    assert not [call for call in calls(source) if ast.unparse(call.func).endswith("importorskip")]


def test_an_expected_error_without_a_message_is_caught():
    assert without_match("with pytest.raises(ValueError) as caught: f()") == ["pytest.raises(ValueError)"]
    assert without_match("with pytest.raises(ValueError, match='x'): f()") == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_tests_share_code_in_the_support_folder_alone(path):
    imports = [node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    assert all(module.startswith("tests.support.") for module in imports if module.split(".")[0] == "tests")


def test_the_tools_of_a_developer_bring_every_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    brought = re.search(r"gnnmax\[(.*)\]", " ".join(extras["dev"]))
    assert brought is not None
    assert set(brought[1].split(",")) == set(extras) - {"dev"}


@pytest.mark.parametrize(("value", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_skip_is_a_failure_in_continuous_integration(monkeypatch, value, outcome):
    monkeypatch.setenv("CI", value)
    with pytest.raises(outcome, match="no cooler"):
        skip_outside_ci("no cooler")
