"""Lists as they travel: signed with Ed25519, as JWS in compact form, for any JOSE library.

In: a list and a key, or a signed list and the public keys of an office. Out: the signed list, or
the list that it holds. The only file of this room that knows JOSE; it reads no clock.
"""

import json
from typing import Any, Final, Self

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry

from telemetry.identity import MASK
from telemetry.wire.collection_list import (
    SIGNED_BYTES_MAX,
    CollectionList,
    encode_list,
    take_list,
)

ALGORITHM: Final = "EdDSA"
"""RFC 8037. RFC 9864 has a newer name for it, which libraries in devices do not know yet."""
TYPE: Final = "roadfade-collection-list+jws"


class _OneAlgorithm(JWSRegistry):
    """Takes this algorithm alone, whatever a header asks for."""

    def get_alg(self, name: str) -> Any:
        if name != ALGORITHM:
            msg = f"lists are signed with {ALGORITHM}"
            raise UnsupportedAlgorithmError(msg)
        return self.algorithms[name]


_ONE: Final = _OneAlgorithm(algorithms=[ALGORITHM])


class NotAListError(ValueError):
    """A signed list does not hold; says why, and quotes nothing of it."""


class ListSigner:
    """Signs lists with one key."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self.key_id = key.thumbprint()
        """By RFC 7638; it stands in the header of each list."""

    @classmethod
    def fresh(cls) -> Self:
        """With a key that is made now."""
        return cls(OKPKey.generate_key("Ed25519"))

    @classmethod
    def of(cls, private: dict[str, Any]) -> Self:
        """With a key as ``private`` gave it; ValueError if it is none."""
        try:
            key = OKPKey.import_key(private)
        except (JoseError, TypeError, KeyError, AttributeError):
            key = None
        if key is None or key.curve_name != "Ed25519" or not key.is_private:
            msg = "no private key for Ed25519"
            raise ValueError(msg)
        return cls(key)

    @property
    def private(self) -> dict[str, Any]:
        """The key as a JWK, with its secret."""
        return dict(self._key.as_dict(private=True))

    @property
    def public(self) -> dict[str, Any]:
        """The key as a JWK, as everybody may have it."""
        secretless = self._key.as_dict(private=False)
        return {**secretless, "kid": self.key_id, "use": "sig", "alg": ALGORITHM}

    def sign(self, one: CollectionList) -> bytes:
        """The list as it travels; ValueError if it is too long for that."""
        header = {"alg": ALGORITHM, "kid": self.key_id, "typ": TYPE}
        signed = jws.serialize_compact(header, encode_list(one), self._key, registry=_ONE).encode()
        if len(signed) > SIGNED_BYTES_MAX:
            msg = f"a list of more than {SIGNED_BYTES_MAX} bytes is refused by those who take it"
            raise ValueError(msg)
        return signed

    def __repr__(self) -> str:
        return f"ListSigner({MASK})"


def verified(signed: bytes, keys: bytes) -> CollectionList:
    """The list, if one of these public keys (a JWK set) signed it; NotAListError otherwise."""
    try:
        found = KeySet.import_key_set(json.loads(keys))
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        msg = "there is no set of public keys, as `roadfade collect keys` prints it"
        raise NotAListError(msg) from None
    if len(signed) > SIGNED_BYTES_MAX:
        msg = f"it is longer than a list may be, {SIGNED_BYTES_MAX} bytes"
        raise NotAListError(msg)
    try:
        held = jws.deserialize_compact(signed, found, registry=_ONE)
    except (JoseError, ValueError, TypeError, KeyError):
        msg = "none of these keys signed it, or it was changed since"
        raise NotAListError(msg) from None
    if held.headers().get("typ") != TYPE:
        msg = "it is signed, and no collection list: its type is another"
        raise NotAListError(msg)
    one = take_list(held.payload)
    if one is None:
        msg = "it is signed, but this program knows no list of that version"
        raise NotAListError(msg)
    return one
