#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Keep verified images in a KVM host's cache
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Glance's part of the chain. Each image is fetched once per host however many servers need it, verified against its checksum, inspected, and published whole
    under its digest; it is never changed afterwards.
  - An image whose content is not the declared format is refused, and so is a qcow2 with a backing file or a data file.
  - A download that was cut off goes on if the server allows it, for a day. Two runs at once fetch an image once. Whatever else fails leaves nothing.
  - The cache gets a file that the module itself made, never the one that was sent or is on the host.
  - The action plugin of the same name sends files of the controller to the hosts that don't have them.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.host
attributes:
  check_mode:
    support: full
    details: Says what would be fetched. The virtual size of an image that is not cached is not known then.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  images:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: The image's id.
        type: str
        required: true
      name:
        description: The image's name.
        type: str
      source:
        description:
          - An http(s) URL, a C(file:) URL of a file on the host, or a path on the controller.
          - A user, a password and a query in a URL are used, and appear in no result.
        type: str
        required: true
      secret_source:
        description: The source with its user, password and query. The action plugin sets it.
        type: str
      checksum:
        description:
          - C(sha256:) or C(sha512:) with the digest, or with the address of a file of sums (a URL or a path) that has a line for the source's file name.
          - A sums file over plain http is refused, because it proves nothing. An image may come over plain http.
        type: str
        required: true
      secret_checksum:
        description: The checksum with user, password and query of its address. The action plugin sets it.
        type: str
      disk_format:
        description: What the content is.
        type: str
        choices: [qcow2, raw]
        default: qcow2
      size:
        description: The size in bytes, if it is known. An image of another size is refused.
        type: int
      virtual_size:
        description: The virtual size in bytes, if it is known. An image of another one is refused.
        type: int
      arriving_bytes:
        description: The size in bytes of a file of the controller. The action plugin sets it, so that nothing is sent that has no room.
        type: int
  catalogue:
    description:
      - Images by name, as C(compute_images). If it is given, an image's source comes from its entry with the same checksum, and an image that has none is
        refused, so that nothing else of the controller is read or sent, whatever a host says.
      - The action plugin reads it; it does not travel to the host.
    type: dict
  cache_path:
    description: The folder of the cache on the host.
    type: path
    default: /var/lib/libvirt/kvmfleet/images
  timeout_s:
    description: How long a server may be silent, in seconds.
    type: float
    default: 60
  url_hosts:
    description:
      - The host names, or names with C(:port), that get O(url_username), O(url_password), O(headers) and O(client_cert). Nobody else gets them.
      - A host that is redirected to gets them over https only.
      - Needed if one of them is given.
    type: list
    elements: str
  url_username:
    description: The user for HTTP basic authentication.
    type: str
  url_password:
    description: The password for HTTP basic authentication.
    type: str
  headers:
    description: More headers, such as a token.
    type: dict
  client_cert:
    description: A file on the host with the client's certificate in PEM, with its key or without.
    type: path
  client_key:
    description: A file on the host with the client's key in PEM.
    type: path
  ca_path:
    description: A file on the host with the certificates in PEM that servers' certificates are checked with. The system's if left out.
    type: path
  use_proxy:
    description: Whether the proxy that the host's environment names is used.
    type: bool
    default: true
  max_concurrent_downloads:
    description: How many images are fetched at once on the host.
    type: int
    default: 4
  max_size_bytes:
    description:
      - The most bytes that an image may have whose O(images[].size) is not declared. A download ends with an error if more comes, whatever the server said.
      - Room for all images that are being fetched on the host is kept free together, those of other runs included.
    type: int
    default: 68719476736
  staged:
    description: Files on the host that the action plugin has sent, by image id.
    type: dict
    default: {}
  on_error:
    description:
      - V(fail) fails the task if any image can't be had.
      - V(report) only says so in RV(images), for a caller that goes on with the others.
    type: str
    choices: [fail, report]
    default: fail
  progress:
    description:
      - Show on the controller, while images come, how much of each is there, at what rate, and how long the rest takes. What takes less than about four
        seconds is not shown, nor is anything in check mode or with C(no_log).
      - The host is asked for the sizes of files, over a second session of the connection. That works with the connections P(ansible.builtin.ssh#connection) and
        P(ansible.builtin.local#connection); with others nothing is shown. The lines go to the standard error.
    type: bool
    default: true
    version_added: 0.2.0
requirements:
  - Python >= 3.9 on the host
seealso:
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: Have the image on every host before it is needed
  kvmfleet.compute.image:
    images:
      - id: 5d7c3c4a-8d2b-4a6e-9d2f-0c1c7f3d2a10
        name: debian-12
        source: https://images.example.org/debian-12-genericcloud-amd64.qcow2
        checksum: sha512:https://images.example.org/SHA512SUMS
        disk_format: qcow2
"""

RETURN = r"""
images:
  description: The images, in the order of O(images).
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The image's id.
      type: str
    name:
      description: The image's name.
      type: str
    digest:
      description: C(sha256:) and the digest of the content; null if it is not cached.
      type: str
    path:
      description: Where it lies on the host; null if it is not cached.
      type: str
    disk_format:
      description: What the content is.
      type: str
    size:
      description: The size in bytes; null if it is not known.
      type: int
    virtual_size:
      description: The virtual size in bytes; null if it is not known yet (check mode).
      type: int
    changed:
      description: Whether it was fetched.
      type: bool
    bytes_fetched:
      description: How much was transferred.
      type: int
    needs_staging:
      description: It is a file of the controller that the host doesn't have yet.
      type: bool
    seconds:
      description: The time taken, in seconds.
      type: float
    error:
      description: Null, or error_class, message and reschedule.
      type: dict
  sample:
    - id: 5d7c3c4a-8d2b-4a6e-9d2f-0c1c7f3d2a10
      name: debian-12
      digest: sha256:0a3f...
      path: /var/lib/libvirt/kvmfleet/images/sha256-0a3f...
      disk_format: qcow2
      size: 348127232
      virtual_size: 2147483648
      changed: true
      bytes_fetched: 348127232
      needs_staging: false
      seconds: 12.1
      error: null
"""

import os
import time
import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.fetch import MOST_BYTES
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.stage import ImageOptions, bring_all, diff, label

ARGUMENT_SPEC = {
    "images": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "id": {"type": "str", "required": True},
            "name": {"type": "str"},
            "source": {"type": "str", "required": True},
            "secret_source": {"type": "str", "no_log": True},
            "checksum": {"type": "str", "required": True},
            "secret_checksum": {"type": "str", "no_log": True},
            "disk_format": {"type": "str", "choices": ["qcow2", "raw"], "default": "qcow2"},
            "size": {"type": "int"},
            "virtual_size": {"type": "int"},
            "arriving_bytes": {"type": "int"},
        },
    },
    "cache_path": {"type": "path", "default": "/var/lib/libvirt/kvmfleet/images"},
    "timeout_s": {"type": "float", "default": 60},
    "catalogue": {"type": "dict"},
    "url_hosts": {"type": "list", "elements": "str"},
    "url_username": {"type": "str"},
    "url_password": {"type": "str", "no_log": True},
    "headers": {"type": "dict", "no_log": True},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "ca_path": {"type": "path"},
    "use_proxy": {"type": "bool", "default": True},
    "max_concurrent_downloads": {"type": "int", "default": 4},
    "max_size_bytes": {"type": "int", "default": MOST_BYTES},
    "staged": {"type": "dict", "default": {}},
    "on_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    "progress": {"type": "bool", "default": True},
}


def work(module: Module, options: ImageOptions) -> None:
    if not module.check_mode:
        os.makedirs(options.cache_path, mode=0o711, exist_ok=True)
        cache.clear_partials(options.cache_path, time.time())
    before = [entry["digest"] for entry in cache.cached_images(options.cache_path)]
    images = bring_all(options, module.check_mode)
    changed = [image for image in images if image["changed"]]
    result = {"changed": bool(changed), "images": images, **({"diff": diff(before, images)} if changed else {})}
    for image in changed if module.check_mode else []:
        module.warn(f"image {label(image)} is not cached: its content and virtual size are not known in check mode")
    failed = [f"image {label(image)}: {image['error']['message']}" for image in images if image["error"]]
    if failed and options.on_error == "fail":
        module.fail_json(msg="; ".join(failed), **result)
    module.exit_json(**result)


def main() -> None:
    # Credentials that go to whoever is asked would go to every mirror.
    conditions = dict.fromkeys(("url_username", "url_password", "headers", "client_cert"), "url_hosts")
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, required_by=conditions, supports_check_mode=True)
    try:
        work(module, ImageOptions.of(module.params))
    except OSError as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc(), images=[])


if __name__ == "__main__":
    main()
