"""Small SVG pictures drawn cell by cell: windows as matrices, and heat maps of decisions over offsets."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from gnnmax.evaluation.verdict import Offsets
from gnnmax.experiments.results import Picture
from gnnmax.io.ownership import MADE_BY

__all__ = ["heat_map_strip", "heat_map_svg", "window_svg"]

MAKER = f"<!-- {MADE_BY} -->"
"""Says that the file is ours, and may be written again."""

STRIP_STYLE = """
.cell { fill: #0f766e; } .edge { fill: none; stroke: #8a919b; stroke-width: .5; }
.ring { fill: none; stroke: #d9480f; stroke-width: 2; }
text { font: 9px system-ui, sans-serif; fill: #57606a; text-anchor: middle; } .on { fill: #fff; }
.title { font-size: 14px; font-weight: 600; }
"""
"""Style of a stand-alone picture, readable on light and dark pages."""


def window_svg(picture: Picture, side: int = 13) -> str:
    """Draw a window: darker is larger, its largest entry is ringed, its centre is cornered.

    Args:
        picture: The window.
        side: Of a cell, in pixels.

    Returns:
        An ``<svg>`` element coloured by the classes ``cell``, ``edge``, ``ring`` and ``centre``.
    """
    values = picture.values
    k, entries = len(values), [value for row in values for value in row]
    least, greatest = min(entries), max(entries)
    span = (greatest - least) or 1.0
    parts = []
    for r, row in enumerate(values):
        for c, value in enumerate(row):
            place = f'x="{c * side + 1}" y="{r * side + 1}" width="{side}" height="{side}"'
            shade = 0.0 if value == 0 else 0.08 + 0.92 * ((value - least) / span) ** 0.7
            parts.append(f'<rect class="cell" {place} fill-opacity="{shade:.2f}"><title>{value:g}</title></rect>')
            parts.append(f'<rect class="edge" {place}/>')
    for r, row in enumerate(values):
        for c, value in enumerate(row):
            if value == greatest:
                parts.append(_ring(r, c, side))
    parts.append(_corners(k // 2, side))
    size = k * side + 2
    label = f"{picture.kind} window, {k} by {k}"
    return f'<svg width="{size}" height="{size}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _ring(row: int, column: int, side: int) -> str:
    return (
        f'<rect class="ring" x="{column * side + 1.5}" y="{row * side + 1.5}" width="{side - 1}" height="{side - 1}"/>'
    )


def _corners(middle: int, side: int) -> str:
    """Mark the centre cell at its four corners."""
    low, high, tick = middle * side + 1, (middle + 1) * side + 1, side / 4
    corners = [(low, low, 1, 1), (high, low, -1, 1), (low, high, 1, -1), (high, high, -1, -1)]
    path = "".join(f"M{x + dx * tick:g},{y}H{x}V{y + dy * tick:g}" for x, y, dx, dy in corners)
    return f'<path class="centre" d="{path}"/>'


def heat_map_svg(heat_map: Offsets, side: int = 25) -> str:
    """Draw the share of windows called centred over the offset of their maximum, in per cent.

    Args:
        heat_map: Shares and counts, shape ``(k, k)``.
        side: Of a cell, in pixels.

    Returns:
        An ``<svg>`` element; the offset (0, 0), where the share should be 100, is ringed.
    """
    size = len(heat_map.flagged) * side + 2
    cells = _heat_map_cells(heat_map, side)
    return f'<svg width="{size}" height="{size}" role="img" aria-label="share called centred, by offset">{cells}</svg>'


def _heat_map_cells(heat_map: Offsets, side: int) -> str:
    parts, half = [], len(heat_map.flagged) // 2
    for r, row in enumerate(heat_map.to_dict()["flagged"]):
        for c, share in enumerate(row):
            x, y = c * side + 1, r * side + 1
            tip = f"offset ({r - half}, {c - half}): " + (
                "no window" if share is None else f"{100 * share:.1f} % of {heat_map.count[r][c]} windows"
            )
            place = f'x="{x}" y="{y}" width="{side}" height="{side}"'
            parts.append(f'<rect class="cell" {place} fill-opacity="{share or 0:.3f}"><title>{tip}</title></rect>')
            parts.append(f'<rect class="edge" {place}/>')
            text = "" if share is None else f"{100 * share:.0f}"
            shade = ' class="on"' if (share or 0) > 0.45 else ""
            parts.append(f'<text{shade} x="{x + side / 2:g}" y="{y + side / 2 + 3:g}">{text}</text>')
    parts.append(_ring(half, half, side))
    return "".join(parts)


def heat_map_strip(named: Sequence[tuple[str, Offsets]], side: int = 24) -> str:
    """Draw several heat maps side by side as one self-contained SVG file.

    Args:
        named: Titles and heat maps of one side k.
        side: Of a cell, in pixels.

    Example:
        >>> offsets = Offsets.from_dict({"flagged": [[0.0, 1.0], [None, 0.0]], "count": [[1, 1], [0, 1]]})
        >>> strip = heat_map_strip([("rule", offsets)])
        >>> strip.startswith("<svg xmlns=")
        True
    """
    width = max(len(heat_map.flagged) for _, heat_map in named) * side + 2
    parts = []
    for place, (title, heat_map) in enumerate(named):
        parts.append(
            f'<g transform="translate({place * (width + 24)}, 0)">'
            f'<text class="title" x="{width / 2:g}" y="16">{escape(title)}</text>'
            f'<g transform="translate(0, 28)">{_heat_map_cells(heat_map, side)}</g></g>'
        )
    size = f'width="{len(named) * (width + 24) - 24}" height="{width + 28}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{MAKER}<style>{STRIP_STYLE}</style>{"".join(parts)}</svg>\n'
