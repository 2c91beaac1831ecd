"""For a class: from the teacher's dialog to the student's frame."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.driver import press, wait_until_drawn
from tests.browser.test_layout import FAINT

INSIDE = """() => ["train", "choose", "goal", "tiles", "overlay_chart"].map((key) => {
  const { left, right, top, bottom } = document.querySelector(`.st-key-${key}`).getBoundingClientRect();
  return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight && right - left > 60;
})"""


def test_a_student_has_the_teachers_page_in_a_frame_and_reaches_the_goal(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(f"{dashboard}/?setup=1_heart_g.8", theme="dark")
    page.locator(".st-key-share button:visible").click()
    press(page, "For a class…")
    link = page.locator(".st-key-class_link input")
    expect(link).to_have_value(f"{dashboard}/?setup=1_heart_g.8&class=1_shape_recipe_player_goal.2000.0.1")
    page.get_by_role("dialog").get_by_text("Dropout").click()
    expect(link).to_have_value(f"{dashboard}/?setup=1_heart_g.8&class=1_shape_recipe_player_drop_goal.2000.0.1")
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    assert page.evaluate(FAINT) == []

    page.set_viewport_size({"width": 700, "height": 500})
    page.goto(link.input_value().replace("2000.0.1", "2000.900") + "&embed=true")
    wait_until_drawn(page)
    press(page, "Train")
    goal = page.locator(".gandash-goal")
    expect(goal).to_have_attribute("data-state", "reached")
    expect(goal).to_contain_text("Reached after")
    expect(page.locator(".st-key-goal [role=status]")).to_contain_text("Well done")
    assert all(page.evaluate(INSIDE)), page.evaluate(INSIDE)
    assert page.evaluate("document.documentElement.scrollWidth") == 700 and page.evaluate(FAINT) == []
