"""Hosts that splits may not share: fixed ones occur once, and hosts from one file have no node in common."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from gnnmax.data.hosts.families import Family
from gnnmax.data.hosts.own_files import File

__all__ = ["repeated_hosts"]


def repeated_hosts(hosts: Iterable[Family]) -> list[str]:
    """List every fixed host that occurs in the splits more than once.

    Example:
        >>> from gnnmax.data.hosts.families import Real
        >>> repeated_hosts([Real("karate_club"), Real("les_miserables")])
        []
        >>> len(repeated_hosts([Real("karate_club"), Real("karate_club")]))
        1
    """
    seen: set[Family] = set()
    found = []
    for host in hosts:
        if host in seen:
            found.append(f"real hosts and those from a file occur once in all splits, and this one more often: {host}")
        seen.add(host)
    return found + _overlapping_files(seen)


def _overlapping_files(hosts: Iterable[Family]) -> list[str]:
    """List every file with two hosts that may share nodes: no pair of nodes is in two splits."""
    cuts: dict[str, set[tuple[int, str] | None]] = {}
    for host in hosts:
        if isinstance(host, File):
            part = None if host.part is UNSET else (host.part.of, host.part.along)
            cuts.setdefault(host.sha256, set()).add(part)
    return [
        f"hosts from the file of digest {digest[:12]} share nodes: cut it into parts once, the same number for all"
        for digest, kinds in cuts.items()
        if len(kinds) > 1
    ]
