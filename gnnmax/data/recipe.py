"""Recipes: the frozen, complete description of a data set."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct, structs

from gnnmax.data.hosts.families import Complete, Family, Line
from gnnmax.data.hosts.sharing import repeated_hosts
from gnnmax.data.hosts.weights import BoundLaw, Law, Lognormal, Normal, Poisson
from gnnmax.data.ingredients import HostDraw, Ingredients
from gnnmax.data.planting.plants import Bump, Natural, Noise, Plant, Shares, Spike
from gnnmax.data.recipe_face import GENERATION, Count, RecipeFace, RecipeName, Seed, SplitName, parsed_as
from gnnmax.data.recipe_views import LONGEST_SUMMARY, TAKEN
from gnnmax.data.subgraphs.subgraph import SubgraphSpec
from gnnmax.data.subgraphs.window_extraction import Cut, Overlap
from gnnmax.task.noise import SPIKE, NoiseModel
from gnnmax.task.windows import FIELDS, Field, LabelRule

__all__ = ["GENERATION", "HostDraw", "Ingredients", "Recipe", "Shift", "parse_recipe", "recipe_problems"]

Side = Annotated[int, Meta(ge=3, le=255)]
PerGraph = Annotated[int, Meta(ge=1, le=1_000_000)]
Hosts = Annotated[tuple[Family, ...], Meta(min_length=1, max_length=100)]
Laws = Annotated[tuple[Law, ...], Meta(max_length=100)]
SubgraphSpecs = Annotated[tuple[SubgraphSpec, ...], Meta(max_length=100)]
Cuts = Annotated[tuple[Cut, ...], Meta(max_length=2)]
Flips = Annotated[float, Meta(ge=0.0, le=0.5)]


class Shift(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields in which a split differs from the recipe: an out-of-distribution split.

    Omitted fields are those of the recipe. If the label rule differs, the same window may have another label: a concept
    shift. Otherwise only the distribution of windows differs: a covariate shift.
    """

    k: Side | None = None
    label: LabelRule | None = None
    windows_per_graph: PerGraph | None = None
    hosts: Hosts | None = None
    weights: Laws | None = None
    subgraphs: SubgraphSpecs | None = None
    cuts: Cuts | None = None
    plant: Plant | None = None
    kinds: Shares | None = None
    label_noise: Flips | None = None
    overlap: Overlap | None = None

    @property
    def sort(self) -> Literal["covariate", "concept"]:
        """The type of the shift: concept or covariate."""
        return "covariate" if self.label is None and self.label_noise is None else "concept"


