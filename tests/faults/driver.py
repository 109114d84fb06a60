# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls modules on a hypervisor as Ansible does, and lets one step of one call meet a fault: driver.py SOCKET.

It runs under the hypervisor's own Python and forks for each call, so that a call may kill itself. A call is one JSON line on the socket:

    {"module": "server", "params": {...}, "fault": {"step": "build.make_disks", "what": "kill", "kind": "file", "index": 2, "lasting": false} or null}

The module ``census`` is census.py, and its parameters.

Lines come back: {"reached": true} when a fault that waits has come to its point (any line lets it go on), and at the end {"result": {...}, "seen":
{step: {"call": calls of libvirt, "file": uses of files}}}. A call that was killed ends without one.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import typing as t

import census
import libvirt

from ansible_collections.kvmfleet.compute.plugins.module_utils import libvirt as edge
from ansible_collections.kvmfleet.compute.plugins.module_utils import libvirt_binding
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions import base, build, claim, delete, keep, start, table, take_over
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import fetch, publish
from ansible_collections.kvmfleet.compute.plugins.modules import image, registrar, server, server_info

MODULES = {"image": image, "registrar": registrar, "server": server, "server_info": server_info}
STEP_MODULES = (build, claim, delete, keep, start, take_over, fetch, publish)
PHASES = ("steps", "lasting", "adopting")
FOLDERS = ("/var/lib/libvirt/kvmfleet/", "/var/lib/kvmfleet/")
PID_FILE = "/run/libvirt/libvirtd.pid"
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# What Python tells of the use of files, by whether it needs room.
NEEDS_ROOM = {"os.mkdir": True, "os.link": True, "os.rename": True, "os.truncate": True, "os.chmod": False, "os.remove": False, "os.rmdir": False}
NEEDS_ROOM |= {"os.listdir": False, "os.scandir": False}
LIBVIRT = {"virConnect": libvirt_binding.Connection, "virDomain": libvirt_binding.LibvirtDomain, "virNetwork": libvirt_binding.Network}
UNTOUCHED = ("isAlive", "close")  # they ask nothing of libvirtd

Fault = dict[str, t.Any]


class Injector:
    """Knows which step runs, counts what it does, and strikes once, at the point that the fault names."""

    def __init__(self, fault: Fault | None, stream: t.Any) -> None:
        self.fault = fault
        self.stream = stream
        self.transition = ""
        self.step: str | None = None
        self.thread = 0  # that runs the step
        self.seen: dict[str, dict[str, int]] = {}
        self.struck = False
        self._quiet = False

    def say(self, **line: object) -> None:
        self.stream.write(json.dumps(line) + "\n")
        self.stream.flush()

    def is_due(self, kind: str) -> bool:
        """Count one point of the running step; true if the fault belongs here. Kinds: before, after, call, file, room."""
        if self.step is None or self._quiet:
            return False
        counts = self.seen.setdefault(self.step, {})
        index, counts[kind] = counts.get(kind, 0), counts.get(kind, 0) + 1
        fault = self.fault
        if fault is None or self.struck or (fault["step"], fault["kind"], fault["index"]) != (self.step, kind, index):
            return False
        self.struck = True
        return True

    def lasts(self, kind: str) -> bool:
        """True if the fault goes on from here to the end of the call."""
        fault = self.fault
        return fault is not None and self.struck and fault["lasting"] and fault["kind"] == kind

    def watches_files(self) -> bool:
        """In a step, and after a fault that lasts everywhere."""
        return not self._quiet and (
            (self.step is not None and self.thread == threading.get_ident()) or (self.struck and bool(self.fault and self.fault["lasting"]))
        )

    def strike(self) -> None:
        """A fault that needs nothing of the place where it strikes."""
        what = self.fault["what"] if self.fault else ""
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "kill_libvirtd":
            kill_libvirtd()
        elif what == "wait":
            self.say(reached=True)
            self.stream.readline()

    @contextlib.contextmanager
    def quiet(self) -> t.Iterator[None]:
        """What the driver itself does counts for nothing."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False


def kill_libvirtd() -> None:
    """Its supervisor starts it again."""
    with open(PID_FILE, encoding="ascii") as file:
        pid = int(file.read())
    os.kill(pid, signal.SIGKILL)
    while os.path.exists(f"/proc/{pid}"):
        time.sleep(0.005)


def libvirt_error(code: int, text: str) -> Exception:
    error = libvirt.libvirtError(text)
    error.err = (code, libvirt.VIR_FROM_QEMU, text, libvirt.VIR_ERR_ERROR, None, None, None, 0, 0)
    return error


def cut_from_libvirtd() -> None:
    """The connections to libvirtd are gone, and no other one comes."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as there:
            if there.family == socket.AF_UNIX and str(there.getpeername()).endswith("/libvirt-sock"):
                there.shutdown(socket.SHUT_RDWR)

    def refused(*_arguments: object) -> t.NoReturn:
        raise libvirt_error(libvirt.VIR_ERR_SYSTEM_ERROR, "Failed to connect socket to '/run/libvirt/libvirt-sock': Connection refused")

    libvirt.open = refused


