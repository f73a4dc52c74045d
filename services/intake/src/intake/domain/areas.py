"""The table of kecamatan: which codes exist, and to which regency or city they belong."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Areas:
    """Kecamatan code `81.71.02` to its name."""

    kecamatan: Mapping[str, str]

    def knows(self, code: str) -> bool:
        return code in self.kecamatan

    def knows_nik_area(self, digits: str) -> bool:
        """Whether the first six digits of a NIK are a kecamatan of the table."""
        return self.knows(kecamatan_of_nik_area(digits))


def kecamatan_of_nik_area(digits: str) -> str:
    return f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}"


def regency_of(kecamatan: str) -> str:
    """`81.71` of `81.71.02`."""
    return kecamatan[:5]
