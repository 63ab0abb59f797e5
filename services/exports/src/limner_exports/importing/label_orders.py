"""From what a dataset needs to labels to make. Pure."""

from collections.abc import Sequence

from limner_clients.catalog_orders import LabelOrder, NewAttributeBody
from limner_exports.formats import LabelPlan, NewAttribute
from limner_model.labels import LabelSpec


def label_orders(plans: Sequence[LabelPlan], existing: Sequence[LabelSpec]) -> list[LabelOrder]:
    """Return the labels to make, and additions to existing ones by their ids."""
    ids = {label.name: label.id for label in existing}
    return [_new(plan) if plan.is_new else _addition(plan, ids[plan.name]) for plan in plans]


def _new(plan: LabelPlan) -> LabelOrder:
    return LabelOrder(
        name=plan.name,
        type=plan.type,
        attributes=[_attribute(found) for found in plan.attributes],
        sublabels=[_new(part) for part in plan.sublabels],
    )


def _addition(plan: LabelPlan, label_id: int) -> LabelOrder:
    return LabelOrder(id=label_id, attributes=[_attribute(found) for found in plan.attributes])


def _attribute(found: NewAttribute) -> NewAttributeBody:
    return NewAttributeBody(
        name=found.name,
        mutable=found.mutable,
        input_type=str(found.input_type),
        default_value=found.default_value,
        values=list(found.values),
    )
