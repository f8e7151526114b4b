"""Text that looks like what it stands for: by its format, else by the words of its name."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from mcp_codegen.standin.draw import Draw

Writer = Callable[[Draw], str]

REFERENCE: Final = datetime(2025, 12, 1, 12, tzinfo=UTC)
"""Dates lie within half a year of this one: today's would make every day's answers other ones."""
HALF_A_YEAR: Final = 182
DESCRIPTION_WORDS: Final = 3
"""A description says in its first words what a value is; after them it speaks of other things too."""

SURNAMES: Final = (
    "GONZALEZ", "MUÑOZ", "ROJAS", "DIAZ", "PEREZ", "SOTO", "CONTRERAS", "SILVA", "MARTINEZ", "SEPULVEDA", "MORALES",
    "RODRIGUEZ", "LOPEZ", "FUENTES", "TORRES", "ARAYA", "FLORES", "ESPINOZA", "VALENZUELA", "CASTILLO", "RAMIREZ",
    "REYES", "GUTIERREZ", "CASTRO", "VARGAS", "ALVAREZ", "VASQUEZ", "TAPIA", "FERNANDEZ", "SANCHEZ", "CARRASCO",
    "GOMEZ", "CORTES", "HERRERA", "NUÑEZ", "JARA", "VERGARA", "RIVERA", "FIGUEROA", "RIQUELME", "GARCIA", "MIRANDA",
    "BRAVO", "VERA",
)  # fmt: skip
GIVEN_NAMES: Final = (
    "MARIA", "JOSE", "ALEJANDRO", "CAROLINA", "MIGUEL", "DANIELA", "CARLOS", "CAMILA", "FRANCISCO", "ANDREA",
    "SEBASTIAN", "VALENTINA", "RODRIGO", "JAVIERA", "CRISTIAN", "PAULA", "MANUEL", "FERNANDA", "LUIS", "CATALINA",
    "PABLO", "CONSTANZA", "JORGE", "ISIDORA", "MATIAS", "SOFIA", "DIEGO", "MARTINA", "RICARDO", "ANTONIA", "FELIPE",
    "GABRIELA", "IGNACIO", "CLAUDIA", "HECTOR", "LORENA", "EDUARDO", "BEATRIZ", "NICOLAS", "ELENA",
)  # fmt: skip
CITIES: Final = ("Santiago", "Valparaíso", "Concepción", "Temuco", "Antofagasta", "Rancagua", "Arica", "Valdivia")
STREETS: Final = ("LOS ALAMOS", "LAS ROSAS", "EL ROBLE", "SAN MARTIN", "LA MARINA", "DEL PARQUE", "BELLAVISTA")
_HEX: Final = "0123456789abcdef"


def _name(draw: Draw) -> str:
    return " ".join(draw.one_of(words) for words in (SURNAMES, SURNAMES, GIVEN_NAMES, GIVEN_NAMES))


def _email(draw: Draw) -> str:
    return f"{_plain(draw.one_of(GIVEN_NAMES))}.{_plain(draw.one_of(SURNAMES))}{draw.below(1000)}@example.com"


def _url(draw: Draw) -> str:
    return f"https://www.example.com/{_hex(draw, 16)}"


def _hex(draw: Draw, length: int) -> str:
    return "".join(draw.one_of(_HEX) for _ in range(length))


def _moment(draw: Draw) -> datetime:
    days = timedelta(days=draw.between(-HALF_A_YEAR, HALF_A_YEAR))
    return REFERENCE + days + timedelta(seconds=draw.between(-21_600, 21_600))


def _date(draw: Draw) -> str:
    return _moment(draw).date().isoformat()


def _date_time(draw: Draw) -> str:
    return _moment(draw).strftime("%Y-%m-%dT%H:%M:%SZ")


def _uuid(draw: Draw) -> str:
    text = _hex(draw, 32)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{draw.one_of('89ab')}{text[17:20]}-{text[20:]}"


def _base64(draw: Draw) -> str:
    return base64.b64encode(_hex(draw, 16).encode()).decode()


def _ip_address(draw: Draw) -> str:
    return f"192.0.2.{draw.between(1, 254)}"  # RFC 5737: for documentation, nobody's


FORMATS: Final[Mapping[str, Writer]] = {
    "date": _date,
    "date-time": _date_time,
    "datetime": _date_time,
    "time": lambda draw: _moment(draw).strftime("%H:%M:%SZ"),
    "duration": lambda draw: f"PT{draw.between(1, 600)}M",
    "uuid": _uuid,
    "email": _email,
    "idn-email": _email,
    "uri": _url,
    "uri-reference": _url,
    "iri": _url,
    "iri-reference": _url,
    "url": _url,
    "uri-template": lambda draw: f"{_url(draw)}/{{id}}",
    "hostname": lambda draw: f"host-{draw.below(10_000)}.example.com",
    "idn-hostname": lambda draw: f"host-{draw.below(10_000)}.example.com",
    "ipv4": _ip_address,
    "ipv6": lambda draw: f"2001:db8::{draw.between(1, 0xFFFF):x}",  # RFC 3849
    "byte": _base64,
    "base64": _base64,
    "json-pointer": lambda draw: f"/{draw.below(100)}",
    "relative-json-pointer": lambda draw: f"{draw.below(10)}",
    "regex": lambda draw: f"^[a-z]{{{draw.between(1, 9)}}}$",
}

_BY_WORD: Final[tuple[tuple[str, Writer], ...]] = (
    ("email correo mail", _email),
    ("url uri link enlace href website", _url),
    ("name nombre nombres fullname", _name),
    ("rut", lambda draw: draw.digits(9)),
    ("phone telefono fono movil mobile msisdn msisidn celular", lambda draw: f"569{draw.digits(8)}"),
    ("city ciudad comuna town", lambda draw: draw.one_of(CITIES)),
    ("street calle address direccion", lambda draw: f"{draw.one_of(STREETS)} {draw.between(1, 9999)}"),
    ("country pais", lambda _: "CL"),
    ("currency moneda", lambda _: "CLP"),
    ("uuid guid", _uuid),
    ("timestamp datetime", _date_time),
    ("date fecha day dia", _date),
    ("hash checksum digest token", lambda draw: _hex(draw, 32)),
    ("number numero no nro code codigo id identifier identificador folio", lambda draw: draw.digits(9)),
    ("year ano", lambda draw: str(draw.between(2020, 2026))),
)
_WRITERS: Final = {word: writer for words, writer in _BY_WORD for word in words.split()}


def by_format(name: str) -> Writer | None:
    """How text of a format of JSON Schema is written; None for a format that is not known here."""
    return FORMATS.get(name)


@lru_cache(maxsize=4096)
def by_name(name: str, description: str) -> Writer | None:
    """How text is written whose name or description begins to say what it is; None where they do not."""
    said = (*reversed(words(name)), *words(description[:80])[:DESCRIPTION_WORDS])
    return next((_WRITERS[word] for word in said if word in _WRITERS), None)


def otherwise(name: str, draw: Draw) -> str:
    """Text of which nothing is known: its name, and a number that tells it from others."""
    return f"{' '.join(words(name)) or 'text'} {draw.below(100_000)}"


def words(text: str) -> list[str]:
    """The words of a name or of prose, in lower case, without accents."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text))
    return re.findall(r"[a-z]+|[0-9]+", _plain(apart))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
