"""The library that was loaded."""

from __future__ import annotations

import json
from typing import Any, Dict, Final, Tuple

from ._load import lib
from ._prototypes import CONSTANTS

#: Bytes of the key that seals an export.
KEY_LEN: Final = CONSTANTS["SEALWAX_KEY_LEN"]
#: Longest user id or group label, in bytes of UTF-8.
NAME_MAX: Final = CONSTANTS["SEALWAX_NAME_MAX"]
#: Longest card, in bytes.
CARD_MAX: Final = CONSTANTS["SEALWAX_CARD_MAX"]
#: Longest prekey bundle, in bytes.
PREKEYS_MAX: Final = CONSTANTS["SEALWAX_PREKEYS_MAX"]
#: Longest plaintext of one message, in bytes.
MESSAGE_MAX: Final = CONSTANTS["SEALWAX_MESSAGE_MAX"]
#: Longest envelope, in bytes.
ENVELOPE_MAX: Final = CONSTANTS["SEALWAX_ENVELOPE_MAX"]
#: Longest frame between a client and a relay, in bytes. A transport must carry as much in one piece: the `max_size` of
#: websockets is less unless it is told.
FRAME_MAX: Final = CONSTANTS["SEALWAX_FRAME_MAX"]
#: Most envelopes that the library takes at once; `GroupReceiver.decrypt_batch` takes any number.
BATCH_MAX: Final = CONSTANTS["SEALWAX_BATCH_MAX"]
#: Most bytes that they may have together.
BATCH_BYTES_MAX: Final = CONSTANTS["SEALWAX_BATCH_BYTES_MAX"]


def version() -> str:
    """The version of the library, such as "1.2.3"."""
    text: bytes = lib.sealwax_version()
    return text.decode()


def abi_version() -> Tuple[int, int]:
    """Major and minor number of the library's ABI."""
    number: int = lib.sealwax_abi_version()
    return number >> 16, number & 0xFFFF


def build_info() -> Dict[str, Any]:
    """How the library was built: "backend", "suites", "sizes", "limits" and more."""
    info: Dict[str, Any] = json.loads(lib.sealwax_build_info())
    return info


def live_handles() -> int:
    """How many objects are open in this process. A test ends by asserting that this is 0."""
    count: int = lib.sealwax_live_handles()
    return count
