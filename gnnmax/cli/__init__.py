"""The commands: one class each, whose fields are the flags; heavy modules are imported only when they are used."""

from __future__ import annotations

from typing import Any, Protocol

from gnnmax.cli.audit_command import Audit
from gnnmax.cli.data_commands import Generate, Info, Verify
from gnnmax.cli.detect_command import Detect
from gnnmax.cli.differ_command import Differ
from gnnmax.cli.evaluate_command import Evaluate, Report
from gnnmax.cli.evaluate_peaks_command import EvaluatePeaks
from gnnmax.cli.host_command import Host
from gnnmax.cli.import_command import Import
from gnnmax.cli.list_command import List
from gnnmax.cli.order_command import Order
from gnnmax.cli.reproduce_command import Reproduce
from gnnmax.cli.sweep_command import Merge, Sweep
from gnnmax.cli.train_command import Compare, Train

__all__ = ["COMMANDS", "Command"]


class Command(Protocol):
    """The protocol of a command: its fields are the flags, and ``run`` returns the exit status."""

    def run(self) -> int:
        """Run the command."""


COMMANDS: dict[str, Any] = {
    "generate": Generate,
    "import": Import,
    "host": Host,
    "verify": Verify,
    "info": Info,
    "train": Train,
    "compare": Compare,
    "sweep": Sweep,
    "merge": Merge,
    "evaluate": Evaluate,
    "evaluate-peaks": EvaluatePeaks,
    "audit": Audit,
    "report": Report,
    "detect": Detect,
    "order": Order,
    "differ": Differ,
    "reproduce": Reproduce,
    "list": List,
}
