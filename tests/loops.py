"""Coroutines in tests."""

import asyncio


def run(coroutine):
    """As asyncio.run, also in a thread in which a browser's test has left its event loop running."""
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return asyncio.run(coroutine)
    finally:
        asyncio._set_running_loop(outer)
