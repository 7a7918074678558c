"""Bodies that X's specification does not have, as they were seen or stand in X's prose.

Each is a schema as strict as what is known: what is not listed is a mistake. The sources are names
of documents and of threads on GitHub.
"""

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types


def _only(properties, *, optional=()):
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


_TEXT = {"type": "string", "minLength": 1}
# The host is the dialect's; what counts is the last part.
_TYPE = "^https://api\\.(twitter|x)\\.com/2/problems/{}$"


def _type(kind):
    return {"type": "string", "pattern": _TYPE.format(kind)}


# Problems, by the last part of their type.
PROBLEMS = {
    # xdevplatform/samples#69 (401), node-twitter-api-v2#265 (403), many logs (429). 404 and 5xx
    # are given the same shape: nobody recorded theirs.
    "about:blank": _only(
        {
            "title": _TEXT,
            "type": {"const": "about:blank"},
            "status": {"enum": [401, 403, 404, 429, 503]},
            "detail": _TEXT,
        }
    ),
    # xdevplatform/samples#58, #129 and #160; "user-not-enrolled" in cursor/plugins#270 (2026).
    # The specification 2.166 had it, 2.167 dropped it.
    "client-forbidden": _only(
        {
            "client_id": _TEXT,
            "detail": _TEXT,
            "registration_url": {"type": "string", "pattern": "^https://"},
            "title": {"const": "Client Forbidden"},
            "required_enrollment": {"const": "Appropriate Level of API Access"},
            "reason": {"enum": ["client-not-enrolled", "user-not-enrolled"]},
            "type": _type("client-forbidden"),
        }
    ),
    # tryethernal/ethernal#1324: exactly these three make up the 185 bytes of that answer.
    "credits": _only(
        {
            "title": {"const": "CreditsDepleted"},
            "detail": {
                "type": "string",
                "pattern": (
                    r"^Your enrolled account \[\d{19}\] does not have any credits to fulfill this "
                    r"request\.$"
                ),
            },
            "type": _type("credits"),
        }
    ),
    # X's page "Response codes & errors".
    "rate-limit-exceeded": _only(
        {
            "title": {"const": "Too Many Requests"},
            "type": _type("rate-limit-exceeded"),
            "status": {"const": 429},
            "detail": _TEXT,
        }
    ),
    # X's own playground, and fixtures of several clients.
    "unsupported-authentication": _only(
        {
            "title": {"const": "Unsupported Authentication"},
            "detail": {
                "type": "string",
                "pattern": r"^Authenticating with .+ is forbidden for this endpoint\.",
            },
            "type": _type("unsupported-authentication"),
            "status": {"const": 403},
        }
    ),
    # The specification 2.166; 2.167 dropped it.
    "usage-capped": _only(
        {
            "title": {"const": "UsageCapExceeded"},
            "detail": _TEXT,
            "type": _type("usage-capped"),
            "period": {"enum": ["Daily", "Monthly"]},
            "scope": {"enum": ["Account", "Product"]},
        }
    ),
}

# X's page "Rate limits" documents a 429 in the shape of the API before this one.
CODE_88 = _only(
    {
        "errors": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": _only(
                {"code": {"const": 88}, "message": {"const": "Rate limit exceeded"}},
            ),
        }
    }
)

# "One or more parameters": X's playground (`validation.go`), and the specification 2.166. That of
# 2026 has no place for it, see OBSERVED in test_contract.py.
WRONG_PARAMETERS = {
    "type": "array",
    "minItems": 1,
    "items": _only(
        {
            "parameters": {
                "type": "object",
                "maxProperties": 1,
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "message": _TEXT,
        },
        # draftbit/twitter-lite#169 has no parameter in it, JoeMayo/LinqToTwitter#364 not even that.
        optional=("parameters",),
    ),
}

# RFC 6749 §5.1, and the samples on X's page "OAuth 2.0 Authorization Code Flow with PKCE".
_TOKEN = {"type": "string", "pattern": "^[A-Za-z0-9_-]{91}$"}
TOKEN_SET = _only(
    {
        "token_type": {"const": "bearer"},
        "expires_in": {"type": "integer", "minimum": 1},
        "access_token": _TOKEN,
        "scope": {"type": "string", "pattern": "^[a-z.]+( [a-z.]+)*$"},
        "refresh_token": _TOKEN,
    },
    optional={"refresh_token"},
)

# X's TypeScript SDK types it, and X's sample spaces-reach reads it.
REVOKED = _only({"revoked": {"const": True}})

# RFC 6749 §5.2. `invalid_request` and `unauthorized_client`: node-twitter-api-v2#319 and #496,
# tweepy#2014 and #2035, twitter-api-typescript-sdk#26, arctic#314. The other two are the RFC's.
OAUTH_ERROR = _only(
    {
        "error": {
            "enum": [
                "invalid_client",
                "invalid_request",
                "unauthorized_client",
                "unsupported_grant_type",
            ]
        },
        # RFC 6749 §5.2: printable ASCII, without `"` and `\`.
        "error_description": {"type": "string", "pattern": r"^[\x20-\x21\x23-\x5b\x5d-\x7e]+$"},
    }
)


def complaints(schema, body):
    """Say in words where a body breaks a schema."""
    return [error.message for error in Draft202012Validator(schema).iter_errors(body)]
