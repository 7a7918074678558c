"""One sign-in, in the order in which it happens: login, callback, logout."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

from flask import Blueprint, current_app, flash, g, redirect, request, session, url_for
from flask_login import current_user, login_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.wrappers import Response

from app.accounts.errors import AccountError, Superseded
from app.accounts.people import Person
from app.accounts.sign_in import SignIn
from app.accounts.sign_in_record import Recorder, SignInRecord, Step
from app.accounts.user_agents import described
from app.auth import callback_rules, pending_sign_ins
from app.auth.errors import AlreadyUsed
from app.auth.pending_sign_ins import FlowCookies, OpenedFlow, PendingSignIn
from app.gateway.actions import ActionResult, PendingAction
from app.observability.audit_log import Event
from app.services import services
from app.storage.database import Moment
from app.twitter.dialect import Permission
from app.twitter.errors import TokenRefused, TwitterError, Unreachable
from app.twitter.models import Profile
from app.twitter.oauth import TokenSet
from app.twitter.transport.deadline import Deadline
from app.web.current_person import SESSION_ID, current_person
from app.web.messages import action_message, logged_out
from app.web.safe_redirects import local

log = logging.getLogger(__name__)

# Asking who signed in: seconds for one try, and between tries, all within the deadline.
_PROFILE_TRY_SECONDS = 4.0
PROFILE_PAUSES = (0.2, 0.5, 1.0)

auth = Blueprint("auth", __name__, url_prefix="/auth")


@auth.post("/login")
def login() -> Response:
    """Send the browser to Twitter's authorization page, and remember the sign-in in a cookie."""
    pending = pending_sign_ins.begin(
        request.form.get("next"),
        _scopes_to_ask(request.form.get("ask")),
        began=_began(),
        person=current_person(),
        action=PendingAction.from_text(request.form.get("pending_action")),
    )
    response = redirect(
        services().server.authorization_url(
            state=pending.state,
            code_verifier=pending.code_verifier,
            scopes=frozenset(pending.scopes),
        ),
        code=303,
    )
    _flow_cookies().remember(request, response, pending, now=services().now())
    services().audit_log.record(Event.SIGN_IN_STARTED, scopes=" ".join(pending.scopes))
    return response


def _scopes_to_ask(ask: str | None) -> frozenset[str]:
    """Return the scopes for reading, those granted before, and that of the permission `ask`."""
    dialect = services().dialect
    scopes = dialect.scopes(*dialect.at_sign_in)
    if current_user.is_authenticated:
        scopes |= current_user.scopes & dialect.scopes(*Permission)
    return scopes | dialect.scopes(*(known for known in Permission if known == ask))


def _began() -> float:
    """Return the time by the store's clock; 0 without a database, so that the button works."""
    try:
        return services().people.began()
    except SQLAlchemyError:
        return 0.0


@auth.get("/callback")
def callback() -> Response:
    """Finish a sign-in: the state first and once, whatever else comes back from Twitter."""
    _only_get()
    deadline = Deadline()
    state = callback_rules.state_of(request.args)
    flow = _flow_cookies().open(request, state, now=services().now())
    pending, recorder = flow.pending, Recorder(away=flow.away)
    g.next_path = pending.next  # error pages offer to sign in again and go there
    if not services().used_states.consume(state, request.args.get("code", "")):
        return _answer_duplicate(pending)
    recorder.note(Step.CLAIMED)
    with _forgotten(pending), services().used_states.failing(state):
        code = callback_rules.code_of(request.args, is_issuer=services().server.is_issuer)
        token_set = _exchange(code, pending, deadline, recorder)
        person = _sign_in(token_set, flow, deadline, recorder)
    response = _signed_in(person, pending)
    _perform(person, pending, deadline)  # the duplicate of a double submit does not come here
    return response


def _only_get() -> None:
    """Refuse HEAD, which Flask gives to the GET route: a link checker must not use up a state."""
    if request.method != "GET":
        raise MethodNotAllowed(valid_methods=["GET"])


def _answer_duplicate(pending: PendingSignIn) -> Response:
    """Give a duplicate the session of the first callback or, if superseded, of another tab."""
    try:
        session_id = callback_rules.first_callbacks_session(
            services().used_states, pending.state, request.args.get("code", "")
        )
    except Superseded:
        person = current_person()
        if person is None:
            raise
        _flow_cookies().forget(pending.state)
        # The superseded tokens may have been those of another account.
        flash(f"Another sign-in came first. You are signed in as @{person.profile.username}.")
        if action := PendingAction.from_text(pending.action):
            flash(action_message(action, ActionResult.OVERTAKEN, now=services().now()))
        return redirect(local(pending.next), code=303)
    person = services().people.find(session_id)
    if person is None:
        raise AlreadyUsed("the session has just ended")
    _flow_cookies().forget(pending.state)
    return _signed_in(person, pending, duplicate=True)


