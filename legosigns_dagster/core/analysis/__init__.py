"""Where weights go wrong: confused classes, kinds of errors, object sizes, confidence, and what to do next.

May import: core, core.dataset, core.inference, core.evaluation.
"""
