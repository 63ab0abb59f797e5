"""``limner doctor``: checks what an installation needs, and says what to do about what is missing."""

from limner_allinone.doctor.examination import examine

__all__ = ["examine"]
