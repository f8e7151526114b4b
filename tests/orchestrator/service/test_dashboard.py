"""The dashboard in a browser: signed in, a batch started and watched, a failed run retried, signed out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.orchestrator.processes import letters
from tests.orchestrator.service.conftest import (
    CLIENT,
    CLIENT_SECRET,
    FAVOURS,
    PATIENCE,
    ROOT,
    Issuer,
    Served,
    serving,
)

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
pytestmark = pytest.mark.skipif(not CHROMIUM.is_file(), reason=f"there is no browser {CHROMIUM} (CHROMIUM names it)")

LETTERS = Path(letters.__file__)
PICTURES = ROOT / "out" / "runs" / "screenshots"
WHOM = "Ana Perez"
ROWS = "number,to,how\n" + "".join(
    f"{number},{WHOM} {number},{how}\n" for number, how in enumerate(["well", "busy", "closed", "well", "well"], 1)
)


@dataclass
class Looked:
    """A page in a browser, and what it should never do."""

    page: sync_api.Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def picture(self, name: str) -> None:
        """For a person to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def sign_in(self, key: str) -> None:
        self.go("/")
        self.page.get_by_label("API key").or_(self.page.get_by_label("Clave de API")).fill(key)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile(r"/ui$"))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Served]:
    """A service of letters, and of favours that nobody asks for, with workers, an issuer and a key for each role."""
    oidc = ("--oidc-issuer", issuer.url, "--oidc-client-id", CLIENT)
    secret = {"ORCHESTRATOR_OIDC_CLIENT_SECRET": CLIENT_SECRET}
    with serving(tmp_path_factory.mktemp("office"), str(FAVOURS), *oidc, process=LETTERS, **secret) as served:
        for role in ("viewer", "operator"):
            served.make_key(role, role)
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@contextmanager
def looking(browser: sync_api.Browser, served: Served, *others: str, **options: object) -> Iterator[Looked]:
    """A browser's window, which is asked at its end that it had nothing to complain of."""
    context = browser.new_context(**{"locale": "en-GB", **options})  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE * 1000)
    looked = Looked(context.new_page(), served.url)
    context.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((looked.url, "data:", *others))
            else looked.complaints.append(f"another host: {request.url}")
        ),
    )
    looked.page.on(
        "console",
        lambda said: looked.complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    looked.page.on("pageerror", lambda error: looked.complaints.append(str(error)))
    looked.page.on("dialog", lambda dialog: dialog.accept())
    yield looked
    context.close()
    assert looked.complaints == []


def test_somebody_signs_in_starts_a_batch_watches_it_retries_what_failed_and_signs_out(
    browser: sync_api.Browser, office: Served
) -> None:
    expect = sync_api.expect
    expect.set_options(timeout=PATIENCE * 1000)
    with looking(browser, office) as looked:
        page = looked.page
        looked.go("/")
        looked.picture("sign-in")
        looked.sign_in(office.keys["operator"])
        expect(page.locator(".link-state.live")).to_be_visible()
        page.get_by_role("link", name="Start a batch").first.click()
        page.get_by_label("Deliver a letter").check()
        page.get_by_label("File").set_input_files(
            {"name": "letters.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
        )
        page.get_by_label("Name of the batch").fill("november")
        looked.picture("start")
        page.get_by_role("button", name="Start").click()
        page.wait_for_url(re.compile(r"/ui/batches/november$"))
        expect(page.locator(".head .status")).to_have_text("Ended")  # without anybody's loading the page again
        expect(page.locator("#n-succeeded")).to_have_text("4")
        looked.picture("batch")

        page.locator("a[id^=f-november]").click()
        expect(page.locator(".head .status")).to_have_text("Failed")
        expect(page.locator(".remedy").first).to_contain_text("wait until it is open")
        looked.picture("run-failed")
        (office.folder / "open").touch()
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(".head .status")).to_have_text("Succeeded")
        looked.picture("run-retried")

        for name, path in (("overview", "/ui"), ("processes", "/ui/processes"), ("process", "/ui/processes/letters")):
            looked.go(path)
            if name == "overview":
                expect(page.locator("[data-drawn]")).to_be_visible()
                expect(page.locator(".uplot")).to_have_count(4)
            looked.picture(name)
        expect(page.locator(".station")).to_have_count(4)
        looked.go("/ui/processes/favours")
        expect(page.locator("p.empty")).to_be_visible()  # nothing of another process's runs
        assert page.locator(".station").count() == 0

        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(re.compile(r"/ui/sign-in$"))
        looked.go("/ui/runs")
        assert "/ui/sign-in?next=" in page.url


def test_somebody_signs_in_at_the_issuers_page_on_another_site(
    browser: sync_api.Browser, office: Served, issuer: Issuer
) -> None:
    issuer.claims = {"name": "Ana", "preferred_username": "ana@example.com", "roles": ["operator"]}
    with looking(browser, office, issuer.url) as looked:
        looked.url = office.url.replace("127.0.0.1", "localhost")  # which is another site than the issuer's
        page = looked.page
        looked.go("/ui/batches?status=ended")
        page.get_by_role("link", name="Sign in at 127.0.0.1").click()
        page.get_by_role("link", name="I am Ana").click()
        page.wait_for_url(re.compile(r"//localhost:\d+/ui/batches\?status=ended$"))
        sync_api.expect(page.locator(".who")).to_have_text("ana@example.com operator")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(re.compile(r"/ui/sign-in$"))


def test_retries_are_segments_of_a_bar_and_hostile_texts_are_texts(browser: sync_api.Browser, office: Served) -> None:
    with office.client("operator") as client:
        order = {"process": "letters", "input": {"number": 90, "to": WHOM, "how": "busy"}}
        assert client.put("/runs/busy", json=order).status_code == 201
    with looking(browser, office, viewport={"width": 390, "height": 844}, color_scheme="dark") as looked:
        page = looked.page
        looked.sign_in(office.keys["viewer"])
        looked.go("/ui/runs/busy")
        sync_api.expect(page.locator(".head .status")).to_have_text("Succeeded", timeout=PATIENCE * 1000)
        assert page.locator("rect.s-retried").count() == 2
        assert page.locator("rect.s-wait").count() == 2
        page.locator("summary").nth(0).click()
        looked.picture("run-phone-dark")
        assert letters.SCRIPT in page.content().replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'")
        assert page.locator(f'a[href^="{letters.LINK}"]').count() == 0
        assert WHOM not in page.content()  # a viewer sees no personal data
        assert page.get_by_role("button", name="Retry").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_dashboard_speaks_spanish_to_whom_wants_it_and_remembers_light_or_dark(
    browser: sync_api.Browser, office: Served
) -> None:
    with looking(browser, office, locale="es-CL", color_scheme="light") as looked:
        page = looked.page
        looked.sign_in(office.keys["viewer"])
        assert page.locator("html").get_attribute("lang") == "es"
        assert page.locator("h1").inner_text() == "Resumen"
        page.get_by_role("button", name="Claro u oscuro").click()
        looked.go("/ui/runs")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        looked.picture("runs-spanish-dark")
        page.get_by_role("link", name="English").click()
        assert page.locator("h1").inner_text() == "Runs"
        looked.go("/ui/batches")
        assert page.locator("h1").inner_text() == "Batches"


def test_all_of_it_is_reached_with_the_keyboard(browser: sync_api.Browser, office: Served) -> None:
    with looking(browser, office) as looked:
        page = looked.page
        looked.sign_in(office.keys["viewer"])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        for _ in range(3):
            page.keyboard.press("Tab")
            assert page.evaluate(outline) != "none"
        assert page.evaluate("document.activeElement.pathname") == "/ui/batches"
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/ui/batches$"))
