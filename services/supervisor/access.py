"""Who may do what in Consul: ACL tokens for the members of the mesh, intentions between them.

Everything here can be repeated: it reads what is there and changes only what differs.
"""

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from services.supervisor.consul_api import ConsulApi, ConsulError
from services.supervisor.paths import ROOT, StatePaths

_POLICIES = ROOT / "consul" / "policies"
_FORBIDDEN = 403
_RESET_INDEX = re.compile(r"reset index: (\d+)")
MANAGEMENT = "management"
AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Access:
    """What the mesh wants of Consul.

    Attributes:
        members: every name that gets a token.
        calls: pairs of caller and callee that are allowed.
    """

    members: frozenset[str]
    calls: frozenset[tuple[str, str]]


async def establish(api: ConsulApi, access: Access, paths: StatePaths) -> None:
    """Bootstraps the ACL system if need be, then brings policies, tokens and intentions in line.

    Raises:
        ConsulError: Consul does not answer or refuses.
    """
    await _bootstrap(api, paths)
    # Consistent: a Consul that was killed first answers from a state that it has read back in part, and
    # what is there would be made a second time. Once this is answered, the whole state is there.
    policies = {policy["Name"]: policy for policy in await api.call("GET", "acl/policies?consistent")}
    wanted = {_policy_name(member): _rules(member) for member in (*access.members, AGENT)}
    await asyncio.gather(*(_put_policy(api, name, rules, policies) for name, rules in wanted.items()))
    await asyncio.gather(*(_put_token(api, member, paths) for member in (*access.members, AGENT)))
    agent_token = paths.token_of(AGENT).read_text(encoding="utf-8").strip()
    await api.call("PUT", "agent/token/agent", {"Token": agent_token})
    await _put_intentions(api, access.calls)


async def _bootstrap(api: ConsulApi, paths: StatePaths) -> None:
    file = paths.token_of(MANAGEMENT)
    if file.exists():
        return
    try:
        answer = await api.call("PUT", "acl/bootstrap", token="")
    except ConsulError as error:
        # A supervisor that died between Consul's answer and the file below lost the token for good.
        # Consul's documented way out is to write the index it names into its data folder.
        found = _RESET_INDEX.search(str(error))
        if error.status != _FORBIDDEN or found is None:
            raise
        (paths.consul / "data" / "acl-bootstrap-reset").write_text(found.group(1), encoding="ascii")
        answer = await api.call("PUT", "acl/bootstrap", token="")
    write_secret(file, answer["SecretID"])


def write_secret(path: Path, secret: str) -> None:
    """Writes a secret so that only its owner can read it, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret)
    fresh.replace(path)


def _policy_name(member: str) -> str:
    return f"trademesh-{member}"


def _rules(member: str) -> str:
    named = _POLICIES / f"{member}.hcl"
    template = named if named.exists() else _POLICIES / "service.hcl"
    return Template(template.read_text(encoding="utf-8")).substitute(service=member)


async def _put_policy(api: ConsulApi, name: str, rules: str, present: dict[str, Any]) -> None:
    body = {"Name": name, "Rules": rules}
    if name not in present:
        await api.call("PUT", "acl/policy", body)
        return
    identifier = present[name]["ID"]
    current = await api.call("GET", f"acl/policy/{identifier}")
    if current["Rules"] != rules:
        await api.call("PUT", f"acl/policy/{identifier}", body | {"ID": identifier})


async def _put_token(api: ConsulApi, member: str, paths: StatePaths) -> None:
    file = paths.token_of(member)
    if file.exists():
        try:
            await api.call("GET", "acl/token/self", token=file.read_text(encoding="utf-8").strip())
        except ConsulError as error:
            if error.status != _FORBIDDEN:
                raise
        else:
            return
    body = {"Description": f"trademesh {member}", "Policies": [{"Name": _policy_name(member)}]}
    answer = await api.call("PUT", "acl/token", body)
    write_secret(file, answer["SecretID"])


async def _put_intentions(api: ConsulApi, calls: Iterable[tuple[str, str]]) -> None:
    wanted = set(calls)
    for intention in await api.call("GET", "connect/intentions") or []:
        pair = (intention["SourceName"], intention["DestinationName"])
        if pair in wanted and intention["Action"] == "allow":
            wanted.discard(pair)
        else:
            await api.call("DELETE", f"connect/intentions/{intention['ID']}")
    bodies = [
        {"SourceName": source, "DestinationName": destination, "SourceType": "consul", "Action": "allow"}
        for source, destination in sorted(wanted)
    ]
    await asyncio.gather(*(api.call("POST", "connect/intentions", body) for body in bodies))
