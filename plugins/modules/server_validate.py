#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_validate
short_description: Check server requests as Nova's API does, before any host is touched
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - The api stage. Requests have the fields of Nova's C(POST /servers) body, checked against its JSON schema, then against the catalogue of flavors, images,
    networks, security groups, key pairs and server groups, and against the fleet where O(hosts_variable) is given - names, addresses, quotas, hosts, zones.
  - Every error of every request is reported at once, each with its path, value and rule, Nova's error class and HTTP status. Secret values are hidden.
  - Servers that exist are found by project and name; what differs from the request is reported as drift.
  - Without O(hosts_variable) or O(fleet_file) body and catalogue alone are checked, so that a CI job can check requests in a merge request.
  - It runs on the controller and changes nothing but O(admin_password_file).
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.controller
  - kvmfleet.compute.pipeline
  - kvmfleet.compute.hand_over
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: It changes nothing on any host.
  idempotent:
    support: full
    details: The ids of new servers are random.
options:
  servers:
    description:
      - The requests. Each has the fields of the C(server) object as of O(api_microversion), or is a whole body with C(server) and C(os:scheduler_hints).
      - Friendly aliases are C(flavor) (id or name) for C(flavorRef), C(image) (id or name) for C(imageRef), C(name) for C(uuid) of a network,
        C(scheduler_hints) for C(os:scheduler_hints), whose C(group) may be a name, and C(user_data_text) (plain text) for C(user_data).
      - The C(port) of a network may be a name, too, unless the request is a whole body.
      - A list of them, or a text of YAML or JSON with one, as a survey gives it.
      - If neither this nor O(servers_file) is given, the variables C(compute_server_name), C(compute_server_flavor) and so on are one request, as
        C(docs/awx/README.md) tells.
    type: raw
  servers_file:
    description:
      - A file on the controller with the requests, in place of O(servers). It is a YAML or JSON list of them, or a mapping with C(compute_servers).
      - It is read as data, so that no template in it is run.
    type: path
  flavors:
    description: The flavors by name. The variable C(compute_flavors) if left out; so with the other parts of the catalogue.
    type: dict
  images:
    description: The images by name.
    type: dict
  networks:
    description: The networks by name.
    type: dict
  ports:
    description: Ports made beforehand, by name.
    type: dict
  security_groups:
    description: The security groups by name.
    type: dict
  keypairs:
    description: The key pairs by name.
    type: dict
  server_groups:
    description: The server groups by name.
    type: dict
  quotas:
    description: The quotas; none but that of metadata items if there are none.
    type: dict
  policy:
    description:
      - Who may ask for what, a list of roles by rule. Rules are V(create), V(create:forced_host), V(create:requested_destination), V(create:attach_network),
        V(create:attach_volume), V(create:trusted_certs), V(create:zero_disk_flavor) and V(network:attach_external_network), with or without Nova's prefix.
      - An empty list is nobody, V(@) in it is anybody. A rule that is left out has Nova's roles. With no policy at all everything is allowed.
      - It is a guard rail against mistakes and no security boundary, because whoever runs the playbook sets it.
    type: dict
  aggregates:
    description: The host aggregates by name.
    type: dict
  hosts_variable:
    description: The name of the variable under which each host of the play has what M(kvmfleet.compute.host_info) returned.
    type: str
  fleet_file:
    description: A file on the controller with the facts of the hosts, as P(kvmfleet.compute.fleet_facts#filter) makes them, in place of O(hosts_variable).
    type: path
  project:
    description: The project that the servers belong to.
    type: str
    default: default
  user:
    description: Who asks. C(awx_user_name) if left out, else the user on the controller.
    type: str
  roles:
    description: The roles of who asks, which O(policy) is asked with.
    type: list
    elements: str
    default: [member]
  unreachable_hosts:
    description:
      - What a host that can't be read means. V(fail), because a name or an address can't be proven free without it.
      - V(ignore) leaves the host out, with a warning.
    type: str
    choices: [fail, ignore]
    default: fail
  take_over:
    description: Finish servers that another run seems to be building still.
    type: bool
    default: false
  duplicates:
    description:
      - What happens if the id, the name, a MAC address or an address of a server is there twice in the fleet. A server that is asked for gets no host in any
        case, and C(existing.error) says why.
      - V(warn) warns of the others, V(fail) fails with a 409 for each.
    type: str
    choices: [warn, fail]
    default: warn
  inventory_prefix:
    description: What stands before a server's name when it becomes a host of the running inventory. A server whose name would be that of another host, of a
      group or of the controller is refused.
    type: str
    default: ""
  admin_password_file:
    description:
      - A file on the controller. Servers without C(adminPass) then get a generated password, which is written to this file (JSON, mode 0600) and nowhere else.
    type: path
  registrar_variable:
    description:
      - The name of the variable under which each host of the play has what M(kvmfleet.compute.registrar) returned to V(begin), before the facts were read.
      - Without it, and in check mode, a note says what can't be promised.
    version_added: 0.2.0
    type: str
  registrar:
    description: V(host) asks what O(registrar_variable) says, if there is something to build. V(none) is for who is sure to be alone.
    version_added: 0.2.0
    type: str
    choices: [host, none]
    default: host
  registrar_dsn:
    description: The PostgreSQL database that has the registrar's ledger, as libpq's connection string or URI. Without it a host of the fleet has the ledger.
    version_added: 0.2.0
    type: str
  registrar_drawn:
    description: RV(kvmfleet.compute.registrar_agree#module:drawn), where O(registrar_dsn) is set.
    version_added: 0.2.0
    type: dict
  plan_file:
    description:
      - A file on the controller with a plan, as M(kvmfleet.compute.server_plan) writes it. The servers get the ids, ports and addresses of the plan, and no
        host but that of the plan.
      - Whatever has changed since, so that the plan can't be kept, is an error with the value that it had. So is a request that is not that of the plan.
    type: path
  fleet_size:
    description: How many hosts the fleet has, or a list of them. A play that has fewer or others is refused.
    version_added: 0.2.0
    type: raw
  api_microversion:
    description:
      - The microversion of Nova's API that requests are checked as of, V(2.1) to V(2.104), as text in quotes, or V(latest).
      - A field that came later is an error, and so is one that was gone by then. Network names, user data as text and the other aliases work in each.
      - The variable C(compute_api_microversion) if left out, and V(2.104) if that is not set either.
    type: raw
requirements:
  - jsonschema >= 4.17 on the controller
  - netaddr >= 0.10 on the controller
seealso:
  - module: kvmfleet.compute.server_schedule
"""

EXAMPLES = r"""
# In a play on localhost, a CI job can check requests in a merge request.
- name: Check requests without any host
  kvmfleet.compute.server_validate:
    servers: "{{ compute_servers }}"

- name: Check them against the fleet
  kvmfleet.compute.server_validate:
    servers:
      - name: web
        flavor: m1.small
        image: debian-12
        networks:
          - name: lan
        min_count: 3
        key_name: ops
        scheduler_hints:
          group: web-apart
    hosts_variable: host_info
  run_once: true
  register: api
"""

RETURN = r"""
version:
  description: Version of the shapes.
  returned: always
  type: int
errors:
  description: Every error, in the order in which Nova would find them.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: Where it is.
      type: str
    value:
      description: What is there; hidden where it is secret.
      type: raw
    rule:
      description: What is wrong with it.
      type: str
    error_class:
      description: Nova's class of the error.
      type: str
    http_status:
      description: Nova's HTTP status of the error.
      type: int
    message:
      description: All of it in one sentence.
      type: str
    server:
      description: Index of the request; null for the catalogue's own errors.
      type: int
    name:
      description: Name of the server.
      type: str
  sample:
    - server: 0
      name: web
      path: servers[0].networks[0].fixed_ip
      value: 192.0.2.10
      rule: is in use by server db
      error_class: FixedIpAlreadyInUse
      http_status: 400
      message: 'servers[0].networks[0].fixed_ip: "192.0.2.10": is in use by server db'
notes:
  description: What is worth knowing and no error, such as a max_count that quotas made smaller.
  returned: always
  type: list
  elements: str
instances:
  description: Each server with Nova's base options, in the shape of C(docs/data.md) (BuildRequest). Empty if there are errors.
  returned: always
  type: list
  elements: dict
request_specs:
  description: The request specs for the scheduler, one for each request that has something to place.
  returned: always
  type: list
  elements: dict
groups:
  description: The server groups with their members.
  returned: always
  type: list
  elements: dict
kept_ports:
  description: What the ports of the catalogue keep from all others, in the shape of C(docs/data.md) (KeptPort).
  returned: always
  type: list
  elements: dict
security_groups:
  description: The security groups of the servers, in the shape of C(docs/data.md) (GroupRules).
  returned: always
  type: list
  elements: dict
hosts_with_gaps:
  description: The names of hosts on which a network filter or an IP set of the collection, or rules of the kernel, are not what they must be.
  returned: always
  type: list
  elements: str
member_groups:
  description:
    - The security groups, as C(<project>/<id of the group>), of which hosts have to know the members anew, because a rule of the servers' groups names one of
      them, or a rule of a host's ports one of the servers'.
  returned: always
  type: list
  elements: str
has_tunnels:
  description: Whether a server that is new, or that is to run again, is on a VXLAN network, so that hosts have to know who else has it.
  returned: always
  type: bool
joined_fleet:
  description: A file of this run on the controller with the fleet that was read, for M(kvmfleet.compute.server_schedule). Null if none was, or with errors.
  returned: always
  type: str
has_secrets:
  description: Whether a server has user data or an admin password, which M(kvmfleet.compute.server_secrets) then hands on.
  returned: always
  type: bool
agreement:
  description:
    - Which epoch of the fleet the run works with, and what hosts are to take first, in the shape of C(docs/data.md) (Agreement).
    - Null if there is nothing to build, if no registrar was asked, or if there are errors.
  returned: always
  type: dict
seconds:
  description: How long it took, in seconds.
  returned: always
  type: float
"""
