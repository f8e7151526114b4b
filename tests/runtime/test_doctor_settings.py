"""What people get wrong in settings, form by form; the values themselves are never in a finding."""

from __future__ import annotations

import base64
import json
import time

import pytest

from telefonica_mcp.runtime.api_keys import make_key
from telefonica_mcp.runtime.doctor import configuration, installation, subject
from tests.runtime.doors import KEY, TOKEN, settings

GOOD = "https://apis.acme.cl"
SHORT = "s3cret-value"


def found(**changed: str) -> list[tuple[str, str, str]]:
    """The findings about good settings with these changes."""
    environ = settings(GOOD) | changed
    known = subject.load()
    told = configuration.settings(known, environ)
    everything = [one for findings in told.values() for one in findings]
    for one in everything:
        assert one.remedy
        for value in changed.values():
            assert len(value.strip()) <= len("https://") or value.strip() not in one.what + one.remedy
    return [(one.level, one.what, one.remedy) for one in everything]


def test_good_settings_give_no_cause_for_a_word():
    assert found() == []
    assert found(API_BASE_URL="http://127.0.0.1:9000", BEARER_TOKEN=f"Bearer {TOKEN}") == []


CALLERS = {
    "nothing": ({}, []),
    "keys": ({"MCP_API_KEYS": str(make_key("night", ["read"])[1])}, [("ok", "by 1 keys and the tokens of 0 issuers")]),
    "an issuer": (
        {"MCP_AUTH_ISSUER": "https://login.acme.cl", "MCP_AUTH_AUDIENCE": "api://x"},
        [("ok", "by 0 keys and the tokens of 1 issuers"), ("warning", "MCP_RESOURCE_URL is not set")],
    ),
    "an issuer over http": ({"MCP_AUTH_ISSUER": "http://login.acme.cl"}, [("problem", "MCP_AUTH_ISSUER")]),
    "an audience alone": ({"MCP_AUTH_AUDIENCE": "api://x"}, [("problem", "not how")]),
    "a key in place of its line": ({"MCP_API_KEYS": "s3cret-key-0123"}, [("problem", "MCP_API_KEYS")]),
    "a file that is not there": ({"MCP_API_KEYS_FILE": "no/such/file"}, [("problem", "MCP_API_KEYS_FILE")]),
    "a misspelt name": ({"MCP_AUTH_ISUER": "https://login.acme.cl"}, [("warning", "MCP_AUTH_ISUER is no setting")]),
}


@pytest.mark.parametrize(("environ", "expected"), CALLERS.values(), ids=CALLERS)
def test_what_is_wrong_with_who_may_call_is_told(environ: dict[str, str], expected: list[tuple[str, str]]):
    told = list(configuration.callers(environ))
    assert [one.level for one in told] == [level for level, _ in expected]
    for one, (level, said) in zip(told, expected, strict=True):
        assert said in one.what
        assert one.remedy or level == "ok"
        assert not [value for value in environ.values() if value in one.what + one.remedy]


def token_that_ends(seconds: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + seconds}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{claims}.c2lnbmF0dXJl"


URLS = {
    "no scheme": ("apis.acme.cl", "has no scheme"),
    "host and port alone": ("apis.acme.cl:8443", "has no scheme"),
    "another scheme": ("ftp://apis.acme.cl", "scheme other than"),
    "two schemes": ("https://https://apis.acme.cl", "two schemes"),
    "quotes around it": ('"https://apis.acme.cl"', "holds the quotes"),
    "blanks inside": ("https://apis acme.cl", "does not give a base URL"),
    "a password": ("https://user:s3cret@apis.acme.cl", "a user or a password"),
    "a query": ("https://apis.acme.cl?version=1", "a query or a fragment"),
    "no host": ("https://", "does not give a base URL"),
    "a port of letters": ("https://apis.acme.cl:port", "does not give a base URL"),
    "the example": ("https://apim.example.com", "still holds the placeholder"),
    "a portal": ("https://portal.azure.com", "a portal for people"),
    "a developers' portal": ("https://acme.developer.azure-api.net", "a portal for developers"),
    "the management of API Management": ("https://acme.management.azure-api.net", "where Azure is administered"),
    "an Azure OpenAI endpoint": ("https://acme.openai.azure.com", "an Azure OpenAI endpoint"),
    "a token endpoint": ("https://login.microsoftonline.com/t", "where Azure issues tokens"),
}


