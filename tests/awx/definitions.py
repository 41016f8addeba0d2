# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks/awx_configure.yml would make: its tasks' lists, filled in by Ansible, and the modules' own arguments."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
PLAYBOOK = PROJECT / "playbooks" / "awx_configure.yml"
BIN = Path(sys.executable).parent
# A site that uses all there is. None of the secrets opens anything.
SITE = {
    "awx_host": "http://127.0.0.1:1",
    "awx_token": "a token",
    "awx_project_url": "https://git.example.com/site.git",
    "awx_execution_environment_image": "registry.example.com/evenkeel:1",
    "awx_ssh_private_key": "a key",
    "awx_vault_password": "a vault's password",
    "awx_mail_recipients": ["ops@example.com"],
    "awx_webhook_url": "https://chat.example.com/hook",
}


class _Loader(yaml.SafeLoader):
    """YAML as Ansible has it."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))

PLAY = yaml.load(PLAYBOOK.read_text(), _Loader)[0]
# The list that each module works through: {"job_template": "awx_job_templates", ..}
LISTS = {
    key.removeprefix("awx.awx."): re.fullmatch(r"{{ (\w+) }}", task["loop"])[1]
    for task in PLAY["tasks"]
    for key in task
    if key.startswith("awx.awx.")
}


def ansible(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / words[0]), *map(str, words[1:])],
        cwd=PROJECT,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def rendered(site: dict[str, Any], work: Path) -> dict[str, list[dict[str, Any]]]:
    """The lists as the modules get them, by the modules' names."""
    names = {module: f"{{{{ {variable} }}}}" for module, variable in LISTS.items()}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": PLAY["vars"],
        "vars_files": [str((PLAYBOOK.parent / path).resolve()) for path in PLAY["vars_files"]],
        "tasks": [
            # As arguments of a module are: without what is omitted.
            {"ansible.builtin.set_fact": {"shown": names}},
            {
                "ansible.builtin.copy": {
                    "content": "{{ shown | to_json }}",
                    "dest": str(work / "shown.json"),
                    "mode": "0600",
                }
            },
        ],
    }
    (work / "show.yml").write_text(json.dumps([play]))
    (work / "site.json").write_text(json.dumps(site))
    done = ansible("ansible-playbook", work / "show.yml", "-e", f"@{work / 'site.json'}")
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return json.loads((work / "shown.json").read_text())


def argument_specs() -> dict[str, dict[str, Any]]:
    """The arguments of each module, as its documentation has them."""
    done = ansible("ansible-doc", "--json", "--type", "module", *(f"awx.awx.{name}" for name in LISTS))
    docs = json.loads(done.stdout)
    return {name: _spec(docs[f"awx.awx.{name}"]["doc"]["options"]) for name in LISTS}


def _spec(options: dict[str, Any]) -> dict[str, Any]:
    spec = {}
    for name, option in options.items():
        spec[name] = {
            key: option[key] for key in ("type", "elements", "choices", "aliases", "required") if key in option
        }
        if "suboptions" in option:
            spec[name]["options"] = _spec(option["suboptions"])
    return spec