def watch_libvirt(injector: Injector) -> None:
    """Each call of the binding is a point."""

    def watched(method: t.Callable[..., object]) -> t.Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            if not injector.is_due("call"):
                return method(*arguments, **options)
            what = injector.fault["what"] if injector.fault else ""
            if what == "libvirt_raises":
                raise libvirt_error(libvirt.VIR_ERR_OPERATION_FAILED, "operation failed: injected")
            done = method(*arguments, **options)
            if what == "answer_lost":
                with injector.quiet():
                    cut_from_libvirtd()
            else:
                injector.strike()
            if what in ("answer_lost", "kill_libvirtd"):
                # The client sees that its connection is gone only when it uses it.
                connection: t.Any = arguments[0] if isinstance(arguments[0], libvirt.virConnect) else t.cast("t.Any", arguments[0]).connect()
                with injector.quiet(), contextlib.suppress(libvirt.libvirtError):
                    connection.getLibVersion()
                raise libvirt_error(libvirt.VIR_ERR_INTERNAL_ERROR, "internal error: client socket is closed")
            return done

        return call

    for name, protocol in LIBVIRT.items():
        found = getattr(libvirt, name)
        for method in vars(protocol):
            if not method.startswith("_") and method not in UNTOUCHED:
                setattr(found, method, watched(getattr(found, method)))


def _is_ours(path: object) -> bool:
    if isinstance(path, int):
        try:
            path = os.readlink(f"/proc/self/fd/{path}")
        except OSError:
            return False
    return isinstance(path, (str, bytes)) and os.fsdecode(path).startswith(FOLDERS)


def watch_files(injector: Injector) -> None:
    """Each use of a file of ours is a point; ``room`` counts those that need room."""

    def use(needs_room: bool) -> None:
        for kind in ("file", "room") if needs_room else ("file",):
            if injector.is_due(kind) or injector.lasts(kind):
                what = injector.fault["what"] if injector.fault else ""
                if what in ("no_space", "io_error"):
                    code = errno.ENOSPC if what == "no_space" else errno.EIO
                    raise OSError(code, f"{os.strerror(code)} (injected)")
                injector.strike()

    def audit(event: str, arguments: tuple[t.Any, ...]) -> None:
        if not injector.watches_files():
            return
        if event == "open" and _is_ours(arguments[0]):
            use(bool(arguments[2] & WRITING))
        elif event in NEEDS_ROOM and (_is_ours(arguments[0]) or (event in ("os.link", "os.rename") and _is_ours(arguments[1]))):
            use(NEEDS_ROOM[event])

    sys.addaudithook(audit)
    fsync, stat, lstat, run = os.fsync, os.stat, os.lstat, subprocess.run

    def own_fsync(descriptor: int) -> None:
        if injector.watches_files() and _is_ours(descriptor):
            use(True)
        fsync(descriptor)

    def own_stat(path: t.Any, **options: t.Any) -> os.stat_result:
        if injector.watches_files() and _is_ours(path):
            use(False)
        return stat(path, **options)

    def own_lstat(path: t.Any, **options: t.Any) -> os.stat_result:
        if injector.watches_files() and _is_ours(path):
            use(False)
        return lstat(path, **options)

    def own_run(argv: list[str], **options: t.Any) -> subprocess.CompletedProcess[bytes]:
        """A tool: what it does with its own files is cut off in the middle, so that something is there and it has failed."""
        if not injector.watches_files() or not any(_is_ours(word) for word in argv):
            return run(argv, **options)  # pylint: disable=subprocess-run-check
        try:
            use(True)
        except OSError as error:
            with injector.quiet():
                run(argv, **options)  # pylint: disable=subprocess-run-check
            return subprocess.CompletedProcess(argv, 1, b"", f"{argv[0]}: {error.strerror}".encode())
        return run(argv, **options)  # pylint: disable=subprocess-run-check

    os.fsync, os.stat, os.lstat = own_fsync, own_stat, own_lstat  # type: ignore[assignment]
    subprocess.run = own_run  # type: ignore[assignment]


