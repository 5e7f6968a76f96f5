"""A dataset as a page: its images with their boxes in a grid, filters, and a random one large.

May import: core, core.images, core.dataset, core.analysis, core.report.
"""
