"""A dataset as other programs read it: YOLO folders, COCO, tasks for Label Studio. Read again, it is the same dataset.

May import: core, core.dataset.
"""
