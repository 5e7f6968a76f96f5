"""Versions of assets in the store: in which order they were made, and which of them may be used.

May import: core, resources.storage.
"""
