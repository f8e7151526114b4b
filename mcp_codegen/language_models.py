"""The service of a language model that the environment names: OpenAI, Azure OpenAI, or one that speaks as they do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mcp_codegen.errors import SettingsError, shown

if TYPE_CHECKING:
    from openai import AsyncAzureOpenAI, AsyncOpenAI

ENDPOINT: Final = "AZURE_OPENAI_ENDPOINT"
DEPLOYMENT: Final = "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME"
DEFAULT_MODEL: Final = "gpt-4.1-mini"
_API_VERSION: Final = "2024-10-21"
_SCOPE: Final = "https://cognitiveservices.azure.com/.default"
_RETRIES: Final = 6
"""After 408, 409, 429, 5xx and where there is no connection; a Retry-After of up to two minutes counts."""
_REDIRECTS: Final = range(300, 400)


class RefusedError(Exception):
    """The service refuses this request; another may be fine."""


class FailedError(Exception):
    """The service did not answer, after all attempts."""


class LostError(FailedError):
    """There is no answer that could be read, and the service may have made one: the request may have to be paid for."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where requests go. The key is in no text of it."""

    model: str
    """The model's name, or the deployment's."""
    endpoint: str
    """Of Azure; empty for OpenAI and those that speak as it does."""
    base_url: str
    api_version: str
    key: str

    def __repr__(self) -> str:
        return f"Service({self.model!r})"


def service(environ: Mapping[str, str], model: str) -> Service:
    """The service that the environment names. Raises `SettingsError` where it names none."""

    def value(name: str) -> str:
        return environ.get(name, "").strip()

    for name in (ENDPOINT, "OPENAI_BASE_URL"):
        if value(name) and not _is_url(value(name)):
            raise SettingsError(f"{name} is no http(s) URL; `mcp-codegen doctor` says what it should look like")
    for name in ("AZURE_OPENAI_API_KEY", "OPENAI_API_KEY"):
        if not all("!" <= one <= "~" for one in value(name)):
            raise SettingsError(f"{name} holds blanks, line breaks or letters that no key has; set it to the key alone")
    if endpoint := value(ENDPOINT):
        chosen = model or value(DEPLOYMENT)
        if not chosen:
            raise SettingsError(f"{ENDPOINT} is set, and {DEPLOYMENT} is not; set it to the deployment's name")
        return Service(
            chosen, endpoint, "", value("AZURE_OPENAI_API_VERSION") or _API_VERSION, value("AZURE_OPENAI_API_KEY")
        )
    key, base_url = value("OPENAI_API_KEY"), value("OPENAI_BASE_URL")
    if not key and not base_url:
        raise SettingsError(
            "no language model is configured; set OPENAI_API_KEY (and OPENAI_BASE_URL for another service), or "
            f"{ENDPOINT}, {DEPLOYMENT} and AZURE_OPENAI_API_KEY; `mcp-codegen doctor` looks at them"
        )
    return Service(model or value("OPENAI_MODEL") or DEFAULT_MODEL, "", base_url, "", key)


def configured_model(environ: Mapping[str, str], model: str) -> str:
    """The model that would be asked, as far as it is known."""
    return model or environ.get(DEPLOYMENT if environ.get(ENDPOINT) else "OPENAI_MODEL", "") or DEFAULT_MODEL


def client(one: Service) -> AsyncOpenAI | AsyncAzureOpenAI:
    """A connection. Raises `SettingsError`."""
    from openai import AsyncAzureOpenAI, AsyncOpenAI, OpenAIError  # noqa: PLC0415 - a second that no other verb needs

    from mcp_codegen.model_answers import SECONDS, BoundedClient  # noqa: PLC0415 - the same

    shared: dict[str, Any] = {"timeout": SECONDS, "max_retries": _RETRIES, "http_client": BoundedClient()}
    try:
        if not one.endpoint:
            return AsyncOpenAI(api_key=one.key or "none", base_url=one.base_url or None, **shared)
        credential: dict[str, Any] = {"api_key": one.key} if one.key else {"azure_ad_token_provider": _entra()}
        return AsyncAzureOpenAI(
            azure_endpoint=one.endpoint, azure_deployment=one.model, api_version=one.api_version, **credential, **shared
        )
    except (OpenAIError, ValueError) as error:
        raise SettingsError(
            f"the settings of the language model cannot be used: {_safe(error, one)}; see `mcp-codegen doctor`"
        ) from error


async def complete(
    connection: AsyncOpenAI | AsyncAzureOpenAI, one: Service, **request: Any  # noqa: ANN401 - the service's own
) -> Any:  # noqa: ANN401 - whatever the service sends
    """The service's answer to a conversation (chat completions), as it came: nothing of it is sure.

    An answer that breaks off is not asked for again. Raises `SettingsError`, `RefusedError`, `FailedError`,
    `LostError`.
    """
    import openai  # noqa: PLC0415 - as above

    try:
        return await connection.chat.completions.create(model=one.model, **request)
    except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
        said = f"the language model's service refuses ({error.status_code}): {_safe(error, one)}"
        raise SettingsError(
            f"{said}; check the key, the address and the model's name with `mcp-codegen doctor`"
        ) from error
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        raise RefusedError(f"refused ({error.status_code}): {_safe(error, one)}") from error
    except openai.APIStatusError as error:
        if error.status_code in _REDIRECTS:
            raise SettingsError(
                f"the language model's service redirects ({error.status_code}), and redirects are not followed; "
                "set its address to where it leads, if that is right"
            ) from error
        raise FailedError(_safe(error, one)) from error
    except openai.APIConnectionError as error:
        raise FailedError(f"no connection: {_reason(error)}") from error
    except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:  # it is no answer of such a service
        raise LostError(_safe(error, one)) from error


def _is_url(value: str) -> bool:
    try:
        url = urlsplit(value)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and value.isprintable()
    except ValueError:
        return False


def _reason(error: BaseException) -> str:
    """Why there is no connection: what the system says, and no word of the request's."""
    cause: BaseException | None = error
    said = type(error).__name__
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is refused ({cause.verify_message})"
        said = (isinstance(cause, OSError) and cause.strerror) or type(cause).__name__
        cause = cause.__cause__ or cause.__context__
    return shown(said)


def _safe(error: Exception, one: Service) -> str:
    """What an error says, cut, printable, and without the key."""
    said = " ".join(str(error).split()) or type(error).__name__
    return shown(said.replace(one.key, "***") if one.key else said)


def _entra() -> Any:  # noqa: ANN401 - of a package that need not be there
    """Tokens of Microsoft Entra ID, of whoever is signed in on this machine."""
    try:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - an extra
        from azure.identity import DefaultAzureCredential, get_bearer_token_provider  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(
            "AZURE_OPENAI_API_KEY is not set, and signing in with Entra ID needs: pip install 'mcp-codegen[azure]'"
        ) from error
    provide = get_bearer_token_provider(DefaultAzureCredential(), _SCOPE)

    async def token() -> str:
        try:
            found: str = await asyncio.to_thread(provide)
        except (AzureError, ValueError) as error:
            said = shown(" ".join(str(error).split()))
            raise SettingsError(
                f"nobody is signed in with Entra ID: {said}; run `az login`, or set AZURE_OPENAI_API_KEY"
            ) from error
        return found

    return token