@pytest.mark.parametrize(("value", "said"), URLS.values(), ids=URLS)
def test_a_base_url_that_cannot_work_is_a_problem_with_its_name(value: str, said: str):
    [(level, what, _)] = found(APIM_BASE_URL=value)
    assert level == "problem"
    assert what.startswith("APIM_BASE_URL")
    assert said in what


DOUBTFUL = {
    "blanks around it": ("  https://apis.acme.cl ", "blanks around it"),
    "in the clear": ("http://apis.acme.cl", "in the clear"),
    "a path that is there twice": ("https://apis.acme.cl/v1/api/v1/api", "same path twice"),
    "the beginning of every endpoint": ("https://apis.acme.cl/gw/obp/pdd", "ends with what the path"),
    "an endpoint whole": (
        "https://apis.acme.cl/obp/pdd/ods/mobile/v1/api/clients/GetListInvoices",
        "ends with what the path",
    ),
}


@pytest.mark.parametrize(("value", "said"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_base_url_that_may_work_is_a_warning(value: str, said: str):
    [(level, what, _)] = found(APIM_BASE_URL=value)
    assert (level, said in what) == ("warning", True)


SECRETS = {
    "nothing": ("BEARER_TOKEN", "", "is empty"),
    "blanks": ("BEARER_TOKEN", "   ", "is empty"),
    "the word alone": ("BEARER_TOKEN", "Bearer", "the word Bearer, and no token"),
    "the sample": ("BEARER_TOKEN", "your-bearer-token", "still holds a placeholder"),
    "a sample with the word": ("BEARER_TOKEN", "Bearer your-token", "still holds a placeholder"),
    "angle brackets": ("APIM_SUBSCRIPTION_KEY", "<subscription key>", "still holds a placeholder"),
    "a variable that nobody filled in": ("APIM_SUBSCRIPTION_KEY", "${APIM_KEY}", "still holds a placeholder"),
    "changeme": ("APIM_SUBSCRIPTION_KEY", "changeme", "still holds a placeholder"),
    "crosses": ("APIM_SUBSCRIPTION_KEY", "xxxxxxxxxxxx", "still holds a placeholder"),
    "quotes around it": ("APIM_SUBSCRIPTION_KEY", f"'{SHORT}'", "holds the quotes"),
    "a line break inside": ("APIM_SUBSCRIPTION_KEY", f"{SHORT}\nand-more", "characters that no credential has"),
    "letters of another alphabet": ("BEARER_TOKEN", f"{SHORT}ñ", "characters that no credential has"),
    "a token that ended": ("BEARER_TOKEN", token_that_ends(-7300), "expired 2 hours ago"),
    "a time of no number": ("APIM_TIMEOUT", "soon", "is not a number of seconds"),
    "a time that is too long": ("DIRECT_TIMEOUT", "1e9", "is not a number of seconds"),
}


@pytest.mark.parametrize(("name", "value", "said"), SECRETS.values(), ids=SECRETS)
def test_a_setting_that_cannot_work_is_a_problem_with_its_name(name: str, value: str, said: str):
    [(level, what, _)] = found(**{name: value})
    assert level == "problem"
    assert name in what
    assert said in what


@pytest.mark.parametrize("token", [token_that_ends(3600), "a.b.c", "eyJh.!!.x", "e30.e30.", KEY], ids=range(5))
def test_a_token_that_may_be_good_is_left_alone(token: str):
    assert found(BEARER_TOKEN=token) == []


@pytest.mark.parametrize(
    ("version", "specifiers", "fits"),
    [
        ("2.3.0", ">=2.3,<3", True),
        ("2.10", ">=2.3,<3", True),
        ("2.2.9", ">=2.3,<3", False),
        ("3.0", ">=2.3,<3", False),
        ("3.0.0rc1", ">=2.3,<3", False),
        ("1.0", "==1.0.0", True),
        ("1.0.1", "==1.0.0", False),
        ("1.0.1", "!=1.0.1", False),
        ("7", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, specifiers: str, fits: bool):
    assert installation.is_in(version, specifiers) is fits


def test_a_package_that_is_not_installed_says_so():
    [finding] = installation.installed("no-such-distribution")
    assert finding.level == "warning"
    assert "pip install" in finding.remedy


@pytest.mark.parametrize("proxy", ["socks5://user:pr0xy-pass@127.0.0.1:1", "http://", "http://127.0.0.1:port"])
def test_a_proxy_that_cannot_be_used_is_a_problem_and_stays_unseen(proxy: str):
    [finding] = configuration.proxies({"http": proxy})
    assert finding.level == "problem"
    assert finding.what == "HTTP_PROXY is not the URL of an HTTP proxy."
