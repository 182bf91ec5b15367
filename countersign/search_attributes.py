"""The one registry of Temporal search attributes: business words that operators filter by."""

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

PROCESS = SearchAttributeKey.for_keyword("CsProcess")
BRANCH = SearchAttributeKey.for_keyword("CsBranch")
STAGE = SearchAttributeKey.for_keyword("CsStage")
HOLDER_ROLE = SearchAttributeKey.for_keyword("CsHolderRole")
DUE_AT = SearchAttributeKey.for_datetime("CsDueAt")
CASE_ID = SearchAttributeKey.for_keyword("CsCaseId")

TYPES = {
    "CsProcess": "Keyword",
    "CsBranch": "Keyword",
    "CsStage": "Keyword",
    "CsHolderRole": "Keyword",
    "CsDueAt": "Datetime",
    "CsCaseId": "Keyword",
}


def at_start(process: str, branch_id: str, case_id: str) -> TypedSearchAttributes:
    """Return the attributes with which a case starts."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(PROCESS, process),
            SearchAttributePair(BRANCH, branch_id),
            SearchAttributePair(CASE_ID, case_id),
            SearchAttributePair(STAGE, "starting"),
        ]
    )
