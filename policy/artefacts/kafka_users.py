"""From rights to Strimzi's users: one ``KafkaUser`` for each principal, with its rights.

For an operator that makes users and rights itself: leave ``topics apply --acls`` out there.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from policy.artefacts.acls import Acl

API_VERSION: Final = "kafka.strimzi.io/v1"


def user_name(principal: str) -> str:
    """A principal as Kubernetes allows it for a name: without underscores."""
    return principal.replace("_", "-")


def kafka_users(rights: Iterable[Acl], cluster: str) -> list[dict[str, Any]]:
    """The resources, one a principal; ValueError if two principals would have one name."""
    by_principal: defaultdict[str, list[Acl]] = defaultdict(list)
    for right in rights:
        by_principal[right.principal].append(right)
    if len({user_name(one) for one in by_principal}) < len(by_principal):
        msg = "two principals have the same name once their underscores are hyphens"
        raise ValueError(msg)
    return [_user(principal, found, cluster) for principal, found in by_principal.items()]


def _user(principal: str, rights: Iterable[Acl], cluster: str) -> dict[str, Any]:
    operations: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for right in rights:
        operations[right.resource, right.name].append(right.operation)
    return {
        "apiVersion": API_VERSION,
        "kind": "KafkaUser",
        "metadata": {
            "name": user_name(principal),
            "labels": {"strimzi.io/cluster": cluster},
        },
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {
                "type": "simple",
                "acls": [
                    {"resource": _resource(kind, name), "operations": found}
                    for (kind, name), found in operations.items()
                ],
            },
        },
    }


def _resource(kind: str, name: str) -> dict[str, str]:
    # There is one cluster, and Strimzi gives it no name.
    if kind == "cluster":
        return {"type": kind}
    return {"type": kind, "name": name, "patternType": "literal"}
