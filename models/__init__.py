"""The shipped models; `README.md` is their card. An installed package has the images only."""

from pathlib import Path

SHAKESPEARE = Path(__file__).with_name("shakespeare.zlstm")
"""65 symbols, trained on tiny-shakespeare."""
