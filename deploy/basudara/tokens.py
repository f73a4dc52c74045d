"""The local issuer: a key pair and tokens for the example and the tests. In production an OIDC issuer stands here."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chassis.issuer import LOCAL_ISSUER, LOCAL_KID

ISSUER, AUDIENCE = LOCAL_ISSUER, "basudara"
KID = f"{LOCAL_KID}1"


class LocalIssuer:
    """Keys under one folder: `issuer-key.pem` (0600, never leaves it) and `issuer.json` (JWKS, for the services)."""

    def __init__(self, folder: Path) -> None:
        self._key_file, self.keys = folder / "issuer-key.pem", folder / "issuer.json"

    def prepare(self) -> None:
        """Make the key pair unless it is there."""
        if self._key_file.exists() and self.keys.exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        self._key_file.touch(mode=0o600)
        self._key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        row = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
        self.keys.write_text(json.dumps({"keys": [{**row, "kid": KID, "alg": "ES256", "use": "sig"}]}))

    def token(
        self,
        agency: str,
        role: str,
        subject: str,
        *,
        service: str | None = None,
        valid: timedelta = timedelta(hours=12),
    ) -> str:
        """A bearer token for an officer, or for a service of the agency."""
        now = datetime.now(UTC)
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "agency": agency, "role": role}
        begins = now - timedelta(seconds=5)
        times = {"nbf": begins, "exp": begins + valid}
        if service is not None:
            claims["service"] = service
        return jwt.encode({**claims, **times}, self._key_file.read_bytes(), "ES256", headers={"kid": KID})
