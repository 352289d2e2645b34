"""What the resolver of a lab is started with, as words of a command line: its start writes them, a look reads them.

A word is a JSON object: a table of names, or a door at which such tables are asked.

    {"table": "front", "names": {"web": ["172.30.1.2"]}, "clients": ["172.30.1.2"]}
    {"door": "/run/netns/lab-web", "address": "127.0.0.11", "tables": ["front"], "servers": ["192.168.30.2"]}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from engine.model.address import IPAddress
from engine.model.application.naming import NameRecord, Zone
from engine.records import dataclass

#: The name of the resolver's process, as `ss -p` shows it.
LAB_RESOLVER = "portscope-names"


@dataclass(frozen=True, slots=True)
class NameDoor:
    """A socket that answers DNS: the file of its namespace, its address, the tables that are asked there, and the
    `servers` that are asked for every other name.

    Of a `shared` door, which several containers ask, each client gets the tables that it is a client of. `closed` says
    that no other name is known there for lack of a way out.
    """

    netns: str
    address: IPAddress
    tables: tuple[str, ...] = ()
    servers: tuple[IPAddress, ...] = ()
    shared: bool = False
    closed: bool = False

    def zones(self, tables: Iterable[Zone]) -> tuple[Zone, ...]:
        """Its tables in their order, for these clients."""
        by_name = {table.network: table for table in tables}
        found = [by_name[name] for name in self.tables if name in by_name]
        return tuple(
            Zone(table.network, table.clients if self.shared else (), table.records, self.servers, self.closed)
            for table in found
        )


def words(tables: Iterable[Zone], doors: Iterable[NameDoor]) -> tuple[str, ...]:
    """The words of a command line."""
    rows: list[dict[str, Any]] = []
    for table in tables:
        names = {each.name: list(map(str, each.addresses)) for each in table.records}
        rows.append({"table": table.network, "names": names, "clients": list(map(str, table.clients))})
    for door in doors:
        row: dict[str, Any] = {"door": door.netns, "address": str(door.address), "tables": list(door.tables)}
        row |= {"servers": list(map(str, door.servers))} if door.servers else {}
        rows.append(row | {key: True for key in ("shared", "closed") if getattr(door, key)})
    return tuple(json.dumps(row) for row in rows)


def parse(arguments: Iterable[str]) -> tuple[tuple[Zone, ...], tuple[NameDoor, ...]]:
    """The tables and doors in a command line. Raises ValueError for what `words` would not write."""
    tables, doors = [], []
    for argument in arguments:
        row = json.loads(argument)
        try:
            if "table" in row:
                records = tuple(NameRecord(key, _all(each)) for key, each in row["names"].items())
                tables.append(Zone(row["table"], _all(row["clients"]), records))
                continue
            flags = {key: row.get(key, False) is True for key in ("shared", "closed")}
            servers = _all(row.get("servers", ()))
            doors.append(NameDoor(row["door"], ip_address(row["address"]), tuple(row["tables"]), servers, **flags))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{argument!r} is neither a table nor a door") from error
    return tuple(tables), tuple(doors)


def _all(texts: Iterable[str]) -> tuple[IPAddress, ...]:
    return tuple(ip_address(text) for text in texts)
