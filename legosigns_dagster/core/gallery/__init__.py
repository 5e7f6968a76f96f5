"""A dataset as a page: its images with their boxes in a grid, filters, and a random one large.

May import: core.images, core.dataset, core.pictures, core.analysis, core.report.
"""
