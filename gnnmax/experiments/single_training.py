"""Train one net from one seed: a comparison of one."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.sources import Source, check_one_kind
from gnnmax.models.architecture import named_architectures
from gnnmax.models.maps.trained import load_map_model
from gnnmax.models.model_folders import load_model
from gnnmax.models.trained import TrainedModel
from gnnmax.training.config import TrainingConfig
from gnnmax.training.distributed import is_distributed
from gnnmax.training.learner import TrainingError

__all__ = ["train"]


def train(
    data: Source,
    model: str | Callable[..., Any] | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    seed: int = 0,
    also: Sequence[Source] = (),
    training: TrainingConfig | None = None,
    force: bool = False,
    resume: bool = False,
    command: str = "",
    tensorboard: bool = False,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
) -> TrainedModel | Any:
    """Train one net from one seed, as :func:`gnnmax.compare` trains each of its nets.

    Args:
        data: As for :func:`gnnmax.compare`, with splits train, val and test.
        model: A name in ``gnnmax.MODELS``; a text ``NAME=FILE.py:CLASS``; a factory, see
            :mod:`gnnmax.models.own_nets`; or a mapping of one name to its config or to a net.
        out: The run folder to write, with weights, metrics and results; None writes none.
        seed: Seed of the initial weights and of the order of the windows.
        also: Further data sets to test on, for the results in ``out``.
        training: Budget and optimiser.
        force: As for :func:`gnnmax.compare`.
        resume: As for :func:`gnnmax.compare`.
        command: The command line, for the record.
        tensorboard: As for :func:`gnnmax.compare`.
        on_progress: As for :func:`gnnmax.compare`.

    Returns:
        The trained net, a scorer, with the weights of the lowest validation log loss; on maps, a
        :class:`gnnmax.models.maps.trained.TrainedMapModel`.

    Raises:
        InputError: as for :func:`gnnmax.compare`; several nets, or several processes of torchrun.
        TrainingError: a loss or a gradient is not finite; results are in ``out`` all the same.

    Example:
        >>> import gnnmax
        >>> net = train("tiny", {"gnn": {"width": 4}}, training=TrainingConfig(steps=3, device="cpu"))
        >>> net.name, net.score(gnnmax.build(gnnmax.load_recipe("tiny")).test).dtype
        ('gnn', dtype('float32'))
    """
    maps = check_one_kind((data, *also))
    nets = named_architectures(model if isinstance(model, Mapping) else [model], maps=maps)
    if len(nets) != 1:
        raise InputError(f"train takes one net, not {', '.join(nets)}: compare trains several")
    if is_distributed():
        raise InputError("train returns a net to one process: call compare, or 'gnnmax train', under torchrun")
    if out is None and resume:
        raise InputError("resuming needs a run folder that stays: give out")
    (name,) = nets
    training = training or TrainingConfig()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "run" if out is None else Path(out)
        results = compare(
            data,
            nets,
            folder,
            seeds=(seed,),
            also=also,
            training=training,
            force=force,
            resume=resume,
            command=command,
            tensorboard=tensorboard,
            on_progress=on_progress,
        )
        for divergence in results.models[0].diverged:
            raise TrainingError(divergence.reason)
        if maps:
            return load_map_model(folder / name / f"seed-{seed}", training.device, net=nets[name])
        return load_model(folder / name / f"seed-{seed}", training.device, net=nets[name])
