"""Recipes of maps: the frozen, complete description of a data set of whole adjacency matrices."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct, structs

from gnnmax.data.hosts.families import Family
from gnnmax.data.hosts.weights import Law
from gnnmax.data.maps.backgrounds import Background, ContactBackground, HostBackground
from gnnmax.data.planting.plants import Amount, Bump, Raised
from gnnmax.data.recipe_face import Count, RecipeFace, RecipeName, Seed, SplitName, parsed_as
from gnnmax.data.recipe_views import LONGEST_SUMMARY, TAKEN
from gnnmax.task.map_model import MAP_FIELDS, MapField, MapModel, Structure
from gnnmax.task.noise import NoiseLaw
from gnnmax.task.tile_posterior import tiles_of_places

__all__ = ["MapPlant", "MapRecipe", "MapShift", "MapSpec", "RaisedEntry", "Tiles", "parse_map_recipe"]

LARGEST = 5_000
"""Largest side of a map: it is stored as a dense matrix."""

Side = Annotated[int, Meta(ge=2, le=LARGEST)]
PeakCount = Annotated[int, Meta(ge=0, le=1_000)]
# Ranges are tuples of variable length: msgspec reads memory at random where a union holds one of fixed length.
Sides = Annotated[tuple[Side, ...], Meta(min_length=2, max_length=2)]
PeakCounts = Annotated[tuple[PeakCount, ...], Meta(min_length=2, max_length=2)]


class Tiles(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """At most one peak in each tile of a map, independently: the posterior is a product, and the ceiling exact.

    A peak keeps four radii from the borders of its tile, so that what it raises stays inside. In symmetric maps the
    tiles are those on and above the diagonal. A tile without such a place holds none.

    Attributes:
        tiles: Number of parts into which the rows, and the columns, are cut along the host.
        chance: Chance that a tile holds a peak.

    Example:
        >>> Tiles(tiles=4).chance
        0.5
    """

    tiles: Annotated[int, Meta(ge=1, le=100)]
    chance: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.5


Distance = Annotated[int, Meta(ge=0, le=LARGEST)]
MapOrder = Literal["natural", "shuffled", "seriated"]


class RaisedEntry(Raised, frozen=True, tag="spike"):
    """A spike: one entry (in a symmetric map one pair) is raised by an amplitude, or by one of several levels."""

    @property
    def radius(self) -> float:
        """0: no other entry is raised."""
        return 0.0


MapPlant = RaisedEntry | Bump


class MapSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table ``[map]`` of a recipe: one map, its peaks, its noise and its order.

    Attributes:
        n: Number of rows, or the least and the greatest, drawn for each map.
        columns: Number of columns of bipartite maps, or a range; None in maps whose columns are their rows' nodes.
        structure: ``symmetric``, ``directed`` or ``bipartite``.
        plant: ``spike`` or ``bump``, each with an amplitude or several levels; every peak has one of them.
        peaks: Number of peaks of a map, or the least and the greatest, drawn for each map; or ``{ tiles = 4 }``: at
            most one in each tile, see :class:`Tiles`.
        separation: Least distance between two peaks along the host, the larger of rows and columns.
        diagonal: Least distance along the host between the row and the column of a peak.
        noise: Law of the noise.
        base: Mean of Poisson counts where there is no background.
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
    noise: NoiseLaw = "gaussian"
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
            most = len(np.unique(self.tile_of_places)) - 1
            return most * (self.peaks.chance == 1), most
        return span_of(self.peaks)

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
        return MapModel(self.noise, self.base, self.plant.radius, self.least_diagonal)


class MapShift(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields in which a split differs from the recipe: an out-of-distribution split."""

    n: Side | Sides | None = None
    columns: Side | Sides | None = None
    plant: MapPlant | None = None
    peaks: PeakCount | PeakCounts | Tiles | None = None
    separation: Distance | None = None
    diagonal: Distance | None = None
    noise: NoiseLaw | None = None
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
        return [field for field in MAP_FIELDS.values() if field.name != "background" or self.map.background is not None]

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
    return found or [*_background_problems(spec), *_peak_problems(spec)]


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
