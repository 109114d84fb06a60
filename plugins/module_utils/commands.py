# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a host's command-line tools: argv lists, C locale, their error text as the reason."""

from __future__ import annotations

import os
import shutil
import subprocess

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError

# Not in the path of every user.
ADMINISTRATORS = ("/usr/sbin", "/sbin")


def installed(name: str) -> str | None:
    """Where a command of the administrator's is; None if it is not installed."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *ADMINISTRATORS]))


def administrators(name: str) -> str:
    """The command as it is to be run, wherever it is."""
    return installed(name) or name


def run(argv: list[str], timeout_s: float = 300.0, stdin: str = "") -> str:
    """Standard output of a command that reads ``stdin``; ServerError (another host may do better) with the line of its error output that says why: the last."""
    try:
        done = subprocess.run(
            argv,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout_s,
            env=dict(os.environ, LC_ALL="C"),
            check=False,
        )
    except FileNotFoundError as error:
        raise ServerError("CommandNotFound", f"{argv[0]} is not installed on the host", reschedule=True) from error
    except subprocess.TimeoutExpired as error:
        raise ServerError("CommandTimeout", f"{argv[0]} did not end within {timeout_s:.0f} s", reschedule=True) from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
        # Below its error nft draws where it is.
        raise ServerError("ProcessExecutionError", f"{argv[0]}: {next((line for line in lines if 'Error:' in line), lines[-1])}", reschedule=True)
    return done.stdout.decode("utf-8", "replace")
