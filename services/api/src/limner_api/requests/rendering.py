"""A request as clients read it."""

from typing import Any

from limner_common.clock import wire_date
from limner_common.db import Row


def render_request(row: Row, base_url: str) -> dict[str, Any]:
    """Return the wire form. All keys are always there: clients touch them on every poll."""
    is_done = row.status in ("finished", "failed")
    return {
        "id": row.id,
        "status": row.status,
        "message": row.message if row.status in ("started", "failed") else "",
        "operation": {
            "type": row.type,
            "target": row.target,
            "project_id": row.project_id,
            "task_id": row.task_id,
            "job_id": row.job_id,
            "org_id": row.organization_id,
            "format": row.format or None,
            "lightweight": None,
        },
        "progress": min(max(row.progress, 0.0), 1.0),
        "created_date": wire_date(row.created_at),
        "started_date": wire_date(row.started_at) if row.started_at else None,
        "finished_date": wire_date(row.finished_at) if row.finished_at else None,
        "expiry_date": wire_date(row.expires_at) if row.expires_at and is_done else None,
        "owner": {"id": row.owner_id, "username": row.owner_name},
        "result_url": f"{base_url}{row.result_path}" if row.result_path and row.status == "finished" else None,
        "result_id": row.result_id if row.status == "finished" else None,
    }
