"""Check of a pickle before it is loaded: bounds on its work, found from its opcodes without running any of them.

An unpickler that allows no code still does as much work as the file asks for. Sixty bytes make a tuple of two
references to a tuple of two references ..., whose hash, comparison or text takes 2^60 steps; a hash is computed while
the file is loaded, wherever such a tuple is a key. A single opcode can ask for memory for 2^31 references. Here the
opcodes are followed with lists in the place of all containers, so that the size of everything is known beforehand.
"""

import pickletools
from collections.abc import Iterator
from typing import Any, BinaryIO

MAX_ITEMS = 4_000_000
"""Opcodes of a file, and items that its objects hold when every reference counts. FineDiving's have 0.5 million."""
MAX_DEPTH = 50
"""Containers inside each other."""
MAX_BITS = 128
"""Of whole numbers; the number that marks files of early versions of PyTorch has 77."""

_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
_SINGLE: tuple = ()  # stands for every object that holds no others
_UNUSED = {"POP", "POP_MARK", "DUP", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"}
_UPDATES = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_NAMES = {"GLOBAL", "STACK_GLOBAL"}


class UnboundedPickle(ValueError):
    """A pickle is broken, or loading it would take more time or memory than its contents deserve."""


def check_pickle(file: BinaryIO) -> None:
    """Read one pickle up to its end, and refuse it if it is broken or unbounded.

    Raises:
        UnboundedPickle: with the reason.
    """
    try:
        objects = _Skeleton().read(file)
    except UnboundedPickle:
        raise
    except Exception as error:  # the decoders of damaged opcodes raise nearly anything
        raise UnboundedPickle("it is damaged or cut short") from error
    _measure(objects, 0, {})


class _Skeleton:
    """Containers of a pickle as lists."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._below_marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def read(self, file: BinaryIO) -> list[Any]:
        """All objects that the pickle makes, also those that its result does not contain."""
        for count, (opcode, argument) in enumerate(_opcodes(file)):
            if count >= MAX_ITEMS:
                raise UnboundedPickle(f"it has more than {MAX_ITEMS} opcodes")
            if isinstance(argument, int) and argument.bit_length() > MAX_BITS:
                raise UnboundedPickle(f"it has a whole number of {argument.bit_length()} bits")
            if opcode.name in _PUTS:
                index = len(self._memo) if opcode.name == "MEMOIZE" else argument
                if index > count + 1:  # picklers count up; an unpickler makes room for all numbers up to this one
                    raise UnboundedPickle(f"it refers to object {index} before there are as many")
                self._memo[index] = self._stack[-1]
            elif opcode.name in _GETS:
                self._stack.append(self._memo[argument])
            elif opcode.name == "MARK":
                self._below_marks.append(self._stack)
                self._stack = []
            else:
                self._apply(opcode)
        return [item for part in (*self._below_marks, self._stack) for item in part]

    def _apply(self, opcode: pickletools.OpcodeInfo) -> None:
        if opcode.name in _UNUSED:
            raise UnboundedPickle(f"it uses the opcode {opcode.name}, which plain data does not need")
        items = self._pop(opcode)
        if opcode.name in _UPDATES:
            container, *added = items
            container.extend(added)  # a name is no container: its class would be changed for the whole process
            self._stack.append(container)
        elif opcode.stack_after:
            is_container = bool(opcode.stack_before) or opcode.name.startswith("EMPTY")
            self._stack.append(items if is_container and opcode.name not in _NAMES else _SINGLE)

    def _pop(self, opcode: pickletools.OpcodeInfo) -> list[Any]:
        """Operands of an opcode."""
        operands = opcode.stack_before
        items: list[Any] = []
        if pickletools.markobject in operands:
            items, self._stack = self._stack, self._below_marks.pop()
            operands = operands[: operands.index(pickletools.markobject)]
        for _ in operands:
            items.insert(0, self._stack.pop())
        return items


def _opcodes(file: BinaryIO) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    """Opcodes and arguments, as `pickletools.genops`, which cannot decode the byte strings of Python 2."""
    while True:
        opcode = _OPCODES[file.read(1).decode("latin-1")]
        if opcode.name == "STOP":
            return
        if opcode.name == "STRING":
            yield opcode, file.readline()
        else:
            yield opcode, None if opcode.arg is None else opcode.arg.reader(file)


def _measure(items: Any, depth: int, measured: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Items in a container, with those inside it at every reference, and the number of levels inside it."""
    if depth > MAX_DEPTH:
        raise UnboundedPickle(f"its objects lie in each other more than {MAX_DEPTH} deep")
    size, height = 1 + len(items), 0
    for item in items:
        if item:
            if id(item) not in measured:
                measured[id(item)] = _measure(item, depth + 1, measured)
            inner_size, inner_height = measured[id(item)]
            size, height = size + inner_size, max(height, 1 + inner_height)
    if size > MAX_ITEMS:
        raise UnboundedPickle(f"it stands for more than {MAX_ITEMS} items: the same objects are used many times")
    if height > MAX_DEPTH:
        raise UnboundedPickle(f"its objects lie in each other more than {MAX_DEPTH} deep")
    return size, height
