"""The pipeline's logic as values and functions: no Dagster, no network, no environment variables, no torch.

Its own files are used by every room: boxes, classes, images, files, progress, the machine.

May import: nothing of ours.
"""
