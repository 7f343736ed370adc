"""The small document with every field of the language in use."""

from collections.abc import Mapping
from typing import Final

from msgspec import structs

from telemetry.signals import Catalogue
from tests.support.documents import CATALOGUE as SMALL
from tests.support.documents import FILES

KEEP: Final = "because: {ja: 例, en: an example}}"
POLICY: Final = """\
profiles: {jp-appi-2022: true}
joint_use:
  items: [vehicle_class]
  purposes: [desk]
  users:
    - {recipient: group, since: 2026-09-30, address: {ja: 大阪, en: O}, representative: {ja: 丁, en: S}}
  manager: {name: {ja: 甲, en: N}, address: {ja: 東京, en: A}, representative: {ja: 乙, en: R}}
  notice: desk@1
  cites: [APPI-27]
public_information:
  requests:
    where: {ja: 窓口, en: the desk}
    form: {ja: 請求書, en: a form}
    identity: {ja: 番号, en: a number}
    agent: {ja: 委任状, en: a power}
    fee: {ja: 無料, en: none}
    answer: {ja: 十四日, en: fourteen days}
    cites: [C1-04]
  security:
    rules: {ja: 規律, en: rules}
    organisation: {ja: 組織, en: an officer}
    people: {ja: 研修, en: training}
    premises: {ja: 部屋, en: rooms}
    abroad: {ja: 国内, en: at home}
    cites: [C1-05]
  complaints: {desk: {ja: 窓口, en: the desk}, organisation: {ja: 団体, en: a body}, cites: [C1-04]}
combine:
  - {purposes: [study, desk], because: one session shows both, cites: [C1-04]}
forbids:
  - {to: [third_party], category: [C10], when: {role: [minor, unknown]}, except: [desk], because: children, cites: [C1-03]}
  - {to: [lab], signal: [Vehicle.OBD.FuelLevel], because: not its own, cites: [C1-03]}
  - {join: [C10], because: never beside faults, cites: [C1-03]}
"""
PROFILE: Final = """\
    until: 2030-01-01
    forbids:
      - {category: [C10], to: [authority], because: the law, cites: [APPI-27]}
"""
DESK: Final = f"""\
purpose: desk
part_of: study
title: {{ja: 窓口, en: Desk}}
dpv: dpv:ServiceProvision
seed: 第2(9)
gdpr: 6(1)(b)
delivery: {{mode: on_request, needs: case}}
basis: {{kind: explicit, notice: desk@1}}
identity: {{form: named}}
recipients:
  - {{id: clerk, class: internal, who: {{ja: 担当, en: the clerk}}, countries: [JP]}}
  - {{id: group, class: joint_user, who: {{ja: 会社, en: the group}}, countries: [JP], until: 2028-01-01}}
cells:
  C06:
    keep: {{at_most: 30 days, from: opt_out, cap: 400 days, review_on: 2028-10-01, {KEEP}
    cites: [C2-08]
  C11:
    - to: [clerk]
      only: [Vehicle.OBD.FuelLevel]
      precision: P0
      keep: {{at_most: 30 days, at_least: 20 days, from: reading, {KEEP}
      cites: [C2-08]
    - to: [clerk]
      delivery: {{mode: aggregate, at_least: 20, window: 1 month}}
      precision: P2
      keep: {{at_most: 30 days, from: ingest, grain: hour, {KEEP}
      cites: [C2-08]
"""
LAB: Final = f"""\
purpose: lab
title: {{ja: 実験, en: Lab}}
dpv: dpv:ServiceProvision
seed: 第2(9)
suspended: false
delivery: {{mode: stream, release: 1 h}}
basis: {{kind: published, notice: study@1}}
identity: {{form: pseudonym, of: link, epoch: 1 day}}
recipients:
  - {{id: lab, class: processor, who: {{ja: 実験室, en: the laboratory}}, countries: [US],
     transfer: {{route: equivalent, because: the same level of protection}}}}
cells:
  C09:
    precision: P3
    do: {{Vehicle.Speed: [thin 10 s, round 5]}}
    until: 2029-01-01
    keep: {{at_most: 30 days, at_least: 6 days, from: reading, {KEEP}
    unlinkable: {{linked_percent: 0.5, measured: 2026-09-01, how: an attack on recordings}}
    cites: [C2-08]
forbids:
  - {{category: [C07], because: none of it, cites: [C1-03]}}
transport: {{topic_at_most: 2 days, because: read daily, cites: [C1-04]}}
approvals:
  - {{change: C09 30 days (was 20), decision: applies_to_new_data, by: privacy_officer, on: 2026-09-20}}
"""


ENGINE: Final = "Vehicle.OBD.EngineSpeed"
CATALOGUE: Final = Catalogue(
    "test", {**SMALL.by_path, ENGINE: structs.replace(SMALL[ENGINE], obd="RPM")}
)


def _rich() -> dict[str, str]:
    files = {name: text for name, text in FILES.items() if not name.startswith("cases/")}
    head = files["policy.yaml"].replace("forbids: []\n", "")
    files["policy.yaml"] = head + POLICY
    files["profiles.yaml"] += PROFILE
    files["categories.yaml"] = (
        files["categories.yaml"]
        .replace(
            "signals: [Vehicle.OBD.DTCList]", "signals: [Vehicle.OBD.DTCList], frames: [can0 0x7E8]"
        )
        .replace(
            "signals: [Vehicle.Speed]",
            "signals: [Vehicle.Speed], pids: [RPM], position_like: [Vehicle.Speed]",
        )
    )
    files["categories.yaml"] = files["categories.yaml"].replace(
        "signals: [Vehicle.OBD.**]",
        "signals: [Vehicle.OBD.**], facts: {tyre: {ja: タイヤ, en: tyre}}",
    )
    files["purposes/study.yaml"] = files["purposes/study.yaml"].replace(
        "    precision: P2\n", "    precision: P2\n    on_withdrawal: erase\n"
    )
    files["precision.yaml"] = files["precision.yaml"].replace(
        "  P5: {space: prefecture, time: 31 days}\n", ""
    )
    files["purposes/desk.yaml"] = DESK
    files["purposes/lab.yaml"] = LAB
    files["notices/desk@1.yaml"] = (
        "notice: desk@1\neffective: 2026-09-01\ntext: {ja: 窓口, en: the desk}\n"
    )
    return files


RICH: Final[Mapping[str, str]] = _rich()
