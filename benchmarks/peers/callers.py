"""The callers of the table: for each the programs that it runs, how its calls are read, and its settings.

A new caller, or a new setting of one, is one more entry in :data:`PEERS` or :func:`own_callers`.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import Packages
from gnnmax.detection import NORMALISATIONS
from gnnmax.interop.cool_files import RESOLUTION
from gnnmax.models.model_folders import shipped_models

__all__ = ["PEERS", "Call", "Caller", "Setting", "own_callers"]

Call = tuple[int, int, int, float]
"""Map, row, column and score; a higher score is better."""

Setting = Mapping[str, Any]
Commands = list[list[str]]
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Caller:
    """A program that names peaks.

    Attributes:
        name: Its name in the table.
        commands: Returns what it runs, given the folder of its programs, that of the maps, that for its output, and a
            setting: scripts of Python with their arguments, one after the other.
        read: Reads the calls from the output folder.
        default: Its setting as documented.
        others: More settings; one of these or the default is chosen on the validation maps.
        packages: What its own environment holds; None for the environment of this process.
    """

    name: str
    commands: Callable[[Path, Path, Path, Setting], Commands]
    read: Callable[[Path, Setting], list[Call]]
    default: Setting
    others: tuple[Setting, ...]
    packages: Packages | None = None


def settings(default: Setting, **choices: Sequence[Any]) -> tuple[Setting, ...]:
    """Return every combination of the choices, each with the rest of the default; the default itself is left out.

    Example:
        >>> settings({"a": 1, "b": 2}, a=[1, 3])
        ({'a': 3, 'b': 2},)
    """
    every = ({**default, **dict(zip(choices, values, strict=True))} for values in product(*choices.values()))
    return tuple(setting for setting in every if setting != default)


def flags(setting: Setting) -> list[str]:
    """Write a setting as options of a command line; those that begin with an underscore belong to the reader."""
    return [f"--{name}={value}" for name, value in setting.items() if not name.startswith("_")]


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a table with tabs, which is missing or empty if nothing is found."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def calls_of(path: Path, columns: Sequence[str], score: Callable[[dict[str, str]], float]) -> list[Call]:
    """Read calls within one map from a table of two chromosomes and their starts, in base pairs."""
    first, row, second, column = columns
    found: list[Call] = []
    for line in rows_of(path):
        height = score(line)
        if line[first] == line[second] and not math.isnan(height):
            places = [int(float(line[name])) // RESOLUTION for name in (row, column)]
            found.append((int(line[first].removeprefix("map")), places[0], places[1], height))
    return found


def read_json(out: Path, setting: Setting) -> list[Call]:
    """Read calls as our own programs write them."""
    del setting
    return [(int(one), int(i), int(j), score) for one, i, j, score in json.loads((out / "calls.json").read_text())]


# --- chromosight: correlation with a template of a loop ---


def chromosight_commands(programs: Path, maps: Path, out: Path, setting: Setting) -> Commands:
    """Detect loops in the contact map."""
    detect = [str(programs / "chromosight"), "detect", "--no-plotting", *flags(setting)]
    return [[*detect, str(maps / "maps.cool"), str(out / "found")]]


def chromosight_read(out: Path, setting: Setting) -> list[Call]:
    """Read loops, scored by their correlation."""
    del setting
    return calls_of(out / "found.tsv", ("chrom1", "start1", "chrom2", "start2"), lambda line: float(line["score"]))


# --- cooltools: HiCCUPS, counts against four local backgrounds ---


def cooltools_commands(programs: Path, maps: Path, out: Path, setting: Setting) -> Commands:
    """Compute expected counts by distance, then call dots."""
    program, cool, expected = str(programs / "cooltools"), str(maps / "maps.cool"), str(out / "expected.tsv")
    return [
        [program, "expected-cis", "-o", expected, cool],
        [program, "dots", *flags(setting), "-o", str(out / "dots.tsv"), cool, expected],
    ]


def cooltools_read(out: Path, setting: Setting) -> list[Call]:
    """Read dots, scored by their q-value over the donut (its logarithm, reversed), or by the ratio to the donut."""

    def score(line: dict[str, str]) -> float:
        ratio = float(line["count"]) / max(float(line["la_exp.donut.value"]), 1e-12)
        return ratio if setting["_score"] == "ratio" else -math.log10(max(float(line["la_exp.donut.qval"]), 1e-300))

    return calls_of(out / "dots.tsv", ("chrom1", "start1", "chrom2", "start2"), score)


# --- mustache: scale space of differences of Gaussians ---


def mustache_commands(programs: Path, maps: Path, out: Path, setting: Setting) -> Commands:
    """Call loops in the contact map."""
    options = [word for name, value in setting.items() for word in (f"-{name}", str(value))]
    cool, resolution = str(maps / "maps.cool"), str(RESOLUTION)
    return [
        [str(programs / "mustache"), "-f", cool, "-r", resolution, "-p", "1", *options, "-o", str(out / "loops.tsv")]
    ]


def mustache_read(out: Path, setting: Setting) -> list[Call]:
    """Read loops, scored by their false-discovery rate (its logarithm, reversed)."""
    del setting
    columns = ("BIN1_CHR", "BIN1_START", "BIN2_CHROMOSOME", "BIN2_START")
    return calls_of(out / "loops.tsv", columns, lambda line: -math.log10(max(float(line["FDR"]), 1e-300)))


# --- programs of this folder ---


def image_commands(programs: Path, maps: Path, out: Path, setting: Setting) -> Commands:
    """Find the peaks of a difference of Gaussians in each map."""
    del programs
    return [[str(HERE / "image_peaks.py"), str(maps / "maps.npz"), str(out / "calls.json"), json.dumps(dict(setting))]]


def own_commands(programs: Path, maps: Path, out: Path, setting: Setting) -> Commands:
    """Search the maps with this package."""
    del programs
    return [[str(HERE / "own_peaks.py"), str(maps), str(out / "calls.json"), json.dumps(dict(setting))]]


CHROMOSIGHT = {"pearson": "auto", "min-dist": "auto", "max-dist": "auto"}
COOLTOOLS = {"max-loci-separation": 2_000_000, "fdr": 0.02, "_score": "q"}
MUSTACHE = {"pt": 0.2, "st": 0.88}
IMAGE = {"root": False, "low_sigma": 1.0, "min_distance": 1}
FAR = 256 * RESOLUTION

PEERS = {
    caller.name: caller
    for caller in (
        Caller(
            "chromosight",
            chromosight_commands,
            chromosight_read,
            CHROMOSIGHT,
            settings({**CHROMOSIGHT, "min-dist": 12 * RESOLUTION, "max-dist": FAR}, pearson=["auto", 0.2, 0.4]),
            Packages(("chromosight==1.6.3", "pandas<3")),
        ),
        Caller(
            "cooltools",
            cooltools_commands,
            cooltools_read,
            COOLTOOLS,
            settings({**COOLTOOLS, "max-loci-separation": FAR}, fdr=[0.02, 0.2], _score=["q", "ratio"]),
            Packages(("cooltools==0.7.1", "cooler", "pandas<3")),
        ),
        Caller(
            "mustache",
            mustache_commands,
            mustache_read,
            MUSTACHE,
            settings(MUSTACHE, pt=[0.2, 0.5], st=[0.88, 0.7]),
            # it reads .hic files by a package that needs the headers of libcurl, and contact maps without it
            Packages(
                ("numpy<2", "scipy<1.15", "pandas<3", "cooler", "statsmodels", "requests"),
                alone=("mustache-hic==1.3.3",),
                placeholders=("hicstraw",),
            ),
        ),
        Caller(
            "scikit-image",
            image_commands,
            read_json,
            IMAGE,
            settings(IMAGE, root=[False, True], low_sigma=[1.0, 1.5], min_distance=[1, 3]),
            Packages(("scikit-image==0.26.0",)),
        ),
    )
}
"""The peers, by name, with their documented defaults."""

READ_ORDER = ("map rule laplacian_of_gaussian", "net map-cnn")
"""Callers that need the order of the bins, and are tried once more after seriation."""

STEPS = [
    steps for steps in (("smooth", "donut"), ("distance", "smooth"), ("distance",)) if set(steps) <= set(NORMALISATIONS)
]
"""Normalisations of the search that are tried, where this version has them."""


def own_callers(nets: Sequence[Path] = ()) -> list[Caller]:
    """Return our callers: the rule with steps, the explicit rules of maps that know nothing hidden, and nets on maps.

    Args:
        nets: Folders of weights of nets on maps, beside those that ship.
    """
    far = {"distance": "12:", "directed": False}
    searches = [
        {"search": {"k": k, "steps": list(steps), "rank": rank, **far}}
        for rank, k, steps in product(("scores", "prominence", "margin"), (9, 5), STEPS)
    ]
    for one in searches:
        if one["search"]["rank"] == "prominence":  # it is measured on request
            one["search"]["prominence"] = 0
    default: Setting = {"search": {"k": 9, "steps": ["distance"], "directed": False, "rank": "scores"}}
    rule = Caller("rule, steps", own_commands, read_json, default, tuple(searches))
    by_scores = [
        (f"map rule {name}", {"rule": name}) for name in ("laplacian_of_gaussian", "spectral_seriation", "neighbours")
    ] + [(f"net {Path(net).name}", {"net": str(net)}) for net in (*shipped_models(maps=True), *nets)]
    in_order = [
        (f"{name}, seriated", {**setting, "seriate": True}) for name, setting in by_scores if name in READ_ORDER
    ]
    return [rule, *(_by_scores(name, setting) for name, setting in (*by_scores, *in_order))]


def _by_scores(name: str, setting: Setting) -> Caller:
    """Return a caller of the maxima of a score map, in the order of the bins or, as a graph, whatever it is."""
    default = {**setting, "mode": "ordered", "options": {"k": 9}}
    near = {"near": 12}
    others: tuple[Setting, ...] = ({**default, **near},)
    if not setting.get("seriate"):
        others += ({**setting, "mode": "graph"}, {**setting, "mode": "graph", **near})
    return Caller(name, own_commands, read_json, default, others)


PYTHON = Path(sys.executable)
"""The interpreter of our own callers."""
