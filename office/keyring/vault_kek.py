"""KEKs wrapped by a Vault's transit engine: on disk lies what only the Vault can open.

In: the Vault's address, a token, the name of a transit key. A KEK is a data key that the Vault
makes; its wrapped form is a line of a private file. Whoever copies file and keyring opens nothing
without the Vault; whoever destroys the transit key there ends every key here.
Source: Vault's HTTP API, "Transit secrets engine": ``datakey/plaintext`` and ``decrypt``.
"""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from office.errors import OfficeError
from office.keyring.kek import KEK_BYTES, Kek, by_id, parsed
from office.keyring.private_lines import PrivateLines
from telemetry.identity import MASK

ANSWER_S_MAX: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 * 1024
CALLED: Final = "the Vault"
LOOPBACK: Final = frozenset(("127.0.0.1", "localhost", "::1"))


class VaultKek:
    """Obeys ``KekHolder``. ``file`` has the wrapped KEKs, one a line.

    ``address`` is a URL, https unless the Vault is on this machine; OfficeError otherwise.
    """

    def __init__(
        self, address: str, token: str, key: str, file: Path, ca_file: Path | None = None
    ) -> None:
        url = urlsplit(address)
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK):
            msg = "vault_address must begin with https://, or name this machine: keys travel there"
            raise OfficeError(msg)
        self._url = url
        self._token = token
        self._key = quote(key, safe="")
        self._lines = PrivateLines(file, "wrapped keys")
        self._ca_file = ca_file

    def __repr__(self) -> str:
        return f"VaultKek({MASK})"

    def load(self) -> dict[str, Kek]:
        """Every KEK of the file, as the Vault opens it; OfficeError if it does not."""
        return by_id(self._opened(line) for line in self._lines.read())

    def add(self) -> Kek:
        """A data key of the Vault's, its wrapped form beside the others."""
        made = self._ask(f"datakey/plaintext/{self._key}", {"bits": KEK_BYTES * 8})
        fresh = parsed(_text(made, "plaintext").encode(), CALLED)
        wrapped = _text(made, "ciphertext").encode()
        if len(wrapped.split()) != 1:
            msg = f"{CALLED} gave no wrapped key"
            raise OfficeError(msg)
        self._lines.replace([*self._lines.read(), wrapped])
        return fresh

    def keep_only(self, kek_id: str) -> None:
        """Take the others' wrapped forms away; KeyError if it is not held."""
        held = {self._opened(line).id: line for line in self._lines.read()}
        if set(held) != {kek_id}:
            self._lines.replace([held[kek_id]])

    def _opened(self, wrapped: bytes) -> Kek:
        asked = {"ciphertext": wrapped.decode("ascii", "replace")}
        return parsed(_text(self._ask(f"decrypt/{self._key}", asked), "plaintext").encode(), CALLED)

    def _ask(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-Vault-Token": self._token, "Content-Type": "application/json"}
        connection = self._connection()
        try:
            path = f"{self._url.path.rstrip('/')}/v1/transit/{what}"
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            said = answer.read(ANSWER_BYTES_MAX)
            if answer.status != http.client.OK:
                msg = f"{CALLED} answered {answer.status}: look at its token and at vault_key"
                raise OfficeError(msg)
            data = json.loads(said)["data"]
        except (OSError, http.client.HTTPException) as error:
            msg = f"{CALLED} cannot be asked ({type(error).__name__}): see that it runs, unsealed"
            raise OfficeError(msg) from None
        except (ValueError, KeyError, TypeError):
            data = None
        finally:
            connection.close()
        if not isinstance(data, dict):
            msg = f"{CALLED} answered with something else than a key"
            raise OfficeError(msg)
        return data

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=ANSWER_S_MAX)
        context = ssl.create_default_context(cafile=self._ca_file)
        return http.client.HTTPSConnection(host, port, timeout=ANSWER_S_MAX, context=context)


def _text(data: dict[str, Any], name: str) -> str:
    found = data.get(name)
    if not isinstance(found, str):
        msg = f"{CALLED} answered without `{name}`"
        raise OfficeError(msg)
    return found
