"""All routes of the query layer."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from services.api.access.routes import create_access_router
from services.api.adjustments import create_adjustments_router
from services.api.alert_trials import create_trials_router
from services.api.alerts import create_alerts_router
from services.api.appeals.routes import create_appeals_router
from services.api.breakdowns import create_breakdowns_router
from services.api.context import ApiContext
from services.api.cycles.routes import create_cycles_router
from services.api.elapsed import create_elapsed_router
from services.api.findings import create_findings_router
from services.api.gains import create_gains_router
from services.api.governed.routes import create_governed_router
from services.api.health import create_health_router
from services.api.orders import create_orders_router
from services.api.page import create_page_router
from services.api.parameters import each_once
from services.api.policies import create_policies_router
from services.api.push.routes import create_push_router
from services.api.rankings import create_rankings_router
from services.api.registry import create_units_router
from services.api.reports import create_reports_router
from services.api.series import create_series_router
from services.api.stream.routes import create_stream_router
from services.api.talks.routes import create_talks_router
from services.api.unit_rates import create_unit_rates_router
from services.api.what_if.routes import create_what_if_router


def create_router(context: ApiContext) -> APIRouter:
    """Build the routes, to be mounted beside others in one application.

    The application also needs `services.web.problems.install_problem_handlers`.
    """
    # Each of these answers from one ruleset, the one in force when it was asked.
    router = APIRouter(dependencies=[Depends(context.pin)])
    router.include_router(create_rankings_router(context))
    router.include_router(create_unit_rates_router(context))
    router.include_router(create_gains_router(context))
    router.include_router(create_breakdowns_router(context))
    router.include_router(create_elapsed_router(context))
    router.include_router(create_series_router(context))
    router.include_router(create_reports_router(context))
    router.include_router(create_orders_router(context))
    router.include_router(create_units_router(context))
    router.include_router(create_adjustments_router(context))
    router.include_router(create_cycles_router(context))
    router.include_router(create_governed_router(context))
    router.include_router(create_appeals_router(context))
    router.include_router(create_talks_router(context))
    router.include_router(create_what_if_router(context))
    router.include_router(create_findings_router(context))
    router.include_router(create_policies_router(context))
    router.include_router(create_alerts_router(context))
    router.include_router(create_trials_router(context))
    router.include_router(create_push_router(context))
    router.include_router(create_stream_router(context))
    router.include_router(create_access_router(context))
    whole = APIRouter(dependencies=[Depends(each_once)])
    whole.include_router(router)
    whole.include_router(create_health_router(context))
    whole.include_router(create_page_router())
    return whole
