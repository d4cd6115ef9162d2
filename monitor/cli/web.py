"""The command that serves the review pages."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click

from monitor.cli.common import config_option, now, read_store
from monitor.errors import LongarmError

_PORT = 8080


@click.command()
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 is all.")
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0: any free one.")
def web(config: Path, host: str, port: int) -> None:
    """Serve the review pages: queue, digest, stories, search, feeds, channels, model.

    They read the state beside a running daemon; what you say on them is done by `longarm run`, or when the pages are
    closed. Beyond this machine they are served only with LONGARM_WEB_PASSWORD or behind a reverse proxy that logs in.

    \b
    Example:
      longarm web --port 8080
    """
    from monitor import config as configuration  # noqa: PLC0415
    from monitor import log  # noqa: PLC0415
    from monitor.web import serving  # noqa: PLC0415

    loaded = configuration.load(config, os.environ)
    serving.admission(loaded, host)
    log.configure()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    serving.settle(loaded, now())
    try:
        with read_store(loaded) as store:
            serving.serve(loaded, store, host=host, port=port, clock=now)
    except OSError as error:
        raise LongarmError(
            f"{log.escaped(host)}:{port}: can't be listened on ({error.strerror or error}); name another --port"
        ) from error
    finally:
        serving.settle(loaded, now())
