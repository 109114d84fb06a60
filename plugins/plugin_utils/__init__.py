# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part. Whatever is imported of it, this is first: an older controller gets one sentence, and no traceback of what it can't import."""

from __future__ import annotations

import sys

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.controller_needs import too_old

try:
    from ansible.errors import AnsibleError
    from ansible.release import __version__
except ImportError:
    # The hosts' tests use shapes of the controller where nothing else of it may be imported.
    pass
else:
    _sentence = too_old(sys.version_info[:2], __version__, sys.executable)
    if _sentence:
        raise AnsibleError(_sentence)
