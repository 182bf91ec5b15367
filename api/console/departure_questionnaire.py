"""What the leaver of a departure answered, for HR and nobody else."""

from typing import Annotated

from fastapi import Depends, Response

from api.console.drawing import page
from api.console.route import console_router
from api.console.visit import Missing, Visit, visiting
from countersign.contracts.cases import Role

router = console_router()

PersonnelOffice = Annotated[Visit, Depends(visiting(Role.HR))]


@router.get("/departures/{case_id}/questionnaire")
def answers(visit: PersonnelOffice, case_id: str) -> Response:
    """Show the questions with the answers."""
    view = visit.parts.questionnaires.read(visit.scope, case_id)
    if view is None:
        raise Missing
    return page(visit, "console/departure_questionnaire.html", view=view)
