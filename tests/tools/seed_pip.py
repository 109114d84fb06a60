"""Give ansible-test the pip installer that it would download: one made from pip's own wheel, out of the package index.

ansible-test makes environments without pip and fetches a script from a server of its own to put pip there. Where that server is not reached, the
script may lie in its cache beforehand.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import ansible_test

SCRIPT = """import runpy, sys
sys.path.insert(0, {wheel!r})
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", "pip=={version}", *options]
runpy.run_module("pip", run_name="__main__")
"""


def main() -> None:
    """Write ~/.ansible/test/cache/get_pip_<version>.py unless it is there."""
    source = pathlib.Path(ansible_test.__path__[0], "_internal", "python_requirements.py").read_text()
    versions = set(re.findall(r"\bpip='(\d[\d.]+)'", source))
    cache = pathlib.Path.home() / ".ansible" / "test" / "cache"
    for version in sorted(versions):
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        # One that ansible-test fetched needs nothing beside it; ours needs its wheel.
        if script.exists() and ("runpy" not in script.read_text() or any(cache.glob(f"pip-{version}-*.whl"))):
            continue
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache), f"pip=={version}"], check=True)
        script.write_text(SCRIPT.format(wheel=str(next(cache.glob(f"pip-{version}-*.whl"))), version=version))


if __name__ == "__main__":
    main()
