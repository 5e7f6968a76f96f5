"""Doors to the outside: inputs, scratch folders, and the rooms for storage and Label Studio.

May import: core, core.sources, core.ingestion, resources.storage, resources.label_studio.
"""
