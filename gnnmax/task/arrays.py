"""Arrays from callers: one door for numpy arrays of any memory layout, tensors, pandas columns, lists and numbers."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError

__all__ = ["as_array", "as_floats", "is_symmetric", "plain_layout"]

STRIP = 256
"""Number of rows that are compared with their mirror images at a time."""

WHOLE_DOUBLES = 2**53
"""All whole numbers up to this one are exact in float64."""


def as_array(given: Any, what: str, *, names: bool = False) -> npt.NDArray[Any]:
    """Return what a caller gave as a numpy array of numbers, in a layout that every library reads.

    Nothing is rounded: a tensor in bfloat16, which numpy lacks, becomes float32; entries of type ``object`` that are
    all real numbers become float64 (or bool, or int64, if all are). Whole numbers of objects and of pandas that float64
    would round beside real or missing ones are refused. A plain array is returned as it is, not copied.

    Args:
        given: A numpy array or scalar, a torch tensor on any device, a pandas or pyarrow column or table, a list, or
            anything else that numpy reads.
        what: Its name in an error.
        names: Whether entries may be text; objects that are all text then become an array of text.

    Returns:
        An array of any shape, in native byte order and without negative strides. Pandas' NA becomes NaN.

    Raises:
        InputError: a masked array, rows of unequal length, or something that is no array of numbers.

    Example:
        >>> as_array(np.arange(3, dtype=">i4")[::-1], "labels")
        array([2, 1, 0], dtype=int32)
        >>> as_array([1, None], "labels")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: labels must be real numbers, not objects such as None: convert them first
    """
    if isinstance(given, np.ma.MaskedArray):
        raise InputError(f"{what} must be plain numbers, not a masked array: pass array.filled(numpy.nan)")
    try:
        found = np.asarray(_unwrapped(given))
    except InputError:
        raise
    except ValueError:
        raise InputError(f"{what} must be an array of numbers, not rows of unequal length: give it one shape") from None
    except (TypeError, RuntimeError) as error:
        raise InputError(f"{what} cannot be read as an array of numbers: {_first_line(error)}") from None
    if names and found.dtype == np.object_ and all(isinstance(entry, str) for entry in found.flat):
        return found.astype(np.str_)
    if found.dtype == np.object_:
        found = _of_objects(found, what)
    return plain_layout(found)


def plain_layout(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array itself if every library reads its layout, else a copy.

    Torch refuses negative strides, foreign byte order and fields of structured arrays.

    Example:
        >>> array = np.zeros((2, 3))
        >>> plain_layout(array) is array, plain_layout(array[::-1]).strides
        (True, (24, 8))
    """
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    size = array.dtype.itemsize
    if not array.flags.aligned or any(stride < 0 or (size and stride % size) for stride in array.strides):
        array = array.copy(order="C")
    return array


def is_symmetric(matrices: npt.NDArray[Any]) -> bool:
    """Return whether matrices equal their mirror images; NaN equals NaN.

    Strips are compared with strips, so memory stays bounded by a strip and the processor's cache is used.

    Args:
        matrices: Shape ``(M, n, n)``.

    Example:
        >>> is_symmetric(np.array([[[0.0, np.nan], [np.nan, 1.0]]])), is_symmetric(np.array([[[0, 1], [2, 0]]]))
        (True, False)
    """
    for start in range(0, matrices.shape[1], STRIP):
        strip = slice(start, start + STRIP)
        upper, lower = matrices[:, strip, start:], matrices[:, start:, strip].transpose(0, 2, 1)
        same = upper == lower
        if not same.all() and not (same | (np.isnan(upper) & np.isnan(lower))).all():
            return False
    return True


def _unwrapped(given: Any) -> Any:
    """Return a tensor or a column of another library in a form that numpy reads."""
    if hasattr(given, "detach"):
        tensor = given.detach().cpu()
        return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    if hasattr(given, "to_numpy"):
        found = given.to_numpy()
        if found.dtype.kind == "f":
            _check_columns(given)
        if found.dtype == np.object_ and hasattr(given, "isna"):  # a nullable column with missing entries
            return np.where(np.asarray(given.isna()), np.nan, found)
        return found
    return given


def _of_objects(found: npt.NDArray[Any], what: str) -> npt.NDArray[Any]:
    """Convert an array of Python numbers to a type of numpy that holds them exactly."""
    for entry in found.flat:
        if not isinstance(entry, (numbers.Real, np.bool_)):
            raise InputError(f"{what} must be real numbers, not objects such as {entry!r:.40}: convert them first")
    try:
        if all(isinstance(entry, (bool, np.bool_)) for entry in found.flat):
            return found.astype(np.bool_)
        if all(isinstance(entry, numbers.Integral) for entry in found.flat):
            return found.astype(np.int64)
        values = found.astype(np.float64)
    except (OverflowError, TypeError, ValueError):
        raise InputError(f"{what} must be real numbers that float64 or int64 can hold: rescale them first") from None
    _check_exact(np.array([entry for entry in found.flat if isinstance(entry, numbers.Integral)], dtype=np.object_))
    return values


def _check_columns(given: Any) -> None:
    """Refuse whole numbers of a table or a column of pandas that real or missing numbers beside them had rounded."""
    dtypes = given.dtypes if hasattr(given, "columns") else [getattr(given, "dtype", None)]
    for place, dtype in enumerate(dtypes):
        if getattr(dtype, "kind", "") in ("i", "u") and hasattr(given, "dropna"):
            column = (given.iloc[:, place] if hasattr(given, "columns") else given).dropna()
            _check_exact(column.to_numpy(dtype=f"{dtype.kind}8"))


def _check_exact(whole: npt.NDArray[Any]) -> None:
    """Refuse whole numbers that float64 does not hold."""
    for entry in whole[np.abs(whole.astype(np.float64)) >= 2.0**53].tolist():
        if int(float(entry)) != entry:
            raise InputError(
                f"the whole number {entry} would be rounded beside real or missing numbers, and may then equal "
                "another: round it yourself, or make all numbers whole"
            )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def as_floats(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values in a type that can hold NaN and keeps the values exact: float32, float64 or longdouble.

    Whole numbers beyond 2^53 need a longdouble of 80 bits or more. Where the platform has none, they are rounded.

    Example:
        >>> as_floats(np.array([2**24 + 1], dtype=np.int32)).dtype, as_floats(np.array([True])).dtype
        (dtype('float64'), dtype('float32'))
        >>> as_floats(np.array([3, 4])).dtype
        dtype('float64')
    """
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return values.astype(np.result_type(values.dtype, np.float32), copy=False)
    small = (values <= WHOLE_DOUBLES) & (values >= -WHOLE_DOUBLES if values.dtype.kind == "i" else True)
    return values.astype(np.float64 if small.all() else np.longdouble)
