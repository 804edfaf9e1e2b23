"""The WSGI application for gunicorn or another server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wolkvox_admin.settings")
application = get_wsgi_application()

from media_assets import safe_start  # noqa: E402  (Django has to be set up first)

safe_start.require()
