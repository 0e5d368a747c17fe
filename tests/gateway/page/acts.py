"""What people do on the page, as the stories tell it."""

from playwright.sync_api import Page, expect

from tests.gateway.page.browser import Watched


def become(page: Page, name: str) -> None:
    """One of the people, connected, before a full shelf."""
    expect(page.locator(".product").first).to_be_visible()
    page.get_by_label("You are").select_option(label=name)
    expect(page.get_by_label("about")).to_have_text(name.split(",", maxsplit=1)[0])
    expect(page.locator("#link")).to_have_attribute("data-on", "true")


def look(page: Page, place: int) -> None:
    """At an item, and back to the shelf."""
    page.locator(".product .look").nth(place).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def first_push(page: Page) -> None:
    """Nothing is known of the person yet: which look brings it is the policy's business, but not many pass without."""
    for place in range(6):
        try:
            expect(page.get_by_role("article").first).to_be_visible(timeout=8_000 if place else 1_000)
        except AssertionError:
            look(page, place)
        else:
            return
    raise AssertionError(page.locator("#panel").inner_text())


def nameless(seen: Watched) -> None:
    """No control and no picture is without a name, and nothing was complained of."""
    names = """[...document.querySelectorAll("button, a, select, svg[role=img]")].filter(
        (each) => !(each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length)).map((each) => each.outerHTML)"""
    assert seen.page.evaluate(names) == []
    assert seen.complaints == []
