"""Doors to the outside: object stores, Label Studio files, a folder to work in."""
