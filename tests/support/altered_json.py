"""A seeded mutator of JSON trees: values dropped, doubled, retyped, out of range, nested, exchanged; keys twice."""

from __future__ import annotations

import copy
import fnmatch
import gc
import json
import random
import resource
import sys
import time

from gnnmax.errors import InputError

EXTREMES = (-1, 0, 2, -0.5, 0.25, 1.5, 7, 255, 10**6, 2**31, 2**63, 10**30, 1e300, "NaN", "1e400", "-0", "1" * 5000)
VALUES = ("", "x", "\n", "0" * 64, [], {}, [1], {"a": 1}, None, True, False, 1, 0.5, [[]], "../x")


def altered_trees(tree, count, *, seed=0):
    """Yield ``count`` altered copies of a JSON tree, as bytes; equal seeds give equal copies."""
    rng = random.Random(seed)
    original = json.dumps(tree)
    while count:
        mutant, raw = json.loads(original), []
        for _ in range(rng.choice((1, 1, 1, 2))):
            mutant = _altered(mutant, rng, raw)
        text = json.dumps(mutant)
        for number, part in enumerate(raw):
            text = text.replace(json.dumps(_mark(number)), part)
        if text != original:
            count -= 1
            yield text.encode()


def _mark(number):
    return f"@raw {number}@"


def _places(tree, found):
    """List every (container, key) below a node."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        found.append((tree, key))
        _places(value, found)
    return found


def _altered(tree, rng, raw):
    """Change one place; text that is no JSON value is put into ``raw``, and a mark of it into the tree."""

    def put(text):
        raw.append(text)
        return _mark(len(raw) - 1)

    root = {"": tree}
    container, key = rng.choice(_places(root, []))
    value = container[key]
    change = rng.randrange(9)
    if change == 0 and container is not root:
        del container[key]
    elif change == 1 and isinstance(container, list):
        container.insert(key, copy.deepcopy(value))
    elif change == 1 and isinstance(value, dict) and value:
        inner = json.dumps(value)[1:-1]
        container[key] = put(f"{{{inner}, {inner}}}")
    elif change == 2:
        container[key] = copy.deepcopy(rng.choice(VALUES))
    elif change in (3, 4):
        extreme = rng.choice(EXTREMES)
        container[key] = put(extreme) if isinstance(extreme, str) else extreme
    elif change == 5:
        container[key] = rng.choice(([value], {"a": value}, put("[" * 5_000)))
    elif change == 6:
        other, place = rng.choice(_places(root, []))
        if other is not root and container is not root:
            container[key], other[place] = copy.deepcopy(other[place]), copy.deepcopy(value)
    elif change == 7 and isinstance(container, dict) and container is not root:
        container[rng.choice(("", "surprise", f"{key} ", str(key).upper()))] = container.pop(key)
    elif isinstance(value, list):
        rng.shuffle(value)
    elif isinstance(value, bool | int | float):
        container[key] = rng.choice((str(value), not value, -value, value + 1, float(value) / 3))
    return root[""]


def differences(first, second, path=""):
    """Yield the path and the second value of everything in which two trees differ; a missing key counts as None."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted(first.keys() | second.keys()):
            yield from differences(first.get(key), second.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for place, (a, b) in enumerate(zip(first, second, strict=True)):
            yield from differences(a, b, f"{path}.{place}".lstrip("."))
    elif first != second or isinstance(first, bool) != isinstance(second, bool):
        yield path, second


def unlawful(first, second, free):
    """List the differences of two trees that no pattern allows; ``free`` maps patterns of paths to predicates."""
    return [
        (path, value)
        for path, value in differences(first, second)
        if not any(fnmatch.fnmatchcase(path, pattern) and allowed(value) for pattern, allowed in free.items())
    ]


class Tried:
    """The count of a trial: altered inputs, accepted ones, and the slowest refusal."""

    def __init__(self):
        self.inputs = self.accepted = 0
        self.slowest = 0.0
        self.memory = _peak()
        gc.freeze()  # a collection of all that other tests have left takes a second, and is no work of a reader

    def __call__(self, read, *arguments):
        """Read an altered input; return the result, or None if it is refused in one line."""
        self.inputs += 1
        started = time.process_time()
        try:
            result = read(*arguments)
        except InputError as error:
            self.slowest = max(self.slowest, time.process_time() - started)
            assert "\n" not in str(error), error
            assert len(str(error)) < 2_000, error
            return None
        self.accepted += 1
        return result

    def check(self, *, least=0.5):
        """Check the time and the memory of all refusals, and that most inputs were refused."""
        gc.unfreeze()
        grown = _peak() - self.memory
        counts = f"{self.inputs} inputs, {self.accepted} accepted"
        sys.stdout.write(f"{counts}, slowest refusal {self.slowest:.3f} s, memory grown by {grown} MB\n")
        assert self.slowest < 2
        assert grown < 300
        assert self.accepted <= (1 - least) * self.inputs


def _peak() -> int:
    """Return the peak of the process's memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
