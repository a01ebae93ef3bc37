"""Eight float32 at once inside numba kernels, where numba alone would leave a loop scalar.

``load``, ``store``, ``fill``, ``ramp``, ``total``, ``largest`` and ``choose`` work on a value that numba keeps in one
register; ``+ - * /`` work on two of them, or on one and a float32. Multiplications and additions fuse where the
processor can. Indices are in floats, need no alignment, and are not checked.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 8
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
_INDEX = ir.IntType(32)
_instruction: Any = intrinsic  # untyped, for callers leave out the first argument, which numba puts in


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Lanes{WIDTH}")


_LANES = _LanesType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


def _shuffled(builder: Any, vector: Any, order: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(_INDEX, WIDTH), order)
    return builder.shuffle_vector(vector, ir.Constant(_VECTOR, ir.Undefined), mask)


@_instruction
def load(typing: Any, array: Any, index: Any) -> Any:
    """``array[index : index + WIDTH]`` of a flat float32 array."""
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_pointer(context, builder, signature.args[0], *args))
        value.align = 4
        return value
    return _LANES(array, types.intp), generate


@_instruction
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """``array[index : index + WIDTH] = value`` for a flat float32 array."""
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        done = builder.store(args[2], _pointer(context, builder, signature.args[0], *args[:2]))
        done.align = 4
        return context.get_dummy_value()
    return types.void(array, types.intp, _LANES), generate


@_instruction
def fill(typing: Any, value: Any) -> Any:
    """All lanes ``value``."""
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), args[0], ir.Constant(_INDEX, 0))
        return _shuffled(builder, one, [0] * WIDTH)
    return _LANES(types.float32), generate


@_instruction
def ramp(typing: Any) -> Any:
    """0, 1, 2, ... WIDTH - 1."""
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(_VECTOR, [float(lane) for lane in range(WIDTH)])
    return _LANES(), generate


def _across(combine: Callable[[Any, Any, Any], Any]) -> Any:
    """An intrinsic that folds the lanes into one number, halves on halves, always in the same order."""
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, width = args[0], WIDTH
        while width > 1:
            width //= 2
            folded = [(lane + width) % WIDTH for lane in range(WIDTH)]
            value = combine(builder, value, _shuffled(builder, value, folded))
        return builder.extract_element(value, ir.Constant(_INDEX, 0))
    return types.float32(_LANES), generate


@_instruction
def total(typing: Any, value: Any) -> Any:
    """The sum of the lanes."""
    return _across(lambda builder, a, b: builder.fadd(a, b))


@_instruction
def largest(typing: Any, value: Any) -> Any:
    """The largest lane."""
    return _across(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))


@_instruction
def choose(typing: Any, value: Any, bound: Any, above: Any, below: Any) -> Any:
    """Lane by lane ``above`` where ``value > bound``, else ``below``."""
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[2], args[3])
    return _LANES(_LANES, _LANES, _LANES, _LANES), generate


@_instruction
def _add(typing: Any, a: Any, b: Any) -> Any:
    return _LANES(_LANES, _LANES), lambda _, builder, signature, args: builder.fadd(*args, flags=("contract",))


@_instruction
def _subtract(typing: Any, a: Any, b: Any) -> Any:
    return _LANES(_LANES, _LANES), lambda _, builder, signature, args: builder.fsub(*args, flags=("contract",))


@_instruction
def _multiply(typing: Any, a: Any, b: Any) -> Any:
    return _LANES(_LANES, _LANES), lambda _, builder, signature, args: builder.fmul(*args, flags=("contract",))


@_instruction
def _divide(typing: Any, a: Any, b: Any) -> Any:
    return _LANES(_LANES, _LANES), lambda _, builder, signature, args: builder.fdiv(*args)


def _implementation(act: Any, a: Any, b: Any) -> Any:
    """What computes ``act`` for operands of numba types a and b; None leaves them to numba."""
    if a is _LANES and b is _LANES:
        return lambda a, b: act(a, b)
    if a is _LANES and b is types.float32:
        return lambda a, b: act(a, fill(b))
    if a is types.float32 and b is _LANES:
        return lambda a, b: act(fill(a), b)
    return None


overload(operator.add)(lambda a, b: _implementation(_add, a, b))
overload(operator.sub)(lambda a, b: _implementation(_subtract, a, b))
overload(operator.mul)(lambda a, b: _implementation(_multiply, a, b))
overload(operator.truediv)(lambda a, b: _implementation(_divide, a, b))
