"""Where in the window is the bump: nets trained on small windows, tested on larger ones, beside the exact posterior."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.experiments.reproduction.cells import CellOptions, Cells, Key
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.models.inference import full_precision, resolve_device
from gnnmax.models.maps.registry import build_map_model
from gnnmax.models.registry import build_model
from gnnmax.task.bayes import entry_log_likelihoods
from gnnmax.task.claims import Check
from gnnmax.task.windows import Windows
from gnnmax.training.device_training import DeviceTraining
from gnnmax.training.drawn_bumps import BumpWindows
from gnnmax.training.threads import one_thread

__all__ = ["bump"]

SIDES = (9, 31, 101)
TRAINED = {9: 64, 15: 32, 21: 16, 31: 8}
"""Sides of the training, and windows of each in an update."""

STEPS, QUICK_STEPS = {"natural": 3_000, "shuffled": 4_000}, 600
HOSTS = {9: 16, 31: 12, 101: 6}
"""Test hosts by side, for each seed; each has 64 windows whose bump is off the centre."""

FRESH = 90_000
"""Added to the seeds of the test windows."""

NETS = {"natural": ("map-cnn", {}), "shuffled": ("product", {"encoding": "none", "neighbours": 8})}
"""The net of each order, and its config."""

BAYES, ARGMAX = "bayes", "argmax"
BATCH = 16
VERSION = 2
"""Version of the measurement: increased when a cell of the same key would change."""

Floats = npt.NDArray[np.floating]


def bump(seeds: Sequence[int], on_progress: Progress, options: CellOptions) -> Outcome:
    """Find the bump in windows of the recipes ``bump-9-natural`` and ``bump-9-shuffled`` at several sides.

    The windows are those whose bump is off the centre: it is at any other entry, each as likely. The best scorer is the
    posterior over the entries, which knows the height, the profile and the order. Nets are trained here with the
    cross-entropy over entries, on windows of 9 to 31 rows: ``map-cnn`` on values in natural order, ``product`` on
    values and contexts in shuffled order. Sizes are the sides of the test windows.

    Cost: about fifteen minutes of processor time for each seed, or half a minute of a GPU and one of a processor.

    References:
        Levin, Ma, Diaz, Villar, "On transferring transferability", NeurIPS 2025: the normalisation of sums decides
        whether a net carries over to other sizes.
    """
    if options.nets is not None:
        raise InputError("the table bump has its own nets: leave out nets")
    sides = tuple(options.sizes or SIDES)
    for k in sides:
        if k < 3 or k % 2 == 0:
            raise InputError(f"a side of windows is odd and at least 3, not {k}: choose 9, 31, 101")
    cells = Cells(options.folder)
    rows: list[dict[str, Figure]] = []
    gaps: dict[tuple[str, int], tuple[float, float]] = {}
    for number, order in enumerate(NETS):
        tests = [_Test(order, seed, quick=options.quick, cells=cells) for seed in seeds]
        for done, k in enumerate(sides):
            found = _row(order, k, tests)
            gaps[order, k] = float(found["gap"]), float(found["s.e."])
            rows.append(found)
            on_progress(number * len(sides) + done + 1, len(NETS) * len(sides))
    return Outcome(
        f"Where in the window is the bump: found exactly by nets trained at k = 9 to 31, {len(seeds)} trainings each",
        "the exact posterior over the entries, which knows the order",
        tuple(rows),
        _checks(gaps),
    )


class _Test:
    """Windows, and a net that is trained when it is needed first, of one order and one seed."""

    def __init__(self, order: str, seed: int, *, quick: bool, cells: Cells) -> None:
        self.order, self.seed, self.cells = order, seed, cells
        self.steps = QUICK_STEPS if quick else STEPS[order]
        self.share = 4 if quick else 1
        self._measured: dict[int, dict[str, float]] = {}

    def figure(self, k: int, name: str) -> float:
        """Return one figure of the windows of one side, see :meth:`_figures`."""
        key: Key = {"table": "bump", "version": VERSION, "order": self.order, "seed": self.seed, "k": k}
        key |= {"steps": self.steps, "hosts": self.hosts(k), "figure": name}
        return self.cells.measured(key, lambda: self._figures(k)[name])

    def hosts(self, k: int) -> int:
        """Return the number of test hosts of a side."""
        return max(1, HOSTS.get(k, min(HOSTS.values())) // self.share)

    def _figures(self, k: int) -> dict[str, float]:
        """Return the shares of windows whose bump each scorer finds exactly, and how often net and rule differ."""
        if k not in self._measured:
            w = _off_centre(self.order, self.seed, hosts=self.hosts(k), k=k)
            place = (w.offset + k // 2) @ np.array([k, 1])
            evidence = {"net": self._evidence(w), BAYES: entry_log_likelihoods(w), ARGMAX: w.values}
            right = {name: _best(each) == place for name, each in evidence.items()}
            apart = float(np.mean(right["net"] != right[BAYES]))
            self._measured[k] = {**{name: float(each.mean()) for name, each in right.items()}, "apart": apart}
        return self._measured[k]

    @cached_property
    def net(self) -> torch.nn.Module:
        """The net, trained from this seed, on a GPU if there is one."""
        name, config = NETS[self.order]
        shuffled = self.order == "shuffled"
        make: Callable[[], torch.nn.Module] = (
            (lambda: build_model(name, min(TRAINED), config, seed=self.seed))
            if shuffled
            else (lambda: build_map_model(name, config, seed=self.seed))
        )
        device = resolve_device("auto")
        net = make().train().to(device)
        sources = [BumpWindows(k, batch, device, shuffled=shuffled) for k, batch in TRAINED.items()]
        with one_thread():
            DeviceTraining(net, device, self.seed).run(sources, steps=self.steps)
        return net.eval()

    def _evidence(self, w: Windows) -> Floats:
        """Score every entry of windows by the net, shape ``(N, k, k)``."""
        assert w.row_context is not None and w.column_context is not None
        fields = w.values, w.row_context, w.column_context
        parts, net, device = [], self.net, resolve_device("auto")
        with one_thread(), torch.inference_mode(), full_precision(device):
            for start in range(0, len(w), BATCH):
                inputs = [torch.from_numpy(field[start : start + BATCH]).to(device) for field in fields]
                parts.append(BumpWindows.evidence(net, inputs).cpu().numpy())
        return np.concatenate(parts)


def _off_centre(order: str, seed: int, *, hosts: int, k: int) -> Windows:
    """Draw windows whose bump is at another entry than the centre, each as likely."""
    recipe = load_recipe(f"bump-9-{order}").replace(k=k, seed=FRESH + seed, splits={"test": hosts})
    w = build(recipe).test
    return w[(w.offset != 0).any(axis=1)]


def _best(scores: Floats) -> npt.NDArray[np.intp]:
    """Return the flat index of the highest entry of each window."""
    return np.asarray(scores.reshape(len(scores), -1).argmax(axis=1))


def _row(order: str, k: int, tests: Sequence[_Test]) -> dict[str, Figure]:
    """Join the seeds: shares, the gap of the nets to the rule with its standard error over windows, the worst net."""
    found = {name: np.array([test.figure(k, name) for test in tests]) for name in ("net", BAYES, ARGMAX, "apart")}
    gap = found[BAYES] - found["net"]
    windows = 64 * sum(test.hosts(k) for test in tests)
    error = math.sqrt(max(float(found["apart"].mean() - gap.mean() ** 2), 0.0) / windows)
    shares: dict[str, Figure] = {name: float(found[name].mean()) for name in ("net", BAYES, ARGMAX)}
    side: dict[str, Figure] = {"order": order, "k": k, "windows": windows, "trained": NETS[order][0]}
    return {**side, **shares, "gap": float(gap.mean()), "s.e.": error, "gap of the worst net": float(gap.max())}


def _checks(gaps: Mapping[tuple[str, int], tuple[float, float]]) -> tuple[Check, ...]:
    """Compare the nets with the exact rule, by order and side."""
    checks = []
    for order, (name, _) in NETS.items():
        farthest, k = max((gap, k) for (own, k), (gap, _) in gaps.items() if own == order)
        checks.append(
            Check(
                f"{order} order: {name} finds the bump within 3 points of the best possible at every side",
                farthest < 0.03,
                f"at most {100 * farthest:.1f} points, at k = {k}",
            )
        )
    leak = max(-gap / max(error, 1e-3) for gap, error in gaps.values())
    return (*checks, Check("no net is above the best possible by 4 standard errors", leak < 4, f"at most {leak:.1f}"))
