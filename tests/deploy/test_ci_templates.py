"""The templates for CI services: what they may do, and that what they run is there."""

import os
import re

import pytest
import yaml

from tests.deploy.known import ROOT

WORKFLOW_TEXT = (ROOT / ".github/workflows/ci.yml").read_text()
WORKFLOW = yaml.safe_load(WORKFLOW_TEXT)
GITHUB_JOBS = WORKFLOW["jobs"]
GITLAB = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
GITLAB_JOBS = {
    name: job for name, job in GITLAB.items() if isinstance(job, dict) and "script" in job
}
# Run for whoever opens a pull request.
OF_STRANGERS = ("test", "build")
SCRIPT = re.compile(r"(?:^|\s)((?:bin|deploy|\.ci)/[\w./-]+)", re.MULTILINE)


def github_scripts():
    return "\n".join(step.get("run", "") for job in GITHUB_JOBS.values() for step in job["steps"])


def gitlab_scripts():
    return "\n".join(line for job in GITLAB_JOBS.values() for line in job["script"])


def test_actions_are_pinned_to_a_commit_and_say_which_version():
    used = re.findall(r"uses: (\S+)(.*)", WORKFLOW_TEXT)

    assert len(used) > 5
    assert [name for name, _rest in used if not re.search(r"@[0-9a-f]{40}$", name)] == []
    assert [name for name, rest in used if not re.match(r" # v\d+\.\d+\.\d+", rest)] == []


def test_each_job_says_what_it_may():
    written = {
        name: {what for what, level in job["permissions"].items() if level == "write"}
        for name, job in GITHUB_JOBS.items()
    }

    assert WORKFLOW["permissions"] == {}
    assert {name: what for name, what in written.items() if what} == {
        "push": {"packages"},
        "cloud-run": {"id-token"},
    }


@pytest.mark.parametrize("name", OF_STRANGERS)
def test_what_strangers_can_start_knows_no_secret(name):
    job = GITHUB_JOBS[name]

    assert "secrets." not in str(job)
    assert "environment" not in job
    assert all(
        step["with"]["persist-credentials"] is False
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    )


def test_only_tags_are_pushed_and_rolled_out():
    assert GITHUB_JOBS["push"]["if"] == "${{ github.ref_type == 'tag' }}"
    assert GITHUB_JOBS["kubernetes"]["needs"] == "push"
    assert "github.ref_type == 'tag'" in GITHUB_JOBS["cloud-run"]["if"]
    for name in ("push", "kubernetes"):
        (rule,) = GITLAB_JOBS[name]["rules"]
        assert rule["if"].startswith("$CI_COMMIT_TAG =~ /^v[0-9]/")


def test_nothing_is_pushed_that_was_not_tested():
    assert GITHUB_JOBS["push"]["needs"] == GITHUB_JOBS["cloud-run"]["needs"] == "test"
    assert GITLAB_JOBS["push"]["needs"] == ["test"]
    assert GITLAB_JOBS["kubernetes"]["needs"] == ["push"]


def test_one_rollout_at_a_time():
    groups = [GITHUB_JOBS[name]["concurrency"] for name in ("kubernetes", "cloud-run")]

    assert groups == [{"group": "production", "cancel-in-progress": False}] * 2
    assert GITLAB_JOBS["kubernetes"]["resource_group"] == "production"


def test_no_expression_becomes_part_of_a_script():
    assert "${{" not in github_scripts()


def test_what_is_released_passes_all_proofs_first():
    (tried,) = [step for step in GITHUB_JOBS["test"]["steps"] if step.get("run") == ".ci/run"]

    assert tried["env"]["PROOFS"] == "${{ github.ref_type == 'tag' && 'full' || 'short' }}"
    assert GITLAB["test"]["script"] == [
        'if [ -n "$CI_COMMIT_TAG" ]; then export PROOFS=full; fi',
        ".ci/run",
    ]


def test_each_check_and_proof_of_deploy_is_in_ci():
    run = (ROOT / ".ci/run").read_text()
    targets = re.findall(
        r"^(proof-\w+|validate-deploy):", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    elsewhere = {  # not of deploy/
        *("proof-oversell", "proof-notices", "proof-api"),
        *("proof-lighthouse", "proof-mutants"),
    }

    assert [it for it in targets if f"make {it}" not in run and it not in elsewhere] == []


@pytest.mark.parametrize("scripts", [github_scripts, gitlab_scripts], ids=["GitHub", "GitLab"])
def test_scripts_are_there_and_can_be_run(scripts):
    named = {name for name in SCRIPT.findall(scripts()) if not name.endswith(".tfvars")}

    assert {".ci/run", "bin/build-image", "deploy/kubernetes/rollout"} <= named
    assert sorted(name for name in named if not os.access(ROOT / name, os.X_OK)) == []


def test_no_job_runs_for_ever():
    assert [name for name, job in GITHUB_JOBS.items() if job.get("timeout-minutes", 999) > 60] == []
    base = GITLAB[".docker"]
    assert [
        name for name, job in GITLAB_JOBS.items() if "timeout" not in job and "timeout" not in base
    ] == []


def test_terraform_is_new_enough():
    (version,) = re.findall(r"terraform_version: (\d+\.\d+)", WORKFLOW_TEXT)
    asked = re.search(
        r'required_version = ">= ([\d.]+)"', (ROOT / "deploy/cloud-run/versions.tf").read_text()
    )[1]

    assert tuple(map(int, version.split("."))) >= tuple(map(int, asked.split(".")))
