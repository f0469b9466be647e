"""Links to elsewhere: complete https addresses, and numbers of papers in their form; ``make links`` asks each."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.checkout import ROOT, tracked

READ = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml", "hatch_build.py")
FOLDERS = ("benchmarks", "datasets", "docs", "gnnmax", "scripts")
ENDINGS = {".md", ".rst", ".py", ".html", ".js", ".css", ".toml", ".cff", ".sh"}

ADDRESS = re.compile(r"https?:[^\s\"'`<>()\[\]{}|\\]*")
PAPER = re.compile(r"\b(?:arxiv|doi)(?:\.org/[^\s\"'`<>)\]]*|:\s?[^\s\"'`<>)\],;]*)", re.IGNORECASE)
PAPER_FORMS = (
    r"arXiv:\d{4}\.\d{4,5}(v\d+)?",
    r"arxiv\.org/(abs|pdf)/(\d{4}\.\d{4,5}(v\d+)?|[a-z-]+(\.[A-Z]{2})?/\d{7})",
    r"doi(\.org/|:\s?)10\.\d{4,9}/[-._;()/:A-Za-z0-9]+",
)

IDENTIFIERS = (
    "http://www.w3.org/",
    "http://graphml.graphdrawing.org/xmlns",
    "http://mlcommons.org/croissant/",
    "http://purl.org/dc/terms/",
)
"""Names in the form of an address that XML and JSON-LD fix letter by letter; no one follows them."""


def documents() -> list[Path]:
    inside = [path.relative_to(ROOT) for path in tracked() if path.exists()]
    return [path for path in inside if path.suffix in ENDINGS and (str(path) in READ or path.parts[0] in FOLDERS)]


def malformed(text: str) -> list[str]:
    """Addresses that are not https or not complete, and numbers of papers without their form."""
    addresses = [found.rstrip(".,;:*") for found in ADDRESS.findall(text)]
    addresses = [found for found in addresses if not found.startswith(IDENTIFIERS)]
    papers = [found.rstrip(".,;:*") for found in PAPER.findall(text)]
    return [found for found in addresses if not _is_address(found)] + [
        found for found in papers if not any(re.fullmatch(form, found) for form in PAPER_FORMS)
    ]


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    host = re.fullmatch(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", parts.netloc)
    return parts.scheme == "https" and host is not None and "//" not in parts.path and "%20" not in parts.path


def test_every_link_to_elsewhere_is_a_complete_https_address():
    found = {str(path): malformed((ROOT / path).read_text(encoding="utf-8")) for path in documents()}
    assert len(found) > 300
    assert {path: links for path, links in found.items() if links} == {}


@pytest.mark.parametrize(
    "text",
    [
        "see http://example.org/a",
        "[a](https:/example.org)",
        "https://localhost/a",
        "https://exa mple.org",
        "https://example.org//a",
        "https://",
        "arXiv:12.3456",
        "arXiv: 2310.12345",
        "https://arxiv.org/abs/23101.2345",
        "https://doi.org/11.1000/x",
        "doi:10.1/x",
    ],
)
def test_a_link_or_a_number_of_a_paper_without_its_form_is_noticed(text):
    assert malformed(text)


@pytest.mark.parametrize(
    "text",
    [
        "[a](https://ai.stackexchange.com/questions/12010).",
        "https://arxiv.org/abs/2106.03693, arXiv:2207.09453v2",
        "https://doi.org/10.1118/1.596358; doi:10.1016/j.media.2017.06.015",
        'xmlns="http://www.w3.org/2000/svg"',
    ],
)
def test_a_link_with_its_form_passes(text):
    assert malformed(text) == []


def test_a_target_of_make_asks_every_link_of_the_site():
    assert re.search(r"^links: setup.*\n\t.*sphinx -b linkcheck ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
