"""gunicorn reads this when it is started in this folder; what its command line says goes before."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wolkvox_admin.settings")

from wolkvox_admin import serving

bind = "127.0.0.1:8000"
worker_class = "gthread"
threads = 8
accesslog = "-"
logger_class = serving.Log
on_starting = serving.on_starting
# an address of 2,048 characters that is asked for as ?url=, each of them encoded
limit_request_line = 8_190
