"""Sphinx configuration: MyST pages, furo, and a reference read from the docstrings."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "trivet"
author = "The trivet authors"
project_copyright = "2026, The trivet authors"
release = version = installed("trivet")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "trivet"
html_show_sourcelink = False
copybutton_exclude = ".linenos, .gp, .go"

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

# A name in single backticks is a link where the reference has it, and code elsewhere.
default_role = "py:obj"
autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

# Without a network there is no inventory of other projects: names outside trivet stay unlinked. Page links and
# explicit roles to functions and methods are still held to reality.
nitpick_ignore_regex = [
    ("py:obj", r".*"),
    ("py:(class|exc|data)", r"(?!trivet\.[A-Z]).*"),
    ("py:meth", r"PluginManager\..*"),  # pluggy's own words about its markers
]
