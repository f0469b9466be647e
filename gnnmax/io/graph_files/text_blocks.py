"""Text in blocks of whole lines, so that little of a large file is held as Python objects."""

from __future__ import annotations

from collections.abc import Iterator

from gnnmax.errors import InputError

__all__ = ["BLOCK", "text_blocks"]

BLOCK = 2**21
"""Bytes of a block, and the longest line."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def text_blocks(content: bytes, start: int = 0) -> Iterator[str]:
    r"""Yield UTF-8 text in blocks of whole lines.

    Args:
        content: The file; a byte order mark at its start is left out.
        start: Position of the first byte.

    Raises:
        InputError: a line that is longer than a block, or bytes that are not UTF-8; the message gives the place.

    Example:
        >>> list(text_blocks(b"a,b,1\nb,c,2"))
        ['a,b,1\nb,c,2']
    """
    if start == 0 and content.startswith(BYTE_ORDER_MARK):
        start = len(BYTE_ORDER_MARK)
    while start < len(content):
        end = start + BLOCK
        if end < len(content):
            end = content.rfind(b"\n", start, end) + 1 or content.rfind(b"\r", start, end) + 1
            if not end:
                line = content.count(b"\n", 0, start) + 1
                raise InputError(
                    f"line {line} has more than {BLOCK} bytes: give lines u,v,weight, or a dense matrix as .npy"
                )
        try:
            yield content[start:end].decode()
        except UnicodeDecodeError as error:
            raise InputError(f"not text in UTF-8: {error.reason} at byte {start + error.start}") from None
        start = end
