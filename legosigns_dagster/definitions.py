"""Everything that Dagster loads: assets, checks, the job, the sensor, and the resources of the current deployment."""

import os

import dagster as dg

from legosigns_dagster import automation, checks, endpoint, release_checks
from legosigns_dagster.assets import dataset, release, report, sources, weights
from legosigns_dagster.deployments import Deployment, deployment
from legosigns_dagster.kubernetes.pod_table import add_pod_tables
from legosigns_dagster.local.console import console
from legosigns_dagster.participant import own_tags

JOBS = (automation.traffic_signs, automation.release, endpoint.endpoint)


def load_definitions(chosen: Deployment) -> dg.Definitions:
    """Wire everything for a deployment.

    A participant's name is put in front of all keys here, and nowhere else. Steps keep their names, so that settings
    and the sizes of pods are written as ever.
    """
    prefix = chosen.participant or None
    return dg.Definitions(
        assets=add_pod_tables(
            dg.load_assets_from_modules([sources, dataset, weights, report, release], key_prefix=prefix), os.environ
        ),
        asset_checks=dg.load_asset_checks_from_modules([checks, release_checks, endpoint], asset_key_prefix=prefix),
        jobs=[
            dg.define_asset_job(job.name, job.selection, description=job.description, tags=own_tags(chosen.participant))
            for job in JOBS
        ],
        sensors=[automation.new_annotations_sensor, endpoint.endpoint_sensor],
        resources=chosen.resources,
        executor=chosen.executor,
        loggers={"console": console},
    )


current_deployment = deployment(os.environ)
defs = load_definitions(current_deployment)
