# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check_nginx role's variables may be: good ones become settings, each mistake gives its sentence."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.check_nginx import check_nginx_problems, parse

GOOD: dict[str, Any] = {
    "behaviour": "watch",
    "url": "http://127.0.0.1:8081/healthz",
    "path": "/etc/keepalived/check_nginx.sh",
    "interval": "0.5",
    "timeout": 0.5,
    "fall": "2",
    "rise": 2,
    "return_delay": 2,
    "return_max": 120,
    "flap_window": 600,
    "restart_wait": 2,
    "state_dir": "/run/vrrp",
    "handover": "/etc/keepalived/vips.sh",
}
NO_URL = "the check speaks plain HTTP to a named host. Write it as http://127.0.0.1:8081/healthz."
NO_PATH = "which is no absolute path of letters, digits and '_@+=,.-' alone. Write one such as /run/vrrp."
BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "behaviour": ({"behaviour": "look"}, ["check_nginx_behaviour is 'look'. It is one of watch, stop, restart."]),
    **{
        f"url {url}": ({"url": url}, [f"check_nginx_url is {url!r}; {NO_URL}"])
        for url in (
            "",
            "https://127.0.0.1/",
            "http://",
            "http://me@127.0.0.1/",
            "http://127.0.0.1:0/",
            "http://127.0.0.1:65536/",
            "http://127.0.0.1:x/",
            "http://a b/",
            "http://127.0.0.1/\n",
            "http://127.0.0.1/?a=1",
            "http://$(id)/",
            "http://[fe80::1%eth0]/",
        )
    },
    "path of a url": (
        {"url": "http://127.0.0.1/%20"},
        [
            "check_nginx_url is 'http://127.0.0.1/%20', whose path has more than letters, digits and '._~+,=@:/-' in it, "
            "or 200 characters. Choose another path of nginx_health_port."
        ],
    ),
    **{
        f"path {path}": ({"path": path}, [f"check_nginx_path is {path!r}, {NO_PATH}"])
        for path in (
            "",
            "/",
            "check.sh",
            "/etc/a b",
            "/etc/%i",
            "/etc/a\nExecStartPre=/bin/x",
            "/run/../etc/x",
            "/a;id",
            "/run/",
        )
    },
    "state_dir": ({"state_dir": "/run/vrrp;id>/tmp/x"}, [f"check_nginx_state_dir is '/run/vrrp;id>/tmp/x', {NO_PATH}"]),
    "handover": ({"handover": "$HOME/x"}, [f"check_nginx_handover is '$HOME/x', {NO_PATH}"]),
    "a long path": (
        {"handover": "/" + "x" * 200},
        [
            f"check_nginx_handover is '/{'x' * 148}..., which has 201 characters, and 200 are the most. Write one such as /run/vrrp."
        ],
    ),
    "interval": ({"interval": 0}, ["check_nginx_interval is 0. It must be 0.01 to 3600 seconds."]),
    "interval of a script": (
        {"behaviour": "stop", "interval": 0.5},
        [
            "check_nginx_interval is 0.5; keepalived runs a script every whole number of seconds. Set it to 1 or more, or "
            "check_nginx_behaviour to watch."
        ],
    ),
    "timeout": ({"timeout": "1;id"}, ["check_nginx_timeout is '1;id'. It must be 0.01 to 3600 seconds."]),
    "fall": ({"fall": 0}, ["check_nginx_fall is 0. It must be a whole number from 1 to 1000000."]),
    "rise": ({"rise": 1.5}, ["check_nginx_rise is 1.5. It must be a whole number from 1 to 1000000."]),
    "return_delay": (
        {"return_delay": -1},
        ["check_nginx_return_delay is -1. It must be a whole number from 0 to 86400."],
    ),
    "return_max": ({"return_max": ""}, ["check_nginx_return_max is ''. It must be a whole number from 0 to 86400."]),
    "flap_window": (
        {"flap_window": "1\n"},
        ["check_nginx_flap_window is '1\\n'. It must be a whole number from 0 to 31536000."],
    ),
    "restart_wait": (
        {"restart_wait": "٣"},
        ["check_nginx_restart_wait is '٣'. It must be a whole number from 0 to 3600."],
    ),
    "two at once": (
        {"fall": 0, "rise": 0},
        [
            "check_nginx_fall is 0. It must be a whole number from 1 to 1000000.",
            "check_nginx_rise is 0. It must be a whole number from 1 to 1000000.",
        ],
    ),
}


def test_settings() -> None:
    assert parse(GOOD) == (
        {**GOOD, "url": ("127.0.0.1", 8081, "/healthz"), "interval": 0.5, "fall": 2},
        [],
    )


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://[::1]:8081/healthz", ("::1", 8081, "/healthz")),
        ("http://lb1.example", ("lb1.example", 80, "")),
    ],
)
def test_urls(url: str, found: tuple[str, int, str]) -> None:
    settings, wrong = parse({**GOOD, "url": url})
    assert settings["url"] == found and not wrong


@pytest.mark.parametrize("changes", [{"behaviour": "stop", "interval": "2.0"}, {"interval": "0.01"}])
def test_good_intervals(changes: dict[str, Any]) -> None:
    assert check_nginx_problems({**GOOD, **changes}, "nginx1") == []


@pytest.mark.parametrize(("changes", "texts"), BAD.values(), ids=BAD)
def test_problem(changes: dict[str, Any], texts: list[str]) -> None:
    assert check_nginx_problems({**GOOD, **changes}, "nginx1") == [f"nginx1: {text}" for text in texts]
