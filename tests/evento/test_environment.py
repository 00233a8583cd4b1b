"""Settings are declared once, and a value that means nothing is refused in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from evento import settings_docs
from evento.environment import (
    Environment,
    Setting,
    database_config,
    email_config,
    unknown_names,
)
from evento.settings import env as declared_here

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = "sqlite:////srv/evento/var/evento.sqlite3"


def environment(**variables):
    return Environment(variables)


def run(*command, **variables):
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("method", "default", "value", "expected"),
    [
        ("text", "a", "b", "b"),
        ("text", "a", "  b ", "b"),
        ("text", "a", "", "a"),
        ("text", "a", "$b", "$b"),
        ("number", 4, "12", 12),
        ("number", 4, "-1", -1),
        ("number", 4, "", 4),
        ("switch", False, "Yes", True),
        ("switch", True, "off", False),
        ("switch", True, "", True),
        ("names", [], "a, b,,", ["a", "b"]),
        ("names", ["a"], "", ["a"]),
    ],
)
def test_value_is_read_by_its_type_and_empty_is_the_default(method, default, value, expected):
    env = environment(X=value)

    assert getattr(env, method)("X", default, "What it does.") == expected
    assert env.problems == []


def test_missing_variable_is_the_default():
    assert environment().number("X", 4, "What it does.") == 4


@pytest.mark.parametrize(
    ("method", "value", "sentence"),
    [
        ("number", "abc", "X: 'abc' is no whole number."),
        ("number", "4.5", "X: '4.5' is no whole number."),
        ("number", "1_000", "X: '1_000' is no whole number."),
        ("switch", "maybe", "X: 'maybe' is neither on nor off. Give true or false."),
    ],
)
def test_value_of_the_wrong_type_is_noted_in_a_sentence(method, value, sentence):
    env = environment(X=value)
    getattr(env, method)("X", 0, "What it does.")

    with pytest.raises(ImproperlyConfigured, match=f"^{sentence}$"):
        env.raise_problems()


@pytest.mark.parametrize(
    "url",
    [
        "postgres://evento:secret@127.0.0.1:5432/evento",
        "postgresql:///evento",
        "postgres://%2Fvar%2Frun%2Fpostgresql/evento",
        "sqlite:////srv/evento/data.sqlite3",
    ],
)
def test_database_url_is_taken(url):
    env = environment()

    assert database_config(url, EMBEDDED, env)["NAME"].endswith(("evento", "data.sqlite3"))
    assert env.problems == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgress://me:secret@host/name", "Begins with postgress:"),
        ("mysql://me:secret@host/name", "Begins with mysql:"),
        ("evento", "Is no URL"),
        ("postgres:/me:secret@host/name", "Two slashes are missing"),
        ("postgres://me:sec/ret@host:5432/name", "The port is no number"),
        ("postgres://me:secret@host", "Names no database"),
        ("sqlite://var/evento.sqlite3", "three slashes"),
        ("sqlite:///", "three slashes"),
    ],
)
def test_database_url_that_names_none_is_noted_without_its_password(url, words):
    env = environment()
    database_config(url, EMBEDDED, env)

    [problem] = env.problems
    assert problem.startswith("DATABASE_URL: ")
    assert words in problem
    assert "secret" not in problem
    assert "ret@" not in problem


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("smpt://me:secret@host:25", "Begins with smpt:"),
        ("mail.example.org:587", "which Evento cannot use"),
        ("smtp://me:secret@host:x", "The port is no number"),
        ("smtp+tls://", "Names no mail server"),
    ],
)
def test_email_url_that_names_no_server_is_noted_without_its_password(url, words):
    env = environment()
    email_config(url, env)

    [problem] = env.problems
    assert problem.startswith("EMAIL_URL: ")
    assert words in problem
    assert "secret" not in problem


def test_command_says_all_that_is_wrong_in_sentences_and_no_traceback():
    ended = run("manage.py", "check", WEB_THREADS="abc", TIME_ZONE="Europe/Atlantis")

    assert ended.returncode == 1
    assert "WEB_THREADS: 'abc' is no whole number." in ended.stderr
    assert "TIME_ZONE: 'Europe/Atlantis' is no time zone." in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("setting", "binds"), [("on", "True"), ("off", "False")])
def test_statements_are_prepared_unless_switched_off(setting, binds):
    program = (
        "from evento.settings import DATABASES;"
        " print(DATABASES['default'].get('OPTIONS', {}).get('server_side_binding', False))"
    )
    asked = run(
        *("-c", program),
        DATABASE_URL="postgres://evento@127.0.0.1/evento",
        DATABASE_PREPARED_STATEMENTS=setting,
    )

    assert asked.stdout.strip() == binds


def test_name_in_env_file_that_looks_like_a_setting_is_found(tmp_path):
    file = tmp_path / ".env"
    file.write_text("ALLOWED_HOST=a\nexport SITEURL=b\nPORT=8000\nPOSTGRES_PASSWORD=c\nDEBUG=1\n")

    found = unknown_names(file, ["ALLOWED_HOSTS", "SITE_URL", "DEBUG"])

    assert found == [("ALLOWED_HOST", "ALLOWED_HOSTS"), ("SITEURL", "SITE_URL")]
    assert unknown_names(tmp_path / "none", ["DEBUG"]) == []


def test_documents_say_of_settings_what_the_code_says():
    settings = declared_here.declared.values()
    page = settings_docs.TABLE_IN.read_text()

    assert settings_docs.page_with(page, settings) == page, "run `make settings`"
    assert settings_docs.EXAMPLE.read_text() == settings_docs.example(settings), (
        "run `make settings`"
    )


def test_every_variable_that_settings_read_is_declared():
    source = (ROOT / "evento" / "settings.py").read_text()

    assert "os.environ" not in source
    assert "getenv" not in source


def test_example_quotes_what_a_shell_would_take_apart():
    text = settings_docs.example(
        [
            Setting("SENDER", "text", "none", "Who.", "Evento <a@example.org>", ask=True),
            Setting("COUNT", "number", "4", "How `many`.", "5"),
        ]
    )

    assert '\nSENDER="Evento <a@example.org>"\n' in text
    assert "\n# How many. Default: 4.\n#COUNT=5\n" in text


def test_row_of_the_table_names_type_default_and_meaning():
    rows = settings_docs.table([Setting("X", "text", "UTC", "One | other.")]).splitlines()

    assert rows[-1] == "| `X` | text | `UTC` | One \\| other. |"


@pytest.mark.server
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("abc", "WEB_THREADS: 'abc' is no whole number."),
        ("0", "evento.E011: WEB_THREADS is 0. Give a number from 1 upwards."),
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_server_says_what_is_wrong_and_does_not_start(value, sentence, workers):
    server = ("-m", "evento.server", "--port", "0", "--workers", workers)

    ended = run("-W", "ignore", *server, WEB_THREADS=value)

    assert ended.returncode == 3
    assert ended.stderr.splitlines() == [
        "Evento does not start with these settings:",
        sentence,
    ]
