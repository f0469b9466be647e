"""Values of attributes: tensors, arrays, lists and numbers; their sizes, and parts of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["array_of", "is_integer", "is_sparse", "like", "select", "size_of"]

Numbers = npt.NDArray[np.intp]


def is_sparse(value: Any) -> bool:
    """Return whether a value is a sparse tensor of torch or of torch_sparse."""
    return hasattr(value, "to_dense") and (hasattr(value, "sparse_sizes") or "sparse" in str(value.layout))


def is_integer(value: Any) -> bool:
    """Return whether a value holds integers.

    Example:
        >>> is_integer(3), is_integer([0, 2]), is_integer(np.array([0.5])), is_integer(True), is_integer("a")
        (True, True, False, False, False)
    """
    if is_sparse(value):
        return False
    if hasattr(value, "dtype"):
        name = str(value.dtype)
        return "int" in name
    parts = value if isinstance(value, (list, tuple)) else [value]
    return bool(parts) and all(isinstance(part, int) and not isinstance(part, bool) for part in parts)


def array_of(value: Any) -> Numbers:
    """Return integers of any kind as an array."""
    plain = value.as_tensor() if hasattr(value, "as_tensor") else value
    plain = plain.detach().cpu().numpy() if hasattr(plain, "detach") else plain
    return np.asarray(plain).astype(np.intp)


def size_of(value: Any, axis: int) -> int | None:
    """Return the length of an axis, None where there is no such axis.

    Example:
        >>> size_of(np.zeros((2, 3)), -1), size_of(["a", "b"], 0), size_of(4, 0), size_of(np.zeros(2), 1)
        (3, 2, None, None)
    """
    if isinstance(value, (list, tuple)):
        return len(value) if axis in (0, -1) else None
    shape = () if isinstance(value, type) else getattr(value, "shape", ())
    if hasattr(value, "sparse_sizes"):
        shape = value.sparse_sizes()
    return int(shape[axis]) if -len(shape) <= axis < len(shape) else None


def select(value: Any, order: Numbers, axis: int) -> Any:
    """Return the entries of an axis in an order.

    Example:
        >>> select(["a", "b", "c"], np.array([2, 0]), 0)
        ['c', 'a']
    """
    if isinstance(value, (list, tuple)):
        return type(value)(value[i] for i in order)
    if isinstance(value, np.ndarray):
        return value.take(order, axis)
    import torch

    device = value.device() if callable(value.device) else value.device
    index = torch.as_tensor(order, device=device)
    if not hasattr(value, "index_select"):
        return value[index]  # a table of columns
    if is_sparse(value) and not hasattr(value, "sparse_sizes"):
        checked: Any = torch.sparse.check_sparse_tensor_invariants
        with checked(enable=True):  # said, because torch warns where it is not
            selected = value.to_sparse_coo().index_select(axis, index).coalesce()
            return selected.to_sparse(layout=value.layout)
    return value.index_select(axis, index)


def like(value: Any, numbers: Numbers) -> Any:
    """Return numbers in the form of a value: a tensor of its type, an array, a list or an integer.

    Example:
        >>> like([0, 1], np.array([5, 6])), like(0, np.array(5))
        ([5, 6], 5)
    """
    if isinstance(value, int):
        return int(numbers)
    if isinstance(value, (list, tuple)):
        return type(value)(numbers.tolist())
    if isinstance(value, np.ndarray):
        return numbers.astype(value.dtype)
    import torch

    return torch.as_tensor(numbers, dtype=value.dtype, device=value.device)
