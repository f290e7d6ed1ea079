"""What `include/sealwax.h` declares, as ctypes sees it. A test parses the header and proves that this is all of it."""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    CDLL,
    Structure,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Dict, NamedTuple, Tuple

#: All constants but the statuses, each of which is an exception in `_errors`.
CONSTANTS: Dict[str, int] = {
    "SEALWAX_ABI_MAJOR": 0,
    "SEALWAX_ABI_MINOR": 2,
    "SEALWAX_KEY_LEN": 32,
    "SEALWAX_ID_LEN": 16,
    "SEALWAX_FINGERPRINT_LEN": 32,
    "SEALWAX_GROUP_ID_LEN": 32,
    "SEALWAX_KEY_ID_LEN": 8,
    "SEALWAX_SAFETY_DIGITS": 60,
    "SEALWAX_NAME_MAX": 255,
    "SEALWAX_MESSAGE_MAX": 1048576,
    "SEALWAX_CARD_MAX": 640,
    "SEALWAX_PREKEYS_MAX": 69632,
    "SEALWAX_ENVELOPE_MAX": 1183744,
    "SEALWAX_FRAME_MAX": 4198400,
    "SEALWAX_STREAM_HEADER_LEN": 38,
    "SEALWAX_STREAM_OVERHEAD": 28,
    "SEALWAX_STREAM_CHUNK_MAX": 1048576,
    "SEALWAX_STREAM_REFERENCE_MAX": 79,
    "SEALWAX_BATCH_MAX": 4096,
    "SEALWAX_BATCH_BYTES_MAX": 67108864,
    "SEALWAX_KIND_SESSION": 1,
    "SEALWAX_KIND_SESSION_FIRST": 2,
    "SEALWAX_KIND_GROUP": 5,
    "SEALWAX_KIND_ROSTER_ENTRY": 6,
    "SEALWAX_FLAG_HIDDEN_HEADER": 1,
    "SEALWAX_FLAG_RESUMED": 1,
    "SEALWAX_ROLE_MEMBER": 1,
    "SEALWAX_ROLE_ADMIN": 2,
    "SEALWAX_ROLE_OWNER": 3,
    "SEALWAX_GROUP_FLAG_OPEN": 1,
    "SEALWAX_GROUP_FLAG_DELETED": 2,
    "SEALWAX_DELIVERY_QUEUE_END": 1,
    "SEALWAX_DELIVERY_CLOSE": 2,
    "SEALWAX_RECONNECT_SOON": 0,
    "SEALWAX_RECONNECT_LATE": 1,
    "SEALWAX_RECONNECT_NEVER": 2,
    "SEALWAX_CONTENT_BINARY": 0,
    "SEALWAX_CONTENT_TEXT": 1,
    "SEALWAX_SEND_TRANSIENT": 1,
    "SEALWAX_EVENT_CONNECTED": 1,
    "SEALWAX_EVENT_DISCONNECTED": 2,
    "SEALWAX_EVENT_PRESENCE": 3,
    "SEALWAX_EVENT_MESSAGE": 4,
    "SEALWAX_EVENT_ACK": 5,
    "SEALWAX_EVENT_FAILED": 6,
    "SEALWAX_EVENT_IDENTITY_CHANGED": 7,
    "SEALWAX_EVENT_DONE": 8,
    "SEALWAX_EVENT_ERROR": 9,
    "SEALWAX_EVENT_GROUP_CREATED": 20,
    "SEALWAX_EVENT_GROUP_JOINED": 21,
    "SEALWAX_EVENT_GROUP_LEFT": 22,
    "SEALWAX_EVENT_GROUP_DELETED": 23,
    "SEALWAX_EVENT_GROUP_FORKED": 24,
    "SEALWAX_EVENT_MEMBER_JOINED": 25,
    "SEALWAX_EVENT_MEMBER_LEFT": 26,
    "SEALWAX_EVENT_ROLE_CHANGED": 27,
    "SEALWAX_EVENT_MEMBER_REPLACED": 28,
    "SEALWAX_EVENT_GROUP_MESSAGE": 29,
    "SEALWAX_EVENT_MESSAGE_PENDING": 30,
    "SEALWAX_EVENT_MESSAGE_UNREADABLE": 31,
    "SEALWAX_EVENT_KEY_WITHHELD": 32,
    "SEALWAX_EVENT_FLAG_AGAIN": 1,
    "SEALWAX_EVENT_FLAG_ONLINE": 2,
    "SEALWAX_EVENT_FLAG_RESTORED": 4,
    "SEALWAX_EVENT_FLAG_BLOCKED": 8,
    "SEALWAX_STATE_SENT": 1,
    "SEALWAX_STATE_DELIVERED": 2,
    "SEALWAX_STATE_READ": 3,
}


