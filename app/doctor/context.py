"""What the checks look at: the app, and what they have learnt about it so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Flask

from app.doctor import probe, self_request
from app.services import EXTENSION, Services, proxy_of
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.tunnel import Proxy
from config import Config


@dataclass(slots=True)
class Patient:
    """One set-up during one examination. Each address is asked once, whoever wants to know."""

    app: Flask
    asks: bool = False  # whether it may spend a read of somebody's
    arrival: self_request.Arrival | None = None
    _asked: dict[str, probe.Answer | probe.NotReached] = field(default_factory=dict)

    @property
    def here(self) -> Services:
        """The services of the app."""
        services: Services = self.app.extensions[EXTENSION]
        return services

    @property
    def config(self) -> Config:
        """The settings."""
        return self.here.config

    @property
    def authorize_url(self) -> str:
        """Where people are sent to say yes."""
        return self.config.twitter_authorize_url or self.here.dialect.authorize_url

    @property
    def api_url(self) -> str:
        """The base of the API, and of the token endpoint."""
        return self.config.twitter_api_url or self.here.dialect.api_url

    @property
    def me_url(self) -> str:
        """What a check asks the API for: an address that answers 401 without a token."""
        return f"{self.api_url}/users/me"

    @property
    def proxy(self) -> Proxy | None:
        """The proxy that leads to Twitter, if there is one."""
        return proxy_of(self.config)

    def asked(self, url: str) -> probe.Answer:
        """Return the answer to `GET url`, asked without anybody's token. Raises `NotReached`."""
        if url not in self._asked:
            try:
                self._asked[url] = probe.get(
                    url, deadline=Deadline(probe.SECONDS), headers=self.headers, proxy=self.proxy
                )
            except probe.NotReached as error:
                self._asked[url] = error
        found = self._asked[url]
        if isinstance(found, probe.NotReached):
            raise found
        return found

    @property
    def headers(self) -> dict[str, str]:
        """What the app says of itself to Twitter."""
        return {"User-Agent": self.config.user_agent}
