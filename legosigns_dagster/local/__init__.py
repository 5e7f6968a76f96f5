"""Runs on one machine: executor, which of them live, who waits for whom, their history, what a terminal shows.

May import: nothing of ours.
"""
