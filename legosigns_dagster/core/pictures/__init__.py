"""Images with boxes drawn on them, as JPEG: samples of a dataset, what changed in it, and what weights detect.

May import: core, core.images, core.sources, core.dataset, core.synthesis, core.inference.
"""
