"""The map product net on a GPU and on the CPU: ``python -m benchmarks.gpu_maps [--markdown]``.

For maps of several sizes: maps per second in training (forward, backward, clipping, AdamW) in float32 and under
bfloat16 autocast, and the share of the card's matrix-product peak; the floating-point operations are those of torch's
own counter. Then the time of scoring, and scores and places of the same weights on the CPU and on the GPU.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_timing import peak, timed, write_part
from gnnmax.models.maps.product import MapProductNet

SIZES = ((64, 64), (256, 8), (1_000, 1))
"""Side of a map, and maps in a batch."""

REPEATS = 8
PAGE = Path(__file__).with_name("README.md")


def maps(n: int, batch: int) -> tuple[Tensor, Tensor]:
    """Draw symmetric maps of a line of nodes in unit noise, and one place each, on the GPU."""
    rng = torch.Generator("cuda").manual_seed(0)
    noise = torch.randn(batch, n, n, device="cuda", generator=rng).triu()
    place = torch.arange(n, device="cuda").float()
    line = 4 * torch.exp(-(place[:, None] - place).abs() / 3)
    return line + noise + noise.triu(1).mT, torch.randint(n * n, (batch,), device="cuda", generator=rng)


def training_row(n: int, batch: int, precision: str, peaks: dict[str, float]) -> str:
    """Time the update of the net as in training, and write a row."""
    net = MapProductNet().cuda().train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    values, places = maps(n, batch)

    def update() -> None:
        optimiser.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bfloat16"):
            scores = net(values, symmetric=True)
        functional.cross_entropy(scores.float().flatten(1), places).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()

    with FlopCounterMode(display=False) as counter:
        update()
    torch.cuda.reset_peak_memory_stats()
    seconds = timed(update, REPEATS)
    share = 100 * counter.get_total_flops() / seconds / peaks[precision]
    memory = torch.cuda.max_memory_allocated() / 1e9
    return f"| {n:,} | {batch} | {precision} | {batch / seconds:,.1f} | {share:.2g} % | {memory:.1f} GB |"


@torch.no_grad()
def verdict_row(n: int, batch: int) -> str:
    """Score the same maps with the same weights on both devices, and write a row."""
    net = MapProductNet().eval()
    values, _ = maps(n, min(batch, 16))
    on_cpu = net(values.cpu(), symmetric=True).flatten(1)
    net = net.cuda()
    on_gpu = net(values, symmetric=True).flatten(1)
    with torch.autocast("cuda", torch.bfloat16):
        halved = net(values, symmetric=True).flatten(1)
    seconds = timed(lambda: net(values, symmetric=True), REPEATS)
    apart = ((on_gpu.cpu() - on_cpu).abs().max() / on_cpu.std()).item()
    same = (values_at(on_gpu, on_gpu.argmax(1)) == values_at(on_gpu, on_cpu.argmax(1).cuda())).float().mean()
    half = (halved.argmax(1) == on_gpu.argmax(1)).float().mean()
    milliseconds = 1000 * seconds / len(values)
    return f"| {n:,} | {milliseconds:,.2f} ms | {apart:.1e} | {100 * same:.0f} % | {100 * half:.0f} % |"


def values_at(scores: Tensor, places: Tensor) -> Tensor:
    """Return the scores at one place of each map, shape ``(B,)``: mirror images have equal ones."""
    return scores.gather(1, places[:, None])[:, 0]


def main(words: list[str]) -> int:
    """Measure everything and print it; return 2 if there is no GPU."""
    if not torch.cuda.is_available():
        sys.stderr.write("this benchmark needs a GPU that torch finds\n")
        return 2
    torch.backends.cuda.matmul.allow_tf32 = False
    peaks = {"float32": peak(torch.float32), "bfloat16": peak(torch.bfloat16)}
    lines = [
        f"`python -m benchmarks.gpu_maps`, {torch.cuda.get_device_name()}, torch {torch.__version__}, no TF32, "
        "map-product with its default config.",
        "",
        "| n | batch | precision | maps/s in training | share of the GEMM peak | memory |",
        "| ---: | ---: | --- | ---: | ---: | ---: |",
        *(training_row(n, batch, precision, peaks) for n, batch in SIZES for precision in peaks),
        "",
        "| n | scoring a map | largest difference from the CPU, in sd | same places | same under bfloat16 |",
        "| ---: | ---: | ---: | ---: | ---: |",
        *(verdict_row(n, batch) for n, batch in SIZES),
    ]
    print("\n".join(lines))
    if "--markdown" in words:
        write_part(PAGE, "gpu maps", lines)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
