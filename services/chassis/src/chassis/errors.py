"""Errors raised on purpose: two families, one form on every door.

`Refused` is the asker's fault: asking again can't help (4xx; parked on Kafka).
`Unavailable` is ours, for a while: asking again can help (503; tried again on Kafka).
"""


class Expected(Exception):
    """Raised on purpose. `facts` are ids and codes only, since they reach replies, headers and logs."""

    status, code, title = 500, "defect", "Terjadi kesalahan pada sistem"

    def __init__(self, **facts: str | int) -> None:
        super().__init__(self.code)
        self.facts = facts

    def reason(self) -> str:
        """One bounded line of code and facts: for the header of a parked record and the operator's table."""
        told = " ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} {told}".strip()[:500]


class Refused(Expected):
    status, code, title = 400, "refused", "Permintaan ditolak"


class Unavailable(Expected):
    status, code, title = 503, "unavailable", "Layanan sedang tidak tersedia"


class Invalid(Refused):
    """A value breaks a rule. Facts: `field`, `rule`; never the value."""

    status, code, title = 422, "invalid", "Isian tidak sah"


class MissingFact(Refused):
    """A move lacks a fact it must bring. Facts: `fact`."""

    status, code, title = 422, "missing_fact", "Isian wajib belum ada"


class NotAuthenticated(Refused):
    status, code, title = 401, "not_authenticated", "Identitas belum terbukti"


class NotAllowed(Refused):
    status, code, title = 403, "not_allowed", "Tidak berwenang"


class NotFound(Refused):
    status, code, title = 404, "not_found", "Tidak ditemukan"


class UnknownMove(NotFound):
    code, title = "unknown_move", "Langkah tidak dikenal"


class Conflict(Refused):
    status, code, title = 409, "conflict", "Bertentangan dengan keadaan sekarang"


class IllegalMove(Conflict):
    """The state does not allow the move. Facts: `state`, `move`."""

    code, title = "illegal_move", "Langkah tidak sesuai keadaan"


class StaleVersion(Conflict):
    """The asker saw an older version. Facts: `seen`, `now`."""

    code, title = "stale_version", "Data sudah berubah, muat ulang dahulu"


class Gone(Refused):
    status, code, title = 410, "gone", "Tidak tersedia lagi"


class TooLarge(Refused):
    status, code, title = 413, "too_large", "Kiriman terlalu besar"


class TooMany(Refused):
    """One credential asks more often than it may. Facts: `wait_seconds`."""

    status, code, title = 429, "too_many", "Terlalu sering meminta, coba lagi sebentar"


class Contended(Unavailable):
    """Others kept changing what this needs; smaller or later it can pass."""

    code = "contended"


class Overloaded(Unavailable):
    """More is asked at once than can be done soon. Facts: `at_once`."""

    code, title = "overloaded", "Terlalu banyak permintaan sekaligus, coba lagi sebentar"


class TooSlow(Unavailable):
    """One record took longer than a handler may. Facts: `limit_seconds`."""

    code = "too_slow"


class NotYet(Unavailable):
    """The cause of this event has not arrived yet. Facts: the kind and id waited for."""

    code, title = "not_yet", "Penyebabnya belum tiba"


def problem(error: Exception, instance: str) -> tuple[int, dict[str, str | int]]:
    """Status and RFC 9457 body. A defect shows nothing of itself; the log has it under the same `instance`."""
    known = error if isinstance(error, Expected) else Expected()
    return known.status, {
        **known.facts,
        "type": f"urn:basudara:problem:{known.code}",
        "title": known.title,
        "status": known.status,
        "instance": instance,
    }
