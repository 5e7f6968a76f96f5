"""Annotations and images from Label Studio: its API, its target storage, or an export on disk.

May import: core, core.sources, core.dataset, core.ingestion, resources.storage.
"""
