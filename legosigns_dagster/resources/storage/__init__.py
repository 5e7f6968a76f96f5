"""Where assets are kept: snapshots of folders over S3 or a local disk, with caches and garbage collection.

May import: core.
"""
