# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a play whose modules' answers the test gives, one function for all of them: an interpreter that asks the test's process."""

from __future__ import annotations

import contextlib
import json
import pathlib
import socketserver
import sys
import threading
import typing as t

# Ansible gives it the module on its standard input; in that the arguments are JSON, as a text of Python.
INTERPRETER = """#!{python} -IS
import ast, json, os, re, socket, sys
module = sys.stdin.read()
params = next(ast.literal_eval(text) for text in re.findall(r"(?im)^\\s*(?:ansiballz_)?params\\s*=\\s*(['\\"].*['\\"]),?$", module))
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({path!r})
    asked.sendall(json.dumps([{host!r}, json.loads(params)["ANSIBLE_MODULE_ARGS"]]).encode() + b"\\n")
    print(asked.makefile().read())
"""
# What a module returns: of the host, the module's short name and its arguments.
Answer = t.Callable[[str, str, dict[str, t.Any]], dict[str, t.Any]]


def inventory(folder: pathlib.Path, hosts: t.Iterable[str], variables: t.Mapping[str, t.Any] | None = None) -> pathlib.Path:
    """An inventory of these hosts, which are answered for."""
    of_hosts = {}
    for host in hosts:
        path = folder / f"{host}.interpreter"
        path.write_text(INTERPRETER.format(python=sys.executable, path=str(folder / "socket"), host=host))
        path.chmod(0o755)
        of_hosts[host] = {"ansible_connection": "local", "ansible_pipelining": True, "ansible_python_interpreter": str(path)}
    made = folder / "inventory.yml"
    made.write_text(json.dumps({"hypervisors": {"hosts": of_hosts, "vars": dict(variables or {})}}))
    return made


@contextlib.contextmanager
def answering(folder: pathlib.Path, answer: Answer) -> t.Iterator[None]:
    """The hosts of an inventory in this folder answer so; as in a real one, the result has the arguments."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            host, args = json.loads(self.rfile.readline())
            own = {key: value for key, value in args.items() if not key.startswith("_ansible_")}
            said = answer(host, str(args["_ansible_module_name"]).rpartition(".")[2], own)
            self.wfile.write(json.dumps({"changed": False, **said, "invocation": {"module_args": own}}).encode())

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        request_queue_size = 100
        daemon_threads = True

    with Server(str(folder / "socket"), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
    (folder / "socket").unlink()
