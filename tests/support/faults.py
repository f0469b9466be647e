"""Simulated failures of system calls, one call at a time."""


def failing(monkeypatch, owner, name, turn):
    """Let a function of the system fail once, on its n-th call; return how often it was called."""
    real, calls = getattr(owner, name), []

    def function(*arguments, **options):
        calls.append(arguments)
        if len(calls) == turn:
            raise OSError(28, "No space left on device")
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, function)
    return calls
