"""The policy document: which orders count, when, where and how much.

A policy is a YAML file that an office can read. This package says what may stand in it;
`services.domain.policy_text` reads the text and names the line of a mistake, and
`services.domain.policy` compiles it.
"""

from schemas.policy.document import Header, Rules
from schemas.policy.indicators import GRADES, Indicator
from schemas.policy.parts import known_zone

__all__ = ["GRADES", "Header", "Indicator", "Rules", "known_zone"]
