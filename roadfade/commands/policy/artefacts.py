"""``roadfade policy topics | acls | ttls | asyncapi | contracts``: what is made from the plan."""

from enum import StrEnum
from typing import Annotated

import typer

from policy.artefacts.acls import acls
from policy.artefacts.asyncapi import asyncapi
from policy.artefacts.kafka_users import kafka_users
from policy.artefacts.odcs import contracts
from policy.artefacts.topics import topic_configs
from policy.artefacts.ttls import sink_ttls
from roadfade.commands.policy.choice import policy_or_exit
from roadfade.terminal.answers import print_json, usage
from roadfade.terminal.arguments import AsJson, PolicyPath

Prefix = Annotated[str, typer.Option(help="Prefix of every topic and group.")]


def topics(*, policy: PolicyPath = None, as_json: AsJson = False) -> None:
    """Every topic with the settings its promise rests on."""
    plan = policy_or_exit(policy).plan
    configs = topic_configs(plan)
    if as_json:
        print_json({"topics": {name: dict(config) for name, config in configs.items()}})
        return
    for name, config in configs.items():
        typer.echo(name)
        for key, value in config.items():
            typer.echo(f"  {key}={value}")


class RightsForm(StrEnum):
    """What reads the rights."""

    COMMANDS = "commands"
    STRIMZI = "strimzi"


def acls_command(
    *,
    form: Annotated[
        RightsForm,
        typer.Option(
            "--format",
            help="commands: arguments of Kafka's kafka-acls, one right a line. strimzi: a List of "
            "KafkaUser resources for Strimzi 1.0, as JSON, which kubectl takes as it takes YAML; "
            "underscores in names become hyphens there, so topics apply --acls is not for it.",
        ),
    ] = RightsForm.COMMANDS,
    cluster: Annotated[
        str, typer.Option("--kafka-name", help="With strimzi: the name of the Kafka resource.")
    ] = "kafka",
    prefix: Prefix = "",
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """Who may read and write what."""
    plan = policy_or_exit(policy).plan
    found = acls(plan, prefix)
    if form is RightsForm.STRIMZI:
        users = kafka_users(found, cluster)
        print_json({"apiVersion": "v1", "kind": "List", "items": users})
        return
    if as_json:
        rows = [
            {"principal": one.principal, "operation": one.operation, one.resource: one.name}
            for one in found
        ]
        print_json({"acls": rows})
        return
    for one in found:
        typer.echo(one.arguments)


def ttls(*, policy: PolicyPath = None, as_json: AsJson = False) -> None:
    """How long a store may keep each retention class."""
    plan = policy_or_exit(policy).plan
    rows = sink_ttls(plan)
    if as_json:
        print_json({"ttls": rows})
        return
    for row in rows:
        typer.echo(f"{row['topic']} {row['lane']}: {row['at_most']}, dated by the {row['grain']}")


def asyncapi_command(*, policy: PolicyPath = None, as_json: AsJson = False) -> None:
    """The topics as an AsyncAPI 3.0 document (JSON either way)."""
    del as_json
    print_json(asyncapi(policy_or_exit(policy).plan))


def contracts_command(
    *,
    output: Annotated[str | None, typer.Option(help="Only this output's contract.")] = None,
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """One ODCS 3.1 data contract per output (JSON either way)."""
    del as_json
    made = contracts(policy_or_exit(policy))
    if output is None:
        print_json(made)
    elif output in made:
        print_json(made[output])
    else:
        usage(f"no output {output!r}; the policy has: {', '.join(made)}")
