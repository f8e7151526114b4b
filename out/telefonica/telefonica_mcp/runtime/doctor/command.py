"""The verb `doctor`. Exit code: 0 where nothing is in the way, 1 where something is, 2 for wrong usage."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from urllib.request import getproxies

from ...errors import ApiError, NotConfigured
from ..oauth import Tokens
from ..serving import environment
from ..settings import Settings
from ..transport import open_http
from . import calls, configuration, installation, issuers, network, subject
from .findings import Finding, Report, problem
from .subject import Subject


def main(argv: Sequence[str], program: str, version: str) -> int:
    """Look at everything, tell what was found; the exit code."""
    args = _parser(program).parse_args(argv)
    logging.disable(logging.CRITICAL)  # what a library would say is found and told here
    known = subject.load()
    try:
        environ = environment(args.env_file)
    except NotConfigured:
        environ = dict(os.environ)  # what is wrong with the file is told below
    proxies = getproxies()
    report = Report(program, version, args.json, configuration.secrets(known, environ, proxies))
    try:
        asyncio.run(_examine(report, known, environ, args))
    except KeyboardInterrupt:
        return 130
    return report.finish()


async def _examine(report: Report, known: Subject, environ: Mapping[str, str], args: argparse.Namespace) -> None:
    report.tell("Installation", installation.installed(report.program))
    found = configuration.settings(known, environ)
    report.tell("Settings", [*configuration.env_file(args.env_file, known), *configuration.told(found, environ)])
    bad = frozenset(name for name, findings in found.items() if any(one.level == "problem" for one in findings))
    http, settings = open_http(), Settings(environ)
    try:
        report.tell("Callers over HTTP", [*configuration.callers(environ), *await issuers.asked(http, environ)])
        usable = [gateway for gateway in known.gateways if bad.isdisjoint(gateway.variables)]
        reaching = [network.reach(http, one.name, settings.url(one.base_url)) for one in usable]
        reached = await asyncio.gather(*reaching)
        report.tell("Network", [*configuration.proxies(getproxies()), *dict.fromkeys(chain.from_iterable(reached))])
        lost = {one.name for one, told in zip(usable, reached, strict=True) if told[0].level == "problem"}
        if not args.no_calls:
            held = Tokens(http, settings)
            issued = await calls.tokens(known, held, bad)
            await held.aclose()
            if issued:
                report.tell("Tokens", issued)
    finally:
        await http.aclose()
    report.tell("Server", await _served(known, environ, bad, lost, calling=not args.no_calls))


async def _served(
    known: Subject, environ: Mapping[str, str], bad: frozenset[str], lost: set[str], *, calling: bool
) -> list[Finding]:
    try:
        async with calls.started(environ) as (session, client):
            found = [await calls.listed(client)]
            if calling:
                for gateway in known.gateways:
                    if gateway.name not in lost:
                        found += await calls.called(session, gateway, bad)
            return found
    except ApiError as error:
        return [problem(error.message, error.hint)]


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program} doctor",
        description="Look at the installation, the settings, the network and the credentials, and say what to do. "
        "APIs are called with the catalog's examples, and only those that read.",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--no-calls", action="store_true", help="call no API, and fetch no token")
    parser.add_argument("--env-file", type=Path, help="settings; default: .env in the current folder, if it exists")
    return parser
