"""How inputs are damaged: their bytes, their text, the values in their JSON, and their names."""

import copy
import json
import math
import random
from typing import Any

# Become what Python itself does not write: a number of 5,000 digits, and values in lists in lists.
HUGE, DEEP = "@@HUGE@@", {f"@@DEEP{depth}@@": depth for depth in (3, 300, 3000, 100_000)}
OTHER_KINDS = (b"", b"\0" * 64, b"<html><title>502</title></html>", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"%PDF-1.4\n",
               b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"version https://git-lfs.github.com/spec/v1\n",
               b"RIFF\xff\xff\xff\xffWEBPVP8 ", b"II*\0\x08\0\0\0", b"BM" + b"\xff" * 60)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -1e308, math.nan, math.inf, 10**30, HUGE, "", " ", "\0", "\ud800", "NaN", "²",
    "../../../etc/passwd", "/dev/zero", "file:///dev/zero", "data:image/png;base64,AAAA", "data:,", "http://[::1",
    "https://user:key@127.0.0.1:9/a.jpg?sig=1", "\u202egpj.a", "a" * 5000, "a\r\nb.jpg", "null", "{}", [], {}, [None],
    [[]], {"": None}, {"id": {}}, ["a.jpg", 7, None],
)  # fmt: skip
NAMES = ("a\nb", "a\rb", "a\tb", "a\x1b[31mb", "ä", "a\u0308", "\u202eb", "名" * 60, "a" * 240, "-rf", "a;b", "a'b\"c",
         "a%2Fb", "a%00b", "a?b#c", "a\\b", "con", "a b ", "a,b", "\udcff\udcfe", "~", "*", "$(id)", "{}",
         "50%")  # fmt: skip
NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "1e308",
    "-0.5",
    "2",
    "1e-320",
    "0x10",
    "1_0",
    "\u0661",
    "²",
    "9" * 400,
    "",
    "abc",
    "0,5",
    "-0",
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "cp037")


def damage_bytes(content: bytes, chance: random.Random) -> bytes:
    """Damage bytes in one to three ways, at random places."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        content = damage_once(bytearray(content), chance)
    return content


def damage_once(content: bytearray, chance: random.Random) -> bytes:
    """Damage bytes in one way: flips, a cut, a block that is zero, gone, doubled, moved or of another kind of file."""
    start = chance.randrange(len(content)) if content else 0
    # Headers are at the beginning: half of the damages are there.
    start = start % 200 if chance.random() < 0.5 else start
    length = chance.choice((1, 2, 4, 16, 200, 4000))
    block = bytes(content[start : start + length])
    match chance.randrange(9):
        case 0:
            for _ in range(chance.choice((1, 1, 4, 40)) if content else 0):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        case 1:
            del content[start:]
        case 2:
            content[start : start + length] = bytes(len(block))
        case 3:
            del content[start : start + length]
        case 4:
            content[start:start] = block * chance.choice((1, 2, 50))
        case 5:
            content[start : start + 4] = chance.choice(
                (b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4))
            )
        case 6:
            content[start:start] = chance.randbytes(length)
        case 7:
            content[:] = chance.choice(OTHER_KINDS) + (content[start:] if chance.random() < 0.3 else b"")
        case 8:
            del content[start : start + length]
            place = chance.randrange(len(content) + 1)
            content[place:place] = block
    return bytes(content)


def damage_text(text: str, chance: random.Random) -> bytes:
    """Damage a text file: its bytes, its encoding, its line breaks, or one of its lines."""
    lines = text.split("\n")
    line = chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            return damage_bytes(text.encode(), chance)
        case 1:
            return text.encode(chance.choice(ENCODINGS), "replace")
        case 2:
            return chance.choice(("\r", "\r\n", "\0", "\u2028", "\n\n")).join(lines).encode()
        case 3:
            lines[line:line] = lines[line : line + 1] * chance.choice((1, 3, 2000))
        case 4:
            words = lines[line].split(" ")
            words[chance.randrange(len(words))] = chance.choice((*NUMBERS, *NAMES))
            lines[line] = " ".join(words)
        case 5:
            lines[line] = chance.choice((lines[line][::-1], lines[line] * 50, f"# {lines[line]}", f"\t{lines[line]}"))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def damage_json(document: Any, chance: random.Random) -> str:
    """Damage values and keys of a JSON document, and write it."""
    changed = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        places = list(find_places(changed))
        if places:
            damage_place(*chance.choice(places), chance)
    text = json.dumps(changed, ensure_ascii=chance.random() < 0.9).replace(f'"{HUGE}"', "9" * 5000)
    for word, depth in DEEP.items():
        text = text.replace(f'"{word}"', "[" * depth + "]" * depth)
    return text


def find_places(value: Any) -> "list[tuple[Any, Any]]":
    """List each key of an object and each index of a list, with what it is in."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [place for key in keys for place in ((value, key), *find_places(value[key]))]


def damage_place(holder: Any, key: Any, chance: random.Random) -> None:
    """Damage one value of an object or a list."""
    value = holder[key]
    match chance.randrange(8):
        case 0:
            del holder[key]
        case 1:
            holder[key] = [value]
        case 2:
            holder[key] = {"value": value}
        case 3:
            holder[key] = str(value)
        case 4:
            holder[key] = chance.choice(list(DEEP))
        case 5 if isinstance(holder, dict):
            holder[chance.choice((f" {key}", str(key).upper(), "", "\0", "id"))] = holder.pop(key)
        case 6 if isinstance(value, list):
            holder[key] = value * chance.choice((2, 30))
        case _:
            holder[key] = copy.deepcopy(chance.choice(VALUES))
