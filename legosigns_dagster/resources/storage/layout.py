"""Where things lie in the store: the first part of each key. Stores are old, so none of these may change."""

PREFIX = "legosigns/"  # all that only the program reads; the other prefixes stand below it
CHECKPOINTS = "checkpoints/"
PREFLIGHT = "preflight/"


def run_key(run_id: str, name: str) -> str:
    """Make the key of a file that people download: each run has a folder of its own.

    Example:
        >>> run_key("3f2a9c", "best.pt")
        'traffic-signs/3f2a9c/best.pt'
    """
    return f"traffic-signs/{run_id}/{name}"
