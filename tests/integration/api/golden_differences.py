"""Where we answer otherwise than the recorded server on purpose, by the record's name. Each says why."""

from tests.support.golden_rest import Difference

_SENTENCE_IN_A_LIST = "A sentence about the whole input comes as a list of one, like all errors of that kind."

DIFFERENCES = {
    "server-about": Difference(
        "We say who we are, and report the version of the API that today's clients expect.",
        answer={"name": "Limner", "version": "2.80.0", "logo_url": "", "subtitle": ""},
    ),
    "server-share-missing": Difference(_SENTENCE_IN_A_LIST, answer=["nothing is an invalid directory"]),
    "invite-unknown": Difference(
        "The product sends no mail, which the inviter is told instead of an internal error.",
        status=400,
        answer={"email": ["Nobody with this address has an account. This server sends no mail: ask for registration."]},
    ),
    "invite-no-org": Difference(
        "A missing organization is the client's mistake, not an internal error.",
        status=400,
        answer=["Name the organization with the parameter org or org_id."],
    ),
    "invitations": Difference("The invitation that failed left nothing behind.", answer={"count": 2}),
    "invitation-accept-willy": Difference(_SENTENCE_IN_A_LIST, answer=["Your invitation is already accepted."]),
    "invitation-accept-annie": Difference(_SENTENCE_IN_A_LIST, answer=["Your invitation is already accepted."]),
    "memberships": Difference("The invitation that failed left nothing behind.", answer={"count": 3}),
    "memberships-all": Difference("The invitation that failed left nothing behind.", answer={"count": 3}),
    "membership-bad-role": Difference(
        "An organization has exactly one owner; not even an administrator makes a second.",
        status=400,
        answer={"role": ["An organization has exactly one owner."]},
    ),
    "unknown-endpoint": Difference("Errors of the API are JSON.", answer={"detail": "Not found."}),
    "accept-version": Difference(
        "We speak one version and leave it to the client what it accepts: an answer it can read beats a refusal.",
        status=200,
        answer={"name": "Limner"},
    ),
    "accept-version-2": Difference("As server-about.", answer={"name": "Limner"}),
}
