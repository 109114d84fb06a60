# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Through a hypervisor: what SSH makes of the arguments that it is given."""

from __future__ import annotations

import shlex
import subprocess
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.login_proxy import ssh_arguments

ODD = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\x00"), min_size=1, max_size=8)


def proxied(variables: dict[str, t.Any], name: str = "kvm1") -> list[str]:
    """argv of the command that ssh would start, read as Ansible, ssh and its shell do."""
    option, value = shlex.split(ssh_arguments(variables, name))
    keyword, command = value.split("=", 1)
    assert (option, keyword) == ("-o", "ProxyCommand")
    return [part.replace("%h", "192.0.2.5").replace("%p", "22") if part == "[%h]:%p" else part.replace("%%", "%") for part in shlex.split(command)]


def test_the_hypervisor_is_reached_as_ansible_reaches_it() -> None:
    variables = {"ansible_host": "198.51.100.1", "ansible_user": "ops", "ansible_port": 2222, "ansible_ssh_private_key_file": "/keys/my key"}
    more = {"ansible_ssh_common_args": "-o UserKnownHostsFile='/known hosts' -o ConnectTimeout=5"}
    assert proxied({**variables, **more}) == [
        *("ssh", "-o", "BatchMode=yes", "-W", "[192.0.2.5]:22", "-l", "ops", "-p", "2222", "-i", "/keys/my key"),
        *("-o", "UserKnownHostsFile=/known hosts", "-o", "ConnectTimeout=5", "198.51.100.1"),
    ]


def test_a_hypervisor_of_which_nothing_is_said_is_reached_by_its_name() -> None:
    assert proxied({"ansible_user": ""}) == ["ssh", "-o", "BatchMode=yes", "-W", "[192.0.2.5]:22", "kvm1"]


def test_the_controller_needs_no_proxy() -> None:
    assert ssh_arguments({"ansible_connection": "ansible.builtin.local"}, "localhost") == ""


def test_the_host_key_of_a_server_at_a_port_is_known_by_the_server_s_id() -> None:
    alias = ["-o", "HostKeyAlias=u1"]
    assert shlex.split(ssh_arguments({"ansible_connection": "local"}, "localhost", "u1")) == alias
    assert shlex.split(ssh_arguments({"ansible_host": "192.0.2.1"}, "kvm1", "u1"))[2:] == alias


@given(ODD, ODD, ODD)
def test_nothing_that_a_variable_holds_ends_the_command(user: str, key: str, host: str) -> None:
    found = proxied({"ansible_user": user, "ansible_ssh_private_key_file": key, "ansible_host": host})
    assert found[5:] == ["-l", user, "-i", key, host]


def test_ssh_itself_reads_it() -> None:
    arguments = shlex.split(ssh_arguments({"ansible_user": "a b", "ansible_host": "192.0.2.1"}, "kvm1"))
    done = subprocess.run(["ssh", "-F", "/dev/null", "-G", *arguments, "guest"], capture_output=True, text=True, check=True)
    assert "proxycommand ssh -o BatchMode=yes -W '[%h]:%p' -l 'a b' 192.0.2.1" in done.stdout.splitlines()
