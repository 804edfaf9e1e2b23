import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_assets.wolkvox import handles


def line(
    *, file_name="", mime_type="aW1hZ2UvcG5n", marker="e", expires="1681237341", app_id="6346"
):
    return f"4:{file_name}:{mime_type}:ARZVv4zu-_Hg:{marker}:{expires}:{app_id}:100089:ARa1ZDhwbLZ"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def test_the_fields_of_a_handle_are_read():
    handle = handles.parse(line(file_name="dGVzcy5tcDQ=", mime_type="dmlkZW8vbXA0"))
    assert handle.mime_type == "video/mp4"
    assert handle.file_name == "tess.mp4"
    assert handle.expires_at == datetime(2023, 4, 11, 18, 22, 21, tzinfo=UTC)
    assert handle.app_id == "6346"
    assert handle.lines[0].user_id == "100089"
    assert not handle.is_multiline


@pytest.mark.parametrize(
    ("field", "mime_type"),
    [
        ("aW1hZ2UvcG5n", "image/png"),
        ("aW1hZ2UvanBlZw==", "image/jpeg"),
        ("aW1hZ2UvanBlZw", "image/jpeg"),
        ("YXBwbGljYXRpb24vcGRm", "application/pdf"),
        ("aW1hZ", None),
        ("%%%", None),
        ("A", None),
        ("", None),
        ("é", None),
        (encoded("no type"), None),
        (encoded("text/html\n"), None),
        (encoded("<b>/x"), None),
    ],
)
def test_a_mime_type_is_read_or_left_out(field, mime_type):
    assert handles.parse(line(mime_type=field)).mime_type == mime_type


@pytest.mark.parametrize(
    ("field", "file_name"),
    [
        ("", None),
        (encoded("menú del día.pdf"), "menú del día.pdf"),
        (encoded("menú del día.pdf").rstrip("="), "menú del día.pdf"),
        (base64.urlsafe_b64encode("ÿÿÿ>>>???.png".encode()).decode(), "ÿÿÿ>>>???.png"),
        (base64.b64encode(b"\xff\xfe").decode(), None),
        (encoded("a\x00b"), None),
        ("====", None),
    ],
)
def test_a_file_name_is_read_or_left_out(field, file_name):
    assert handles.parse(line(file_name=field)).file_name == file_name


@pytest.mark.parametrize(
    "expires", ["", "x", "-1", "1e9", "99999999999", "9" * 5000, "١٦٨١٢٣٧٣٤١", " 1681237341"]
)
def test_an_absurd_expiry_is_left_out(expires):
    assert handles.parse(line(expires=expires)).expires_at is None


def test_an_expiry_is_only_read_after_its_mark():
    assert handles.parse(line(marker="f")).expires_at is None


def test_a_handle_of_several_lines_keeps_every_line_and_expires_with_the_first_to_expire():
    text = "\n".join([line(expires="1800000000"), line(expires="1700000000"), "short"])
    handle = handles.parse(text)
    assert handle.text == text
    assert handle.is_multiline
    assert [each.text for each in handle.lines] == text.split("\n")
    assert handle.first_line == line(expires="1800000000")
    assert handle.expires_at == datetime.fromtimestamp(1700000000, UTC)
    assert handle.lines[2].mime_type is None


def test_a_final_line_break_stays_in_the_text_and_makes_no_second_line():
    handle = handles.parse(line() + "\n")
    assert handle.text == line() + "\n"
    assert handle.first_line == line()
    assert not handle.is_multiline


@pytest.mark.parametrize("text", ["", "\n", "x", "4:a:b", "a:" * 8 + "b", "a:" * 20, " 4:: "])
def test_unknown_shapes_are_handles_all_the_same(text):
    handle = handles.parse(text)
    assert handle.text == text
    assert handle.expires_at is None
    assert handle.mime_type is handle.file_name is handle.app_id is None


@pytest.mark.parametrize(
    "text", ["https://scontent.whatsapp.net/v/x.png", "  HTTP://x", "\nhttps://x\n4::"]
)
def test_a_url_in_place_of_a_handle_is_refused(text):
    assert handles.looks_like_url(text)
    with pytest.raises(ValueError, match="URL"):
        handles.parse(text)


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_text_that_is_no_url_is_parsed_and_kept(text):
    if not handles.looks_like_url(text):
        assert handles.parse(text).text == text


@given(st.lists(st.text(alphabet=st.characters(exclude_characters=":")), min_size=9, max_size=9))
def test_nine_fields_with_anything_in_them_are_parsed(fields):
    text = ":".join(fields)
    if not handles.looks_like_url(text):
        handle = handles.parse(text)
        assert handle.text == text
        assert handle.expires_at is None or handle.expires_at.tzinfo is UTC
