"""Objects side by side with what refers to them: two sorted streams, merged in bounded memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from limner_allinone.admin.installations import Administered
from limner_allinone.composition import definition_of
from limner_common.administration import Reference
from limner_common.objects import ObjectInfo, ObjectStore


@dataclass(frozen=True, slots=True)
class Match:
    """An object and what refers to it; without the one it is missing, without the other it belongs to nobody."""

    info: ObjectInfo | None
    reference: Reference | None


async def matched(objects: AsyncIterator[ObjectInfo], references: AsyncIterator[Reference]) -> AsyncIterator[Match]:
    """Yield every object once, with one reference to it when there is one, and every reference whose object is missing.

    Args:
        objects: By ascending key.
        references: By ascending key; several may be to the same object.
    """
    info, reference = await anext(objects, None), await anext(references, None)
    prefixes: list[Reference] = []
    met = ""
    while info is not None or reference is not None:
        if reference is not None and (info is None or reference.key < info.key):
            if reference.is_prefix:
                prefixes = [*_covering(prefixes, reference.key), reference]
            elif reference.key != met:
                yield Match(None, reference)
            met = reference.key
            reference = await anext(references, None)
            continue
        assert info is not None
        prefixes = _covering(prefixes, info.key)
        is_named = reference is not None and reference.key == info.key
        yield Match(info, reference if is_named else prefixes[-1] if prefixes else None)
        met = info.key
        info = await anext(objects, None)


def _covering(prefixes: Sequence[Reference], key: str) -> list[Reference]:
    return [prefix for prefix in prefixes if key.startswith(prefix.key)]


@asynccontextmanager
async def service_objects(
    installation: Administered, store: ObjectStore, service: str
) -> AsyncIterator[AsyncIterator[Match]]:
    """Open the matches of all objects below a service's name; only for services that answer ``references``."""
    references = definition_of(service).administration.references
    assert references is not None
    async with AsyncExitStack() as stack:
        uow = await stack.enter_async_context(installation.databases[service].begin(is_repeatable=True))
        yield matched(store.list(f"{service}/"), references(uow.connection))


def services_with_objects(installation: Administered) -> list[str]:
    """Return the services whose objects can be told apart."""
    return [name for name in installation.databases if definition_of(name).administration.references is not None]
