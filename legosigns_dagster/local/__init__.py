"""Runs on one machine: their executor, which of them live, who waits for whom, and where their history is.

May import: nothing of ours.
"""
