"""Chromium, driven by its DevTools protocol through two pipes: https://chromedevtools.github.io/devtools-protocol/."""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE = 30  # seconds


def executable():
    """The path on Debian, or another system; None without Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One page in it: `browser.open(url)`, `browser.evaluate("document.title")`."""

    def __init__(self, username="", password="", zone="UTC", width=1280, height=900, dark=False):
        self.profile = tempfile.mkdtemp(prefix="newsbot-browser-")
        here_in, there_out = os.pipe()
        there_in, here_out = os.pipe()

        def at_3_and_4():
            os.dup2(there_in, 10), os.dup2(there_out, 11)
            os.dup2(10, 3), os.dup2(11, 4)

        self.process = subprocess.Popen(
            [
                *(executable(), "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
                *("--remote-debugging-pipe", f"--user-data-dir={self.profile}", "--no-first-run"),
                "about:blank",
            ],
            preexec_fn=at_3_and_4,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(there_in), os.close(there_out)
        self._read, self._write = os.fdopen(here_in, "rb"), os.fdopen(here_out, "wb")
        self._number, self._session, self._rest = 0, None, b""
        self.requests, self.said = [], []
        target = next(each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for part in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{part}.enable")
        login = base64.b64encode(f"{username}:{password}".encode()).decode()
        self.call("Network.setExtraHTTPHeaders", headers={"Authorization": f"Basic {login}"})
        self.call("Emulation.setTimezoneOverride", timezoneId=zone)
        self.call("Emulation.setLocaleOverride", locale="en_GB")
        self.size(width, height)
        self.dark(dark)

    def size(self, width, height):
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def dark(self, dark):
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def scripts(self, enabled):
        self.call("Emulation.setScriptExecutionDisabled", value=not enabled)

    def call(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        self._write.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self._note(answer)

    def _next(self):
        while b"\0" not in self._rest:
            data = self._read.read1(1 << 20)
            assert data, "the browser is gone"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"])
        elif event.get("method") == "Log.entryAdded":
            self.said.append(event["params"]["entry"]["text"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.said.append(str(event["params"]["exceptionDetails"]))

    def open(self, url):
        """Go there, and wait until it is loaded."""
        self.evaluate("window.left = true")
        failed = self.call("Page.navigate", url=url).get("errorText")
        assert not failed, (url, failed)
        self.wait_for("window.left !== true && document.readyState === 'complete'")

    def click(self, selector):
        """Press a link to another page, and wait until that is loaded."""
        self.evaluate(f"window.left = true; document.querySelector({json.dumps(selector)}).click()")
        self.wait_for("window.left !== true && document.readyState === 'complete'")

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := self.evaluate(expression):
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {expression}; the browser said {self.said}")

    def picture(self, whole=True):
        """PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._read.close(), self._write.close()
        shutil.rmtree(self.profile, ignore_errors=True)
