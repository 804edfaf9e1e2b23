import ast
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_assets.wolkvox import handles
from media_assets.wolkvox.snippets import snippets

HANDLE = "4::aW1hZ2UvcG5n:ARZVv4zu-_Hg:e:1900000000:6346:100089:ARa1ZDhw=="
TWO_LINES = f"{HANDLE}\n{HANDLE[::-1]}"
HOSTILE = [
    "it's",
    '"; echo "owned',
    "$(touch owned) `touch owned` ${HOME} $HOME",
    "!! !echo !$",
    "a\nb\r\nc\n",
    "\\n \\\\ \\",
    "'\"'\"'",
    "@/etc/passwd",
    "--output=owned",
    "\x01\x07\x1b[31m\x7f\x85\u2028\u202e\ufeff",
    "{{1}} {body} %s {url}",
    "ñandú 漢字 🙂",
    "\ud800 half",
    "</script><!--",
    TWO_LINES,
]

texts = st.text(alphabet=st.characters(), min_size=1).filter(
    lambda text: not handles.looks_like_url(text)
)


def by_name(handle, *, base_url="https://wv0042.wolkvox.com/api/v2/", connector_id="1266"):
    found = snippets(
        handle,
        connector_id=connector_id,
        format="IMAGE",
        base_url=base_url,
        public_url="https://storage.example/photo.png",
    )
    return {snippet.name: snippet for snippet in found}


def handle_in(body):
    return body["components"][0]["example"]["header_handle"]


def assigned_body(script):
    [body] = [node.value for node in ast.parse(script).body if isinstance(node, ast.Assign)][:1]
    return ast.literal_eval(body)


@contextmanager
def listening():
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"code": "200"}')

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/wv0042/api/v2/", received
        finally:
            server.shutdown()
            thread.join()


def environment():
    return {"PATH": os.environ["PATH"], "WOLKVOX_TOKEN": "a-token", "LC_ALL": "C.UTF-8"}


def test_a_handle_of_one_line_has_every_snippet_but_the_first_line():
    assert {name: snippet.language for name, snippet in by_name(HANDLE).items()} == {
        "handle": "text",
        "header_handle": "json",
        "create_template": "json",
        "create_utility_template": "json",
        "curl": "bash",
        "python": "python",
        "meta": "json",
        "public_url": "text",
    }


def test_a_handle_of_several_lines_can_be_copied_whole_or_by_its_first_line():
    found = by_name(TWO_LINES)
    assert list(found)[:2] == ["handle", "first_line"]
    assert found["handle"].text == TWO_LINES
    assert found["first_line"].text == HANDLE
    assert handle_in(json.loads(found["create_template"].text)) == TWO_LINES


def test_the_header_is_a_component_of_its_own():
    assert json.loads(by_name(HANDLE)["header_handle"].text) == {
        "type": "HEADER",
        "format": "IMAGE",
        "example": {"header_handle": HANDLE},
    }


@pytest.mark.parametrize(
    ("name", "category"), [("create_template", "MARKETING"), ("create_utility_template", "UTILITY")]
)
def test_a_template_is_a_whole_body_for_wolkvox(name, category):
    body = json.loads(by_name(HANDLE)[name].text)
    assert list(body) == ["connector_id", "name", "language", "category", "components"]
    assert body["connector_id"] == "1266"
    assert body["category"] == category
    assert body["language"] == "es"
    assert body["name"].replace("_", "").isalpha()
    assert body["name"].islower()
    assert handle_in(body) == HANDLE


@pytest.mark.parametrize("name", ["create_template", "create_utility_template", "meta"])
def test_the_example_texts_keep_metas_rules(name):
    body = json.loads(by_name(HANDLE)[name].text)
    components = {component["type"]: component for component in body["components"]}
    text = components["BODY"]["text"]
    [examples] = components["BODY"]["example"]["body_text"]
    assert [f"{{{{{number}}}}}" in text for number in (1, 2, 3)] == [True, True, False]
    assert len(examples) == 2
    assert not text.startswith("{{")
    assert not text.endswith("}}")
    assert len(components.get("FOOTER", {"text": ""})["text"]) <= 60


