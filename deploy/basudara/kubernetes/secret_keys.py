"""Which secret values a service needs, and which of its settings names the file of each."""

PASSWORDS = {"kafka-password": "KAFKA_PASSWORD_FILE", "mongo-password": "MONGO_PASSWORD_FILE"}
_OWN = {
    "intake": {"agency-key": "AGENCY_KEY_FILE", "staff.json": "STAFF_FILE"},
    "referral": {},
    "training": {"agency-key": "AGENCY_KEY_FILE", "credential": "CREDENTIAL"},
    "notification": {
        "credential": "CREDENTIAL",
        "gateway-secret": "GATEWAY_SECRET_FILE",
        "staff.json": "STAFF_FILE",  # officers' phones: personal data, though a manifest of the example has them
    },
}
IN_ENVIRONMENT: dict[str, dict[str, str]] = {"notification": {"gateway-token": "GATEWAY_TOKEN"}}  # no file setting
ASKS_PARTNERS = frozenset({"training", "notification"})


def in_files(service: str) -> dict[str, str]:
    """Key -> setting."""
    return {**PASSWORDS, **_OWN[service]}


def all_keys(service: str) -> list[str]:
    return sorted({*in_files(service), *IN_ENVIRONMENT.get(service, {})})
