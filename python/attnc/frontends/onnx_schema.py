"""What ONNX itself says of its operations: which operands, attributes and element types each takes, by version."""
from __future__ import annotations

import functools

import onnx
from onnx import AttributeProto

from .builder import Value
from .errors import Unsupported
from .onnx_known import Known

TYPE_NAMES = {"f64": "double", "f32": "float", "f16": "float16", "bf16": "bfloat16", "i64": "int64", "i32": "int32", "i16": "int16", "i8": "int8", "i1": "bool"}


@functools.cache
def schema_of(operation: str, version: int):
    try:
        return onnx.defs.get_schema(operation, version, "")
    except onnx.defs.SchemaError:
        return None


@functools.cache
def _defaults(operation: str, since: int) -> dict[str, AttributeProto]:
    schema = schema_of(operation, since)
    return {n: a.default_value for n, a in schema.attributes.items() if a.default_value.type != AttributeProto.UNDEFINED}


def defaults(schema) -> dict[str, AttributeProto]:
    return _defaults(schema.name, schema.since_version)


def check(schema, given: dict[str, AttributeProto], operands: list, results: int) -> None:
    """Arity, attributes and element types, as ONNX defines the operation."""
    if not schema.min_input <= len(operands) <= schema.max_input or not schema.min_output <= results <= schema.max_output:
        raise Unsupported(f"{len(operands)} operands and {results} results, expected {schema.min_input} to {schema.max_input} and "
                          f"{schema.min_output} to {schema.max_output}")
    for name, a in given.items():
        formal = schema.attributes.get(name)
        if formal is None or a.type != formal.type.value:
            kind = AttributeProto.AttributeType.Name(a.type)
            raise Unsupported(f"the attribute '{name[:80]}' of kind {kind}" + (f", expected {formal.type.name}" if formal else ", which ONNX does not know here"))
    for name, formal in schema.attributes.items():
        if formal.required and name not in given:
            raise Unsupported(f"the attribute '{name}' is missing")
    bound: dict[str, str] = {}
    for i, x in enumerate(operands):
        check_type(schema, min(i, len(schema.inputs) - 1), x, bound)


def check_type(schema, i: int, x: Value | Known | None, bound: dict[str, str]) -> None:
    formal = schema.inputs[i]
    if x is None:
        if formal.option == onnx.defs.OpSchema.FormalParameterOption.Single:
            raise Unsupported(f"the operand '{formal.name}' is left out")
        return
    if not isinstance(x, (Value, Known)):
        raise Unsupported("a sequence as an operand; attnc has tensors")
    kind = f"tensor({TYPE_NAMES[x.dtype]})"
    allowed = allowed_types(schema.name, schema.since_version).get(formal.type_str, {formal.type_str})
    if kind not in allowed:
        raise Unsupported(f"the operand '{formal.name}' is {kind}, expected {' or '.join(sorted(t for t in allowed if t.startswith('tensor'))[:8])}")
    if formal.is_homogeneous and bound.setdefault(formal.type_str, kind) != kind:
        raise Unsupported(f"the operand '{formal.name}' is {kind}, expected {bound[formal.type_str]} as the others")


@functools.cache
def allowed_types(operation: str, since: int) -> dict[str, set[str]]:
    return {c.type_param_str: set(c.allowed_type_strs) for c in schema_of(operation, since).type_constraints}
