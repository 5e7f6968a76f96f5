"""The comparison as a page: tables, charts and pictures as HTML, SVG and JPEG. No figure is computed here.

May import: core, core.images, core.dataset, core.pictures, core.inference, core.evaluation, core.analysis,
core.detector.
"""
