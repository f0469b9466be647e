"""Callers of peaks on planted truth: ``python -m benchmarks.peaks [--quick] [--peers NAME,...] [--net FOLDER]``.

Maps of the recipe ``contact-256`` at several depths and amplitudes, in natural and in shuffled order of the bins, are
written as contact maps (.cool, one map a chromosome, 10 kb a bin, all balancing weights 1). Every caller reads the same
files as a process of its own. It runs with its documented defaults, and once more with the setting of a small grid that
finds most on validation maps of the same order, drawn at all depths and amplitudes; no setting sees a test map. A call
is right within one bin of a peak, along the true order of the bins; calls and peaks are matched one to one by
``evaluate_peaks``. In shuffled order two of our callers come once more with the bins put in order by their contacts
(``gnnmax.detection.seriate``), and each cell says of how many maps that gives the whole order. F1 counts the calls of
the defaults as they come, and those of the chosen setting above the score of greatest F1 on the validation maps.
Seconds are processor time, divided by the maps, starts of interpreters included; memory is the peak of the largest
process. Intervals are for other maps, 95 %.

``--peers`` names programs of other people: chromosight, cooltools, mustache, scikit-image. Each is installed with pip
into an environment of its own under ``.peers/`` when it first runs. A peer that cannot be installed or fails on a case
has a row that says so. ``--net`` names a folder of weights of a net on maps; it may be given several times.

Results are kept in ``--out``, one file for each set of maps, caller and setting: a run that was interrupted resumes
where it stopped, and another table from the same maps reuses them.

``--into FILE.cool`` plants the peaks into stretches of your own contact map by thinning, see
:mod:`benchmarks.peers.planting`; the validation maps are every second stretch.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.peers.callers import PEERS, Caller, own_callers
from benchmarks.peers.cells import Cell, Found, MapFolder
from benchmarks.peers.judged import BOUND, Choice, best_setting, bound_calls, lead, verdict_on
from benchmarks.peers.planting import planted_maps
from gnnmax import InputError, Maps, load_recipe
from gnnmax.detection.seriation import seriate
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict
from gnnmax.report.documents import markdown

__all__ = ["Plan", "main", "table"]

DEPTHS, AMPLITUDES, ORDERS = (50.0, 100.0, 200.0, 400.0), (1.0, 2.0, 4.0), ("natural", "shuffled")
HEADER = ["caller", "setting", "recall at 10 % FD", "F1 within one bin", "s a map", "MB"]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        depths: Depths of the maps; in a map of your own, which has its depth, a single one that is not used.
        amplitudes: Heights of the peaks.
        orders: Orders of the bins.
        maps: Test maps of each cell.
        validation: Validation maps of each depth and amplitude.
        callers: The callers, ours and peers.
        folder: Where results are kept.
        into: A contact map to plant into; None draws the maps.
    """

    depths: tuple[float, ...]
    amplitudes: tuple[float, ...]
    orders: tuple[str, ...]
    maps: int
    validation: int
    callers: tuple[Caller, ...]
    folder: Path
    into: Path | None = None

    def drawn(self, cell: Cell, split: str, count: int) -> Maps:
        """Return the maps of a cell: drawn, or planted into every second stretch of a contact map."""
        if self.into is None:
            return cell.maps(split, count)
        recipe = load_recipe("contact-256").replace(**{"map.plant.amplitude": cell.amplitude})
        every = planted_maps(self.into, recipe.map, self.maps + self.validation)
        held = np.zeros(len(every), dtype=np.bool_)
        held[np.linspace(0, len(every) - 1, self.validation).astype(int)] = True
        chosen: Maps = every[held if split == "val" else ~held]
        return chosen if cell.order == "natural" else chosen.relabelled(np.random.default_rng(15))


def table(plan: Plan) -> Iterator[str]:
    """Yield the table part by part, each when its cell is measured: choices, cells, recalls, where we are not ahead."""
    leads = [["order", "depth", "amplitude", "ours", "best peer", "difference in recall"]]
    for order in plan.orders:
        pairs = list(product(plan.depths, plan.amplitudes))
        callers = [one for one in plan.callers if order == "shuffled" or not one.default.get("seriate")]
        validation = Maps.concatenate([plan.drawn(Cell(*pair, order), "val", plan.validation) for pair in pairs])
        folder = MapFolder(plan.folder, validation)
        choices = {caller.name: best_setting(caller, folder) for caller in callers}
        yield f"Chosen on {len(validation)} validation maps, {order} order:\n\n{markdown(_chosen(choices))}"
        ours = max((c.name for c in callers if c.name not in PEERS), key=lambda name: choices[name].recall or 0.0)
        recalls = [["depth", "amplitude", BOUND, *choices]]
        for depth, amplitude in pairs:
            test = MapFolder(plan.folder, plan.drawn(Cell(depth, amplitude, order), "test", plan.maps))
            found = {caller.name: test.found(caller, choices[caller.name].setting) for caller in callers}
            source = f"depth {depth:g}" if plan.into is None else plan.into.name
            title = f"{order} order, {source}, amplitude {amplitude:g}"
            number = f"{len(test.maps.peaks)} peaks in {len(test.maps)} maps"
            if order == "shuffled":
                number += f"; seriation finds the whole order of {orders_found(test.maps)} of them"
            rows = _rows(callers, test, choices)
            yield f"{title}: {number}.\n\n{markdown(rows)}"
            chosen = {BOUND: "", **dict.fromkeys(choices, "failed")}
            chosen |= {row[0]: row[2] for row in rows[1:] if row[1] != "default"}
            recalls.append([f"{depth:g}", f"{amplitude:g}", *chosen.values()])
            peers = {name: one for name, one in found.items() if name in PEERS and not one.failure}
            if peers and not found[ours].failure:
                leads.append([order, f"{depth:g}", f"{amplitude:g}", ours, *lead(found[ours], peers, test.maps)])
        yield f"Recall at 10 % false discoveries, {order} order, each caller as chosen:\n\n{markdown(recalls)}"
    if len(leads) > 1:
        title = "Ours (the caller that is best on the validation maps) minus the best peer of each cell"
        yield f"{title}:\n\n{markdown(leads)}"


