"""What a person does in the UI, by the same GraphQL requests: start runs, wait for them and read their logs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from legosigns_dagster_tests.support.cluster.manifests import Json

# A run that hangs must fail with a reason, long before CI ends it without one.
TIMEOUT_S = 600.0
FINISHED = ("SUCCESS", "FAILURE", "CANCELED")
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { id } } ... on PythonError { message } } }"""
BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
TERMINATE = """mutation($ids: [String!]!) { terminateRuns(runIds: $ids) {
  ... on TerminateRunsResult { terminateRunResults { __typename } } ... on PythonError { message } } }"""
LOG = """query($run: ID!, $cursor: String) { logsForRun(runId: $run, afterCursor: $cursor, limit: 1000) {
  ... on EventConnection { hasMore cursor events { __typename
    ... on MessageEvent { message level stepKey timestamp eventType }
    ... on ExecutionStepFailureEvent { error { message } } } } } }"""
RUNS = "query { runsOrError { ... on Runs { results { id status tags { key value } startTime endTime } } } }"
PRINTED = """query($run: ID!) { runOrError(runId: $run) { ... on Run { eventConnection { events {
  ... on LogsCapturedEvent { fileKey stepKeys } } } } } }"""
CAPTURED = "query($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"
VERSIONS = """query($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) {
  assetKey { path } dataVersion } }"""


@dataclass(frozen=True)
class Console:
    """The webserver of a release.

    Attributes:
        url: Its address.
        location: The code location that it shows.
    """

    url: str
    location: str

    def ask(self, query: str, **variables: Any) -> Any:
        """Send a query and return the only value of its answer. RuntimeError: the server refused it."""
        body = {"query": query, "variables": variables}
        answer = requests.post(f"{self.url}/graphql", json=body, timeout=300).json()
        if "errors" in answer:
            raise RuntimeError(str(answer["errors"])[:2000])
        (only,) = answer["data"].values()
        return only

    def launch(
        self,
        job: str = "__ASSET_JOB",
        assets: Sequence[str] = (),
        config: Json | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Start a run of this job, or of these assets as the Materialize button does. Returns the run's id."""
        selector: Json = {
            "repositoryLocationName": self.location,
            "repositoryName": "__repository__",
            "jobName": job,
        }
        if assets:
            selector |= {"assetSelection": [{"path": [name]} for name in assets]}
        run_tags = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        params = {
            "selector": selector,
            "runConfigData": config or {},
            "mode": "default",
            "executionMetadata": {"tags": run_tags},
        }
        answer = self.ask(LAUNCH, params=params)
        if "run" not in answer:
            raise RuntimeError(str(answer))
        return str(answer["run"]["id"])

    def backfill(self, assets: Sequence[str]) -> str:
        """Start a backfill of these assets, none of which is partitioned. Returns the backfill's id."""
        selection = [{"assetKey": {"path": [name]}} for name in assets]
        answer = self.ask(BACKFILL, params={"partitionsByAssets": selection})
        if "backfillId" not in answer:
            raise RuntimeError(str(answer))
        return str(answer["backfillId"])

    def terminate(self, *run_ids: str) -> None:
        """Stop these runs, as the button does. Finished ones stay as they are."""
        self.ask(TERMINATE, ids=list(run_ids))

    def runs(self) -> dict[str, Json]:
        """List all runs by their id, each with status, tags, start and end."""
        return {run["id"]: run for run in self.ask(RUNS)["results"]}

    def wait(self, *run_ids: str, timeout_s: float = TIMEOUT_S) -> list[str]:
        """Wait until these runs have finished, and return the status of each. AssertionError: one did not in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            runs = self.runs()
            states = [runs[run_id]["status"] for run_id in run_ids]
            if all(status in FINISHED for status in states):
                return states
            if time.monotonic() > deadline:
                logs = {run_id: [event.get("message") for event in self.log(run_id)[-5:]] for run_id in run_ids}
                raise AssertionError(f"after {timeout_s} s: {states}, {logs}")
            time.sleep(0.5)

    def log(self, run_id: str) -> list[Json]:
        """Read the events of a run's log, in order."""
        events, cursor, more = [], None, True
        while more:
            page = self.ask(LOG, run=run_id, cursor=cursor)
            events += page["events"]
            cursor, more = page["cursor"], page["hasMore"]
        return events

    def printed(self, run_id: str, step: str) -> str:
        """Read what a step wrote to stderr, as the UI shows it."""
        events = self.ask(PRINTED, run=run_id)["eventConnection"]["events"]
        (file,) = (event["fileKey"] for event in events if step in event.get("stepKeys", ()))
        return str(self.ask(CAPTURED, key=[run_id, "compute_logs", file])["stderr"])

    def span(self, run_id: str, step: str) -> tuple[float, float]:
        """Read when a successful step started and ended, in milliseconds. Its pod takes a moment longer to end."""
        times = {e["eventType"]: float(e["timestamp"]) for e in self.log(run_id) if e.get("stepKey") == step}
        return times["STEP_START"], times["STEP_SUCCESS"]

    def failure(self, run_id: str, step: str) -> str:
        """Read why a step failed, as the UI shows it. Empty: it did not fail."""
        failures = [e for e in self.log(run_id) if e["__typename"] == "ExecutionStepFailureEvent"]
        return "\n".join(str(e["error"]["message"]) for e in failures if e["stepKey"] == step)

    def warnings(self, run_id: str) -> list[str]:
        """Read the warnings in a run's log."""
        return [event["message"] for event in self.log(run_id) if event.get("level") == "WARNING"]

    def data_versions(self, *assets: str) -> dict[str, str]:
        """Read the data version of each of these assets, as the lineage shows it."""
        nodes = self.ask(VERSIONS, keys=[{"path": [name]} for name in assets])
        return {node["assetKey"]["path"][0]: node["dataVersion"] for node in nodes}
