"""Resources and executor, chosen by environment variables. Without any, everything that is needed is embedded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from legosigns_dagster import sample
from legosigns_dagster.core.variables import strip_values
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster.io_manager import FolderIOManager
from legosigns_dagster.kubernetes.executor import pod_for_each_step
from legosigns_dagster.kubernetes.gpu import Pod
from legosigns_dagster.kubernetes.gpu_pool import limit_pool, pool_limit
from legosigns_dagster.local.executor import one_process_for_all_steps
from legosigns_dagster.participant import participant
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.project_watcher import ProjectWatcher
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.serving.model_server import ModelServer
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.store import LocalStore, S3Store, Store

LOCAL, KUBERNETES = "local", "kubernetes"
DEFAULT_STORE = ".legosigns/store"


@dataclass(frozen=True)
class Deployment:
    """What Dagster's `Definitions` need besides assets, checks and jobs.

    Attributes:
        resources: The resources by the names that assets ask for them.
        executor: How a run executes its steps.
        participant: Whose name stands in front of all assets; empty where nobody shares this Dagster.
    """

    resources: dict[str, Any]
    executor: dg.ExecutorDefinition
    participant: str = ""


def deployment(environment: Mapping[str, str]) -> Deployment:
    """Build the deployment that these variables describe.

    Of most variables it only matters whether they are set. Their values are read when a run starts, so that no secret
    is in a definition.

    Raises:
        ValueError: A value is not possible, or a variable is missing that another one needs.

    Example:
        >>> deployment({}).executor.name
        'in_process'
    """
    environment = strip_values(environment)
    name = environment.get("LEGOSIGNS_DEPLOYMENT") or LOCAL
    if name not in (LOCAL, KUBERNETES):
        raise ValueError(f"LEGOSIGNS_DEPLOYMENT is {name!r}, expected {LOCAL!r} or {KUBERNETES!r}")
    s3 = s3_resource(environment)
    store = make_store(environment, s3)
    if name == KUBERNETES and isinstance(store, LocalStore):
        raise ValueError("LEGOSIGNS_DEPLOYMENT is kubernetes, where steps share no disk: set AWS_S3_BUCKET")
    scratch, whose = Scratch(store=store), participant(environment)
    sources = inputs(environment, s3)
    resources = {
        "inputs": sources,
        "project_watcher": project_watcher(environment, sources),
        "store": store,
        "scratch": scratch,
        "pod": Pod(kubernetes=name == KUBERNETES),
        "model_server": ModelServer(
            url=env_var(environment, "SERVING_URL", ""), token=env_var(environment, "SERVING_TOKEN", "")
        ),
        "detector": dg.ResourceDefinition.hardcoded_resource(
            UltralyticsDetector(), "Trains, evaluates and exports weights, with Ultralytics."
        ),
        "io_manager": FolderIOManager(store=store, scratch=scratch, participant=whose),
    }
    return Deployment(resources, make_executor(name, environment), whose)


def make_executor(name: str, environment: Mapping[str, str]) -> dg.ExecutorDefinition:
    """Make the executor of a deployment: a pod for each step on Kubernetes, one process for all of them locally.

    Importing torch takes longer than most steps of a small run. One process imports it once.

    Raises:
        ValueError: LEGOSIGNS_GPU_POOL_LIMIT is not possible.
    """
    executor = one_process_for_all_steps() if name == LOCAL else pod_for_each_step()
    # A laptop's limit is in its dagster.yaml. A cluster's has no other place: helm-values.yaml sets no default_limit.
    limit = pool_limit(environment, default="" if name == LOCAL else "1")
    return limit_pool(executor, limit) if limit else executor


def env_var(environment: Mapping[str, str], name: str, default: Any) -> Any:
    """Refer to a variable, or take the default where it is not set.

    Its value is read when a run starts. The resource then strips it.
    """
    return dg.EnvVar(name) if environment.get(name) else default


def project_watcher(environment: Mapping[str, str], sources: Inputs) -> ProjectWatcher:
    """Make the sensor's view of the Label Studio project, with its thresholds.

    Raises:
        ValueError: A threshold is not a whole number.
    """
    names = {"quiet_s": "LEGOSIGNS_SENSOR_QUIET_S", "annotations": "LEGOSIGNS_SENSOR_ANNOTATIONS"}
    thresholds = {field: environment[name] for field, name in names.items() if environment.get(name)}
    for field, text in thresholds.items():
        if not text.isdigit():
            raise ValueError(f"{names[field]} is {text!r}, expected a whole number such as 600")
    return ProjectWatcher(inputs=sources, **{field: int(text) for field, text in thresholds.items()})


def s3_resource(environment: Mapping[str, str]) -> S3:
    """Make the S3 resource, with the variables of an OpenShift AI data connection.

    boto3 finds by itself what is not set, for example in ~/.aws.
    """
    fields = {
        "endpoint_url": "AWS_S3_ENDPOINT",
        "aws_access_key_id": "AWS_ACCESS_KEY_ID",
        "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
        "aws_session_token": "AWS_SESSION_TOKEN",
        "region_name": "AWS_DEFAULT_REGION",
    }
    return S3(**{field: env_var(environment, name, None) for field, name in fields.items()})


def make_store(environment: Mapping[str, str], s3: S3) -> Store:
    """Make the store: a bucket in S3 where one is named, else a local folder."""
    if environment.get("AWS_S3_BUCKET"):
        return S3Store(s3=s3, bucket=dg.EnvVar("AWS_S3_BUCKET"))
    return LocalStore(folder=env_var(environment, "LEGOSIGNS_STORE", DEFAULT_STORE))


def inputs(environment: Mapping[str, str], s3: S3) -> Inputs:
    """Make the inputs from the variables, and from the sample where a variable is not set.

    Raises:
        ValueError: LABEL_STUDIO_PROJECT is set, but the address or the key of the server is not.
    """
    in_files = environment.get("LABEL_STUDIO_SINK") or environment.get("LABEL_STUDIO_EXPORT")
    has_annotations = in_files or environment.get("LABEL_STUDIO_PROJECT")
    missing = [name for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY") if not environment.get(name)]
    if has_annotations and not in_files and missing:
        raise ValueError(f"LABEL_STUDIO_PROJECT is set, {' and '.join(missing)} not: set it, or LABEL_STUDIO_SINK")
    lego = sample.FOLDER / "lego-signs"
    # Only the sample's base weights know the classical signs of the sample.
    classical = "" if environment.get("BASE_WEIGHTS") else str(sample.FOLDER / "classical-signs")
    return Inputs(
        s3=s3,
        base_weights=env_var(environment, "BASE_WEIGHTS", str(sample.FOLDER / "base.pt")),
        classical_signs=env_var(environment, "CLASSICAL_SIGNS", classical),
        sign_cutouts=env_var(environment, "SIGN_CUTOUTS", str(sample.FOLDER / "sign-cutouts")),
        backgrounds=env_var(environment, "BACKGROUNDS", str(sample.FOLDER / "backgrounds")),
        sink=env_var(environment, "LABEL_STUDIO_SINK", ""),
        export=env_var(
            environment, "LABEL_STUDIO_EXPORT", "" if has_annotations else str(lego / "label-studio-export.json")
        ),
        images=env_var(environment, "LABEL_STUDIO_IMAGES", "" if has_annotations else str(lego / "images")),
        label_studio_url=env_var(environment, "LABEL_STUDIO_URL", ""),
        label_studio_key=env_var(environment, "LABEL_STUDIO_API_KEY", ""),
        label_studio_project=env_var(environment, "LABEL_STUDIO_PROJECT", ""),
    )
