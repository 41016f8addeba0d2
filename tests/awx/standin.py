# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX's API, for no AWX can be installed where the tests run: it stores what it is sent and gives it back.

It knows of AWX what awx.awx's modules rely on: lists with filters, associations, surveys, approval nodes, updates, the roles of
objects, secrets that are never shown again, and that a job template's playbook has to be one of the project's. It is no proof that AWX takes
what is sent; it shows that the playbook goes through and that a second run finds nothing to change.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API = "/api/v2/"
SECRETS = {"ssh_key_data", "ssh_key_unlock", "become_password", "vault_password", "password"}
ROLES = ("admin", "execute", "read", "use", "update", "approval", "member")
TEMPLATES = ("job_templates", "workflow_job_templates", "workflow_approval_templates", "projects", "inventory_sources")

Object = dict[str, Any]


class Awx:
    def __init__(self, playbooks: set[str]) -> None:
        self.playbooks = playbooks
        self.objects: dict[str, dict[int, Object]] = {}
        self.associations: dict[str, list[int]] = {}
        self.surveys: dict[str, Object] = {}
        self.writes: list[str] = []
        self.last = 0
        for name in ("Machine", "Vault", "Source Control"):
            self.create("credential_types", {"name": name})

    def create(self, endpoint: str, fields: Object) -> Object:
        self.last += 1
        url = f"{API}{endpoint}/{self.last}/"
        kind = "inventory" if endpoint == "inventories" else endpoint.removesuffix("s")
        created = {"id": self.last, "type": kind, "url": url, **fields}
        created["related"] = {"survey_spec": f"{url}survey_spec/", "update": f"{url}update/"}
        created["summary_fields"] = {
            "object_roles": {f"{role}_role": {"id": self.last * 100 + place} for place, role in enumerate(ROLES)}
        }
        if endpoint == "projects":
            created["scm_revision"] = ""
        self.objects.setdefault(endpoint, {})[self.last] = created
        return created

    def found(self, endpoint: str, wanted: dict[str, str]) -> list[Object]:
        of = TEMPLATES if endpoint == "unified_job_templates" else (endpoint,)
        every = [each for name in of for each in self.objects.get(name, {}).values()]
        return [each for each in every if all(str(each.get(key)) == value for key, value in wanted.items())]

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        match path.split("/"):
            case [endpoint]:
                results = [shown(each) for each in self.found(endpoint, query)]
                return 200, {"count": len(results), "next": None, "results": results}
            case ["project_updates" | "inventory_updates", number]:
                return 200, {
                    "id": int(number),
                    "status": "successful",
                    "failed": False,
                    "event_processing_finished": True,
                }
            case [endpoint, number] if int(number) in self.objects.get(endpoint, {}):
                return 200, shown(self.objects[endpoint][int(number)])
            case [_, _, "survey_spec"]:
                return 200, self.surveys.get(path, {})
            case [_, _, _]:
                results = [{"id": number} for number in self.associations.get(path, [])]
                return 200, {"count": len(results), "next": None, "results": results}
        return 404, {"detail": "Not found."}

    def post(self, path: str, fields: Object) -> tuple[int, Any]:
        match path.split("/"):
            case [endpoint]:
                if endpoint == "job_templates" and fields["playbook"] not in self.playbooks:
                    return 400, {"playbook": ["Playbook not found for project."]}
                created = self.create(endpoint, fields)
                answer = shown(created)
                if endpoint == "projects":
                    # The first update begins by itself.
                    answer["summary_fields"] = answer["summary_fields"] | {"current_update": {"id": 1}}
                return 201, answer
            case [_, _, "survey_spec"]:
                self.surveys[path] = fields
                return 200, {}
            case [_, number, "create_approval_template"]:
                own = {key: fields[key] for key in ("name", "description", "timeout")}
                approval = self.create("workflow_approval_templates", own)
                node = self.objects["workflow_job_template_nodes"][int(number)]
                node["unified_job_template"] = approval["id"]
                node["related"]["unified_job_template"] = approval["url"]
                return 201, shown(approval)
            case [_, _, "update"]:
                return 202, {"id": 1, "status": "pending", "url": f"{API}inventory_updates/1/"}
            case [_, _, _]:
                associated = self.associations.setdefault(path, [])
                (associated.remove if fields.get("disassociate") else associated.append)(fields["id"])
                return 204, None
        return 404, {"detail": "Not found."}

    def patch(self, path: str, fields: Object) -> tuple[int, Any]:
        endpoint, number = path.split("/")
        patched = self.objects[endpoint][int(number)]
        # What an object has no field for is dropped without a word.
        patched.update({key: value for key, value in fields.items() if key in patched})
        return 200, shown(patched)


def shown(value: Any, name: str = "") -> Any:
    """As AWX shows it: without secrets."""
    if isinstance(value, dict):
        return {key: shown(each, key) for key, each in value.items()}
    return "$encrypted$" if name in SECRETS and value else value


@contextmanager
def running(awx: Awx, token: str) -> Iterator[str]:
    """The address at which it answers whoever has the token."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            address = urlsplit(self.path)
            path = address.path.removeprefix(API).strip("/")
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != f"Bearer {token}":
                status, body = 401, {"detail": "Authentication credentials were not provided."}
            elif self.command == "GET":
                status, body = awx.get(path, dict(parse_qsl(address.query)))
            else:
                awx.writes.append(f"{self.command} {path}")
                status, body = {"POST": awx.post, "PATCH": awx.patch}[self.command](path, json.loads(sent or "{}"))
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.end_headers()
            if body is not None:
                self.wfile.write(json.dumps(body).encode())

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