def test_metas_own_body_has_the_handle_in_a_list_and_no_connector():
    body = json.loads(by_name(HANDLE)["meta"].text)
    assert handle_in(body) == [HANDLE]
    assert "connector_id" not in body


def test_accents_are_readable_in_json():
    assert "colección" in by_name(HANDLE)["create_template"].text


def test_without_a_public_url_there_is_nothing_to_copy_for_it():
    found = snippets(HANDLE, connector_id="1", format="VIDEO", base_url="https://x/", public_url="")
    assert "public_url" not in [snippet.name for snippet in found]


def test_a_url_in_place_of_a_handle_has_no_snippets():
    with pytest.raises(ValueError, match="URL"):
        by_name("https://scontent.whatsapp.net/v/x.png")


@given(texts)
def test_any_handle_survives_in_every_snippet(text):
    found = by_name(text)
    assert found["handle"].text == text
    assert json.loads(found["header_handle"].text)["example"]["header_handle"] == text
    assert handle_in(json.loads(found["create_template"].text)) == text
    assert handle_in(json.loads(found["create_utility_template"].text)) == text
    assert handle_in(json.loads(found["meta"].text)) == [text]
    assert handle_in(assigned_body(found["python"].text.encode("utf-8"))) == text


@given(texts)
def test_any_handle_leaves_the_curl_command_with_one_quoted_body(text):
    command = by_name(text)["curl"].text
    body = command[command.index("--data-raw '") + len("--data-raw '") : -len("'\n")]
    assert "'" not in body
    assert "!" not in body
    assert handle_in(json.loads(body)) == text
    command.encode("utf-8")


@given(texts, st.text(alphabet=st.characters()))
def test_json_snippets_can_be_stored_and_shown_whatever_is_in_them(text, connector_id):
    for name, snippet in by_name(text, connector_id=connector_id).items():
        if name not in ("handle", "first_line"):
            assert "\0" not in snippet.text
            snippet.text.encode("utf-8")


@pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl"
)
@pytest.mark.parametrize("handle", HOSTILE, ids=range(len(HOSTILE)))
def test_the_curl_command_runs_as_pasted_whatever_is_in_the_handle(handle, tmp_path):
    with listening() as (base_url, received):
        command = by_name(handle, base_url=base_url)["curl"].text
        done = subprocess.run(
            ["bash", "--norc"],
            input=command.encode(),
            cwd=tmp_path,
            env={**environment(), "HOME": str(tmp_path)},
            capture_output=True,
            timeout=10,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, b'{"code": "200"}', b"")
    [(path, headers, body)] = received
    assert path == "/wv0042/api/v2/whatsapp.php?api=create_template"
    assert headers["wolkvox-token"] == "a-token"
    assert headers["Content-Type"] == "application/json"
    assert handle_in(body) == handle
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("handle", ["\n".join(HOSTILE), HANDLE])
def test_the_python_script_runs_as_it_is_whatever_is_in_the_handle(handle, tmp_path):
    script = tmp_path / "script.py"
    with listening() as (base_url, received):
        script.write_text(by_name(handle, base_url=base_url)["python"].text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, script],
            env=environment(),
            capture_output=True,
            timeout=20,
            check=False,
        )
    assert (done.returncode, done.stdout.decode().strip()) == (0, '200 {"code": "200"}')
    [(path, headers, body)] = received
    assert path == "/wv0042/api/v2/whatsapp.php?api=create_template"
    assert headers["wolkvox-token"] == "a-token"
    assert handle_in(body) == handle


def test_no_snippet_follows_a_redirect_with_the_token():
    found = by_name(HANDLE)
    assert "--location" not in found["curl"].text
    assert "allow_redirects=False" in found["python"].text
