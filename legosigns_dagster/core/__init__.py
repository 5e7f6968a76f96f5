"""What the pipeline knows, as values and functions: no Dagster, no network, no environment, no torch.

Its own files are the ground that every room stands on: boxes, classes, images, files, progress, the machine.

May import: nothing of ours.
"""