def watch_steps(injector: Injector) -> None:
    """Every step of every transition, wherever it is named, tells the injector that it begins and ends."""
    owners = {step: name for name, steps in (("fetch", fetch.STEPS), ("publish", publish.STEPS)) for step in steps}
    functions = {*owners, *(step for item in table.TRANSITIONS.values() for phase in PHASES for step in getattr(item, phase, ()))}

    def watched(function: t.Callable[..., object]) -> t.Callable[..., object]:
        def step(work: object) -> object:
            if injector.step is not None:
                return function(work)  # a step of a step
            injector.step = f"{owners.get(function) or injector.transition}.{function.__name__}"
            injector.thread = threading.get_ident()
            try:
                if injector.is_due("before"):
                    injector.strike()
                done = function(work)
                if injector.is_due("after"):
                    injector.strike()
                return done
            finally:
                injector.step = None

        return step

    replaced = {function: watched(function) for function in functions}

    def replace(holder: t.Any) -> None:
        for name, value in list(vars(holder).items()):
            if isinstance(value, tuple) and any(callable(item) and item in replaced for item in value):
                setattr(holder, name, tuple(replaced.get(item, item) for item in value))
            elif callable(value) and value in replaced:
                setattr(holder, name, replaced[value])

    for holder in (*STEP_MODULES, *(type(item) for item in table.TRANSITIONS.values())):
        replace(holder)

    def named(transition: base.Transition) -> t.Callable[..., object]:
        run = transition.run

        def call(*arguments: t.Any) -> object:
            before, injector.transition = injector.transition, transition.name
            try:
                return run(*arguments)
            finally:
                injector.transition = before

        return call

    for item in table.TRANSITIONS.values():
        item.run = named(item)  # type: ignore[method-assign]


class Module:
    """As much of an AnsibleModule as the modules use, with the defaults of their options."""

    check_mode = False

    def __init__(self, given: dict[str, t.Any], argument_spec: dict[str, dict[str, t.Any]]) -> None:
        self.params = _with_defaults(given, argument_spec)
        self.result: dict[str, t.Any] = {}
        self.warnings: list[str] = []

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)

    def exit_json(self, **result: object) -> t.NoReturn:
        self.result = {**result, "warnings": self.warnings}
        raise SystemExit(0)

    def fail_json(self, msg: str, **result: object) -> t.NoReturn:
        self.exit_json(msg=msg, failed=True, **result)


def _with_defaults(given: dict[str, t.Any], spec: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    params = {name: given.get(name, option.get("default")) for name, option in spec.items()}
    for name, option in spec.items():
        if "options" in option and params[name]:
            given_one, inner = params[name], option["options"]
            params[name] = [_with_defaults(item, inner) for item in given_one] if isinstance(given_one, list) else _with_defaults(given_one, inner)
    return params


def call(request: dict[str, t.Any], stream: t.Any) -> None:
    """One call of one module."""
    if request["module"] == "census":
        stream.write(json.dumps({"result": census.census(**request["params"]), "seen": {}, "struck": False}) + "\n")
        return
    injector = Injector(request["fault"], stream)
    watch_steps(injector)
    watch_libvirt(injector)
    watch_files(injector)
    if request["fault"] and request["fault"]["what"] == "answer_lost":
        edge.Hypervisor.RECONNECT_S = 0.0
    called = MODULES[request["module"]]
    made: list[Module] = []

    def module(**options: t.Any) -> Module:
        made.append(Module(request["params"], options["argument_spec"]))
        return made[0]

    called.AnsibleModule = module
    with contextlib.suppress(SystemExit):
        called.main()
    injector.say(result=made[0].result, seen=injector.seen, struck=injector.struck)


def main() -> None:
    path = sys.argv[1]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        while True:
            connection = listening.accept()[0]
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                with connection.makefile("rw", encoding="utf-8") as stream:
                    call(json.loads(stream.readline()), stream)
                os._exit(0)
            connection.close()


if __name__ == "__main__":
    main()
