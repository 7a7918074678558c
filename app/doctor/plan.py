"""The plan at Twitter: what it was heard to lack lately, and, if asked for, one read."""

from __future__ import annotations

from sqlalchemy import select

from app.accounts.models import Grant
from app.accounts.token_cipher import associated_data
from app.doctor import probe
from app.doctor.findings import Finding, Section, Status, failed, ok, warning
from app.doctor.patient import Patient
from app.twitter.budget import Budget
from app.twitter.endpoints import USERS_ME
from app.twitter.errors import Limited, OutOfCredits, PlanLacksIt, TwitterError

ENROL = "Attach the app to a project with access in the developer portal, or take another plan."
PAY = "Buy credits or raise the limit on the portal's billing page."


def plan(patient: Patient) -> Finding:
    """Tell what Twitter refuses for the sake of plan or money."""
    verdicts = patient.here.allowance.verdicts()
    if any(verdict.reason == "credits" for verdict in verdicts):
        return failed("Twitter said just now that the credits are used up.", PAY, Section.CREDITS)
    if patient.asks:
        refused = _asked(patient)
        if refused is not None:
            return refused
    if verdicts:
        routes = ", ".join(verdict.endpoint.route for verdict in verdicts)
        return warning(f"The plan does not have {routes}.", ENROL, Section.ENROLMENT)
    if patient.asks:
        return ok("Twitter lets us read.")
    return ok(f"Nothing is known to be missing. To make sure, --ask reads once ({_price()}).")


def _price() -> str:
    return f"${USERS_ME.price}"


def _asked(patient: Patient) -> Finding | None:
    """Read somebody's own profile with their token, and return what is wrong if that is refused."""
    token = _living_token(patient)
    if token is None:
        return Finding(
            status=Status.SKIPPED, said="Nobody has a token that lives: sign in, and --ask again."
        )
    try:
        patient.here.api(token, budget=Budget(probe.SECONDS)).me()
    except PlanLacksIt as error:
        return failed(f"Twitter lets us read nothing: {error}.", ENROL, Section.ENROLMENT)
    except OutOfCredits as error:
        return failed(f"Twitter lets us read nothing: {error}.", PAY, Section.CREDITS)
    except Limited:
        return warning("Twitter asks for a pause.", "Run this again later.", Section.LIMITS)
    except TwitterError as error:
        return warning(
            f"One read did not succeed: {type(error).__name__}.",
            "Run this again after somebody has signed in anew.",
            Section.DOCTOR,
        )
    return None


def _living_token(patient: Patient) -> str | None:
    """Return the newest token that has not expired. None is refreshed for this."""
    query = (
        select(Grant.id, Grant.access_token)
        .where(Grant.ended_at.is_(None), Grant.expires_at > patient.here.now())
        .order_by(Grant.issued_at.desc())
        .limit(1)
    )
    with patient.here.database.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or row.access_token is None:
        return None
    return patient.here.cipher.open(
        row.access_token, at=associated_data("grants", "access_token", row.id)
    )
