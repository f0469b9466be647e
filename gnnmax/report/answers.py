"""The plain-language answer to the question, from the metrics of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gnnmax.evaluation.verdict import Offsets
from gnnmax.experiments.reproduction.answer import BEST, GRAPH, NATURAL, SHUFFLED, OrderVerdicts
from gnnmax.experiments.results import Results, SplitResult
from gnnmax.report.audits import worst_findings

__all__ = ["Answer", "answers", "headline", "in_short"]


@dataclass(frozen=True)
class Answer:
    """One of the asker's questions and its answer, sentence by sentence."""

    question: str
    sentences: tuple[str, ...]


def headline(results: Results) -> str:
    """State the accuracy of each net in one sentence.

    The test split of the training recipe is the first of a run.
    """
    test = results.tests[0]
    nets = sorted(test.nets, key=lambda name: -test.verdicts[name].accuracy)
    said = ", ".join(f"{name} {_percent(test.verdicts[name].accuracy)}" for name in nets)
    limit = f" The best possible is {_percent(test.ceiling)}." if test.ceiling is not None else ""
    said = f"{said}; " if said else "no net finished its training; "
    return f"Right on held-out hosts: {said}the explicit rule {_percent(test.verdicts['argmax'].accuracy)}.{limit}"


def in_short(results: Results, orders: OrderVerdicts) -> list[str]:
    """Answer the asker's three questions in a sentence each.

    Args:
        results: Of a run.
        orders: Verdicts on windows whose order is known or lost.

    References:
        "How can I suppress a CNN's translation invariance / equivariance?", ai.stackexchange.com, question 12010.
    """
    test = results.tests[0]
    nets = {name: test.verdicts[name].accuracy for name in test.nets}
    best = max(nets, key=lambda name: nets[name])
    pooling = {"question": "the asker's net without pooling", "question-max": "with max pooling"}
    pooled = [f"{text} {_percent(nets[name])}" for name, text in pooling.items() if name in nets]
    beside = f" ({_joined(pooled)} right)" if pooled else ""
    known, lost = ({name: verdict.accuracy for name, verdict in orders[order].items()} for order in orders)
    image = max(lost[NATURAL], lost[SHUFFLED])
    return [
        "True for the centred window and False for the shifted one: give the net a way to know where the centre is, "
        f"and train on shifted windows ({best} {_percent(nets[best])}); without noise, comparing the centre with the "
        "other entries is exact and needs no net.",
        "Removing the pooling layers is neither needed nor enough: a border or a mark shows the position to a net with "
        f"pooling, and nothing shows it to a net that treats all positions equally{beside}.",
        "If the rows and columns are nodes whose order is known, an image net is as good as any "
        f"({_percent(known[NATURAL])}; the best possible is {_percent(known[BEST])}); if the order is lost, it drops "
        f"to {_percent(image)}, and a graph net that reads the adjacency keeps {_percent(lost[GRAPH])}.",
    ]


def answers(results: Results) -> list[Answer]:
    """Answer the asker's three questions and the last remark from the metrics of a run.

    References:
        "How can I suppress a CNN's translation invariance / equivariance?", ai.stackexchange.com, question 12010.
    """
    test, nets = results.tests[0], results.tests[0].nets
    return [
        Answer(
            "How do I get True for a window centred on its maximum, and False for the same window shifted?",
            (
                "Train on windows that differ only in the position of their maximum, with a net that can know where "
                "the centre is.",
                *(_says(test, name) for name in nets),
                f"No net is needed: comparing the centre with every other entry is right on "
                f"{_percent(test.verdicts['argmax'].accuracy)}. Max pooling that returns the position (non-maximum "
                f"suppression) is right on {_percent(test.verdicts['nms'].accuracy)}: where two entries tie for the "
                "maximum it returns one of them, and a tie is not a maximum.",
            ),
        ),
        Answer(
            "Does removing the pooling layers give pixel resolution?",
            (
                "Pooling alone does not make a net blind to a shift. A net distinguishes positions as soon as any part "
                "of it knows where the centre is: a border (zero padding, Flatten) or a mark on the centre. Only a net "
                "that treats all positions equally, such as circular convolutions with global pooling, must be blind "
                "to a shift.",
                *(_resolution(test, name) for name in nets),
            ),
        ),
        Answer("Can Conv2D(128, 2) - Conv2D(64, 2) - Flatten - Dense tell the tiles apart?", _tiles(test)),
        Answer(
            "And where the maximum is one of some subgraph's adjacency matrix?",
            (
                "Then the order of rows and columns is a convention: relabelling them around the centre does not "
                f"change the answer. {' '.join(_relabelled(results))}",
            ),
        ),
    ]


