"""The project's code location, but that it trusts a pod to have the GPU it asked for: no machine of a test has one."""

import dagster as dg

from legosigns_dagster import definitions
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector


class TrustingDetector(UltralyticsDetector):
    """Trains on CPUs where it was promised a GPU."""

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
