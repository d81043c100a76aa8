"""Scrapyd's `application`, put together from its plug points."""

import ipaddress
import logging
import time

import psycopg2
from scrapyd.config import Config
from scrapyd.environ import Environment
from scrapyd.exceptions import ConfigError
from scrapyd.interfaces import IEggStorage, IEnvironment, IJobStorage, IPoller, ISpiderScheduler
from scrapyd.scheduler import SpiderScheduler
from scrapyd.utils import initialize_component
from twisted.application.internet import TCPServer, TimerService
from twisted.application.service import Application
from twisted.internet import reactor

from newsbot.hosting.access import Login, guarded
from newsbot.hosting.config import address, node_name, placed, port
from newsbot.hosting.launcher import prepare
from newsbot.hosting.processes import lives, machine
from newsbot.hosting.scheduler import Scheduler
from newsbot.hosting.sessions import AwayError, sessions
from newsbot.job import HEARTBEAT
from newsbot.storage import nodes
from newsbot.storage.errors import DatabaseError
from newsbot.storage.upgrade import UnknownRevisionError

logger = logging.getLogger(__name__)


def application(config: Config) -> Application:
    """Scrapyd with newsbot's parts. Raises `ConfigError` for a configuration that it must not run with."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s [%(name)s] %(levelname)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    reactor.seconds = time.monotonic  # Twisted's is the wall clock, which may be set
    placed(config)
    place, login = address(config), Login.of(config)
    if login is None and not _is_loopback(place):
        raise ConfigError(
            f"bind_address {place} can be reached from outside, and access to the API runs code: set a username and a"
            " password (SCRAPYD_USERNAME, SCRAPYD_PASSWORD), or bind to 127.0.0.1"
        )
    _prepare(node_name(config))
    app = Application("Scrapyd")
    app.setComponent(IEnvironment, Environment(config))
    app.setComponent(ISpiderScheduler, SpiderScheduler(config))
    for interface, setting in ((IPoller, "poller"), (IJobStorage, "jobstorage"), (IEggStorage, "eggstorage")):
        app.setComponent(interface, initialize_component(config, setting, None))
    launcher = initialize_component(config, "launcher", None, app)
    launcher.setServiceParent(app)
    root = initialize_component(config, "webroot", None, app)
    Scheduler(config, app, root.spiders).setServiceParent(app)
    TimerService(config.getfloat("poll_interval", 0.5), app.getComponent(IPoller).poll).setServiceParent(app)
    TCPServer(port(config), guarded(root, login), interface=place).setServiceParent(app)
    logger.info("Scrapyd will listen on http://%s:%s/", place, port(config))
    return app


def _prepare(name: str) -> None:
    """Bring the database to this version, and check that no other Scrapyd on it has this name.

    The launcher waits later for a database that is away. Raises `ConfigError`.
    """
    try:
        sessions().attempt(prepare)
        known = sessions().transaction(nodes.known).get(name)
    except AwayError as error:
        logger.warning("Scrapyd starts without its database, and waits for it: %s", error)
        return
    except (psycopg2.Error, DatabaseError, UnknownRevisionError) as error:
        raise ConfigError(str(error)) from None
    if known is None or known.silent > 3 * HEARTBEAT:
        return
    if known.machine == machine() and not lives(known.pid, known.birth):
        return
    raise ConfigError(
        f"a Scrapyd named {name!r} is on this database already: process {known.pid} on {known.machine.split('/')[0]};"
        " give this one another node_name in scrapyd.conf, or another port. One killed elsewhere is removed"
        f" after {3 * HEARTBEAT} s"
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
