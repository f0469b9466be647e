"""The commands: one small class each, whose fields are the flags; nothing heavy is loaded before it is used."""

from __future__ import annotations

from typing import Any, Protocol

from gnnmax.commands.auditing import Audit
from gnnmax.commands.data import Generate, Info, Verify
from gnnmax.commands.detection import Detect
from gnnmax.commands.judgement import Evaluate, Report
from gnnmax.commands.learning import Compare, Train
from gnnmax.commands.listing import List
from gnnmax.commands.reproduction import Reproduce

__all__ = ["COMMANDS", "Command"]


class Command(Protocol):
    """What every command is: its fields are the flags, ``run`` does the work and returns the exit status."""

    def run(self) -> int:
        """Do the work."""


COMMANDS: dict[str, Any] = {
    "generate": Generate,
    "verify": Verify,
    "info": Info,
    "train": Train,
    "compare": Compare,
    "evaluate": Evaluate,
    "audit": Audit,
    "report": Report,
    "detect": Detect,
    "reproduce": Reproduce,
    "list": List,
}
