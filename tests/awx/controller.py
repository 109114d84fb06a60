"""A stub of AWX's REST API on loopback: it keeps what it is given, and refuses surveys as AWX does."""

from __future__ import annotations

import http.server
import json
import re
import threading
import typing as t
import urllib.parse

ROOT = "/api/v2/"
ASSOCIATIONS = ("credentials", "labels", "success_nodes", "failure_nodes", "always_nodes")
QUESTION_TYPES = ("text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect")
Item = dict[str, t.Any]


def wrong_survey(survey: Item) -> str | None:
    """What AWX would say of it; None if it takes it."""
    if set(survey) != {"name", "description", "spec"} or not isinstance(survey["spec"], list) or not survey["spec"]:
        return "name, description and spec are needed"
    for index, question in enumerate(survey["spec"]):
        for key, kind in (("variable", str), ("question_name", str), ("type", str), ("required", bool)):
            if not isinstance(question.get(key), kind) or question[key] == "":
                return f"spec[{index}].{key} must be a {kind.__name__}"
        if question["type"] not in QUESTION_TYPES:
            return f"spec[{index}].type"
        default, choices = question.get("default", ""), question.get("choices", "")
        if question["type"].startswith("multi"):
            chosen = default.split("\n") if default else []
            if not choices or not isinstance(choices, list) or set(chosen) - set(choices):
                return f"spec[{index}].choices"
        elif question["type"] == "integer" and default != "":
            if not question["min"] <= int(default) <= question["max"]:
                return f"spec[{index}].default"
        elif len(str(default)) > question["max"]:
            return f"spec[{index}].default"
    variables = [question["variable"] for question in survey["spec"]]
    return None if len(set(variables)) == len(variables) else "two questions of one variable"


class Controller:
    """AWX with an organization, an inventory and a credential."""

    def __init__(self) -> None:
        self.items: dict[str, dict[int, Item]] = {}
        self.surveys: dict[str, Item] = {}
        self.associations: dict[str, list[int]] = {}
        self.tokens: set[str | None] = set()
        self._numbers = iter(range(1, 10**6))
        self.add("organizations", {"name": "Default"})
        self.add("inventories", {"name": "fleet", "organization": 1})
        self.add("credentials", {"name": "hypervisors"})

    def add(self, kind: str, fields: Item) -> Item:
        number = next(self._numbers)
        url = f"{ROOT}{kind}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        update = {"current_update": {"id": number}} if kind == "projects" else {}
        made = {"scm_revision": "", **fields, "id": number, "url": url, "type": kind.removesuffix("s"), "related": related, "summary_fields": update}
        self.items.setdefault(kind, {})[number] = made
        return made

    def named(self, kind: str, name: str) -> Item:
        """The item of a name or an identifier."""
        return next(item for item in self.items[kind].values() if name in (item.get("name"), item.get("identifier")))

    def answer(self, method: str, path: str, query: dict[str, str], data: Item) -> tuple[int, Item]:
        """(status, JSON) of a request."""
        parts = path.removeprefix(ROOT).strip("/").split("/")
        if len(parts) == 1:
            return self._of_kind(method, parts[0], query, data)
        if parts[0] == "project_updates":
            return 200, {"status": "successful", "finished": True, "failed": False}
        item = self.items[parts[0]][int(parts[1])]
        if len(parts) == 2:
            if method == "PATCH":
                item.update(data)
            return 200, item
        if parts[2] == "create_approval_template":
            made = self.add("workflow_approval_templates", data)
            item["related"]["unified_job_template"] = made["url"]
            return 201, made
        if parts[2] == "survey_spec":
            return self._survey(method, path, data)
        assert parts[2] in ASSOCIATIONS, path
        linked = self.associations.setdefault(path, [])
        if method == "POST":
            (linked.remove if data.get("disassociate") else linked.append)(data["id"])
            return 204, {}
        return 200, {"count": len(linked), "next": None, "results": [{"id": number} for number in linked]}

    def _of_kind(self, method: str, kind: str, query: dict[str, str], data: Item) -> tuple[int, Item]:
        if method == "POST":
            return 201, self.add(kind, data)
        # AWX lists whatever can be a node of a workflow under a name of its own.
        kinds = ("job_templates", "projects") if kind == "unified_job_templates" else (kind,)
        listed = [item for each in kinds for item in self.items.get(each, {}).values()]
        found = [item for item in listed if all(str(item.get(key)) == value for key, value in query.items())]
        return 200, {"count": len(found), "next": None, "results": found}

    def _survey(self, method: str, path: str, data: Item) -> tuple[int, Item]:
        if method == "POST":
            wrong = wrong_survey(data)
            if wrong:
                return 400, {"error": wrong}
            self.surveys[path] = data
        return 200, self.surveys.get(path, {})


def serve(controller: Controller) -> tuple[http.server.ThreadingHTTPServer, str]:
    """The server, which a thread of its own runs, and its URL."""
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _do(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            data = json.loads(self.rfile.read(length) or b"{}")
            with lock:
                controller.tokens.add(self.headers.get("Authorization"))
                assert re.match(ROOT, url.path)
                status, answer = controller.answer(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)), data)
                body = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "23.9.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = _do

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"
