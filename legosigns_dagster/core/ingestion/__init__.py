"""From Label Studio's tasks to a dataset: every annotation is used, or quarantined with its reason.

May import: core, core.images, core.sources, core.dataset.
"""
