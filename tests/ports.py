"""Ports for servers that cannot be handed an open socket."""

import secrets
import socket
from contextlib import suppress

# Below those that the system gives to whoever names none: nobody gets one before its server has begun.
LOWEST, HIGHEST = 20_000, 32_000


def free_port():
    """A port of this machine that nobody listens on."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
