"""The chart and Kubernetes understand what docs/kubernetes.md says to add to helm-values.yaml, or to type."""

import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from legosigns_dagster.deployments import deployment
from legosigns_dagster_tests.support.cluster.containers import Sources, container_environment
from legosigns_dagster_tests.support.cluster.manifests import check_object
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.helm_chart import (
    CHART,
    TEXT,
    add_lines,
    code_location,
    container_contexts,
    replace_values,
    unknown_keys,
    user_env,
    values,
)
from legosigns_dagster_tests.support.pages import code_blocks
from legosigns_dagster_tests.support.step_jobs import only_container, step_job

GUIDE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in code_blocks(GUIDE, "yaml")]
EXAMPLES = [block for block in BLOCKS if "execution" not in block]
COMMANDS = "".join(code_blocks(GUIDE, "")).replace("\\\n", " ")
SETTINGS = re.findall(r"--set ([\w.-]+)=(\S+)", COMMANDS)


def example(word: str) -> dict[str, Any]:
    """Find the only example that has this word, added to helm-values.yaml."""
    (found,) = (block for block in EXAMPLES if word in str(block))
    added: dict[str, Any] = add_lines(values(), found)
    return added


def test_there_is_an_example_for_each_kind_of_cluster() -> None:
    assert len(EXAMPLES) == 7
    assert len(SETTINGS) == 6


@pytest.mark.parametrize("number", range(7))
def test_the_chart_knows_every_key_of_an_example(number: int) -> None:
    assert list(unknown_keys(EXAMPLES[number], CHART)) == []


@pytest.mark.parametrize("number", range(7))
def test_kubernetes_knows_every_key_of_the_objects_that_an_example_adds(number: int) -> None:
    for manifest in EXAMPLES[number].get("extraManifests", []):
        check_object(manifest)


@pytest.mark.parametrize(("path", "value"), SETTINGS)
def test_the_chart_knows_every_value_that_a_command_sets(path: str, value: str) -> None:
    setting: Any = value
    for key in reversed(path.split(".")):
        setting = {key: setting}
    assert list(unknown_keys(setting, CHART)) == []


def test_a_mirror_replaces_every_image_of_the_chart_itself() -> None:
    """Of PostgreSQL's image the registry is a key of its own, of the others it is a part of the repository."""
    mirrored = {path for path, value in SETTINGS if value.startswith("$MIRROR")}
    servers = {f"{server}.image.repository" for server in ("dagsterWebserver", "dagsterDaemon", "busybox")}
    assert mirrored == servers | {"postgresql.image.registry"}