class Recipe(RecipeFace, Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The frozen, complete description of a data set.

    Successive graphs take successive combinations of host, law, subgraph and cut, with hosts changing fastest. So every
    split holds all combinations in equal numbers (within one).

    Attributes:
        name: Lower-case letters, digits and hyphens.
        summary: One line that describes it; not part of the digest.
        seed: Seed of every random stream.
        k: Side of the windows, odd.
        label: ``observed`` or ``planted``: which of the two labels is *the* label.
        contexts: Whether windows carry ``A[R, R]`` and ``A[C, C]``.
        windows_per_graph: Windows cut from each host; None takes every edge once (natural plant only).
        splits: Number of host graphs of each split. No host is in two splits.
        shifts: Fields in which splits other than train and val differ: out-of-distribution splits.
        hosts: Families of host graphs.
        weights: Laws of their weights; none for hosts with their own weights.
        subgraphs: Nodes of the subgraph and their order; none for complete hosts.
        cuts: ``contiguous`` or ``neighbours``; none for complete hosts.
        plant: ``spike``, ``noise`` or ``natural``.
        kinds: The share of each kind of window; none for natural windows.
        pairing: ``independent``: every window has its own cut. ``matched``: each centred window has a twin, cut and
            planted in the same way except for the position of the maximum. ``ladder``: each cut gives ``k * k``
            windows, one with the spike at every entry; in hosts that are not complete, every entry of such a cut is an
            edge. A ladder takes no ``kinds``.
        label_noise: Share of the planted labels that are flipped at random, independently of everything else.
            ``planted`` of the windows holds the flipped labels; ``observed``, the kinds and the offsets stay. A scorer
            that is right with probability p agrees with probability (1 - 2 e) p + e; so does the ceiling.
        overlap: Whether a node may be a row and a column of one window: ``none``, ``untied`` or ``tied``, which also
            decides about ties with mirrored entries; see :data:`gnnmax.data.subgraphs.window_extraction.Overlap`. For
            natural windows of any host, and planted windows of directed hosts.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> recipe = load_recipe("noise-9-mu2")
        >>> recipe.k, recipe.plant.amplitude, recipe.replace(seed=3).seed
        (9, 2.0, 3)
        >>> recipe.digest == recipe.replace(summary="another").digest != recipe.replace(seed=3).digest
        True
    """

    name: RecipeName
    summary: Annotated[str, Meta(max_length=LONGEST_SUMMARY)] = ""
    seed: Seed = 0
    k: Side
    label: LabelRule
    contexts: bool = False
    windows_per_graph: PerGraph | None = None
    splits: Annotated[dict[SplitName, Count], Meta(min_length=1, max_length=20)]
    shifts: dict[SplitName, Shift] = {}
    hosts: Hosts
    weights: Laws = ()
    subgraphs: SubgraphSpecs = ()
    cuts: Cuts = ()
    plant: Plant
    kinds: Shares | None = None
    pairing: Literal["independent", "matched", "ladder"] = "independent"
    label_noise: Flips = 0.0
    overlap: Overlap = "none"

    def __post_init__(self) -> None:
        for problem in recipe_problems(self):
            raise ValueError(problem)
        for split in self.shifts:
            if split not in self.splits or split in ("train", "val"):
                raise ValueError(f"a shift belongs to a split other than train and val, which {split!r} is not")
            try:
                self.of(split)
            except ValueError as error:
                raise ValueError(f"split {split}: {error}") from None
        for problem in repeated_hosts(host for split in self.splits for host in self.hosts_of(split) if host.fixed):
            raise ValueError(problem)

    @property
    def content(self) -> str:
        """Side and label of the windows, in a few words."""
        return f"windows of side {self.k}, {self.label} label"

    @property
    def noise(self) -> NoiseModel:
        """The noise model, which the Bayes rule knows besides the amplitudes."""
        model = self.plant.model if isinstance(self.plant, Noise | Bump) else SPIKE
        return dataclasses.replace(model, flips=self.label_noise)

    @property
    def fields(self) -> list[Field]:
        """The arrays that windows of this recipe have."""
        present = {"always": True, "contexts": self.contexts, "amplitude": isinstance(self.plant, Noise | Bump)}
        return [field for field in FIELDS.values() if present[field.present]]

    @property
    def twins(self) -> int:
        """Number of windows from one cut."""
        return {"independent": 1, "matched": 2, "ladder": self.k**2}[self.pairing]

    @classmethod
    def parse(cls, plain: Any, source: str) -> Recipe:
        """Check plain dicts and lists as a recipe, see :func:`parse_recipe`."""
        return parse_recipe(plain, source)

    def of(self, split: str) -> Recipe:
        """Return the recipe of one split alone, with its shift applied if it has one.

        Fields that the shift's hosts or plant cannot use are dropped: weights if hosts have their own; subgraphs and
        cuts if hosts have no edges of their own; kinds, windows per graph, separation and pairing with a natural plant;
        label noise if the label is the observed one.

        Fixed hosts are distributed over the splits that share them, in order, each to one split.

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
        """Return the number of host graphs of each split that uses the recipe's own hosts."""
        shifted = {split for split, shift in self.shifts.items() if shift.hosts is not None}
        return {split: count for split, count in self.splits.items() if split not in shifted}

    def hosts_of(self, split: str) -> tuple[Family, ...]:
        """Return the hosts of a split: those of its shift or of the recipe; of fixed hosts, the split's part."""
        shifted = self.shifts[split].hosts if split in self.shifts else None
        if shifted is not None or not self.hosts[0].fixed:
            return shifted or self.hosts
        names = list(self.shared)
        first = sum(self.shared[name] for name in names[: names.index(split)])
        return self.hosts[first : first + self.shared[split]]

    def ingredients(self, graph: int) -> Ingredients:
        """Return the ingredients of the host graph with an index."""
        split = self.split_of(graph)
        return self.of(split).combination(graph - self.span(split).start)

    @property
    def combinations(self) -> int:
        """Number of different combinations of ingredients, before they come again."""
        return len(self.hosts) * max(len(self.weights), 1) * max(len(self.subgraphs), 1) * max(len(self.cuts), 1)

    def combination(self, turn: int) -> Ingredients:
        """Return the ingredients of the host graph at a position of its split."""
        turn, host = divmod(turn, len(self.hosts))
        turn, law = divmod(turn, max(len(self.weights), 1))
        turn, sampling = divmod(turn, max(len(self.subgraphs), 1))
        return Ingredients(
            host=self.hosts[host],
            law=self.weights[law] if self.weights else None,
            sampling=self.subgraphs[sampling] if self.subgraphs else None,
            cut=self.cuts[turn % len(self.cuts)] if self.cuts else None,
        )

    def host_draw(self, ingredients: Ingredients, graph: int) -> HostDraw:
        """Return the parameters of a host's windows; the shift of its split has been applied."""
        return HostDraw(
            seed=self.seed,
            graph=graph,
            k=self.k,
            ingredients=ingredients,
            cuts=None if self.windows_per_graph is None else self.windows_per_graph // self.twins,
            contexts=self.contexts,
            overlap=self.overlap,
            distractors=self.plant.distractors if isinstance(self.plant, Spike) else 0,
            full=self.pairing == "ladder",
        )


def _without_use(recipe: Recipe, given: dict[str, Any]) -> dict[str, Any]:
    """Fields of a recipe that are dropped if a shift's hosts or plant cannot use them."""
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


def parse_recipe(plain: Any, source: str) -> Recipe:
    """Check plain dicts and lists as a recipe.

    Args:
        plain: The recipe as read from TOML or JSON.
        source: Its name in an error.

    Raises:
        InputError: a field does not fit; the message gives the field and the reason.

    Example:
        >>> parse_recipe({"name": "x", "k": "nine"}, "x.toml")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: recipe x.toml: Expected `int`, got `str` - at `$.k`
    """
    return parsed_as(Recipe, plain, source, known=_STRUCTS)


_STRUCTS = (Recipe, Shift, SubgraphSpec, Shares, *get_args(Family), *get_args(Law), *get_args(Plant))
"""Structs whose fields and types a recipe can name."""


def recipe_problems(recipe: Recipe) -> list[str]:
    """List the faults of a recipe without its shifts.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> recipe_problems(load_recipe("spike-9"))
        []
    """
    return [*_shape_problems(recipe), *_host_problems(recipe), *_plant_problems(recipe)]


def _shape_problems(recipe: Recipe) -> list[str]:
    found = []
    if recipe.k % 2 == 0:
        found.append(f"k must be odd, not {recipe.k}: otherwise a window has no centre")
    largest = max((s.nodes for s in recipe.subgraphs if s.nodes is not None), default=0)
    sizes = [host.nodes for host in recipe.hosts if hasattr(host, "nodes")]
    smallest = min(sizes, default=largest)
    if largest > smallest:
        found.append(f"a subgraph of {largest} nodes does not fit into a host of {smallest}")
    taken = sorted(set(TAKEN) & set(recipe.splits))
    if taken:
        found.append(f"a split cannot be named {taken[0]!r}: the name is taken by an attribute of data sets")
    if recipe.graphs * (recipe.windows_per_graph or 1) > 1_000_000_000:
        found.append("more than 1,000,000,000 windows in all: lower splits or windows_per_graph")
    return found


def _host_problems(recipe: Recipe) -> list[str]:
    found = []
    fixed = [host.fixed for host in recipe.hosts]
    own = [host.own_weights for host in recipe.hosts]
    complete = [isinstance(host, Complete) for host in recipe.hosts]
    line = [isinstance(host, Line) for host in recipe.hosts]
    if any(any(sort) != all(sort) for sort in (fixed, complete, line)):
        found.append("real, complete and line hosts do not mix with others: make a recipe for each")
    if any(own) != all(own):
        found.append("hosts with their own weights do not mix with others: make a recipe for each")
    if all(own) and recipe.weights:
        found.append("these hosts have their own weights: give no weights")
    graphs = sum(recipe.shared.values())
    if all(fixed) and graphs and graphs != len(fixed):
        found.append(
            "real hosts and those from a file occur once in all splits: give as many graphs in the splits as hosts "
            f"({len(fixed)}), not {graphs}"
        )
    if not any(own) and not recipe.weights:
        found.append("weights must name at least one law")
    fresh = all(complete) or all(line)
    if fresh and any(isinstance(law, BoundLaw) for law in recipe.weights):
        found.append("laws bound to a host's blocks or degrees need hosts with edges of their own")
    if all(complete) and recipe.subgraphs:
        found.append("a complete host has no subgraphs: its order makes no difference")
    if fresh and recipe.cuts:
        found.append("complete and line hosts have no cuts: each window has its own nodes")
    if fresh and recipe.overlap != "none":
        found.append("complete and line hosts have no cuts, so no overlap of rows and columns: leave it out")
    if not all(complete) and not recipe.subgraphs:
        found.append("subgraphs must have at least one entry")
    if not fresh and not recipe.cuts:
        found.append("cuts must have at least one entry")
    if all(line) and any(
        s != SubgraphSpec(order=s.order) or s.order not in ("natural", "shuffled") for s in recipe.subgraphs
    ):
        found.append("a subgraph of a line host takes an order, natural or shuffled, and no other field")
    return found


def _plant_problems(recipe: Recipe) -> list[str]:
    found = []
    plant = recipe.plant
    natural, noise = isinstance(plant, Natural), isinstance(plant, Noise | Bump)
    ladder = recipe.pairing == "ladder"
    if (natural or ladder) != (recipe.kinds is None) or natural != (recipe.windows_per_graph is None):
        found.append("kinds and windows_per_graph belong to planted windows; natural ones take every edge once")
    if natural and recipe.pairing != "independent":
        found.append("natural windows have no twins: use pairing = 'independent'")
    if not natural and (recipe.windows_per_graph or 0) % recipe.twins:
        found.append(f"windows_per_graph must be a multiple of {recipe.twins}: no window may lack its twin")
    if recipe.pairing == "matched" and recipe.kinds is not None and recipe.kinds.centred != 0.5:
        found.append("matched pairs hold centred = 0.5: each centred window has one twin")
    if isinstance(plant, Spike) and plant.distractors:
        most = max(recipe.k**2 // (2 * plant.gap - 1) ** 2 - 2, 0)  # besides the centre and the maximum
        if plant.distractors > most:
            found.append(f"at k = {recipe.k} there is room for at most {most} distractors with a gap of {plant.gap}")
        if ladder:
            found.append("a ladder puts its spike at every entry: it has no room for distractors")
    if ladder and not isinstance(plant, Spike):
        found.append("a ladder puts a spike at every entry: it needs a spike plant")
    if natural and any(s.separation for s in recipe.subgraphs):
        found.append("natural windows take every edge: a separation of their centres belongs to planted ones")
    if natural and recipe.label != "observed":
        found.append("natural windows have no planted label: use label = 'observed'")
    if natural and isinstance(recipe.hosts[0], Complete | Line):
        found.append("natural windows need hosts with edges of their own, not complete ones or lines")
    mirrored = any(not getattr(host, "directed", False) for host in recipe.hosts)
    if recipe.overlap != "none" and not natural and mirrored:
        found.append(
            "a plant moves one entry, which occurs twice if rows and columns of an undirected host overlap: "
            "use overlap = 'none', a natural plant or directed hosts"
        )
    if recipe.label_noise and recipe.label != "planted":
        found.append("label noise flips the planted label, never the observed one: use label = 'planted'")
    if noise and recipe.kinds != Shares(centred=0.5, shifted=0.5):
        found.append("a noise or bump plant needs centred = 0.5 and shifted = 0.5: its ceiling assumes them")
    if isinstance(plant, Noise):
        wanted = {"gaussian": Normal(), "lognormal": Lognormal(sigma=1.0), "poisson": Poisson(mean=plant.base)}[
            plant.law
        ]
        if not (isinstance(recipe.hosts[0], Complete) and recipe.weights == (wanted,)):
            found.append(f"a noise plant of law {plant.law} needs complete hosts with weights = [{wanted}]")
    if isinstance(plant, Bump) and not (isinstance(recipe.hosts[0], Line) and recipe.weights == (Normal(),)):
        found.append("a bump plant needs line hosts with normal weights of mean 0, sd 1 and unit [1, 1]")
    if isinstance(plant, Spike) and plant.margin[1] > recipe.k:
        found.append(
            f"a margin of {plant.margin[1]:g} standard deviations does not exist at k = {recipe.k}: at most {recipe.k}"
        )
    if isinstance(plant, Spike) and isinstance(recipe.hosts[0], Line):
        found.append("a line host needs a bump plant: spikes need complete hosts, or hosts with edges of their own")
    return found
