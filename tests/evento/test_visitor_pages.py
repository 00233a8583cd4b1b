"""Visitors' pages are kept for a moment; nobody gets one that was made for somebody else."""

import threading

import pytest
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.test import Client
from django.urls import reverse

from evento.http import visitor_pages
from evento.http.visitor_pages import MAX_PAGES, VisitorPages
from events.models import Event
from events.services import change_event
from notifications.live.public import AGE_MARGIN_SECONDS
from tests.patience import PATIENCE


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pages(settings, monkeypatch, clock):
    """The pages of a process that has just begun, with a clock of their own."""
    settings.VISITOR_PAGE_SECONDS = 1
    fresh = VisitorPages(clock)
    monkeypatch.setattr(visitor_pages, "PAGES", fresh)
    return fresh


def count_queries(django_assert_num_queries, path, count, client=None, **headers):
    with django_assert_num_queries(count):
        return (client or Client()).get(path, headers=headers)


@pytest.fixture
def paths(event):
    month = reverse("events:month", args=[event.starts_on.year, event.starts_on.month])
    file = reverse("events:ics", args=[event.slug])
    return ["/", reverse("events:past"), month, event.get_absolute_url(), file]


def test_second_visitor_gets_the_same_bytes_without_a_query(
    pages, paths, django_assert_num_queries
):
    for path in paths:
        first = Client().get(path)

        second = count_queries(django_assert_num_queries, path, 0)

        assert second.content == first.content
        ours = {**first.headers, "X-Request-ID": ""}
        assert {**second.headers, "X-Request-ID": ""} == ours


def test_page_is_made_anew_after_a_second(pages, clock, event, organiser):
    path = event.get_absolute_url()
    assert "The new room" not in Client().get(path).content.decode()
    change_event(event, changes={"location": "The new room"}, by=organiser)

    clock.now += 0.9
    assert "The new room" not in Client().get(path).content.decode()
    clock.now += 0.1
    assert "The new room" in Client().get(path).content.decode()


def test_kept_pages_are_no_older_than_the_stream_looks_back(settings):
    assert settings.VISITOR_PAGE_SECONDS < AGE_MARGIN_SECONDS


def test_who_is_signed_in_neither_gets_nor_leaves_a_kept_page(pages, client, attendee, event):
    client.force_login(attendee)
    own = client.get("/").content.decode()
    visitors = Client().get("/").content.decode()

    assert attendee.name in own
    assert attendee.name not in visitors
    assert attendee.name in client.get("/").content.decode()


def test_organiser_sees_their_draft_and_visitors_do_not(pages, client, organiser, event):
    Event.objects.filter(pk=event.pk).update(status=Event.Status.DRAFT)
    client.force_login(organiser)

    assert client.get(event.get_absolute_url()).status_code == 200
    assert Client().get(event.get_absolute_url()).status_code == 404


def test_message_for_one_visitor_is_not_shown_to_another(pages, client, event):
    client.cookies["messages"] = "whatever"
    client.get("/")

    assert not pages._kept


PART = {"HX-Request": "true", "HX-Target": "results"}
ENCODED = {**PART, "HX-Target": "%72esults"}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, PART),
        ({"HX-Target": "results"}, PART),  # without HX-Request: a browser's own
        ({"HX-Request": "true"}, PART),
        ({**PART, "HX-History-Restore-Request": "true"}, PART),
        (ENCODED, {**ENCODED, "HX-Target-URI-AutoEncoded": "true"}),
    ],
)
def test_parts_that_htmx_asks_for_are_kept_apart(pages, event, first, then):
    whole, part = (Client().get("/", headers=headers).content for headers in (first, then))

    assert b"<html" in whole
    assert b"<html" not in part


@pytest.mark.parametrize("path", ["/?q=concert", "/?q=", "/?available=on"])
def test_another_question_gets_its_own_answer(pages, event, path):
    Client().get("/")
    kept = Client().get(path).content
    pages._kept.clear()

    assert kept == Client().get(path).content


def test_only_what_worked_and_holds_nothing_personal_is_kept(pages, rf):
    def with_token(request):
        return HttpResponse(get_token(request))

    def with_cookie(_request):
        response = HttpResponse()
        response.set_cookie("a", "b")
        return response

    def missing(_request):
        return HttpResponse(status=404)

    has_cookie = {"CSRF_COOKIE": "x" * 32}  # as the middleware notes it
    for view, more in (
        (with_token, {}),
        (with_token, has_cookie),
        (with_cookie, {}),
        (missing, {}),
    ):
        request = rf.get("/", **more)
        pages.answer(request, lambda view=view, request=request: view(request))

    assert not pages._kept


def test_post_and_head_are_not_answered_from_memory(pages, event):
    Client().get("/")

    assert Client().post("/").status_code == 405
    assert Client().head("/").content == b""


def test_made_up_addresses_do_not_fill_the_memory(pages, rf):
    for number in range(2 * MAX_PAGES + 1):
        pages.answer(rf.get(f"/?q={number}"), HttpResponse)

    assert len(pages._kept) <= MAX_PAGES


def test_page_that_many_want_at_once_is_made_once(pages, rf):
    made = []
    all_there = threading.Barrier(5, timeout=PATIENCE)

    def make():
        made.append(1)
        first_is_making.set()
        assert may_end.wait(timeout=PATIENCE)
        return HttpResponse("made")

    def ask():
        all_there.wait()
        answers.append(pages.answer(rf.get("/"), make).content)

    first_is_making, may_end, answers = threading.Event(), threading.Event(), []
    threads = [threading.Thread(target=ask) for _each in range(4)]
    for thread in threads:
        thread.start()
    all_there.wait()
    assert first_is_making.wait(timeout=PATIENCE)
    may_end.set()
    for thread in threads:
        thread.join(timeout=PATIENCE)

    assert answers == [b"made"] * 4
    assert made == [1]
