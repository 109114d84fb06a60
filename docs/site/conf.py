# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx: the pages of docs/ and those that antsibull-docs makes of the modules, roles, filters and plugins."""

project = "kvmfleet.compute"
copyright = "the kvmfleet.compute authors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
exclude_patterns = ["README.md"]
html_theme = "furo"
# May be broken behind the dot, and nowhere else.
html_title = "kvmfleet.\u200bcompute"
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_show_sphinx = False
html_copy_source = False
myst_heading_anchors = 3
# Files of the repository that are no pages of the site (examples, the licence), and labels of Ansible's own documentation: this one's references are checked by
# antsibull-docs lint-collection-docs.
suppress_warnings = ["myst.xref_missing", "ref.ref"]
nitpicky = False
