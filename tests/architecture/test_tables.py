"""Each service's tables lie in its own schema and point at no other."""

from importlib import import_module

import pytest
import sqlalchemy as sa

from tests.architecture.sources import SERVICES
from tests.architecture.starting import start_of


def _metadata(service: str) -> sa.MetaData:
    metadata: sa.MetaData = import_module(f"limner_{service}.service").definition.metadata
    return metadata


@pytest.mark.parametrize("service", SERVICES)
def test_tables_lie_in_the_schema_of_their_service(service: str) -> None:
    assert {table.schema for table in _metadata(service).tables.values()} <= {service}


@pytest.mark.parametrize("service", SERVICES)
def test_no_foreign_key_leaves_the_schema(service: str) -> None:
    found = [
        str(key.target_fullname)
        for table in _metadata(service).tables.values()
        for key in table.foreign_keys
        if key.target_fullname.split(".")[0] != service
    ]
    assert found == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_written_down_is_known_to_the_service(service: str) -> None:
    assert start_of(service).forgotten_tables == [], "migrations would not see tables that the service does not import"
