"""The model that is served: asked every hour, and after a release, whether it answers as the release did."""

import json
from functools import partial
from time import time

import dagster as dg

from legosigns_dagster.assets.check_result import ERROR, WARN, check_result
from legosigns_dagster.check_results import report_results
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.core.release.replay import Replay, replay
from legosigns_dagster.kubernetes.pod_specs import SMALL_POD
from legosigns_dagster.resources.releases.current import current_number
from legosigns_dagster.resources.releases.golden import load_golden
from legosigns_dagster.resources.releases.listing import release_numbers
from legosigns_dagster.resources.serving.endpoint import Endpoint, ServingError
from legosigns_dagster.resources.serving.model_server import ModelServer
from legosigns_dagster.resources.serving.served_contract import check_contract, fits_contract
from legosigns_dagster.resources.storage.object_store import ObjectStore
from legosigns_dagster.resources.storage.store import Store

RELEASED, CHECK = "released_model", "endpoint_answers"
# The only check of what is last in the group. By its key it would not be found under a participant's name.
LAST = dg.AssetSelection.groups("release").sinks()
ENDPOINT_ANSWERS = LAST - LAST.without_checks()
EARLIER = 5  # releases besides the current one that are looked for behind the server
HOUR_S = 3600
NOT_SET = "SERVING_URL is not set: set it to the address of the server, http://HOST:PORT"
NOT_RELEASED = "nothing is released yet: materialize release_candidate and released_model"


@dg.asset_check(
    asset=dg.AssetKey(RELEASED),
    name=CHECK,
    description="The server behind SERVING_URL answers as the current release did when it was made.",
    op_tags=SMALL_POD,
)
def endpoint_answers(
    context: dg.AssetCheckExecutionContext, store: dg.ResourceParam[Store], model_server: ModelServer
) -> dg.AssetCheckResult:
    """Ask the server what the current release was asked when it was made."""
    number = current_number(store.objects())
    if number is None or not model_server.url:
        result = check_result(RELEASED, CHECK, (), False, NOT_SET if number else NOT_RELEASED, WARN)
    else:
        try:
            with model_server.open() as endpoint:
                result = judge_endpoint(store.objects(), number, endpoint)
        except (ServingError, ValueError) as error:
            result = check_result(RELEASED, CHECK, [str(error)], False, str(error), ERROR)
    (told,) = report_results(context, [result])
    return told


def judge_endpoint(objects: ObjectStore, number: int, endpoint: Endpoint) -> dg.AssetCheckResult:
    """Find out which release a server answers for.

    Raises:
        ServingError: It does not answer, or has another model.
    """
    replays = []
    metadata = endpoint.metadata()
    earlier = [one for one in release_numbers(objects) if one != number]
    for one in [number, *reversed(earlier[-EARLIER:])]:
        golden = load_golden(objects, one)
        if not fits_contract(metadata, golden.contract):
            continue
        replays.append(replay(golden, partial(ask, endpoint, golden.contract), f"release {one}"))
        if replays[-1].score == 0:
            break
    if not replays:
        check_contract(metadata, load_golden(objects, number).contract, endpoint.address)
    return endpoint_result(number, replays, endpoint.address)


def ask(endpoint: Endpoint, contract: ModelContract, tensor: Tensor) -> Tensor:
    """Ask a server for a model's output."""
    return endpoint.infer(tensor, contract).output


def endpoint_result(number: int, replays: list[Replay], address: str) -> dg.AssetCheckResult:
    """Say which release answers, how far off, and how fast."""
    nearest = min(replays, key=lambda one: (not one.is_kept, one.score))
    figures = {"median_s": nearest.median_s, "slowest_s": nearest.slowest_s}
    speed = f"an answer takes {nearest.median_s * 1000:.0f} ms, the slowest {nearest.slowest_s * 1000:.0f} ms"
    if not nearest.is_kept:
        offenders = [one.sentence for one in replays]
        text = f"no release answers at {address}; {offenders[0]}: is release {number} rolled out?"
        return check_result(RELEASED, CHECK, offenders, False, text, ERROR, figures)
    text = f"release {nearest.number} answers at {address}; {nearest.sentence}; {speed}"
    if nearest.number != number:
        back = f"`legosigns release rollback {nearest.number}`"
        text = f"{text}; release {number} is the current one: roll it out, or {back}"
    return check_result(
        RELEASED, CHECK, (), nearest.number == number, text, ERROR, figures | {"release": nearest.number}
    )


endpoint = dg.define_asset_job(
    "endpoint",
    selection=ENDPOINT_ANSWERS,
    description="Asks the server behind SERVING_URL what the current release was asked when it was made.",
)


@dg.sensor(
    job_name=endpoint.name,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts endpoint every hour, and a minute after another release has become the current one.",
)
def endpoint_sensor(
    context: dg.SensorEvaluationContext, store: dg.ResourceParam[Store], model_server: ModelServer
) -> dg.SensorResult:
    """Start the job `endpoint` every hour, and a minute after another release has become the current one."""
    number = current_number(store.objects())
    if number is None or not model_server.url:
        return dg.SensorResult(skip_reason=NOT_SET if number else NOT_RELEASED)
    before = json.loads(context.cursor or "{}")
    now_s = int(time())
    if before.get("release") == number and now_s - before.get("asked_s", 0) < HOUR_S:
        return dg.SensorResult(skip_reason=f"release {number} was asked {now_s - before['asked_s']} s ago")
    cursor = json.dumps({"release": number, "asked_s": now_s})
    return dg.SensorResult([dg.RunRequest(run_key=f"{number} {now_s}")], cursor=cursor)
