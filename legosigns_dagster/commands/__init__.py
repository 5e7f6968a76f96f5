"""What the command `legosigns` can do, a file for each subcommand. Each adds its own part to the command line.

May import: core, core.dataset, core.export, core.synthesis, core.pictures, core.inference, core.report, core.release,
resources, resources.serving, resources.storage, resources.versions, resources.releases.
"""
