"""Architectures: a net before its training, of the registry or your own, with its config, under a name of its run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from gnnmax.errors import InputError, unknown_name
from gnnmax.models.entry import Config, NetEntry
from gnnmax.models.maps.entries import sliding_name
from gnnmax.models.maps.registry import MAP_MODELS
from gnnmax.models.own_nets import own_entry
from gnnmax.models.references import absolute, find_factory, installed_nets, is_reference, title_of
from gnnmax.models.registry import MODELS
from gnnmax.task.rules import RULES

__all__ = [
    "LONGEST",
    "NETS",
    "Architecture",
    "Given",
    "architecture_of",
    "check_net_name",
    "named_architectures",
    "parse_name",
    "registry_of",
]

Given = str | Mapping[str, Any] | Callable[..., Any] | Config | tuple[Any, Any] | None
"""What may stand for a net: see :func:`architecture_of`."""

LONGEST = 1000
"""Characters of a reference that a model's card holds."""

NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,59}"
"""What a net in a run may be called: folders and checkpoints have this name."""

DEVICES = r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?"
"""Names that Windows keeps for devices, with any ending: no file and no folder can have them there."""

NETS: dict[str, NetEntry] = {**MODELS, **MAP_MODELS}
"""Every net of the package, on windows and on maps; no name is in both registries."""

SLIDING = sliding_name("")
"""How the names of nets on windows begin that slide over maps."""

RESERVED = ("checkpoints", "metrics", "tensorboard", "seed-")
"""Beginnings of names that the files of a run have."""


