"""Documents as Docker Engine 26 gives them, cut down to some of their fields, with secrets that must not be kept."""

from __future__ import annotations

from typing import Any

NETWORK_ID = "a439d35395fd42714a28315d2b2c10925b72979b33b77c18e85a6918ed4205d6"
OWN_NETWORK_ID = "5ab2c7d0e6f34a1b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b"


def bridge_network() -> dict[str, Any]:
    return {
        "Name": "bridge",
        "Id": NETWORK_ID,
        "Driver": "bridge",
        "Internal": False,
        "IPAM": {
            "Driver": "default",
            "Options": None,
            "Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}],
        },
        "Options": {
            "com.docker.network.bridge.name": "docker0",
            "com.docker.network.bridge.enable_icc": "true",
            "secret": "s3cret",
        },
        "Labels": {"password": "s3cret"},
    }


def own_network() -> dict[str, Any]:
    return {
        "Name": "shop_back",
        "Id": OWN_NETWORK_ID,
        "Driver": "bridge",
        "Internal": True,
        "IPAM": {"Config": [{"Subnet": "172.20.0.0/16"}, {"Subnet": "fd00:20::/64"}]},
        "Options": {},
    }


def listed(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "Id": f"{number:064x}",
        "Names": [f"/other/alias{number}", f"/web{number}"],
        "Image": "nginx",
        "Command": "/bin/app --password s3cret",
        "State": "running",
        "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "token": "s3cret"},
        "HostConfig": {"NetworkMode": "default"},
        **fields,
    }


def inspected(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "Id": f"{number:064x}",
        "Name": f"/web{number}",
        "Path": "/bin/app",
        "Args": ["--password", "s3cret"],
        "Config": {"Env": ["PASSWORD=s3cret"], "Cmd": ["s3cret"], "Labels": {"token": "s3cret"}},
        "State": {"Status": "running", "Pid": 0},
        "HostConfig": {
            "NetworkMode": "default",
            "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
        },
        "NetworkSettings": {
            "SandboxKey": "",
            "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}]},
            "Networks": {
                "bridge": {
                    "IPAddress": "172.17.0.2",
                    "GlobalIPv6Address": "fd00::2",
                    "Gateway": "172.17.0.1",
                    "MacAddress": "02:42:ac:11:00:02",
                }
            },
        },
        **fields,
    }
