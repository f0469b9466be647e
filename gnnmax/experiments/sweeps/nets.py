"""The nets of a plan: of the registry, or nets of your own, whose code the call names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.sweeps.axes import check_field
from gnnmax.models.architecture import LONGEST, Architecture, named_architectures, parse_name, registry_of
from gnnmax.models.entry import Config
from gnnmax.models.references import is_reference, portable

__all__ = ["NetRecord", "PlanNets", "Table", "split_code"]

Table = dict[str, Any]
Code = Mapping[str, Any]


class NetRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A net of your own as a ledger records it: its units can then be named without its code.

    Attributes:
        reference: Its name in units: the name of its file and of its class.
        sha256: Digest of its file.
        configs: Its config by the fields that axes change, as JSON.
    """

    reference: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    configs: dict[str, Table]


def split_code(models: Any) -> tuple[Any, dict[str, Any]]:
    """Part the nets of a call into what a plan can hold, and the code of nets of your own.

    Args:
        models: As :func:`gnnmax.compare` takes them: a sequence of names, texts and factories, or a mapping of names to
            configs and nets.

    Returns:
        Names, or tables by name; and references and factories by name.

    Example:
        >>> split_code(["gnn", "mine=net.py:MyNet"])
        (['gnn', 'mine=net.py:MyNet'], {'mine': 'net.py:MyNet'})
        >>> split_code({"mine": ("net.py:MyNet", {"width": 4})})
        ({'mine': {'width': 4}}, {'mine': 'net.py:MyNet'})
    """
    code: dict[str, Any] = {}
    if isinstance(models, Mapping):
        return {name: _table_of(str(name), given, code) for name, given in models.items()}, code
    if not isinstance(models, Sequence) or isinstance(models, str):
        return models, code
    names = []
    for model in models:
        if isinstance(model, str):
            name, reference = parse_name(model)
            if reference is not None and is_reference(reference):
                code[name] = reference
            names.append(model)
        else:
            name = getattr(model, "__name__", "")
            if not callable(model) or not name.isidentifier():
                raise InputError(f"the net {model!r:.60} has no name in the plan: give a mapping of names to nets")
            code[name] = model
            names.append(name)
    return names, code


def _table_of(name: str, given: Any, code: dict[str, Any]) -> Any:
    """Return the table of a net in a plan; its code, if it has some, is put into ``code``."""
    net, config = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    if isinstance(net, Config):
        net, config = None, net
    elif isinstance(net, Mapping):
        config = {key: value for key, value in net.items() if key != "model"}
        net = net.get("model")
    table = {} if config is None else msgspec.to_builtins(config)
    if isinstance(net, str) and not is_reference(net):
        return {"model": net, **table} if isinstance(table, dict) else given
    if net is not None and (isinstance(net, str) or callable(net)):
        code[name] = net
        net = None
    return table if net is None else given  # what is no net is refused with the plan


class PlanNets:
    """The nets of a plan; each config is made once.

    Args:
        models: The field of the plan.
        tables: Configs of a config file, by name.
        maps: Whether the nets read maps.
        code: The code of nets of your own, by name.
        records: What a ledger records of them: then no code is run. None while the code is at hand.

    Raises:
        InputError: a net twice, an unknown one, or code that no call names.
    """

    def __init__(
        self,
        models: Sequence[str] | Mapping[str, Any],
        tables: Mapping[str, Any],
        *,
        maps: bool,
        code: Code,
        records: Mapping[str, NetRecord] | None = None,
    ) -> None:
        self._maps, self._code, self._records = maps, code, records
        self._given = _given_of(models, tables)
        self._made: dict[tuple[str, str], Architecture] = {}
        for name in code:
            if name not in self._given:
                raise unknown_name("net of the plan", name, self._given)

    @property
    def names(self) -> list[str]:
        """The names, in the order of the plan."""
        return list(self._given)

    def check_axis(self, axis: str) -> None:
        """Refuse an axis ``models.NET.FIELD`` of an unknown net, or of a field that the net does not have."""
        name, _, field = axis.removeprefix("models.").partition(".")
        if name not in self._given:
            raise unknown_name(f"net of the axis {axis}:", name, self._given)
        if not self._is_recorded(name):
            check_field(field.partition(".")[0], sorted(self._base(name).entry.field_names), f"the axis {axis!r}")

    def of(self, name: str, changes: Mapping[str, Any]) -> Architecture:
        """Return a net with some fields of its config changed."""
        key = json.dumps(changes, sort_keys=True)
        if (name, key) not in self._made:
            self._made[name, key] = (
                self._recorded(name, key)
                if self._is_recorded(name)
                else self._base(name).changed(**changes)
                if changes
                else self._base(name)
            )
        return self._made[name, key]

    def records(self) -> dict[str, NetRecord]:
        """Return what a ledger records of the nets of your own, all configs that were made."""
        found: dict[str, NetRecord] = {}
        for (name, key), net in sorted(self._made.items()):
            if net.sha256:
                old = found.get(name)
                configs = {**(old.configs if old else {}), key: net.plain}
                found[name] = NetRecord(reference=portable(net.reference), sha256=net.sha256, configs=configs)
        return found

    def _is_recorded(self, name: str) -> bool:
        return self._records is not None and name in self._records

    def _recorded(self, name: str, key: str) -> Architecture:
        record = (self._records or {})[name]
        if key not in record.configs:
            raise InputError(f"the config of {name} at {key} is not recorded: run the sweep again")
        return Architecture(record.reference, record.configs[key], record.sha256)

    def _base(self, name: str) -> Architecture:
        """Return a net as the plan gives it; code comes from the call alone."""
        if (name, "{}") in self._made:
            return self._made[name, "{}"]
        net, config = self._given[name]
        if name in self._code:
            net = self._code[name]
        elif is_reference(net):
            raise InputError(
                f"a plan names no code, and {name} is a net of your own, {net}: give --models {name}={net}, or "
                f"models={{{name!r}: ...}} in Python, to run that code"
            )
        elif self._records is not None and net not in registry_of(maps=self._maps):
            raise unknown_name("net", net, registry_of(maps=self._maps))  # never a net of an installed package
        (made,) = named_architectures({name: (net, config)}, maps=self._maps).values()
        if made.is_own and not made.sha256:
            raise InputError(
                f"the code of {name} is in no file, so its results could not be told from those of other code: put it "
                "into a file"
            )
        self._made[name, "{}"] = made
        return made


def _given_of(models: Sequence[str] | Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return the net and the config of each name; a name without a table takes that of the config file."""
    if isinstance(models, Mapping):
        return {
            name: _parted(name, {"model": given} if isinstance(given, str) else given) for name, given in models.items()
        }
    found: dict[str, tuple[str, Any]] = {}
    for name, net in map(parse_name, models):
        if name in found:
            raise InputError(f"name each net of the plan once, not {name} twice")
        plain = dict(tables.get(name, {}))
        found[name] = _parted(name, plain if net is None else {**plain, "model": net})
    return found


def _parted(name: str, table: Mapping[str, Any]) -> tuple[str, Any]:
    net = table.get("model", name)
    if not isinstance(net, str):
        raise InputError(f"the net {name} of the plan has the model {net!r:.60}: give the name of a net as text")
    return net, {key: value for key, value in table.items() if key != "model"} or None
