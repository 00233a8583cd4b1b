"""The Terraform files in deploy/cloud-run fit code and image. Their form is for `make validate-deploy`."""

import re

import hcl2
import pytest

from tests.deploy.known import DOCKERFILE, ROOT, image_variables, unknown, wrong_command

FOLDER = ROOT / "deploy/cloud-run"


def bare(value):
    """What the parser gives, without the quotes that it keeps and what it adds."""
    if isinstance(value, dict):
        return {bare(key): bare(item) for key, item in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [bare(item) for item in value]
    if isinstance(value, str) and value.startswith('"') and value.endswith('"'):
        return value[1:-1]
    return value


def read(name):
    return bare(hcl2.loads((FOLDER / name).read_text()))


def local_values():
    found = {}
    for path in sorted(FOLDER.glob("*.tf")):
        for block in read(path.name).get("locals", []):
            found |= block
    return found


def resource(name, kind):
    (found,) = (block[kind] for block in read(name)["resource"] if kind in block)
    (body,) = found.values()
    return body


LOCALS = local_values()
COMMANDS = {**LOCALS["commands"], "worker": LOCALS["worker_command"]}


@pytest.fixture
def web():
    return resource("run.tf", "google_cloud_run_v2_service")["template"][0]


@pytest.fixture
def web_container(web):
    return web["containers"][0]


def names_in(expression):
    """The keys of an object or the words of a list, however they are put together."""
    return re.findall(r"[A-Z][A-Z_]{3,}", str(expression))


@pytest.mark.parametrize("name", ["settings", "web_settings", "secrets"])
def test_variables_are_settings(name):
    named = names_in(LOCALS[name])

    assert len(named) >= 3
    assert unknown(named) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_exist_and_take_their_arguments(name):
    assert wrong_command(COMMANDS[name]) == ""


def test_what_is_scheduled_is_a_command():
    assert {"purge", "audit-places"} <= set(LOCALS["schedules"]) <= set(LOCALS["commands"])


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["startup_probe", "liveness_probe"])
def test_probes_ask_what_is_answered(client, web_container, kind):
    path = web_container[kind][0]["http_get"][0]["path"]

    assert client.get(path).status_code == 200


def test_a_lost_database_restarts_no_instance(web_container):
    assert web_container["liveness_probe"][0]["http_get"][0]["path"] == "/healthz"
    assert web_container["startup_probe"][0]["http_get"][0]["path"] == "/readyz"


def test_port_user_and_folder_are_the_images(web, web_container):
    image = image_variables()

    assert web_container["ports"][0]["container_port"] == int(image["UVICORN_PORT"])
    assert web_container["volume_mounts"][0]["mount_path"] == f"{image['VAR_DIR']}/media"
    user, group = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE).groups()
    assert {f"uid={user}", f"gid={group}"} <= set(LOCALS["media_mount_options"])


def test_streams_leave_room_for_pages(web):
    streams = int(LOCALS["web_settings"]["LIVE_MAX_STREAMS"])

    assert streams < web["max_instance_request_concurrency"]


def test_a_stream_may_last_as_long_as_cloud_run_allows(web):
    assert web["timeout"] == "3600s"


def test_no_secret_reaches_the_state_but_the_one_that_google_makes():
    written = {
        name: next(key for key in ("secret_data", "secret_data_wo") if key in body)
        for file in ("secrets.tf", "database.tf", "redis.tf")
        for block in read(file)["resource"]
        for name, body in block.get("google_secret_manager_secret_version", {}).items()
    }

    assert written == {
        "secret_key": "secret_data_wo",
        "database_url": "secret_data_wo",
        "redis_url": "secret_data",
    }


def test_every_variable_and_output_is_described():
    described = [
        body.get("description", "")
        for file, kind in (("variables.tf", "variable"), ("outputs.tf", "output"))
        for block in read(file)[kind]
        for body in block.values()
    ]

    assert len(described) > 10
    assert all(text.endswith((".", ">", "VERSION")) for text in described), described
