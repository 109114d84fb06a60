# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests from a YAML or JSON file that somebody else has written: data, in which no template is ever run."""

from __future__ import annotations

import typing as t

import yaml

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain

VARIABLE = "compute_servers"


class UnclearRequests(ValueError):
    """There is no request, or it is not clear which ones are meant; the message says why."""


class WrongFile(UnclearRequests):
    """The file can't be read as requests; the message names it."""


def read(path: str) -> list[t.Any]:
    """The requests: the list in the file, or what it has as ``compute_servers``."""
    try:
        with open(path, encoding="utf-8") as file:
            document: object = plain(yaml.safe_load(file))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise WrongFile(f"servers_file {path}: {error}") from error
    requests: object = document.get(VARIABLE) if isinstance(document, dict) else document
    if not isinstance(requests, list):
        raise WrongFile(f"servers_file {path}: must be a list of requests, or a mapping with {VARIABLE}")
    return requests


def requests_of(args: t.Mapping[str, object]) -> list[t.Any]:
    """The requests of the arguments ``servers`` or ``servers_file``; UnclearRequests if there is none: a run that has nothing to do is no success."""
    given, path = args["servers"], args["servers_file"]
    if given is not None and path is not None:
        raise UnclearRequests(f"{VARIABLE} (servers) and {VARIABLE}_file (servers_file) are both set; give one of them")
    if given is None and path is None:
        raise UnclearRequests(f"nothing is asked for: neither {VARIABLE} (servers) nor {VARIABLE}_file (servers_file) is set")
    requests = given if isinstance(given, list) else read(str(path))
    if not requests:
        where = VARIABLE if path is None else f"servers_file {path}"
        raise UnclearRequests(f"nothing is asked for: {where} is an empty list")
    return requests
