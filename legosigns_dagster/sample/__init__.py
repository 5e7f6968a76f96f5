"""The embedded sample: drawn images, annotated LEGO-style signs, and base weights that know only classical signs."""

from pathlib import Path

FOLDER = Path(__file__).parent
