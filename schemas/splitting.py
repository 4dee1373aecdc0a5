"""Cut a JSON array into its elements without parsing them.

Only for arrays that do not parse as a whole: one bad event must not take its neighbours along.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)
_BLANK: Final = b" \t\r\n"


def split_array(body: bytes) -> list[bytes] | None:
    """Return the elements' bytes; None where brackets do not balance, so no cut is safe."""
    text = body.strip(_BLANK)
    if not (text.startswith(b"[") and text.endswith(b"]")):
        return None
    elements = []
    depth = 0
    begin = 1
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
            if depth < 0 or (depth == 0 and token.end() != len(text)):
                return None
        elif sign == b"," and depth == 1:
            elements.append(text[begin : token.start()])
            begin = token.end()
    if depth:
        return None
    elements.append(text[begin:-1])
    return elements
