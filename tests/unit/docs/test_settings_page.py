"""The page of settings is what the code makes, and the README's table says the same."""

import re

from intercom_sink.entrypoints.variables import VARIABLES
from tests.support.documents import ROOT, run_script, section


def test_the_page_of_settings_is_what_the_code_makes() -> None:
    """Remake it with `make docs`."""
    assert (ROOT / "docs" / "reference" / "settings.md").read_text() == run_script("settings_page.py")["render"]()


def test_the_readme_describes_each_setting_in_the_same_words() -> None:
    """It has links besides."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| .*? \| (.*) \|$", section("Configuration"), re.MULTILINE)
    assert {name: re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", words) for name, words in rows} == {
        name: variable.description for name, variable in VARIABLES.items()
    }
