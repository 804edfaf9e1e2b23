"""Everything about a submitted file URL before it is sent: its text, then a look at the file."""

from media_assets.preflight.probes import Probe as Probe
from media_assets.preflight.probes import cached_probe as cached_probe
from media_assets.preflight.probes import probe as probe
from media_assets.preflight.probes import probe_many as probe_many
from media_assets.preflight.urls import FileUrl as FileUrl
from media_assets.preflight.urls import UrlProblem as UrlProblem
from media_assets.preflight.urls import check_storage_hosts as check_storage_hosts
from media_assets.preflight.urls import parse_url as parse_url
