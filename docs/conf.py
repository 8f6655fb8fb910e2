"""The documentation's build: make docs."""

import importlib.metadata

project = "zynq-lstm"
author = "zynq-lstm contributors"
release = importlib.metadata.version("zynq-lstm")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]
myst_heading_anchors = 3  # Links to headings are checked, like those to pages.
highlight_language = "none"  # Blocks say what they are; those that do not are drawings.
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # Other packages' types, in signatures.
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"zynq-lstm {release}"
html_copy_source = False
