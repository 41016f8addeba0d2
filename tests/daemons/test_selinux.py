# SPDX-License-Identifier: GPL-3.0-or-later
"""The SELinux policies are compiled by SELinux's own compiler, with a policy that has what they name.

Nothing here runs SELinux: whether EL's policy has these names, and whether they are enough, is not tested.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROLES = Path(__file__).parents[2] / "roles"
# As small as a policy can be, with EL's names.
BASE = """
(class file (getattr open read write create watch))
(class dir (getattr search open read write add_name remove_name watch))
(class fifo_file (getattr open read write create unlink))
(class tcp_socket (name_bind name_connect))
(class udp_socket (name_bind))
(class capability (setuid setgid))
(class unix_dgram_socket (sendto))
(classorder (file dir fifo_file tcp_socket udp_socket capability unix_dgram_socket))
(sid kernel) (sidorder (kernel)) (sensitivity s0) (sensitivityorder (s0)) (category c0) (categoryorder (c0)) (sensitivitycategory s0 (c0))
(user system_u) (role object_r) (role system_r) (type init_t) (userrole system_u system_r) (userrole system_u object_r) (roletype system_r init_t)
(userlevel system_u (s0)) (userrange system_u ((s0) (s0))) (sidcontext kernel (system_u system_r init_t ((s0) (s0))))
(allow init_t init_t (file (read)))
(type keepalived_t) (type keepalived_unconfined_script_exec_t) (type var_run_t) (type var_lib_t)
(type httpd_t) (type transproxy_port_t) (type unreserved_port_t) (typeattribute port_type) (typeattributeset port_type transproxy_port_t)
(roletype object_r keepalived_unconfined_script_exec_t)
"""


def compiled(place: Path, policy: str) -> tuple[str, str]:
    """What it says, and the labels of files."""
    for name, text in (("base.cil", BASE), ("policy.cil", policy)):
        (place / name).write_text(text)
    words = ["secilc", "--output=policy", "--filecontext=contexts", "base.cil", "policy.cil"]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
    contexts = place / "contexts"
    return done.stderr, contexts.read_text() if contexts.exists() else ""


def without_optional(policy: str) -> str:
    """An optional block that does not compile is left out without a word; as a block of its own it is an error."""
    return policy.replace("(optional ", "(block ")


@pytest.mark.parametrize("role", ["keepalived", "nginx"])
def test_it_compiles(role: str, tmp_path: Path) -> None:
    policy = (ROLES / role / "files/selinux.cil").read_text()
    said, contexts = compiled(tmp_path, without_optional(policy))
    assert said == ""
    if role == "keepalived":
        assert "/etc/keepalived/[^/]*\\.(sh|py)\t--\tsystem_u:object_r:keepalived_unconfined_script_exec_t" in contexts
    assert compiled(tmp_path, policy)[0] == ""
    wrong = policy + "(optional wrong (allow httpd_u self (file (read))))"
    assert "Failed to resolve allow statement" in compiled(tmp_path, without_optional(wrong))[0]


@pytest.mark.parametrize("role", ["keepalived", "nginx"])
def test_it_holds_where_the_policy_lacks_a_name(role: str, tmp_path: Path) -> None:
    policy = (ROLES / role / "files/selinux.cil").read_text()
    assert compiled(tmp_path, policy.replace("_t ", "_elsewhere_t "))[0] == ""
