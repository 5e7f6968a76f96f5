"""Which resources and which executor, from the environment. Nothing set means everything embedded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from legosigns_dagster import sample
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster.io_manager import FolderIOManager
from legosigns_dagster.kubernetes.executor import pod_for_each_step
from legosigns_dagster.kubernetes.gpu import Pod
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.project_watcher import Watching
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.store import LocalStore, S3Store, Store

LOCAL, KUBERNETES = "local", "kubernetes"
DEFAULT_STORE = ".legosigns/store"


@dataclass(frozen=True)
class Deployment:
    """What `Definitions` needs besides assets."""

    resources: dict[str, Any]
    executor: dg.ExecutorDefinition


def deployment(environment: Mapping[str, str]) -> Deployment:
    """The deployment that these variables describe; ValueError for one that cannot be meant.

    Only which variables are set is looked at. Their values are read when a run starts: no secret is in a definition.
    """
    name = environment.get("LEGOSIGNS_DEPLOYMENT") or LOCAL
    if name not in (LOCAL, KUBERNETES):
        raise ValueError(f"LEGOSIGNS_DEPLOYMENT is {name!r}, expected {LOCAL!r} or {KUBERNETES!r}")
    s3 = s3_resource(environment)
    store = chosen_store(environment, s3)
    if name == KUBERNETES and isinstance(store, LocalStore):
        raise ValueError("LEGOSIGNS_DEPLOYMENT is kubernetes, where steps share no disk: set AWS_S3_BUCKET")
    scratch = Scratch(store=store)
    given = inputs(environment, s3)
    resources = {
        "inputs": given,
        "watching": watching(environment, given),
        "store": store,
        "scratch": scratch,
        "pod": Pod(kubernetes=name == KUBERNETES),
        "detector": dg.ResourceDefinition.hardcoded_resource(UltralyticsDetector()),
        "io_manager": FolderIOManager(store=store, scratch=scratch),
    }
    return Deployment(resources, executor_of(name))


def executor_of(name: str) -> dg.ExecutorDefinition:
    """A pod for each step on Kubernetes, one process for all of them on a laptop.

    On a laptop importing torch takes longer than most steps, and one process does it once.
    """
    if name == LOCAL:
        return dg.in_process_executor
    return pod_for_each_step()


def variable(environment: Mapping[str, str], name: str, otherwise: Any) -> Any:
    """A reference to a variable where it is set, which is resolved when a run starts."""
    return dg.EnvVar(name) if environment.get(name) else otherwise


def watching(environment: Mapping[str, str], given: Inputs) -> Watching:
    """How patient the sensor is; ValueError for a number that is none."""
    names = {"quiet_s": "LEGOSIGNS_SENSOR_QUIET_S", "annotations": "LEGOSIGNS_SENSOR_ANNOTATIONS"}
    chosen = {field: environment[name] for field, name in names.items() if environment.get(name)}
    for field, text in chosen.items():
        if not text.isdigit():
            raise ValueError(f"{names[field]} is {text!r}, expected a whole number such as 600")
    return Watching(inputs=given, **{field: int(text) for field, text in chosen.items()})


def s3_resource(environment: Mapping[str, str]) -> S3:
    """S3 by the names of an OpenShift AI data connection; what is not set is left to boto3's own chain."""
    fields = {
        "endpoint_url": "AWS_S3_ENDPOINT",
        "aws_access_key_id": "AWS_ACCESS_KEY_ID",
        "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
        "aws_session_token": "AWS_SESSION_TOKEN",
        "region_name": "AWS_DEFAULT_REGION",
    }
    return S3(**{field: variable(environment, name, None) for field, name in fields.items()})


def chosen_store(environment: Mapping[str, str], s3: S3) -> Store:
    """S3 where a bucket is named, a folder otherwise."""
    if environment.get("AWS_S3_BUCKET"):
        return S3Store(s3=s3, bucket=dg.EnvVar("AWS_S3_BUCKET"))
    return LocalStore(folder=variable(environment, "LEGOSIGNS_STORE", DEFAULT_STORE))


def inputs(environment: Mapping[str, str], s3: S3) -> Inputs:
    """The sources that the variables name, and the sample's in the place of the others."""
    in_files = environment.get("LABEL_STUDIO_SINK") or environment.get("LABEL_STUDIO_EXPORT")
    annotated = in_files or environment.get("LABEL_STUDIO_PROJECT")
    missing = [name for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY") if not environment.get(name)]
    if annotated and not in_files and missing:
        raise ValueError(f"LABEL_STUDIO_PROJECT is set, {' and '.join(missing)} not: set it, or LABEL_STUDIO_SINK")
    lego = sample.FOLDER / "lego-signs"
    # The sample's old signs are what the sample's base weights know, and no others do.
    old_signs = "" if environment.get("BASE_WEIGHTS") else str(sample.FOLDER / "classical-signs")
    return Inputs(
        s3=s3,
        base_weights=variable(environment, "BASE_WEIGHTS", str(sample.FOLDER / "base.pt")),
        classical_signs=variable(environment, "CLASSICAL_SIGNS", old_signs),
        sign_cutouts=variable(environment, "SIGN_CUTOUTS", str(sample.FOLDER / "sign-cutouts")),
        backgrounds=variable(environment, "BACKGROUNDS", str(sample.FOLDER / "backgrounds")),
        sink=variable(environment, "LABEL_STUDIO_SINK", ""),
        export=variable(
            environment, "LABEL_STUDIO_EXPORT", "" if annotated else str(lego / "label-studio-export.json")
        ),
        images=variable(environment, "LABEL_STUDIO_IMAGES", "" if annotated else str(lego / "images")),
        label_studio_url=variable(environment, "LABEL_STUDIO_URL", ""),
        label_studio_key=variable(environment, "LABEL_STUDIO_API_KEY", ""),
        label_studio_project=variable(environment, "LABEL_STUDIO_PROJECT", ""),
    )
