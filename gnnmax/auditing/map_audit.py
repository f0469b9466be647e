"""The audit of a scorer of maps: which actions on a map move its scores with the entries, and which do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from gnnmax.auditing.rounding import rounding_floor
from gnnmax.errors import InputError, unknown_name
from gnnmax.task.maps import Maps
from gnnmax.task.tabulation import Shown, TableText, percent_text

__all__ = ["MAP_ACTIONS", "MapAction", "MapAudit", "MapFinding", "audit_maps"]

Scores = npt.NDArray[np.float64]
Back = Callable[[Scores], Scores]
Share = Annotated[float, Meta(ge=0, le=1)]
Size = Annotated[float, Meta(ge=0)]

FRAME = 3
"""Rows and columns around a map that is moved within an unobserved area, at most, on each side."""


@dataclass(frozen=True)
class MapAction:
    """One action on maps.

    Attributes:
        name: Its key in :data:`MAP_ACTIONS`.
        summary: A description in one phrase.
        draw: Draws an element for each map; returns the moved maps, and the function that moves scores back.
    """

    name: str
    summary: str
    draw: Callable[[Maps, np.random.Generator], tuple[Maps, Back]]


@dataclass(frozen=True)
class MapFinding:
    """The response of a scorer to one action; it compares equal to its verdict, a string.

    Attributes:
        name: Name of the action.
        verdict: ``equivariant``: every score moves with its entry, C(T(x)) = T(C(x)), up to rounding; for maps of
            values, every score stays. ``neither``: some score differs.
        maximum: The largest difference of a score.
        relative: Mean difference in standard deviations of the scores; None where the scores are constant.
        moved: Share of maps whose best place is another one afterwards.
        floor: The difference that counts as rounding.
        maps: Number of maps.
    """

    name: str
    verdict: Literal["equivariant", "neither"]
    maximum: Size
    relative: Size | None
    moved: Share
    floor: Size
    maps: Annotated[int, Meta(ge=1)]

    def __eq__(self, other: object) -> bool:
        return self.verdict == other if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(self.verdict)


@dataclass(frozen=True, repr=False)
class MapAudit(Shown, Mapping[str, MapFinding]):
    """The findings of an audit of maps, by name of the action.

    Attributes:
        findings: By name.
    """

    findings: dict[str, MapFinding]

    def __getitem__(self, name: str) -> MapFinding:
        if name not in self.findings:
            raise unknown_name("action", str(name), self.findings)
        return self.findings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __repr__(self) -> str:
        return f"<MapAudit: {', '.join(f'{name} {found.verdict}' for name, found in self.findings.items())}>"

    def broken(self, declared: Sequence[str]) -> list[str]:
        """Return the declared symmetries that do not hold."""
        return [name for name in declared if name in self.findings and self.findings[name] != "equivariant"]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {name: dataclasses.asdict(found) for name, found in self.findings.items()}

    def tables(self) -> list[TableText]:
        """Return the table of the findings."""
        rows = [
            [
                *(name, found.verdict, f"{found.maximum:.3g}"),
                "" if found.relative is None else f"{found.relative:.3g}",
                percent_text(found.moved),
                MAP_ACTIONS[name].summary,
            ]
            for name, found in self.findings.items()
        ]
        count = next((found.maps for found in self.findings.values()), 0)
        header = ["action", "verdict", "largest change", "in deviations", "best place moves", "what it does"]
        return [TableText(f"audit on {count} maps", header, rows)]


def audit_maps(
    scorer: Any,
    maps: Maps,
    *,
    rng: np.random.Generator,
    actions: Sequence[str] | None = None,
    tolerance: float = 1e-5,
    most: int = 20,
) -> MapAudit:
    """Find out under which actions on a map the scores of a scorer move with the entries.

    Each action T is applied to each map x with an element of its own, and C(T(x)) is compared with T(C(x)), entry by
    entry, where both are finite.

    Args:
        scorer: Maps to scores ``(M, n, m)``, minus infinity where there is no place: a trained net on maps, or a rule
            of :data:`gnnmax.data.maps.rules.MAP_RULES`.
        maps: Maps to transform.
        rng: Draws the elements.
        actions: Keys of :data:`MAP_ACTIONS`; None for all.
        tolerance: Share of the range of the scores that counts as rounding.
        most: Largest number of maps that are transformed, the first ones.

    Raises:
        InputError: no maps, an unknown action, or scores of another shape.

    Example:
        >>> from gnnmax.data.maps.rules import MAP_RULES
        >>> values = np.random.default_rng(0).normal(size=(3, 9, 9))
        >>> maps = Maps.from_values(values, structure="directed")
        >>> audit_maps(MAP_RULES["argmax"], maps, rng=np.random.default_rng(1))["relabelling"].verdict
        'equivariant'
        >>> audit_maps(MAP_RULES["margin"], maps, rng=np.random.default_rng(1))["relabelling"].verdict
        'neither'
    """
    if not isinstance(maps, Maps):
        raise InputError(f"an audit of maps transforms Maps, not {type(maps).__name__}: use Maps.from_values")
    if not len(maps):
        raise InputError("there are no maps to transform: give at least one")
    chosen = list(MAP_ACTIONS) if actions is None else list(actions)
    for name in chosen:
        if name not in MAP_ACTIONS:
            raise unknown_name("action on maps", str(name), MAP_ACTIONS)
    some = maps[:most]
    before = _scores(scorer, some)
    findings = {}
    for name in chosen:
        moved, back = MAP_ACTIONS[name].draw(some, rng)
        findings[name] = _finding(name, before, back(_scores(scorer, moved)), tolerance)
    return MapAudit(findings)


def _scores(scorer: Any, maps: Maps) -> Scores:
    score = getattr(scorer, "score", scorer)
    found = np.asarray(score(maps), dtype=np.float64)
    if found.shape != maps.values.shape:
        raise InputError(f"a scorer of maps returns scores of shape {maps.values.shape}, not {found.shape}")
    return found


def _finding(name: str, before: Scores, after: Scores, tolerance: float) -> MapFinding:
    both = np.isfinite(before) & np.isfinite(after)
    known = before[both]
    change = np.abs(after[both] - known)
    floor = rounding_floor(known, after[both], tolerance=tolerance)
    places = np.isfinite(before) == np.isfinite(after)
    same = bool(places.all()) and not bool((change > floor).any())
    spread = float(known.std()) if len(known) else 0.0
    flat = [np.where(np.isfinite(scores), scores, -np.inf).reshape(len(scores), -1) for scores in (before, after)]
    best = flat[0].argmax(axis=1)
    highest, there = flat[1].max(axis=1), np.take_along_axis(flat[1], best[:, None], axis=1)[:, 0]
    lead = np.where(highest > there, highest, 0.0) - np.where(highest > there, there, 0.0)  # 0 without any place
    return MapFinding(
        name=name,
        verdict="equivariant" if same else "neither",
        maximum=float(change.max(initial=0.0)),
        relative=float(change.mean()) / spread if spread > 0 else None,
        moved=float(np.mean(~(lead <= floor))),
        floor=floor,
        maps=len(before),
    )


def _relabelling(maps: Maps, rng: np.random.Generator) -> tuple[Maps, Back]:
    rows = _orders(maps.size[:, 0], maps.values.shape[1], rng)
    columns = _orders(maps.size[:, 1], maps.values.shape[2], rng) if maps.structure == "bipartite" else rows
    every = np.arange(len(maps))[:, None, None]
    back_rows, back_columns = np.argsort(rows, axis=1)[:, :, None], np.argsort(columns, axis=1)[:, None, :]
    return maps.permuted(rows, columns), lambda scores: scores[every, back_rows, back_columns]


def _orders(sizes: npt.NDArray[np.int64], most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw an order of the nodes of each map; positions outside stay where they are."""
    orders = np.tile(np.arange(most), (len(sizes), 1))
    for order, size in zip(orders, sizes.tolist(), strict=True):
        order[:size] = rng.permutation(size)
    return orders


