"""All that somebody who organises nothing can see: answers, frames, mails; and what each costs."""

import json
from dataclasses import dataclass
from difflib import unified_diff

from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from evento.http.throttling import COUNTER
from events import live
from events.services import cancel_event, change_event
from notifications.live import bell, frames
from notifications.live.changes import changes_after
from notifications.live.public import _changes_of
from notifications.live.topics import public_topics
from notifications.models import OutgoingEmail
from notifications.sender import drain
from tests.accounts.factories import PASSWORD
from tests.proof import addresses
from tests.proof.addresses import Ask
from tests.proof.chance import replayed, undone
from tests.proof.worlds import READERS, let_the_worker_write
from tickets import live as tickets_live
from tickets.services import book_ticket, cancel_ticket, send_message

LOGIN = "/api/v1/auth/app/v1/auth/login"


@dataclass(frozen=True)
class Answer:
    """What came back: every byte of it, and the number of statements it took."""

    status: int
    headers: tuple
    cookies: str
    body: bytes
    queries: int


class Statements:
    """Counts what the database is asked; Django's own record stops at 9,000."""

    def __init__(self):
        self.count = 0

    def __call__(self, execute, sql, params, many, context):
        self.count += 1
        return execute(sql, params, many, context)


class Reader:
    """Somebody with a browser and a program, signed in to both or not at all.

    Each request leaves the world as it was.
    """

    def __init__(self, name, person):
        self.name = name
        self.client = Client(raise_request_exception=False)
        self.token = {}
        if person is not None:
            with replayed("sign in", name):
                self._sign_in(person)

    def _sign_in(self, person):
        entered = {"login": person.email, "password": PASSWORD}
        assert self.client.post(reverse("account_login"), entered).status_code == 302
        entered = {"email": person.email, "password": PASSWORD}
        answer = Client().post(LOGIN, entered, "application/json").json()
        self.token = {"Authorization": f"Bearer {answer['meta']['access_token']}"}

    def ask(self, ask):
        COUNTER.forget()  # every so many calls it tells the cache, which costs statements of its own
        ContentType.objects.clear_cache()  # each request asks for what a process remembers for good
        kept = self.client.cookies.copy()
        statements = Statements()
        with undone(), replayed(self.name, str(ask)), connection.execute_wrapper(statements):
            answer = self._send(ask)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        self.client.cookies = kept
        return Answer(
            answer.status_code,
            tuple(sorted(answer.headers.items())),
            answer.cookies.output(),
            body,
            statements.count,
        )

    def _send(self, ask):
        if ask.is_api:
            body = ask.body if isinstance(ask.body, str) else json.dumps(ask.body)
            headers = self.token | ask.headers
            program = Client(raise_request_exception=False)
            return program.generic(ask.method, ask.path, body, "application/json", headers=headers)
        if ask.method == "POST":
            return self.client.post(ask.path, ask.body or {}, headers=ask.headers)
        return self.client.generic(ask.method, ask.path, headers=ask.headers)


def everything(world):
    """All that can be asked."""
    return [
        *addresses.pages(world),
        *addresses.api_reads(world),
        *addresses.api_changes(world),
        *addresses.bookings(world),
        *addresses.empty_forms(world),
    ]


def see_answers(world, asks, readers=READERS, *, share=1, turn=0):
    """What each reader is answered, each answer under its own name.

    With a `share` above 1 each reader asks one in so many, others at each of so many turns.
    """
    seen = {}
    for n, name in enumerate(readers):
        reader = Reader(name, world.people[name])
        first = (turn + n) % share
        answers = [(ask, reader.ask(ask)) for ask in asks[first::share]]
        answers += [(ask, reader.ask(ask)) for ask in addresses.conditional(answers)]
        seen |= {f"{name}: {ask} {ask.body or ''}".strip(): answer for ask, answer in answers}
    return seen


def see_stream(world):
    """Every frame that there is for anybody who organises nothing."""
    events = list(world.events.values())
    rows = changes_after(0, limit=1000)
    seen = {"rows of the stream": [(row.pk, row.about, row.changed_at) for row in rows]}
    arguments = {live.LIST: [live.Days()], live.MONTH: [live.Days()]}
    arguments[live.EVENT] = [event.slug for event in events]
    assert set(arguments) == set(public_topics())
    asked = [
        (topic, argument, signed_in)
        for topic, those in arguments.items()
        for argument in those
        for signed_in in (False, True)
    ]
    changes = _changes_of(rows, [])
    for topic, argument, signed_in in asked:
        label = f"stream {topic.name}:{argument} {signed_in}"
        seen[label] = [change.frame(topic, argument, signed_in) for change in changes]
        known = topic.current(argument) or []
        said = {"frames": [topic.frame(each, signed_in) for each in known]}
        seen[f"snapshot {label}"] = frames.frame("snapshot", said)
    return seen | _see_private_topics(world)


def _see_private_topics(world):
    seen = {}
    for name in READERS[1:]:
        person = world.people[name]
        seen[f"{name}: may follow"] = [
            tickets_live.permit(person, str(event.pk)) for event in world.events.values()
        ]
        [(key, state)] = bell.read([bell.permit(person, "")]).items()
        seen[f"{name}: bell"] = frames.frame("private", bell.frame(key, state))
    return seen


def see_mails(world):
    """What readers are written when events change and end, and when they book and cancel themselves."""
    with undone():
        _stir(world)
        let_the_worker_write(world)
        mine = [world.people[name] for name in READERS[1:]]  # an organiser's are theirs alone
        OutgoingEmail.objects.exclude(recipient__in=mine).update(state=OutgoingEmail.State.SENT)
        notices = [Ask("GET", "/notifications/"), Ask("GET", "/api/v1/notifications")]
        after = see_answers(world, notices, READERS[1:]) | see_stream(world)
        return _sent() | {f"then {name}": it for name, it in after.items()}


def _sent():
    """Every byte of every mail that waits to be sent to readers."""
    mail.outbox.clear()
    with replayed("send"):
        drain()
    seen = {}
    for message in mail.outbox:
        name = f"mail {message.to} {message.extra_headers['Message-ID']} {message.subject}"
        with replayed(name):
            seen[name] = message.message().as_bytes()
    return seen


def _stir(world):
    organiser, events = world.people["organiser"], world.events
    with replayed("stir"):
        book_ticket(events["open"], holder=world.people["attendee"])
        book_ticket(events["scarce"], holder=world.people["other"])
        cancel_ticket(world.tickets["full"], by=world.people["holder"])
    with replayed("tell"):
        change_event(events["open"], changes={"location": "Town Hall"}, by=organiser)
        send_message(events["scarce"], subject="Tools", text="Bring some.", by=organiser)
    with replayed("end"):
        cancel_event(events["tied"], by=organiser, reason="Rain")


def differences(first, second):
    """Where two worlds can be told apart, in words; empty when they cannot."""
    names = [name for name in first if first[name] != second.get(name)]
    names += [name for name in second if name not in first]
    return [f"{name}\n{_words(first.get(name), second.get(name))}" for name in names]


def _words(one, other):
    if isinstance(one, Answer) and isinstance(other, Answer):
        parts = ("status", "headers", "cookies", "queries", "body")
        one, other = ([f"{part}: {getattr(it, part)}" for part in parts] for it in (one, other))
    else:
        one, other = [str(one)], [str(other)]
    lines = [
        [line for part in it for line in part.replace("\\n", "\n").split("\n")]
        for it in (one, other)
    ]
    return "\n".join(line[:400] for line in list(unified_diff(*lines, lineterm="", n=0))[2:12])
