"""Equality of results by what they say."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["EqualByContent"]


class EqualByContent:
    """Base of results: two of one type are equal if their plain values are, which ``to_dict`` returns.

    Example:
        >>> class Share(EqualByContent):
        ...     def __init__(self, value):
        ...         self.value = value
        ...
        ...     def to_dict(self):
        ...         return {"value": self.value}
        >>> Share(0.5) == Share(0.5), Share(0.5) == Share(0.25), len({Share(0.5), Share(0.5)})
        (True, False, 1)
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_dict(), sort_keys=True))
