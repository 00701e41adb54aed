"""Keys that the operator holds for enterprises that have none: statements said in their name.

Each registration of such a key says ``custody: operator``, and every figure that rests on what it
signed says that it was declared on behalf. The keys lie beside each other in one folder, as
``<enterprise>.key`` (`api.keys.keyfile`), readable by the server's user alone.
"""

from __future__ import annotations

from pathlib import Path

from api.errors import NoKeyInCustody
from api.keys import keyfile
from api.keys.keyfile import KeyFile
from api.keys.signing import signed
from api.services import Services, one_each
from api.submission import submission
from ledger import jws
from ledger.keys import PrivateKey
from ledger.log import Accepted, Refused
from ledger.schema import dump
from ledger.statements import Body, Key


class Custody:
    """The keys in custody of one deployment."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def path(self, enterprise: str) -> Path:
        return self._services.settings.custody_folder / f"{enterprise}{keyfile.SUFFIX}"

    def holds(self, enterprise: str) -> bool:
        """Whether statements can be said in the name of an enterprise."""
        return self.path(enterprise).is_file()

    def key(self, enterprise: str) -> KeyFile:
        """Raises NoKeyInCustody, KeyFileRefused."""
        if not self.holds(enterprise):
            raise NoKeyInCustody(enterprise=enterprise)
        production = self._services.settings.is_production
        return keyfile.read(self.path(enterprise), production=production)

    def make(self, enterprise: str, roles: tuple[str, ...] = ("supplier",)) -> Key:
        """A new key for an enterprise, and the body that registers it, for the registrar to sign.

        Raises WouldOverwrite where there is one already.
        """
        genesis = self._services.log.genesis
        log = genesis.common.log.origin, genesis.digest
        made = KeyFile(PrivateKey.generate("EdDSA"), enterprise, *log)
        folder = self._services.settings.custody_folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keyfile.write(self.path(enterprise), made)
        promise = {"log": dump(made.log), "enterprise": enterprise, "thumbprint": made.kid}
        proof = jws.sign(promise, made.private, jws.KEY_PROOF_TYP).decode()
        jwk = made.private.public.jwk
        return Key(action="register", jwk=jwk, roles=roles, custody="operator", proof=proof)

    def say(self, enterprise: str, body: Body, prev: str | None = None) -> Accepted:
        """Sign and append a statement of an enterprise whose key is here.

        Raises NoKeyInCustody, KeyFileRefused, and the condition for which the log refuses it.
        """
        envelope = signed(self.key(enterprise), body, enterprise, prev)
        (outcome,) = submission.append(self._services, [envelope])
        if isinstance(outcome, Refused):
            raise outcome.error
        return outcome


@one_each
def custody_of(services: Services) -> Custody:
    """The keys in custody of these services."""
    return Custody(services)
