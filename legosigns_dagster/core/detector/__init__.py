"""The seam to whoever trains and predicts: what the pipeline asks of a detector, and what it gives one.

May import: core, core.dataset, core.evaluation, core.inference.
"""
