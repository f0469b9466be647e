"""Results of a run on disk: ``compare`` writes them, the tables and the page read them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gnnmax.auditing.findings import Audit
from gnnmax.errors import InputError
from gnnmax.evaluation.verdict import Verdict
from gnnmax.experiments.map_results import MapResults, check_map_results
from gnnmax.experiments.result_records import ModelRecord, Picture, Results, RuleRecord, SplitResult, TrainingRecord
from gnnmax.experiments.results_checks import check_results
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import restored_folder
from gnnmax.io.ownership import RUN
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind

__all__ = [
    "RESULTS",
    "ModelRecord",
    "Picture",
    "Results",
    "RuleRecord",
    "SplitResult",
    "TrainingRecord",
    "encode_results",
    "parse_results",
    "read_results",
    "write_results",
]

RESULTS = "results.json"
RESULTS_FILE = FileKind("the results", 64_000_000, "run compare again")


class _Header(Struct):
    """The part of a results file that every format has; on maps it states its content too."""

    format: int
    content: str = "windows"


def write_results(folder: Path, results: Results | MapResults) -> None:
    """Write ``results.json`` into a run folder, whole or not at all."""
    write_file(folder / RESULTS, encode_results(results))


def encode_results(record: Results | SplitResult | Struct) -> bytes:
    """Write results as JSON; a verdict or an audit is written as its ``to_dict()``."""
    return msgspec.json.encode(record, enc_hook=_plain)


def read_results(folder: str | Path) -> Results | Any:
    """Read the results of a finished run: on windows, or on maps.

    Raises:
        InputError: no run, an unfinished one, a file that is damaged, or one of another version of gnnmax.

    Example:
        >>> read_results("nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: no finished run at nowhere: expected a folder with results.json; make one with ...
    """
    file = restored_folder(as_path(folder), owner=RUN) / RESULTS
    if not os.path.lexists(file):
        raise InputError(
            f"no finished run at {folder}: expected a folder with {RESULTS}; make one with 'gnnmax compare'"
        )
    return parse_results(RESULTS_FILE.read(file), file)


def parse_results(content: bytes, file: str | Path = RESULTS) -> Results | Any:
    """Read results from JSON, and check that their parts agree.

    Those of a run on maps are a :class:`gnnmax.experiments.map_results.MapResults`.

    Args:
        content: The JSON.
        file: The file, for errors.

    Raises:
        InputError: of another format, made by an older or a newer version; or not the results of a run.

    Example:
        >>> parse_results(b'{"format": 99}')
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: results.json was made by a newer gnnmax (results format 99): upgrade
    """
    header = RESULTS_FILE.decode(content, _Header, file)
    made, known = header.format, Results.__struct_defaults__[0]
    if made > known:
        raise InputError(f"{file} was made by a newer gnnmax (results format {made}): upgrade")
    if 0 < made < known:
        raise InputError(f"{file} was made by gnnmax 0.1 (results format {made}): run compare again")
    kind, check = (MapResults, check_map_results) if header.content == "maps" else (Results, check_results)
    results: Any = RESULTS_FILE.decode(content, kind, file, hook=_read)
    try:
        check(results)
    except ValueError as error:
        raise RESULTS_FILE.damaged(file, error) from None
    return results


def _plain(value: Any) -> Any:
    if isinstance(value, Verdict | Audit):
        return value.to_dict()
    raise NotImplementedError(f"{type(value).__name__} has no place in results")


def _read(kind: Any, value: Any) -> Any:
    if kind in (Verdict, Audit):
        return kind.from_dict(msgspec.convert(value, dict[str, Any]))
    raise NotImplementedError(f"{kind.__name__} has no place in results")
