"""What the command `legosigns` can do, a file for each subcommand. Each adds its own part to the command line.

May import: core.report, core.release, resources, resources.storage, resources.releases.
"""
