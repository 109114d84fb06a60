# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests from a YAML or JSON file that somebody else has written: data, in which no template is ever run."""

from __future__ import annotations

import typing as t

import yaml

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import answers

VARIABLE = "compute_servers"


class UnclearRequests(ValueError):
    """There is no request, or it is not clear which ones are meant; the message says why."""


class WrongFile(UnclearRequests):
    """The file can't be read as requests; the message names it."""


def _listed(document: object, where: str) -> list[t.Any]:
    """The requests: the list in a document, or what it has as ``compute_servers``."""
    requests: object = document.get(VARIABLE) if isinstance(document, dict) else document
    if not isinstance(requests, list):
        raise WrongFile(f"{where}: must be a list of requests, or a mapping with {VARIABLE}")
    return requests


def read(path: str) -> list[t.Any]:
    """The requests in a file."""
    try:
        with open(path, encoding="utf-8") as file:
            document: object = plain(yaml.safe_load(file))
    except OSError as error:
        raise WrongFile(f"servers_file {path}: {error.strerror}") from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise WrongFile(f"servers_file {path}: {error}") from error
    return _listed(document, f"servers_file {path}")


def requests_of(args: t.Mapping[str, object], flat: dict[str, t.Any] | None) -> list[t.Any]:
    """The requests of the arguments ``servers``, which may be a text of YAML or JSON, or ``servers_file``, or the one of a survey's answers.

    UnclearRequests if there is none, because a run that has nothing to do is no success, or if there is more than one of the three.
    """
    given, path = args["servers"], args["servers_file"]
    sources = {f"{VARIABLE} (servers)": given, f"{VARIABLE}_file (servers_file)": path, "compute_server_name and the like": flat}
    there = [source for source, value in sources.items() if value is not None]
    if len(there) > 1:
        raise UnclearRequests(f"{' and '.join(there)} are {'both' if len(there) == 2 else 'all'} set; give one of them")
    if not there:
        raise UnclearRequests(f"nothing is asked for: neither {VARIABLE} (servers) nor {VARIABLE}_file (servers_file) nor compute_server_name is set")
    if flat is not None:
        return [flat]
    if given is None:
        requests = read(str(path))
    else:
        requests = _listed(plain(answers.document(VARIABLE, given), VARIABLE) if isinstance(given, str) else given, VARIABLE)
    if not requests:
        where = VARIABLE if path is None else f"servers_file {path}"
        raise UnclearRequests(f"nothing is asked for: {where} is an empty list")
    return requests
