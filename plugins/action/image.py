# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ``kvmfleet.compute.image``: it sends files of the controller to the hosts that don't have them."""

from __future__ import annotations

import os
import shlex
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import host_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import checksum
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import base_name, is_on_controller, is_on_host, is_url
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.image_sources import from_catalogue, with_secrets_apart
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import HostAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.image_rows import image_rows
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.verbosity import brief
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.watch import is_wanted, watched
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress.images import ImageProgress
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.answers import WrongAnswer, mapping

MODULE = "kvmfleet.compute.image"
CACHE_PATH = str(host_argument_spec()["image_cache_path"]["default"])
MOST_SUMS = 1 << 20


Entry = dict[str, object]  # an image of the catalogue


def free_of_df(text: str) -> int | None:
    """The free bytes that ``df -Pk`` says of one folder; None if it says something else."""
    fields = text.strip().rpartition("\n")[2].split()
    return int(fields[3]) * 1024 if len(fields) >= 6 and fields[3].isdigit() else None


def label(image: Entry) -> str:
    """What a user knows the image by."""
    return str(image.get("name") or image.get("id"))


def progress_of(args: dict[str, t.Any], host: str) -> ImageProgress:
    """How far the images of these arguments are, by the files that come on the host."""
    images: list[Entry] = args["images"]
    return ImageProgress(host, [(label(image), str(image["checksum"])) for image in images], cache_path=str(args.get("cache_path") or CACHE_PATH))


