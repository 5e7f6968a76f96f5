"""Models that are asked: behind a server of the Open Inference Protocol (KServe v2), or in an ONNX file.

May import: core, core.images, core.inference, core.release, detectors.onnx, resources.storage,
resources.releases.
"""
