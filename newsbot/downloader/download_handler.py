"""Scrapy's HTTP/1.1 download handler, with guards and stand-ins.

Requests of all components (callbacks, redirects, robots.txt, retries, media) end here, so here no request can bypass a
guard. The module follows the handler of Scrapy 2.19, and overrides the methods that Scrapy's agents override.
"""

from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _BindAddressAgent,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _ScrapyAgent,
)
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, ResponseDataLossError
from scrapy.utils._download_handlers import normalize_bind_address, wrap_twisted_exceptions
from scrapy.utils.defer import maybe_deferred_to_future
from scrapy.utils.httpobj import urlparse_cached
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IHostnameResolver, IReactorPluggableNameResolver, IResolutionReceiver
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS
from twisted.web.client import URI
from zope.interface import implementer

from newsbot.downloader import keys
from newsbot.downloader.addresses import literal_address, refusal
from newsbot.downloader.guards import RefusedRequest, allowed_hosts
from newsbot.downloader.stand_ins import StandIns
from newsbot.sources.options import options_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.internet.address import IPv4Address, IPv6Address
    from twisted.internet.defer import Deferred
    from twisted.internet.interfaces import IAddress, IHostResolution, IProtocol, IProtocolFactory
    from twisted.web.client import HTTPConnectionPool
    from twisted.web.http_headers import Headers
    from twisted.web.iweb import IResponse

    from newsbot.downloader.addresses import AllowedHosts
    from newsbot.sources.api import Key
    from newsbot.sources.secrets import Login

logger = logging.getLogger(__name__)

# Bytes of status line and headers; the limit of Chromium. Twisted limits each line (16 KiB) but not their number, so a
# redirect to a long URL would fail without a reason.
MAX_HEAD = 256 * 1024
MAX_REASON = 200  # characters of a server's text in an error


class GuardSettings:
    """Extension that reads the settings of the guards at start, so that a wrong value ends the run.

    If the download handler raised it, Scrapy would log it and go on without the scheme.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardSettings:
        """Raise ValueError for a wrong ``ALLOW_PRIVATE_HOSTS`` or ``STAND_INS``."""
        allowed_hosts(crawler.settings)
        StandIns(crawler.settings)
        return cls()


class GuardedDownloadHandler(HTTP11DownloadHandler):
    """Downloads over http and https from public addresses, allowed hosts and stand-ins.

    Raises RefusedRequest for all others, counted in the stats as ``guards/refused`` and ``guards/refused/<reason>``.
    ``guards/proxied`` counts the requests to a proxy, which resolves their host itself.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._allowed = allowed_hosts(crawler.settings)
        self._stand_ins = StandIns(crawler.settings)
        self._pool._factory = _BoundedHeadFactory

    async def download_request(self, request: Request) -> Response:
        """Download a request; the response has its URL, even from a stand-in."""
        agent = _GuardedScrapyAgent(
            self._allowed,
            self._stand_ins,
            contextFactory=self._contextFactory,
            bindAddress=self._bind_address,
            pool=self._pool,
            maxsize=self._default_maxsize,
            warnsize=self._default_warnsize,
            fail_on_dataloss=self._fail_on_dataloss,
            crawler=self._crawler,
            tls_verbose_logging=self._tls_verbose_logging,
        )
        try:
            with wrap_twisted_exceptions():
                return _without_key(await maybe_deferred_to_future(agent.download_request(request)), request)
        except (DownloadCancelledError, DownloadFailedError, ResponseDataLossError) as error:
            raise type(error)(keys.hidden(self._in_words(error, request).encode(), request).decode()) from error
        except RefusedRequest as error:
            logger.warning("%s: %s", request, error)
            self._crawler.stats.inc_value("guards/refused")
            for reason in set(error.addresses.values()):
                self._crawler.stats.inc_value(f"guards/refused/{reason}")
            raise

    def _in_words(self, error: Exception, request: Request) -> str:
        """The error in words for a user: Scrapy gives no text, or the names of Twisted's objects."""
        if isinstance(error, DownloadCancelledError):
            maxsize = request.meta.get("download_maxsize")
            setting = "" if maxsize else " (DOWNLOAD_MAXSIZE)"
            return str(error) or f"larger than {maxsize or self._default_maxsize} bytes{setting}"
        if isinstance(error, ResponseDataLossError):
            return "the answer broke off before its end"
        reasons = getattr(error.__cause__, "reasons", ())
        return "; ".join(reason.getErrorMessage()[:MAX_REASON] for reason in reasons) or str(error)


