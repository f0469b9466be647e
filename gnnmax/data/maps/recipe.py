"""Recipes of maps: the frozen, complete description of a data set of whole adjacency matrices."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct, structs

from gnnmax.data.hosts.families import Family
from gnnmax.data.hosts.weights import Law
from gnnmax.data.maps.backgrounds import Background, ContactBackground, HostBackground
from gnnmax.data.maps.plants import LARGEST, Block, MapPlant, RaisedEntry, Tiles
from gnnmax.data.planting.plants import Amount
from gnnmax.data.recipe_face import Count, RecipeFace, RecipeName, Seed, SplitName, parsed_as
from gnnmax.data.recipe_views import LONGEST_SUMMARY, TAKEN
from gnnmax.task.blocks import block_strength
from gnnmax.task.map_model import MAP_FIELDS, MapField, MapLaw, MapModel, Structure
from gnnmax.task.tile_posterior import tiles_of_places

__all__ = ["Block", "MapPlant", "MapRecipe", "MapShift", "MapSpec", "RaisedEntry", "Tiles", "parse_map_recipe"]

LARGEST_WITH_PEAKS = 5_000
"""Largest side of a map with peaks, whose means are a dense matrix too."""

Side = Annotated[int, Meta(ge=2, le=LARGEST)]
PeakCount = Annotated[int, Meta(ge=0, le=1_000)]
# Ranges are tuples of variable length: msgspec reads memory at random where a union holds one of fixed length.
Sides = Annotated[tuple[Side, ...], Meta(min_length=2, max_length=2)]
PeakCounts = Annotated[tuple[PeakCount, ...], Meta(min_length=2, max_length=2)]


Distance = Annotated[int, Meta(ge=0, le=LARGEST)]
MapOrder = Literal["natural", "shuffled", "seriated"]


class MapSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table ``[map]`` of a recipe: one map, its peaks, its noise and its order.

    Attributes:
        n: Number of rows, or the least and the greatest, drawn for each map.
        columns: Number of columns of bipartite maps, or a range; None in maps whose columns are their rows' nodes.
        structure: ``symmetric``, ``directed`` or ``bipartite``.
        plant: ``spike``, ``bump`` or ``block``, each with an amplitude or several levels; every peak has one of them.
        peaks: Number of peaks of a map, or the least and the greatest, drawn for each map; of blocks, at most 1. Or
            ``{ tiles = 4 }``: at most one in each tile, see :class:`Tiles`.
        separation: Least distance between two peaks along the host, the larger of rows and columns.
        diagonal: Least distance along the host between the row and the column of a peak.
        noise: Law of the noise.
        base: Mean of Poisson counts where there is no background, or probability of an edge.
        background: ``line``, ``contact`` or ``host``; None for none.
        order: ``natural``: along the host; ``shuffled``: uniformly random; ``seriated``: along the Fiedler vector of
            the shuffled matrix itself, see :func:`gnnmax.data.subgraphs.node_order.spectral_order`.
    """

    n: Side | Sides
    columns: Side | Sides | None = None
    structure: Structure = "symmetric"
    plant: MapPlant
    peaks: PeakCount | PeakCounts | Tiles = 1
    separation: Distance = 0
    diagonal: Distance = 0
    noise: MapLaw = "gaussian"
    base: Amount = 1.0
    background: Background | None = None
    order: MapOrder = "natural"

    def __post_init__(self) -> None:
        for problem in map_problems(self):
            raise ValueError(problem)

    @property
    def rows(self) -> tuple[int, int]:
        """Least and greatest number of rows."""
        return span_of(self.n)

    @property
    def sides(self) -> tuple[int, int]:
        """Greatest numbers of rows and columns."""
        return self.rows[1], span_of(self.n if self.columns is None else self.columns)[1]

    @property
    def peak_range(self) -> tuple[int, int]:
        """Least and greatest number of peaks of a map."""
        if isinstance(self.peaks, Tiles):
            most = len(set(self.tile_of_places.flat) - {-1})
            return most * (self.peaks.chance == 1), most
        return span_of(self.peaks)

    @property
    def most_peaks(self) -> int:
        """Greatest number of peaks of a map, 0 where the plant is a block."""
        return 0 if isinstance(self.plant, Block) else self.peak_range[1]

    @property
    def strengths(self) -> tuple[float, ...]:
        """Signal strength lam of a block by level, in the largest map, see :func:`gnnmax.task.blocks.block_strength`.

        Example:
            >>> from gnnmax.data.recipe_files import load_recipe
            >>> [round(strength, 2) for strength in load_recipe("block-1000").map.strengths]
            [0.26, 0.5, 1.02, 1.94]
        """
        if not isinstance(self.plant, Block):
            return ()
        unit = self.base / self.model.deviation if self.noise in ("poisson", "bernoulli") else 1.0
        both = 2.0**0.5 if self.structure == "directed" else 1.0  # an entry and its mirror image
        return tuple(block_strength(unit * both * level, self.plant.size, self.sides) for level in self.plant.levels)

    @property
    def tile_of_places(self) -> npt.NDArray[np.int64]:
        """The tile in which each place can hold a peak, -1 where none can be; of maps whose peaks lie in tiles."""
        assert isinstance(self.peaks, Tiles)
        n, m = self.sides
        places = tiles_of_places(
            n,
            m,
            self.peaks.tiles,
            margin=self.model.reach,
            diagonal=self.least_diagonal if self.structure == "symmetric" else None,
        )
        if self.structure == "directed":
            places[np.abs(np.subtract.outer(np.arange(n), np.arange(m))) < self.least_diagonal] = -1
        return places

    @property
    def least_diagonal(self) -> int:
        """Least distance of a peak from the diagonal; in a symmetric map, whose diagonal is empty, at least 1."""
        return max(self.diagonal, int(self.structure == "symmetric"))

    @property
    def model(self) -> MapModel:
        """The law of the entries: the knowledge of the exact rules."""
        block = self.plant.size if isinstance(self.plant, Block) else (0, 0)
        return MapModel(self.noise, self.base, self.plant.radius, self.least_diagonal, block)


