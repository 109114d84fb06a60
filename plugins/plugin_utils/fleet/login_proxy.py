# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to servers through their hypervisor: what SSH is told, made of the variables by which Ansible reaches the hypervisor; pure."""

from __future__ import annotations

import shlex
import typing as t
from collections.abc import Mapping


def _first(variables: Mapping[str, t.Any], *names: str) -> str | None:
    return next((str(value) for name in names if (value := variables.get(name)) not in (None, "")), None)


def ssh_arguments(variables: Mapping[str, t.Any], name: str, server_id: str | None = None) -> str:
    """The ``ansible_ssh_common_args`` of a server on the host of this name, with these variables; without a proxy if that is the controller itself.

    ``server_id``: of a server at a port of the host's loopback address, where many are: its host key is known by that.

    It is a ProxyCommand and no ProxyJump, which would not take the hypervisor's key and options.
    """
    alias = [f"-o {shlex.quote(f'HostKeyAlias={server_id}')}"] if server_id else []
    if str(variables.get("ansible_connection") or "").rpartition(".")[2] == "local":
        return " ".join(alias)
    user = _first(variables, "ansible_user", "ansible_ssh_user")
    port = _first(variables, "ansible_port", "ansible_ssh_port")
    key = _first(variables, "ansible_ssh_private_key_file", "ansible_private_key_file")
    options = [("-l", user), ("-p", port), ("-i", key)]
    own = [part for option, value in options if value is not None for part in (option, value)]
    for more in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        own += shlex.split(_first(variables, more) or "")
    # ssh replaces %h and %p by the server's, and a percent sign of ours stands for itself; then a shell reads it.
    given = [part.replace("%", "%%") for part in (*own, _first(variables, "ansible_host", "ansible_ssh_host") or name)]
    command = shlex.join(["ssh", "-o", "BatchMode=yes", "-W", "[%h]:%p", *given])
    return " ".join([f"-o {shlex.quote(f'ProxyCommand={command}')}", *alias])
