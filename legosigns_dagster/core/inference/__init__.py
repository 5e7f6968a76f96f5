"""From an image to the tensor that a served model takes, and from the tensor that it gives to detections.

May import: core.
"""
