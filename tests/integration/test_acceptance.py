"""The real thing: a Debian guest with real cloud-init takes name, address, key and user data from its config drive."""

from __future__ import annotations

import shlex

import pytest

from .conftest import NET4, Fleet, server, ssh

USER_DATA = """#cloud-config
write_files:
  - path: /etc/kvmfleet-acceptance
    content: "user data was here: {% raw %}{{ ds.meta_data }}{% endraw %}"
"""

# It ends with the first thing that fails.
LOOK = """cloud-init status --wait > /dev/null
cloud-init status
hostname
ip -br address | tr "\\n" " "; echo
cat /etc/kvmfleet-acceptance; echo
blkid -t LABEL=config-2 -o value -s TYPE
df --output=size -BM / | tail -n 1"""


@pytest.mark.campaign
def test_debian_guest_with_cloud_init(fleet: Fleet) -> None:
    asked = server(
        "Acceptance",
        flavor="m1.small",
        image="debian",
        networks=[{"name": "lan", "fixed_ip": f"{NET4}.1.200"}],
        user_data_text=USER_DATA,
        config_drive=True,
    )
    play = fleet.create(asked, compute_wait_for="cloud_init", compute_wait_timeout_s=600)
    assert play.code == 0, play.output
    made = play.server("Acceptance")
    assert "Cloud-init v." in fleet.hosts[made["host"]].console(made["id"])

    # One login for all: an emulated guest takes its time for each.
    status, hostname, addresses, written, drive, size = ssh(f"{NET4}.1.200", "sudo", "sh", "-ec", shlex.quote(LOOK), user="debian").splitlines()
    assert status == "status: done"
    assert hostname == "acceptance"
    assert f"{NET4}.1.200" in addresses
    assert written == "user data was here: {{ ds.meta_data }}"
    assert drive == "iso9660"
    # The root file system has grown to the flavor's disk.
    assert int(size.strip().rstrip("M")) > 3500
