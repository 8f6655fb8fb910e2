"""The shipped models; `README.md` is their card. An installed package has the images only."""

from pathlib import Path

SHAKESPEARE = Path(__file__).with_name("shakespeare.zlstm")
"""65 characters, trained on tiny-shakespeare."""

PYTHON = Path(__file__).with_name("python.zlstm")
"""96 characters, trained on Python's standard library."""

CATALOGS = Path(__file__).with_name("catalogs.zlstm")
"""256 bytes, trained on messages of programs in 27 languages."""
