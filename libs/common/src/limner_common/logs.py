"""One logging configuration for all processes: structlog, JSON in production, readable lines in development."""

import logging
import sys
from typing import Any, cast

import structlog

from limner_common.observe import tracing
from limner_common.redaction import Hide, without_credentials, without_secret_fields


def configure_logging(level: str = "info", *, as_json: bool = True, hide: Hide = str) -> None:
    """Send structlog and standard-library records through one pipeline to standard error.

    Args:
        level: Least level shown: debug, info, warning or error.
        as_json: One JSON object a line when True, coloured text for people when False.
        hide: Takes secrets of this process out of a line; what looks like credentials is taken out in any case.
    """

    def redact(_logger: structlog.typing.WrappedLogger, _name: str, line: str) -> str:
        return hide(without_credentials(line))

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _without_secret_fields,
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        # Plain tracebacks: the fancy ones show local variables, and with them passwords and tokens.
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer, cast(Any, redact)],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # SQLAlchemy logs for its pool under the name of our class.
    for noisy in ("uvicorn", "alembic", "httpx", "httpcore", "PIL", "urllib3", "limner_common.db.pool"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # At debug it writes down every request, logins with their passwords among them.
    logging.getLogger("aiokafka").setLevel(max(logging.INFO, root.level))


def _without_secret_fields(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return without_secret_fields(dict(event))


def _add_trace_id(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    if trace_id := tracing.trace_id():
        event["trace_id"] = trace_id
    return event
