"""The embedded sample: drawn scenes, annotated LEGO-style signs, and base weights that know only classical ones."""

from pathlib import Path

FOLDER = Path(__file__).parent
