"""The record of a data card: plain numbers and strings, shown as tables and as a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from msgspec import Meta

from gnnmax.data.prevalence import Prevalence
from gnnmax.task.lacking_kinds import NO_CONSTANT, SPARSE
from gnnmax.task.plotting import COLOURS, axes_for, draw_intervals
from gnnmax.task.tabulation import Shown, TableText, number_text, percent_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Basis", "Card", "Properties", "Rung", "SplitCounts"]

Basis = Literal["exact", "estimate", "none"]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Share = Annotated[float, Meta(ge=0, le=1)]
Quantiles = Annotated[list[float | None], Meta(min_length=5, max_length=5)]


@dataclass(frozen=True)
class Rung:
    """One scorer of the card: its accuracy on the test split, and its expected accuracy.

    Attributes:
        name: Name of the rule or probe.
        sees: Its input.
        accuracy: Accuracy on the test split.
        standard_error: Standard error of the accuracy, with hosts as clusters: windows of one host are not independent.
        stated: The accuracy or ceiling that follows from the recipe; if there is none, an estimate from other splits.
        basis: ``exact``, ``estimate`` (from the training split, cross-fitted over hosts) or ``none``.
    """

    name: str
    sees: str
    accuracy: Share
    standard_error: Annotated[float, Meta(ge=0)]
    stated: Share | None
    basis: Basis


class SplitCounts(TypedDict):
    """One split: its hosts, its windows, the share of them that is centred, and the share of each kind."""

    hosts: Count
    windows: Count
    centred: Share
    kinds: dict[str, Share]


class Properties(TypedDict):
    """Quantiles of density, weights and margins over a split, and the share of windows whose centre is tied.

    A quantile is None if no value is finite.
    """

    density: Quantiles
    weight: Quantiles
    margin: Quantiles
    centre_tied: Share


@dataclass(frozen=True, repr=False)
class Card(Shown):
    """The content of a data set; every field is plain numbers and strings.

    Attributes:
        name: Name of the recipe.
        summary: Summary of the recipe.
        digest: Digest of the recipe.
        ceiling: Accuracy of the best possible scorer, if the recipe has noise.
        splits: Hosts, windows, share centred and share of each kind, by split.
        properties: Quantiles (0, .25, .5, .75, 1) of density, weights and margins over the test split, and tie rate.
        natural: The share of centred windows in such hosts before classes are balanced.
        duplicates: Windows of a split that occur in another split too, relabelled or transposed; must be 0.
        rules: The explicit rules.
        probes: Learned shortcuts, each from features without the position of the maximum; empty without a training
            split.
    """

    name: str
    summary: str
    digest: str
    ceiling: Share | None
    splits: dict[str, SplitCounts]
    properties: Properties
    natural: Prevalence
    duplicates: Count
    rules: tuple[Rung, ...]
    probes: tuple[Rung, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain dicts and lists."""
        return asdict(self)

    @property
    def note(self) -> str:
        """The natural share of centred windows, whether splits share windows, and a kind that is lacking, as one line.

        Example:
            >>> from gnnmax.data.card import describe
            >>> from gnnmax.data.store import load_data
            >>> describe(load_data("real-les-miserables")).note.split("; ")[1:]
            ['0 windows are in two splits', 'no window is constant, as many windows of a sparse matrix are']
        """
        natural = self.natural
        counted = f"{natural.basis}, {natural.windows:,} windows" if natural.windows else "exact: 1 / k^2"
        shared = f"{self.duplicates:,} windows are in two splits"
        lacking = f"; {NO_CONSTANT}" if self._lacks_constant else ""
        return (
            f"natural prevalence: {percent_text(natural.share)} of windows are centred ({counted}); {shared}{lacking}"
        )

    @property
    def _lacks_constant(self) -> bool:
        described = self.splits.get("test", list(self.splits.values())[-1])
        density = self.properties["density"][2]
        return not described["kinds"]["constant"] and density is not None and density <= 1 - SPARSE

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {row['windows']:,}" for name, row in self.splits.items())
        ceiling = "" if self.ceiling is None else f", ceiling {self.ceiling:.4f}"
        return f"<Card of {self.name}: windows: {sizes}{ceiling}>"

    def tables(self) -> list[TableText]:
        """Return the card as tables: splits, properties, rules and probes."""
        kinds = list(next(iter(self.splits.values()))["kinds"])
        splits = [
            [
                name,
                f"{row['hosts']:,}",
                f"{row['windows']:,}",
                percent_text(row["centred"]),
                *(percent_text(row["kinds"][kind]) for kind in kinds),
            ]
            for name, row in self.splits.items()
        ]
        title = f"{self.name}  {self.digest[:12]}\n{self.summary}"
        quantiles = [
            [name, *("" if value is None else f"{value:.3g}" for value in values)]
            for name, values in self.properties.items()
            if isinstance(values, list)
        ]
        ladder = [
            [
                *(rung.name, f"{rung.accuracy:.4f}", f"{rung.standard_error:.4f}"),
                *(number_text(rung.stated), rung.basis, rung.sees),
            ]
            for rung in (*self.rules, *self.probes)
        ]
        return [
            TableText(title, ["split", "hosts", "windows", "label true", *kinds], splits, [self.note]),
            TableText("test split, quantiles", ["property", "least", "25 %", "median", "75 %", "greatest"], quantiles),
            TableText(
                "explicit rules and learned shortcuts, test split",
                ["scorer", "accuracy", "standard error", "stated", "basis", "sees"],
                ladder,
            ),
        ]

    def plot(self, *, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw the accuracy of every rule and probe with two standard errors, and a cross where one is stated.

        Args:
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.
        """
        rungs = (*self.rules, *self.probes)
        figure, axes = axes_for(ax, 5.6, 0.9 + 0.35 * len(rungs))
        ends = [(r.accuracy - 2 * r.standard_error, r.accuracy + 2 * r.standard_error) for r in rungs]
        colours = [COLOURS[2]] * len(self.rules) + [COLOURS[1]] * len(self.probes)
        names = [*(rule.name for rule in self.rules), *(f"{probe.name} (learned)" for probe in self.probes)]
        draw_intervals(axes, names, [r.accuracy for r in rungs], ends, colours=colours)
        stated = [(r.stated, place) for place, r in enumerate(rungs) if r.stated is not None]
        axes.plot([x for x, _ in stated], [y for _, y in stated], "x", color="black", label="stated by the recipe")
        axes.set(xlabel="accuracy", title=self.name)
        if stated:
            axes.legend(fontsize=8)
        return figure, axes
