"""What a release is: its facts, its files for model servers, and what must be the same before and after it.

May import: core, core.dataset, core.evaluation, core.inference, core.detector.
"""
