# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transitions. To add one: its file, its line here, its test."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.orders import BUILD, FINISH, NONE, START
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.build import Build
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.claim import Claim
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.delete import Delete
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.keep import Keep
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.release import Release
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.renew import Renew
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.start import Start
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.take_over import TakeOver

TRANSITIONS: t.Dict[str, Transition] = {item.name: item for item in (Claim(), TakeOver(), Renew(), Release(), Build(), Start(), Keep(), Delete())}

# What the action of an order means in each stage; an action that stands in no row has nothing to do there.
CLAIMING = {BUILD: TRANSITIONS["claim"], FINISH: TRANSITIONS["take_over"]}
WAITING = {BUILD: TRANSITIONS["renew"], FINISH: TRANSITIONS["renew"]}
BUILDING = {BUILD: TRANSITIONS["build"], FINISH: TRANSITIONS["build"], START: TRANSITIONS["start"], NONE: TRANSITIONS["keep"]}
