"""Tables in Markdown, and their insertion into documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gnnmax.data.dataset import DataSet
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import as_map_recipe, load_recipe, map_recipe_names, recipe_names
from gnnmax.errors import InputError, unknown_name
from gnnmax.evaluation.metrics import METRICS, Metric
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.experiments.reproduction import TABLES, reproduce
from gnnmax.experiments.results import SplitResult
from gnnmax.io.atomic import write_file
from gnnmax.io.reading import FileKind
from gnnmax.models.architecture import architecture_of
from gnnmax.models.entry import ModelEntry
from gnnmax.models.maps.entries import MAP_NETS
from gnnmax.models.registry import MODELS
from gnnmax.report.tables import figure_text, split_rows
from gnnmax.task.tabulation import markdown

__all__ = [
    "PAGES",
    "headline_markdown",
    "map_models_markdown",
    "map_recipes_markdown",
    "markdown",
    "metrics_markdown",
    "models_markdown",
    "outcome_markdown",
    "peak_metrics_markdown",
    "recipes_markdown",
    "refresh_tables",
    "replace_marked",
    "split_markdown",
]


RESULTS = "docs/results.md"
"""The document of the tables that are reproduced."""

DOCUMENT = FileKind("the document", 10_000_000, "give a Markdown file")


def split_markdown(test: SplitResult) -> str:
    """Write the headline metrics on a test set as a Markdown table.

    Example:
        >>> from gnnmax.experiments.scoreboard import evaluate_split
        >>> from gnnmax.task.rules import RULES
        >>> from gnnmax.data.store import load_data
        >>> data = load_data("real-karate")
        >>> record = evaluate_split(data, {"rank": [RULES["argmax"](data.test)]}, trained=False)
        >>> print(split_markdown(record).splitlines()[2])
        | rank | 1.0000 | one host | 1.0000 | 1.0000 | 1.000 | 1.000 | 1.000 | 1.000 |
    """
    header, rows = split_rows(test)
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def headline_markdown(outcome: Mapping[str, Any]) -> str:
    """Lay out the answer to the question, one row a scorer, as a Markdown table.

    Args:
        outcome: Of the table ``answer``, as :func:`outcome_markdown` takes it.

    Example:
        >>> rows = [{"order": order, "scorer": "net", "accuracy": 0.9} for order in ("natural", "shuffled")]
        >>> print(headline_markdown({"rows": rows}))
        | accuracy | order known | order lost |
        | --- | ---: | ---: |
        | net | 0.9000 | 0.9000 |
    """
    found: dict[str, dict[str, str]] = {}
    for row in outcome["rows"]:
        found.setdefault(row["scorer"], {})[row["order"]] = figure_text(row["accuracy"])
    rows = [["accuracy", "order known", "order lost"], ["---", "---:", "---:"]]
    rows += [[scorer, by_order["natural"], by_order["shuffled"]] for scorer, by_order in found.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def recipes_markdown() -> str:
    """Write a Markdown table of the shipped recipes, from the recipes themselves.

    Example:
        >>> recipes_markdown().splitlines()[0]
        '| recipe | k | plant | label | hosts | test splits | ceiling | what it is for |'
    """
    header = ["recipe", "k", "plant", "label", "hosts", "test splits", "ceiling", "what it is for"]
    return markdown([header, *(_recipe_row(load_recipe(name)) for name in recipe_names())])


def map_recipes_markdown() -> str:
    """Write a Markdown table of the shipped recipes of maps, from the recipes themselves.

    Example:
        >>> map_recipes_markdown().splitlines()[0]
        '| recipe | n | plant | peaks | noise | background | order | test splits | what it is for |'
    """
    header = ["recipe", "n", "plant", "peaks", "noise", "background", "order", "test splits", "what it is for"]
    return markdown([header, *(_map_recipe_row(as_map_recipe(name)) for name in map_recipe_names())])


def _map_recipe_row(recipe: MapRecipe) -> list[str]:
    spec = recipe.map
    return [
        f"`{recipe.name}`",
        " to ".join(map(str, sorted(set(spec.rows)))),
        f"{spec.plant.__struct_config__.tag} of {', '.join(f'{level:g}' for level in spec.plant.levels)}",
        " to ".join(map(str, sorted(set(spec.peak_range)))),
        spec.noise,
        "" if spec.background is None else str(spec.background.__struct_config__.tag),
        spec.order,
        ", ".join(split for split in recipe.splits if split not in ("train", "val")),
        recipe.summary,
    ]


def models_markdown(k: int = 9) -> str:
    """Write a Markdown table of the models, from the registry and the nets themselves.

    Args:
        k: Side of the windows that the ceilings and sizes are for.

    Example:
        >>> models_markdown().splitlines()[0]
        '| model | what it is | blind to | ceiling | parameters | any k | what it cannot do | source |'
    """
    header = ["model", "what it is", "blind to", "ceiling", "parameters", "any k", "what it cannot do", "source"]
    return markdown([header, *(_model_row(entry, k) for entry in MODELS.values())])


def map_models_markdown() -> str:
    """Write a Markdown table of the nets that are made for maps, from the registry and the nets themselves.

    Example:
        >>> map_models_markdown().splitlines()[0]
        '| net | what it is | equivariant to | parameters | what it cannot do | source |'
    """
    header = ["net", "what it is", "equivariant to", "parameters", "what it cannot do", "source"]
    rows = [
        [
            f"`{entry.name}`",
            entry.summary,
            entry.group_name,
            f"{architecture_of(entry.name, maps=True).parameter_count(None):,}",
            entry.cannot,
            entry.source,
        ]
        for entry in MAP_NETS.values()
    ]
    return markdown([header, *rows])


def metrics_markdown() -> str:
    """Write a Markdown table of the metrics, from the table of metrics itself.

    Example:
        >>> print(metrics_markdown().splitlines()[2])
        | `accuracy` | accuracy | 0 to 1 | decisions | Share of windows decided correctly. |
    """
    header = ["attribute", "title", "range", "needs", "description"]
    return markdown([header, *(_metric_row(name, metric) for name, metric in METRICS.items())])


def peak_metrics_markdown() -> str:
    """Write a Markdown table of the metrics of calls, from their table.

    Example:
        >>> print(peak_metrics_markdown().splitlines()[2])
        | `precision` | precision | 0 to 1 | calls | Share of the calls that are matched to a peak. |
    """
    rows = [
        [f"`{name}`", metric.title, _span(0.0, metric.greatest), metric.needs, metric.description]
        for name, metric in PEAK_METRICS.items()
    ]
    return markdown([["attribute", "title", "range", "needs", "description"], *rows])


def _span(low: float, high: float) -> str:
    return f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} and more"


def _metric_row(name: str, metric: Metric) -> list[str]:
    attribute = f"localisation.{name}" if metric.localises else name
    return [f"`{attribute}`", metric.title, _span(*metric.range), metric.needs.replace("_", " "), metric.description]


def _model_row(entry: ModelEntry, k: int) -> list[str]:
    return [
        f"`{entry.name}`",
        entry.summary,
        entry.group_name,
        figure_text(entry.ceiling(k)),
        f"{architecture_of(entry.name).parameter_count(k):,}",
        "yes" if entry.any_k else "",
        entry.cannot,
        entry.source,
    ]


def outcome_markdown(outcome: Mapping[str, Any]) -> str:
    """Lay out a table that was reproduced, with its claims below.

    Args:
        outcome: As :meth:`gnnmax.experiments.reproduction.outcome.Outcome.to_dict` returns it, or
            ``gnnmax reproduce --json`` prints it.

    Example:
        >>> check = {"claim": "high", "holds": True, "found": "0.9"}
        >>> row, note = {"net": "cnn", "right": 0.9}, "1.0 CPU minutes in all"
        >>> outcome = {"title": "t", "source": "s", "rows": [row], "checks": [check], "note": note}
        >>> print(outcome_markdown(outcome))
        t; after s:
        <BLANKLINE>
        | net | right |
        | --- | --- |
        | cnn | 0.9000 |
        <BLANKLINE>
        - high: 0.9
        <BLANKLINE>
        1.0 CPU minutes in all.
    """
    rows = [list(outcome["rows"][0]), *([figure_text(f) for f in row.values()] for row in outcome["rows"])]
    claims = [f"- {'' if c['holds'] else 'does not hold: '}{c['claim']}: {c['found']}" for c in outcome["checks"]]
    note = f"\n\n{outcome['note']}." if outcome.get("note") else ""
    return f"{outcome['title']}; after {outcome['source']}:\n\n{markdown(rows)}\n\n" + "\n".join(claims) + note


def _recipe_row(recipe: Recipe) -> list[str]:
    hosts = dict.fromkeys(host.__struct_config__.tag for host in recipe.hosts)
    splits = [
        f"{split} ({recipe.shifts[split].sort} shift)" if split in recipe.shifts else split
        for split in recipe.splits
        if split not in ("train", "val")
    ]
    ceiling = DataSet(recipe, {}).ceiling
    return [
        f"`{recipe.name}`",
        str(recipe.k),
        str(recipe.plant.__struct_config__.tag),
        recipe.label,
        ", ".join(str(host).replace("_", " ") for host in hosts),
        ", ".join(splits),
        "" if ceiling is None else f"{ceiling:.4f}",
        recipe.summary,
    ]


PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "recipes": ("datasets/README.md", recipes_markdown),
    "maps": ("datasets/README.md", map_recipes_markdown),
    "models": ("docs/models.md", models_markdown),
    "map-models": ("docs/maps.md", map_models_markdown),
    "metrics": ("docs/metrics.md", metrics_markdown),
    "peaks": ("docs/peaks.md", peak_metrics_markdown),
}
"""Tables that are made from registries: the page of each, and its content."""


def replace_marked(path: Path, name: str, content: str) -> None:
    r"""Put content between the marks ``<!-- name -->`` and ``<!-- /name -->`` of a file.

    Raises:
        InputError: the file does not have both marks.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = Path(folder, "page.md")
        ...     _ = page.write_text("<!-- x -->\nold\n<!-- /x -->")
        ...     replace_marked(page, "x", "new")
        ...     page.read_text().splitlines()[1]
        'new'
    """
    before, after = _around(path, name)
    write_file(path, f"{before}\n{content}\n{after}")


def _around(path: Path, name: str) -> tuple[str, str]:
    """Return the text up to the first mark and from the second one on."""
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, mark, rest = DOCUMENT.read(path).decode().partition(f"{first}\n")
    _, end, after = rest.partition(last)
    if not mark or not end:
        raise InputError(f"{path} does not have the marks {first} and {last}: put them in")
    return before + first, last + after


def refresh_tables(root: Path, names: Sequence[str] = ()) -> None:
    """Write tables into the documents of a checkout: those of the registries, and reproductions with three seeds.

    Args:
        root: Folder of the checkout.
        names: Keys of :data:`PAGES` and of :data:`gnnmax.experiments.reproduction.TABLES`; none writes all.

    Raises:
        InputError: an unknown name; a document lacks the markers of a table.
    """
    known = {*PAGES, *TABLES}
    for name in names:
        if name not in known:
            raise unknown_name("table", name, known)
    chosen = names or (*PAGES, *TABLES)
    for name in chosen:  # before the measurements, which take minutes
        _around(root / (PAGES[name][0] if name in PAGES else RESULTS), name)
    for name in chosen:
        if name in PAGES:
            page, content = PAGES[name]
            replace_marked(root / page, name, content())
            continue
        outcome = reproduce(name, seeds=(0, 1, 2)).to_dict()
        replace_marked(root / RESULTS, name, outcome_markdown(outcome))
        if name == "answer":
            replace_marked(root / "README.md", "headline", headline_markdown(outcome))
