"""The page of the package on an index: links lead out of the checkout, or name their file; nothing is broken."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from tests.support.skips import skip_outside_ci

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ADDRESS = "https://example.org/gnnmax"
FIGURE = "![Order known, order lost: strength from which a hidden block is found"
RELATIVE = re.compile(r"\]\((?!https://|#)|<img|<a |^\[[^\]]+\]:", re.MULTILINE)


@pytest.fixture(scope="module")
def hook():
    """The build hook, from its file, as hatchling loads it."""
    if importlib.util.find_spec("hatchling") is None:
        skip_outside_ci("no hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled(hook, repository, version):
    metadata = {"version": version}
    hook.PackagePage(str(ROOT), {"repository": repository}).update(metadata)
    return metadata["readme"]["text"], metadata["urls"]


def test_with_an_address_every_link_and_picture_of_the_readme_is_absolute(hook):
    page, urls = filled(hook, ADDRESS, "1.2.0")
    assert not RELATIVE.search(page)
    assert (
        f"![Order known, order lost: strength from which a hidden block is found]({ADDRESS}/raw/v1.2.0/docs/order.svg)"
        in page
    )
    assert (
        f"[audit]({ADDRESS}/blob/v1.2.0/docs/audit.md)" in page
        and f"git clone {ADDRESS} gnnmax && cd gnnmax\npip install ." in page
    )
    assert urls["Repository"] == ADDRESS and all(url.startswith("https://") for url in urls.values())
    assert page.count("](") == README.count("](")


def test_the_links_of_a_version_in_development_lead_to_the_newest_revision(hook):
    assert f"({ADDRESS}/blob/HEAD/CHANGELOG.md)" in filled(hook, ADDRESS, "1.2.0.dev0")[0]


def test_without_an_address_links_name_their_file_and_no_picture_is_broken(hook):
    page, urls = filled(hook, "", "1.2.0")
    assert not RELATIVE.search(page) and "![" not in page
    assert f"*Figure: {FIGURE.removeprefix('![')}* (`docs/order.svg`)" in page
    assert "Own nets (`docs/own-net.md`) take 20 lines." in page
    assert "REPOSITORY" not in page and "```sh\npip install ." in page
    assert list(urls) == ["The question"]


def test_code_is_no_link(hook):
    code = "```python\nx = table[i](j)\n```\n"
    for repository in ("", ADDRESS):
        assert hook.package_page(code, repository, "HEAD") == code


def test_a_link_that_is_left_relative_is_noticed():
    for left in ("[a](docs/a.md)", '<img src="a.svg">', "[a]: docs/a.md", "![a](http://x.org/a.svg)"):
        assert RELATIVE.search(left)
    assert not RELATIVE.search("[a](https://x.org/a.md) [b](#c)")


def test_the_project_states_one_address_or_none():
    repository = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    cited = re.findall(r'^repository-code: "?([^"\n]+)"?$', (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert cited == ([repository] if repository else [])
    assert re.fullmatch(r"(https://[^\s/]+/\S*[^\s/])?", repository)
    assert set(PROJECT["project"]["dynamic"]) == {"readme", "urls"}
