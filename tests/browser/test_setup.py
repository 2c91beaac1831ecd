"""The set-up and the buttons in a real browser: fields, keys, focus, the address, and a phone's sidebar."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from gandash.pages.knobs import SHORT
from tests.browser.conftest import OpenPage
from tests.browser.driver import press, until, wait_until_drawn

TRAIN = ".st-key-train button:visible"


def field(page: Page, knob: str) -> str:
    return f".st-key-knob_{knob} input"


SEEN = """(UNSEEN) => [...document.querySelectorAll("[data-testid=stApp] *")]
  .filter((shown) => [...shown.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((shown) => shown.checkVisibility() && !shown.closest(`style, svg, ${UNSEEN}`))
  .filter((shown) => shown.getBoundingClientRect().width > 2)
  .map((shown) => [shown.innerText.trim(), parseFloat(getComputedStyle(shown).fontSize)])"""
"""The texts on screen and their sizes in pixels, but for those of the charts."""


def unfold(page: Page, group: str) -> None:
    page.locator(".st-key-more summary").first.click()
    page.locator(f".st-key-group_{group} summary").click()


def test_a_number_that_is_refused_is_told_and_gives_way_to_a_recipe(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard, width=1280, height=900)
    five_choices_are_on_screen(page)
    unfold(page, "data")
    batch = page.locator(field(page, "batch_size"))
    batch.fill("-1")
    batch.press("Enter")
    expect(page.locator(TRAIN)).to_be_disabled()
    expect(batch).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-testid=stSidebar]").get_by_text("-1 was given")).to_be_visible()
    page.get_by_role("radio", name="Best").click()
    expect(batch).to_have_value("256")
    expect(batch).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator(TRAIN)).to_be_enabled()


def five_choices_are_on_screen(page: Page) -> None:
    """Check that what most people choose needs no scrolling at 1280 x 900, and can be read."""
    for knob in ("target", "device", *SHORT):
        box = page.locator(f".st-key-knob_{knob}").bounding_box()
        assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 900, knob
    sizes = page.evaluate(
        """[...document.querySelectorAll("[data-testid=stSidebar] :is(p, input, button, summary)")]
           .filter((shown) => shown.offsetParent && shown.innerText)
           .map((shown) => parseFloat(getComputedStyle(shown).fontSize))"""
    )
    assert sizes and min(sizes) >= 11


def test_keys_press_the_buttons_leave_fields_alone_and_keep_the_focus(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    dropout = page.locator(field(page, "dropout"))
    dropout.click()
    page.keyboard.type("s n ?t")
    assert page.locator(TRAIN).inner_text().endswith("Train")
    dropout.fill("0.3")
    dropout.press("Enter")
    dropout.blur()
    page.keyboard.press(" ")
    expect(page.locator(TRAIN)).to_contain_text("Pause")
    page.keyboard.press(" ")
    expect(page.locator(TRAIN)).to_contain_text("Resume")
    wait_until_drawn(page)
    page.keyboard.press("n")
    expect(page.locator(TRAIN)).to_contain_text("Train")
    wait_until_drawn(page)
    page.locator(TRAIN).focus()
    for said in ("Pause", "Resume", "Pause"):
        page.keyboard.press("Enter")
        expect(page.locator(TRAIN)).to_contain_text(said)
        wait_until_drawn(page)
        assert page.evaluate("document.activeElement.closest('.st-key-train') !== null"), "the focus stays"
    page.keyboard.press("n")
    expect(page.locator(TRAIN)).to_contain_text("Train")
    page.keyboard.press("?")
    expect(page.get_by_text("these keys")).to_be_visible()
    page.keyboard.press("p")
    assert "present" not in page.url, "what is open goes first"
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.locator(".st-key-status")).to_contain_text("Step 1, ")


def test_a_set_up_survives_a_refresh_and_another_theme(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    assert "setup" not in page.url
    page.locator("label").filter(has_text="Heart").first.click()
    rate = page.locator(field(page, "generator_lr"))
    rate.fill("0.0125")
    rate.press("Enter")
    page.wait_for_url("**setup=*0.0125*")
    rate.blur()
    page.set_viewport_size({"width": 1280, "height": 720})
    page.keyboard.press("p")
    assert "present=on" in page.url
    dark = "getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme"
    before = page.evaluate(dark)
    page.keyboard.press("t")
    until(page, f"{dark} !== '{before}'")
    page.reload()
    wait_until_drawn(page)
    assert page.evaluate(dark) != before
    expect(page.get_by_role("button", name="Leave the presentation")).to_be_visible()
    expect(page.locator(".gandash-tile-wide")).to_be_visible()
    seen = page.evaluate(SEEN, ".st-key-title, .st-key-announce, [data-testid=stIconMaterial]")
    assert {text for text, _ in seen} >= {"Train", "Phase", "Step", "Epoch", "Gap to real"}
    assert not any(text in ("Share", "Reset", "Recipe", "Loss G / D", "Explore") for text, _ in seen), seen
    assert min(size for _, size in seen) >= 15 and max(size for _, size in seen) > 60
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [1280, 720]
    page.keyboard.press("Tab")
    page.locator(TRAIN).focus()
    page.wait_for_selector("#stFloatingOverlayPortal [role=tooltip]", state="attached")
    expect(page.locator("#stFloatingOverlayPortal [role=tooltip]")).to_be_hidden()
    page.keyboard.press("t")
    until(page, f"{dark} === '{before}'")
    page.keyboard.press("Escape")
    assert "present" not in page.url
    icons = "[...document.querySelectorAll('[data-testid=stTooltipIcon] svg')]"
    until(page, f"{icons}.some((each) => each.clientWidth)")
    assert set(page.evaluate(f"{icons}.map((each) => each.clientWidth)")) <= {0, 15}, "as large as ever"
    expect(page.locator(field(page, "generator_lr"))).to_have_value("0.0125")
    expect(page.get_by_role("radio", name="Heart")).to_be_checked()


def test_a_phones_sidebar_is_found_and_closes_after_a_choice_or_a_reload(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard, width=390, height=844, touch=True)
    page.wait_for_function("window.gandashPage?.begun")
    sidebar = page.locator("[data-testid=stSidebar]")
    for held, chosen in (("Exponential growth · Textbook", "Heart"), ("Heart · Textbook", "Best")):
        press(page, held)
        page.get_by_text(chosen, exact=True).first.click()
        expect(sidebar).to_have_attribute("data-collapsed", "true")
        expect(page.locator(".st-key-choose")).to_contain_text(chosen)
    press(page, "Heart · Best")
    expect(sidebar).to_have_attribute("data-collapsed", "false")
    page.reload()
    page.wait_for_function("window.gandashPage?.begun")
    expect(sidebar).to_have_attribute("data-collapsed", "true")
