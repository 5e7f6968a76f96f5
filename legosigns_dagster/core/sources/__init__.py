"""Files and archives that people give, found as they name them, and read within bounds.

May import: core.images.
"""
