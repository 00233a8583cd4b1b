"""Dockerfile, compose.yaml, cloud-init.yaml and units say what the code says.

The image itself is tried by proof_image.py.
"""

import re
import shlex

import pytest
import yaml
from django.conf import settings

from tests.deploy.known import DOCKERFILE, ROOT, image_variables, unknown, wrong_command

COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
CLOUD_INIT = yaml.safe_load((ROOT / "deploy" / "cloud-init.yaml").read_text())
EVENTO = ["migrate", "web", "worker", "daily"]
# What compose itself and the other containers read from the same file.
OF_COMPOSE = {"POSTGRES_PASSWORD", "COMPOSE_PROFILES", "EVENTO_IMAGE"}
DEBIANS_POSTGRESQL = {"12": "15", "13": "17"}


def names_in(env_file):
    return re.findall(r"^#?([A-Z_]+)=", env_file, re.MULTILINE)


def test_image_starts_the_server():
    joined = DOCKERFILE.replace("\\\n", " ")
    command = yaml.safe_load(re.search(r"^CMD (\[.*\])$", joined, re.MULTILINE)[1])

    assert command == ["python", "-m", "evento.server"]


def test_image_takes_in_every_folder_that_runs_and_nothing_else():
    taken = set(re.findall(r"^!([\w.-]+)/?$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    apps = {name.split(".")[0] for name in settings.INSTALLED_APPS}
    own = {name for name in apps if (ROOT / name).is_dir()}

    assert taken == own | {"templates", "static", "manage.py", "requirements-run.txt", "LICENSE"}


def test_image_runs_as_a_numbered_user_and_keeps_one_folder():
    assert re.search(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)
    assert f"VOLUME {image_variables()['VAR_DIR']}" in DOCKERFILE


def test_containers_cannot_write_but_to_the_volume():
    for name in EVENTO:
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["volumes"] == [f"evento:{image_variables()['VAR_DIR']}"]


@pytest.mark.parametrize("name", ["migrate", "worker"])
def test_commands_of_containers_exist(name):
    assert wrong_command(COMPOSE["services"][name]["command"]) == ""


def test_daily_commands_exist():
    _sh, _c, loop = COMPOSE["services"]["daily"]["command"]
    commands = [line.split() for line in loop.splitlines() if "manage.py" in line]

    assert [wrong_command(command) for command in commands] == [""] * len(commands)
    assert commands


def test_nothing_of_evento_starts_before_the_database_is_up_to_date():
    for name in EVENTO[1:]:
        waits = COMPOSE["services"][name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}


def test_only_the_proxy_can_be_reached():
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == [
        "proxy"
    ]
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert "front" not in COMPOSE["services"]["postgres"]["networks"]


def test_database_has_the_version_whose_tools_the_image_has():
    [debian] = re.findall(r"^ARG BASE=debian:(\d+)-", DOCKERFILE, re.MULTILINE)

    image = COMPOSE["services"]["postgres"]["image"]
    assert image.startswith(f"postgres:{DEBIANS_POSTGRESQL[debian]}-")


def test_settings_of_the_compose_stack_are_settings():
    asked = names_in((ROOT / "deploy" / "compose.env.example").read_text())
    given = COMPOSE["services"]["web"]["environment"]

    assert set(unknown([*asked, *given])) <= OF_COMPOSE
    assert not set(asked) & set(given)


def test_machine_ends_with_the_stack_and_its_settings():
    [settings_file] = [it for it in CLOUD_INIT["write_files"] if it["path"] == "/etc/evento.env"]
    written = names_in(settings_file["content"])

    assert settings_file["permissions"] == "0600"
    assert unknown(written) == []
    # cloud-init's own check lets a misspelt section pass.
    sections = {"package_update", "package_upgrade", "packages", "write_files", "runcmd"}
    assert set(CLOUD_INIT) == sections
    assert CLOUD_INIT["runcmd"][-1] == "evento up --detach --wait"


def units():
    return sorted((ROOT / "deploy").glob("*.service"))


@pytest.mark.parametrize("unit", units(), ids=lambda path: path.name)
def test_units_start_commands_that_exist(unit):
    [started] = re.findall(r"^ExecStart=(.*)$", unit.read_text().replace("\\\n", " "), re.MULTILINE)
    python, *arguments = shlex.split(started)

    assert python == "/srv/evento/.venv/bin/python"
    if arguments[0] == "manage.py":
        assert wrong_command(["python", *arguments]) == ""
    else:
        assert arguments[:2] == ["-m", "evento.server"]


@pytest.mark.parametrize("name", ["evento-web", "evento-worker"])
def test_what_must_always_run_is_started_again_whatever_its_status(name):
    """Status 0 included: uvicorn ends with it when its processes end as they start."""
    lines = (ROOT / "deploy" / f"{name}.service").read_text().splitlines()

    assert {"Restart=always", "RestartSec=5", "StartLimitIntervalSec=0"} <= set(lines)


def test_containers_that_must_always_run_are_started_again_whatever_their_status():
    """Compose's on-failure would not, after status 0."""
    always = {name: COMPOSE["services"][name]["restart"] for name in [*EVENTO[1:], "proxy"]}

    assert set(always.values()) == {"unless-stopped"}