class ActionModule(HostAction):
    """Asks the host what it needs, sends that, and lets the module verify and publish it."""

    # Most hosts have their images: a folder is made when a file is to be sent.
    TRANSFERS_FILES = False

    def _local(self, source: str) -> str:
        """The path of a file of the controller, looked up as Ansible looks up files."""
        try:
            return self._find_needle("files", source)
        except AnsibleError as error:
            raise ImageError("ImageNotFound", f"{source}: no such file on the controller") from error

    def _with_literal_checksum(self, image: Entry) -> Entry:
        """A sums file that lies on the controller is read here, since the host hasn't got it."""
        algorithm, rest = checksum.parse(str(image.get("checksum") or ""))
        if checksum.is_digest(algorithm, rest) or is_url(rest) or is_on_host(rest):
            return image
        with open(self._local(rest), encoding="utf-8", errors="replace") as file:
            return dict(image, checksum=f"{algorithm}:{checksum.in_sums(file.read(MOST_SUMS), algorithm, base_name(str(image.get('source'))))}")

    def _with_size(self, image: Entry) -> Entry:
        """A file of the controller is as large as it is, if it is there."""
        try:
            source = str(image["source"])
            return dict(image, arriving_bytes=os.stat(self._local(source)).st_size) if is_on_controller(source) else image
        except (ImageError, OSError):
            # The host may have the image already.
            return image

    def _prepared(self, image: Entry, catalogue: dict[str, t.Any] | None) -> Entry:
        """An image as the module on the host takes it; ImageError if it can't be had. Nothing of the controller is opened before the catalogue was asked."""
        known = image if catalogue is None else from_catalogue(image, catalogue)
        try:
            return with_secrets_apart(self._with_size(self._with_literal_checksum(known)))
        except OSError as error:
            raise ImageError("ImageNotFound", f"{error.filename}: {error.strerror}") from error

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = self.plain_arguments()
        try:
            catalogue: t.Any = mapping("catalogue", args.pop("catalogue", None))
            args["headers"] = mapping("headers", args.get("headers"))
        except WrongAnswer as error:
            raise AnsibleActionFail(str(error)) from None
        asked: list[Entry] = args.get("images") or []
        # Only what the module documents travels: a catalogue's entry has more.
        known = ("id", "name", "source", "checksum", "disk_format", "size", "virtual_size")
        wanted: list[Entry] = [{key: image[key] for key in known if image.get(key) is not None} for image in asked]
        refused: dict[str, ImageError] = {}
        images: list[Entry] = []
        for image in wanted:
            try:
                images.append(self._prepared(image, catalogue))
            except ImageError as error:
                refused[str(image.get("id", ""))] = error
        args["images"] = images
        progress = progress_of(args, str((task_vars or {}).get("inventory_hostname")))
        with watched(self, progress if is_wanted(self) else None):
            result.update(self._execute_module(module_name=MODULE, module_args=dict(args, on_error="report"), task_vars=task_vars))
            reported = image_rows(result)
            needed = {item["id"] for item in reported if item["needs_staging"]}
            sent = [image for image in images if image["id"] in needed and is_on_controller(str(image["source"]))]
            if sent:
                self._stage(args, sent, result, refused, task_vars, progress)
        result = self._finish(args, wanted, refused, result)
        if args.get("on_error") == "report":
            # Whoever asks for that says what became of them.
            brief(result, self._display.verbosity)
        return result

    def _sent(self, folder: str, images: list[Entry], refused: dict[str, ImageError], progress: ImageProgress) -> dict[str, str]:
        """{image id: path on the host} of the files that were sent; what is not there or has no room is refused."""
        staged: dict[str, str] = {}
        df: dict[str, object] = self._low_level_execute_command(f"df -Pk {shlex.quote(folder)}")
        room = free_of_df(str(df.get("stdout") or ""))
        for image in images:
            image_id, source, arriving = str(image["id"]), str(image["source"]), image.get("arriving_bytes")
            size = arriving if isinstance(arriving, int) else 0
            if room is not None and size > room:
                refused[image_id] = ImageError("NoSpaceForImage", f"{source}: {size} bytes are to be sent to {folder}, and {room} are free there")
                continue
            path = self._connection._shell.join_path(folder, f"image-{len(staged)}")
            progress.send(path, label(image), size)
            try:
                staged[image_id] = self._transfer_file(self._local(source), path)
            except ImageError as error:
                refused[image_id] = error
            room = None if room is None else room - size
        return staged

    def _stage(
        self,
        args: dict[str, t.Any],
        images: list[Entry],
        result: dict[str, t.Any],
        refused: dict[str, ImageError],
        task_vars: dict[str, t.Any] | None,
        progress: ImageProgress,
    ) -> None:
        # The folder that the first call may have made is the one that is removed in the end: a second one would make it forgotten.
        folder = self._connection._shell.tmpdir or self._make_tmp_path()
        try:
            staged = self._sent(folder, images, refused, progress)
            if not staged:
                return
            asked = dict(args, images=[image for image in images if image["id"] in staged], staged=staged, on_error="report")
            again = self._execute_module(module_name=MODULE, module_args=asked, task_vars=task_vars)
        finally:
            self._remove_tmp_path(folder)
        rows, reported = image_rows(again), image_rows(result)
        by_id = {item["id"]: item for item in rows}
        result["images"] = [by_id.get(item["id"], item) for item in reported]
        result["changed"] = result.get("changed", False) or again.get("changed", False)
        for key in ("failed", "msg", "diff", "exception"):
            if key in again:
                result[key] = again[key]

    def _finish(self, args: dict[str, t.Any], wanted: list[Entry], refused: dict[str, ImageError], result: dict[str, t.Any]) -> dict[str, t.Any]:
        reported = image_rows(result)
        found = {item["id"]: item for item in reported}
        for image_id, error in refused.items():
            image = next(item for item in wanted if item.get("id", "") == image_id)
            name, disk_format = image.get("name"), image.get("disk_format")
            found[image_id] = {
                "id": image_id,
                "name": name if isinstance(name, str) else None,
                "digest": None,
                "path": None,
                "disk_format": str(disk_format or "qcow2"),
                "size": None,
                "virtual_size": None,
                "changed": False,
                "bytes_fetched": 0,
                "needs_staging": False,
                "seconds": 0.0,
                "error": error.as_dict(),
            }
        if result.get("failed"):
            return result
        rows = [found[str(image["id"])] for image in wanted if image.get("id") in found]
        result["images"] = rows
        broken = [item for item in rows if item["error"]]
        if broken and args.get("on_error", "fail") == "fail":
            result["failed"] = True
            result["msg"] = "; ".join(f"image {item['name'] or item['id']}: {item['error']['message']}" for item in rows if item["error"])
        return result