def _transposition(maps: Maps, rng: np.random.Generator) -> tuple[Maps, Back]:
    del rng
    if maps.structure == "symmetric":  # its own transpose; its peaks are listed above the diagonal
        return maps, lambda scores: scores.swapaxes(1, 2)
    turned = dataclasses.replace(
        maps,
        values=maps.values.swapaxes(1, 2),
        size=maps.size[:, ::-1],
        row_place=maps.column_place,
        column_place=maps.row_place,
        peak_position=maps.peak_position[..., ::-1],
        background=None if maps.background is None else maps.background.swapaxes(1, 2),
    )
    return turned, lambda scores: scores.swapaxes(1, 2)


def _translation(maps: Maps, rng: np.random.Generator) -> tuple[Maps, Back]:
    """Put each map into a larger area that is not observed."""
    n, m = maps.values.shape[1:]
    shifts = rng.integers(1, FRAME + 1, size=(len(maps), 2))
    if maps.structure != "bipartite":
        shifts[:, 1] = shifts[:, 0]
    wide = np.full((len(maps), n + 2 * FRAME, m + 2 * FRAME), np.nan, dtype=np.float32)
    for each, values, (down, right) in zip(wide, maps.values, shifts.tolist(), strict=True):
        each[down : down + n, right : right + m] = values

    def back(scores: Scores) -> Scores:
        return np.stack(
            [
                each[down : down + n, right : right + m]
                for each, (down, right) in zip(scores, shifts.tolist(), strict=True)
            ]
        )

    return Maps.from_values(wide, structure=maps.structure, model=maps.model), back


def _affine_map(maps: Maps, rng: np.random.Generator) -> tuple[Maps, Back]:
    factor = np.exp(rng.normal(size=(len(maps), 1, 1))).astype(np.float32)
    shift = rng.normal(size=(len(maps), 1, 1)).astype(np.float32)
    return dataclasses.replace(maps, values=maps.values * factor + shift), lambda scores: scores


def _increasing_map(maps: Maps, rng: np.random.Generator) -> tuple[Maps, Back]:
    """Bend the values of each map by the hyperbolic sine of a random share of their standard deviation."""
    seen = [values[~np.isnan(values)].astype(np.float64) for values in maps.values]
    spread = np.array([each.std() if len(each) else 0.0 for each in seen])[:, None, None]
    bend = rng.uniform(0.5, 1.0, size=spread.shape) / np.where(spread > 0, spread, 1.0)
    with np.errstate(over="ignore"):
        bent = np.sinh(np.clip(bend * maps.values, -80, 80)) / bend
    return dataclasses.replace(maps, values=bent.astype(np.float32)), lambda scores: scores


MAP_ACTIONS: dict[str, MapAction] = {
    action.name: action
    for action in (
        MapAction("relabelling", "renumber the nodes: rows and columns together", _relabelling),
        MapAction("transposition", "exchange rows and columns", _transposition),
        MapAction("translation", "move the map within a larger area that is not observed", _translation),
        MapAction("affine_map", "multiply all values and add a constant", _affine_map),
        MapAction("increasing_map", "bend all values by a strictly increasing map", _increasing_map),
    )
}
"""The actions of an audit of maps by name."""
