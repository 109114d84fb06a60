# shellcheck shell=bash disable=SC2034
# Names, paths and addresses of the testbed; sourced by its scripts.
TESTBED=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# A second testbed beside the first: KVMFLEET_TESTBED_NUMBER=1 to 99. Nothing but the images is shared.
NUMBER=${KVMFLEET_TESTBED_NUMBER:-0}
LABEL=kvmfleet${NUMBER#0}
STATE=${KVMFLEET_TESTBED:-/var/lib/kvmfleet-testbed${NUMBER#0}}
IMAGES=${KVMFLEET_TESTBED_IMAGES:-/var/cache/kvmfleet-testbed}
HYPERVISORS=${HYPERVISORS:-3}
BRIDGE=kvmfleet-br$NUMBER
NET4=10.$((87 + NUMBER))
NET6=fd00:$((87 + NUMBER))::

host_dir() { echo "$STATE/hosts/$1"; }
host_ip() { echo "$NET4.0.$((10 + ${1#h}))"; }
# Of its namespace, and of its link to the bridge.
netns_of() { echo "$LABEL-$1"; }

# Whose instances and images lie on a file system of their own, which can be filled and unmounted.
has_own_disk() { [ "$1" = h1 ]; }
OWN_DISK=/var/lib/libvirt/kvmfleet

need_own_disk() {
  has_own_disk "$1" || {
    echo "$1 has no file system of its own for its instances: only h1 has" >&2
    exit 2
  }
}

# Who writes the consoles' logs: libvirt's own virtlogd, as on most hosts in life, or QEMU itself.
console_writer_of() { if [ "$1" = h3 ]; then echo logd; else echo file; fi; }

# How far a hypervisor's clock is ahead for whoever logs in; the clocks that count from the boot are true.
clock_ahead_of() { if [ "$1" = h3 ]; then echo +2h; fi; }

# Who logs in there: on h2 a user who has to say sudo, as on most hosts in life.
login_of() { if [ "$1" = h2 ]; then echo ops; else echo root; fi; }

# Where a newer system on a hypervisor is logged in to.
NEWER_PORT=2222

# The pid of a hypervisor's PID 1 as the machine sees it; fails where it does not run.
init_pid() {
  local outer
  outer=$(cat "$(host_dir "$1")/pid" 2>/dev/null) || return 1
  [ -d "/proc/$outer" ] && grep -qz "$LABEL-$1" "/proc/$outer/cmdline" 2>/dev/null || return 1
  pgrep -P "$outer" -n
}

is_healthy() {
  init_pid "$1" > /dev/null && "$TESTBED/exec" "$1" virsh -q list > /dev/null 2>&1 && [ -s "$(host_dir "$1")/log/sshd-started" ]
}

known_hosts() { [ -d "$STATE/hosts" ] && ls "$STATE/hosts"; }

need_root() {
  if [ "$(id -u)" -ne 0 ]; then
    exec sudo --preserve-env=HYPERVISORS,KVMFLEET_TESTBED,KVMFLEET_TESTBED_NUMBER,KVMFLEET_TESTBED_IMAGES,MICRO_ONLY "$0" "$@"
  fi
}
