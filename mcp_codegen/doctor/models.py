"""The settings of language models, which only write descriptions at build time. No value is ever told."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from mcp_codegen.doctor.findings import Finding

ENDPOINT: Final = "AZURE_OPENAI_ENDPOINT"
KEYS: Final = ("AZURE_OPENAI_API_KEY", "OPENAI_API_KEY")
SHAPE: Final = "It should look like https://NAME.openai.azure.com."
_PLACEHOLDER = re.compile(r"your[-_ ].*|<.*>|\$?\{.*\}|change[-_ ]?me|to[-_ ]?do|x{3,}|\.{3,}|sk-\.*", re.IGNORECASE)
_PORTALS: Final = re.compile(r"(?:portal|ai|oai)\.azure\.com|(?:.+\.)?(?:developer|portal)\.azure-api\.net")
_APIM: Final = re.compile(r".+\.azure-api\.net")
_AZURE: Final = re.compile(r".+\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)")


def language_models(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What is set, and whether it can be what it should be."""
    values = {name: environ.get(name, "") for name in (ENDPOINT, "OPENAI_BASE_URL", *KEYS)}
    if not any(values.values()):
        yield Finding("ok", "No language model is configured. None is needed to generate.")
        return
    for name in KEYS:
        if values[name]:
            yield _key(name, values[name])
    if values[ENDPOINT]:
        yield _endpoint(values[ENDPOINT].strip())
        if not environ.get("AZURE_OPENAI_CHAT_DEPLOYMENT_NAME"):
            said = "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME is not set."
            yield Finding("warning", said, "Set it to the name that the model was deployed under.")
    elif values[KEYS[0]]:
        yield Finding("problem", f"{KEYS[0]} is set, and {ENDPOINT} is not.", SHAPE)
    if values["OPENAI_BASE_URL"] and (wrong := _no_url(values["OPENAI_BASE_URL"].strip())):
        yield Finding("problem", f"OPENAI_BASE_URL {wrong}.", "It should look like https://api.openai.com/v1.")


def secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The keys, in every form in which one could be told by mistake."""
    held = [value.strip() for name in KEYS if (value := environ.get(name, ""))]
    return tuple(form for one in held for form in (one, b64encode(one.encode()).decode(), quote(one, safe="")) if form)


def _key(name: str, value: str) -> Finding:
    if _PLACEHOLDER.fullmatch(value.strip()):
        return Finding("problem", f"{name} still holds a placeholder.", "Set it to the real key.")
    if re.search(r"[^\x21-\x7e]", value) or value[0] in "'\"":
        return Finding("problem", f"{name} holds quotes, blanks or other characters that no key has.", "Remove them.")
    return Finding("ok", f"{name} is set.")


def _endpoint(value: str) -> Finding:
    """An Azure OpenAI endpoint is the resource's, and no URL of a deployment, a portal or another service."""
    if wrong := _no_url(value):
        return Finding("problem", f"{ENDPOINT} {wrong}.", SHAPE)
    url = urlsplit(value)
    host = url.hostname or ""
    deployment = "Leave out the path, from /openai on; the deployment's name is AZURE_OPENAI_CHAT_DEPLOYMENT_NAME."
    checks = (
        ("/openai/deployments" in url.path, "problem", "is the URL of one deployment", deployment),
        (url.path.strip("/") or url.query, "problem", "has a path or a query", f"Write the host alone. {SHAPE}"),
        (host.endswith(".openai.com"), "problem", "is OpenAI's own, not Azure's", "Unset it, and use OPENAI_API_KEY."),
        (_PORTALS.fullmatch(host), "problem", "is a portal for people", SHAPE),
        (_APIM.fullmatch(host), "warning", "is a gateway of API Management", f"Does it lead to models? {SHAPE}"),
        (not _AZURE.fullmatch(host), "warning", "is no host of Azure OpenAI", f"{SHAPE} A proxy of yours is fine."),
    )
    for holds, level, said, remedy in checks:
        if holds:
            return Finding("problem" if level == "problem" else "warning", f"{ENDPOINT} {said}.", remedy)
    return Finding("ok", f"{ENDPOINT} is an Azure OpenAI endpoint.")


def _no_url(value: str) -> str:
    """What makes it no URL; "" for one."""
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        return "is no URL"
    if "://" not in value:
        return "has no scheme"
    if url.scheme not in ("http", "https") or not url.hostname or re.search(r"[^\x21-\x7e]", value):
        return "is no http(s) URL"
    return "holds a user or a password" if "@" in url.netloc else ""
