"""Calls of a caller judged against the planted truth, and the choice of a setting on validation maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.peers.callers import Call, Caller, Setting
from benchmarks.peers.cells import Found, MapFolder
from gnnmax import Maps, evaluate_peaks
from gnnmax.data.maps.places import top_places
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict
from gnnmax.task.map_posterior import matched_filter
from gnnmax.task.peaks import Peaks

__all__ = ["BOUND", "Choice", "best_setting", "bound_calls", "lead", "places_along_host", "verdict_on"]

BOUND = "bound: matched filter"
"""Name of the rule that knows order, background and amplitude."""

BOUND_CALLS = 40
"""Calls of a map by this rule."""

METRIC = "recall_at_fdr"


@dataclass(frozen=True)
class Choice:
    """A setting that was chosen on validation maps.

    Attributes:
        setting: The setting.
        threshold: Score above which calls count, where F1 is greatest; None: all count.
        recall: Recall at 10 % false discoveries on the validation maps; None if every setting failed.
        tried: Number of settings that were tried.
    """

    setting: Setting
    threshold: float | None
    recall: float | None
    tried: int


def places_along_host(calls: Sequence[Call], maps: Maps) -> npt.NDArray[np.float64]:
    """Return calls as map, true row, true column and score, shape ``(C, 4)``: distances have a meaning in any order."""
    table = np.array(calls, dtype=np.float64).reshape(-1, 4)
    true = maps.along_host(Peaks.of(table[:, :3].astype(np.int64)))
    return np.column_stack([true.places, table[:, 3]])


def verdict_on(calls: Sequence[Call], maps: Maps, *, threshold: float | None = None) -> PeakVerdict:
    """Judge calls within one bin along the host, with intervals over maps."""
    found = places_along_host(calls, maps)
    return evaluate_peaks(
        found, maps.along_host(), 1, maps=len(maps), symmetric=True, threshold=threshold, duplicates="best"
    )


def best_setting(caller: Caller, folder: MapFolder) -> Choice:
    """Choose the setting of greatest recall at 10 % false discoveries, the earlier one of equals, and a threshold."""
    best: tuple[float, Setting, PeakVerdict] | None = None
    every = (caller.default, *caller.others)
    for setting in every:
        found = folder.found(caller, setting)
        if found.failure:
            continue
        verdict = verdict_on(found.calls, folder.maps)
        recall = float(verdict.metrics[METRIC] or 0.0)
        if best is None or recall > best[0]:
            best = recall, setting, verdict
    if best is None:
        return Choice(caller.default, None, None, len(every))
    return Choice(best[1], _threshold(best[2]), best[0], len(every))


def _threshold(verdict: PeakVerdict) -> float | None:
    """Return the threshold of greatest F1, just below the score of the last call that counts."""
    if verdict.curve is None:
        return None
    recall, precision = np.array(verdict.curve.recall), np.array(verdict.curve.precision)
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-12)
    last = verdict.curve.threshold[int(np.argmax(f1))]
    return None if last is None else float(np.nextafter(last, -np.inf))


def bound_calls(maps: Maps) -> list[Call]:
    """Return the calls of the matched filter that knows order, background and amplitude."""
    found = top_places(matched_filter(maps), maps, BOUND_CALLS, separation=4)
    heights = found.amplitude.astype(np.float64).tolist()
    return [(*place, height) for place, height in zip(found.places.tolist(), heights, strict=True)]


def lead(ours: Found, peers: dict[str, Found], maps: Maps) -> tuple[str, str]:
    """Compare our calls with those of the best peer on the same maps, in recall at 10 % false discoveries.

    Returns:
        The peer that is best on these maps, and the difference with its interval, ours minus its.
    """
    recalls = {name: verdict_on(found.calls, maps).metrics[METRIC] or 0.0 for name, found in peers.items()}
    best = max(recalls, key=lambda name: recalls[name])
    calls = {"ours": places_along_host(ours.calls, maps), best: places_along_host(peers[best].calls, maps)}
    compared = evaluate_peaks(calls, maps.along_host(), 1, maps=len(maps), symmetric=True, duplicates="best")
    found = [one for one in compared.differences if one.metric == METRIC]
    if not found:
        return best, "no curve"
    one = found[0] if found[0].first == "ours" else found[0].reversed()
    ends = "" if one.low is None or one.high is None else f" [{one.low:+.2f}, {one.high:+.2f}]"
    return best, f"{one.difference:+.2f}{ends}"
