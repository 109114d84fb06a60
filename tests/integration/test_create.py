"""Servers come to be: placed, imaged, addressed, reachable; a second run changes nothing."""

from __future__ import annotations

import hashlib
import http.server
import json
import pathlib
import threading
import typing as t

import pytest

from .conftest import INSTANCES, NET4, STATE, Fleet, server, ssh

MICRO = pathlib.Path(json.loads((STATE / "inventory" / "group_vars" / "all.yml").read_text())["compute_images"]["micro"]["source"])


@pytest.fixture
def web_server(tmp_path: pathlib.Path) -> t.Iterator[tuple[str, str, list[str]]]:
    """(URL, digest, requests) of an HTTP server on the controller that has the micro image under another digest."""
    folder = tmp_path / "www"
    folder.mkdir()
    # Another digest than the testbed's own, so that no host has it cached.
    (folder / "micro.qcow2").write_bytes(MICRO.read_bytes() + b"\0" * 512)
    digest = hashlib.sha256((folder / "micro.qcow2").read_bytes()).hexdigest()
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: t.Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, _format: str, *arguments: t.Any) -> None:
            asked.append(str(arguments[0]))

    made = http.server.ThreadingHTTPServer((f"{NET4}.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://{NET4}.0.1:{made.server_port}", digest, asked
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_server_runs_and_is_what_was_asked(fleet: Fleet) -> None:
    play = fleet.create(
        server("web", networks=[{"name": "dual", "fixed_ip": f"{NET4}.2.77"}], metadata={"role": "web"}, tags=["ci"], user_data_text="#!/bin/sh\n"),
        compute_wait_for="ssh",
    )
    assert play.code == 0, play.output
    made = play.server("web")
    host = fleet.hosts[made["host"]]
    assert host.domains() == {made["domain"]}
    xml = host.xml(made["domain"])
    assert xml.findtext("uuid") == made["id"]
    assert xml.findtext("title") == "web"
    tap = xml.find("devices/interface/target").get("dev")
    assert tap in host.taps()
    assert ssh(f"{NET4}.2.77", "hostname").strip() == "web"
    assert f"hostname=web addresses={NET4}.2.77 user_data=yes" in host.console(made["id"])


def test_second_run_changes_nothing(fleet: Fleet) -> None:
    asked = [server("web", min_count=2), server("db", adminPass="do not show me", user_data_text="do not show this")]
    first = fleet.create(*asked)
    assert first.code == 0, first.output
    before = {name: host.run("virsh", "list", "--all", "--uuid") for name, host in fleet.hosts.items()}
    second = fleet.create(*asked, options=("-vvv", "--diff"))
    assert second.code == 0, second.output
    assert second.changed() == 0
    assert {name: host.run("virsh", "list", "--all", "--uuid") for name, host in fleet.hosts.items()} == before
    for made in first.result["servers"]:
        again = second.server(made["name"])
        assert {key: again[key] for key in ("id", "host", "addresses", "reservation_id")} == {
            key: made[key] for key in ("id", "host", "addresses", "reservation_id")
        }
        assert again["drift"] == []


def test_secrets_are_nowhere_to_be_read(fleet: Fleet) -> None:
    play = fleet.create(server("db", adminPass="hunter2-hunter2", user_data_text="token=swordfish"), options=("-vvv", "--diff"))
    assert play.code == 0, play.output
    made = play.server("db")
    host = fleet.hosts[made["host"]]
    texts = [play.output, json.dumps(play.result), host.run("virsh", "dumpxml", made["domain"])]
    for text in texts:
        assert "hunter2" not in text
        assert "swordfish" not in text
        assert "dG9rZW49c3dvcmRmaXNo" not in text
    folder = f"/var/lib/libvirt/kvmfleet/instances/{made['id']}"
    assert host.run("stat", "-c", "%a", f"{folder}/config_drive.json", f"{folder}/disk.config").split() == ["600", "600"]


def test_multi_create_numbers_its_servers_and_spreads_them(fleet: Fleet) -> None:
    play = fleet.create(server("web", min_count=6))
    assert play.code == 0, play.output
    assert [made["name"] for made in play.result["servers"]] == [f"web-{number}" for number in range(1, 7)]
    assert {name: len(host.domains()) for name, host in fleet.hosts.items()} == {"h1": 2, "h2": 2, "h3": 2}
    addresses = [address["addr"] for made in play.result["servers"] for address in made["addresses"]["lan"]]
    assert len(set(addresses)) == 6
    more = fleet.create(server("web", min_count=7))
    assert more.code == 0, more.output
    assert sum(len(host.domains()) for host in fleet.hosts.values()) == 7


@pytest.mark.campaign
def test_tasks_do_not_grow_with_servers(fleet: Fleet) -> None:
    # The first run of a fleet enrols its hosts.
    assert fleet.create(server("first")).code == 0
    few = fleet.create(server("web", min_count=3))
    many = fleet.create(server("other", min_count=9))
    assert few.code == many.code == 0, many.output
    assert few.tasks() == many.tasks()


def test_anti_affinity_and_what_breaks_it(fleet: Fleet) -> None:
    apart = {"scheduler_hints": {"group": "apart"}}
    play = fleet.create(server("web", min_count=3, **apart))
    assert play.code == 0, play.output
    assert sorted(fleet.where("web-")) == ["h1", "h2", "h3"]
    fourth = fleet.create(server("more", **apart))
    assert fourth.code == 2
    lost = fourth.server("more")
    assert (lost["state"], lost["error"]["error_class"]) == ("ERROR", "NoValidHost")
    assert all("ServerGroupAntiAffinityFilter" in reason for reason in lost["error"]["reasons"].values())
    assert fleet.where("more-") == []


@pytest.mark.campaign
def test_affinity_keeps_a_group_together(fleet: Fleet) -> None:
    play = fleet.create(server("web", min_count=3, scheduler_hints={"group": "together"}))
    assert play.code == 0, play.output
    assert len(set(fleet.where("web-"))) == 1


def test_forced_host_and_zone(fleet: Fleet) -> None:
    play = fleet.create(server("there", availability_zone="az2"), server("here", availability_zone="az1:h3"))
    assert play.code == 0, play.output
    assert fleet.where("there-") == ["h2"]
    assert fleet.where("here-") == ["h3"]


def test_extra_disks_and_a_libvirt_network_that_was_off(fleet: Fleet) -> None:
    play = fleet.create(server("big", flavor="m1.extra", networks=[{"name": "idle"}, {"name": "int"}]), compute_wait_for="ssh")
    assert play.code == 0, play.output
    made = play.server("big")
    host = fleet.hosts[made["host"]]
    assert "ext-idle" in host.run("virsh", "net-list", "--name").split()
    targets = [disk.find("target").get("dev") for disk in host.xml(made["domain"]).findall("devices/disk")]
    assert targets == ["vda", "vdb", "vdc", "vdd"]
    assert 'TYPE="swap"' in host.run("blkid", "-p", f"/var/lib/libvirt/kvmfleet/instances/{made['id']}/disk.swap")
    assert len(host.taps("br-int")) == 1
    host.run("virsh", "net-destroy", "ext-idle")


def test_check_mode_places_and_renders_and_writes_nothing(fleet: Fleet) -> None:
    play = fleet.create(server("web"), options=("--check", "--diff"))
    assert play.code == 0, play.output
    assert "<title>web</title>" in play.output
    assert "web -> h" in play.output
    for host in fleet.hosts.values():
        assert host.domains("--all") == set()
        assert host.folders() == set()


@pytest.mark.campaign
def test_a_plan_from_a_file_or_the_cache_is_what_a_run_does(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    facts, cache = tmp_path / "fleet.json", {"ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache")}
    asked = [server("web", max_count=4, min_count=4), server("db", availability_zone="az2")]
    kept = fleet.play("kvmfleet.compute.fleet", {"compute_fleet_file": str(facts)}, environment=cache)
    assert kept.code == 0, kept.output
    # Nobody answers on port 1: a plan from kept facts that asked a host would fail.
    nowhere = {"compute_servers": asked, "ansible_port": 1}
    plans = [
        fleet.play("kvmfleet.compute.plan", {**nowhere, "compute_fleet_file": str(facts)}),
        fleet.play("kvmfleet.compute.plan", {**nowhere, "compute_use_cached_facts": True}, environment=cache),
        fleet.play("kvmfleet.compute.plan", {"compute_servers": asked}),
    ]
    for plan in plans:
        assert (plan.code, plan.changed()) == (0, 0), plan.output
        assert {item["state"] for item in plan.result["servers"]} == {"PLANNED"}
    assert all(not host.domains("--all") and not host.folders() for host in fleet.hosts.values())
    made = fleet.create(*asked)
    for plan in plans:
        assert {item["name"]: item["host"] for item in plan.result["servers"]} == {item["name"]: item["host"] for item in made.result["servers"]}


def test_a_stopped_server_is_started_with_its_config_drive_made_again(fleet: Fleet) -> None:
    play = fleet.create(server("web"))
    made = play.server("web")
    host = fleet.hosts[made["host"]]
    host.run("virsh", "destroy", made["domain"])
    host.run("rm", f"/var/lib/libvirt/kvmfleet/instances/{made['id']}/disk.config")
    again = fleet.create(server("web"), compute_wait_for="ssh")
    assert again.code == 0, again.output
    assert host.domains() == {made["domain"]}
    assert again.server("web")["addresses"] == made["addresses"]
    assert again.changed() > 0


@pytest.mark.campaign
def test_a_disk_that_was_moved_away_is_not_made_anew(fleet: Fleet) -> None:
    play = fleet.create(server("web"))
    made = play.server("web")
    host = fleet.hosts[made["host"]]
    disk = f"{INSTANCES}/{made['id']}/disk"
    host.run("virsh", "destroy", made["domain"])
    host.run("mv", disk, f"{disk}.moved")
    again = fleet.create(server("web"))
    assert again.code != 0
    assert disk in again.server("web")["error"]["message"]
    assert host.run("find", disk, check=False) == ""
    assert host.domains() == set()
    host.run("mv", f"{disk}.moved", disk)
    assert fleet.create(server("web")).code == 0
    assert host.domains() == {made["domain"]}


def test_drift_is_reported(fleet: Fleet) -> None:
    fleet.create(server("web", user_data_text="one"))
    play = fleet.create(server("web", flavor="m1.extra", metadata={"a": "b"}, user_data_text="two"))
    assert play.code == 0, play.output
    drift = play.server("web")["drift"]
    assert {item["path"] for item in drift} == {"flavorRef", "metadata", "user_data", "disks.disk.eph0", "disks.disk.swap", "disks.disk.config.device_name"}
    assert {item["remedy"] for item in drift} == {"rebuild"}
    assert "differs from the request" in play.output
    assert play.changed() == 0


def test_an_image_is_fetched_once_per_host(fleet: Fleet, web_server: tuple[str, str, list[str]]) -> None:
    url, digest, asked = web_server
    images = {"web": {"source": f"{url}/micro.qcow2", "checksum": f"sha256:{digest}", "disk_format": "qcow2"}}
    check = fleet.create(server("web", image="web", min_count=6), options=("--check",), compute_images=images)
    assert check.code == 0, check.output
    assert "unknown until it is fetched" in check.told()
    assert asked == []
    play = fleet.create(server("web", image="web", min_count=6), compute_images=images)
    assert play.code == 0, play.output
    assert sum("GET /micro.qcow2" in line for line in asked) == 3
    for host in fleet.hosts.values():
        host.run("sh", "-c", "cd /var/lib/libvirt/kvmfleet/images && ls -t | head -n 2 | xargs rm")


@pytest.mark.campaign
def test_the_next_play_logs_in(fleet: Fleet) -> None:
    play = fleet.play(
        str(pathlib.Path(__file__).with_name("next_play.yml")),
        {
            "compute_servers": [server("web", min_count=2)],
            "compute_wait_for": "ssh",
            "compute_login_user": "root",
            "compute_login_private_key_file": str(STATE / "ssh" / "id"),
        },
    )
    assert play.code == 0, play.output
    assert "web-1 answers as web-1" in play.output
    assert "web-2 answers as web-2" in play.output


def test_generated_passwords_go_to_their_file_only(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "passwords.json"
    play = fleet.create(server("web"), options=("-vvv",), compute_admin_password_file=str(path))
    assert play.code == 0, play.output
    password = json.loads(path.read_text())["default/web"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert password not in play.output
    made = play.server("web")
    host = fleet.hosts[made["host"]]
    assert password in host.run("cat", f"/var/lib/libvirt/kvmfleet/instances/{made['id']}/config_drive.json")
    again = fleet.create(server("web"), compute_admin_password_file=str(path))
    assert (again.changed(), json.loads(path.read_text())["default/web"]) == (0, password)


def test_prepare_host_says_what_is_missing(fleet: Fleet) -> None:
    asked = {"compute_prepare_packages": False, "compute_prepare_service": False}
    assert fleet.play("kvmfleet.compute.prepare_host", asked).code == 0
    networks = {"lan": {"bridge": "br-none", "subnets": []}}
    play = fleet.play("kvmfleet.compute.prepare_host", {**asked, "compute_networks": networks})
    assert play.code == 2
    assert "bridge br-none of network lan is missing: make it" in play.output
