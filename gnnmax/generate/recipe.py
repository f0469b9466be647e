"""Recipes: the frozen, complete description of a data set."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, structs

from gnnmax.errors import InputError, unknown_name
from gnnmax.generate.complaints import complaints, twice
from gnnmax.generate.cuts import Cut, Overlap
from gnnmax.generate.families import Complete, Family, Line
from gnnmax.generate.plants import Bump, Natural, Noise, Plant, Shares
from gnnmax.generate.subgraphs import Sampling
from gnnmax.generate.weights import Law
from gnnmax.noise import SPIKE, NoiseModel
from gnnmax.shelves import Shelf
from gnnmax.window import LabelRule, Windows

__all__ = ["Ingredients", "Recipe", "Shift", "load_recipe", "recipe_names"]

GENERATION = 1
"""Counts the changes to the generator that change bytes; part of every recipe's digest."""

SplitName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Side = Annotated[int, Meta(ge=3, le=255)]
PerGraph = Annotated[int, Meta(ge=1, le=1_000_000)]
Hosts = Annotated[tuple[Family, ...], Meta(min_length=1, max_length=100)]
Laws = Annotated[tuple[Law, ...], Meta(max_length=100)]
Samplings = Annotated[tuple[Sampling, ...], Meta(max_length=100)]
Cuts = Annotated[tuple[Cut, ...], Meta(max_length=2)]
Flips = Annotated[float, Meta(ge=0.0, le=0.5)]

LATER: dict[str, tuple[Any, ...]] = {
    "label_noise": (0.0, None),
    "distractors": (0,),
    "gap": (2,),
    "separation": (0,),
    "overlap": ("none", None),
}
"""Fields that came later, and the values at which they change nothing: a digest leaves these out, so it stays."""


class Ingredients(Struct, frozen=True):
    """What one graph of a data set is made of: one entry of each list of its recipe."""

    host: Family
    law: Law | None
    sampling: Sampling | None
    cut: Cut | None


