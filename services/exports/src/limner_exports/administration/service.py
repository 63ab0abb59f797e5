"""What the service answers to operators."""

from limner_common.administration import Administration
from limner_exports.administration import repository
from limner_exports.tables import uploads

administration = Administration(references=repository.references, uploads=uploads)
