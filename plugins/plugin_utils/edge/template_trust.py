# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a text may be run as a template: since ansible-core 2.19 only what is trusted, before that everything that is not marked as unsafe.

What came from a host, from a file that is read as data or from a survey's answer is neither trusted nor free of that mark.
"""

from __future__ import annotations

import typing as t

try:
    from ansible.template import is_trusted_as_template
except ImportError:
    from ansible.utils.unsafe_proxy import AnsibleUnsafe

    def is_trusted_as_template(value: object) -> t.TypeGuard[str]:
        """True unless Ansible has marked it."""
        return isinstance(value, str) and not isinstance(value, AnsibleUnsafe)


__all__ = ["is_trusted_as_template"]
