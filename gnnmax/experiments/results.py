"""Results of a run as records: ``compare`` writes them, the tables and the page read them."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gnnmax.auditing.findings import Audit
from gnnmax.data.card import Card
from gnnmax.errors import InputError
from gnnmax.evaluation.curves import Curves
from gnnmax.evaluation.difference import Difference
from gnnmax.evaluation.verdict import Offsets, Verdict
from gnnmax.experiments.divergence import Divergence, divergence_text
from gnnmax.io.atomic import write_file
from gnnmax.io.paths import as_path

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
LARGEST = 64_000_000


class Picture(Struct, frozen=True, kw_only=True):
    """One window to show, with its scores."""

    window: int
    values: list[list[float]]
    label: bool
    kind: str
    offset: tuple[int, int]
    margin: float
    scores: dict[str, float]


class SplitResult(Struct, frozen=True, kw_only=True):
    """The results on one test split.

    Attributes:
        name: Of its recipe.
        summary: Of its recipe.
        trained: Whether the nets were trained on other hosts of this very recipe.
        ceiling: Accuracy of the best possible scorer, where it is known.
        windows: Number of windows.
        hosts: Number of hosts.
        centred: Share of windows whose label is true.
        k: Side of the windows.
        verdicts: By scorer, nets first (means over their seeds), then rules.
        pairs: Differences between the nets.
        nets: Names of the nets; the other verdicts are those of rules.
        curves: ROC and precision-recall curve by scorer; of nets from the first seed.
        gallery: Windows of every kind.
        mistakes: The most confident mistakes of each net, first seed.
        diverged: Nets without metrics because the training of a seed diverged, with the seed and the step.
    """

    name: str
    summary: str
    trained: bool
    ceiling: float | None
    windows: int
    hosts: int
    centred: float
    k: int
    verdicts: dict[str, Verdict]
    pairs: list[Difference]
    nets: list[str]
    curves: dict[str, Curves]
    gallery: list[Picture]
    mistakes: dict[str, list[Picture]]
    diverged: dict[str, str] = {}

    def heat_map(self, name: str) -> Offsets:
        """Return the heat map of a scorer.

        Raises:
            InputError: its verdict has none, as no run writes.
        """
        offsets = self.verdicts[name].offsets
        if offsets is None:
            raise InputError(f"the results of {name} on {self.name} have no heat map: run compare again")
        return offsets


class TrainingRecord(Struct, frozen=True, kw_only=True):
    """One training; ``history`` has one entry an evaluation, ``audit`` is that on the test split.

    ``steps`` is the number of updates: fewer than the budget where training stopped early; None if unknown.
    """

    seed: int
    parameters: int
    steps: int | None = None
    best_step: int
    validation_loss: float
    validation_accuracy: float
    seconds: float
    history: list[dict[str, Any]]
    audit: Audit


class ModelRecord(Struct, frozen=True):
    """One model of a run.

    Attributes:
        name: Of the model, in this run.
        summary: One line about it.
        source: The paper it is from.
        ceiling: The highest accuracy that its symmetry allows on one plant and little noise; None if it declares no
            symmetry.
        declared: The transformations under which it is declared invariant.
        runs: One training a seed, without those that diverged.
        reference: Its name in the registry, or the reference of a net of the caller's own; empty if it is ``name``.
        sha256: Digest of the file that defines an own net; empty if there is none.
        group: Name of its symmetry group.
        diverged: The trainings that diverged; a model with any has no metrics.
    """

    name: str
    summary: str
    source: str
    ceiling: float | None
    declared: tuple[str, ...]
    runs: list[TrainingRecord]
    reference: str = ""
    sha256: str = ""
    group: str = ""
    diverged: list[Divergence] = []


class RuleRecord(Struct, frozen=True):
    """One explicit rule."""

    name: str
    summary: str


class Results(Struct, frozen=True, kw_only=True):
    """All results of a run."""

    format: Literal[6] = 6
    command: str
    environment: dict[str, Any]
    recipe: dict[str, Any]
    card: Card
    training: dict[str, Any]
    seeds: list[int]
    models: list[ModelRecord]
    rules: list[RuleRecord]
    tests: list[SplitResult]

    @property
    def finished(self) -> list[ModelRecord]:
        """The models whose training diverged in no seed: those with metrics."""
        return [model for model in self.models if not model.diverged]

    @property
    def diverged(self) -> dict[str, str]:
        """The other models, with the seeds and the steps."""
        return {model.name: divergence_text(model.diverged) for model in self.models if model.diverged}


class _Header(Struct):
    """The part of a results file that every format has."""

    format: int


def write_results(folder: Path, results: Results) -> None:
    """Write ``results.json`` into a run folder, whole or not at all."""
    write_file(folder / RESULTS, encode_results(results))


def encode_results(record: Results | SplitResult) -> bytes:
    """Write results as JSON; a verdict or an audit is written as its ``to_dict()``."""
    return msgspec.json.encode(record, enc_hook=_plain)


def read_results(folder: str | Path) -> Results:
    """Read the results of a finished run.

    Raises:
        InputError: no run, an unfinished one, a file that is damaged, or one of another version of gnnmax.

    Example:
        >>> read_results("nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: no finished run at nowhere: expected a folder with results.json; make one with ...
    """
    file = as_path(folder) / RESULTS
    if not file.is_file():
        raise InputError(
            f"no finished run at {folder}: expected a folder with {RESULTS}; make one with 'gnnmax compare'"
        )
    if file.stat().st_size > LARGEST:
        raise InputError(f"{file} is larger than 64 MB, which no run writes: run compare again")
    try:
        return parse_results(file.read_bytes().removeprefix(codecs.BOM_UTF8))
    except InputError as error:
        raise InputError(f"{file} was {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file} is damaged: {error}; run compare again") from None


def parse_results(content: bytes) -> Results:
    """Read results from JSON.

    Raises:
        InputError: of another format, made by an older or a newer version.
        DecodeError: of msgspec, where it is not the JSON of results.

    Example:
        >>> parse_results(b'{"format": 99}')
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: made by a newer gnnmax (results format 99): upgrade
    """
    made, known = msgspec.json.decode(content, type=_Header).format, Results.__struct_defaults__[0]
    if made > known:
        raise InputError(f"made by a newer gnnmax (results format {made}): upgrade")
    if 0 < made < known:
        raise InputError(f"made by gnnmax 0.1 (results format {made}): run compare again")
    return msgspec.json.decode(content, type=Results, dec_hook=_read)


def _plain(value: Any) -> Any:
    if isinstance(value, Verdict | Audit):
        return value.to_dict()
    raise NotImplementedError(f"{type(value).__name__} has no place in results")


def _read(kind: Any, value: Any) -> Any:
    if kind in (Verdict, Audit):
        return kind.from_dict(msgspec.convert(value, dict[str, Any]))
    raise NotImplementedError(f"{kind.__name__} has no place in results")
