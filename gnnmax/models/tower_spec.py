"""Specifications of plain convolution towers: their choices, image sizes and exact symmetry. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gnnmax.errors import InputError
from gnnmax.task.symmetry_groups import GROUPS, Group, strided

__all__ = ["Downsampling", "Padding", "TowerSpec", "convolved_side", "margins", "sampled_side"]

Padding = Literal["valid", "zero", "circular", "full"]
Downsampling = Literal["stride", "max", "average", "blur", "polyphase"]
Head = Literal["flatten", "global", "centre"]


def margins(kernel: int, padding: Padding) -> tuple[int, int]:
    """Return the number of rows (columns) that a convolution adds before and after the image.

    Where the kernel is even, "same" padding adds the odd one after, as Keras does.

    Example:
        >>> margins(3, "zero"), margins(2, "zero"), margins(3, "full"), margins(3, "valid")
        ((1, 1), (0, 1), (2, 2), (0, 0))
    """
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return kernel - 1, kernel - 1
    return (kernel - 1) // 2, kernel // 2


def convolved_side(side: int, kernel: int, padding: Padding, stride: int = 1) -> int:
    """Return the side of a convolution's output.

    ``(side + before + after - kernel) // stride + 1``, which is

    - valid: ``(side - kernel) // stride + 1``; at stride 1 ``side - (kernel - 1)``, and not ``side - kernel // 2``, as
      the answer to the public question has it: a kernel of 5 takes four rows from the image, two at either end;
    - zero or circular, "same": ``ceil(side / stride)``;
    - full: ``(side + kernel - 2) // stride + 1``; at stride 1 ``side + (kernel - 1)``.

    A result below 1 means that the convolution has no output.

    References:
        Dumoulin, Visin, "A guide to convolution arithmetic for deep learning", 2016.

    Example:
        >>> convolved_side(9, 5, "valid"), convolved_side(9, 3, "zero", stride=2), convolved_side(9, 3, "full")
        (5, 5, 11)
    """
    return (side + sum(margins(kernel, padding)) - kernel) // stride + 1


def sampled_side(side: int, step: int) -> int:
    """Return the side of an image after keeping, or pooling, every ``step``-th row and column: rounded up.

    Example:
        >>> sampled_side(9, 2), sampled_side(9, 3), sampled_side(3, 2)
        (5, 3, 2)
    """
    return math.ceil(side / step)


@dataclass(frozen=True)
class TowerSpec:
    """A convolution tower: convolutions with ReLU, each perhaps followed by a coarser grid, and a linear head.

    Attributes:
        channels: Number of channels of each convolution's output.
        steps: Downsampling factor after each convolution; empty for 1 throughout.
        kernel: Side of the kernels.
        padding: ``valid``: none. ``zero``: zeros, the side stays. ``circular``: the opposite border, the side stays.
            ``full``: zeros, so that every weight meets every entry; such layers have no biases, because a bias would
            make the border differ from the zeros around it.
        downsampling: How to downsample. ``stride``: by the convolution itself. ``max``, ``average``: over blocks.
            ``blur``: binomial blur, then a stride. ``polyphase``: keep the subgrid with the largest
            norm.
        head: ``flatten``: one weight per entry and channel. ``global``: maximum and mean over the image. ``centre``:
            the features in the middle.
        coordinates: Whether two more channels hold the position of each entry.

    Raises:
        InputError: the number of steps differs from the number of convolutions.

    Example:
        >>> TowerSpec(channels=(8, 8), steps=(1, 3), padding="circular", head="global").group.name
        '3Z_k x 3Z_k'
    """

    channels: tuple[int, ...]
    steps: tuple[int, ...] = ()
    kernel: int = 3
    padding: Padding = "zero"
    downsampling: Downsampling = "stride"
    head: Head = "flatten"
    coordinates: bool = False

    def __post_init__(self) -> None:
        if self.steps and len(self.steps) != len(self.channels):
            raise InputError(f"{len(self.channels)} convolutions take as many steps, not {len(self.steps)}")

    @property
    def stages(self) -> list[tuple[int, int]]:
        """Channels and step of each stage."""
        return list(zip(self.channels, self.steps or (1,) * len(self.channels), strict=True))

    @property
    def biases(self) -> bool:
        """Whether convolutions have biases."""
        return self.padding != "full"

    @property
    def group(self) -> Group:
        """The group that a net of this specification is invariant to, for any weights.

        Only a circular image without landmarks has translations. Downsampling keeps the translations that map the
        grid onto itself; polyphase downsampling keeps all, because the content chooses the grid.
        """
        if self.padding != "circular" or self.head != "global" or self.coordinates:
            return GROUPS["none"]
        return GROUPS["cyclic"] if self.downsampling == "polyphase" else strided(math.prod(self.steps))

    def sides(self, k: int) -> list[int]:
        """Return the side of the image after each stage.

        Raises:
            InputError: a valid convolution has no output.

        Example:
            >>> TowerSpec(channels=(8, 8), kernel=2, padding="valid").sides(9)
            [8, 7]
        """
        found, side = [], k
        for number, (_, step) in enumerate(self.stages):
            stride = step if self.downsampling == "stride" else 1
            side = convolved_side(side, self.kernel, self.padding, stride)
            if side < 1:
                raise InputError(
                    f"windows of side {k} are used up by {number + 1} {self.padding} convolutions of {self.kernel} x "
                    f"{self.kernel}: take fewer layers or larger windows"
                )
            side = side if self.downsampling == "stride" else sampled_side(side, step)
            found.append(side)
        return found
