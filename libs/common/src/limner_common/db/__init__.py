"""SQL mechanics: engine, units of work, outbox, migrations. Services write SQLAlchemy Core statements in repositories."""

from limner_common.db.engine import Database, Row
from limner_common.db.options import DatabaseOptions
from limner_common.db.prepared import Prepared
from limner_common.db.replica import Listed, ListReader
from limner_common.db.tables import new_metadata
from limner_common.db.uow import UnitOfWork

__all__ = ["Database", "DatabaseOptions", "ListReader", "Listed", "Prepared", "Row", "UnitOfWork", "new_metadata"]