class IdentityHandle(c_void_p):
    """sealwax_identity *: a token, never followed."""


class SessionHandle(c_void_p):
    """sealwax_session *"""


class RosterHandle(c_void_p):
    """sealwax_roster *"""


class GroupSenderHandle(c_void_p):
    """sealwax_group_sender *"""


class GroupReceiverHandle(c_void_p):
    """sealwax_group_receiver *"""


class StreamSealHandle(c_void_p):
    """sealwax_stream_seal *"""


class StreamOpenHandle(c_void_p):
    """sealwax_stream_open *"""


class RelayHandle(c_void_p):
    """sealwax_relay *"""


class DeliveriesHandle(c_void_p):
    """sealwax_deliveries *"""


class ClientHandle(c_void_p):
    """sealwax_client *"""


class EventHandle(c_void_p):
    """sealwax_event *"""


#: Opaque types of the header by name.
HANDLES: Dict[str, Any] = {
    "sealwax_identity": IdentityHandle,
    "sealwax_session": SessionHandle,
    "sealwax_roster": RosterHandle,
    "sealwax_group_sender": GroupSenderHandle,
    "sealwax_group_receiver": GroupReceiverHandle,
    "sealwax_stream_seal": StreamSealHandle,
    "sealwax_stream_open": StreamOpenHandle,
    "sealwax_relay": RelayHandle,
    "sealwax_deliveries": DeliveriesHandle,
    "sealwax_client": ClientHandle,
    "sealwax_event": EventHandle,
}

#: Types of functions that the library calls, by name.
CALLBACKS: Dict[str, Any] = {
    "sealwax_wake": CFUNCTYPE(None, c_void_p),
}


class Slice(Structure):
    """sealwax_slice"""

    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]


class Result(Structure):
    """sealwax_result"""

    _fields_ = [("status", c_int32), ("reserved", c_uint32), ("offset", c_size_t), ("len", c_size_t)]


class EnvelopeHeader(Structure):
    """sealwax_envelope"""

    _fields_ = [
        ("kind", c_uint32),
        ("flags", c_uint32),
        ("sender", Slice),
        ("recipient", Slice),
        ("group", Slice),
        ("timestamp_ms", c_uint64),
        ("envelope_id", c_uint8 * 16),
    ]


class GroupStateView(Structure):
    """sealwax_group_state"""

    _fields_ = [
        ("epoch", c_uint64),
        ("membership_epoch", c_uint64),
        ("hash", c_uint8 * 32),
        ("members", c_uint32),
        ("role", c_uint32),
        ("flags", c_uint32),
        ("branches", c_uint32),
        ("branch_heads", c_uint8 * 128),
        ("label_len", c_uint32),
        ("reserved", c_uint32),
        ("label", c_char * 256),
    ]


class MemberView(Structure):
    """sealwax_member"""

    _fields_ = [
        ("role", c_uint32),
        ("user_len", c_uint32),
        ("since_epoch", c_uint64),
        ("fingerprint", c_uint8 * 32),
        ("user", c_char * 256),
    ]


class StreamLayout(Structure):
    """sealwax_stream_layout"""

    _fields_ = [("size", c_uint64), ("sealed_size", c_uint64), ("chunks", c_uint32), ("chunk_size", c_uint32)]


