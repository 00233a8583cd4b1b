"""A mail server that goes wrong at a chosen step: it falls silent, refuses, says "later", or hangs up."""

import contextlib
import email
import socketserver
import threading

# The steps of one mail. "message" is half-way through its text; at "end" all of it has arrived.
STEPS = ("banner", "ehlo", "mail", "rcpt", "data", "message", "end")
WORDS = {"refuses": "554 5.7.1 not here", "says later": "451 4.3.0 try again later"}
FINE = {
    "banner": "220 ready",
    "ehlo": "250 hello",
    "mail": "250 OK",
    "rcpt": "250 OK",
    "data": "354 go on",
    "end": "250 OK",
}


class _HungUp(Exception):
    """The conversation is over."""


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        with contextlib.suppress(_HungUp, ConnectionError):
            if not self._answer("banner"):
                raise _HungUp
            for line in iter(self.rfile.readline, b""):
                self._obey(line.split()[0].lower().decode())

    def _obey(self, verb):
        if verb == "quit":
            self._say("221 bye")
            raise _HungUp
        if verb not in ("ehlo", "helo", "mail", "rcpt", "data"):  # rset, noop
            self._say("250 OK")
        elif self._answer("ehlo" if verb == "helo" else verb) and verb == "data":
            self._take_message()

    def _take_message(self):
        # Settled first: whoever waits for an answer to the end may give up before this thread comes to it.
        fault_at_end = self.server.fault_at("end")
        lines = []
        for line in iter(self.rfile.readline, b".\r\n"):
            if not line:
                raise _HungUp
            lines.append(line)
            if len(lines) == 2:
                self._answer("message")
        # A mail that is refused at its end is not kept; one that is never answered for is.
        if fault_at_end not in WORDS:
            self.server.arrived.append(email.message_from_bytes(b"".join(lines))["Message-ID"])
        self._answer_with("end", fault_at_end)

    def _answer(self, step):
        """Whether it went well."""
        return self._answer_with(step, self.server.fault_at(step))

    def _answer_with(self, step, fault):
        if fault == "falls silent":
            while self.rfile.read(1):  # until the client has had enough
                pass
        if fault in ("falls silent", "hangs up"):
            raise _HungUp
        if fault is not None or step in FINE:
            self._say(FINE[step] if fault is None else WORDS[fault])
        return fault is None

    def _say(self, words):
        self.wfile.write(f"{words}\r\n".encode())


class FaultySmtp(socketserver.ThreadingTCPServer):
    """The server. `arrived` has the Message-ID of each mail that it keeps, as often as it came."""

    daemon_threads = True

    def __init__(self, step, fault, *, times, on_silence):
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.port = self.server_address[1]
        self.arrived = []
        self._step, self._fault, self._left = step, fault, times
        self._on_silence = on_silence
        self._lock = threading.Lock()

    def fault_at(self, step):
        with self._lock:
            if step != self._step or self._left == 0:
                return None
            self._left -= 1
        if self._fault == "falls silent":
            self._on_silence()
        return self._fault


@contextlib.contextmanager
def faulty_smtp(step, fault, *, times, on_silence=lambda: None):
    with FaultySmtp(step, fault, times=times, on_silence=on_silence) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
