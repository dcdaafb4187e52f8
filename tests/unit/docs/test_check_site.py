"""What is checked of the pages of the site as they were built."""

from pathlib import Path

import pytest

from tests.support.documents import run_script

CHECK = run_script("check_site.py")
PAGE = '<html><body id="top"><h1 id="a title">T</h1>{}</body></html>'


def problems(site: Path, body: str) -> list[str]:
    (site / "index.html").write_text(PAGE.format(body))
    return list(CHECK["problems"](site))


@pytest.mark.parametrize(
    "body",
    [
        '<a href="sub/other.html#top">',
        '<a href="#a%20title">',
        '<a href="https://example.com/missing#x">',
        '<a href="mailto:a@example.com">',
        '<img src="picture.svg"><link href="picture.svg?v=1">',
    ],
)
def test_what_leads_somewhere_is_fine(tmp_path: Path, body: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.html").write_text(PAGE)
    (tmp_path / "picture.svg").touch()
    assert problems(tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="other.html">', "index.html: no file other.html"),
        ('<a href="#other">', "index.html: no anchor #other"),
        ('<img src="picture.svg">', "index.html: no file picture.svg"),
        ('<script src="https://cdn.example.com/a.js"></script>', "index.html: loads https://cdn.example.com/a.js"),
        ('<link rel="stylesheet" href="//fonts.example.com/a.css">', "index.html: loads //fonts.example.com/a.css"),
    ],
)
def test_what_leads_nowhere_or_elsewhere_is_a_problem(tmp_path: Path, body: str, problem: str) -> None:
    assert problems(tmp_path, body) == [problem]


def test_problems_fail_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problems(tmp_path, '<a href="#other">')
    assert CHECK["main"](tmp_path) == 1
    assert capsys.readouterr().err == "index.html: no anchor #other\n"
