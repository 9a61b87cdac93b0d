"""
Calls of compiled loops by address, so that those of rich days are not made part of those of plain days.

numba compiles every function that a loop calls anew into that loop; called by address it is compiled once,
and only when a day needs it.
"""

from collections.abc import Callable
from typing import Any

from numba import typeof, types
from numba.extending import intrinsic

RETIME, MAY_TAKE, PRICE, SEEK, GIVE_BACK, KEEP, BRING_BACK = range(7)
PLACE_TIED, RELEASE, PUT_IN_WAITING = range(7, 10)
"""Places in ``Rich.calls``."""
CALLS = 10


def _far(result: Any) -> Any:
    """Make a call by address whose functions return a type."""

    @intrinsic
    def call(typing: Any, address: Any, arguments: Any) -> Any:
        signature = result(address, arguments)

        def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kinds = tuple(signature.args[1])
            function = context.call_conv.get_function_type(result, kinds)
            pointer = builder.inttoptr(values[0], function.as_pointer())
            parts = [builder.extract_value(values[1], at) for at in range(len(kinds))]
            _, returned = context.call_conv.call_function(builder, pointer, result, kinds, parts)
            return returned

        return signature, code

    return call


call_for_nothing: Any = _far(types.none)
call_for_number: Any = _far(types.int64)
call_for_truth: Any = _far(types.boolean)


def address_of(loop: Callable[..., Any], *arguments: Any) -> int:
    """Compile a loop for arguments like these, or load it; return where it lies. Numbers stand for any."""
    kind_of: Any = typeof
    kinds = tuple(types.int64 if isinstance(value, int) else kind_of(value) for value in arguments)
    dispatcher: Any = loop
    dispatcher.compile(kinds)
    found = dispatcher.overloads[kinds]
    return int(found.library.get_pointer_to_function(found.fndesc.llvm_func_name))
