"""The admin's list of events: its order over several pages, and the years to choose from."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from events.admin.events import EventAdmin
from events.querysets import FEW_YEARS
from tests.events.factories import EventFactory

pytestmark = pytest.mark.django_db

LIST = reverse("admin:events_event_changelist")


@pytest.fixture
def signed_in(client, organiser):
    client.force_login(organiser)
    return client


def titles(response):
    return [event.title for event in response.context["cl"].result_list]


def test_list_goes_on_where_the_page_before_ended(signed_in, organiser, now, monkeypatch):
    monkeypatch.setattr(EventAdmin, "list_per_page", 3)
    for days in (3, -2, 1, -1, 2, -3, 4):
        EventFactory(organiser=organiser, title=f"{days}", starts_at=now + timedelta(days=days))

    pages = [titles(signed_in.get(LIST, {"p": page})) for page in (1, 2, 3)]

    assert pages == [["1", "2", "3"], ["4", "-1", "-2"], ["-3"]]


@pytest.mark.parametrize(("column", "expected"), [("0", ["ab", "cd"]), ("-0", ["dc", "ba"])])
def test_list_by_a_column(signed_in, organiser, column, expected, monkeypatch):
    monkeypatch.setattr(EventAdmin, "list_per_page", 2)
    for title in "bdac":
        EventFactory(organiser=organiser, title=title)

    pages = ["".join(titles(signed_in.get(LIST, {"o": column, "p": page}))) for page in (1, 2)]

    assert pages == expected


def test_what_is_equal_in_a_column_comes_as_ever(signed_in, organiser, now):
    for days in (3, -2, 1, -1, 2):
        EventFactory(organiser=organiser, title="Owls", starts_at=now + timedelta(days=days))

    by_title = signed_in.get(LIST, {"o": "0"}).context["cl"].result_list

    assert list(by_title) == list(signed_in.get(LIST).context["cl"].result_list)


def test_somebody_elses_events_are_on_no_page(signed_in, event, other_organiser):
    EventFactory(organiser=other_organiser)

    assert titles(signed_in.get(LIST)) == [event.title]


def test_years_to_choose_from_are_those_with_events(signed_in, organiser, other_organiser):
    for year in (2031, 2029, 2031, 2035):
        EventFactory(organiser=organiser, starts_at=datetime(year, 6, 1, tzinfo=UTC))
    EventFactory(organiser=other_organiser, starts_at=datetime(2030, 6, 1, tzinfo=UTC))

    page = signed_in.get(LIST).text

    links = [f'<a href="?starts_on__year={year}">{year}</a>' for year in range(2028, 2037)]
    assert [link for link in links if link in page] == [links[1], links[3], links[7]]


def test_many_years_are_read_at_once(signed_in, organiser, django_assert_max_num_queries):
    years = range(2030, 2030 + 2 * FEW_YEARS)
    for year in years:
        EventFactory(organiser=organiser, starts_at=datetime(year, 6, 1, tzinfo=UTC))

    with django_assert_max_num_queries(12 + FEW_YEARS):
        page = signed_in.get(LIST).text

    assert all(f'<a href="?starts_on__year={year}">{year}</a>' in page for year in years)


@pytest.mark.parametrize("year", ["9999", "99999999999", "0", "x"])
def test_year_that_no_calendar_has_leads_back_to_the_list(signed_in, event, year):
    response = signed_in.get(LIST, {"starts_on__year": year}, follow=True)

    assert (response.status_code, titles(response)) == (200, [event.title])


def test_months_of_a_year(signed_in, organiser):
    for month in (3, 11, 3):
        EventFactory(organiser=organiser, starts_at=datetime(2031, month, 5, tzinfo=UTC))
    EventFactory(organiser=organiser, starts_at=datetime(2032, 1, 5, tzinfo=UTC))

    page = signed_in.get(LIST, {"starts_on__year": "2031"}).text

    assert [name in page for name in ("March 2031", "November 2031", "January 2032")] == [
        *(True, True, False)
    ]
