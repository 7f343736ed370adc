"""Everything that is made from a policy, as texts by file name: what docs/generated holds."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from pages.notice.page import notice_page
from pages.processing_record import processing_record, record_page
from pages.purpose_page import purpose_page
from policy.artefacts.acls import acls
from policy.artefacts.asyncapi import asyncapi
from policy.artefacts.odcs import contracts
from policy.artefacts.topics import topic_configs
from policy.artefacts.ttls import sink_ttls
from policy.compiled import CompiledPolicy
from policy.vocabulary.bilingual import Language


def artefacts(policy: CompiledPolicy) -> Mapping[str, str]:
    """The same policy gives the same texts."""
    plan = policy.plan
    made = {
        "acls.txt": "".join(f"{acl.arguments}\n" for acl in acls(plan)),
        "asyncapi.json": _json(asyncapi(plan)),
        "record.json": _json(processing_record(policy)),
        "topics.json": _json({name: dict(config) for name, config in topic_configs(plan).items()}),
        "ttls.json": _json(sink_ttls(plan)),
    }
    for output, contract in contracts(policy).items():
        made[f"contracts/{output}.json"] = _json(contract)
    languages: tuple[Language, ...] = get_args(Language)
    for language in languages:
        made[f"notice.{language}.html"] = notice_page(policy, language)
        made[f"record.{language}.html"] = record_page(policy, language)
        for purpose in policy.document.pages:
            made[f"purposes/{purpose}.{language}.html"] = purpose_page(policy, purpose, language)
    return made


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
