"""A seeded mutator of files: damaged copies of valid content, as disks, networks and attackers make them."""

import random


def mutants(content, count, *, seed=0):
    """Yield ``count`` altered copies of some bytes, each different from the original; equal seeds give equal copies."""
    rng = random.Random(seed)
    while count:
        mutant = _CHANGES[rng.randrange(len(_CHANGES))](bytearray(content), rng)
        for _ in range(rng.randrange(2)):
            mutant = _CHANGES[rng.randrange(len(_CHANGES))](bytearray(mutant), rng)
        if mutant != content:
            count -= 1
            yield bytes(mutant)


def _flip(data, rng):
    """Flip one bit."""
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _overwrite(data, rng):
    """Replace some bytes by random or extreme ones."""
    if data:
        start, length = rng.randrange(len(data)), rng.choice((1, 2, 4, 8, 16))
        fill = rng.choice((b"\x00", b"\xff", b"\x7f", b"9", b"-", b"[", b'"', b"\n", None))
        data[start : start + length] = rng.randbytes(length) if fill is None else fill * length
    return data


def _truncate(data, rng):
    """Cut the end off, often shortly before it."""
    return data[: max(0, len(data) - rng.choice((1, 7, 64, rng.randrange(len(data) + 1))))]


def _insert(data, rng):
    """Insert bytes, or a copy of a part of the content."""
    at = rng.randrange(len(data) + 1)
    start = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice((rng.randbytes(rng.randrange(1, 9)), data[start : start + rng.randrange(1, 65)]))
    return data


def _remove(data, rng):
    """Remove a part."""
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.randrange(1, 65)]
    return data


def _swap(data, rng):
    """Swap two parts of equal length."""
    length = rng.choice((1, 2, 8, 32))
    if len(data) >= 2 * length:
        a, b = sorted(rng.randrange(len(data) - length + 1) for _ in range(2))
        data[a : a + length], data[b : b + length] = data[b : b + length], data[a : a + length]
    return data


def _number(data, rng):
    """Replace a digit of a number in text by another number, such as one that is too large."""
    digits = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    if digits:
        at = rng.choice(digits)
        data[at : at + 1] = rng.choice((b"0", b"-1", b"7", b"99", b"1e9", b"1e400", b"999999999999", b"nan", b"null"))
    return data


_CHANGES = (_flip, _overwrite, _truncate, _insert, _remove, _swap, _number)
