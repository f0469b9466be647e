"""Removal of the files that torch_geometric generates and leaves in the temporary folder."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

from torch_geometric.nn import MessagePassing

__all__ = ["remove_generated_files"]


def remove_generated_files(layer: MessagePassing) -> None:
    """Remove the files that torch_geometric wrote for the ``propagate`` and ``edge_updater`` of a layer.

    The code is loaded and stays in use; without this each process leaves it in the temporary folder.

    Example:
        >>> import torch
        >>> from torch_geometric.nn import GINEConv
        >>> remove_generated_files(GINEConv(torch.nn.Linear(2, 2)))
    """
    folder = Path(tempfile.gettempdir())
    for module in (getattr(type(layer), name).__module__ for name in ("propagate", "edge_updater")):
        written = [getattr(sys.modules[module], name, None) for name in ("__file__", "__cached__")]
        for file in (Path(name) for name in written if name is not None):
            if _is_generated(file, module, folder):
                file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the folder may hold other bytecode, or not exist
        (folder / "__pycache__").rmdir()


def _is_generated(file: Path, module: str, folder: Path) -> bool:
    """Tell whether a file is one that torch_geometric wrote: in the temporary folder itself, with the module's name.

    A layer without generated code uses that of torch_geometric, which may be installed below the temporary folder.
    """
    return file.parent in (folder, folder / "__pycache__") and file.name.startswith(f"{module}_")
