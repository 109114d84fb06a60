# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told of VXLAN networks when servers go, over local hosts that answer as they are told."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.kvmfleet.compute.tests.plays import local_play

SERVER = {"uuid": "u1", "display_name": "db", "ports": [{"binding": {"type": "vxlan", "name": "5"}}, {"binding": {"type": "bridge", "name": "br0"}}]}


def answer(host: str, *networks: str, **changes: t.Any) -> dict[str, t.Any]:
    """What a host says to whatever it is asked."""
    report = {"host": "somebody else", "number": 1, "address": f"192.0.2.{host[1:]}", "networks": list(networks)}
    return {"changed": False, "servers": [], "report": report, "changes": [], "problems": [], "member_of": [], "wanted_groups": [], **changes}


def deleted(folder: pathlib.Path, h1: object, h2: object, **variables: object) -> tuple[int, str, dict[str, list[str]]]:
    """(exit code, output without its line breaks, by host the modules that it was given from the deletion on)."""
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.delete_server"}, "vars": {"compute_delete_names": ["db"], **variables}}]
    done = local_play.run(folder, tasks, {"h1": h1, "h2": h2})
    found = {}
    for host in ("h1", "h2"):
        names = [name.removeprefix("AnsiballZ_").removesuffix(".py") for name in local_play.modules(folder, host)]
        found[host] = names[names.index("server_info") + 1 :]
    return done.returncode, " ".join((done.stdout + done.stderr).replace("\\n", " ").split()), found


def test_after_a_delete_hosts_that_have_the_network_are_told_who_has_it(tmp_path: pathlib.Path) -> None:
    code, output, modules = deleted(tmp_path, answer("h1", servers=[SERVER]), answer("h2", "5"), compute_tunnel_address="192.0.2.7")
    assert (code, modules) == (0, {"h1": ["server", "tunnels"], "h2": ["tunnels", "tunnels"]}), output
    asked, told = local_play.given(tmp_path, "h2")[-2:]
    assert '"tunnel_address": "192.0.2.7"' in asked and '"host_name": "h2"' in asked
    # No host speaks for another.
    assert '"host": "h1"' in told and '"host": "h2"' in told and "somebody else" not in told


def test_nobody_is_told_of_servers_that_were_on_none(tmp_path: pathlib.Path) -> None:
    on_a_bridge = {**SERVER, "ports": [{"binding": {"type": "bridge", "name": "br0"}}]}
    code, output, modules = deleted(tmp_path, answer("h1", servers=[on_a_bridge]), answer("h2", "5"))
    assert (code, modules) == (0, {"h1": ["server"], "h2": []}), output


def test_a_host_that_does_not_answer_stops_no_delete(tmp_path: pathlib.Path) -> None:
    silent = {key: value for key, value in answer("h2").items() if key != "report"}
    code, output, modules = deleted(tmp_path, answer("h1", servers=[SERVER]), silent)
    assert (code, modules) == (0, {"h1": ["server", "tunnels"], "h2": ["tunnels"]}), output
