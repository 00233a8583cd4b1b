"""How long tests wait for what must come. Only a test that fails waits so long."""

import time

PATIENCE = 180  # seconds
ASK_AGAIN_SECONDS = 0.01


def until(condition, words="It did not come true."):
    """The first true value of `condition`, asked again and again.

    When none comes, an error with `words`, or with what they say then.
    """
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, words() if callable(words) else words
        time.sleep(ASK_AGAIN_SECONDS)
    return found
