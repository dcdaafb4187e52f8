"""The page of settings is what the code makes, and the README's table says the same."""

import re

from intercom_sink import Settings
from intercom_sink.entrypoints.setting_descriptions import DESCRIPTIONS
from tests.support.documents import ROOT, run_script, section


def test_the_page_of_settings_is_what_the_code_makes() -> None:
    """Remake it with `make docs`."""
    assert (ROOT / "docs" / "reference" / "settings.md").read_text() == run_script("settings_page.py")["render"]()


def test_every_setting_has_a_description_and_no_other_variable() -> None:
    fields = {str(field.alias): field.description for field in Settings.model_fields.values()}
    assert fields == DESCRIPTIONS


def test_the_readme_describes_each_setting_in_the_same_words() -> None:
    """It has links besides."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| .*? \| (.*) \|$", section("Configuration"), re.MULTILINE)
    assert {name: re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", words) for name, words in rows} == DESCRIPTIONS