class Shift(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a split has otherwise than the recipe's other splits: an out-of-distribution split.

    A field that is not given is the recipe's own. Where the label rule is another, the same window may have another
    answer: a concept shift. Where it is the same, only the windows are others: a covariate shift.
    """

    k: Side | None = None
    label: LabelRule | None = None
    windows_per_graph: PerGraph | None = None
    hosts: Hosts | None = None
    weights: Laws | None = None
    subgraphs: Samplings | None = None
    cuts: Cuts | None = None
    plant: Plant | None = None
    kinds: Shares | None = None
    label_noise: Flips | None = None
    overlap: Overlap | None = None

    @property
    def sort(self) -> Literal["covariate", "concept"]:
        """Which of the two it is."""
        return "covariate" if self.label is None and self.label_noise is None else "concept"


class Recipe(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The frozen, complete description of a data set.

    Graph after graph takes the next combination of host, law, subgraph and cut, hosts changing fastest, so every split
    holds all combinations in equal numbers (within one).

    Attributes:
        name: Lower-case letters, digits and hyphens.
        summary: One line for people; not part of the digest.
        seed: Seed of every random stream.
        k: Side of the windows, odd.
        label: ``observed`` or ``planted``: which of the two labels is written as *the* label.
        contexts: Whether windows carry ``A[R, R]`` and ``A[C, C]``.
        windows_per_graph: Windows cut from each host; None takes every edge once (natural plant only).
        splits: How many host graphs each split has. No host is in two splits.
        shifts: What splits other than train and val have otherwise: out-of-distribution splits.
        hosts: Families of host graphs.
        weights: Laws of their weights; none for hosts that bring their own.
        subgraphs: Which nodes make the subgraph, and in what order; none for complete hosts.
        cuts: ``contiguous`` or ``neighbours``; none for complete hosts.
        plant: ``spike``, ``noise`` or ``natural``.
        kinds: The share of each kind of window; none for natural windows.
        pairing: ``independent``: every window is cut anew. ``matched``: each centred window has a twin, cut and planted
            alike but for where the maximum goes. ``ladder``: each cut gives ``k * k`` windows, one with the spike at
            every entry; of other hosts than complete ones, cuts are taken whose every entry is an edge. ``kinds`` are
            not asked for.
        label_noise: Share of the planted labels that are flipped at random, each window by itself, whatever else was
            drawn. Flipped is what :attr:`Windows.planted` holds; ``observed``, the kinds and the offsets stay the
            truth. A scorer right with probability p agrees with probability (1 - 2 e) p + e; so does the ceiling.
        overlap: Whether a node may be a row and a column of one window: ``none``, ``untied`` or ``tied``, which say
            what becomes of the ties with mirrored entries; see :data:`gnnmax.generate.cuts.Overlap`. Natural windows of
            any host, and planted ones of directed hosts.

    Example:
        >>> recipe = load_recipe("noise-9-mu2")
        >>> recipe.k, recipe.plant.amplitude, recipe.replace(seed=3).seed
        (9, 2.0, 3)
        >>> recipe.digest == recipe.replace(summary="another").digest != recipe.replace(seed=3).digest
        True
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,59}\Z")]
    summary: Annotated[str, Meta(max_length=200)] = ""
    seed: Annotated[int, Meta(ge=0, le=2**62)] = 0
    k: Side
    label: LabelRule
    contexts: bool = False
    windows_per_graph: PerGraph | None = None
    splits: Annotated[dict[SplitName, Count], Meta(min_length=1, max_length=20)]
    shifts: dict[SplitName, Shift] = {}
    hosts: Hosts
    weights: Laws = ()
    subgraphs: Samplings = ()
    cuts: Cuts = ()
    plant: Plant
    kinds: Shares | None = None
    pairing: Literal["independent", "matched", "ladder"] = "independent"
    label_noise: Flips = 0.0
    overlap: Overlap = "none"

    def __post_init__(self) -> None:
        for complaint in complaints(self):
            raise ValueError(complaint)
        for split in self.shifts:
            if split not in self.splits or split in ("train", "val"):
                raise ValueError(f"a shift belongs to a split other than train and val, and {split!r} is none")
            try:
                self.of(split)
            except ValueError as error:
                raise ValueError(f"split {split}: {error}") from None
        for complaint in twice(host for split in self.splits for host in self.hosts_of(split) if host.fixed):
            raise ValueError(complaint)

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides the bytes, in hexadecimal."""
        content = {key: value for key, value in self.to_dict().items() if key not in ("name", "summary")}
        canonical = msgspec.json.encode({"generation": GENERATION, **_dated(content)}, order="sorted")
        return hashlib.sha256(canonical).hexdigest()

    @property
    def noise(self) -> NoiseModel:
        """What the Bayes rule knows of the windows besides their amplitudes."""
        model = self.plant.model if isinstance(self.plant, Noise | Bump) else SPIKE
        return dataclasses.replace(model, flips=self.label_noise)

    @property
    def graphs(self) -> int:
        """How many host graphs all splits have together."""
        return sum(self.splits.values())

    @property
    def twins(self) -> int:
        """How many windows come from one cut."""
        return {"independent": 1, "matched": 2, "ladder": self.k**2}[self.pairing]

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain dicts, lists, strings and numbers."""
        plain = msgspec.to_builtins(self)
        assert isinstance(plain, dict)
        return plain

    def replace(self, **changes: Any) -> Recipe:
        """Return a recipe with some fields changed, checked anew.

        Keys may be dotted paths into nested fields, and lists take an index: ``{"plant.margin": [0.1, 1.0]}``.

        Raises:
            InputError: an unknown field, or a value that the field does not take.
        """
        plain = msgspec.json.decode(msgspec.json.encode(self))  # lists where the struct has tuples
        for path, value in changes.items():
            _assign(plain, path.split("."), value, path)
        return parse_recipe(plain, self.name)

    def span(self, split: str) -> range:
        """Return the indices of the host graphs of a split."""
        if split not in self.splits:
            raise unknown_name("split", split, self.splits)
        first = 0
        for name, count in self.splits.items():
            if name == split:
                break
            first += count
        return range(first, first + self.splits[split])

    def of(self, split: str) -> Recipe:
        """Return the recipe that a split is drawn from, of that split alone, with its shift applied if it has one.

        What the shift's hosts or plant have no use for falls away: weights where hosts bring their own, subgraphs and
        cuts where they have no edges of their own, with a natural plant the kinds, their number, separation and
        pairing, and label noise where the label is the observed one.
        Hosts that are fixed are dealt out to the splits that share them, in order, each to one.

        Raises:
            InputError: no such split.
        """
        count = len(self.span(split))
        shift = structs.asdict(self.shifts[split]) if split in self.shifts else {}
        given = {name: value for name, value in shift.items() if value is not None}
        own: dict[str, Any] = {"splits": {split: count}, "shifts": {}, "hosts": self.hosts_of(split)}
        return structs.replace(self, **own | _without_use(self, given) | given)

    @property
    def shared(self) -> dict[str, int]:
        """How many host graphs each split has that takes them from the recipe's own hosts."""
        shifted = {split for split, shift in self.shifts.items() if shift.hosts is not None}
        return {split: count for split, count in self.splits.items() if split not in shifted}

    def hosts_of(self, split: str) -> tuple[Family, ...]:
        """Return the hosts of a split: its shift's, or the recipe's; of those that are fixed its own part."""
        shifted = self.shifts[split].hosts if split in self.shifts else None
        if shifted is not None or not self.hosts[0].fixed:
            return shifted or self.hosts
        names = list(self.shared)
        first = sum(self.shared[name] for name in names[: names.index(split)])
        return self.hosts[first : first + self.shared[split]]

    def stream(self, split: str, batch: int = 256, start: int = 0) -> Iterator[Windows]:
        """Draw windows of a split's distribution without end; see :func:`gnnmax.generate.endless.endless`."""
        from gnnmax.generate.endless import endless

        return endless(self, split, batch, start)

    def split_of(self, graph: int) -> str:
        """Return the split that a host graph belongs to."""
        return next(split for split in self.splits if graph in self.span(split))

    def ingredients(self, graph: int) -> Ingredients:
        """Return what the host graph of an index is made of."""
        split = self.split_of(graph)
        return self.of(split).combination(graph - self.span(split).start)

    def combination(self, turn: int) -> Ingredients:
        """Return what the host graph at a place of its split is made of."""
        turn, host = divmod(turn, len(self.hosts))
        turn, law = divmod(turn, max(len(self.weights), 1))
        turn, sampling = divmod(turn, max(len(self.subgraphs), 1))
        return Ingredients(
            host=self.hosts[host],
            law=self.weights[law] if self.weights else None,
            sampling=self.subgraphs[sampling] if self.subgraphs else None,
            cut=self.cuts[turn % len(self.cuts)] if self.cuts else None,
        )


def _without_use(recipe: Recipe, given: dict[str, Any]) -> dict[str, Any]:
    """Fields of a recipe that fall away where a shift's hosts or plant have no use for them."""
    without: dict[str, Any] = {}
    if isinstance(given.get("plant", recipe.plant), Natural):
        without |= {"kinds": None, "windows_per_graph": None, "pairing": "independent"}
        without["subgraphs"] = tuple(structs.replace(own, separation=0) for own in recipe.subgraphs)
    if given.get("label", recipe.label) == "observed":
        without["label_noise"] = 0.0
    hosts = given.get("hosts", ())
    if hosts and all(host.own_weights for host in hosts):
        without["weights"] = ()
    if hosts and all(isinstance(host, Complete | Line) for host in hosts):
        without["overlap"] = "none"
        without |= {"cuts": ()} if isinstance(hosts[0], Line) else {"cuts": (), "subgraphs": ()}
    return without


def _dated(plain: Any) -> Any:
    """Leave out the fields that came later where they change nothing."""
    if isinstance(plain, dict):
        return {key: _dated(value) for key, value in plain.items() if value not in LATER.get(key, ())}
    return [_dated(value) for value in plain] if isinstance(plain, list | tuple) else plain


def _assign(plain: Any, path: list[str], value: Any, whole: str) -> None:
    for depth, key in enumerate(path):
        last = depth == len(path) - 1
        where: Any = key
        if isinstance(plain, list):
            if not key.isdecimal() or int(key) >= len(plain):
                raise InputError(f"the recipe has no field {whole!r}: {key!r} is no index below {len(plain)}")
            where = int(key)
        elif not isinstance(plain, dict) or (not last and key not in plain):
            raise InputError(f"the recipe has no field {whole!r}: {key!r} leads nowhere")
        if last:
            plain[where] = value
        else:
            plain = plain[where]


def parse_recipe(plain: Any, source: str) -> Recipe:
    """Check plain dicts and lists as a recipe.

    Args:
        plain: As read from TOML or JSON.
        source: What to call them in an error.

    Raises:
        InputError: naming the field that does not fit, and how.

    Example:
        >>> parse_recipe({"name": "x", "k": "nine"}, "x.toml")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: recipe x.toml: Expected `int`, got `str` - at `$.k`
    """
    try:
        return msgspec.convert(plain, Recipe, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"recipe {source}: {error}") from None


def load_recipe(name: str | Path) -> Recipe:
    """Load a recipe by its shipped name, or from a ``.toml`` file.

    Args:
        name: One of :func:`recipe_names`, or a path that ends in ``.toml``.

    Raises:
        InputError: an unknown name, an unreadable file, or a field that does not fit.

    Example:
        >>> load_recipe("spike-9").k
        9
    """
    return parse_recipe(_shelf().read(name), str(name))


def recipe_names() -> list[str]:
    """List the names of the shipped recipes.

    Example:
        >>> "spike-9" in recipe_names()
        True
    """
    return _shelf().names()


def _shelf() -> Shelf:
    """Return the shipped recipes: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "recipes"
    return Shelf("recipe", installed if installed.is_dir() else package.parent / "datasets" / "recipes")
