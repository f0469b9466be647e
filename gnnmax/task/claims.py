"""Checks: a claim, whether it holds, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """A claim, whether it holds, and the evidence."""

    claim: str
    holds: bool
    found: str
