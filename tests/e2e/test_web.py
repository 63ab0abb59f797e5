"""The web client in a real browser."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from cvat_sdk import Client
from playwright.async_api import Page, async_playwright, expect

from tests.support.product import ADMIN, Product

pytestmark = pytest.mark.e2e

#: Of everything that is waited for: a browser takes long to start and to draw on a machine that is busy with other tests.
PATIENCE_MILLISECONDS = 120_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest_asyncio.fixture(loop_scope="session")
async def page(product: Product) -> AsyncIterator[Page]:
    assert CHROMIUM, "install a Chromium browser (Debian: apt-get install chromium)"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE_MILLISECONDS
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
        await page.goto(product.url)
        yield page
        await browser.close()
        assert problems == []


async def sign_in(page: Page, password: str) -> None:
    await page.get_by_label("User name").fill(ADMIN[0])
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")


async def test_a_wrong_password_is_said_and_a_right_one_opens_the_tasks(page: Page) -> None:
    await sign_in(page, "not the password")
    await expect(page.get_by_role("alert")).to_contain_text("Unable to log in")
    await sign_in(page, ADMIN[1])
    await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("User name")).to_be_visible()


async def test_tasks_are_listed_newest_first_in_pages(page: Page, client: Client, tmp_path: Path) -> None:
    made = [client.tasks.create({"name": f"listed {n}", "labels": [{"name": "a", "attributes": []}]}) for n in range(21)]
    try:
        await sign_in(page, ADMIN[1])
        rows = page.locator("tbody tr")
        await expect(rows.first).to_contain_text("listed 20")
        await expect(rows).to_have_count(20)
        await page.get_by_role("button", name="Next").click()
        await expect(rows.first).to_contain_text("listed 0")
        await page.screenshot(path=tmp_path / "tasks.png")
    finally:
        for task in made:
            task.remove()
