"""The time limit of notebooks: a tutorial that runs longer is a warning, which stops the build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.util import logging

__all__ = ["LIMIT", "setup", "slow_pages"]

LIMIT = 60.0
"""Seconds that a notebook may run."""


def slow_pages(seconds: Mapping[str, float | None]) -> list[str]:
    """Return a complaint for every notebook that ran longer than :data:`LIMIT`.

    Args:
        seconds: The time that each notebook took; None where it was not executed.
    """
    return [
        f"the notebook took {took:.0f} seconds, and a reader has {LIMIT:.0f}: make it smaller ({page})"
        for page, took in seconds.items()
        if took is not None and took > LIMIT
    ]


def _check(_app: Any, env: Any) -> None:
    found = {page: NbMetadataCollector.get_exec_data(env, page) for page in sorted(env.found_docs)}
    for complaint in slow_pages({page: data["runtime"] for page, data in found.items() if data}):
        logging.getLogger(__name__).warning(complaint, type="gnnmax", subtype="slow")


def setup(app: Any) -> dict[str, bool]:
    """Compare the times of all notebooks with the limit when every page was read."""
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
