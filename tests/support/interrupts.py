"""What several tests share: interrupts."""

import signal


def heed_interrupts() -> None:
    """Take interrupts, which a shell lets its background jobs ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