def _says(test: SplitResult, name: str) -> str:
    kinds = test.verdicts[name].slices["kind"]
    flags = [f"{_percent(part.flagged)} of the {kind.replace('_', '-')}" for kind, part in kinds.items()]
    return f"{name} says True to {_joined(flags)} windows."


def _resolution(test: SplitResult, name: str) -> str:
    centre, near, far = flagged_by_distance(test.heat_map(name))
    said = f"{name} says True to {_percent(centre)} where the maximum is at the centre, {_percent(near)} where it is"
    return f"{said} one cell away" + (f" and {_percent(far)} where it is farther." if far is not None else ".")


def flagged_by_distance(heat_map: Offsets) -> tuple[float, float, float | None]:
    """Return the share called centred at the centre, one cell from it, and farther (None at k = 3).

    Example:
        >>> flagged = [[0.0, 0.5, None], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
        >>> flagged_by_distance(Offsets.from_dict({"flagged": flagged, "count": [[1] * 3] * 3}))
        (1.0, 0.07142857142857142, None)
    """
    half = len(heat_map.flagged) // 2
    row, column = np.indices(heat_map.flagged.shape) - half
    ring = np.maximum(abs(row), abs(column)).clip(max=2)
    known = ~np.isnan(heat_map.flagged)
    shares: list[float | None] = []
    for distance in range(3):
        mask = known & (ring == distance)
        count = heat_map.count[mask]
        shares.append(float(heat_map.flagged[mask] @ count / count.sum()) if count.any() else None)
    centre, near, far = shares
    return centre or 0.0, near or 0.0, far


def _tiles(test: SplitResult) -> tuple[str, ...]:
    if "question" not in test.nets:
        return ("That net was not trained in this run: add it to --models as question.",)
    verdict = test.verdicts["question"]
    kinds = {kind.replace("_", "-"): part.accuracy for kind, part in verdict.slices["kind"].items()}
    ranked = sorted(kinds, key=lambda kind: -kinds[kind])
    each = [f"{_percent(kinds[kind])} of the {kind} windows" for kind in ranked]
    pairs = [pair.sentence() for pair in test.pairs if "question" in (pair.first, pair.second)]
    beside = (f"On the same windows: {'; '.join(pairs)}.",) if pairs else ()
    return (f"It is right on {_percent(verdict.accuracy)} of all: on {_joined(each)}.", *beside)


def _relabelled(results: Results) -> list[str]:
    said = []
    for model in results.finished:
        flips = worst_findings(model)["relabelling"].unexpected_flips or 0.0
        kept = "none" if flips == 0 else _percent(flips)
        said.append(f"{model.name} then changes {kept} of its decisions.")
    return said


def _percent(share: float) -> str:
    r"""Write a share in per cent; never round a share up to 100 or down to 0.

    Example:
        >>> [_percent(share).replace("\N{NO-BREAK SPACE}", " ") for share in (0.9999, 1.0, 0.0001, 0.5)]
        ['over 99.9 %', '100 %', 'under 0.1 %', '50.0 %']
    """
    if share in (0.0, 1.0):
        number = f"{100 * share:.0f}"
    elif share > 0.9995:
        number = "over 99.9"
    else:
        number = "under 0.1" if share < 0.0005 else f"{100 * share:.1f}"
    return f"{number}\N{NO-BREAK SPACE}%"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
