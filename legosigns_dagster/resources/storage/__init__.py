"""The store: snapshots of folders in S3 or on a local disk, with a cache of blobs and garbage collection.

A `Store` is the Dagster resource. It gives an `ObjectStore`, which keeps bytes under keys, and a `SnapshotStore`, which
keeps versions of folders in that. Each has a version for a local folder and one for S3 where they differ.

May import: core, core.sources, core.release.
"""
