"""The card of a data set of maps: its content, its ceilings, and the places that the explicit rules find."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gnnmax.data.maps.block_card import BlockRung, BlockStrength, block_rungs, block_strengths, block_tables
from gnnmax.data.maps.ceilings import ceilings_of
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.places import peak_distances, share_of_peaks, top_places
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.task.map_posterior import PlaceCeiling
from gnnmax.task.maps import Maps
from gnnmax.task.tabulation import Shown, TableText, number_text

__all__ = ["MapCard", "MapRung", "MapSplit", "describe_maps"]

ENTRIES = 4_000_000
"""Number of entries that the rules score; at least 20 maps are."""


@dataclass(frozen=True)
class MapSplit:
    """One split: its maps, their least and greatest numbers of rows and of peaks, and their order."""

    maps: int
    rows: tuple[int, int]
    peaks: tuple[int, int]
    order: str


@dataclass(frozen=True)
class MapRung:
    """One rule of the card: the share of the peaks that it finds when it names as many places as there are peaks.

    Attributes:
        name: Name of the rule.
        reads: ``entries``, ``image``, ``host`` or ``graph``, see :class:`gnnmax.data.maps.rules.MapRule`.
        sees: Its computation.
        found: Share of the peaks found exactly.
        within_one: Share found within one place along the host.
        found_error: Standard error of ``found``, with maps as clusters.
        within_one_error: The same of ``within_one``.
    """

    name: str
    reads: str
    sees: str
    found: float
    within_one: float
    found_error: float
    within_one_error: float


@dataclass(frozen=True, repr=False)
class MapCard(Shown):
    """The content of a data set of maps; every field is plain numbers and strings.

    Attributes:
        name: Name of the recipe.
        summary: Summary of the recipe.
        digest: Digest of the recipe.
        splits: The splits by name.
        described: The split that ceilings and rules are about.
        ceilings: How well the places of its peaks can be known.
        scored: Number of its maps that the rules scored.
        rules: The explicit rules, given where a peak can be; without those that cannot score such maps.
        blocks: The levels of hidden blocks with their signal strengths; empty where peaks are planted.
        block_rules: The rules of blocks, level by level.
    """

    name: str
    summary: str
    digest: str
    splits: dict[str, MapSplit]
    described: str
    ceilings: tuple[PlaceCeiling, ...]
    scored: int
    rules: tuple[MapRung, ...]
    blocks: tuple[BlockStrength, ...] = ()
    block_rules: tuple[BlockRung, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain dicts and lists."""
        return asdict(self)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {row.maps:,}" for name, row in self.splits.items())
        return f"<MapCard of {self.name}: maps: {sizes}>"

    def tables(self) -> list[TableText]:
        """Return the card as tables: splits, ceilings and rules."""
        splits = [
            [name, f"{row.maps:,}", *(_range(pair) for pair in (row.rows, row.peaks)), row.order]
            for name, row in self.splits.items()
        ]
        ceilings = [
            [
                "all" if one.amplitude is None else f"{one.amplitude:g}",
                *(number_text(one.found), _error(one.found_error)),
                *(number_text(one.within_one), _error(one.within_one_error)),
                *("" if value is None else f"{value:.2f}" for value in (one.distance, one.entropy)),
                f"{one.basis}, {one.maps:,} maps" if one.maps else one.basis,
            ]
            for one in self.ceilings
        ]
        rules = [
            [
                *(rule.name, rule.reads, number_text(rule.found), number_text(rule.within_one)),
                *(_error(max(rule.found_error, rule.within_one_error)), rule.sees),
            ]
            for rule in self.rules
        ]
        title = f"{self.name}  {self.digest[:12]}\n{self.summary}"
        found = ["amplitude", "found", "error", "within 1", "error", "distance", "bits", "basis"]
        first = TableText(title, ["split", "maps", "rows", "peaks a map", "order"], splits)
        if self.blocks:
            n = self.splits[self.described].rows[1]
            return [first, *block_tables(self.blocks, self.block_rules, self.described, n)]
        return [
            first,
            TableText(f"how well the places of the peaks can be known, split {self.described}", found, ceilings),
            TableText(
                f"explicit rules, {self.scored:,} maps of split {self.described}, as many calls as peaks",
                ["rule", "reads", "found", "within 1", "error", "sees"],
                rules,
            ),
        ]


def _range(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} to {pair[1]}"


def _error(value: float | None) -> str:
    return "" if not value else f"{value:.4f}"


def describe_maps(data: MapSet) -> MapCard:
    """Describe a data set of maps in a card.

    Args:
        data: The data set; its split ``test`` is described, or the last split if there is none of that name.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> card = describe_maps(build(load_recipe("needle-32").replace(splits={"test": 20})))
        >>> round(card.ceilings[0].found, 3), card.scored
        (0.762, 20)
    """
    recipe = data.recipe
    described = "test" if "test" in data.splits else list(data.splits)[-1]
    specs = {name: recipe.of(name).map for name in data.splits}
    maps = data.splits[described]
    rows, columns = maps.values.shape[1:]
    some = maps[: max(20, ENTRIES // (rows * columns))]
    return MapCard(
        name=recipe.name,
        summary=recipe.summary,
        digest=recipe.digest,
        splits={name: MapSplit(len(data.splits[name]), s.rows, s.peak_range, s.order) for name, s in specs.items()},
        described=described,
        ceilings=ceilings_of(recipe, described),
        scored=len(some),
        rules=tuple(_rung(name, some, specs[described].separation) for name, r in MAP_RULES.items() if r.applies(some))
        if len(some.peaks)
        else (),
        blocks=block_strengths(recipe.of(described).map) if isinstance(recipe, MapRecipe) else (),
        block_rules=() if some.row_block is None else block_rungs(some),
    )


def _rung(name: str, maps: Maps, separation: int) -> MapRung:
    rule = MAP_RULES[name]
    far = peak_distances(maps, top_places(rule(maps), maps, maps.peak_count, separation=separation))
    found, found_error = share_of_peaks(far <= 0, maps)
    within_one, within_one_error = share_of_peaks(far <= 1, maps)
    return MapRung(name, rule.reads, rule.summary, found, within_one, found_error, within_one_error)
