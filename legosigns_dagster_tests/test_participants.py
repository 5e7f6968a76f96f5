"""Several people share one Dagster: each sees, makes and checks only what has their name in front."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.test.utils import execute_dagster_graphql

from legosigns_dagster import sample
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.definitions import load_definitions
from legosigns_dagster.deployments import deployment
from legosigns_dagster.resources.storage.store import LocalStore

PEOPLE = ("alice", "bob")
STEPS = {"raw_annotations", "raw_annotations_checks"}
CODE_LOCATION = """from legosigns_dagster.definitions import load_definitions
from legosigns_dagster.deployments import deployment
defs = load_definitions(deployment({environment}))"""
NODES = "query { assetNodes { assetKey { path } repository { location { name } } } }"
COLLISIONS = """query($keys: [AssetKeyInput!]!) { assetNodeDefinitionCollisions(assetKeys: $keys) {
  assetKey { path } } }"""


class Person:
    """A participant with a store of their own, in which base weights are.

    Attributes:
        environment: The variables of their code location.
        store: Their store.
        defs: What their code location loads.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.store = name, LocalStore(folder=str(folder))
        self.environment = {"LEGOSIGNS_PARTICIPANT": name, "LEGOSIGNS_STORE": str(folder)}
        self.defs = load_definitions(deployment(self.environment))

    def add_base_weights(self, folder: Path) -> "Person":
        """Put base weights of the sample's classes into the store: reading real ones would load torch."""
        names = yaml.safe_load((sample.FOLDER / "classical-signs" / "data.yaml").read_text())["names"]
        folder.mkdir()
        (folder / "best.pt").write_bytes(b"not read")
        weights = Weights(folder, SignClasses(tuple(names.values() if isinstance(names, dict) else names)), 256)
        self.store.snapshots().save("base_weights", "given", weights.save())
        return self

    def key(self, asset: str) -> dg.AssetKey:
        return dg.AssetKey([self.name, asset])

    def annotate(self, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
        """Run the part of the job that makes and checks raw_annotations."""
        job = self.defs.resolve_job_def("traffic_signs")
        checks = job.asset_layer.asset_graph.get_check_keys_for_assets({self.key("raw_annotations")})
        subset = job.get_subset(asset_selection={self.key("raw_annotations")}, asset_check_selection=set(checks))
        with pytest.MonkeyPatch.context() as process:
            for name, value in self.environment.items():
                process.setenv(name, value)
            return subset.execute_in_process(instance=instance)


@pytest.fixture
def people(tmp_path: Path) -> list[Person]:
    return [Person(name, tmp_path / name).add_base_weights(tmp_path / f"weights of {name}") for name in PEOPLE]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def materialized(instance: dg.DagsterInstance) -> set[str]:
    return {key.to_user_string() for key in instance.all_asset_keys()}


def test_a_job_makes_and_checks_its_own_assets_in_its_own_store(
    people: list[Person], instance: dg.DagsterInstance
) -> None:
    alice, bob = people
    done = alice.annotate(instance)
    assert done.success
    assert done.dagster_run.tags["legosigns/participant"] == "alice"
    assert {event.step_key for event in done.all_events if event.is_step_success} == STEPS
    assert materialized(instance) == {"alice/raw_annotations"}
    assert len(done.get_asset_check_evaluations()) == 6
    assert {one.asset_key for one in done.get_asset_check_evaluations()} == {alice.key("raw_annotations")}
    assert alice.store.snapshots().find("raw_annotations").run_id == done.run_id
    published = Path(alice.store.folder, "traffic-signs", done.run_id).iterdir()
    assert {file.name for file in published} == {"raw_annotations.zip", "raw_annotations-gallery.html"}
    with pytest.raises(FileNotFoundError):
        bob.store.snapshots().find("raw_annotations")

    assert bob.annotate(instance).success
    assert materialized(instance) == {"alice/raw_annotations", "bob/raw_annotations"}
    versions = [person.store.snapshots().find("raw_annotations") for person in people]
    assert versions[0].run_id == done.run_id != versions[1].run_id
    assert versions[0].digest == versions[1].digest, "a name is in no value"


def test_a_store_is_one_participant_s_and_another_is_refused_before_any_work(
    people: list[Person], instance: dg.DagsterInstance
) -> None:
    alice = people[0]
    alice.store.require_owner("alice")
    intruder = Person("bob", Path(alice.store.folder))
    with pytest.raises(dg.DagsterError) as refused:
        intruder.annotate(instance)
    told = "alice is the store of participant alice, and LEGOSIGNS_PARTICIPANT is bob: set AWS_S3_BUCKET"
    assert told in str(refused.value.__cause__)
    with pytest.raises(FileNotFoundError):
        alice.store.snapshots().find("raw_annotations")
    alice.store.require_owner("alice")


def contents(defs: dg.Definitions, job: str, prefix: str) -> tuple[set[str], set[str], set[str]]:
    """The steps, the assets and the checks of a job, without a name in front."""
    found = defs.resolve_job_def(job)
    graph = found.asset_layer.asset_graph
    keys = [graph.materializable_asset_keys, {check.asset_key for check in graph.asset_check_keys}]
    texts = [{key.to_user_string() for key in one} for one in keys]
    assert all(text.startswith(prefix) for text in set.union(*texts))
    assets, checked = ({text.removeprefix(prefix) for text in one} for one in texts)
    return {node.name for node in found.nodes}, assets, checked


@pytest.mark.parametrize("job", ["traffic_signs", "release", "endpoint"])
def test_each_job_of_a_participant_has_what_everybody_s_has_under_their_name(job: str) -> None:
    everybodys, alices = (load_definitions(deployment({"LEGOSIGNS_PARTICIPANT": name})) for name in ("", "alice"))
    assert contents(alices, job, "alice/") == contents(everybodys, job, "")
    assert everybodys.resolve_job_def(job).run_tags == {}


def test_the_job_endpoint_has_its_check_alone() -> None:
    job = load_definitions(deployment({"LEGOSIGNS_PARTICIPANT": "alice"})).resolve_job_def("endpoint")
    (check,) = job.asset_layer.asset_graph.asset_check_keys
    assert check == dg.AssetCheckKey(dg.AssetKey(["alice", "released_model"]), "endpoint_answers")


@pytest.mark.parametrize("name", ["user-1", "a b", "a/b", "é", "a.b"])
def test_a_name_that_cannot_stand_in_a_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"LEGOSIGNS_PARTICIPANT is '{name}', expected letters, digits and _"):
        deployment({"LEGOSIGNS_PARTICIPANT": name})


