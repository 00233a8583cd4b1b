"""The manifests in deploy/kubernetes fit the code and the image. Their form is for `make validate-deploy`."""

import pytest
import yaml
from django.test import Client

from evento.backups.making import default_folder
from evento.probes import ADDRESSES
from evento.server import OPTIONS
from tests.deploy.known import DOCKERFILE, ROOT, image_variables, unknown, wrong_command

FOLDER = ROOT / "deploy/kubernetes"
SHUTDOWN_SECONDS = int(OPTIONS[OPTIONS.index("--timeout-graceful-shutdown") + 1])


def documents(pattern):
    return [
        document
        for path in sorted(FOLDER.glob(pattern))
        for document in yaml.safe_load_all(path.read_text())
    ]


def of_kind(kind):
    return {doc["metadata"]["name"]: doc for doc in documents("base/*.yaml") if doc["kind"] == kind}


def pods():
    """The pod of each workload, by the workload's name."""
    found = {name: doc["spec"]["template"] for name, doc in of_kind("Deployment").items()}
    found |= {name: doc["spec"]["template"] for name, doc in of_kind("Job").items()}
    found |= {
        name: doc["spec"]["jobTemplate"]["spec"]["template"]
        for name, doc in of_kind("CronJob").items()
    }
    return found


PODS = pods()


def containers(pod):
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def namespace_given_in(folder):
    return yaml.safe_load((folder / "kustomization.yaml").read_text()).get("namespace")


def settings_files():
    return sorted(FOLDER.glob("overlays/*/settings.env"))


def named_in(path):
    lines = path.read_text().splitlines()
    return [line.partition("=")[0] for line in lines if line and not line.startswith("#")]


@pytest.fixture
def web():
    return PODS["evento-web"]["spec"]


def test_all_kinds_of_pod_are_looked_at():
    assert {"evento-web", "evento-worker", "evento-migrate", "evento-backup"} <= set(PODS)


@pytest.mark.parametrize("name", PODS)
def test_variables_are_settings(name):
    named = [entry["name"] for box in containers(PODS[name]) for entry in box["env"]]

    assert unknown(named) == []