class DeliveryView(Structure):
    """sealwax_delivery"""

    _fields_ = [
        ("user", Slice),
        ("payload", Slice),
        ("sequence", c_uint64),
        ("envelope_id", c_uint8 * 16),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("connection", c_uint64),
        ("head", Slice),
    ]


class RecordView(Structure):
    """sealwax_record"""

    _fields_ = [("name", Slice), ("value", Slice), ("replaces", c_uint64)]


class PendingView(Structure):
    """sealwax_pending"""

    _fields_ = [
        ("frames", c_size_t),
        ("events", c_size_t),
        ("due_ms", c_uint64),
        ("wants_disconnect", c_uint32),
        ("reconnect", c_uint32),
    ]


class EventFields(Structure):
    """sealwax_event_fields"""

    _fields_ = [
        ("kind", c_uint32),
        ("flags", c_uint32),
        ("number", c_uint64),
        ("request", c_uint64),
        ("time_ms", c_uint64),
        ("user", Slice),
        ("by", Slice),
        ("group", Slice),
        ("label", Slice),
        ("payload", Slice),
        ("known_fingerprint", Slice),
        ("fingerprint", Slice),
        ("message_id", c_uint8 * 16),
        ("status", c_int32),
        ("state", c_uint32),
        ("content_type", c_uint32),
        ("role", c_uint32),
        ("count", c_uint32),
        ("reserved", c_uint32),
    ]


#: Structures of the header by name.
STRUCTURES: Dict[str, Any] = {
    "sealwax_slice": Slice,
    "sealwax_result": Result,
    "sealwax_envelope": EnvelopeHeader,
    "sealwax_group_state": GroupStateView,
    "sealwax_member": MemberView,
    "sealwax_stream_layout": StreamLayout,
    "sealwax_delivery": DeliveryView,
    "sealwax_record": RecordView,
    "sealwax_pending": PendingView,
    "sealwax_event_fields": EventFields,
}


class Prototype(NamedTuple):
    """What a function returns and takes."""

    result: Any
    arguments: Tuple[Any, ...]


def _fallible(*arguments: Any) -> Prototype:
    return Prototype(c_int32, arguments)


# The shapes that arguments come in.
_BYTES = (c_void_p, c_size_t)
_TEXT = (c_char_p, c_size_t)
_OUT = (c_void_p, c_size_t, POINTER(c_size_t))
_OPTIONS = _TEXT
_NOW = c_uint64

