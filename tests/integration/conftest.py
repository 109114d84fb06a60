"""The testbed as its user sees it: playbooks run by ansible-playbook; what came of them is read from the hosts themselves."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import packet_tables

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTBED = ROOT / "tests" / "testbed"
if "KVMFLEET_TESTBED_OF_WORKER" in os.environ:
    # Each worker of pytest has a testbed of its own; the testbed's scripts read which.
    WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.environ["KVMFLEET_TESTBED_NUMBER"] = str(int(os.environ["KVMFLEET_TESTBED_OF_WORKER"]) + WORKER)
NUMBER = int(os.environ.get("KVMFLEET_TESTBED_NUMBER", "0"))
STATE = pathlib.Path(os.environ.get("KVMFLEET_TESTBED", f"/var/lib/kvmfleet-testbed{NUMBER or ''}"))
NET4, NET6 = f"10.{87 + NUMBER}", f"fd00:{87 + NUMBER}::"
INSTANCES = "/var/lib/libvirt/kvmfleet/instances"
SSH = ["ssh", "-i", str(STATE / "ssh" / "id"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
SSH += ["-o", "ConnectTimeout=60", "-o", "BatchMode=yes"]


class Play(t.NamedTuple):
    """What a run of ansible-playbook left."""

    code: int
    output: str
    result: dict[str, t.Any]

    def changed(self) -> int:
        """The sum of changed over the recap."""
        return sum(
            int(word.split("=")[1]) for line in self.output.splitlines() if "unreachable=" in line for word in line.split() if word.startswith("changed=")
        )

    def told(self) -> str:
        """The output without the breaks that fit sentences into a screen, in a text, in a list of JSON or YAML and in a text within JSON."""
        return re.sub(r"""(",\n +"|'\n +- '|\n|\\n) {4,}""", " ", self.output)

    def tasks(self) -> int:
        """How many tasks were run."""
        return self.output.count("\nTASK [")

    def server(self, name: str) -> dict[str, t.Any]:
        """One server of the result file."""
        return next(server for server in self.result["servers"] if server["name"] == name)


class Host:
    """One hypervisor, asked directly: virsh, bridges, files."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *argv: str, check: bool = True) -> str:
        done = subprocess.run([str(TESTBED / "exec"), self.name, *argv], capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {argv}: {done.stderr}")
        return done.stdout

    def domains(self, *options: str) -> set[str]:
        return set(self.run("virsh", "-q", "list", "--name", *options).split())

    def xml(self, domain: str) -> ET.Element:
        return ET.fromstring(self.run("virsh", "dumpxml", domain))

    def folders(self) -> set[str]:
        return set(self.run("sh", "-c", f"ls {INSTANCES} 2>/dev/null || true").split())

    def filters(self) -> set[str]:
        return {line.split()[1] for line in self.run("virsh", "-q", "nwfilter-list").splitlines() if line.strip()}

    def ip_sets(self) -> dict[str, set[str]]:
        """What the IP sets of the collection have, by name."""
        lines = [line.split() for line in self.run("ipset", "save").splitlines()]
        names = [words[1] for words in lines if words[0] == "create" and words[1].startswith("kvmfleet-")]
        return {name: {words[2] for words in lines if words[:2] == ["add", name]} for name in names}

    def nft_chains(self) -> dict[str, set[str]]:
        """The names of the chains of the collection's tables of nftables, by family."""
        return packet_tables.of_listing(self.run("nft", "-j", "list tables; list chains"))

    def taps(self, bridge: str = "br-ext") -> set[str]:
        return {name for name in self.run("ls", f"/sys/class/net/{bridge}/brif").split() if name.startswith("tap")}

    def wait_for_modules(self) -> None:
        """A module goes on when its controller is killed: wait until all have ended."""
        self.run("sh", "-c", "for pid in $(pgrep -x 'python3.*'); do tail --pid=$pid -f /dev/null; done")

    def console(self, uuid: str) -> str:
        return self.run("sh", "-c", f"cat {INSTANCES}/{uuid}/console.log")


class Fleet:
    """The testbed with its hosts, and how to run playbooks on it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.hosts = {name: Host(name) for name in ("h1", "h2", "h3")}
        self.venv = ROOT / ".venv"

    def command(self, playbook: str, variables: dict[str, t.Any], *options: str) -> tuple[list[str], dict[str, str]]:
        """argv and environment of a playbook's run."""
        path = self.folder / "variables.json"
        path.write_text(json.dumps({"compute_result_file": str(self.folder / "result.json"), **variables}))
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(STATE / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
        }
        return [str(self.venv / "bin" / "ansible-playbook"), playbook, "-e", f"@{path}", *options], environment

    def play(self, playbook: str, variables: dict[str, t.Any], *options: str, environment: dict[str, str] | None = None) -> Play:
        """Run a playbook to its end; ``environment`` is added to its own."""
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        argv, own = self.command(playbook, variables, *options)
        done = subprocess.run(argv, env={**own, **(environment or {})}, capture_output=True, text=True, check=False, timeout=600)
        return Play(done.returncode, done.stdout + done.stderr, json.loads(result.read_text()) if result.exists() else {"servers": []})

    def create(self, *servers: dict[str, t.Any], options: tuple[str, ...] = (), **variables: t.Any) -> Play:
        """Run create_server with these requests."""
        return self.play("kvmfleet.compute.create_server", {"compute_servers": list(servers), **variables}, *options)

    def where(self, domain_prefix: str) -> list[str]:
        """The hosts that have a domain whose name starts so."""
        return [name for name, host in self.hosts.items() for domain in host.domains("--all") if domain.startswith(domain_prefix)]

    def testbed(self, script: str, *arguments: str) -> None:
        subprocess.run([str(TESTBED / script), *arguments], check=True)

    def wipe(self) -> None:
        """Remove every server of the collection, and what tests put on the hosts beside; they are of no fleet any more."""
        self.remove_servers()
        self.forget_registrar()

    def remove_servers(self) -> None:
        """Every server of the collection; the fleet's registrar stays."""
        for host in self.hosts.values():
            host.run(
                "sh",
                "-c",
                "for d in $(virsh -q list --all --name); do virsh -q destroy $d;"
                " virsh -q undefine --nvram --managed-save --snapshots-metadata --checkpoints-metadata $d; done >/dev/null 2>&1;"
                " for f in $(virsh -q nwfilter-list | awk '$2 ~ /^kvmfleet-/ {print $2}' | sort -r); do virsh -q nwfilter-undefine $f; done >/dev/null 2>&1;"
                " for s in $(ipset list -name | grep ^kvmfleet-); do ipset destroy $s; done >/dev/null 2>&1;"
                " nft delete table bridge kvmfleet >/dev/null 2>&1; nft delete table inet kvmfleet >/dev/null 2>&1;"
                " for d in /run/kvmfleet/dhcp/*; do kill $(cat $d/pid); rm -rf $d; done >/dev/null 2>&1;"
                " for n in $(ip netns list | grep -oE '^kvmfleet-dhcp-[0-9a-f]{11}'); do ip netns delete $n; done >/dev/null 2>&1;"
                " for l in $(ip -br link | grep -oE '^kv[blxd]-[0-9a-f]{11}'); do ip link delete dev $l; done >/dev/null 2>&1;"
                f"cd /var/lib/kvmfleet && rm -rf {INSTANCES}/* journal locks failed_builds security_groups.json tunnels.json; true",
            )

    def free_reservations(self) -> None:
        """What runs have reserved that were killed: the next test need not wait until it has run out."""
        sql = "import sqlite3, sys; ledger = sqlite3.connect(sys.argv[1]); ledger.execute('DELETE FROM reservation'); ledger.commit()"
        for host in self.hosts.values():
            host.run("sh", "-c", f'for ledger in /var/lib/kvmfleet/registrar.sqlite; do [ ! -s $ledger ] || python3 -c "{sql}" $ledger; done')

    def forget_registrar(self) -> None:
        """Hosts that were never enrolled."""
        for host in self.hosts.values():
            host.run("sh", "-c", "rm -f /var/lib/kvmfleet/registrar.*")


@pytest.fixture(scope="session")
def testbed() -> None:
    """The testbed is up (make test-integration raised it); say so clearly where it isn't."""
    done = subprocess.run([str(TESTBED / "status")], capture_output=True, text=True, check=False)
    if done.returncode or sum(" up," in line for line in done.stdout.splitlines()) < 3:
        pytest.fail(f"the testbed is not up; run tests/testbed/up first\n{done.stdout}{done.stderr}")


@pytest.fixture
def fleet(testbed: None, tmp_path: pathlib.Path) -> t.Iterator[Fleet]:
    """A fleet without servers, emptied again afterwards; a registrar that an earlier test has made stays."""
    made = Fleet(tmp_path)
    made.remove_servers()
    made.free_reservations()
    yield made
    made.remove_servers()


def server(name: str, **fields: t.Any) -> dict[str, t.Any]:
    """A request for a micro server."""
    return {"name": name, "flavor": "m1.micro", "image": "micro", "networks": [{"name": "lan"}], "key_name": "testbed", **fields}


def ssh(address: str, *command: str, user: str = "root") -> str:
    """Run a command in a guest."""
    # An emulated guest takes its time for the key exchange.
    done = subprocess.run([*SSH, f"{user}@{address}", *command], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{command} in {address}: {done.stdout}{done.stderr}"
    return done.stdout
