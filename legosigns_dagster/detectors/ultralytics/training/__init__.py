"""The training by Ultralytics: trainer, callbacks, the state of an interrupted training, and its memory.

May import: core, core.detector, core.evaluation.
"""
