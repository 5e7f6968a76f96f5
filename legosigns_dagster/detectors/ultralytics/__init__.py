"""The detector made by Ultralytics: the only room that imports torch and Ultralytics, and only inside functions.

May import: core, core.dataset, core.evaluation, core.inference, core.detector.
"""
