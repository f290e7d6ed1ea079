"""Section 10.3 of docs/PROTOCOL.md: what a client and a relay say to each other."""

from codec import FRAME, Reader, Refused, malformed, number, prefix, utf8, vector

ENTRY, ENVELOPE = (1 << 23) - 1, (1 << 23) - 1

# type -> name and fields: a number gives its size, fixed bytes theirs, a vector its bounds
LAYOUTS = {
    1: ("hello", [("method", "number", 1), ("user", "user", None)]),
    2: ("ok", []),
    3: ("error", [("status", "number", 4), ("text", "vector", (0, 255))]),
    4: ("card", [("card", "vector", (1, 65535))]),
    5: ("prekeys", [("bundle", "vector", (1, (1 << 20) - 1))]),
    6: ("lookup", [("user", "user", None)]),
    7: ("found", [("card", "vector", (1, 65535)), ("bundle", "vector", (0, (1 << 20) - 1))]),
    8: ("commit", [("entry", "vector", (1, ENTRY))]),
    9: ("fetch log", [("group_id", "fixed", 32), ("from_epoch", "number", 8)]),
    10: ("log", [("entries", "vector", (0, ENTRY))]),
    11: ("send", [("envelope", "vector", (1, ENVELOPE))]),
    12: ("deliver", [("sequence", "number", 8), ("flags", "number", 1), ("payload", "vector", (0, ENVELOPE))]),
    13: ("acknowledge", [("sequence", "number", 8)]),
}
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
        elif form == "user":
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
        elif form == "user":
            values[field] = r.user()
        else:
            values[field] = r.vector(*detail)
    r.end()
    if name == "error":
        utf8(values["text"])
    if name == "hello" and values["method"]:
        raise Refused("UNSUPPORTED", "a method that is reserved")
    if name == "deliver":
        end = values["flags"]
        if end > QUEUE_END or end != (not values["payload"]) or end != (not values["sequence"]):
            raise malformed("neither a payload nor the end of the queue")
        if request:
            raise malformed("a deliver that answers")
    return name, request, values
