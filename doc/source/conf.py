"""How Sphinx makes the pages: `tox -e docs`, and a step of tools/test, take every warning for an error."""

project = "gatelocal"
author = "The gatelocal authors"
extensions: list[str] = []
root_doc = "index"
exclude_patterns = ["*.inc"]
html_theme = "alabaster"
html_title = "git review and gatelocal"
highlight_language = "text"
smartquotes = False
