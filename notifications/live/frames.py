"""Server-sent events as bytes (WHATWG HTML, section 9.2)."""

import json
import random

from notifications.live.topics import Payload

# Browsers that lost their server together must not come back together.
RETRY_MILLISECONDS = (2_000, 8_000)


def frame(event: str, payload: Payload, *, frame_id: int | None = None) -> bytes:
    """One event of the stream. Only what is public has an id, so ids tell of nothing else."""
    head = "" if frame_id is None else f"id: {frame_id}\n"
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {event}\ndata: {data}\n\n".encode()


def beat(position: int) -> bytes:
    """A sign of life, with the place in the stream that a reader may go on from."""
    return frame("beat", {}, frame_id=position)


def end(reason: str) -> bytes:
    """The last frame of a stream."""
    return frame("end", {"reason": reason})


def retry() -> bytes:
    """How long this reader waits before it comes back: each another time."""
    return f"retry: {random.randint(*RETRY_MILLISECONDS)}\n\n".encode()  # noqa: S311 - no secret
