"""The context of all checks: the app, and the answers that it got so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Flask

from app.doctor import probe, self_request
from app.services import EXTENSION, Services, proxy_of
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.tunnel import Proxy
from config import Config


@dataclass(slots=True)
class Context:
    """One set-up during one run. Several checks share the answer of one URL."""

    app: Flask
    call_twitter: bool = False  # whether a read that costs money is allowed
    received: self_request.ReceivedRequest | None = None  # set by the check of the public URL
    _answers: dict[str, probe.Response | probe.ProbeFailed] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """The services of the app."""
        services: Services = self.app.extensions[EXTENSION]
        return services

    @property
    def config(self) -> Config:
        """The settings."""
        return self.services.config

    @property
    def authorize_url(self) -> str:
        """The consent page."""
        return self.services.dialect.authorize_url

    @property
    def api_url(self) -> str:
        """The base of the API, and of the token endpoint."""
        return self.services.dialect.api_url

    @property
    def me_url(self) -> str:
        """An address of the API that answers 401 without a token."""
        return f"{self.api_url}/users/me"

    @property
    def proxy(self) -> Proxy | None:
        """The proxy that leads to Twitter, if there is one."""
        return proxy_of(self.config)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every probe: the same `User-Agent` as the app's own calls."""
        return {"User-Agent": self.config.user_agent}

    def get(self, url: str) -> probe.Response:
        """Return the answer to `GET url` without a token, asked once. Raises `ProbeFailed`."""
        if url not in self._answers:
            try:
                self._answers[url] = probe.get(
                    url, deadline=Deadline(probe.SECONDS), headers=self.headers, proxy=self.proxy
                )
            except probe.ProbeFailed as error:
                self._answers[url] = error
        answer = self._answers[url]
        if isinstance(answer, probe.ProbeFailed):
            raise answer
        return answer