def test_with_the_lines_for_pod_security_no_server_is_root_and_without_them_no_user_is_fixed() -> None:
    restricted = example("runAsUser")
    for server in ("dagsterWebserver", "dagsterDaemon"):
        context = restricted[server]["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context == values()[server]["securityContext"] | {"runAsNonRoot": True, "runAsUser": 1000}
    assert "runAsUser" not in TEXT


def test_a_private_authority_is_known_in_every_process_that_asks_s3(tmp_path: Path) -> None:
    added = example("AWS_CA_BUNDLE")
    pod = step_job("model_weights", tmp_path, container_contexts(added))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    for place in (added["dagsterWebserver"], added["dagsterDaemon"], code_location(added), container):
        (variable,) = (entry for entry in place["env"] if entry["name"] == "AWS_CA_BUNDLE")
        folders = [mount["mountPath"] for mount in place["volumeMounts"] if mount["name"] == "company-ca"]
        assert [str(Path(variable["value"]).parent)] == folders
    assert {"name": "company-ca", "configMap": {"name": "company-ca"}} in pod["volumes"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/dev/shm", "/etc/company-ca"}


def test_a_bucket_claim_gives_the_variables_of_s3_to_every_process(tmp_path: Path) -> None:
    added = yaml.safe_load(yaml.safe_dump(example("BUCKET_HOST")).replace("legosigns-s3", "my-claim"))
    sources = Sources(
        secrets={"my-claim": {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}},
        config_maps={
            "my-claim": {"BUCKET_HOST": "s3.openshift-storage.svc", "BUCKET_NAME": "b-1", "BUCKET_PORT": "443"}
        },
    )
    step = only_container(step_job("model_weights", tmp_path, container_contexts(added)))
    servers = [
        {"env": place["env"], "envFrom": [{"secretRef": secret} for secret in place["envSecrets"]]}
        for place in (added["dagsterWebserver"], added["dagsterDaemon"], code_location(added))
    ]
    for container in (step, *servers):
        found = container_environment(container, sources)
        assert found["AWS_S3_ENDPOINT"] == "https://s3.openshift-storage.svc:443"
        assert (found["AWS_S3_BUCKET"], found["AWS_ACCESS_KEY_ID"]) == ("b-1", "key")
        assert found["LEGOSIGNS_LOGS_BUCKET"] == "b-1"


def people() -> dict[str, Any]:
    """The values of a release for several people: helm-values.yaml, then the example as a second file."""
    (found,) = (block for block in EXAMPLES if "LEGOSIGNS_PARTICIPANT" in str(block))
    replaced: dict[str, Any] = replace_values(values(), found)
    return replaced


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_person_s_code_location_is_that_of_helm_values_with_a_name_and_places_of_their_own(name: str) -> None:
    theirs, everybodys = code_location(people(), name), code_location(values())
    own = {"LEGOSIGNS_PARTICIPANT", "LABEL_STUDIO_PROJECT", "LEGOSIGNS_LOGS_BUCKET"}
    common = {entry["name"]: entry["value"] for entry in everybodys["env"] if entry["name"] not in own}
    assert {key: value for key, value in theirs["env"].items() if key not in own} == common
    changed = ("name", "env", "envSecrets")
    assert [theirs[key] for key in theirs if key not in changed] == [
        everybodys[key] for key in theirs if key not in changed
    ]
    assert set(theirs) == set(everybodys)


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_person_s_steps_write_data_into_their_own_bucket_and_logs_where_the_web_server_looks(
    name: str, tmp_path: Path
) -> None:
    added = people()
    theirs = code_location(added, name)
    sources = Sources(
        secrets={"legosigns-s3": {"AWS_S3_BUCKET": "dagster-logs"}, f"{name}-s3": {"AWS_S3_BUCKET": f"of-{name}"}},
        config_maps={user_env(theirs): theirs["env"]},
    )
    step = only_container(step_job("raw_annotations", tmp_path, container_contexts(added, name)))
    found = container_environment(step, sources)
    assert deployment(found).participant == name
    assert found["AWS_S3_BUCKET"] == f"of-{name}"
    for place in (added["dagsterWebserver"], added["dagsterDaemon"]):
        server = {"env": place["env"], "envFrom": [{"secretRef": secret} for secret in place["envSecrets"]]}
        assert container_environment(server, sources)["LEGOSIGNS_LOGS_BUCKET"] == found["LEGOSIGNS_LOGS_BUCKET"]


def test_each_person_has_one_run_at_a_time_whatever_the_others_start(tmp_path: Path) -> None:
    runs = people()["concurrency"]["runs"]
    limits = {"max_concurrent_runs": runs["maxConcurrentRuns"], "tag_concurrency_limits": runs["tagConcurrencyLimits"]}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"concurrency": {"runs": limits}}), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        queue = instance.get_concurrency_config().run_queue_config
    assert queue
    assert queue.max_concurrent_runs == 40
    assert queue.tag_concurrency_limits == [
        {"key": "dagster/code_location", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    ]


def test_the_login_is_in_front_of_the_web_server_s_port_and_alone_can_be_reached() -> None:
    added = example("oauth-proxy")
    (login,) = added["dagsterWebserver"]["extraContainers"]
    assert f"--upstream=http://localhost:{added['dagsterWebserver']['service']['port']}" in login["args"]
    service, policy = added["extraManifests"]
    (port,) = service["spec"]["ports"]
    assert f"--http-address=:{port['port']}" in login["args"]
    assert policy["spec"]["ingress"] == [{"ports": [{"port": port["port"]}]}]
    assert f"--service={service['metadata']['name']} --port={port['name']}" in COMMANDS


def test_an_ingress_has_a_path_that_matches_every_page() -> None:
    server = example("ingressClassName")["ingress"]["dagsterWebserver"]
    assert (server["path"], server["pathType"]) == ("/", "Prefix")


def test_the_image_that_is_pulled_early_is_the_one_that_runs() -> None:
    (early,) = example("DaemonSet")["extraManifests"]
    image = code_location(values())["image"]
    (container,) = early["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{image['repository']}:{image['tag']}"