@dataclass(frozen=True, eq=False)
class Architecture:
    """A net before its training: which one, and its config. Worker processes find an own net again.

    Attributes:
        reference: A key of :data:`NETS`, or the reference of an own net as it was given.
        plain: Its config in plain values.
        sha256: Digest of the file that defines an own net; empty if there is none.
        origin: Where an own net is found, see :func:`gnnmax.models.references.find_factory`; None for the registry.

    Example:
        >>> wide = architecture_of("wide", ("gnn", {"width": 64}))
        >>> wide.reference, wide.config.width, wide.ceiling(9)
        ('gnn', 64, 1.0)
    """

    reference: str
    plain: dict[str, Any]
    sha256: str = ""
    origin: Any = None

    @cached_property
    def entry(self) -> NetEntry:
        """Its entry.

        Raises:
            InputError: an own net whose file was changed since the run began, or whose code fails.
        """
        if self.origin is None:
            return NETS[self.reference]
        found = find_factory(self.origin)
        if isinstance(self.origin, str) and found.sha256 != self.sha256:  # a factory itself is sent as it is
            raise InputError(
                f"the file of {self.reference} was changed while the run went on (SHA-256 {self.sha256[:12]} when it "
                f"began, {found.sha256[:12]} now): restore the file and resume, or start again with --force"
            )
        return own_entry(self.reference, found.make)

    @cached_property
    def config(self) -> Any:
        """Its config, of the net's own type."""
        return self.entry.parse(self.plain)

    @property
    def is_own(self) -> bool:
        """Whether it is a net of the caller's, not of the registry."""
        return self.origin is not None

    def build(self, k: int | None, seed: int = 0) -> nn.Module:
        """Build the net with fresh weights, on the CPU, see :meth:`gnnmax.models.entry.NetEntry.make`."""
        return self.entry.make(k, self.config, seed)

    def outline(self, k: int | None) -> dict[str, Tensor]:
        """Return the names, shapes and types of the weights; those of the registry are not allocated."""
        if self.is_own:  # its code need not run without memory
            return self.build(k).state_dict()
        with torch.device("meta"):
            return self.build(k).state_dict()

    def parameter_count(self, k: int | None) -> int:
        """Return the number of trainable parameters."""
        return sum(weight.numel() for weight in self.build(k).parameters() if weight.requires_grad)

    def ceiling(self, k: int | None) -> float | None:
        """Return the accuracy ceiling of its symmetry; None if it declares none."""
        return self.entry.ceiling(k, self.config)

    def changed(self, **values: Any) -> Architecture:
        """Return the architecture with other values in its config.

        Raises:
            InputError: an unknown field, or a value outside its bounds.
        """
        config = self.entry.parse({**self.plain, **values})
        return Architecture(self.reference, msgspec.to_builtins(config), self.sha256, self.origin)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for the record of a run."""
        return {"model": self.reference, "config": self.plain, "sha256": self.sha256}

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def registry_of(*, maps: bool) -> dict[str, NetEntry]:
    """Return the registry of nets on maps, or of nets on windows.

    Example:
        >>> "gnn" in registry_of(maps=False), "gnn" in registry_of(maps=True)
        (True, False)
    """
    return dict(MAP_MODELS) if maps else dict(MODELS)


def architecture_of(name: str, given: Given | Architecture = None, *, maps: bool = False) -> Architecture:
    """Return the architecture that is given for a name.

    Args:
        name: A name, for a net of the registry or of an installed package that has it; else any name.
        maps: Whether the net must read maps, not windows.
        given: The config of that net: a dict, a config, or None for the defaults. Or another net: its name, the
            reference of an own net, or a factory, see :mod:`gnnmax.models.own_nets`. Or such a net with its config, as
            a pair, or as a dict with the net under ``model``.

    Raises:
        InputError: an unknown name, code that fails, or a config that does not fit.

    Example:
        >>> architecture_of("gnn", {"width": 8}).config.width
        8
        >>> architecture_of("narrow", {"model": "gnn", "width": 4}).config.width
        4
    """
    if isinstance(given, Architecture):
        return given
    model, config = _parted(name, given)
    registry = registry_of(maps=maps)
    if isinstance(model, str) and model in registry:
        return Architecture(model, msgspec.to_builtins(registry[model].parse(config)))
    if isinstance(model, str) and model in NETS:
        raise _of_the_other_kind(model, maps=maps)
    if isinstance(model, str) and not is_reference(model):
        model = _installed(model, maps=maps)
    origin, title = absolute(model), title_of(model)
    found = find_factory(origin)
    entry = own_entry(title, found.make)
    if entry.on_maps != maps:
        raise _of_the_other_kind(title, maps=maps)
    plain = _storable(entry.parse(config), f"the config of {name}")
    if len(_storable(title, f"the reference {title!r}")) > LONGEST:
        raise InputError(f"the reference of {name} has {len(title)} characters, and at most {LONGEST} are stored")
    return Architecture(title, plain, found.sha256, origin)


def _installed(name: str, *, maps: bool) -> str:
    """Return the reference of a net that an installed package offers."""
    installed = installed_nets()
    if name.endswith(".py"):
        raise InputError(f"{name} is a file: name the net in it too, as in mine={name}:MyNet")
    if name not in installed:
        unknown = unknown_name("net on maps" if maps else "model", name, [*registry_of(maps=maps), *installed])
        raise InputError(f"{unknown}; your own is NAME=FILE.py:CLASS")
    return installed[name]


def _of_the_other_kind(model: str, *, maps: bool) -> InputError:
    """Explain that a net does not read maps, or windows."""
    if not maps:
        return InputError(f"the net {model} reads maps, and the data set holds windows: give a recipe of maps")
    shown = ", ".join(name for name in MAP_MODELS if not name.startswith(SLIDING))
    own = f"{sliding_name(model)}, which slides it over the map" if model in MODELS else 'a net with inputs = "maps"'
    return InputError(f"the net {model} reads windows, and the data set holds maps: give {own}, or one of {shown}")


def _storable(given: Any, what: str) -> Any:
    """Return plain values that a model's card gives back as they are."""
    try:
        plain = msgspec.to_builtins(given)
        if msgspec.json.decode(msgspec.json.encode(plain)) == plain:
            return plain
        reason = "a number is not finite, or a key is no text"
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        reason = str(error)
    raise InputError(f"{what} cannot be stored: {reason}; use numbers, text, lists and tables")


