"""Tokens to a tree: precedence climbing with JavaScript's precedence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final, NamedTuple, NoReturn

from engine.expressions import nodes
from engine.expressions.errors import ExpressionError, ExpressionSyntaxError
from engine.expressions.functions import Function, FunctionTable
from engine.expressions.lexer import END, is_name, number_of, position_of, text_of, tokenize
from engine.expressions.limits import MAX_DEPTH
from engine.expressions.methods import METHODS
from engine.expressions.symbols import ACCESS, LOGICAL, POWERS, PREFIXES, SPECIAL, UNARY_POWER
from engine.expressions.text import has_surrogate
from engine.expressions.values import number_to_string
from engine.expressions.words import CONSTANTS, RESERVED, WORD_OPERATORS

_QUOTES: Final = frozenset("'\"")
_DIGITS: Final = frozenset("0123456789.")


class Parsed(NamedTuple):
    """What the source says."""

    tree: nodes.Node
    names: frozenset[str]
    """The names that are read from the environment."""
    can_cut: bool
    """Whether a part of it can give a text with a lone surrogate."""


def parse(source: str, functions: FunctionTable) -> Parsed:
    """The tree of `source`. Raises `ExpressionSyntaxError`."""
    parser = _Parser(source, functions)
    tree = parser.whole()
    return Parsed(tree, frozenset(parser.names), parser.can_cut)


class _Parser:
    """Goes once through the tokens. `depth` is how far it is nested; a node's height is the same from below."""

    __slots__ = ("_functions", "_index", "_source", "_tokens", "can_cut", "names")

    def __init__(self, source: str, functions: FunctionTable) -> None:
        self._source = source
        self._tokens = tokenize(source)
        self._functions = functions
        self._index = 0
        self.names: list[str] = []
        self.can_cut = False

    def whole(self) -> nodes.Node:
        if self._tokens[0] == END:
            raise ExpressionSyntaxError("the expression is empty", 0, "write a condition, or true")
        tree = self._expression(1)
        if self._tokens[self._index] != END:
            self._unexpected("write an operator such as && or === before it, or remove it")
        return tree

    # Tokens

    def _accept(self, symbol: str) -> bool:
        found = self._tokens[self._index] == symbol
        self._index += found
        return found

    def _expect(self, symbol: str) -> None:
        if self._tokens[self._index] != symbol:
            self._unexpected(f"write {symbol} here")
        self._index += 1

    def _refuse(self, message: str, at: int, mend: str) -> NoReturn:
        raise ExpressionSyntaxError(message, position_of(self._source, at), mend)

    def _unexpected(self, mend: str) -> NoReturn:
        at = self._index
        token = self._tokens[at]
        mend = WORD_OPERATORS.get(token) or RESERVED.get(token) or mend
        self._refuse(f"unexpected {self._shown(at, token)}", at, mend)

    def _shown(self, at: int, token: str) -> str:
        """The token as an error names it."""
        if token == END:
            return "the end"
        if token[0] in _QUOTES:
            return repr(self._text(at, token))
        return repr(number_of(token) if _is_number(token) else token)

    def _too_deep(self, at: int) -> NoReturn:
        self._refuse(f"the expression is nested more than {MAX_DEPTH} deep", at, "split it into several")

    def _above(self, at: int, *children: nodes.Node) -> int:
        """The height of a node over `children`, whose own token is the one at `at`."""
        height = 1 + max([child.height for child in children], default=0)
        if height > MAX_DEPTH:
            self._too_deep(at)
        return height

    # Operators

    def _expression(self, depth: int) -> nodes.Node:
        """A whole expression, ternary included."""
        test = self._binary(0, depth)
        at = self._index
        if self._tokens[at] != "?":
            return test
        self._index = at + 1
        then = self._expression(depth + 1)
        self._expect(":")
        otherwise = self._expression(depth + 1)
        return nodes.Conditional(self._above(at, test, then, otherwise), test, then, otherwise)

    def _binary(self, least: int, depth: int) -> nodes.Node:
        """Operators that bind at least as tightly as `least`."""
        if depth > MAX_DEPTH:
            self._too_deep(self._index)
        left = self._operand(depth)
        tokens = self._tokens
        while True:
            at = self._index
            symbol = tokens[at]
            power = POWERS.get(symbol, -1)
            if power < least:
                return left
            if symbol in LOGICAL:
                left = self._logical(symbol, left, depth)
                continue
            if symbol == "**" and type(left) is nodes.Unary:
                self._refuse(f"{left.operator} before ** is ambiguous", at, "put brackets round one of them")
            self._index = at + 1
            right = self._binary(power if symbol == "**" else power + 1, depth + 1)
            height = (left.height if left.height > right.height else right.height) + 1
            if height > MAX_DEPTH:
                self._too_deep(at)
            left = nodes.Binary(height, symbol, left, right)

    def _logical(self, symbol: str, left: nodes.Node, depth: int) -> nodes.Node:
        """`left`, and all that the same operator joins to it."""
        at = self._index
        operands = [left]
        while self._tokens[self._index] == symbol:
            self._index += 1
            operands.append(self._binary(POWERS[symbol] + 1, depth + 1))
        for operand in operands:
            if type(operand) is nodes.Logical and (operand.operator == "??") != (symbol == "??"):
                self._refuse("?? is mixed with && or ||", at, "put brackets round one of them")
        return nodes.Logical(self._above(at, *operands), symbol, tuple(operands))

    # Operands

    def _operand(self, depth: int) -> nodes.Node:
        """A value with the operators before it and what is reached from it."""
        tokens = self._tokens
        at = self._index
        token = tokens[at]
        node: nodes.Node
        if token in SPECIAL:
            if token in PREFIXES:
                self._index = at + 1
                operand = self._binary(UNARY_POWER, depth + 1)
                return nodes.Unary(self._above(at, operand), token, operand)
            node = self._special(at, token, depth)
        else:
            self._index = at + 1
            first = token[0]
            if first in _QUOTES:
                node = nodes.Literal(1, self._text(at, token))
            elif first in _DIGITS:
                node = nodes.Literal(1, number_of(token))
            elif tokens[at + 1] == "(":
                node = self._function_call(at, token, depth)
            else:
                self.names.append(token)
                node = nodes.Name(1, token)
        return self._chain(node, depth) if tokens[self._index] in ACCESS else node

    def _special(self, at: int, token: str, depth: int) -> nodes.Node:
        """A value that begins with a bracket or is a word."""
        if token in CONSTANTS:
            self._index = at + 1
            return nodes.Literal(1, CONSTANTS[token])
        if self._accept("("):
            inner = self._expression(depth + 1)
            self._expect(")")
            return nodes.Group(inner.height, inner)
        if self._accept("["):
            items = self._items("]", depth, [])
            return nodes.ArrayLiteral(self._above(at, *items), items)
        if self._accept("{"):
            return self._object(at, depth)
        if token in RESERVED:
            return self._unexpected("choose another name")
        return self._unexpected("write a value: a name, a number, a text in quotes")

    def _text(self, at: int, token: str) -> str:
        if token.isascii() and "\\" not in token:
            return token[1:-1]
        try:
            text = text_of(token)
        except ExpressionSyntaxError as error:
            position = position_of(self._source, at) + error.position
            raise ExpressionSyntaxError(error.message, position, error.mend) from None
        self.can_cut = self.can_cut or has_surrogate(text)
        return text

    def _object(self, at: int, depth: int) -> nodes.Node:
        keys: list[str] = []
        values: list[nodes.Node] = []
        while not self._accept("}"):
            keys.append(self._object_key())
            self._expect(":")
            values.append(self._expression(depth + 1))
            if not self._accept(","):
                self._expect("}")
                break
        return nodes.ObjectLiteral(self._above(at, *values), tuple(keys), tuple(values))

    def _object_key(self) -> str:
        at = self._index
        token = self._tokens[at]
        self._index = at + 1
        if token[:1] in _QUOTES:
            return self._text(at, token)
        if _is_number(token):
            return number_to_string(number_of(token))
        if is_name(token):
            return token
        self._index = at
        return self._unexpected("write a key such as name or 'name', or close with }")

    # Access and calls

    def _chain(self, node: nodes.Node, depth: int) -> nodes.Node:
        """`node` and what is reached from it."""
        while True:
            at = self._index
            symbol = self._tokens[at]
            if symbol not in ACCESS:
                return node
            if symbol == "(":
                self._unexpected("only the known functions and methods can be called")
            self._index = at + 1
            optional = symbol == "?."
            if optional and self._tokens[at + 1] == "(":
                self._unexpected("write a name or [ after ?.")
            if symbol == "[" or (optional and self._accept("[")):
                key = self._expression(depth + 1)
                self._expect("]")
                self.can_cut = True
                node = nodes.Index(self._above(at, node, key), node, key, optional)
            else:
                node = self._key(node, depth, optional)

    def _key(self, owner: nodes.Node, depth: int, optional: bool) -> nodes.Node:
        at = self._index
        key = self._tokens[at]
        if not is_name(key):
            self._unexpected("write the name of a property")
        self._index = at + 1
        if self._tokens[at + 1] != "(":
            height = owner.height + 1
            if height > MAX_DEPTH:
                self._too_deep(at)
            return nodes.Member(height, owner, key, optional)
        if type(owner) is nodes.Name and f"{owner.name}.{key}" in self._functions:
            self.names.pop()  # the owner is no name of the environment
            return self._function_call(at, f"{owner.name}.{key}", depth)
        method = METHODS.get(key)
        if method is None:
            self._unknown("method", key, METHODS, at)
        self._index = at + 2
        arguments = self._items(")", depth, [])
        self._check_count(at, key, len(arguments), method.least, method.most)
        self.can_cut = True
        return nodes.MethodCall(self._above(at, owner, *arguments), owner, key, arguments, optional)

    def _function_call(self, at: int, name: str, depth: int) -> nodes.Node:
        function = self._functions.get(name)
        if function is None:
            self._unknown("function", name, self._functions, at)
        self._index += 1
        starts: list[int] = []
        arguments = self._items(")", depth, starts)
        self._check_count(at, name, len(arguments), function.least, function.most)
        if function.checks:
            self._check_constants(function, arguments, starts)
        return nodes.FunctionCall(self._above(at, *arguments), function.call, arguments)

    def _items(self, closing: str, depth: int, starts: list[int]) -> tuple[nodes.Node, ...]:
        """Expressions between commas up to `closing`; a comma after the last is allowed.

        Where each begins is added to `starts`.
        """
        items: list[nodes.Node] = []
        while not self._accept(closing):
            starts.append(self._index)
            items.append(self._expression(depth + 1))
            if not self._accept(","):
                self._expect(closing)
                break
        return tuple(items)

    def _check_count(self, at: int, name: str, given: int, least: int, most: int) -> None:
        if not least <= given <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            self._refuse(f"{name} is given {given} arguments", at, f"give it {wanted}")

    def _check_constants(
        self, function: Function, arguments: tuple[nodes.Node, ...], starts: list[int]
    ) -> None:
        for index, check in function.checks.items():
            argument = arguments[index] if index < len(arguments) else None
            if type(argument) is not nodes.Literal:
                continue
            try:
                check(argument.value)
            except ExpressionError as error:
                message, _, mend = str(error).rpartition("; ")
                self._refuse(message or mend, starts[index], mend)

    def _unknown(self, what: str, name: str, known: Iterable[str], at: int) -> NoReturn:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, 1)
        mend = f"did you mean {close[0]}?" if close else f"the {what}s are: {', '.join(names)}"
        self._refuse(f"there is no {what} {name!r}", at, mend)


def _is_number(token: str) -> bool:
    return token[:1] in _DIGITS and len(token.strip(".")) > 0
