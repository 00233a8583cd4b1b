"""Hearing what services announce."""

from contextlib import contextmanager


@contextmanager
def heard(signal):
    """The keyword arguments of every sending of `signal` inside the block."""
    calls = []

    def receiver(sender, **kwargs):
        kwargs.pop("signal")
        calls.append(kwargs)

    signal.connect(receiver, weak=False)
    try:
        yield calls
    finally:
        signal.disconnect(receiver)
