"""The word that a worker is to end, which a signal may bring at any moment."""

import os
import select
from types import FrameType


class Ending:
    """Whether the worker is to end: told by signals and threads, waited for by threads.

    Telling takes no lock. threading.Event has one, and a signal that comes while its own thread waits
    could not get it: the worker would hang for ever.
    """

    def __init__(self) -> None:
        self._told = False
        # Never read, so whoever looks at it from then on sees it.
        self._reader, self._writer = os.pipe()

    def tell(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Say so, as the handler of a signal too; twice is quiet."""
        if not self._told:
            self._told = True
            os.write(self._writer, b".")

    def is_told(self) -> bool:
        return self._told

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it is told."""
        select.select([self._reader], [], [], seconds)

    def close(self) -> None:
        """Call when nobody tells or waits any more."""
        os.close(self._reader)
        os.close(self._writer)
