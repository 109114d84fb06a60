#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_reserve
short_description: Reserve at the registrar what the claims of a run need
version_added: 0.2.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Between placement and claim. Names, ports, MAC and fixed IP addresses, quotas and members of server groups of all servers of a round are reserved in one
    transaction of the fleet's registrar, so that runs that go on at the same time don't take the same. Automatic addresses are chosen there, among those that
    neither the facts nor another run have.
  - A server that is granted gets its addresses, and its host a grant that M(kvmfleet.compute.server) shows for the claim. What another run has taken is told
    for each server. A server that lost its host to a member of its server group is placed again.
  - If the registrar can't be reached, or refuses the call, every server that was to be claimed has failed with that, and nothing is claimed.
  - In a round of another stage than V(claim) the registrar is told what became of the claims. If that can't be done it is a warning, because reservations
    end by themselves.
  - Run it once for all hosts, delegated to the registrar's host; with O(dsn) it asks the database from the controller.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.stages
  - kvmfleet.compute.hand_over
attributes:
  check_mode:
    support: full
    details: Nothing is asked, and the round is returned as it is.
  diff_mode:
    support: N/A
    details: It changes nothing that lasts.
  idempotent:
    support: full
    details: The same round gets the same addresses, unless others have them since.
  platform:
    description: Where it runs.
    support: full
    platforms: posix
  connection:
    description: Uses the target's connection.
    support: full
  async:
    description: Supports being used with the C(async) keyword.
    support: none
  bypass_host_loop:
    description: Forces a global task that runs once for all hosts.
    support: none
    details: Use it with C(run_once) and C(delegate_to).
options:
  round:
    description: RV(kvmfleet.compute.server_conduct#module:round).
    type: dict
    required: true
  agreement:
    description: The C(agreement) of M(kvmfleet.compute.server_validate) - which registrar the hosts obey, and the ticket of the run.
    type: dict
    required: true
  joined_fleet:
    description: RV(kvmfleet.compute.server_validate#module:joined_fleet), the facts that the requests were validated against. It lasts as long as the run.
    type: path
    required: true
  quotas:
    description: The limits of projects, in the form of C(compute_quotas). The variable C(compute_quotas) if left out.
    type: dict
  filters:
    description: O(kvmfleet.compute.server_schedule#module:filters), for a server that is placed again.
    type: list
    elements: raw
  weighers:
    description: O(kvmfleet.compute.server_schedule#module:weighers), for a server that is placed again.
    type: list
    elements: raw
  options:
    description: O(kvmfleet.compute.server_schedule#module:options), for a server that is placed again.
    type: dict
    default: {}
  max_attempts:
    description: O(kvmfleet.compute.server_schedule#module:max_attempts), for a server that is placed again.
    type: int
    default: 3
  reservation_timeout_s:
    description:
      - How long after this call a host takes the claims of this round, in seconds, by its own clock. What a run that died has reserved is free again after
        that.
    type: int
    default: 120
  state_path:
    description: The folder for what has no domain on the registrar's host, which may be another one than on other hosts. A C(~) is a folder of that host.
    type: str
  dsn:
    description: The connection string of PostgreSQL, where the registrar is there.
    type: str
requirements:
  - psycopg >= 3 on the controller, for O(dsn)
seealso:
  - module: kvmfleet.compute.server_conduct
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: Reserve what the claims need
  kvmfleet.compute.server_reserve:
    round: "{{ conducted.round }}"
    agreement: "{{ api.agreement }}"
    instances: "{{ api.instances }}"
    request_specs: "{{ api.request_specs }}"
    groups: "{{ api.groups }}"
    kept_ports: "{{ api.kept_ports }}"
    joined_fleet: "{{ api.joined_fleet }}"
  delegate_to: "{{ api.agreement.epoch.registrar }}"
  run_once: true
  register: reserved
"""

RETURN = r"""
round:
  description:
    - O(round) with the addresses that were chosen, the grants of the hosts, and the servers that lost, in the shape of C(docs/data.md) (Round).
    - An error has the class V(FixedIpAlreadyInUse), V(NoMoreFixedIps), V(MacAddressInUse), V(PortInUse), V(InstanceExists), V(TooManyInstances),
      V(PortLimitExceeded), V(OverQuota), V(GroupAffinityViolation), V(NoValidHost), V(RegistrarUnreachable), or that of a registrar that refuses the whole
      call.
  returned: success
  type: dict
msg:
  description: How many servers were reserved or settled.
  returned: success
  type: str
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""
