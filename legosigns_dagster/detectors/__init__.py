"""Detectors that exist: a room for each library.

May import: nothing of ours.
"""
