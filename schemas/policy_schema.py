"""JSON Schema of a policy file, by which an editor completes keys and marks mistakes.

It says what one key may hold. What two keys say together (weights that add up, versions that
overlap, an indicator that is named and not there) only `services.domain.policy` knows.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from schemas.policy import Header, Rules

NAME: Final = "policy.schema"
_DATED: Final = ("version", "effective")
_WHERE: Final = "#/$defs/{model}"


def policy_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a policy: one version at the top, or several under ``versions``."""
    header, header_defs = _parts(Header)
    rules, rules_defs = _parts(Rules)
    own = rules["properties"]
    common = {key: value for key, value in own.items() if key not in _DATED}
    entry = {
        "type": "object",
        "description": "One version. What it leaves out is as at the top.",
        "properties": own,
        "required": ["version"],
        "additionalProperties": False,
    }
    # With `versions` a key that every version needs may stand in the entries alone.
    one = {"required": rules["required"]}
    several = {
        "required": ["versions"],
        "not": {"anyOf": [{"required": [key]} for key in _DATED]},
    }
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": "urn:hotline-rates:policy",
        "title": "Assessment rules of a 12345 hotline · 考核办法",
        "description": "docs/policies.md tells what each key means.",
        "type": "object",
        "properties": {
            **header["properties"],
            **{key: own[key] for key in _DATED},
            "versions": {
                "type": "array",
                "minItems": 1,
                "items": entry,
                "description": "Versions in their order of time.",
            },
            **common,
        },
        "required": header["required"],
        "additionalProperties": False,
        "if": {"required": ["versions"]},
        "then": several,
        "else": one,
        "$defs": header_defs | rules_defs,
    }


def _parts(model: type[Header | Rules]) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = model.model_json_schema(schema_generator=_ForEditors)
    definitions = schema.pop("$defs", {})
    for definition in definitions.values():
        if text := definition.get("description"):
            definition["description"] = inspect.cleandoc(text)
    return schema, definitions


class _ForEditors(GenerateJsonSchema):
    """What stands in the file, not what becomes of it: plain numbers, one word for a list of one."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Write a number with its bounds."""
        bounds = {
            "ge": "minimum",
            "gt": "exclusiveMinimum",
            "le": "maximum",
            "lt": "exclusiveMaximum",
        }
        found: JsonSchemaValue = {"type": "number"}
        for key, name in bounds.items():
            bound = schema.get(key)
            if bound is not None:
                found[name] = int(bound)  # type: ignore[call-overload]
        return found

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """Let one value stand for a list of one."""
        inner = super().function_before_schema(schema)
        if inner.get("type") == "array" and "json_schema_input_schema" not in schema:
            return {"anyOf": [inner["items"], inner]}
        return inner
