"""The simplest script there is, for comparison."""

import time

import requests

from media_assets.models import Connector
from tools.benchmarks.programs import Sandbox
from tools.benchmarks.rows import file_urls


def script_seconds(sandbox: Sandbox, connector: Connector, *, files: int) -> float:
    """How long a loop of plain `requests.post` takes for so many files of one operation.

    RuntimeError unless each call was answered 200.
    """
    sandbox.forget()
    server = connector.operation.server
    url = f"{sandbox.origin}/wv{server}/api/v2/whatsapp.php?api=upload_media"
    headers = {"wolkvox-token": sandbox.tokens[server]}
    urls = file_urls(connector, files=files, folder="script")
    started = time.perf_counter()
    for file_url in urls:
        body = {"connector_id": connector.connector_id, "file_url": file_url}
        requests.post(url, headers=headers, json=body, timeout=75)
    seconds = time.perf_counter() - started
    sandbox.require(calls=files, at_once=1)
    return seconds
