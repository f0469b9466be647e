"""Compare several models over several seeds on the same batches, in one run folder."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError
from gnnmax.experiments.comparison_spec import ComparisonSpec, Progress
from gnnmax.experiments.data_kinds import kind_of
from gnnmax.experiments.results import RESULTS, Results, encode_results, parse_results, read_results, write_results
from gnnmax.experiments.run_config import CONFIG, NetRecord, RunConfig, check_same_call
from gnnmax.experiments.run_folder import locked_folder, started_run
from gnnmax.experiments.run_records import Log, rewind
from gnnmax.experiments.seed_run import run_seeds
from gnnmax.experiments.sources import (
    Loaded,
    Source,
    check_one_kind,
    load_source,
    record_of,
    source_for_workers,
)
from gnnmax.io.atomic_folders import check_output_folder, remove_leftovers, restored_folder
from gnnmax.io.ownership import RUN
from gnnmax.io.paths import as_path
from gnnmax.io.workers import ExecutorLike, check_executor, check_sendable
from gnnmax.models.architecture import Architecture, named_architectures
from gnnmax.models.inference import resolve_device
from gnnmax.models.matching import match_parameters
from gnnmax.models.seeding import check_seed
from gnnmax.training.config import TrainingConfig, check_config, recorded_training
from gnnmax.training.distributed import is_distributed, is_main_process, joined_processes
from gnnmax.training.tensorboard import check_tensorboard, tensorboard_curves

__all__ = ["CONFIG", "Progress", "compare"]


def _ignore(record: dict[str, Any]) -> None:
    """Ignore a record of training."""


def compare(
    data: Source,
    models: Sequence[Any] | Mapping[str, Any],
    out: str | Path,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    also: Sequence[Source] = (),
    training: TrainingConfig | None = None,
    workers: int = 1,
    executor: ExecutorLike | None = None,
    force: bool = False,
    resume: bool = False,
    command: str = "",
    tensorboard: bool = False,
    on_progress: Progress | None = None,
) -> Results | Any:
    """Train models side by side on the same batches; evaluate them and the explicit rules on the same windows.

    For each seed all models see the same batches in the same order. The weights of the lowest validation log loss
    are kept. Each net then scores every split but train and val, out-of-distribution splits too, and those of every
    data set in ``also``. Each seed is trained in one thread, so the results do not depend on ``workers``. Each data set
    is loaded or drawn once, for all seeds.

    The run folder holds ``config.json`` (the call), ``environment.json`` (versions and machine),
    ``metrics/seed-S.jsonl`` (training records), ``log.txt``, ``MODEL/seed-S/`` (weights) and, last, ``results.json``
    (all data of the report); nothing is written elsewhere. Until then ``checkpoints/`` holds the training checkpoint of
    each seed: a run that was killed at any instant resumes from there, to the same weights and metrics, bit for bit.

    A net whose loss or gradient is not finite stops there, and the others go on; it stands in the results as diverged,
    with its step and without metrics.

    Started by ``torchrun``, the processes share every batch and sum their gradients; the main one evaluates and
    writes, and all return the same results.

    Args:
        data: A shipped recipe's name, a recipe, a data set, or the folder of a stored one, with splits train, val and
            test; or windows or maps, which are split by graph.
        models: Names in :data:`gnnmax.models.registry.MODELS`, or a mapping of names to configs or to nets: other
            configs of a net, or nets of your own, see :func:`gnnmax.models.architecture.named_architectures`. On maps,
            names in :data:`gnnmax.models.maps.registry.MAP_MODELS`, or nets of your own that read maps.
        out: The run folder to write, which must be absent or empty.
        seeds: One training per model and seed: initial weights and order of the windows.
        also: Further data sets with a test split, of other hosts.
        training: Budget and optimiser, the same for all.
        workers: Seeds trained at the same time, each in its own process.
        executor: As for :func:`gnnmax.data.generation.build`; its workers must see the run folder.
        force: Whether to replace a run in ``out``. The old run is kept until the new one is complete: a forced run that
            is stopped leaves it, and must start again.
        resume: Whether to resume a stopped run of the same call; a missing run is started, a finished one is only read.
        command: The command line, for the record.
        tensorboard: Whether to write learning curves to ``tensorboard/`` as well; needs the extra tensorboard.
        on_progress: Called with each record of training, with its ``seed``.

    Returns:
        The content of ``results.json``; on maps, a :class:`gnnmax.experiments.map_results.MapResults`.

    Raises:
        InputError: unknown names, nets that do not read such data, a folder in use, missing splits, windows of a side
            that a net does not accept, an own net that fails, or resuming a run that another call started.
        LostWorkerError: a seed ended its worker process every time.

    References:
        Dror et al., "Deep dominance: how to properly compare deep neural models", ACL 2019 (several seeds, one
        criterion, differences with their uncertainty).

    Example:
        >>> import tempfile
        >>> training = TrainingConfig(steps=2, batch_size=8, evaluate_every=2, device="cpu")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     results = compare("tiny", ["question"], folder + "/run", seeds=[0], training=training)
        >>> results.tests[0].verdicts["argmax"].accuracy
        1.0
    """
    folder = restored_folder(as_path(out, "the run folder"), owner=RUN)
    sources = (data, *also)
    nets = named_architectures(models, maps=check_one_kind(sources))
    training = training or TrainingConfig()
    check_config(training)
    _check_call(seeds, training, force=force, resume=resume)
    _check_engine(nets, workers, executor)
    seeds = [int(seed) for seed in seeds]
    if tensorboard:
        check_tensorboard()
    resuming = resume and os.path.lexists(folder / CONFIG)
    if not resuming and is_main_process():
        check_output_folder(folder, owner=RUN, force=force)
    sets = [load_source(source) for source in sources]
    kind = kind_of(sets[0])
    kind.check(sets, nets, training)
    if training.match == "parameters":
        nets = match_parameters(nets, kind.side(sets[0]))
    spec = ComparisonSpec(
        sources=tuple(map(source_for_workers, sources, sets)), models=nets, training=training, folder=folder.absolute()
    )
    records = [record_of(source, data) for source, data in zip(sources, sets, strict=True)]
    config = _config_of(spec, seeds, data=records, trained_on=sets[0], command=command)
    if resuming:
        check_same_call(folder, config)
        if os.path.lexists(folder / RESULTS):
            return _finished(folder)
    kind.rehearse(nets, sets, training)
    with contextlib.ExitStack() as stack:
        spec, past = stack.enter_context(_working_folder(spec, config, seeds, resuming=resuming, force=force))
        record = on_progress or _ignore
        if tensorboard and is_main_process():
            record = stack.enter_context(_with_curves(spec.folder, record, past))
        return _run(spec, seeds, sets=sets, workers=workers, executor=executor, command=command, on_progress=record)


def _finished(folder: Path) -> Results | Any:
    """Read a finished run; remove the checkpoints that remain if it was killed while it removed them."""
    results = read_results(folder)
    if is_main_process() and (folder / "checkpoints").is_dir():
        with contextlib.suppress(InputError), locked_folder(folder):  # unless another process is about to do so
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return results


@contextlib.contextmanager
def _working_folder(
    spec: ComparisonSpec, config: RunConfig, seeds: Sequence[int], *, resuming: bool, force: bool
) -> Iterator[tuple[ComparisonSpec, list[dict[str, Any]]]]:
    """Lock the run folder, a new or a rewound one; yield the comparison in it, and its records so far."""
    if not is_main_process():
        yield spec, []
    elif resuming:
        with locked_folder(spec.folder):
            remove_leftovers(spec.folder, owner=RUN)
            yield spec, [record for seed in seeds for record in rewind(spec.folder, seed)]
    else:
        with started_run(spec.folder, config, force=force) as folder:
            yield dataclasses.replace(spec, folder=folder), []


def _run(
    spec: ComparisonSpec,
    seeds: Sequence[int],
    *,
    sets: Sequence[Loaded],
    workers: int,
    executor: ExecutorLike | None,
    command: str,
    on_progress: Progress,
) -> Results | Any:
    """Train in this process or in all that torchrun started; the main one evaluates, writes and sends the results."""
    with joined_processes(resolve_device(spec.training.device)) as processes:
        main_folder = processes.broadcast(os.fsencode(spec.folder))
        spec = dataclasses.replace(spec, folder=Path(os.fsdecode(main_folder)))
        if not processes.is_main:
            run_seeds(spec, seeds, sets=sets, workers=1, on_progress=_ignore, processes=processes)
            return parse_results(processes.broadcast(b""))
        log = Log(spec.folder / "log.txt")
        log.write(f"{', '.join(spec.models)} on {sets[0].recipe.name}, seeds {', '.join(map(str, seeds))}")
        outcomes = run_seeds(
            spec,
            seeds,
            sets=sets,
            workers=workers,
            executor=executor,
            on_progress=on_progress,
            processes=processes,
        )
        log.write("trained; evaluating")
        results = kind_of(sets[0]).results(spec, outcomes, sets=sets, command=command)
        write_results(spec.folder, results)
        shutil.rmtree(spec.folder / "checkpoints")
        log.write("done")
        processes.broadcast(encode_results(results))
        return results


def _config_of(
    spec: ComparisonSpec, seeds: Sequence[int], *, data: Sequence[Any], trained_on: Loaded, command: str
) -> RunConfig:
    """Describe a call in plain values: a run is resumed by the same call only."""
    return RunConfig(
        command=command,
        recipe=trained_on.recipe.to_dict(),
        digest=trained_on.recipe.digest,
        data=data[0],
        also=list(data[1:]),
        models={name: NetRecord(**net.to_dict()) for name, net in spec.models.items()},
        training=recorded_training(spec.training),
        seeds=list(seeds),
    )


def _check_call(seeds: Sequence[int], training: TrainingConfig, *, force: bool, resume: bool) -> None:
    if force and resume:
        raise InputError("force starts a run again and resume continues one: choose one of the two")
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds must be at least one non-negative integer, each once, not {list(seeds)}")
    for seed in seeds:
        check_seed(seed)
    if training.match == "seconds" and is_distributed():
        raise InputError("several processes have several clocks: match steps or parameters, or train in one process")


def _check_engine(nets: Mapping[str, Architecture], workers: int, executor: ExecutorLike | None) -> None:
    """Check where the seeds are trained, and that the nets can be sent there."""
    if workers < 1:
        raise InputError(f"workers must be at least 1, not {workers}")
    check_executor(executor)
    if workers > 1 and is_distributed():
        raise InputError(
            f"under torchrun the processes share each batch, one seed at a time: workers must be 1, not {workers}"
        )
    if executor is not None and is_distributed():
        raise InputError("under torchrun the processes share each batch, one seed at a time: pass no executor")
    if workers > 1 or executor is not None:
        for name, net in nets.items():
            check_sendable(net.origin, f"the factory of {name}", executor)


@contextlib.contextmanager
def _with_curves(folder: Path, on_progress: Progress, past: Sequence[dict[str, Any]]) -> Iterator[Progress]:
    """Send every record to TensorBoard as well, after those of a stopped run."""
    with tensorboard_curves(folder / "tensorboard", past) as write:

        def both(record: dict[str, Any]) -> None:
            write(record)
            on_progress(record)

        yield both
