"""Synthetic images: sign cut-outs pasted into scenes, with boxes measured on the pasted pixels.

May import: core, core.images, core.sources, core.dataset.
"""
