"""A crawl in a separate process: reads {settings, requests, names, public} as JSON, prints the results.

``names`` maps a name to the system resolver's answers: a list of lists of addresses, one for each look-up, the last
one for all further look-ups. ``public`` lists loopback addresses that this process takes for public ones.
"""

import json
import re
import resource
import socket
import sys
from pathlib import Path

task = json.load(sys.stdin)
names = task.get("names", {})
lookups = []
system_getaddrinfo = socket.getaddrinfo


def getaddrinfo(host, port, *args, **kwargs):
    lookups.append(host)
    if host not in names:
        return system_getaddrinfo(host, port, *args, **kwargs)
    answers = names[host]
    addresses = answers.pop(0) if len(answers) > 1 else answers[0]
    return [found for address in addresses for found in system_getaddrinfo(address, port, *args, **kwargs)]


socket.getaddrinfo = getaddrinfo  # before Twisted takes its reference
socket.gethostbyname = lambda host: getaddrinfo(host, None)[0][4][0]

import scrapy  # noqa: E402
from scrapy.crawler import AsyncCrawlerProcess  # noqa: E402

from newsbot.downloader import download_handler  # noqa: E402

public = set(task.get("public", []))
project_refusal = download_handler.refusal
download_handler.refusal = lambda address: None if str(address) in public else project_refusal(address)

outcomes = []


def peak_memory():
    """In bytes. Linux counts what the parent had before exec() into ru_maxrss; macOS knows no /proc, nor that quirk."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Probe(scrapy.Spider):
    name = "probe"

    async def start(self):
        for request in task["requests"]:
            yield scrapy.Request(
                request["url"],
                meta=request.get("meta", {}),
                headers=request.get("headers"),
                callback=self.parse,
                errback=self.failed,
                dont_filter=True,
                cb_kwargs={"asked": request["url"]},
            )

    def parse(self, response, asked):
        outcomes.append(
            {
                "asked": asked,
                "url": response.url,
                "request_url": response.request.url,
                "status": response.status,
                "body": response.text[:2000] if isinstance(response, scrapy.http.TextResponse) else None,
                "retry_after": response.meta.get("retry_after"),
            }
        )

    def failed(self, failure):
        outcomes.append(
            {
                "asked": failure.request.cb_kwargs["asked"],
                "error": failure.type.__name__,
                "message": str(failure.value),
                "reasons": getattr(failure.value, "addresses", None),
            }
        )


HANDLER = "newsbot.downloader.download_handler.GuardedDownloadHandler"
process = AsyncCrawlerProcess(
    {
        "DOWNLOAD_HANDLERS": {
            "http": HANDLER,
            "https": HANDLER,
            **dict.fromkeys(("file", "ftp", "s3", "data")),
        },
        "TWISTED_DNS_RESOLVER": "scrapy.resolver.CachingHostnameResolver",
        "EXTENSIONS": {"newsbot.downloader.download_handler.GuardSettings": 0},
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
            "newsbot.downloader.retry_after.RetryAfterMiddleware": 550,
        },
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "HTTPERROR_ALLOW_ALL": True,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "RETRY_TIMES": 1,
        **task.get("settings", {}),
    }
)
crawler = process.create_crawler(Probe)
process.crawl(crawler)
process.start()
stats = crawler.stats.get_stats() if crawler.stats else {}
result = {
    "outcomes": outcomes,
    "stats": stats,
    "lookups": lookups,
    "peak_memory": peak_memory(),
}
json.dump(result, sys.stdout, default=str)
sys.exit(1 if process.bootstrap_failed else 0)
