"""Damaged inputs of every sort, each beside good ones, given to the functions that the assets call."""
