"""The pictures of the documentation are what their sources make, and legible everywhere."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from intercom_sink import Disposition, NoResponse, PolicyOptions, RateLimit, Response
from intercom_sink.domain import rate_window
from intercom_sink.domain.policy import RULES, decide
from intercom_sink.domain.retry_state import RetryState
from tests.support import worked_timeline
from tests.support.documents import ROOT, run_script
from tests.support.pictures import MIN_TEXT, text_size

DOCS = ROOT / "docs"
PICTURES = sorted(DOCS.rglob("*.svg"))
SCRIPTS = sorted(file for file in (DOCS / "diagrams").glob("*.py") if file.name != "drawing.py")

PHONE = 350
"""Pixels that a page leaves to a picture on a phone of 390."""

every_picture = pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_committed_picture_is_what_its_source_makes(script: Path) -> None:
    """Remake it with `make docs`."""
    assert script.with_suffix(".svg").read_text() == run_script(f"diagrams/{script.name}")["draw"]()


@every_picture
def test_every_picture_is_valid_and_follows_the_colour_scheme(picture: Path) -> None:
    text = picture.read_text()
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme: dark" in text


@every_picture
def test_every_text_is_legible_on_a_phone(picture: Path) -> None:
    assert text_size(picture, PHONE) >= MIN_TEXT


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_drawn_pictures_have_a_title(script: Path) -> None:
    picture = ET.fromstring(script.with_suffix(".svg").read_text())
    assert picture.findtext("{http://www.w3.org/2000/svg}title")


def test_the_states_show_every_disposition_with_a_result_that_leads_to_it() -> None:
    results = run_script("diagrams/delivery_states.py")["RESULTS"]
    assert results.keys() == RULES.keys()
    all_on = PolicyOptions(hold=True, dead_letters=True, dead_letter_not_found=True)
    states = [
        RetryState("POST", previous_was_server_error=failed, possible_duplicate=again)
        for failed in (False, True)
        for again in (False, True)
    ]
    for disposition, words in results.items():
        limit = RateLimit(remaining=1 if "remaining" in words else 0)
        for status in re.findall(r"\b(\d)(\d\d|xx)\b", words):
            response = Response(int("".join(status).replace("x", "0")), limit)
            found = {decide(response, state, options) for state in states for options in (PolicyOptions(), all_on)}
            assert disposition in found, words
    assert results[decide(NoResponse("refused"), states[0], all_on)] == "no valid response"
    assert results[Disposition.REJECTED] == "any other status"


def test_the_timeline_has_every_row_of_the_theory_of_operation() -> None:
    moments = list(run_script("diagrams/rate_window_timeline.py")["moments"](rate_window.__doc__))
    rows = worked_timeline.rows(rate_window)
    assert [(float(moment.time), moment.event) for moment in moments] == [(time, event) for time, event, _ in rows]
    assert [str(moment.available) for moment in moments] == [re.split(r" {2,}", state)[0] for _, _, state in rows]
