"""The assets, in the order of the flow. A body gathers, makes one core call and adds metadata.

May import: core, core.images, core.dataset, core.pictures, core.ingestion, core.synthesis, core.evaluation,
core.detector, core.training, core.report, core.release, detectors.onnx, kubernetes, resources, resources.storage,
resources.versions, resources.releases, sample.
"""
