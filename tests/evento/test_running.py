"""Commands beside a running Evento find its database and address (SPEC 11)."""

import fcntl
import os

import pytest

from evento.running import join_running

NAMES = ("DATABASE_URL", "SITE_URL", "NOTIFICATIONS_SEND")


@pytest.fixture
def nothing_set(monkeypatch):
    """No setting of ours in the environment, and none left behind."""
    for name in NAMES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def left_by_run(tmp_path):
    path = tmp_path / "running.env"
    path.write_text("DATABASE_URL=postgres://here/evento\nSITE_URL=http://localhost:8123\n")
    return path


def settings_now():
    return {name: os.environ[name] for name in NAMES if name in os.environ}


def test_while_it_runs_its_settings_are_taken(nothing_set, left_by_run):
    with left_by_run.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        join_running(left_by_run)

    assert settings_now() == {
        "DATABASE_URL": "postgres://here/evento",
        "SITE_URL": "http://localhost:8123",
        "NOTIFICATIONS_SEND": "worker",
    }


def test_what_is_set_already_stays(nothing_set, left_by_run, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////tmp/mine.sqlite3")

    with left_by_run.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        join_running(left_by_run)

    assert os.environ["DATABASE_URL"] == "sqlite:////tmp/mine.sqlite3"


def test_file_of_one_that_has_ended_says_nothing(nothing_set, left_by_run):
    join_running(left_by_run)

    assert settings_now() == {}


def test_without_a_file_nothing_is_set(nothing_set, tmp_path):
    join_running(tmp_path / "running.env")

    assert settings_now() == {}
