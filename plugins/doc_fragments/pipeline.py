# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports for pipelines, which two modules write: of requests that are refused, and of what became of servers."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  junit_file:
    description:
      - A file on the controller in the format of JUnit with a test case for each server, as Jenkins and GitLab read it. A server that is lost is a failure with
        the class and the sentence of its error, one of which nothing is known an error.
      - It is written in check mode, too.
    version_added: 0.2.0
    type: path
  code_quality_file:
    description:
      - A file on the controller in the format of GitLab's code quality report, which shows each error at the line of its request if the requests come from a
        file.
      - It is written in check mode, too.
    version_added: 0.2.0
    type: path
  github_annotations:
    description: Put each error on the standard output as a workflow command of GitHub, which shows it at the line of its request.
    version_added: 0.2.0
    type: bool
    default: false
"""
