"""A file that is called CSV: whatever it is, it costs little and gets a sentence."""

import io
import tracemalloc
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from media_assets.models import Upload
from tests.factories import make_connector

STORAGE = "https://storage.googleapis.com/wvox-0042/"
MB = 1024 * 1024
KEY = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"


@pytest.fixture(autouse=True)
def no_looks(settings):
    settings.PROBE_SECONDS = settings.PROBE_SECONDS_LARGE = 0.0


@pytest.fixture
def send(marketing, client_for):
    connector = make_connector()
    client = client_for(marketing)

    def send(content: bytes, *, name: str = "files.csv", typed: str = "", path="new_upload"):
        file = SimpleUploadedFile(name, content, content_type="text/csv")
        values = {"connector": connector.code, "key": KEY, "urls": typed, "csv_file": file}
        return client.post(reverse(path), values)

    return send


def sentences(page) -> str:
    assert page.status_code == 200
    form = page.context["form"]
    of_lines = [str(line.sentence) for line in page.context["checked"].lines if line.sentence]
    return " ".join([*form.errors.get("csv_file", []), *form.errors.get("urls", []), *of_lines])


def rows(count: int, *, eol: str = "\n") -> str:
    return eol.join(["url,label", *(f"{STORAGE}ñ{n}.jpg,Promoción {n}" for n in range(count))])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_write_is_read_with_its_accents(encoding, eol, send):
    answer = send(rows(2, eol=eol).encode(encoding))

    assert answer.status_code == 303
    labels = Upload.objects.order_by("id").values_list("label", flat=True)
    assert list(labels) == ["Promoción 0", "Promoción 1"]
    assert Upload.objects.filter(file_url=f"{STORAGE}%C3%B10.jpg").exists()


def zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("files.csv", b"\0" * (200 * MB))
    return packed.getvalue()


WRONG = {
    "nothing": (lambda: b"", "The file is empty."),
    "a byte-order mark alone": (lambda: b"\xef\xbb\xbf", "The file is empty."),
    "blank lines": (lambda: b"\r\n\n  \n", "The file is empty."),
    "too big": (lambda: b"x" * (MB + 1), "at most 1024 KB. Split it"),
    "one line of 10 MB": (lambda: b"url\n" + b"a" * (10 * MB), "at most 1024 KB. Split it"),
    "one line of 1 MB": (lambda: b"url\n" + b"a" * (MB - 10), "not a CSV file"),
    "one cell of 1 MB": (lambda: b'url\n"' + b"a" * 300 * 1024, "not a CSV file"),
    "NUL": (lambda: b"url\nhttps://a.co/a\0.jpg", "This is not a CSV file."),
    "NUL, in UTF-16": (lambda: "url\na\0.jpg".encode("utf-16"), "This is not a CSV file."),
    "half a UTF-16": (lambda: b"\xff\xfeu\0r\0l\0\n\0a", "address|begin with https"),
    "a zip bomb": (zip_bomb, "This is not a CSV file."),
    "a small zip": (lambda: zip_bomb()[:900], "This is not a CSV file."),
    "a workbook": (lambda: b"PK\x03\x04\x14\0\x06\0" + b"\x08" * 99, "This is not a CSV file."),
    "a picture": (lambda: b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(range(256)), "not a CSV file"),
    "bytes of no encoding": (lambda: b"url\nhttps://a.co/\x81\x8d.jpg", "cannot be read"),
    "other columns": (lambda: b"where,who\nhttps://a.co/a.jpg,me", "none of them is called url"),
    "too many rows": (lambda: rows(501).encode(), "at most 500 can be sent"),
    "far too many rows": (lambda: b"url\n" + b"a\n" * 500_000, "at most 500 can be sent"),
    "only delimiters": (lambda: b"url,label\n" + b"," * 100_000, "empty"),
    "an open quote": (lambda: b'url\n"https://a.co/a.jpg', "invisible|blank|not CSV|scheme|known"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_such_file_gets_a_sentence_keeps_what_was_typed_and_little_memory(kind, send):
    make, words = WRONG[kind]
    content = make()
    typed = f"{STORAGE}typed.jpg\tmine"
    send(b"url\nx", path="check_lines")  # what is loaded once is loaded now
    tracemalloc.start()
    page = send(content, typed=typed)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    if kind == "an open quote":  # csv reads to the end of the file: one address, as meant
        assert page.status_code == 303
        return
    assert any(word in sentences(page) for word in words.split("|")), sentences(page)
    assert page.context["form"].typed.startswith(typed)
    assert not Upload.objects.exists()
    assert peak - len(content) < 60 * MB


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("//evil")'])
def test_a_formula_is_a_label_like_any_other_and_leaves_as_text(cell, send, supervisor, client_for):
    quoted = cell.replace('"', '""')
    answer = send(f'url,label\n{STORAGE}a.jpg,"{quoted}"'.encode())
    assert answer.status_code == 303

    exported = client_for(supervisor).get(reverse("history_csv"))
    text = b"".join(exported.streaming_content).decode("utf-8-sig")
    line = next(line for line in text.splitlines() if "a.jpg" in line)
    assert Upload.objects.get().label == cell.strip()
    assert f"'{cell.strip()}"[:4] in line
    assert f",{cell.strip()}"[:3] not in line


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "+https://a.co/a.jpg"])
def test_a_formula_is_no_address(cell, send):
    assert "begin with https://" in sentences(send(f"url\n{cell}".encode()))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\0.csv", "<script>alert(1)</script>.csv", "a" * 3_000, "CON"]
)
def test_the_name_of_the_file_does_not_matter(name, send):
    answer = send(rows(1).encode(), name=name)
    assert answer.status_code in {303, 400}
    assert Upload.objects.count() == (1 if answer.status_code == 303 else 0)
