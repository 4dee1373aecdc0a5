"""The query layer as an application of its own, for a process that serves nothing else."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from services.api.context import ApiContext
from services.api.router import create_router
from services.web.etags import install_etags
from services.web.openapi import install_openapi
from services.web.problems import install_problem_handlers


def create_app(context: ApiContext) -> FastAPI:
    """Build the application. The interactive documentation would load foreign scripts: it is off."""
    app = FastAPI(
        title="三率直播 · hotline-rates",
        description="Response, resolution and satisfaction rates of 12345 hotlines: live, exact, "
        "explainable. Errors are RFC 9457 problem JSON; decimals are strings. "
        "12345 热线响应率、解决率、满意率：实时、准确、可解释。",
        version=version("hotline-rates"),
        docs_url=None,
        redoc_url=None,
    )
    install_problem_handlers(app)
    install_etags(app)
    install_openapi(app)
    app.include_router(create_router(context))
    return app