def orders_found(maps: Maps) -> int:
    """Return in how many maps seriation puts every bin at its place along the host, in either direction."""
    found = [maps.row_place[index][seriate(one)] for index, one in enumerate(maps.values)]
    return sum(bool((np.diff(places) == 1).all() or (np.diff(places) == -1).all()) for places in found)


def _chosen(choices: dict[str, Choice]) -> list[list[str]]:
    rows = [["caller", "tried", "chosen", "recall at 10 % FD"]]
    for name, choice in choices.items():
        recall = "every setting failed" if choice.recall is None else f"{choice.recall:.2f}"
        rows.append([name, str(choice.tried), f"`{dict(choice.setting)}`", recall])
    return rows


def _rows(callers: Sequence[Caller], test: MapFolder, choices: dict[str, Choice]) -> list[list[str]]:
    rows = [HEADER]
    if test.maps.background is not None:
        rows.append(_row(BOUND, "knows order, background", Found({}, bound_calls(test.maps), 0.0, 0), test.maps, None))
    for caller in callers:
        choice = choices[caller.name]
        rows.append(_row(caller.name, "default", test.found(caller, caller.default), test.maps, None))
        if choice.recall is not None:
            tuned = test.found(caller, choice.setting)
            rows.append(_row(caller.name, "tuned", tuned, test.maps, choice.threshold))
    return rows


def _shown(verdict: PeakVerdict, metric: str) -> str:
    value, ends = verdict.metrics[metric], verdict.intervals.get(metric)
    shown = "none" if value is None else f"{value:.2f}"
    return shown + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")


def _row(name: str, setting: str, found: Found, maps: Maps, threshold: float | None) -> list[str]:
    if found.failure:
        return [name, setting, f"failed: {found.failure.replace('|', '/')}", "", "", ""]
    verdict = verdict_on(found.calls, maps, threshold=threshold)
    figures = [_shown(verdict, metric) for metric in ("recall_at_fdr", "f1")]
    if not found.bytes:
        return [name, setting, figures[0], "", "", ""]
    return [name, setting, *figures, f"{found.seconds / len(maps):.2f}", f"{found.bytes / 1e6:.0f}"]


def plan_of(options: argparse.Namespace) -> Plan:
    """Return the plan that the arguments name.

    Raises:
        InputError: an unknown peer, or numbers out of range.
    """
    peers = [name.strip() for name in options.peers.split(",") if name.strip()]
    if unknown := [name for name in peers if name not in PEERS]:
        raise InputError(f"there is no peer {unknown[0]!r}: choose among {', '.join(PEERS)}")
    if missing := [folder for folder in options.net if not folder.is_dir()]:
        raise InputError(f"{missing[0]} is no folder of weights: give a folder that a training of a net on maps wrote")
    maps = options.maps if options.maps is not None else 6 if options.quick else 50
    validation = options.validation if options.validation is not None else 1 if options.quick else 10
    if maps < 2 or validation < 1:
        raise InputError("--maps must be at least 2, for intervals, and --validation at least 1")
    depths, amplitudes = (DEPTHS[1:3], AMPLITUDES[1:]) if options.quick else (DEPTHS, AMPLITUDES)
    callers = (*own_callers(options.net), *(PEERS[name] for name in peers))
    if options.quick:
        callers = tuple(replace(caller, others=caller.others[:2]) for caller in callers)
    return Plan(
        (1.0,) if options.into is not None else _numbers("--depths", options.depths) or depths,
        _numbers("--amplitudes", options.amplitudes) or amplitudes,
        ORDERS if options.order is None else (options.order,),
        maps,
        validation,
        callers,
        options.out,
        options.into,
    )


def _numbers(name: str, text: str) -> tuple[float, ...]:
    """Read numbers above 0, separated by commas."""
    try:
        numbers = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = (math.nan,)
    if not all(0 < number < math.inf for number in numbers):
        raise InputError(f"{name} must be numbers above 0, separated by commas, not {text!r}")
    return numbers


def main(words: list[str]) -> int:
    """Measure and print; return the exit status: 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peaks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="two depths, two amplitudes, 6 maps a cell, 3 settings a caller")
    add("--peers", default="", metavar="NAME,...", help=f"programs to install and run: {', '.join(PEERS)}")
    add("--net", type=Path, action="append", default=[], metavar="FOLDER", help="weights of a net on maps")
    add("--maps", type=int, help="test maps a cell, 50 unless stated")
    add("--validation", type=int, help="validation maps of each depth and amplitude, 10 unless stated")
    add(
        "--depths",
        default="",
        metavar="NUMBER,...",
        help="mean counts of neighbouring bins, 50,100,200,400 unless stated",
    )
    add("--amplitudes", default="", metavar="NUMBER,...", help="heights of the peaks, 1,2,4 unless stated")
    add("--order", choices=ORDERS, help="one order of the bins; both unless stated")
    add("--into", type=Path, metavar="FILE.cool", help="plant the peaks into this contact map instead")
    add("--out", type=Path, default=Path("runs/peaks"), help="folder of results, kept between runs")
    try:
        for part in table(plan_of(parser.parse_args(words))):
            print(part, end="\n\n", flush=True)
    except InputError as error:
        print(f"python -m benchmarks.peaks: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
