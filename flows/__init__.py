"""The wiring: flows, servers, the command line, and what Python users call.

Prefect reads its settings when it is imported, and every module here that imports it comes behind this file.
"""

from contextlib import suppress

from genfoundry.errors import UserError

from .servers.environment import prepare

with suppress(UserError):  # whoever begins a flow, or runs a command, prepares again and is told
    prepare()
