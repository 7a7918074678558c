"""The plan at Twitter: what it was heard to lack lately, and, if asked for, one read."""

from __future__ import annotations

from app.doctor.context import Patient
from app.doctor.findings import Finding, Section, Status, failed, ok, warning
from app.twitter.endpoints import USERS_ME
from app.twitter.errors import NotInPlan, OutOfCredits, RateLimited, TwitterError

_ENROL = "Attach the app to a project with access in the developer portal, or take another plan."
_PAY = "Buy credits or raise the limit on the portal's billing page."


def plan(patient: Patient) -> Finding:
    """Tell what Twitter refuses for the sake of plan or money."""
    verdicts = patient.here.quota.verdicts()
    if any(verdict.reason == "credits" for verdict in verdicts):
        return failed("Twitter said just now that the credits are used up.", _PAY, Section.CREDITS)
    if patient.asks:
        refused = _asked(patient)
        if refused is not None:
            return refused
    if verdicts:
        routes = ", ".join(verdict.endpoint.route for verdict in verdicts)
        return warning(f"The plan does not have {routes}.", _ENROL, Section.ENROLMENT)
    if patient.asks:
        return ok("Twitter lets us read.")
    return ok(f"Nothing is known to be missing. To make sure, --ask reads once ({_price()}).")


def _price() -> str:
    return f"${USERS_ME.price}"


def _asked(patient: Patient) -> Finding | None:
    """Read somebody's own profile with their token, and return what is wrong if that is refused."""
    try:
        if patient.here.calls.probe() is None:
            return Finding(
                status=Status.SKIPPED,
                said="Nobody has a token that lives: sign in, and --ask again.",
            )
    except NotInPlan as error:
        return failed(f"Twitter lets us read nothing: {error}.", _ENROL, Section.ENROLMENT)
    except OutOfCredits as error:
        return failed(f"Twitter lets us read nothing: {error}.", _PAY, Section.CREDITS)
    except RateLimited:
        return warning("Twitter asks for a pause.", "Run this again later.", Section.LIMITS)
    except TwitterError as error:
        return warning(
            f"One read did not succeed: {type(error).__name__}.",
            "Run this again after somebody has signed in anew.",
            Section.DOCTOR,
        )
    return None
