#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_schedule
short_description: Place servers on the hosts of the play, and give them their addresses
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - The scheduler stage. Hosts are filtered and weighed as Nova's FilterScheduler does, with capacity, zones and disabled hosts as Placement sees them; each
    pick consumes before the next one. Then MAC and fixed IP addresses are chosen for the whole run, so that none is there twice in the fleet.
  - Servers that exist keep their host and their addresses.
  - It runs on the controller and changes nothing.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.reads
  - kvmfleet.compute.attributes.controller
  - kvmfleet.compute.stages
  - kvmfleet.compute.hand_over
attributes:
  idempotent:
    details: The same fleet, requests and O(seed) give the same hosts and fixed IPs. Ids, and MAC addresses of new ports, are random.
options:
  agreement:
    description:
      - The C(agreement) of M(kvmfleet.compute.server_validate), where there is a registrar. The members of server groups that other runs have reserved count
        where they are reserved.
    version_added: 0.2.0
    type: dict
  joined_fleet:
    description:
      - RV(kvmfleet.compute.server_validate#module:joined_fleet), the fleet that the requests were validated against. It lasts as long as the run.
      - Without it the fleet is read again, from O(hosts_variable) or O(fleet_file). One of the three is required.
    type: path
  hosts_variable:
    description: The name of the variable under which each host of the play has what M(kvmfleet.compute.host_info) returned.
    type: str
  fleet_file:
    description: A file on the controller with the facts of the hosts, as P(kvmfleet.compute.fleet_facts#filter) makes them, in place of O(hosts_variable).
    type: path
  aggregates:
    description: The host aggregates, as in C(compute_aggregates), a mapping from a name to C(hosts) and C(metadata). O(joined_fleet) has them already.
    type: dict
    default: {}
  filters:
    description:
      - The filters in their order, each a name, the dotted path of a class in a collection of yours, or a mapping with C(expression) and C(name).
      - An expression is Jinja without braces over C(host) and C(request), for example C(host.facts.rack == 'r1'). A host passes where it is true.
      - Nova's default ones if left out.
    type: list
    elements: raw
  weighers:
    description:
      - The weighers, each a name, a dotted path, or a mapping with C(expression), C(name) and C(multiplier). V(all_weighers) is all of Nova's.
      - All of Nova's if left out.
    type: list
    elements: raw
  options:
    description: Options of the scheduler by section and name, as in C(nova.conf).
    type: dict
    default: {}
  max_attempts:
    description: On how many hosts a server may be tried. One less is the number of alternates.
    type: int
    default: 3
  seed:
    description: Seed of the choice among equals, where O(options) ask for one.
    type: int
  on_error:
    description:
      - V(fail) fails the task if a server found no host.
      - V(report) only says so in RV(unplaced), for a caller that builds the others.
    type: str
    choices: [fail, report]
    default: fail
seealso:
  - module: kvmfleet.compute.server_validate
  - module: kvmfleet.compute.server_conduct
"""

EXAMPLES = r"""
- name: Read the hosts
  kvmfleet.compute.host_info:
  register: host_info

- name: Check what is asked
  kvmfleet.compute.server_validate:
    servers: "{{ compute_servers }}"
    hosts_variable: host_info
  run_once: true
  register: api

- name: Where would they go?
  kvmfleet.compute.server_schedule:
    instances: "{{ api.instances }}"
    request_specs: "{{ api.request_specs }}"
    groups: "{{ api.groups }}"
    kept_ports: "{{ api.kept_ports }}"
    joined_fleet: "{{ api.joined_fleet }}"
  run_once: true
  register: placement
"""

RETURN = r"""
placements:
  description: For each host the servers that are placed there, in the shape of C(docs/data.md) (Placed).
  returned: success
  type: dict
unplaced:
  description: Servers that found no host or no address, in the shape of C(docs/data.md) (Unplaced).
  returned: success
  type: list
  elements: dict
  contains:
    request_index:
      description: The position of the server's request.
      type: int
    instance:
      description: The server as it was asked for.
      type: dict
    error:
      description: C(error_class) (V(NoValidHost) or V(NoMoreFixedIps)), C(message), one sentence with the nearest miss, and C(reasons), for each host.
      type: dict
group_members:
  description: The members that the servers' groups have already, with their hosts.
  returned: success
  type: dict
cached_images:
  description: By host the digests of the images in its cache, each with the disk format.
  returned: success
  type: dict
scheduled:
  description: For each request what the scheduler did - picks, removed hosts with filter and numbers, weights, alternates.
  returned: success
  type: list
  elements: dict
msg:
  description: The placement table, as lines of text.
  returned: success
  type: list
  elements: str
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""
