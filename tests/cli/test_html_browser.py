"""The HTML page in a real browser: it opens, a chart is drawn, the search filters, and nothing runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ace_cli.playbook import Bullet, Playbook, PlaybookStage, Section
from ace_cli.report.html.page import render_page
from support.report_samples import HISTORY, HOSTILE, run

pytestmark = pytest.mark.patient

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,1000",
)
EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs Chromium or Chrome and chromedriver on the PATH")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    yield running
    running.quit()


def book(count: int = 120) -> Playbook:
    bullets = [
        Bullet("B1", EVIL, "finance", Section.HARMFUL, confidence=0.9, extra={"note": EVIL}),
        Bullet("B2", "Ünits first", "__proto__", stage=PlaybookStage.QUARANTINED),
        *(Bullet(f"B{n}", f"Lesson {n} about rounding", confidence=n / count) for n in range(3, count + 1)),
    ]
    return Playbook(bullets=tuple(bullets), training_config={"dataset": EVIL})


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    return opened(browser, tmp_path, render_page(book(), title="Lessons", run=run(), history=HISTORY))


def opened(browser: Any, folder: Path, data: bytes) -> Any:
    path = folder / "page.html"
    path.write_bytes(data)
    browser.get(path.as_uri())
    return browser


def texts(page: Any, selector: str) -> list[str]:
    return list(
        page.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
        )
    )


def type_into_search(page: Any, words: str) -> None:
    box = page.find_element("id", "search")
    box.clear()
    box.send_keys(words)


def test_it_opens_without_a_complaint_and_draws_charts(page: Any) -> None:
    assert page.title == "Lessons · ace"
    assert texts(page, "#count") == ["120 bullets"]
    box = page.execute_script("return document.querySelector('svg .series-0 path.line').getBBox().width")
    assert box > 100
    assert page.get_log("browser") == []


def test_the_search_and_the_filters_narrow_the_list(page: Any) -> None:
    type_into_search(page, "ROUNDING 42")
    assert texts(page, "#list .id") == ["B42"]
    assert texts(page, "#list mark") == ["42", "rounding"]
    type_into_search(page, "no such words")
    assert texts(page, "#count") == ["No bullet matches; there are 120."]
    type_into_search(page, " ")
    page.find_element("css selector", "#section option[value=harmful]").click()
    assert texts(page, "#list .id") == ["B1"]
    page.find_element("css selector", "#section option[value='']").click()
    page.find_element("css selector", "#domain option[value='=__proto__']").click()
    assert texts(page, "#list .id") == ["B2"]


def test_the_list_is_sorted_and_turned_page_by_page(page: Any) -> None:
    assert len(texts(page, "#list .bullet")) == 50
    page.find_element("id", "next").click()
    assert texts(page, "#list .id")[0] == "B51"
    assert texts(page, "#place") == ["2 of 3"]
    page.find_element("css selector", "#sort option[value=best]").click()
    assert texts(page, "#list .id")[:2] == ["B120", "B119"]


def test_a_bullet_that_holds_a_script_is_text_and_does_nothing(page: Any) -> None:
    page.find_element("css selector", "#list summary").click()
    page.execute_async_script("setTimeout(arguments[0], 100)")
    assert texts(page, "#list .content")[0] == EVIL
    assert page.title == "Lessons · ace"
    assert page.execute_script("return document.querySelectorAll('#list script, #list img').length") == 0
    assert EVIL in texts(page, "#list .detail dd")


def test_the_policy_stops_a_script_that_gets_in_all_the_same(page: Any) -> None:
    page.execute_script("document.body.insertAdjacentHTML('beforeend', arguments[0])", EVIL)
    page.execute_async_script("setTimeout(arguments[0], 200)")
    assert page.title == "Lessons · ace"
    assert any("Content Security Policy" in entry["message"] for entry in page.get_log("browser"))


def test_the_detail_tells_where_a_bullet_came_from(page: Any) -> None:
    page.find_element("css selector", "#list summary").click()
    page.execute_async_script("setTimeout(arguments[0], 50)")
    (first, second, third) = texts(page, "#list .detail li")
    assert first == "Added by example ex-1, batch 1"
    assert third == "Voted harmful by example ex-3, batch 3"
    assert "(similarity 0.90)" in second
    assert HOSTILE in second


def test_the_keyboard_is_enough(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    body = page.find_element("tag name", "body")
    body.send_keys("/")
    active = page.switch_to.active_element
    assert active.get_attribute("id") == "search"
    active.send_keys("lesson 7 ")
    assert len(texts(page, "#list .bullet")) < 50
    active.send_keys(Keys.ESCAPE)
    assert texts(page, "#count") == ["120 bullets"]
    for _ in range(5):  # four selects, then the first bullet
        page.switch_to.active_element.send_keys(Keys.TAB)
    page.switch_to.active_element.send_keys(Keys.ENTER)
    page.execute_async_script("setTimeout(arguments[0], 50)")
    assert len(texts(page, "#list details[open] .detail")) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_a_phone_and_follows_light_and_dark(page: Any, width: int, scheme: str) -> None:
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    page.refresh()
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.execute_async_script("setTimeout(arguments[0], 50)")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    paper = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(246, 247, 249)", "dark": "rgb(16, 20, 27)"}[scheme]
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
