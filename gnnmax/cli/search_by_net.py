"""The option --by of the command detect: the net whose scores are searched, and the rule's answers at its calls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gnnmax.cli.arguments import nets_of
from gnnmax.errors import InputError

if TYPE_CHECKING:
    from gnnmax.detection.matrix import MatrixSource
    from gnnmax.detection.score_maps import ScoreMapper
    from gnnmax.detection.search_options import SearchOptions
    from gnnmax.detection.table import Detections

__all__ = ["mapper_of", "with_rule"]


def mapper_of(call: Any) -> ScoreMapper | None:
    """Load the net of a call's option --by; None if it has none.

    Raises:
        InputError: an unknown net, or more than one; workers for a net that reads the whole matrix.
    """
    if call.by is None:
        return None
    nets = nets_of(call.by)
    if len(nets) != 1:
        raise InputError(
            f"--by takes one net, not {call.by!r}: give a shipped model, a folder, or FOLDER=FILE.py:CLASS"
        )
    from gnnmax.detection.net_calls import load_mapper
    from gnnmax.detection.score_maps import with_workers

    ((folder, net),) = nets.items()
    mapper = load_mapper(folder, call.device, net=net, allow_changed=call.allow_changed)
    return with_workers(mapper, call.workers)


def with_rule(
    source: MatrixSource, options: SearchOptions, table: Detections, by: ScoreMapper
) -> tuple[Detections, dict[str, Any]]:
    """Add the answers of the rule at the calls of a net, and return the entries of the run card that count them."""
    from gnnmax.detection.net_calls import rule_answers

    assert table.maxima is not None
    answers, rule_maxima = rule_answers(source, table.maxima, options)
    card = {
        "net": by.name,
        "reads": by.reads,
        "weights_sha256": by.weights_sha256,
        "calls": len(table),
        "maxima": int(answers.sum()),
        "agreement": float(answers.mean()) if len(table) else None,
        "rule_maxima": rule_maxima,
    }
    return replace(table, is_maximum=answers), card
