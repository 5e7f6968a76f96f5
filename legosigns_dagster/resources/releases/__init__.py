"""Releases in the store: published once and whole, listed, rolled back.

May import: core, core.inference, core.release, resources.storage, resources.versions.
"""