@pytest.fixture
def workspace(people: list[Person], tmp_path: Path) -> Iterator[WorkspaceRequestContext]:
    """What the web server has loaded: a code location for each participant."""
    origins = []
    for person in people:
        file = tmp_path / f"{person.name}.py"
        file.write_text(CODE_LOCATION.format(environment=person.environment))
        target = LoadableTargetOrigin(python_file=str(file))
        origins.append(InProcessCodeLocationOrigin(target, location_name=person.name))
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origins)) as context,
    ):
        yield context.create_request_context()


def ask(workspace: WorkspaceRequestContext, query: str, **variables: Any) -> Any:
    """Ask what the pages of the UI ask, and return the only value of the answer."""
    (only,) = execute_dagster_graphql(workspace, query, variables).data.values()
    return only


def test_the_ui_shows_the_assets_of_both_side_by_side_and_none_twice(
    workspace: WorkspaceRequestContext, people: list[Person]
) -> None:
    assert workspace.code_location_errors() == []
    nodes = ask(workspace, NODES)
    found = {("/".join(one["assetKey"]["path"]), one["repository"]["location"]["name"]) for one in nodes}
    assets = [key.path[-1] for key in people[0].defs.resolve_asset_graph().get_all_asset_keys()]
    assert len(nodes) == 2 * len(assets) == 20
    assert found == {(f"{name}/{asset}", name) for name in PEOPLE for asset in assets}
    assert ask(workspace, COLLISIONS, keys=[node["assetKey"] for node in nodes]) == []
