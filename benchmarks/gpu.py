"""Training on a GPU, and equality of verdicts with the CPU: ``python -m benchmarks.gpu [--markdown]``.

For each net: training windows per second (forward, backward, clipping, AdamW) in float32 and under bfloat16 autocast,
and the share of the card's matrix-product peak. The floating-point operations are those of torch's own counter. Then
scores and verdicts of the same weights on the CPU and on the GPU, and the cost of drawing windows.
"""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_timing import peak, timed, write_part
from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.stream import stream_windows
from gnnmax.errors import InputError
from gnnmax.evaluation.evaluator import evaluate
from gnnmax.models.inference import scored
from gnnmax.models.model_folders import load_model, shipped_models
from gnnmax.models.registry import build_model
from gnnmax.models.tensors import Inputs, inputs_of
from gnnmax.task.windows import Windows
from gnnmax.training.config import Precision, TrainingConfig
from gnnmax.training.precision import autocast_context, check_precision

NETS = ("cnn", "gnn", "exchangeable", "product")
BATCHES = (128, 4096)
SIDE = 9
PAGE = Path(__file__).with_name("README.md")


@dataclass(frozen=True)
class Throughput:
    """One net at one batch size and precision: windows per second, and operations per second."""

    net: str
    batch: int
    precision: Precision
    windows: float
    operations: float


def windows(size: int) -> tuple[Inputs, Tensor]:
    """Draw random windows with contexts, and labels, on the GPU."""
    rng = torch.Generator("cuda").manual_seed(0)
    values, rows, columns = (torch.randn(size, SIDE, SIDE, device="cuda", generator=rng) for _ in range(3))
    return (values, rows, columns), (torch.rand(size, device="cuda", generator=rng) < 0.5).float()


def throughput(name: str, batch: int, precision: Precision) -> Throughput:
    """Time the update of a net as in training."""
    config = TrainingConfig()
    net = build_model(name, SIDE).cuda().train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    inputs, labels = windows(batch)

    def update() -> None:
        optimiser.zero_grad()
        with autocast_context(precision, labels.device):
            scores = net(*inputs)
        functional.binary_cross_entropy_with_logits(scores.float(), labels).backward()
        nn.utils.clip_grad_norm_(net.parameters(), config.clip_norm)
        optimiser.step()

    with FlopCounterMode(display=False) as counter:
        update()
    seconds = timed(update)
    return Throughput(name, batch, precision, batch / seconds, counter.get_total_flops() / seconds)


def throughput_table(peaks: dict[Precision, float]) -> list[str]:
    """Time all nets and write the table."""
    lines = ["| net | batch | precision | windows/s | share of the GEMM peak |", "| --- | ---: | --- | ---: | ---: |"]
    for name, batch, precision in itertools.product(NETS, BATCHES, peaks):
        found = throughput(name, batch, precision)
        share = 100 * found.operations / peaks[precision]
        lines.append(f"| {name} | {batch:,} | {precision} | {found.windows:,.0f} | {share:.2g} % |")
    return lines


def bfloat16_table() -> list[str]:
    """List the data sets on which bfloat16 training is allowed, because it makes no ties with the centre."""
    lines = ["| recipe | bfloat16 |", "| --- | --- |"]
    for name in ("spike-9", "noise-9-mu3", "bump-9-shuffled", "tiles-9"):
        w = build(load_recipe(name).replace(splits={"test": 20})).test
        try:
            check_precision(w, "bfloat16", "windows")
            answer = "allowed: no ties"
        except InputError as error:
            answer = f"refused: {str(error).split(':')[0]}"
        lines.append(f"| {name} | {answer} |")
    return lines


def verdict_table() -> list[str]:
    """Score the same windows with the same weights on both devices and compare scores, decisions and verdicts."""
    lines = [
        "| net | windows | largest difference of a score, in sd | other decisions | equal verdicts |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for recipe, name in itertools.product(("spike-9", "bump-9-shuffled"), NETS):
        w = build(load_recipe(recipe).replace(contexts=True, splits={"test": 60})).test
        module = load_model(name, "cpu").module if name in shipped_models() else build_model(name, SIDE)
        lines.append(f"| {name} | {recipe} | {compared(module, w)} |")
    return lines


def compared(module: nn.Module, w: Windows) -> str:
    """Write three cells: largest difference of a score, differing decisions, whether the verdicts are equal."""
    scores = []
    for device in ("cpu", "cuda"):
        inputs = inputs_of(w, slice(None), torch.device(device))
        scores.append(scored(module.to(device), inputs).cpu().numpy())
    centre = float(np.median(scores[0]))  # fresh weights decide the same for all windows around 0
    verdicts = [evaluate(each - centre, w, resamples=200).to_dict() for each in scores]
    apart = float(np.abs(scores[0] - scores[1]).max() / scores[0].std())
    flips = int(np.count_nonzero((scores[0] > centre) != (scores[1] > centre)))
    same = verdicts[0]["accuracy"] == verdicts[1]["accuracy"]
    equal = same and abs(verdicts[0]["auroc"] - verdicts[1]["auroc"]) < 1e-6
    return f"{apart:.1e} | {flips} | {'yes' if equal else 'no'}"


def drawing() -> str:
    """Return the cost of drawing a window of the stream, on one core of the CPU."""
    stream = stream_windows(load_recipe("spike-9"), "train", batch=4096)
    next(stream)
    started = time.perf_counter()
    for _ in range(10):
        next(stream)
    seconds = (time.perf_counter() - started) / 40_960
    return f"Drawing a window of spike-9 costs {1e6 * seconds:.1f} us: {1 / seconds:,.0f} windows/s a core."


def main(words: list[str]) -> int:
    """Measure everything and print it; return 2 if there is no GPU."""
    if not torch.cuda.is_available():
        sys.stderr.write("this benchmark needs a GPU that torch finds\n")
        return 2
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    peaks: dict[Precision, float] = {"float32": peak(torch.float32), "bfloat16": peak(torch.bfloat16)}
    written = "; ".join(f"{name} {1e-12 * each:.1f} TFLOP/s" for name, each in peaks.items())
    lines = [
        f"`python -m benchmarks.gpu`, {torch.cuda.get_device_name()}, torch {torch.__version__}, k = {SIDE}, no TF32.",
        f"Peak of an 8,192 x 8,192 matrix product: {written}. {drawing()}",
        "",
        *throughput_table(peaks),
        "",
        *bfloat16_table(),
        "",
        *verdict_table(),
    ]
    print("\n".join(lines))
    if "--markdown" in words:
        write_part(PAGE, "gpu", lines)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
