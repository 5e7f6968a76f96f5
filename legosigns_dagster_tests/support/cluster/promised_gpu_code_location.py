"""The project's code location, except that each pod is believed to have its GPU: machines of tests have none."""

import dagster as dg

from legosigns_dagster import definitions
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector


class TrustingDetector(UltralyticsDetector):
    """A detector that trains on CPUs where its pod asked for a GPU."""

    def sees_gpu(self) -> bool:
        return True


defs = dg.Definitions(
    assets=definitions.defs.assets,
    asset_checks=definitions.defs.asset_checks,
    jobs=definitions.defs.jobs,
    sensors=definitions.defs.sensors,
    resources={**definitions.current_deployment.resources, "detector": TrustingDetector()},
    executor=definitions.defs.executor,
)
