"""Limits that hold for all processes on a database together: API calls by gateway, and starts of runs."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.queues import Rate
from mcp_codegen.orchestrator.durable.tables import insertion, limits, now_ms
from mcp_codegen.orchestrator.errors import UserError, shown

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
AHEAD_SECONDS = 1.0
"""How far ahead a process takes turns: what it leaves unused when it dies is lost to the others."""

_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)/(s|min|h)")


def rate(text: str, option: str) -> Rate:
    """`20/s`, `0.5/s`, `100/min`, `1000/h`. Raises UserError."""
    found = _RATE.fullmatch(text.strip())
    count = float(found[1]) if found else 0.0
    if found is None or count <= 0:
        raise UserError(f"{option} {shown(text)} is no rate", hint="write it as 20/s, 100/min or 1000/h")
    seconds = SECONDS[found[2]]
    return Rate(int(count), seconds) if count.is_integer() else Rate(1, seconds / count)


def by_gateway(words: Sequence[str], client: type[Any]) -> Mapping[str, Rate]:
    """The limits of a client's gateways: `20/s` of each, `billing=20/s` of one. Raises UserError."""
    gateways: tuple[str, ...] = getattr(client, "gateways", ())
    if words and not (gateways and hasattr(client, "paced")):
        raise UserError(
            f"--rate-limit: the client {client.__name__} does not tell its gateways",
            hint="generate it anew: `mcp-codegen generate CATALOG`",
        )
    known = {gateway.lower().replace("_", "-"): gateway for gateway in gateways}
    common: dict[str, Rate] = {}
    named: dict[str, Rate] = {}
    for word in words:
        name, equals, text = word.rpartition("=")
        if not equals:
            common = dict.fromkeys(gateways, rate(text, "--rate-limit"))
            continue
        gateway = known.get(name.lower().replace("_", "-"))
        if gateway is None:
            near = difflib.get_close_matches(name.lower(), sorted(known), n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise UserError(
                f"--rate-limit: there is no gateway {shown(name)}{meant}", hint=f"there are: {', '.join(sorted(known))}"
            )
        named[gateway] = rate(text, "--rate-limit")
    return common | named


def paced(client: Any, rates: Mapping[str, Rate], database: sa.Engine, *, mock: bool) -> Any:  # noqa: ANN401 - a client
    """The client, whose calls wait for their turn."""
    if not rates:
        return client
    room = f"{'mock' if mock else 'calls'}:{client.package}"
    turns = {gateway: Turns(database, f"{room}:{gateway}", rate) for gateway, rate in rates.items()}

    async def wait(gateway: str) -> None:
        if gateway in turns:
            await turns[gateway].take()

    return client.paced(wait)


class Turns:
    """Gives turns, evenly spaced over all processes that take them from the same name of a database."""

    def __init__(self, database: sa.Engine, name: str, rate: Rate) -> None:
        self._database = database
        self._name = name
        self._space = rate.seconds / rate.count
        self._waiting: list[asyncio.Future[None]] = []
        self._serving: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Wait for the next turn; in the order of asking."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        await turn

    async def _serve(self) -> None:
        """One at a time asks the database, for all who wait by then."""
        while self._waiting:
            several = max(1, int(AHEAD_SECONDS / self._space))
            asked, self._waiting = self._waiting[:several], self._waiting[several:]
            try:
                wait = await asyncio.to_thread(reserve, self._database, self._name, len(asked), self._space)
            except Exception as error:  # the database's; each who waits is told
                for turn in asked:
                    _end(turn, error)
                continue
            for turn in asked:
                await asyncio.sleep(wait)
                _end(turn)
                wait = self._space


def _end(turn: asyncio.Future[None], error: Exception | None = None) -> None:
    if turn.done():  # whoever waited has been cancelled
        return
    if error is None:
        turn.set_result(None)
    else:
        turn.set_exception(error)


def reserve(database: sa.Engine, name: str, count: int, space: float) -> float:
    """Reserve the next turns, so many seconds apart, and give the seconds until the first."""
    length, moment = count * space * 1000, now_ms(database)
    insert = insertion(database, limits).values(name=name, free_ms=moment + length)
    later = sa.case((limits.c.free_ms > moment, limits.c.free_ms), else_=moment)
    taken = insert.on_conflict_do_update(index_elements=["name"], set_={"free_ms": later + length})
    with database.begin() as connection:
        wait_ms = connection.execute(taken.returning(limits.c.free_ms - length - moment)).scalar_one()
    return max(0.0, float(wait_ms) / 1000)