@pytest.mark.parametrize("path", settings_files(), ids=lambda path: path.parent.name)
def test_settings_of_an_overlay_exist_and_none_is_secret(path):
    named = named_in(path)

    assert "SITE_URL" in named
    assert unknown(named) == []
    secret = {"SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "ORGANISER_CODE", "REDIS_URL"}
    assert secret.isdisjoint(named)


@pytest.mark.parametrize("name", [name for name in PODS if name != "evento-web"])
def test_commands_exist_and_take_their_arguments(name):
    wrong = [wrong_command(box["args"]) for box in containers(PODS[name])]

    assert wrong == [""] * len(wrong)


def test_no_secret_is_in_the_repository():
    kinds = {document["kind"] for document in documents("**/*.yaml")}

    assert "Secret" not in kinds


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probes_ask_what_is_answered_under_a_pods_own_address(web, kind, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["tickets.example.org"]
    ask = web["containers"][0][kind]["httpGet"]

    answer = Client().get(ask["path"], headers={"host": "10.42.0.7:8000"})

    assert answer.status_code == 200
    assert ask["port"] == "http"


def test_a_lost_database_restarts_no_pod(web):
    box = web["containers"][0]

    assert box["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert box["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_port_user_and_folder_are_the_images(web):
    image = image_variables()
    box = web["containers"][0]

    assert box["ports"] == [{"name": "http", "containerPort": int(image["UVICORN_PORT"])}]
    assert f"\nUSER {web['securityContext']['runAsUser']}:" in DOCKERFILE
    media = {mount["name"]: mount["mountPath"] for mount in box["volumeMounts"]}["media"]
    assert media == f"{image['VAR_DIR']}/media"


def test_what_reads_or_removes_covers_has_their_volume():
    having = {
        name
        for name, pod in PODS.items()
        if "evento-media" in str(pod["spec"]["volumes"])
        and f"{image_variables()['VAR_DIR']}/media" in str(containers(pod)[0]["volumeMounts"])
    }

    assert having == {"evento-web", "evento-backup", "evento-purge"}


def test_backups_are_kept():
    pod = PODS["evento-backup"]["spec"]
    folders = {
        mount["name"]: mount["mountPath"]
        for mount in containers(PODS["evento-backup"])[0]["volumeMounts"]
    }
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "backups"]

    assert folders["backups"] == f"{image_variables()['VAR_DIR']}/{default_folder().name}"
    assert volume["persistentVolumeClaim"] == {"claimName": "evento-backups"}


def test_a_pod_that_ends_has_the_time_it_needs(web):
    before_sigterm = web["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert web["terminationGracePeriodSeconds"] >= before_sigterm + 2 * SHUTDOWN_SECONDS


def test_a_rollout_takes_no_pod_away_before_its_successor_is_ready():
    strategy = of_kind("Deployment")["evento-web"]["spec"]["strategy"]["rollingUpdate"]

    assert strategy["maxUnavailable"] == 0


def test_the_database_takes_all_connections(settings):
    pods_at_most = of_kind("HorizontalPodAutoscaler")["evento-web"]["spec"]["maxReplicas"]
    (cluster,) = documents("components/cloudnative-pg/cluster.yaml")
    taken = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])

    # docs/operations.md, "Open pages"; a rollout has one pod more.
    assert (pods_at_most + 1) * (settings.WEB_THREADS + 6) < taken


def test_nothing_is_let_in_or_out_unless_said():
    policy = of_kind("NetworkPolicy")["default-deny"]["spec"]

    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_stream_has_an_ingress_of_its_own():
    paths = {
        name: doc["spec"]["rules"][0]["http"]["paths"][0]["path"]
        for name, doc in of_kind("Ingress").items()
    }

    assert paths == {"evento": "/", "evento-live": "/live/"}


def test_all_that_is_made_is_in_the_namespace_that_rollout_asks():
    """kubectl puts what names no namespace into that of its context, which is another one."""
    nowhere = [
        f"{folder.name} {document['kind']} {document['metadata']['name']}"
        for folder in [FOLDER / "base", *FOLDER.glob("components/*"), *FOLDER.glob("overlays/*")]
        for path in sorted(folder.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if "metadata" in document
        and document["kind"] != "Namespace"
        and "evento" not in (namespace_given_in(folder), document["metadata"].get("namespace"))
    ]

    assert nowhere == ["k3s HelmChartConfig traefik"]  # of the cluster, not of the overlay


@pytest.mark.django_db
def test_what_machines_ask_but_healthz_leads_nowhere_from_outside():
    named = {
        (document["kind"], document["metadata"]["name"]): document
        for document in documents("components/traefik/*.yaml")
        if "spec" in document
    }
    (component,) = documents("components/traefik/kustomization.yaml")
    (patch,) = [
        patch["patch"]
        for patch in component["patches"]
        if patch["target"].get("name") == "evento-not-from-outside"
    ]
    ingress = named["Ingress", "evento-not-from-outside"]
    paths = ingress["spec"]["rules"][0]["http"]["paths"]
    nowhere = named["Middleware", "evento-nothing-here"]["spec"]["replacePath"]["path"]

    assert {(it["path"], it["pathType"]) for it in paths} == {
        (path, "Exact") for path in ADDRESSES if path != "/healthz"
    }
    assert "router.middlewares: evento-evento-nothing-here@kubernetescrd" in patch
    assert Client().get(nowhere).status_code == 404


@pytest.mark.parametrize("name", PODS)
def test_pods_may_do_only_what_they_must(name):
    pod = PODS[name]["spec"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for box in containers(PODS[name]):
        assert box["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