def _parted(name: str, given: Any) -> tuple[Any, Any]:
    """Split what is given for a name into the net and its config."""
    if isinstance(given, tuple):
        if len(given) != 2:
            raise InputError(f"the net {name} is given by {len(given)} values: give the net, or a pair (net, config)")
        return given
    if isinstance(given, Mapping):
        return given.get("model", name), {key: value for key, value in given.items() if key != "model"}
    if given is None or isinstance(given, Config):
        return name, given
    return given, None


def parse_name(text: str) -> tuple[str, str | None]:
    """Read ``NAME``, or ``NAME=NET`` with a net of the registry or a reference.

    Raises:
        InputError: a reference without a name.

    Example:
        >>> parse_name("gnn"), parse_name("mine=net.py:MyNet")
        (('gnn', None), ('mine', 'net.py:MyNet'))
    """
    name, equals, reference = text.partition("=")
    if equals:
        return name.strip(), reference.strip()
    if is_reference(text):
        raise InputError(f"{text} has no name in the run: give one, as in mine={text}")
    return text, None


def named_architectures(models: Sequence[Any] | Mapping[str, Any], *, maps: bool = False) -> dict[str, Architecture]:
    """Return the architectures of a run by their names.

    Args:
        models: A mapping of names to what :func:`architecture_of` takes, or a sequence of names, texts as
            :func:`parse_name` reads them, and factories, which have their own names.
        maps: Whether the nets read maps, not windows.

    Raises:
        InputError: no net, one named twice, a name that no run can have, or a net that cannot be made.

    Example:
        >>> list(named_architectures(["gnn", "wide=gnn"]))
        ['gnn', 'wide']
    """
    if isinstance(models, str):
        raise InputError(f"models must be a sequence of names, not the string {models!r}: put it in a list")
    pairs = list(models.items()) if isinstance(models, Mapping) else [_named(model) for model in models]
    if not pairs or len({str(name).casefold() for name, _ in pairs}) < len(pairs):
        raise InputError("models must name at least one model, each once; upper and lower case are one name")
    found = {name: architecture_of(name, given, maps=maps) for name, given in pairs}
    for name, architecture in found.items():
        check_net_name(name, architecture.reference)
    return found


def _named(model: Any) -> tuple[str, Any]:
    if isinstance(model, str):
        return parse_name(model)
    name = getattr(model, "__name__", "")
    if not re.fullmatch(r"\w+", name):
        raise InputError(f"a {type(model).__name__} has no name in the run: give a mapping of names to nets")
    return name, model


def check_net_name(name: Any, reference: str) -> None:
    """Refuse a name that no net in a run can have.

    Args:
        name: The name.
        reference: The net: a key of the registry, or the reference of an own net.

    Raises:
        InputError: it is no text of the allowed characters, or means something else in a run.

    Example:
        >>> check_net_name("gnn", "net.py:MyNet")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the net net.py:MyNet cannot be called gnn: a net of the registry is; rename
    """
    if name in RULES:
        raise InputError(f"the model {name!r} has the name of a rule: rename it")
    if not isinstance(name, str) or not re.fullmatch(NAME, name) or name.startswith(RESERVED):
        raise InputError(
            f"a net in a run cannot be called {name!r}: use letters, digits and any of ._+- after the first, at most "
            f"60, and no name that begins with {', '.join(RESERVED)}"
        )
    if re.fullmatch(DEVICES, name) or name.endswith("."):
        raise InputError(f"a net in a run cannot be called {name!r}: Windows has no folder of this name; rename it")
    if name in NETS and reference != name:
        raise InputError(f"the net {reference} cannot be called {name}: a net of the registry is; rename")
