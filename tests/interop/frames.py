"""Section 10.3 of docs/PROTOCOL.md: what a client and a relay say to each other."""

from codec import FRAME, Reader, Refused, malformed, number, prefix, utf8, vector
from codec import name as codec_name

BUNDLE, LONG = (1 << 20) - 1, (1 << 23) - 1
ENVELOPES_MAX, GROUPS_MAX = 1024, 64

# type -> name and fields: a number gives its size, fixed bytes theirs, a vector its bounds
LAYOUTS = {
    1: ("hello", [("method", "number", 1), ("card", "vector", (1, 65535)), ("store_id", "fixed", 16),
                  ("commit", "number", 8), ("relay_id", "fixed", 16), ("seen", "number", 8)]),
    2: ("ok", []),
    3: ("error", [("status", "number", 4), ("retry_after_ms", "number", 4), ("epoch", "number", 8),
                  ("text", "vector", (0, 255))]),
    4: ("challenge", [("nonce", "fixed", 32), ("relay_name", "name", 0)]),
    5: ("prekeys", [("commit", "number", 8), ("bundle", "vector", (1, BUNDLE))]),
    6: ("lookup", [("user", "name", 1)]),
    7: ("found", [("card", "vector", (1, 65535)), ("bundle", "vector", (0, BUNDLE))]),
    8: ("commit", [("commit", "number", 8), ("entry", "vector", (1, LONG))]),
    9: ("fetch log", [("group_id", "fixed", 32), ("from_epoch", "number", 8)]),
    10: ("log", [("entries", "vector", (0, LONG))]),
    11: ("send", [("commit", "number", 8), ("envelope", "vector", (1, LONG))]),
    12: ("deliver", [("sequence", "number", 8), ("flags", "number", 1), ("payload", "vector", (0, LONG))]),
    13: ("acknowledge", [("commit", "number", 8), ("sequence", "number", 8)]),
    14: ("proof", [("signature", "fixed", 64)]),
    15: ("welcome", [("time_ms", "number", 8), ("relay_id", "fixed", 16), ("commit", "number", 8),
                     ("acknowledged", "number", 8), ("last", "number", 8), ("signed_prekey_expires_ms", "number", 8),
                     ("one_time_prekeys", "number", 2), ("frame_max", "number", 4)]),
    16: ("send many", [("commit", "number", 8), ("envelopes", "vector", (1, LONG))]),
    17: ("sent many", [("statuses", "vector", (4, 65535))]),
    18: ("presence", [("state", "number", 1), ("user", "name", 1)]),
    19: ("watch", [("visible", "number", 1), ("users", "vector", (0, BUNDLE))]),
    20: ("find", [("label", "name", 1)]),
    21: ("groups", [("groups", "vector", (0, 65535))]),
    22: ("ping", []),
}
UNASKED = {"deliver", "acknowledge", "presence"}
TYPES = {name: type_ for type_, (name, _) in LAYOUTS.items()}
QUEUE_END = 1


def encode(name, request, **values):
    type_ = TYPES[name]
    encoded = prefix(FRAME) + number(type_, 1) + number(request, 4)
    for field, form, detail in LAYOUTS[type_][1]:
        value = values.pop(field)
        if form == "number":
            encoded += number(value, detail)
        elif form == "fixed":
            assert len(value) == detail
            encoded += value
        elif form == "name":
            encoded += vector(value.encode(), 255)
        else:
            encoded += vector(value, detail[1])
    assert not values, f"{name} has no {list(values)}"
    return encoded


def parse(encoded):
    """Name, request and fields."""
    r = Reader(encoded)
    r.prefix(FRAME)
    type_, request = r.number(1), r.number(4)
    if type_ not in LAYOUTS:
        raise malformed("no such frame")
    name, layout = LAYOUTS[type_]
    values = {}
    for field, form, detail in layout:
        if form == "number":
            values[field] = r.number(detail)
        elif form == "fixed":
            values[field] = r.take(detail)
        elif form == "name":
            values[field] = codec_name(r.vector(detail, 255))
        else:
            values[field] = r.vector(*detail)
    r.end()
    if name == "error":
        utf8(values["text"])
    elif (name in UNASKED) == (request != 0):
        raise malformed("a request where there is none, or none where there is one")
    check(name, values)
    return name, request, values


def check(name, values):
    if name == "hello" and values["method"] > 1:
        raise Refused("UNSUPPORTED", "a method that is reserved")
    if name == "deliver":
        end = values["flags"]
        if end > QUEUE_END or end != (not values["payload"]) or end != (not values["sequence"]):
            raise malformed("neither a payload nor the end of the queue")
    if name == "presence" and values["state"] > 1 or name == "watch" and values["visible"] > 1:
        raise malformed("neither yes nor no")
    if name == "watch":
        users = each(values["users"], Reader.user)
        if users != sorted(set(users), key=str.encode):
            raise malformed("users that do not ascend")
    if name == "send many" and len(each(values["envelopes"], lambda r: r.vector(1, LONG))) > ENVELOPES_MAX:
        raise malformed("too many envelopes")
    if name == "sent many" and len(each(values["statuses"], lambda r: r.number(4))) > ENVELOPES_MAX:
        raise malformed("too many statuses")
    if name == "groups" and len(each(values["groups"], lambda r: (r.take(32), r.flags(3)))) > GROUPS_MAX:
        raise malformed("too many groups")


def each(encoded, read):
    """The elements of a vector."""
    r, elements = Reader(encoded), []
    while r.more():
        elements.append(read(r))
    return elements
