"""How good weights are: matches, average precision, intervals, the comparison of base and new.

May import: core, core.dataset.
"""
