"""The page at `/`: what there is to try, labelled as an imitation."""

from html import escape

from media_assets.wolkvox.sandbox.faults import FAULTS
from media_assets.wolkvox.sandbox.operations import Operation
from media_assets.wolkvox.sandbox.storage import SHOWN_NAMES, storage_path
from media_assets.wolkvox.sandbox.vendor import Vendor

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
.sandbox { background: #ffd43b; border-radius: .5rem; color: #1f1f1f; padding: 1rem 1.25rem; }
.sandbox h1 { font-size: 1.4rem; margin: 0; }
.sandbox p { margin: .25rem 0 0; }
h2 { margin: 2rem 0 .5rem; }
p.en { margin: 0 0 .75rem; opacity: .75; }
img { border-radius: .5rem; height: auto; max-width: 12rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .35rem .75rem .35rem 0; text-align: left;
  vertical-align: top; }
code { overflow-wrap: anywhere; user-select: all; }
"""


def overview(vendor: Vendor) -> str:
    """A whole HTML document without script. The tokens in it open nothing but this sandbox."""
    origin = f"{vendor.scheme}://127.0.0.1:{vendor.port}"
    operations = "".join(_operation(item, origin=origin) for item in vendor.operations.values())
    faults = "".join(
        f"<tr><td><code>fault-{name}.jpg</code></td><td>{escape(fault.sentence)}</td></tr>"
        for name, fault in FAULTS.items()
    )
    return f"""<!doctype html>
<html lang="es">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>SANDBOX — imitation of wolkvox</title>
<style>{STYLE}</style>
</head>
<body>
<header class="sandbox">
<h1>SANDBOX — imitation of wolkvox</h1>
<p>Una imitación de wolkvox para probar en este equipo. Nada de lo que se envía aquí llega a
wolkvox ni a Meta, y los tokens de esta página solo abren este sandbox.</p>
<p lang="en">Nothing sent here reaches wolkvox or Meta; these tokens open this sandbox only.</p>
</header>
<main>
{operations}
<h2>Fallas a pedido</h2>
<p class="en" lang="en">Faults on demand: put the name in the file's URL. With
<code>-2x</code> after the name, the first two calls only.</p>
<p>El nombre del archivo elige la falla. Con <code>-2x</code> después del nombre
(<code>fault-429-2x.jpg</code>) fallan solo las dos primeras llamadas de esa URL.</p>
<table><thead><tr><th scope="col">Archivo</th><th scope="col">Qué pasa</th></tr></thead>
<tbody>{faults}</tbody></table>
<h2>Qué ha recibido</h2>
<p class="en" lang="en">What has arrived, and the switches for tests.</p>
<ul><li><a href="/ledger"><code>/ledger</code></a></li>
<li><a href="/faults"><code>/faults</code></a></li>
<li><a href="/phases"><code>/phases</code></a></li></ul>
</main>
</body>
</html>
"""


def _operation(operation: Operation, *, origin: str) -> str:
    server = operation.server
    connectors = "".join(
        f"<tr><td><code>{escape(item['connector_id'])}</code></td><td>{escape(item['name'])}</td>"
        f"<td>{escape(item['channel'])}</td></tr>"
        for item in operation.connectors
    )
    paths = [storage_path(name, server=server) for name in SHOWN_NAMES]
    urls = "".join(f"<li><code>{escape(origin + path)}</code></li>" for path in paths)
    return f"""
<h2>Servidor <code>{server}</code></h2>
<p class="en" lang="en">Server, token, connectors and sample files of one operation.</p>
<p>Token: <code>{escape(operation.token)}</code></p>
<table><thead><tr><th scope="col">connector_id</th><th scope="col">Nombre</th>
<th scope="col">Canal</th></tr></thead><tbody>{connectors}</tbody></table>
<p><img src="{escape(paths[0])}" width="800" height="418" alt="Archivo de muestra"></p>
<p>Archivos de muestra, y además <code>muestra-001</code> a <code>muestra-500</code> con
<code>.jpg</code>, <code>.png</code>, <code>.mp4</code> o <code>.pdf</code>:</p>
<ul>{urls}</ul>
"""
