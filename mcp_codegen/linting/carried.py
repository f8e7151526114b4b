"""What a text carries besides words: links, encoded data, markup, places on a machine, markers of a conversation."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from mcp_codegen.errors import shown

# --- links ------------------------------------------------------------------------------------------------------------

_URL: Final = re.compile(r"\b(?:https?|ftps?|wss?|hxxps?)(?:://|:\\\\|\[:\]//)[^\s<>\"'`|\]\[)]+", re.IGNORECASE)
_SCHEME: Final = re.compile(
    r"\b(?:javascript|vbscript|file|data):(?=[^\s]{3})(?:(?<=data:)[a-z]+/[\w.+-]+[;,]|(?<!data:)[^\s]+)", re.IGNORECASE
)
_BARE: Final = re.compile(
    r"\b(?:bit\.ly|tinyurl\.com|t\.co|goo\.gl|is\.gd|webhook\.site|requestbin\.\w+|ngrok(?:-free)?\.(?:io|app|dev)|pastebin\.com|pipedream\.net|"
    r"interact\.sh|oast\.\w+|burpcollaborator\.net|transfer\.sh|hookbin\.com|requestcatcher\.com|beeceptor\.com|mockbin\.\w+|discord(?:app)?\.com/api/webhooks|"
    r"api\.telegram\.org/bot|hooks\.slack\.com|\w+\.onion|trycloudflare\.com|dnslog\.cn|canarytokens\.com|rebrand\.ly|cutt\.ly|ow\.ly|file\.io|0x0\.st|gist\.githubusercontent\.com)\b",
    re.IGNORECASE,
)
_SHADY: Final = re.compile(
    r"(?:^|[.\W_-])(?:evil|attacker|malicious|exfil\w*|steal\w*|collector?|harvest\w*|c2|phish\w*|hacker?s?|leaks?|dropbox-?zone|drop|beacon|pixel|tracker|track|"
    r"webhooks?|payloads?|shell|implant|grab(?:ber)?|sink|catch(?:er)?|intercept\w*|logger|keylog\w*|dump|mirror|relay|bad|ingest|capture|telemetry|stage2|loot)(?:$|[.\W_\d-])",
    re.IGNORECASE,
)
_PAGES: Final = re.compile(
    r"^(?:docs?|dev|developers?|support|help|api|www|learn|wiki|blog|tools|datatracker|en|github)\.|github|example\.",
    re.IGNORECASE,
)
"""Hosts whose paths may be about anything."""
_ODD_TLD: Final = re.compile(
    r"\.(?:tk|ml|ga|cf|gq|xyz|top|click|zip|mov|ru|su|cc|pw|icu|buzz|rest|cam|quest|monster|sbs|evil|onion|tld|attacker)$",
    re.IGNORECASE,
)
_IP: Final = re.compile(
    r"^(?:\d{1,3}(?:\.\d{1,3}){3}|0x[0-9a-f]+|\d{8,10}|\[?[0-9a-f:]*:[0-9a-f:]+\]?)$", re.IGNORECASE
)
_LOCAL: Final = re.compile(r"^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|::1)$")
_FILLED: Final = re.compile(
    r"[?&#/=](?:\{|<|\$|%7b|\[)[\w ]*(?:data|conversation|context|history|prompt|secret|token|password|message|chat|content|key|output|input|env|cred|query|user)[\w ]*",
    re.IGNORECASE,
)
_LEAD: Final = re.compile(
    r"\b(?:send|sends|post|posts|upload|uploads|submit|forward|transmit|deliver|push|put|copy|exfiltrate|leak|report|fetch|download|execute|run|load|import|install|write|share|append|include|"
    r"ping|beacon|notify|mirror|relay|log|stream|dump|envi[ae]\w*|reenvi\w*|descarg\w*|sub[ea]\w*|publi(?:ca|que)|envoy\w*|telecharg\w*|send[et]\w*|lade|invi[ao]\w*|scaric\w*|envi[ea]r?|baix\w*)\b"
    r"[^.!?\n]{0,80}?\b(?:to|from|at|into|via|on|contain|a|al|vers|an|von|para|link|url)\b:? ?[`\"'<(]*$|\b(?:curl|wget|GET|POST|PUT|ping|contain|link)(?: -\S+| the link| a link)* [`\"'<(]*$|\b(?:webhook|callback|endpoint|payload|exfil|c2|beacon): ?[`\"'<(]*$",
    re.IGNORECASE,
)


def links(text: str) -> Iterator[tuple[str, str]]:
    """The rule and what is said, for each link."""
    if ":" in text or "." in text:
        for match in _SCHEME.finditer(text):
            yield "suspicious-url", f"{shown(match[0])} is no link to a page"
        for match in _BARE.finditer(text):
            yield "suspicious-url", f"{shown(match[0])} is a service that hides or collects"
    if "//" not in text and ":\\\\" not in text:
        return
    for match in _URL.finditer(text):
        url = match[0].rstrip(".,;:!?)]}*_")
        if why := _suspicious(url, text[: match.start()]):
            yield "suspicious-url", f"{shown(url)} {why}"
        else:
            yield "url", f"it links to {shown(url)}"


def urls(text: str) -> set[str]:
    """The links of a text."""
    return {match[0].rstrip(".,;:!?)]}*_") for match in _URL.finditer(text)}


def _suspicious(url: str, before: str) -> str:
    if not url.lower().startswith("http"):
        return "is disguised" if url.lower().startswith("hxxp") else "is no page to read"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "" if re.search(r":(?:port|\{|<|\[|\$)", url, re.IGNORECASE) else "is no URL"
    if "@" in parts.netloc and not parts.netloc.startswith(("{", "<")):
        return "carries a user or a password"
    if not host.isascii() or host.startswith("xn--") or ".xn--" in host:
        return "has a host in letters that may look like others"
    if _IP.match(host) and not _LOCAL.match(host):
        return "names an address in place of a host"
    if _SHADY.search(host) or _ODD_TLD.search(host) or (not _PAGES.search(host) and _SHADY.search(parts.path)):
        return "does not look like a page to read"
    if _FILLED.search(url[len(parts.scheme) + 3 :]):
        return "is to be filled with data"
    return "is where something shall be sent or fetched" if _LEAD.search(before[-120:]) else ""


# --- encoded data -----------------------------------------------------------------------------------------------------

_BASE64: Final = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{16,}={0,2}(?![\w+/=-])")
_HEX: Final = re.compile(r"(?<![\w-])(?:0x)?(?:[0-9a-fA-F]{2}[ :]?){12,}(?![\w-])")
_ESCAPED: Final = re.compile(
    r"(?:\\x[0-9a-fA-F]{2}){4,}|(?:\\u[0-9a-fA-F]{4}){4,}|(?:%[0-9a-fA-F]{2}){6,}|(?:&#x?[0-9a-fA-F]{2,6};){4,}|(?:\\[0-7]{3}){4,}"
)
_BINARY: Final = re.compile(r"\b(?:[01]{8}[ ,]?){4,}\b")
_NUMBERS: Final = re.compile(r"(?:\b(?:[3-9]\d|1[01]\d|12[0-6])\b[ ,]{1,2}){8,}")
_BASE32: Final = re.compile(r"(?<![\w=])[A-Z2-7]{24,}={0,6}(?![\w=])")
_MORSE: Final = re.compile(r"(?:[.-]{1,5}[ /]){8,}")
_JWT: Final = "eyJ"
_LONG: Final = 48
_SAID: Final = 0.9
"""The share of letters and blanks from which on bytes are text."""


def encoded(text: str) -> Iterator[tuple[str, str]]:
    """What is said of each encoded piece, and what it says when it is decoded; empty where that is no text."""
    for match in _ESCAPED.finditer(text):
        yield f"{shown(match[0])} is written in escapes", ""
    for match in _BINARY.finditer(text):
        yield f"{shown(match[0])} is binary", _text(bytes(int(one, 2) for one in re.findall(r"[01]{8}", match[0])))
    for match in _NUMBERS.finditer(text):
        if (said := _text(bytes(int(one) for one in re.findall(r"\d+", match[0])))) and " " in said:
            yield f"{shown(match[0])} is text in numbers", said
    if match := _MORSE.search(text):
        yield f"{shown(match[0])} is Morse code", ""
    for match in _HEX.finditer(text):
        said = _text(bytes.fromhex(re.sub(r"[ :]|^0x", "", match[0])))
        if said:
            yield f"{shown(match[0])} is text in hexadecimal digits", said
    yield from _base64(text)


def _base64(text: str) -> Iterator[tuple[str, str]]:
    for match in _BASE64.finditer(text):
        piece = match[0]
        if piece.startswith(_JWT) or not _is_mixed(piece):
            continue
        said = _text(_decoded(piece))
        if said:
            yield f"{shown(piece)} is text in Base64", said
        elif (len(piece) >= _LONG and re.search(r"\d", piece) and not re.search(r"[-_/]", piece.strip("-_/"))) or (len(piece) >= _LONG and _is_random(piece)):
            yield f"{shown(piece)} looks like encoded data", ""
    for match in _BASE32.finditer(text):
        try:
            said = _text(base64.b32decode(match[0].rstrip("=") + "=" * (-len(match[0].rstrip("=")) % 8)))
        except binascii.Error:
            said = ""
        if said:
            yield f"{shown(match[0])} is text in Base32", said


def _is_mixed(piece: str) -> bool:
    """Whether it is neither a word, nor a path, nor a name of a program."""
    kinds = sum(any(test(c) for c in piece) for test in (str.isupper, str.islower, str.isdigit))
    return kinds > 1 and not re.fullmatch(r"[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)*\d*|[\w]+(?:[-_/][a-z]\w*)+", piece)


def _is_random(piece: str) -> bool:
    changes = sum(one.isupper() != two.isupper() for one, two in zip(piece, piece[1:], strict=False))
    return changes > len(piece) / 4 and any(map(str.isdigit, piece))


def _decoded(piece: str) -> bytes:
    bare = piece.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _text(content: bytes) -> str:
    """What bytes say, if they are text."""
    try:
        said = content.decode()
    except UnicodeDecodeError:
        return ""
    letters = sum(c.isalnum() or c in " \n.,:;!?'\"/-_@" for c in said)
    is_text = (
        len(said) >= 8 and all(c.isprintable() or c in "\n\r\t" for c in said) and letters >= _SAID * len(said)
    )
    return said if is_text and sum(map(str.isalpha, said)) > len(said) / 2 else ""


# --- markup -----------------------------------------------------------------------------------------------------------

_HIDING: Final = (
    (re.compile(r"<!--(?!\s*-->)"), "an HTML comment stands in it"),
    (re.compile(r"<\s*/?\s*(?:script|iframe|object|embed|style|svg|link|meta|form|img|video|audio|template|noscript|base)\b", re.IGNORECASE), "HTML that loads, runs or is not shown stands in it"),
    (re.compile(r"<[a-z][^<>]*\b(?:hidden\b|aria-hidden|on(?:error|load|click|mouse\w+)\s*=|style\s*=\s*[\"']?[^\"'>]*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0|color\s*:\s*(?:#?fff|white|transparent)|(?:height|width)\s*:\s*0|position\s*:\s*(?:absolute|fixed)))", re.IGNORECASE), "HTML that is not shown stands in it"),
    (re.compile(r"<details\b", re.IGNORECASE), "HTML that is folded away stands in it"),
    (re.compile(r"!\[[^\]]*\](?:\[|\(\s*(?!https://[^\s?{}$<>()]+\.(?:png|jpe?g|gif|svg|webp)(?:\?raw=true)?\s*[)\s]))", re.IGNORECASE), "an image that is no plain picture stands in it, which some hosts load"),
    (re.compile(r"(?:^|\n)\s{0,3}\[[^\]\n]{0,60}\]:\s*(?:#|<>|about:blank)\s*[\"'(]"), "a Markdown comment stands in it"),
    (re.compile(r"(?<!\w)\[\s*\]\(\s*\S"), "a link without a text stands in it"),
    (re.compile(r"%%[^%\n]{3,}%%|\{#[^\n]{3,}#\}|\{/\*|/\*[^*]{8,}\*/"), "a comment of some markup stands in it"),
    (re.compile("\x1b\\[|\\\\x1b\\[|\\\\033\\["), "an escape sequence of terminals stands in it"),
)  # fmt: skip
_LINK: Final = re.compile(r"\[([^\]\n]{3,200})\]\(\s*(https?://[^)\s]+)", re.IGNORECASE)
_CERTAIN: Final = re.compile(r"://|^www\.|\.(?:com|org|net|io|gov|edu|info|dev)$", re.IGNORECASE)
_SHOWN_HOST: Final = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})\b", re.IGNORECASE)


def markup(text: str) -> Iterator[str]:
    """What is said of markup that hides, loads or runs."""
    if not any(sign in text for sign in "<[%{\x1b\\/"):
        return
    yield from (said for pattern, said in _HIDING if pattern.search(text))
    for match in _LINK.finditer(text):
        try:
            leads = (urlsplit(match[2]).hostname or "").lower().removeprefix("www.")
        except ValueError:
            continue
        named = _SHOWN_HOST.fullmatch(
            match[1].strip().split("/")[0] if "//" not in match[1] else match[1].split("/")[2]
        )
        if named and _CERTAIN.search(match[1]) and named[1].lower().removeprefix("www.") != leads:
            yield f"a link says {shown(match[1])} and leads to {shown(leads)}"


# --- places and markers -----------------------------------------------------------------------------------------------

_SENSITIVE: Final = re.compile(
    r"(?<![\w])(?:~|\$HOME|%USERPROFILE%|%APPDATA%|/home/[\w{}<>$-]+|/root|/Users/[\w{}<>$-]+|[A-Za-z]:\\Users)[/\\][\w.~/\\-]+|/etc/(?:passwd|shadow|hosts|sudoers|ssh)\b|/proc/(?:self|\d+)/|/var/run/secrets|"
    r"\bid_(?:rsa|ed25519|ecdsa|dsa)\b|\.ssh/|\.aws/|\.kube/config|\.gnupg|\.netrc\b|\.npmrc\b|\.pypirc\b|\.git-credentials|\.docker/config|\bmcp\.json\b|claude_desktop_config|\.cursor/|\.bash_history|\.zsh_history|"
    r"(?<![\w.])\.env(?:\.\w+)?(?=$|[\s`'\",;:)]|\.(?:\s|$))|\bauthorized_keys\b|\bprocess\.env\b|\bos\.environ\b|\bprintenv\b|169\.254\.169\.254|metadata\.google\.internal|\bkeychain\b|\bwallet\.dat\b|\bcredentials\.json\b|\bsecrets\.(?:ya?ml|json|env)\b|\bLocal State\b|\bLogin Data\b",
    re.IGNORECASE,
)
_MARKERS: Final = (
    re.compile(r"<\|[\w ]{2,30}\|>|\[/?INST\]|<</?SYS>>|\[/?(?:SYSTEM|ASSISTANT|USER|ADMIN|DEVELOPER)(?:[ _](?:MESSAGE|PROMPT|NOTE|OVERRIDE|INSTRUCTIONS?|NOTICE|COMMAND|UPDATE))?\]|<(?:start|end)_of_turn>|</?s>(?=\s*(?:\[|<|$))|\{\{[#/]?(?:system|user|assistant)(?:~|\}\})", re.IGNORECASE),
    re.compile(r"<important>(?!\s*<p)|</?\s*(?:system|assistant|human|instructions?|secret|hidden|admin|override|developer|prompt|thinking|think|thought|scratchpad|tool_?calls?|tool_?use|tool_?results?|function_?calls?|invoke|antml:\w+|user_?query|user_?message|critical|priority|directive|context|im_start|im_end|system[-_]\w+|untrusted\w*|policy|rules?|command|ai|llm|model|agent)\b[^<>\n]{0,60}>", re.IGNORECASE),
    re.compile(r"(?:^|\n)\s*(?:#{1,6}\s*|\*{1,3}|>\s*|-{2,}\s*|\[)?(?:system|assistant|human|developer)(?: (?:message|prompt|note|override|notice|instructions?|update|command|alert))?(?:\*{1,3}|\])?\s*:", re.IGNORECASE),
    re.compile(r"(?:^|\n|[.!?] )\s*(?:#{1,6}\s*|\*{1,3})(?:system|instructions?|important instructions?|new instructions?|prompt|assistant|response|user)\b\s*:?(?:\*{1,3})?\s*(?:\n|$|:)", re.IGNORECASE),
    re.compile(r"\bsystem (?:override|notice|alert|command|instruction|update|directive)s?\s*[:\]\-]|\b(?:begin|end|start)(?: of)?[ _](?:the )?(?:system|hidden|secret|admin|prompt|new|tool|user)?[ _]?(?:prompt|instructions?|message|override|description|documentation|context|input|output|turn|conversation)s?\b\s*(?:[\]\-=#*:.]|$)", re.IGNORECASE),
    re.compile(r"[-=#*_]{3,}\s*(?:begin|end|new|system|instructions?|prompt|assistant|user|ignore)\b[^\n]{0,40}?[-=#*_]{3,}", re.IGNORECASE),
    re.compile(r"[\"']?role[\"']?\s*:\s*[\"'](?:system|assistant|developer|tool)[\"']|\b(?:tool|function)_call(?:s)?\s*[\"']?\s*[:=({]|[\"'](?:jsonrpc|tool_use)[\"']", re.IGNORECASE),
)  # fmt: skip


def sensitive(text: str) -> Iterator[str]:
    """What is said of places on a machine where secrets are kept."""
    if match := _SENSITIVE.search(text):
        yield f"{shown(match[0])} stands in it"


def markers(text: str) -> Iterator[str]:
    """What is said of what looks like a piece of a conversation with a model."""
    for pattern in _MARKERS:
        if match := pattern.search(text):
            yield f"{shown(match[0].strip())} looks like a part of a conversation with a model"
            return