class _GuardedScrapyAgent(_ScrapyAgent):
    def __init__(self, allowed: AllowedHosts, stand_ins: StandIns, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._allowed = allowed
        self._stand_ins = stand_ins

    def _get_agent(self, request: Request, timeout: float) -> Any:
        # Twisted connects by this parser: two parsers could read different hosts.
        uri = URI.fromBytes(request.url.encode("ascii"))
        agent = self._unkeyed_agent(request, uri, timeout)
        options = options_of(request)
        for key in options.keys if options else ():
            if keys.fits(key, uri):
                agent = _KeyedAgent(agent, key.key)
        return agent

    def _unkeyed_agent(self, request: Request, uri: URI, timeout: float) -> Any:
        base = self._stand_ins.base_for(uri)
        if base is None and request.meta.get("proxy"):
            self._check_proxied(request)
            _note_reached(request)  # a proxy does not say whom it reached
            return super()._get_agent(request, timeout)

        from twisted.internet import reactor

        return _GuardedAgent(
            self._allowed,
            base,
            reactor=reactor,
            contextFactory=self._contextFactory,
            connectTimeout=timeout,
            bindAddress=normalize_bind_address(request.meta.get("bindaddress") or self._bindAddress),
            pool=_NotingPool(self._pool, request),
        )

    def _cb_bodyready(self, txresponse: IResponse, request: Request) -> Any:
        """Write the body of a 200 to the file of the request's options, if there is one, not into memory."""
        options = options_of(request)
        if options and options.file is not None and txresponse.code == 200:
            file = options.file
            file.seek(0)
            file.truncate()
            deliver = txresponse.deliverBody

            def deliver_to_file(reader: Any) -> None:
                reader._bodybuf = _BodyFile(file)
                deliver(reader)

            txresponse.deliverBody = deliver_to_file
        return super()._cb_bodyready(txresponse, request)

    def _check_proxied(self, request: Request) -> None:
        if not self._crawler.stats.get_value("guards/proxied"):
            logger.warning(
                "Requests go through a proxy, which resolves host names itself: newsbot checks only addresses in the "
                "URL, and the proxy has to refuse names that lead to private addresses"
            )
        self._crawler.stats.inc_value("guards/proxied")
        host = urlparse_cached(request).hostname or ""
        address = literal_address(host)
        reason = address and host not in self._allowed and refusal(address)
        if reason:
            raise RefusedRequest(host, {str(address): reason})


def _without_key(response: Response, request: Request) -> Response:
    """The response without the key in its headers, as redirects and links to the next page come from them."""
    options = options_of(request)
    if options and options.keys:
        for name, values in response.headers.items():
            response.headers[name] = [keys.hidden(value, request) for value in values]
    return response


def _note_reached(request: Request) -> None:
    """Note that the request may have reached a server."""
    if options := options_of(request):
        options.reached = True


class _BodyFile:
    """Replaces the buffer of Scrapy's reader by a file of the request; the body of the response is then empty."""

    def __init__(self, file: Any) -> None:
        self.write = file.write
        self.truncate = file.truncate

    def getvalue(self) -> bytes:
        return b""


class _KeyedAgent:
    """Adds a secret as the request leaves, so that no earlier URL, log line or message can hold it."""

    def __init__(self, agent: Any, key: Key | Login) -> None:
        self._agent = agent
        self._key = key

    def request(self, method: bytes, uri: bytes, headers: Headers, body: Any) -> Deferred[IResponse]:
        return self._agent.request(method, keys.add(self._key, uri, headers), headers, body)


class _NotingPool:
    """Notes that a request has a connection; a failure before that reached nobody."""

    def __init__(self, pool: HTTPConnectionPool, request: Request) -> None:
        self._pool = pool
        self._request = request

    @property
    def persistent(self) -> bool:
        return self._pool.persistent

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:  # noqa: N802
        return self._pool.getConnection(key, endpoint).addCallback(self._note)

    def _note(self, protocol: Any) -> Any:
        _note_reached(self._request)
        return protocol


class _GuardedAgent(_BindAddressAgent):
    """Connects to the stand-in of a host, if any, else to the addresses that the guard allows."""

    def __init__(self, allowed: AllowedHosts, base: URI | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._allowed = allowed
        self._base = base

    def _getEndpoint(self, uri: URI) -> Any:  # noqa: N802
        target = self._base or uri
        host = target.host.decode("ascii")
        unchecked = self._base is not None or host in self._allowed
        endpoint = (HostnameEndpoint if unchecked else _PublicEndpoint)(
            self._reactor,
            host,
            target.port,
            timeout=self._endpointFactory._connectTimeout,
            bindAddress=self._endpointFactory._bindAddress,
        )
        if target.scheme == b"http":
            return endpoint
        return wrapClientTLS(self._endpointFactory._policyForHTTPS.creatorForNetloc(target.host, target.port), endpoint)

    def _requestWithEndpoint(  # noqa: N802
        self,
        key: tuple[Any, ...],
        endpoint: Any,
        method: bytes,
        parsedURI: URI,  # noqa: N803
        headers: Headers,
        bodyProducer: Any,  # noqa: N803
        requestPath: bytes,  # noqa: N803
    ) -> Deferred[IResponse]:
        if self._base is not None:
            requestPath = self._base.path + requestPath  # noqa: N806
            headers.removeHeader(b"Proxy-Authorization")
        return super()._requestWithEndpoint(key, endpoint, method, parsedURI, headers, bodyProducer, requestPath)


class _PublicEndpoint(HostnameEndpoint):
    """Connects to the public addresses of a host, and only to addresses that were checked."""

    def __init__(self, reactor: Any, host: str, port: int, **kwargs: Any) -> None:
        self._resolver = _PublicAddresses(reactor.nameResolver)
        super().__init__(_ReactorWithResolver(reactor, self._resolver), host, port, **kwargs)
        self._host = host

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803
        return super().connect(protocolFactory).addErrback(self._explain_refusal)

    def _explain_refusal(self, failure: Failure) -> Failure:
        if failure.check(DNSLookupError) and self._resolver.refused:
            raise RefusedRequest(self._host, self._resolver.refused)
        return failure


@implementer(IHostnameResolver, IResolutionReceiver)
class _PublicAddresses:
    """Passes on the addresses of another resolver, without the refused ones; it filters after that resolver's cache."""

    def __init__(self, resolver: Any) -> None:
        self._resolver = resolver
        self.refused: dict[str, str] = {}

    def resolveHostName(self, receiver: Any, *args: Any, **kwargs: Any) -> IHostResolution:  # noqa: N802
        self._receiver = receiver
        self.refused = {}
        return self._resolver.resolveHostName(self, *args, **kwargs)

    def resolutionBegan(self, resolution: IHostResolution) -> None:  # noqa: N802
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IPv4Address | IPv6Address) -> None:  # noqa: N802
        reason = refusal(ip_address(address.host))
        if reason:
            self.refused[address.host] = reason
        else:
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        self._receiver.resolutionComplete()


@implementer(IReactorPluggableNameResolver)
class _ReactorWithResolver:
    """The reactor with another resolver, because an endpoint takes its resolver from the reactor."""

    def __init__(self, reactor: Any, resolver: _PublicAddresses) -> None:
        self._reactor = reactor
        self.nameResolver = resolver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


class _BoundedHeadProtocol(_LenientHTTP11ClientProtocol):
    """Ends a connection whose status line and headers, interim responses included, grow past MAX_HEAD."""

    def request(self, request: Any) -> Deferred[IResponse]:
        self._head_size = 0
        answered = super().request(request)
        if self._parser is not None:  # None if the connection takes no more requests
            self._parser.MAX_LENGTH = MAX_HEAD
        return answered

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self._parser is not None and self._parser.state in (STATUS, HEADER):
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self._giveUp(Failure(DownloadFailedError(f"the response's headers are longer than {MAX_HEAD} bytes")))
                self.transport.abortConnection()
                return
        super().dataReceived(data)


class _BoundedHeadFactory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: IAddress | None) -> _BoundedHeadProtocol:  # noqa: N802
        return _BoundedHeadProtocol(self._quiescentCallback)
