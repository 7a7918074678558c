"""Spaces as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.twitter.models.json_values import (
    LONGEST_TEXT,
    SPACE_ID,
    as_count,
    as_date,
    as_language,
    as_object,
    as_text,
    required_id,
    required_text,
)
from app.twitter.models.tweets import Includes
from app.twitter.models.users import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A conversation that is live, scheduled or over."""

    id: str
    state: str
    title: str = ""
    lang: str = ""
    creator: Profile | None = None
    hosts: tuple[Profile, ...] = ()
    speakers: tuple[Profile, ...] = ()
    participant_count: int | None = None
    started_at: datetime | None = None
    scheduled_start: datetime | None = None
    ended_at: datetime | None = None

    @classmethod
    def from_json(cls, data: object, includes: Includes) -> Space:
        """Read a Space with its people; raise `InvalidAnswer` without id and state."""
        space = as_object(data)
        return cls(
            id=required_id(space, SPACE_ID),
            state=required_text(space, "state"),
            title=as_text(space.get("title"), LONGEST_TEXT),
            lang=as_language(space.get("lang")),
            creator=includes.user(space.get("creator_id")),
            hosts=includes.people(space.get("host_ids")),
            speakers=includes.people(space.get("speaker_ids")),
            participant_count=as_count(space.get("participant_count")),
            started_at=as_date(space.get("started_at")),
            scheduled_start=as_date(space.get("scheduled_start")),
            ended_at=as_date(space.get("ended_at")),
        )