class MapShift(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields in which a split differs from the recipe: an out-of-distribution split."""

    n: Side | Sides | None = None
    columns: Side | Sides | None = None
    plant: MapPlant | None = None
    peaks: PeakCount | PeakCounts | Tiles | None = None
    separation: Distance | None = None
    diagonal: Distance | None = None
    noise: MapLaw | None = None
    base: Amount | None = None
    background: Background | None = None
    order: MapOrder | None = None


class MapRecipe(RecipeFace, Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The frozen, complete description of a data set of maps. One host gives one map.

    Attributes:
        name: Lower-case letters, digits and hyphens.
        summary: One line that describes it; not part of the digest.
        seed: Seed of every random stream.
        splits: Number of maps of each split. No host is in two splits.
        map: One map, its peaks, its noise and its order.
        shifts: Fields of ``map`` in which splits other than train and val differ: out-of-distribution splits.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> recipe = load_recipe("line-64-shuffled")
        >>> recipe.map.n, recipe.map.order, recipe.replace(**{"map.order": "natural"}).map.order
        (64, 'shuffled', 'natural')
    """

    name: RecipeName
    summary: Annotated[str, Meta(max_length=LONGEST_SUMMARY)] = ""
    seed: Seed = 0
    splits: Annotated[dict[SplitName, Count], Meta(min_length=1, max_length=20)]
    map: MapSpec
    shifts: dict[SplitName, MapShift] = {}

    def __post_init__(self) -> None:
        for split in sorted(set(TAKEN) & set(self.splits)):
            raise ValueError(f"a split cannot be named {split!r}: the name is taken by an attribute of data sets")
        rows, columns = self.map.sides
        if self.graphs * rows * columns > 100_000_000_000:
            raise ValueError("more than 100,000,000,000 entries in all: lower splits or n")
        for split in self.shifts:
            if split not in self.splits or split in ("train", "val"):
                raise ValueError(f"a shift belongs to a split other than train and val, which {split!r} is not")
            try:
                self.of(split)
            except ValueError as error:
                raise ValueError(f"split {split}: {error}") from None

    @classmethod
    def parse(cls, plain: Any, source: str) -> MapRecipe:
        """Check plain dicts and lists as a recipe, see :func:`parse_map_recipe`."""
        return parse_map_recipe(plain, source)

    @property
    def content(self) -> str:
        """Size and order of the maps, in a few words."""
        least, most = self.map.rows
        return f"{self.map.order} maps of {least if least == most else f'{least} to {most}'} rows"

    @property
    def fields(self) -> list[MapField]:
        """The arrays that maps of this recipe have."""
        present = {
            "always": True,
            "background": self.map.background is not None,
            "block": isinstance(self.map.plant, Block),
        }
        return [field for field in MAP_FIELDS.values() if present[field.present]]

    def of(self, split: str) -> MapRecipe:
        """Return the recipe of one split alone, with its shift applied if it has one.

        Raises:
            InputError: no such split.
        """
        count = len(self.span(split))
        shift = structs.asdict(self.shifts[split]) if split in self.shifts else {}
        given = {name: value for name, value in shift.items() if value is not None}
        return structs.replace(self, splits={split: count}, shifts={}, map=structs.replace(self.map, **given))


def span_of(given: int | tuple[int, ...]) -> tuple[int, int]:
    """Return a number or a range as its least and greatest value.

    Example:
        >>> span_of(3), span_of((1, 4))
        ((3, 3), (1, 4))
    """
    return (given[0], given[1]) if isinstance(given, tuple) else (given, given)


def map_problems(spec: MapSpec) -> list[str]:
    """List the faults of the table of a map."""
    found = []
    for name in ("n", "columns", "peaks"):
        given = getattr(spec, name)
        if isinstance(given, tuple) and given[0] > given[1]:
            found.append(f"{name} must be a number or [least, greatest], not {list(given)}")
    if (spec.columns is not None) != (spec.structure == "bipartite"):
        found.append("columns belongs to bipartite maps, which need it: other maps have as many columns as rows")
    if spec.structure == "bipartite" and (spec.diagonal or spec.background is not None or spec.order == "seriated"):
        found.append("bipartite maps have no diagonal, no background and no seriation: leave them out")
    if found:
        return found
    if isinstance(spec.plant, Block):
        return _block_problems(spec, spec.plant)
    return [*_background_problems(spec), *_peak_problems(spec)]


def _block_problems(spec: MapSpec, block: Block) -> list[str]:
    found = []
    least = (spec.rows[0], spec.rows[0] if spec.columns is None else span_of(spec.columns)[0])
    if any(2 * own >= all_ for own, all_ in zip(block.size, least, strict=True)):
        found.append(f"a block has fewer than half of the rows and columns of its map: lower {block.size} or raise n")
    if (block.columns is not None) != (spec.structure == "bipartite"):
        found.append("the columns of a block belong to bipartite maps, which need them")
    if spec.background is not None or spec.separation or spec.diagonal:
        found.append("a block has no background, no separation and no diagonal: leave them out")
    if isinstance(spec.peaks, Tiles):
        found.append("a block is not placed in tiles: set peaks to 0, 1 or [0, 1]")
    elif spec.peak_range[1] > 1:
        found.append(f"a map has at most one block, not {spec.peak_range[1]}: set peaks to 0, 1 or [0, 1]")
    if spec.order == "seriated" and spec.rows[1] > LARGEST_WITH_PEAKS:
        found.append(f"a map of more than {LARGEST_WITH_PEAKS:,} nodes cannot be seriated: lower n")
    if spec.noise == "bernoulli" and spec.base * (1 + max(block.levels)) > 1:
        found.append(
            f"edges of the block would have probability {spec.base * (1 + max(block.levels)):g}, base (1 + amplitude): "
            "lower base or amplitude"
        )
    return found


def _background_problems(spec: MapSpec) -> list[str]:
    found = []
    background = spec.background
    if isinstance(background, ContactBackground) and spec.noise != "poisson":
        found.append("a contact background is a mean count: use noise = 'poisson'")
    if background is not None and not isinstance(background, ContactBackground) and spec.noise == "poisson":
        found.append("Poisson counts have a contact background or none: other means may be 0, where no peak can show")
    if isinstance(background, HostBackground):
        if span_of(spec.n) != (background.nodes, background.nodes):
            found.append(f"a map of a host has as many nodes as the host ({background.nodes}): set n to it")
        if background.directed and spec.structure != "directed":
            found.append("a directed host gives directed maps: use structure = 'directed'")
    return found


def _peak_problems(spec: MapSpec) -> list[str]:
    found = []
    if max(spec.sides) > LARGEST_WITH_PEAKS:
        found.append(f"maps with peaks have at most {LARGEST_WITH_PEAKS:,} rows and columns: lower n, or plant a block")
    if spec.noise == "bernoulli":
        found.append("edges that are there or not show no single peak: plant a block, or use another noise")
    least = min(spec.rows[0], spec.rows[0] if spec.columns is None else span_of(spec.columns)[0])
    if spec.least_diagonal >= least:
        found.append(f"no entry of a map of {least} nodes is {spec.least_diagonal} from the diagonal: lower diagonal")
    width = 4 * spec.plant.radius + 1
    if least < width:
        found.append(f"a bump of radius {spec.plant.radius:g} is {width:g} wide, and a map has {least} nodes: raise n")
    reach = spec.model.reach
    if spec.noise == "poisson" and reach and spec.structure == "symmetric" and spec.diagonal <= 2 * reach:
        found.append(
            f"in symmetric Poisson counts a bump and its mirror image must not meet: set diagonal to {2 * reach + 1} "
            "or more, or use a smaller radius"
        )
    if isinstance(spec.peaks, Tiles):
        return found or _tile_problems(spec)
    if spec.peak_range[1] > 1 and not spec.separation:
        found.append("several peaks need a separation of at least 1: two peaks of one place would be one")
    side = 2 * spec.separation + 1
    if spec.peak_range[1] > 1 and spec.peak_range[1] * side**2 > least**2:
        found.append(f"{spec.peak_range[1]} peaks that are {spec.separation} apart may not fit into {least} nodes")
    return found


def _tile_problems(spec: MapSpec) -> list[str]:
    if spec.separation:
        return ["peaks in tiles keep apart by themselves: leave out separation"]
    if any(low != high for low, high in (spec.rows, span_of(spec.n if spec.columns is None else spec.columns))):
        return ["maps whose peaks lie in tiles have one size: give n (and columns) as one number"]
    if not spec.peak_range[1]:
        return [
            f"no tile has a place that is {spec.model.reach} from its borders (four radii) and {spec.least_diagonal} "
            "from the diagonal: lower tiles, or the radius or diagonal"
        ]
    return []


def parse_map_recipe(plain: Any, source: str) -> MapRecipe:
    """Check plain dicts and lists as a recipe of maps.

    Args:
        plain: The recipe as read from TOML or JSON.
        source: Its name in an error.

    Raises:
        InputError: a field does not fit; the message gives the field and the reason.

    Example:
        >>> parse_map_recipe({"name": "x", "map": {"n": "nine"}}, "x.toml")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: recipe x.toml: Expected `int | array`, got `str` - at `$.map.n`
    """
    return parsed_as(MapRecipe, plain, source, known=_STRUCTS)


_STRUCTS = (MapRecipe, MapSpec, Tiles, *get_args(MapPlant), *get_args(Background), *get_args(Family), *get_args(Law))
"""Structs whose fields and types a recipe of maps can name."""
