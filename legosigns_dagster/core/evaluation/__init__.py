"""How good weights are: average precision, intervals, and the comparison of base and new weights.

May import: core, core.dataset, core.inference.
"""
