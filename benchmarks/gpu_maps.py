"""The shipped nets on maps, on a GPU and on the CPU: ``python -m benchmarks.gpu_maps [--markdown]``.

For line maps of several sizes: maps per second in training (forward, backward, clipping, AdamW) in float32 and under
bfloat16 autocast, and the share of the card's matrix-product peak; the floating-point operations are those of torch's
own counter. Then the time of scoring, and scores and places of the same weights on the CPU and on the GPU.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_timing import peak, timed, write_part
from gnnmax.models.inference import full_precision
from gnnmax.models.maps.trained import load_map_model
from gnnmax.training.drawn_maps import LineMaps
from gnnmax.training.objectives import NO_PLACE, PlaceObjective

SIZES = ((64, 64), (256, 8), (1_000, 1))
"""Side of a map, and maps in a batch."""

NETS = ("map-product", "map-cnn")
REPEATS = 8
PAGE = Path(__file__).with_name("README.md")


def shipped(name: str) -> nn.Module:
    """Load a net with its weights, on the CPU."""
    return load_map_model(name, device="cpu").module


def maps(name: str, n: int, batch: int) -> tuple[Tensor, Tensor, PlaceObjective]:
    """Draw line maps with one peak each on the GPU, in random order for nets that ignore it; values, codes and loss."""
    source = LineMaps(n, batch, torch.device("cuda"), shuffled=name == "map-product", amplitude=(3.0, 3.0))
    return *source.draw(torch.Generator("cuda").manual_seed(0)), source.objective


def training_row(name: str, n: int, batch: int, precision: str, peaks: dict[str, float]) -> str:
    """Time the update of a net as in training, and write a row."""
    net = shipped(name).cuda().train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    values, codes, objective = maps(name, n, batch)

    def update() -> None:
        optimiser.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bfloat16"):
            scores = net(values, symmetric=True)
        objective.loss(scores.float(), codes).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()

    with FlopCounterMode(display=False) as counter:
        update()
    torch.cuda.reset_peak_memory_stats()
    seconds = timed(update, REPEATS)
    share = 100 * counter.get_total_flops() / seconds / peaks[precision]
    memory = torch.cuda.max_memory_allocated() / 1e9
    return f"| {name} | {n:,} | {batch} | {precision} | {batch / seconds:,.1f} | {share:.2g} % | {memory:.1f} GB |"


@full_precision(torch.device("cuda"))
@torch.no_grad()
def verdict_row(name: str, n: int, batch: int) -> str:
    """Score the same maps with the same weights on both devices, and write a row."""
    net = shipped(name)
    values, codes, _ = maps(name, n, batch)
    place = (codes != NO_PLACE).flatten(1)
    on_cpu = net(values.cpu(), symmetric=True).flatten(1)
    net = net.cuda()
    on_gpu = net(values, symmetric=True).flatten(1)
    with torch.autocast("cuda", torch.bfloat16):
        halved = net(values, symmetric=True).float().flatten(1)
    seconds = timed(lambda: net(values, symmetric=True), REPEATS)
    apart = ((on_gpu.cpu() - on_cpu).abs().max() / on_cpu.std()).item()
    best = best_place(on_gpu, place)
    same = (best == best_place(on_cpu.cuda(), place)).float().mean()
    half = (best == best_place(halved, place)).float().mean()
    milliseconds = 1000 * seconds / len(values)
    return f"| {name} | {n:,} | {milliseconds:,.2f} ms | {apart:.1e} | {100 * same:.0f} % | {100 * half:.0f} % |"


def best_place(scores: Tensor, place: Tensor) -> Tensor:
    """Return the place of the highest score of each map, shape ``(B,)``."""
    return scores.masked_fill(~place, -torch.inf).argmax(dim=1)


def main(words: list[str]) -> int:
    """Measure everything and print it; return 2 if there is no GPU."""
    if not torch.cuda.is_available():
        sys.stderr.write("this benchmark needs a GPU that torch finds\n")
        return 2
    torch.backends.cuda.matmul.allow_tf32 = False
    peaks = {"float32": peak(torch.float32), "bfloat16": peak(torch.bfloat16)}
    lines = [
        f"`python -m benchmarks.gpu_maps`, {torch.cuda.get_device_name()}, torch {torch.__version__}, TF32 in "
        "convolutions of trainings, shipped weights, line maps with a peak of amplitude 3.",
        "",
        "| net | n | batch | precision | maps/s in training | share of the GEMM peak | memory |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: |",
        *(training_row(name, *size, precision, peaks) for name in NETS for size in SIZES for precision in peaks),
        "",
        "| net | n | scoring a map | largest difference from the CPU, in sd | same places | same under bfloat16 |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(verdict_row(name, *size) for name in NETS for size in SIZES),
    ]
    print("\n".join(lines))
    if "--markdown" in words:
        write_part(PAGE, "gpu maps", lines)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
