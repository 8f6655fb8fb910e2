"""The documentation's build: make docs."""

import importlib.metadata

project = "zynq-lstm"
author = "zynq-lstm contributors"
release = importlib.metadata.version("zynq-lstm")

extensions = ["myst_parser"]
exclude_patterns = ["examples"]
myst_heading_anchors = 3  # Links to headings are checked, like those to pages.
highlight_language = "none"  # Blocks say what they are; those that do not are drawings.
nitpicky = True

html_theme = "furo"
html_title = f"zynq-lstm {release}"
html_copy_source = False
