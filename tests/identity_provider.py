"""An identity provider on this machine, as much of it as signing in needs."""

import copy
import json
import threading
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

CLIENT = "media-handles"


class IdentityProvider:
    """`claims` is who answers next; `asked` what the last authorisation request said.

    `auth_time`, which a token holds where max_age was asked for, is now unless `claims` say else.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def configure(self, settings: Any) -> None:
        """Make it the installation's own."""
        configured = copy.deepcopy(settings.SOCIALACCOUNT_PROVIDERS)
        configured["openid_connect"]["APPS"][0]["settings"]["server_url"] = self.issuer
        settings.SOCIALACCOUNT_PROVIDERS, settings.OIDC_ISSUER = configured, self.issuer

    def __enter__(self) -> "IdentityProvider":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def authorise(self, location: str, **claims: Any) -> str:
        """What the person does there; the query with which their browser comes back."""
        self.asked = {
            name: values[0] for name, values in parse_qs(urlsplit(location).query).items()
        }
        self.claims = claims or self.claims
        return f"code=one-code&state={self.asked['state']}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != self.asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60}
        if "max_age" in self.asked:
            said["auth_time"] = now
        said |= self.claims
        token = jwt.encode(said, "k" * 32, algorithm="HS256", headers={"kid": "1"})
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": token}


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                here = provider.issuer
                ends = ("authorization", "token", "userinfo")
                found = {f"{end}_endpoint": f"{here}/{end}" for end in ends}
                self._answer(200, {"issuer": here, "jwks_uri": f"{here}/keys", **found})
                return
            if self.path.startswith("/authorization?"):  # a browser that is signed in there
                back = provider.authorise(self.path)
                self.send_response(302)
                self.send_header("location", f"{provider.asked['redirect_uri']}?{back}")
                self.send_header("content-length", "0")
                self.end_headers()
                return
            self._answer(200, provider.claims)

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            sent = parse_qs(self.rfile.read(length).decode())
            self._answer(*provider.token({name: values[0] for name, values in sent.items()}))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
