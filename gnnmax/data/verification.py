"""An independent verifier: it re-derives the claims of a stored data set without the generator's code."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.dataset import DataSet
from gnnmax.data.duplicates import count_shared
from gnnmax.data.generation import draw_flips, generate_graph
from gnnmax.data.hosts.own_files import File
from gnnmax.data.imported import Imported
from gnnmax.data.importing import content_digest
from gnnmax.data.manifest import MANIFEST, OtherGenerationError, read_manifest
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.maps.verification import check_maps_of, maps_apart
from gnnmax.data.planting.plants import CENTRED, CONSTANT, RUNNER_UP, SHIFTED, TIED, Bump, Natural, Noise, Spike
from gnnmax.data.recipe import Recipe
from gnnmax.data.store import StoredSplits
from gnnmax.errors import InputError
from gnnmax.io.ownership import METADATA
from gnnmax.io.paths import as_path
from gnnmax.task.claims import Check
from gnnmax.task.label import KINDS
from gnnmax.task.windows import Windows

__all__ = ["check_windows_of", "verify"]

REDRAWN = 5
"""Number of hosts per split that are generated again, spread over the split, unless all are."""


def verify(path: str | Path, *, every_host: bool = False) -> list[Check]:
    """Verify a stored data set: check digests and schema, and recompute every label, kind, offset and margin.

    Args:
        path: The folder.
        every_host: Whether to regenerate every host, not only a few per split; this takes as long as generation.

    Returns:
        One check per claim. A claim that cannot be checked because a file is damaged does not hold.

    Raises:
        InputError: there is no data set at ``path``, or another generation of gnnmax made it.

    Example:
        >>> import tempfile
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> from gnnmax.data.store import write_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checks = verify(write_dataset(load_recipe("real-karate"), Path(folder, "karate")))
        >>> all(check.holds for check in checks)
        True
    """
    path = as_path(path)
    if not (path / MANIFEST).is_file():
        read_manifest(path)  # its error says what is missing
    try:
        manifest, recipe = read_manifest(path)
    except OtherGenerationError:
        raise
    except InputError as error:
        return [Check("the manifest is whole and names every file", False, str(error))]
    shards = [shard for split in manifest.splits.values() for shard in split]
    checks = [Check("the manifest is whole and names every file", True, f"{len(shards)} shards")]
    splits = StoredSplits(path, manifest, recipe, digests=True, contents=False)
    for split in recipe.splits:
        try:
            content = splits[split]
        except InputError as error:
            checks.append(Check(f"{split}: digests, names, dtypes and shapes", False, str(error)))
            continue
        what = "maps" if isinstance(recipe, MapRecipe) else "windows"
        checks.append(Check(f"{split}: digests, names, dtypes and shapes", True, f"{len(content)} {what}"))
        if isinstance(recipe, MapRecipe):
            found = check_maps_of(recipe, split, content, every_map=every_host)
        elif isinstance(recipe, Imported):
            found = check_imported(recipe, split, content)
        else:
            found = check_windows_of(recipe, split, content, every_host=every_host)
        checks += [Check(f"{split}: {c.claim}", c.holds, c.found) for c in found]
    if all(check.holds for check in checks):
        checks.append(_hosts_apart(splits))
        checks += [maps_apart(splits)] if isinstance(recipe, MapRecipe) else _whole(DataSet(recipe, splits))
    known = {MANIFEST, METADATA, *(shard.file for shard in shards)}
    strangers = sorted(file.name for file in path.iterdir() if file.name not in known)
    checks.append(Check("no file is there that the manifest does not name", not strangers, ", ".join(strangers)))
    return checks


def check_windows_of(recipe: Recipe, split: str, windows: Windows, *, every_host: bool = False) -> list[Check]:
    """Re-derive the labels, kinds, offsets and margins of a split by sorting, and regenerate some of its hosts.

    Example:
        >>> from gnnmax.data.generation import build
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> data = build(load_recipe("real-karate"))
        >>> [check.holds for check in check_windows_of(data.recipe, "test", data.test)]
        [True, True, True, True, True, True, True, True, True, True, True]
    """
    whole, recipe, span = recipe, recipe.of(split), recipe.span(split)
    claims: dict[str, Callable[[Recipe, Windows], npt.NDArray[np.bool_]]] = {
        "observed labels are those of the values": lambda _, w: _observed(w),
        "they are those of scipy's maximum filter": lambda _, w: _filtered(w),
        "planted labels, kinds and values agree": _planted,
        "offsets point at the maximum": _offsets,
        "margins are those of the values": lambda _, w: _margins(w),
        "rows and columns are different nodes, or overlap as stated": _nodes,
        "mirrored entries are equal unless the host is directed": _mirrors,
        "contexts are symmetric unless the host is directed": _contexts,
    }
    checks = []
    for claim, holds in claims.items():
        wrong = np.flatnonzero(~holds(recipe, windows))
        found = f"{len(wrong)} of {len(windows)} wrong, first {wrong[0]}" if len(wrong) else f"{len(windows)} windows"
        checks.append(Check(claim, not len(wrong), found))
    graphs = set(np.unique(windows.graph).tolist())
    checks.append(Check("hosts are those of the recipe", graphs == set(span), f"{len(graphs)} hosts"))
    checks.append(_shares(recipe, windows))
    chosen = span if every_host else sorted({span[i * (len(span) - 1) // (REDRAWN - 1)] for i in range(REDRAWN)})
    checks.append(_redrawn(whole, chosen, windows))
    return checks


def check_imported(recipe: Imported, split: str, windows: Windows) -> list[Check]:
    """Re-derive the observed labels, margins and offsets of imported windows by sorting, and count their graphs.

    Example:
        >>> from gnnmax.data.importing import import_windows
        >>> data = import_windows(np.random.default_rng(0).normal(size=(90, 3, 3)))
        >>> [check.holds for check in check_imported(data.recipe, "test", data.test)]
        [True, True, True, True, True]
    """
    whole = windows[np.isfinite(windows.values).all(axis=(1, 2))]
    planted = recipe.amplitude and recipe.label == "planted"  # then the offset is that of the planted entry
    claims = {
        "observed labels are those of the values": (_observed, windows),
        "they are those of scipy's maximum filter": (_filtered, windows),
        "margins are those of the values": (_margins, whole),
        "offsets point at the maximum": (_maximum_offsets, whole[:0] if planted else whole),
    }
    checks = []
    for claim, (holds, some) in claims.items():
        wrong = np.flatnonzero(~holds(some))
        found = f"{len(wrong)} of {len(some)} wrong, first {wrong[0]}" if len(wrong) else f"{len(some)} windows"
        checks.append(Check(claim, not len(wrong), found))
    graphs = len(np.unique(windows.graph))
    return [*checks, Check("graphs are as many as stated", graphs == recipe.splits[split], f"{graphs} graphs")]


def _ranked(windows: Windows) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the centre and the two largest of all entries, by sorting; NaN counts as minus infinity."""
    entries = np.where(np.isnan(windows.values), -np.inf, windows.values).reshape(len(windows), windows.k**2)
    ordered = np.sort(entries, axis=1)
    return entries[:, entries.shape[1] // 2], ordered[:, -1], ordered[:, -2]


def _observed(windows: Windows) -> npt.NDArray[np.bool_]:
    centre, first, second = _ranked(windows)
    return np.asarray(windows.observed == ((centre == first) & (first > second)))


def _filtered(windows: Windows) -> npt.NDArray[np.bool_]:
    """Apply a maximum filter that omits its own centre: a strict maximum exceeds the result."""
    from scipy.ndimage import maximum_filter

    k, middle = windows.k, windows.k // 2
    around = np.ones((1, k, k), dtype=np.bool_)
    around[0, middle, middle] = False
    entries = np.where(np.isnan(windows.values), -np.inf, windows.values)
    rival = maximum_filter(entries, footprint=around, mode="constant", cval=-np.inf, axes=None)[:, middle, middle]
    return np.asarray(windows.observed == (entries[:, middle, middle] > rival))


def _planted(recipe: Recipe, windows: Windows) -> npt.NDArray[np.bool_]:
    centre, first, second = _ranked(windows)
    is_kind = {kind: windows.kind_code == code for code, kind in enumerate(KINDS)}
    constant = np.asarray((windows.values == centre[:, None, None]).all(axis=(1, 2)))
    if isinstance(recipe.plant, Natural):
        above = (windows.values > centre[:, None, None]).sum(axis=(1, 2))
        expected = np.where(
            above == 0, np.where(first > second, CENTRED, TIED), np.where(above == 1, RUNNER_UP, SHIFTED)
        )
        expected[constant] = CONSTANT
        return np.asarray(~windows.planted & (windows.kind_code == expected))
    agree = (windows.planted == is_kind["centred"] ^ _flips(recipe, windows)) & (windows.kind_code < len(KINDS))
    if isinstance(recipe.plant, Spike):
        agree &= is_kind["centred"] == windows.observed
        agree &= ~is_kind["runner_up"] | ((centre == second) & (first > second))
        agree &= ~is_kind["tied"] | ((centre == first) & (first == second))
        agree &= is_kind["constant"] == constant
        agree &= ~(is_kind["shifted"] | is_kind["background"]) | ((centre < first) & (first > second))
    if isinstance(recipe.plant, Noise | Bump):
        assert windows.amplitude is not None
        agree &= np.isin(windows.amplitude, np.array(recipe.plant.levels, dtype=np.float32))
    return np.asarray(agree)


def _flips(recipe: Recipe, windows: Windows) -> npt.NDArray[np.bool_]:
    """Return which planted labels were flipped, from the random stream of the flips."""
    flips = np.zeros(len(windows), dtype=np.bool_)
    for graph in np.unique(windows.graph).tolist() if recipe.label_noise else ():
        own = windows.graph == graph
        flips[own] = draw_flips(recipe.seed, graph, count=int(own.sum()), share=recipe.label_noise)
    return flips


def _offsets(recipe: Recipe, windows: Windows) -> npt.NDArray[np.bool_]:
    half = windows.k // 2
    inside = (np.abs(windows.offset) <= half).all(axis=1)
    at_centre = (windows.offset == 0).all(axis=1)
    if isinstance(recipe.plant, Noise | Bump) and recipe.label == "planted":
        return np.asarray(inside & (at_centre == (windows.kind_code == CENTRED)))
    return _maximum_offsets(windows)


def _maximum_offsets(windows: Windows) -> npt.NDArray[np.bool_]:
    half = windows.k // 2
    inside = (np.abs(windows.offset) <= half).all(axis=1)
    at_centre = (windows.offset == 0).all(axis=1)
    place = np.clip(windows.offset.astype(np.intp) + half, 0, windows.k - 1)
    there = windows.values[np.arange(len(windows)), place[:, 0], place[:, 1]]
    centre, first, second = _ranked(windows)
    rival = np.where(centre == first, second, first)
    return np.asarray(inside & (at_centre == windows.observed) & (at_centre | (there == rival)))


def _margins(windows: Windows) -> npt.NDArray[np.bool_]:
    centre, first, second = _ranked(windows)
    with np.errstate(invalid="ignore"):  # non-finite entries, which no recipe draws, have no margin
        spread = np.std(windows.values.astype(np.float64), axis=(1, 2))
        expected = (centre - np.where(windows.observed, second, first)) / np.where(spread > 0, spread, 1.0)
        return np.asarray(np.isclose(windows.margin, expected, rtol=1e-5, atol=1e-6))


def _nodes(recipe: Recipe, windows: Windows) -> npt.NDArray[np.bool_]:
    both = np.concatenate([windows.rows, windows.columns], axis=1)
    sides = [both] if recipe.overlap == "none" else [windows.rows, windows.columns]
    different = [(np.diff(np.sort(side, axis=1), axis=1) > 0).all(axis=1) for side in sides]
    tied = np.zeros(len(windows), dtype=np.bool_)
    if recipe.overlap == "untied":
        half = windows.k // 2
        tied = (windows.rows == windows.columns[:, half, None]).any(axis=1)
        tied &= (windows.columns == windows.rows[:, half, None]).any(axis=1)
    return np.asarray((both >= 0).all(axis=1) & np.all(different, axis=0) & ~tied)


def _mirrors(recipe: Recipe, windows: Windows) -> npt.NDArray[np.bool_]:
    """Look up the mirror of every entry by the nodes' numbers, if it is inside the window."""
    fine = np.ones(len(windows), dtype=np.bool_)
    if recipe.overlap == "none" or _directed(recipe):
        return fine
    for window, (rows, columns) in enumerate(zip(windows.rows.tolist(), windows.columns.tolist(), strict=True)):
        values = windows.values[window]
        both = [(rows.index(node), columns.index(node)) for node in set(rows) & set(columns)]
        r, c = np.array(both, dtype=np.intp).reshape(-1, 2).T
        block = values[np.ix_(r, c)]
        fine[window] = np.array_equal(block, block.T, equal_nan=True)
    return fine


def _directed(recipe: Recipe) -> bool:
    return any(getattr(host, "directed", False) for host in recipe.hosts)


def _contexts(recipe: Recipe, windows: Windows) -> npt.NDArray[np.bool_]:
    contexts = (windows.row_context, windows.column_context)
    directed = _directed(recipe)
    fine = np.ones(len(windows), dtype=np.bool_)
    for context in contexts:
        if context is not None:
            fine &= (np.diagonal(context, axis1=1, axis2=2) == 0).all(axis=1)
            fine &= directed or (context == context.transpose(0, 2, 1)).all(axis=(1, 2))
    return fine


def _shares(recipe: Recipe, windows: Windows) -> Check:
    """Check the share of each kind in every host; natural windows may have any shares."""
    hosts, which = np.unique(windows.graph, return_inverse=True)
    counts = np.stack(
        [np.bincount(which[windows.kind_code == code], minlength=len(hosts)) for code in range(len(KINDS))]
    )
    holds = recipe.windows_per_graph is None or bool((counts.sum(axis=0) == recipe.windows_per_graph).all())
    if recipe.kinds is not None and recipe.windows_per_graph is not None:
        stated = np.array([recipe.kinds.of(kind) for kind in KINDS])[:, None] * recipe.windows_per_graph
        holds &= bool((np.abs(counts - stated) < 1 - 1e-9).all())
    return Check("every host has the stated share of each kind", holds, f"{len(windows)} windows of {len(hosts)} hosts")


def _redrawn(recipe: Recipe, graphs: Sequence[int], windows: Windows) -> Check:
    claim = f"{len(graphs)} of its hosts are drawn again to the byte"
    for graph in graphs:
        try:
            again = generate_graph(recipe, graph)
        except InputError as error:  # the file of a host is missing or changed
            return Check(claim, False, str(error))
        stored = windows[windows.graph == graph]
        same = len(again) == len(stored) and all(
            np.array_equal(array, stored.arrays()[name], equal_nan=array.dtype.kind == "f")
            for name, array in again.arrays().items()
        )
        if not same:
            return Check(claim, False, f"graph {graph} differs: other library versions, or changed files")
    return Check(claim, True, f"graphs {', '.join(map(str, graphs))}" if len(graphs) <= REDRAWN else "all")


def _whole(data: DataSet) -> list[Check]:
    """Check the splits of windows against each other, and imported windows against their digest."""
    recipe, checks = data.recipe, [_windows_apart(data)]
    if isinstance(recipe, Recipe) and any(isinstance(host, File) and host.fixed for host in recipe.hosts):
        checks.append(_pairs_apart(data, recipe))
    if isinstance(recipe, Imported):
        same = content_digest(data.splits) == recipe.content
        checks.append(Check("the windows are those that were imported", same, recipe.content[:12]))
    return checks


def _hosts_apart(splits: Mapping[str, Any]) -> Check:
    seen: set[int] = set()
    shared: set[int] = set()
    for content in splits.values():
        graphs = set(np.unique(content.graph).tolist())
        shared |= seen & graphs
        seen |= graphs
    return Check("no host is in two splits", not shared, f"{len(seen)} hosts")


def _pairs_apart(data: DataSet, recipe: Recipe) -> Check:
    """Check that splits share no pair of nodes of a file: at most one node, so that no edge is in both."""
    nodes: dict[tuple[str, str], set[int]] = {}
    for split, windows in data.splits.items():
        for graph in np.unique(windows.graph).tolist():
            host, own = recipe.ingredients(graph).host, windows.graph == graph
            if isinstance(host, File):
                found = np.unique(np.concatenate([windows.rows[own].ravel(), windows.columns[own].ravel()]))
                nodes.setdefault((host.sha256, split), set()).update(found.tolist())
    shared = [
        f"{len(nodes[one] & nodes[other])} nodes are in {one[1]} and {other[1]}"
        for one, other in itertools.combinations(nodes, 2)
        if one[0] == other[0] and len(nodes[one] & nodes[other]) > 1
    ]
    counted = f"{sum(map(len, nodes.values()))} nodes"
    return Check("no pair of nodes of a file is in two splits", not shared, "; ".join(shared) or counted)


def _windows_apart(data: DataSet) -> Check:
    shared = [pair for pair in count_shared(data.splits) if pair.windows]
    found = "; ".join(f"{pair.windows} of {pair.second} are in {pair.first}, first {pair.example}" for pair in shared)
    windows = sum(map(len, data.splits.values()))
    return Check(
        "no window of a split is in another, relabelled or transposed", not shared, found or f"{windows} windows"
    )
