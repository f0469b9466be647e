"""Results of a run as records: compare writes them, tables and page read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gnnmax.auditing.findings import Symmetry
from gnnmax.data.card import Card
from gnnmax.errors import InputError
from gnnmax.evaluation.calibration import Reliability
from gnnmax.evaluation.curves import Tradeoff
from gnnmax.evaluation.difference import Difference
from gnnmax.evaluation.localisation import Localisation
from gnnmax.evaluation.verdict import Slice
from gnnmax.io.atomic import write_file

__all__ = [
    "RESULTS",
    "AuditRecord",
    "FindingRecord",
    "HeatMap",
    "ModelRecord",
    "Picture",
    "Results",
    "RuleRecord",
    "TestRecord",
    "TrainingRecord",
    "VerdictRecord",
    "parse_results",
    "read_results",
    "write_results",
]

RESULTS = "results.json"
LARGEST = 64_000_000


class HeatMap(Struct, frozen=True):
    """Share of windows called centred, and their count, by offset of the maximum; None where there is no window."""

    flagged: list[list[float | None]]
    count: list[list[int]]


class VerdictRecord(Struct, frozen=True):
    """A :class:`gnnmax.evaluation.verdict.Verdict` on windows, as plain values."""

    n: int
    n_graphs: int
    positives: int
    accuracy: float
    balanced_accuracy: float
    precision: float | None
    recall: float
    specificity: float
    f1: float
    mcc: float
    auroc: float
    average_precision: float
    natural_precision: float | None
    brier: float | None
    calibration_error: float | None
    reliability: Reliability | None
    bayes_gap: float | None
    localisation: Localisation | None
    intervals: dict[str, tuple[float, float]]
    slices: dict[str, dict[str, Slice]]
    offsets: HeatMap


class Picture(Struct, frozen=True, kw_only=True):
    """One example window, with its scores."""

    window: int
    values: list[list[float]]
    label: bool
    kind: str
    offset: tuple[int, int]
    margin: float
    scores: dict[str, float]


class Figures(Struct, frozen=True):
    """One net from one seed on one test split."""

    accuracy: float
    auroc: float
    average_precision: float


class TestRecord(Struct, frozen=True, kw_only=True):
    """The results on one test split.

    Attributes:
        name: Name of its recipe.
        summary: Summary of its recipe.
        trained: Whether the nets were trained on other hosts of the same recipe.
        ceiling: Accuracy of the best possible scorer, if it is known.
        windows: Number of windows.
        hosts: Number of hosts.
        centred: Share of windows whose label is true.
        k: Side of the windows.
        verdicts: By scorer, nets first (means over their seeds), then rules.
        pairs: Differences between the nets.
        seeds: Metrics of each net, one record per seed.
        curves: ROC and precision-recall curves by scorer; for nets, those of the first seed.
        gallery: Windows of every kind.
        mistakes: The windows on which each net (first seed) is wrong with the highest confidence.
    """

    name: str
    summary: str
    trained: bool
    ceiling: float | None
    windows: int
    hosts: int
    centred: float
    k: int
    verdicts: dict[str, VerdictRecord]
    pairs: list[Difference]
    seeds: dict[str, list[Figures]]
    curves: dict[str, Tradeoff]
    gallery: list[Picture]
    mistakes: dict[str, list[Picture]]


class FindingRecord(Struct, frozen=True, kw_only=True):
    """A :class:`gnnmax.auditing.findings.Finding` without its counter-example."""

    verdict: Symmetry
    label_stays: bool
    maximum: float
    relative: float | None
    unexpected_flips: float | None
    expected_flips: float | None
    windows: int
    fault: str


class AuditRecord(Struct, frozen=True, kw_only=True):
    """A :class:`gnnmax.auditing.findings.Audit`, as plain values."""

    conclusion: str
    constant: bool
    findings: dict[str, FindingRecord]


class TrainingRecord(Struct, frozen=True, kw_only=True):
    """The record of one training; ``history`` has one entry per evaluation, ``audit`` is the audit on the test split.

    ``steps`` is the number of updates made: fewer than the budget where training stopped early; None if unknown.
    """

    seed: int
    parameters: int
    steps: int | None = None
    best_step: int
    validation_loss: float
    validation_accuracy: float
    seconds: float
    history: list[dict[str, Any]]
    audit: AuditRecord


class ModelRecord(Struct, frozen=True):
    """One model of a run.

    Attributes:
        name: Name of the model.
        summary: Its summary in the registry.
        source: The paper that it comes from.
        ceiling: The accuracy that its symmetry allows with one plant and little noise.
        declared: The transformations to which it is declared invariant.
        runs: One training per seed.
    """

    name: str
    summary: str
    source: str
    ceiling: float
    declared: tuple[str, ...]
    runs: list[TrainingRecord]


class RuleRecord(Struct, frozen=True):
    """One explicit rule."""

    name: str
    summary: str


class Results(Struct, frozen=True, kw_only=True):
    """All results of a run."""

    format: Literal[4] = 4
    command: str
    environment: dict[str, Any]
    recipe: dict[str, Any]
    card: Card
    training: dict[str, Any]
    seeds: list[int]
    models: list[ModelRecord]
    rules: list[RuleRecord]
    tests: list[TestRecord]


def write_results(folder: Path, results: Results) -> None:
    """Write ``results.json`` into a run folder, atomically."""
    write_file(folder / RESULTS, msgspec.json.encode(results))


def read_results(folder: str | Path) -> Results:
    """Read the results of a finished run.

    Raises:
        InputError: no run, an unfinished one, or a file that is damaged or of another version.

    Example:
        >>> read_results("nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: no finished run at nowhere: expected a folder with results.json; make one with ...
    """
    file = Path(folder) / RESULTS
    if not file.is_file():
        raise InputError(
            f"no finished run at {folder}: expected a folder with {RESULTS}; make one with 'gnnmax compare'"
        )
    if file.stat().st_size > LARGEST:
        raise InputError(f"{file} is larger than 64 MB, which no run writes: run compare again")
    try:
        return parse_results(file.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file} is damaged or of another version: {error}; run compare again") from None


def parse_results(content: bytes) -> Results:
    """Read results from JSON.

    Raises:
        DecodeError: the text is not the JSON of results (an error of msgspec).
    """
    return msgspec.json.decode(content, type=Results)