@contextlib.contextmanager
def _forgotten(pending: PendingSignIn) -> Iterator[None]:
    """Delete the flow cookie, unless the browser must come back with it."""
    try:
        yield
    except Superseded:
        raise
    except Exception:
        _flow_cookies().forget(pending.state)
        raise
    _flow_cookies().forget(pending.state)


def _exchange(
    code: str, pending: PendingSignIn, deadline: Deadline, recorder: Recorder
) -> TokenSet:
    recorder.note(Step.CODE_SENT)
    with services().metrics.exchanging():
        token_set = services().server.exchange(
            code,
            code_verifier=pending.code_verifier,
            scopes=frozenset(pending.scopes),
            now=services().now(),
            deadline=deadline,
        )
    recorder.note(Step.TOKENS_CAME)
    return token_set


def _sign_in(
    token_set: TokenSet, flow: OpenedFlow, deadline: Deadline, recorder: Recorder
) -> Person:
    """Ask who it is and sign them in; if that fails, no living token stays behind at Twitter."""
    pending, profile, answered = flow.pending, None, Moment()
    try:
        profile = _profile(token_set, deadline)
        recorder.note(Step.PROFILE_CAME)
        return services().people.sign_in(
            SignIn(
                profile=profile,
                token_set=token_set,
                state=pending.state,
                answered=answered,
                began=pending.began,
                beside=flow.beside,
                replacing=session.get(SESSION_ID),
                browser=described(request.user_agent.string),
                record=_record(token_set, pending, recorder),
            )
        )
    except Exception as error:
        # Superseded tokens should be dead: Twitter is asked before they are revoked.
        owner = None if isinstance(error, Superseded) or profile is None else profile.id
        services().outbox.discard(token_set, twitter_id=owner, unless_exchanged_from=answered)
        raise


def _profile(token_set: TokenSet, deadline: Deadline) -> Profile:
    """Ask Twitter who it is, again after a passing failure while the deadline allows.

    Raises `Superseded` for a 401: the token is seconds old, so a newer sign-in replaced it.
    """
    pauses = iter(PROFILE_PAUSES)
    while True:
        one_try = deadline.at_most(_PROFILE_TRY_SECONDS)
        try:
            return services().api(token_set.access_token, deadline=one_try).me()
        except TokenRefused:
            raise Superseded("another sign-in of this person came after the exchange") from None
        except Unreachable:
            pause = next(pauses, None)
            if pause is None or deadline.remaining() <= pause:
                raise
            time.sleep(pause)


def _record(token_set: TokenSet, pending: PendingSignIn, recorder: Recorder) -> SignInRecord:
    """Return the record for the page "How you signed in". It holds no secret."""
    return recorder.landed(
        client="confidential" if services().config.twitter_client_secret else "public",
        dialect=services().dialect.name,
        asked=pending.scopes,
        granted=token_set.scopes,
    )


def _signed_in(person: Person, pending: PendingSignIn, *, duplicate: bool = False) -> Response:
    """Replace the session. Nothing of the old one survives; other tabs have flow cookies."""
    session.clear()
    session.permanent = True
    login_user(person)
    generate_csrf()  # now, so that no page has to change the session afterwards
    services().audit_log.record(
        Event.SIGN_IN_COMPLETED, session_id=person.session_id, duplicate=duplicate
    )
    return redirect(local(pending.next), code=303)


def _perform(person: Person, pending: PendingSignIn, deadline: Deadline) -> None:
    """Perform the action for which the permission was asked, if all is as it was.

    The person is signed in by now, and stays so whatever goes wrong here: it is only told.
    """
    action = PendingAction.from_text(pending.action)
    if action is None:
        return
    if person.profile.id != pending.actor:
        result: ActionResult | TwitterError = ActionResult.OTHER_PERSON
    elif not services().actions.is_granted(action, person):
        result = ActionResult.NOT_GRANTED
    else:
        result = _performed(action, person, deadline)
    flash(action_message(action, result, now=services().now()))


def _performed(
    action: PendingAction, person: Person, deadline: Deadline
) -> ActionResult | TwitterError:
    try:
        return services().actions.perform(action, person, deadline=deadline)
    except (AccountError, SQLAlchemyError):
        log.exception("an action after a sign-in failed")
        return ActionResult.UNKNOWN


@auth.post("/logout")
def logout() -> Response:
    """End this browser's session at once; Twitter is told in the background.

    It cannot fail: without a database the browser is signed out all the same. A sign-in that is
    under way in another tab is stopped.
    """
    beside = _flow_cookies().states(request, now=services().now())
    ended = services().sessions.log_out(session.get(SESSION_ID), beside=beside)
    session.clear()
    flash(logged_out(ended))
    return redirect(url_for("pages.home"), code=303)


def _flow_cookies() -> FlowCookies:
    cookies: FlowCookies = current_app.extensions["flow_cookies"]
    return cookies