#: All functions of the header by name.
FUNCTIONS: Dict[str, Prototype] = {
    # Library
    "sealwax_abi_version": Prototype(c_uint32, ()),
    "sealwax_version": Prototype(c_char_p, ()),
    "sealwax_build_info": Prototype(c_char_p, ()),
    "sealwax_status_name": Prototype(c_char_p, (c_int32,)),
    "sealwax_status_text": Prototype(c_char_p, (c_int32,)),
    "sealwax_live_handles": Prototype(c_size_t, ()),
    "sealwax_handle_revision": _fallible(c_void_p, POINTER(c_uint64)),
    "sealwax_options_check": _fallible(*_TEXT, *_OPTIONS, *_OUT),
    # Identities and cards
    "sealwax_identity_new": _fallible(*_TEXT, *_OPTIONS, _NOW, POINTER(IdentityHandle)),
    "sealwax_identity_free": _fallible(IdentityHandle),
    "sealwax_identity_export": _fallible(IdentityHandle, *_BYTES, *_OUT),
    "sealwax_identity_import": _fallible(*_BYTES, *_BYTES, POINTER(IdentityHandle)),
    "sealwax_identity_card": _fallible(IdentityHandle, *_OUT),
    "sealwax_identity_prekeys": _fallible(IdentityHandle, c_uint32, _NOW, *_OUT),
    "sealwax_identity_prove": _fallible(IdentityHandle, *_TEXT, *_BYTES, *_BYTES, *_OUT),
    "sealwax_identity_info": _fallible(IdentityHandle, *_OUT),
    "sealwax_card_inspect": _fallible(*_BYTES, *_OUT),
    "sealwax_card_safety_number": _fallible(*_BYTES, *_BYTES, POINTER(c_char), *_OUT),
    # Envelopes
    "sealwax_envelope_parse": _fallible(*_BYTES, POINTER(EnvelopeHeader)),
    "sealwax_envelope_inspect": _fallible(*_BYTES, *_OUT),
    "sealwax_frame_envelope": _fallible(*_BYTES, POINTER(Slice)),
    # Sessions
    "sealwax_session_initiate": _fallible(
        IdentityHandle, *_BYTES, *_BYTES, *_OPTIONS, _NOW, POINTER(SessionHandle)
    ),
    "sealwax_session_accept": _fallible(IdentityHandle, *_BYTES, *_OPTIONS, _NOW, POINTER(SessionHandle)),
    "sealwax_session_renew": _fallible(SessionHandle, *_BYTES, *_BYTES, _NOW),
    "sealwax_session_free": _fallible(SessionHandle),
    "sealwax_session_info": _fallible(SessionHandle, *_OUT),
    "sealwax_session_export": _fallible(SessionHandle, *_BYTES, c_uint32, *_OUT),
    "sealwax_session_import": _fallible(IdentityHandle, *_BYTES, *_BYTES, POINTER(SessionHandle)),
    "sealwax_session_encrypt_len": _fallible(SessionHandle, c_size_t, POINTER(c_size_t)),
    "sealwax_session_encrypt": _fallible(SessionHandle, *_BYTES, _NOW, *_OUT),
    "sealwax_session_decrypt": _fallible(SessionHandle, *_BYTES, _NOW, *_OUT),
    "sealwax_session_peek": _fallible(SessionHandle, *_BYTES, _NOW, *_OUT),
    # Rosters
    "sealwax_roster_create": _fallible(
        IdentityHandle, *_TEXT, *_BYTES, *_OPTIONS, _NOW, POINTER(RosterHandle)
    ),
    "sealwax_roster_open": _fallible(*_BYTES, POINTER(RosterHandle)),
    "sealwax_roster_free": _fallible(RosterHandle),
    "sealwax_roster_apply": _fallible(RosterHandle, *_BYTES, _NOW),
    "sealwax_roster_log": _fallible(RosterHandle, c_uint64, *_OUT),
    "sealwax_roster_group_id": _fallible(RosterHandle, POINTER(c_uint8)),
    "sealwax_roster_info": _fallible(RosterHandle, *_OUT),
    "sealwax_roster_state": _fallible(RosterHandle, POINTER(GroupStateView)),
    "sealwax_roster_members": _fallible(RosterHandle, *_OUT),
    "sealwax_roster_propose_add": _fallible(RosterHandle, IdentityHandle, *_BYTES, c_uint32, _NOW, *_OUT),
    "sealwax_roster_propose_join": _fallible(RosterHandle, IdentityHandle, _NOW, *_OUT),
    "sealwax_roster_propose_remove": _fallible(RosterHandle, IdentityHandle, *_TEXT, _NOW, *_OUT),
    "sealwax_roster_propose_leave": _fallible(RosterHandle, IdentityHandle, _NOW, *_OUT),
    "sealwax_roster_propose_role": _fallible(RosterHandle, IdentityHandle, *_TEXT, c_uint32, _NOW, *_OUT),
    "sealwax_roster_propose_replace": _fallible(RosterHandle, IdentityHandle, *_BYTES, _NOW, *_OUT),
    "sealwax_roster_propose_delete": _fallible(RosterHandle, IdentityHandle, _NOW, *_OUT),
    "sealwax_roster_propose_resolve": _fallible(RosterHandle, IdentityHandle, *_BYTES, _NOW, *_OUT),
    # Groups
    "sealwax_group_sender_new": _fallible(
        IdentityHandle, RosterHandle, *_OPTIONS, _NOW, POINTER(GroupSenderHandle)
    ),
    "sealwax_group_sender_free": _fallible(GroupSenderHandle),
    "sealwax_group_sender_distribute": _fallible(GroupSenderHandle, SessionHandle, _NOW, *_OUT),
    "sealwax_group_sender_distribute_many": _fallible(
        GroupSenderHandle, POINTER(SessionHandle), c_size_t, _NOW, *_OUT, POINTER(Result)
    ),
    "sealwax_group_sender_confirm": _fallible(GroupSenderHandle, *_TEXT),
    "sealwax_group_sender_encrypt_len": _fallible(GroupSenderHandle, c_size_t, POINTER(c_size_t)),
    "sealwax_group_sender_encrypt": _fallible(GroupSenderHandle, *_BYTES, _NOW, *_OUT),
    "sealwax_group_sender_rotate": _fallible(GroupSenderHandle, _NOW),
    "sealwax_group_sender_info": _fallible(GroupSenderHandle, *_OUT),
    "sealwax_group_sender_export": _fallible(GroupSenderHandle, *_BYTES, c_uint32, *_OUT),
    "sealwax_group_sender_import": _fallible(
        IdentityHandle, RosterHandle, *_BYTES, *_BYTES, POINTER(GroupSenderHandle)
    ),
    "sealwax_group_receiver_new": _fallible(
        IdentityHandle, RosterHandle, *_OPTIONS, _NOW, POINTER(GroupReceiverHandle)
    ),
    "sealwax_group_receiver_free": _fallible(GroupReceiverHandle),
    "sealwax_group_receiver_retire": _fallible(GroupReceiverHandle, _NOW, POINTER(c_uint64)),
    "sealwax_group_receiver_catch_up": _fallible(GroupReceiverHandle, c_int, _NOW),
    "sealwax_group_receiver_info": _fallible(GroupReceiverHandle, *_OUT),
    "sealwax_group_receiver_export": _fallible(GroupReceiverHandle, *_BYTES, *_OUT),
    "sealwax_group_receiver_import": _fallible(
        IdentityHandle, RosterHandle, *_BYTES, *_BYTES, POINTER(GroupReceiverHandle)
    ),
    "sealwax_group_receiver_install": _fallible(GroupReceiverHandle, SessionHandle, *_BYTES, _NOW),
    "sealwax_group_receiver_decrypt": _fallible(GroupReceiverHandle, *_BYTES, _NOW, *_OUT),
    "sealwax_group_receiver_decrypt_batch": _fallible(
        GroupReceiverHandle, POINTER(Slice), c_size_t, _NOW, *_OUT, POINTER(Result)
    ),
    "sealwax_group_receiver_share_history": _fallible(
        GroupReceiverHandle, SessionHandle, *_TEXT, *_BYTES, c_uint32, _NOW, *_OUT
    ),
    # Attachments
    "sealwax_stream_seal_new": _fallible(*_OPTIONS, POINTER(c_uint8), POINTER(StreamSealHandle)),
    "sealwax_stream_seal_free": _fallible(StreamSealHandle),
    "sealwax_stream_seal_layout": _fallible(StreamSealHandle, c_uint64, POINTER(StreamLayout)),
    "sealwax_stream_seal_update": _fallible(StreamSealHandle, *_BYTES, *_OUT),
    "sealwax_stream_seal_finish": _fallible(StreamSealHandle, *_OUT),
    "sealwax_stream_seal_chunk": _fallible(StreamSealHandle, c_uint32, c_int, *_BYTES, *_OUT),
    "sealwax_stream_seal_reference": _fallible(StreamSealHandle, *_OUT),
    "sealwax_stream_open_new": _fallible(*_BYTES, *_BYTES, *_OPTIONS, POINTER(StreamOpenHandle)),
    "sealwax_stream_open_free": _fallible(StreamOpenHandle),
    "sealwax_stream_open_layout": _fallible(StreamOpenHandle, POINTER(StreamLayout)),
    "sealwax_stream_open_update": _fallible(StreamOpenHandle, *_BYTES, *_OUT),
    "sealwax_stream_open_finish": _fallible(StreamOpenHandle),
    "sealwax_stream_open_chunk": _fallible(StreamOpenHandle, c_uint32, *_BYTES, *_OUT),
    # Relays
    "sealwax_relay_new": _fallible(*_OPTIONS, POINTER(RelayHandle)),
    "sealwax_relay_free": _fallible(RelayHandle),
    "sealwax_relay_register": _fallible(RelayHandle, *_TEXT, *_BYTES, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_forget_user": _fallible(RelayHandle, *_TEXT, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_publish": _fallible(RelayHandle, *_TEXT, *_BYTES, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_lookup": _fallible(
        RelayHandle, *_TEXT, *_TEXT, _NOW, *_OUT, *_OUT, POINTER(DeliveriesHandle)
    ),
    "sealwax_relay_info": _fallible(RelayHandle, *_OUT),
    "sealwax_relay_route": _fallible(RelayHandle, *_TEXT, *_BYTES, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_commit": _fallible(RelayHandle, *_TEXT, *_BYTES, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_log": _fallible(RelayHandle, *_TEXT, *_BYTES, c_uint64, *_OUT),
    "sealwax_relay_set_online": _fallible(RelayHandle, *_TEXT, c_int, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_acknowledge": _fallible(RelayHandle, *_TEXT, c_uint64, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_restore": _fallible(RelayHandle, *_TEXT, *_BYTES, c_uint64),
    "sealwax_relay_connect": _fallible(RelayHandle, c_uint64, *_TEXT, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_receive": _fallible(RelayHandle, c_uint64, *_BYTES, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_disconnect": _fallible(RelayHandle, c_uint64, _NOW, POINTER(DeliveriesHandle)),
    "sealwax_relay_tick": _fallible(RelayHandle, _NOW, POINTER(c_uint64), POINTER(DeliveriesHandle)),
    # Deliveries
    "sealwax_deliveries_view": _fallible(
        DeliveriesHandle, POINTER(POINTER(DeliveryView)), POINTER(c_size_t)
    ),
    "sealwax_deliveries_records": _fallible(
        DeliveriesHandle, POINTER(POINTER(RecordView)), POINTER(c_size_t)
    ),
    "sealwax_deliveries_free": _fallible(DeliveriesHandle),
    # Clients
    "sealwax_client_create": _fallible(*_TEXT, *_TEXT, *_BYTES, *_OPTIONS, _NOW, POINTER(ClientHandle)),
    "sealwax_client_create_with": _fallible(
        IdentityHandle, *_TEXT, *_BYTES, *_OPTIONS, _NOW, POINTER(ClientHandle)
    ),
    "sealwax_client_open": _fallible(*_TEXT, *_BYTES, *_OPTIONS, _NOW, POINTER(ClientHandle)),
    "sealwax_client_free": _fallible(ClientHandle),
    "sealwax_client_info": _fallible(ClientHandle, *_OUT),
    "sealwax_client_backup": _fallible(ClientHandle, *_TEXT),
    "sealwax_client_connected": _fallible(ClientHandle, *_TEXT, _NOW),
    "sealwax_client_disconnected": _fallible(ClientHandle, _NOW),
    "sealwax_client_receive": _fallible(ClientHandle, *_BYTES, _NOW),
    "sealwax_client_tick": _fallible(ClientHandle, _NOW),
    "sealwax_client_pending": _fallible(ClientHandle, POINTER(PendingView)),
    "sealwax_client_next_frame": _fallible(ClientHandle, *_OUT),
    "sealwax_client_next_event": _fallible(ClientHandle, POINTER(EventHandle)),
    "sealwax_client_confirm": _fallible(ClientHandle, c_uint64),
    "sealwax_client_on_wake": _fallible(ClientHandle, CALLBACKS["sealwax_wake"], c_void_p),
    "sealwax_client_send_direct": _fallible(
        ClientHandle, *_TEXT, c_uint32, *_BYTES, c_uint32, _NOW, POINTER(c_uint8)
    ),
    "sealwax_client_mark_read": _fallible(ClientHandle, *_TEXT, *_BYTES, _NOW),
    "sealwax_client_accept_identity": _fallible(ClientHandle, *_TEXT, *_BYTES, _NOW),
    "sealwax_client_watch": _fallible(ClientHandle, POINTER(Slice), c_size_t, _NOW),
    "sealwax_client_set_visible": _fallible(ClientHandle, c_int, _NOW),
    "sealwax_client_card": _fallible(ClientHandle, *_TEXT, *_OUT),
    "sealwax_client_changed_card": _fallible(ClientHandle, *_TEXT, *_OUT),
    "sealwax_client_fingerprint": _fallible(ClientHandle, *_TEXT, POINTER(c_uint8)),
    "sealwax_client_safety_number": _fallible(ClientHandle, *_TEXT, POINTER(c_char), *_OUT),
    # Groups of clients
    "sealwax_client_create_group": _fallible(
        ClientHandle, *_TEXT, POINTER(Slice), c_size_t, c_int, _NOW, POINTER(c_uint64)
    ),
    "sealwax_client_join_group": _fallible(ClientHandle, *_BYTES, _NOW, POINTER(c_uint64)),
    "sealwax_client_join_labelled": _fallible(ClientHandle, *_TEXT, _NOW, POINTER(c_uint64)),
    "sealwax_client_add_members": _fallible(
        ClientHandle, *_BYTES, POINTER(Slice), c_size_t, c_uint32, _NOW, POINTER(c_uint64)
    ),
    "sealwax_client_remove_member": _fallible(ClientHandle, *_BYTES, *_TEXT, _NOW, POINTER(c_uint64)),
    "sealwax_client_set_role": _fallible(
        ClientHandle, *_BYTES, *_TEXT, c_uint32, _NOW, POINTER(c_uint64)
    ),
    "sealwax_client_replace_member": _fallible(ClientHandle, *_BYTES, *_TEXT, _NOW, POINTER(c_uint64)),
    "sealwax_client_leave_group": _fallible(ClientHandle, *_BYTES, _NOW, POINTER(c_uint64)),
    "sealwax_client_delete_group": _fallible(ClientHandle, *_BYTES, _NOW, POINTER(c_uint64)),
    "sealwax_client_resolve_group": _fallible(ClientHandle, *_BYTES, *_BYTES, _NOW, POINTER(c_uint64)),
    "sealwax_client_groups": _fallible(ClientHandle, *_OUT),
    "sealwax_client_group_state": _fallible(ClientHandle, *_BYTES, POINTER(GroupStateView)),
    "sealwax_client_group_members": _fallible(ClientHandle, *_BYTES, *_OUT),
    "sealwax_client_group_info": _fallible(ClientHandle, *_BYTES, *_OUT),
    "sealwax_client_send_group": _fallible(
        ClientHandle, *_BYTES, c_uint32, *_BYTES, c_uint32, _NOW, POINTER(c_uint8)
    ),
    "sealwax_client_mark_group_read": _fallible(ClientHandle, *_BYTES, *_TEXT, *_BYTES, _NOW),
    "sealwax_client_share_history": _fallible(ClientHandle, *_BYTES, *_TEXT, _NOW, POINTER(c_uint64)),
    "sealwax_client_read_shared": _fallible(
        ClientHandle, *_BYTES, POINTER(Slice), c_size_t, _NOW, POINTER(c_size_t)
    ),
    # Events
    "sealwax_event_view": _fallible(EventHandle, POINTER(EventFields)),
    "sealwax_event_json": _fallible(EventHandle, *_OUT),
    "sealwax_event_free": _fallible(EventHandle),
}


def declare(library: CDLL) -> None:
    """Gives each function of a library its prototype; AttributeError for one that it lacks."""
    for name, prototype in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = prototype.result
        function.argtypes = prototype.arguments
