"""A sign-in touches the rows of its own person only."""

from sqlalchemy import select

from app.accounts.grants import EndReason
from app.accounts.models import Revocation
from app.storage.database import Moment


def test_a_sign_in_leaves_the_revocations_of_other_people_waiting(
    sign_in, sessions, outbox, database, monkeypatch
):
    monkeypatch.setattr(outbox, "deliver_soon", lambda _rows: None)
    for user_id in ("1001", "1002"):
        sessions.log_out(sign_in(user_id=user_id).session_id)

    sign_in()

    with database.reading() as connection:
        waiting = connection.execute(select(Revocation.twitter_id)).scalars().all()
    assert waiting == ["1002", "1002"]


def test_a_sign_in_revives_no_session_of_another_person(sign_in, people, grants, database, clock):
    refused = [sign_in(), sign_in(user_id="1002")]
    answered = Moment()
    with database.writing() as connection:
        for person in refused:
            grants.end(connection, person.user_id, EndReason.REFUSED, now=clock())

    sign_in(answered=answered)
    sign_in(user_id="1002")  # its own exchange came after the refusal

    assert [people.find(each.session_id) is not None for each in refused] == [True, False]
