"""What a local run shows: live counts by output and reason, then the sum of it all."""

import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bus.client.positions import Positions
from policy.plan.plan import Plan
from roadfade.demo.fleet import Outlet
from roadfade.demo.process_group import ProcessGroup
from roadfade.in_force.broker import connection_of
from roadfade.ledger_file import LedgerFile
from roadfade.local.prometheus import LocalPrometheus
from roadfade.processes.sweep.once import deletion_now
from roadfade.processes.sweep.steps import sweep_once
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from roadfade.stores import store_of
from roadfade.unaccounted import ExpiredAccount
from telemetry.topics import AUDIT_FLOW, LEDGER_GROUP, RAW, SINK_GROUP, WORKER_GROUP
from telemetry.wire import flow
from telemetry.wire.flow import Ledger

DRAIN_S_MAX = 90.0


class LiveView:
    """Reads the ledger and group positions of one run."""

    def __init__(
        self, console: Console, settings: Settings, plan: Plan, stage: ProcessGroup
    ) -> None:
        self._console = console
        self._settings = settings
        self._plan = plan
        self._stage = stage
        self._ledger = LedgerFile(settings.ledger_path)
        self.awaited = "worker"
        """Who has to catch up next, for those who wait for ``drain``."""

    async def show(self, raw: Outlet) -> None:
        """Redraw every second until cancelled; NotReady if a process has ended."""
        self._console.print(self._where())
        live = Live(console=self._console, auto_refresh=False, transient=True)
        quiet = not self._console.is_terminal
        if not quiet:
            live.start()
        try:
            while True:
                self._stage.check()
                ledger = await asyncio.to_thread(self._ledger.read)
                expired = await asyncio.to_thread(self._ledger.expired)
                if quiet:
                    self._console.print(_line(raw, ledger, expired), highlight=False)
                else:
                    live.update(_tables(raw, ledger, expired), refresh=True)
                await asyncio.sleep(10 if quiet else 1)
        finally:
            live.stop()

    def _where(self) -> Text:
        metrics = ", ".join(
            f"{role} http://{page}/metrics" for role, page in self._stage.metrics_pages().items()
        )
        watcher = self._stage.prometheus
        prometheus = watcher.url if isinstance(watcher, LocalPrometheus) else watcher
        lines = [
            f"broker      {self._settings.kafka_bootstrap_servers}",
            f"raw topic   {self._settings.topic_prefix}{RAW}",
            f"outputs     {', '.join(output.topic for output in self._plan.outputs)}",
            f"lake        {self._settings.lake_dir}",
            f"logs        {self._stage.logs}",
            f"metrics     {metrics}",
            f"prometheus  {prometheus}",
            f"join in     source {self._stage.environment_file}",
        ]
        return Text("\n".join(lines))

    async def drain(self) -> dict[str, Any]:
        """Wait until everything published is processed, kept and counted; then the sum."""
        topics = [output.topic for output in self._plan.outputs]
        async with Positions(connection_of(self._settings)) as positions:
            self.awaited = "worker"
            await self._caught_up(positions, WORKER_GROUP, [RAW])
            self.awaited = "ledger"
            await self._caught_up(positions, LEDGER_GROUP, [AUDIT_FLOW])
            self.awaited = "sink"
            await self._caught_up(positions, SINK_GROUP, topics)
        self.awaited = "a last sweep"
        await asyncio.to_thread(self._sweep)
        ledger = await asyncio.to_thread(self._ledger.read)
        expired = await asyncio.to_thread(self._ledger.expired)
        return summary_of(ledger, expired)

    def _sweep(self) -> None:
        store = store_of(self._settings)
        _, now_ms = deletion_now(self._settings, connection_of(self._settings), store)
        sweep_once(store, ExpiredAccount(self._settings.ledger_path), now_ms)

    async def _caught_up(self, positions: Positions, group: str, topics: list[str]) -> None:
        partitions = dict.fromkeys(topics, self._settings.partitions)
        try:
            async with asyncio.timeout(DRAIN_S_MAX):
                while any(lag.records for lag in (await positions.lag(group, partitions)).values()):
                    self._stage.check()
                    await asyncio.sleep(0.25)
        except TimeoutError:
            msg = f"{group} did not catch up within {DRAIN_S_MAX:g} s: see {self._stage.logs}"
            raise NotReady(msg) from None

    def farewell(self, body: dict[str, Any], path: Path | None) -> None:
        """Print the sum."""
        ledger = Ledger(
            {
                name: flow.OutputFlow(row["in"], row["delivered"], row["withheld"])
                for name, row in body["ledger"].items()
            },
            body["rejected"],
        )
        self._console.print(_flow_table(ledger))
        self._console.print(_rejected_table(ledger, body["expired"]))
        if path is not None:
            self._console.print(f"summary written to {path}")
        self._console.print(
            Text(
                "everything has stopped; logs, lake and ledger of this run are in "
                f"{self._settings.state_dir} until the next one. `roadfade run` starts anew; "
                "docs/operators.md says how to start on a broker of yours"
            ),
            soft_wrap=True,
        )


def summary_of(ledger: Ledger, expired: dict[str, int]) -> dict[str, Any]:
    """The summary's JSON: rows per output, rejections by reason, expired lake rows."""
    rows = {
        output: {"in": row.entered, "delivered": row.delivered, "withheld": row.withheld}
        for output, row in sorted(ledger.outputs.items())
    }
    return {"ledger": rows, "rejected": ledger.rejected, "expired": sum(expired.values())}


def _line(raw: Outlet, ledger: Ledger, expired: dict[str, int]) -> str:
    delivered = sum(row.delivered for row in ledger.outputs.values())
    withheld = sum(sum(row.withheld.values()) for row in ledger.outputs.values())
    return (
        f"published {raw.readings:,} readings in {raw.envelopes:,} envelopes; over all outputs "
        f"delivered {delivered:,}, withheld {withheld:,}, "
        f"rejected {sum(ledger.rejected.values()):,}, expired {sum(expired.values()):,}"
    )


def _tables(raw: Outlet, ledger: Ledger, expired: dict[str, int]) -> Group:
    return Group(
        Text(_line(raw, ledger, expired)),
        _flow_table(ledger),
        _rejected_table(ledger, sum(expired.values())),
    )


def _flow_table(ledger: Ledger) -> Table:
    table = Table(title="readings by output", title_justify="left")
    table.add_column("output")
    table.add_column("in", justify="right")
    table.add_column("delivered", justify="right", style="green")
    table.add_column("withheld, by first reason", style="yellow")
    for output, row in sorted(ledger.outputs.items()):
        reasons = sorted(row.withheld.items(), key=lambda item: -item[1])
        listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
        table.add_row(output, f"{row.entered:,}", f"{row.delivered:,}", listed)
    return table


def _rejected_table(ledger: Ledger, expired: int) -> Text:
    listed = ", ".join(f"{reason} {count:,}" for reason, count in sorted(ledger.rejected.items()))
    return Text(f"rejected: {listed or 'nothing'}\nexpired from the lake: {expired:,} readings")
