"""Each page of the site, as Chromium shows it: `make site-look`.

SITE_PICTURES=FOLDER keeps a picture of each page.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.browser import Browser, open_browser
from tests.support.documents import ROOT
from tests.support.pictures import MIN_TEXT, text_size

SITE = ROOT / "build" / "site"
PAGES = sorted(str(file.relative_to(SITE)) for file in SITE.rglob("*.html"))
PICTURES = os.environ.get("SITE_PICTURES")

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}

MISSING = """(async () => {
    for (const image of document.images) image.loading = "eager";
    await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
    return [...document.images].filter(image => !image.naturalWidth).map(image => image.src);
})()"""

DRAWN = """[...document.images].filter(image => image.src.endsWith(".svg")).map(image => {
    const box = image.getBoundingClientRect();
    return [image.src, box.width, box.left + scrollX, box.top + scrollY];
})"""
"""The address, the width and the place of each SVG."""

WIDER_THAN = """width => [...document.querySelectorAll("article *")].filter(element => {
    if (element.getBoundingClientRect().right <= width + 1) return false;
    for (let parent = element; parent !== document.body; parent = parent.parentElement)
        if (/auto|scroll|hidden/.test(getComputedStyle(parent).overflowX)) return false;
    return true;
}).map(element => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all pages."""
    with open_browser() as started:
        yield started


def test_there_are_pages() -> None:
    assert len(PAGES) > 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", PAGES)
def test_page_fits_the_screen_with_legible_pictures(browser: Browser, page: str, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    browser.resize(width, height, scheme)
    browser.open((SITE / page).as_uri())
    assert browser.evaluate(MISSING) == []
    if PICTURES:
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        browser.picture(folder / f"{page.removesuffix('.html').replace('/', '-')}-{size}-{scheme}.png")
    wider = browser.evaluate("document.documentElement.scrollWidth") > width
    assert not wider, browser.evaluate(f"({WIDER_THAN})({width})")
    for address, shown_width, left, top in browser.evaluate(DRAWN):
        assert text_size(Path(unquote(urlsplit(address).path)), shown_width) >= MIN_TEXT, address
        is_bright = sum(browser.colour(left + 6, top + 6)) > 3 * 128
        assert is_bright == (scheme == "light"), address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_follow_the_switch_of_the_page(browser: Browser, scheme: str) -> None:
    """Whatever the colour scheme of the system is."""
    browser.resize(*SIZES["desktop"], "light" if scheme == "dark" else "dark")
    browser.open((SITE / "explanation" / "delivery.html").as_uri())
    browser.evaluate(f"document.body.dataset.theme = '{scheme}'")
    (_, _, left, top), *_ = browser.evaluate(DRAWN)
    assert (sum(browser.colour(left + 6, top + 6)) > 3 * 128) == (scheme == "light")
