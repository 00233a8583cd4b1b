"""The rollout scripts, with programs on the PATH that write down what they are asked.

In what order a version comes in, and where it stops; what kubectl, terraform and gcloud then do is theirs.
"""

import os
import shutil
import subprocess

import pytest

from tests.deploy.known import ROOT

IMAGE = "registry.example.org/evento:2.0.0"
CLUSTER = ROOT / "deploy/kubernetes/rollout"
OVERLAY = ROOT / "deploy/kubernetes/overlays/cloudnative-pg"
CLOUD_RUN = ROOT / "deploy/cloud-run/rollout"
# A pretended program: what it says to what, and which call fails, as patterns of sh's `case`.
PROGRAM = """#!/bin/sh
call="${{0##*/}} $*"
echo "$call" >>{log}
case "$call" in
{cases}
esac
"""


@pytest.fixture
def rollout(tmp_path):
    """A function that runs a script: its status, what it said, and the calls in order."""
    log = tmp_path / "calls"

    def run(script, *arguments, says=(), **environment):
        cases = "\n".join(f"    {pattern}) {answer} ;;" for pattern, answer in says)
        for name in ("kubectl", "terraform", "gcloud"):
            program = tmp_path / name
            program.write_text(PROGRAM.format(log=log, cases=cases))
            program.chmod(0o755)
        done = subprocess.run(
            [script, *arguments],
            env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        calls = log.read_text().splitlines() if log.exists() else []
        return done.returncode, done.stdout + done.stderr, calls

    return run


def on_a_cluster(*, job="Complete", manifests="kind: Cluster", more=()):
    """What kubectl says when all goes well, but for what is given."""
    return [
        *more,
        ("*kustomize*", f"printf '%s\\n' '{manifests}' '        image: {IMAGE}'"),
        ("*'get job'*", f"echo {job}"),
    ]


def in_order(calls, *wanted):
    """Whether there is a call for each of these words, one after the other."""
    left = iter(calls)
    return all(any(words in call for call in left) for words in wanted)


def whole(calls):
    """The calls that bring all manifests."""
    applied = [call for call in calls if call.startswith("kubectl apply")]
    return [call for call in applied if "--selector" not in call]


def test_cluster_gets_settings_then_migration_then_the_version(rollout):
    status, said, calls = rollout(CLUSTER, OVERLAY, says=on_a_cluster())

    assert status == 0, said
    assert in_order(
        calls,
        "get secret evento-secrets",
        "notin (migrate, web, worker, scheduled)",
        "wait --for=condition=Ready",
        "delete job evento-migrate",
        "component=migrate",
        "get job evento-migrate",
        "kubectl apply",
        "rollout status deployment/evento-web",
        "rollout status deployment/evento-worker",
    )
    assert len(whole(calls)) == 1


def test_cluster_keeps_its_version_when_the_migration_fails(rollout):
    status, said, calls = rollout(CLUSTER, OVERLAY, says=on_a_cluster(job="Failed"))

    assert status == 1
    assert "The version that ran before still runs." in said
    assert in_order(calls, "get job evento-migrate", "logs job/evento-migrate")
    assert whole(calls) == []


@pytest.mark.parametrize("fails", ["component=migrate", "delete", "wait", "notin"])
def test_cluster_keeps_its_version_when_any_step_fails(rollout, fails):
    says = on_a_cluster(more=[(f"*'{fails}'*", "exit 1")])

    status, _said, calls = rollout(CLUSTER, OVERLAY, says=says)

    assert status != 0
    assert whole(calls) == []


@pytest.mark.parametrize(
    ("manifests", "secret"),
    [("kind: Cluster", "evento-secrets"), ("kind: Ingress", "evento-database")],
)
def test_cluster_without_a_secret_is_left_as_it_is(rollout, manifests, secret):
    missing = [(f"*'get secret {secret}'", "exit 1")]

    status, said, calls = rollout(
        CLUSTER, OVERLAY, says=on_a_cluster(manifests=manifests, more=missing)
    )

    assert status == 1
    assert f"The secret {secret} is missing" in said
    assert not [call for call in calls if "apply" in call or "delete" in call]


def test_image_given_stands_in_for_the_overlays_and_leaves_no_trace(rollout, tmp_path):
    kept, overlay = tmp_path / "kept", tmp_path / "overlays" / "mine"
    shutil.copytree(OVERLAY, overlay)
    says = [("*kustomize*", f"cat \"$2/kustomization.yaml\" >{kept}; echo 'image: {IMAGE}'")]

    status, said, _calls = rollout(CLUSTER, overlay, IMAGE, says=[*says, *on_a_cluster()])

    assert status == 0, said
    assert "newName: registry.example.org/evento\n" in kept.read_text()
    assert 'newTag: "2.0.0"\n' in kept.read_text()
    assert list(overlay.parent.iterdir()) == [overlay]


def test_image_that_the_overlay_does_not_take_stops_it(rollout):
    status, said, calls = rollout(CLUSTER, OVERLAY, "elsewhere:9", says=on_a_cluster())

    assert status == 1
    assert "The overlay does not take elsewhere:9" in said
    assert len(calls) == 1


@pytest.mark.parametrize("script", [CLUSTER, CLOUD_RUN], ids=["cluster", "cloud-run"])
def test_scripts_say_how_they_are_used(rollout, script):
    status, said, calls = rollout(script)

    assert (status, calls) == (2, [])
    assert said.startswith("Usage: ")


def on_cloud_run(*more):
    return [*more, ("*console*", """printf '"%s"\\n' "$(cat)" """)]


def test_cloud_run_changes_the_database_between_jobs_and_version(rollout):
    status, said, calls = rollout(CLOUD_RUN, IMAGE, says=on_cloud_run(), CI="true")

    changes = [call for call in calls if "console" not in call]
    place = "--project var.project --region var.region"
    apply = f"terraform apply -input=false -auto-approve -var image={IMAGE}"
    assert status == 0, said
    assert changes == [
        f"{apply} -target=google_cloud_run_v2_job.command",
        f"gcloud run jobs execute evento-check --wait {place}",
        f"gcloud run jobs execute evento-migrate --wait {place}",
        apply,
        "terraform output -raw site_url",
    ]


@pytest.mark.parametrize("job", ["check", "migrate"])
def test_cloud_run_keeps_its_version_when_a_job_fails(rollout, job):
    says = on_cloud_run((f"*'execute evento-{job}'*", "exit 1"))

    status, _said, calls = rollout(CLOUD_RUN, IMAGE, says=says, CI="true")

    assert status == 1
    assert calls[-1].startswith(f"gcloud run jobs execute evento-{job}")
    assert len([call for call in calls if " apply " in call]) == 1


def test_cloud_run_asks_before_each_change_outside_ci(rollout):
    _status, _said, calls = rollout(CLOUD_RUN, IMAGE, says=on_cloud_run(), CI="")

    assert not [call for call in calls if "-auto-approve" in call]
