"""The real thing: a Debian guest with real cloud-init takes name, address, key and user data from its config drive."""

from __future__ import annotations

from .conftest import NET4, Fleet, server, ssh

USER_DATA = """#cloud-config
write_files:
  - path: /etc/kvmfleet-acceptance
    content: "user data was here: {% raw %}{{ ds.meta_data }}{% endraw %}"
"""


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

    def guest(*command: str) -> str:
        return ssh(f"{NET4}.1.200", *command, user="debian").strip()

    assert guest("cloud-init", "status", "--wait").endswith("status: done")
    assert guest("hostname") == "acceptance"
    assert f"{NET4}.1.200" in guest("ip", "-br", "address")
    assert guest("sudo", "cat", "/etc/kvmfleet-acceptance") == "user data was here: {{ ds.meta_data }}"
    assert guest("sudo", "blkid", "-t", "LABEL=config-2", "-o", "value", "-s", "TYPE") == "iso9660"
    # The root file system has grown to the flavor's disk.
    assert int(guest("df", "--output=size", "-BM", "/").split()[-1].rstrip("M")) > 3500
