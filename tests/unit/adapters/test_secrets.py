"""Secrets, fixed and in files."""

import threading
from pathlib import Path

import pytest

from intercom_sink import IntercomSinkError
from intercom_sink.adapters.secrets import MAX_SIZE, FileSecret, FixedSecret, Secret, UnreadableSecret


def check_ascii(text: str) -> None:
    if not text.isascii():
        raise ValueError("holds a character that is not ASCII")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("one\n")
    return path


def test_fixed_secret_never_changes_and_is_not_shown() -> None:
    secret: Secret = FixedSecret("one")
    assert secret.value == "one"
    assert not secret.reload()
    assert "one" not in repr(secret)


@pytest.mark.parametrize("content", [b"one", b"one\n", b" \t\r\none \r\n\n", b"\xef\xbb\xbfone\r\n"])
def test_white_space_around_the_secret_is_no_part_of_it(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert FileSecret(path).value == "one"
    assert "one" not in repr(FileSecret(str(path)))


def test_change_is_reported_by_the_reload_that_finds_it(path: Path) -> None:
    secret: Secret = FileSecret(path)
    assert not secret.reload()
    path.write_text("two\n")
    assert secret.value == "one", "nothing is read before a reload"
    assert secret.reload()
    assert secret.value == "two"
    assert not secret.reload()
    path.write_text(" two")
    assert not secret.reload(), "the secret is the same"


def test_file_behind_a_link_that_is_switched_is_found(tmp_path: Path) -> None:
    """Kubernetes replaces a mounted secret so."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(name)
    link = tmp_path / "data"
    link.symlink_to("one")
    secret = FileSecret(link / "token")
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(link)
    assert secret.reload()
    assert secret.value == "two"


BROKEN = {
    "empty": (b"", "is empty"),
    "blank": (b" \n", "is empty"),
    "not UTF-8": (b"secr\xe9t", "is not text in UTF-8"),
    "refused by the check": ("secrét".encode(), "holds a character that is not ASCII"),
    "too long": (b"secret" * MAX_SIZE, f"has over {MAX_SIZE} bytes"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_file_that_holds_no_valid_secret_is_an_error_at_the_start(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)
    with pytest.raises(UnreadableSecret) as caught:
        FileSecret(path, check_ascii)
    assert str(caught.value) == f"the file '{path}' {reason}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__, "a traceback would show the content"


@pytest.mark.parametrize(("content", "_"), BROKEN.values(), ids=BROKEN)
def test_last_valid_secret_is_kept_while_the_file_holds_none(path: Path, content: bytes, _: str) -> None:
    secret = FileSecret(path, check_ascii)
    path.write_bytes(content)
    assert not secret.reload()
    assert secret.value == "one"
    path.write_text("two")
    assert secret.reload()


def test_file_that_is_not_there_is_an_error_at_the_start_only(path: Path) -> None:
    secret = FileSecret(path)
    path.unlink()
    assert not secret.reload()
    assert secret.value == "one"
    with pytest.raises(UnreadableSecret, match=r"^the file '.*/token' can't be read: No such file or directory$"):
        FileSecret(path)
    with pytest.raises(UnreadableSecret, match="can't be read: Is a directory"):
        FileSecret(path.parent)
    with pytest.raises(UnreadableSecret, match=r"the file 'a\\x00b' can't be read: embedded null byte"):
        FileSecret("a\0b")
    assert issubclass(UnreadableSecret, IntercomSinkError)
    assert issubclass(UnreadableSecret, ValueError)


def test_change_is_found_once_by_many_threads(path: Path) -> None:
    secret = FileSecret(path)
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(secret.reload())) for _ in range(8)]
    other = path.with_name("new")
    other.write_text("two")
    other.replace(path)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count(True) == 1
    assert secret.value == "two"
