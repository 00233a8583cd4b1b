"""The live stream from outside: a reader of it, and the test's own database served by real processes."""

import contextlib
import http.client
import json
import queue
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import connection

from tests.patience import PATIENCE
from tests.servers import database_for_servers


@dataclass(frozen=True)
class Frame:
    event: str
    data: dict
    id: str | None = None


class Reader:
    """An open stream. Frames are read in a thread as they come; `next` gives them in their order."""

    def __init__(self, server, *topics, cookie="", headers=None, **query):
        pairs = [("topic", topic) for topic in topics] + list(query.items())
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        headers = {"Cookie": cookie} | (headers or {})
        self._connection.request("GET", f"/live/?{urlencode(pairs)}", headers=headers)
        self._socket = (
            self._connection.sock
        )  # an answer that ends with its connection takes it away
        self.answer = self._connection.getresponse()
        self.status = self.answer.status
        self.headers = dict(self.answer.headers)
        self._frames = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        if self.status == 200:
            self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Leave as a browser does, in the middle of the answer."""
        if self._thread.is_alive():
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(PATIENCE)
        self.answer.close()
        self._connection.close()

    def next(self, *events):
        """The next frame of one of these kinds, or of any that says something; others are passed over."""
        while True:
            frame = self._frames.get(timeout=PATIENCE)
            if frame.event in events or (not events and frame.event not in {"beat", "retry"}):
                return frame

    def until_closed(self):
        """All frames until the server closes the stream."""
        frames = []
        while (frame := self._frames.get(timeout=PATIENCE)).event != "closed":
            frames.append(frame)
        return frames

    def _read(self):
        fields = {}
        try:
            for line in self.answer:
                name, _colon, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                    continue
                self._take(fields)
                fields = {}
        except (OSError, http.client.HTTPException, ValueError):
            pass
        self._frames.put(Frame("closed", {}))

    def _take(self, fields):
        if "event" in fields:
            data = json.loads(fields["data"])
            self._frames.put(Frame(fields["event"], data, fields.get("id")))
        elif "retry" in fields:
            self._frames.put(Frame("retry", {"milliseconds": int(fields["retry"])}))


@contextlib.contextmanager
def database_shared_with_servers(folder):
    """The URL of a database that this test and server processes work on together.

    SQLite's test database lives in this process's memory: meanwhile the test works on a copy in a file.
    """
    url = database_for_servers(folder)
    if connection.vendor == "postgresql":
        yield url
        return
    own, name = connection.connection, connection.settings_dict["NAME"]
    connection.connection, connection.settings_dict["NAME"] = None, url.removeprefix("sqlite:///")
    try:
        yield url
    finally:
        connection.close()
        connection.connection, connection.settings_dict["NAME"] = own, name
