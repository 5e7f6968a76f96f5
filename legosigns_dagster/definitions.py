"""Everything that Dagster loads: assets, checks, the job, the sensor, and the resources of the current deployment."""

import os

import dagster as dg

from legosigns_dagster import checks, endpoint, release_checks
from legosigns_dagster.assets import dataset, release, report, sources, weights
from legosigns_dagster.automation import new_annotations_sensor, traffic_signs
from legosigns_dagster.automation import release as release_job
from legosigns_dagster.deployments import deployment
from legosigns_dagster.local.console import console

current_deployment = deployment(os.environ)

defs = dg.Definitions(
    assets=dg.load_assets_from_modules([sources, dataset, weights, report, release]),
    asset_checks=dg.load_asset_checks_from_modules([checks, release_checks, endpoint]),
    jobs=[traffic_signs, release_job, endpoint.endpoint],
    sensors=[new_annotations_sensor, endpoint.endpoint_sensor],
    resources=current_deployment.resources,
    executor=current_deployment.executor,
    loggers={"console": console},
)
