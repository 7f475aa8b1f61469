"""Tokens to a tree: a Pratt parser with JavaScript's precedence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final, NoReturn

from engine.expressions import nodes
from engine.expressions.errors import ExpressionSyntaxError
from engine.expressions.functions import FunctionTable
from engine.expressions.lexer import Token, tokenize
from engine.expressions.limits import MAX_DEPTH, MAX_NODES
from engine.expressions.methods import METHODS
from engine.expressions.values import number_to_string
from engine.expressions.words import CONSTANTS, RESERVED, WORD_OPERATORS

_POWERS: Final = {
    "??": 2,
    "||": 2,
    "&&": 3,
    **dict.fromkeys(("===", "!==", "==", "!="), 7),
    **dict.fromkeys(("<", "<=", ">", ">="), 8),
    **dict.fromkeys(("+", "-"), 10),
    **dict.fromkeys(("*", "/", "%"), 11),
    "**": 12,
}
"""How tightly each binary operator binds; all but `**` to the left."""
_UNARY_POWER: Final = 13
_LOGICAL: Final = frozenset({"&&", "||", "??"})


def parse(source: str, functions: FunctionTable) -> nodes.Node:
    """The tree of `source`. Raises `ExpressionSyntaxError`."""
    return _Parser(tokenize(source), functions).whole()


class _Parser:
    def __init__(self, tokens: list[Token], functions: FunctionTable) -> None:
        self._tokens = tokens
        self._functions = functions
        self._index = 0
        self._depth = 0
        self._count = 0

    def whole(self) -> nodes.Node:
        if self._peek().kind == "end":
            raise ExpressionSyntaxError("the expression is empty", 0, "write a condition, or true")
        tree = self._expression()
        if self._peek().kind != "end":
            self._unexpected("write an operator such as && or === before it, or remove it")
        return tree

    # Tokens

    def _peek(self) -> Token:
        return self._tokens[self._index]

    def _take(self) -> Token:
        token = self._tokens[self._index]
        self._index += token.kind != "end"
        return token

    def _accept(self, symbol: str) -> bool:
        found = self._peek().is_operator(symbol)
        self._index += found
        return found

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            self._unexpected(f"write {symbol} here")

    def _unexpected(self, mend: str) -> NoReturn:
        token = self._peek()
        if token.kind == "name":
            mend = WORD_OPERATORS.get(str(token.value)) or RESERVED.get(str(token.value)) or mend
        raise ExpressionSyntaxError(f"unexpected {token}", token.position, mend)

    def _grown(self, token: Token, *children: nodes.Node) -> int:
        """The height of a new node over `children`; counts it, and holds the bounds."""
        self._count += 1
        height = 1 + max((child.height for child in children), default=0)
        if self._count > MAX_NODES:
            raise ExpressionSyntaxError(
                f"the expression has more than {MAX_NODES} parts", token.position, "split it into several"
            )
        if height > MAX_DEPTH:
            self._too_deep(token)
        return height

    def _too_deep(self, token: Token) -> NoReturn:
        raise ExpressionSyntaxError(
            f"the expression is nested more than {MAX_DEPTH} deep", token.position, "split it into several"
        )

    # Expressions

    def _expression(self) -> nodes.Node:
        """A whole expression, ternary included."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._too_deep(self._peek())
        test = self._binary(0)
        token = self._peek()
        if self._accept("?"):
            then = self._expression()
            self._expect(":")
            otherwise = self._expression()
            height = self._grown(token, test, then, otherwise)
            test = nodes.Conditional(height=height, test=test, then=then, otherwise=otherwise)
        self._depth -= 1
        return test

    def _binary(self, least: int) -> nodes.Node:
        """Operators that bind at least as tightly as `least`."""
        left = self._unary()
        while True:
            token = self._peek()
            power = _POWERS.get(str(token.value), -1) if token.kind == "operator" else -1
            if power < least:
                return left
            self._take()
            symbol = str(token.value)
            if symbol == "**" and isinstance(left, nodes.Unary):
                raise ExpressionSyntaxError(
                    f"{left.operator} before ** is ambiguous",
                    token.position,
                    "put brackets round one of them",
                )
            right = self._right_side(power if symbol == "**" else power + 1)
            left = self._join(token, left, right)

    def _right_side(self, least: int) -> nodes.Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._too_deep(self._peek())
        right = self._binary(least)
        self._depth -= 1
        return right

    def _join(self, token: Token, left: nodes.Node, right: nodes.Node) -> nodes.Node:
        symbol = str(token.value)
        if symbol not in _LOGICAL:
            height = self._grown(token, left, right)
            return nodes.Binary(height=height, operator=symbol, left=left, right=right)
        for side in (left, right):
            if isinstance(side, nodes.Logical) and (side.operator == "??") != (symbol == "??"):
                raise ExpressionSyntaxError(
                    "?? is mixed with && or ||", token.position, "put brackets round one of them"
                )
        flat = left.operands if isinstance(left, nodes.Logical) and left.operator == symbol else (left,)
        operands = (*flat, right)
        return nodes.Logical(height=self._grown(token, *operands), operator=symbol, operands=operands)

    def _unary(self) -> nodes.Node:
        token = self._peek()
        is_word = token.kind == "name" and token.value == "typeof"
        if not is_word and not token.is_operator("!", "-", "+"):
            return self._chain()
        self._take()
        operand = self._right_side(_UNARY_POWER)
        height = self._grown(token, operand)
        return nodes.Unary(height=height, operator=str(token.value), operand=operand)

    # Access

    def _chain(self) -> nodes.Node:
        """A primary expression and what is reached from it."""
        node = self._primary()
        while True:
            token = self._peek()
            if self._accept("?."):
                if self._peek().is_operator("("):
                    self._unexpected("write a name or [ after ?.")
                node = self._index_of(token, node, True) if self._accept("[") else self._key(node, True)
            elif self._accept("."):
                node = self._key(node, False)
            elif self._accept("["):
                node = self._index_of(token, node, False)
            elif token.is_operator("("):
                self._unexpected("only the known functions and methods can be called")
            else:
                return node

    def _index_of(self, token: Token, owner: nodes.Node, optional: bool) -> nodes.Node:
        key = self._expression()
        self._expect("]")
        return nodes.Index(height=self._grown(token, owner, key), owner=owner, key=key, optional=optional)

    def _key(self, owner: nodes.Node, optional: bool) -> nodes.Node:
        token = self._peek()
        if token.kind != "name":
            self._unexpected("write the name of a property")
        self._take()
        key = str(token.value)
        if not self._peek().is_operator("("):
            height = self._grown(token, owner)
            return nodes.Member(height=height, owner=owner, key=key, optional=optional)
        if isinstance(owner, nodes.Name) and f"{owner.name}.{key}" in self._functions:
            return self._function_call(token, f"{owner.name}.{key}")
        if key not in METHODS:
            self._unknown("method", key, METHODS, token)
        arguments = self._arguments()
        self._check_count(token, key, len(arguments), METHODS[key].least, METHODS[key].most)
        height = self._grown(token, owner, *arguments)
        return nodes.MethodCall(
            height=height, owner=owner, method=key, arguments=arguments, optional=optional
        )

    # Primaries

    def _primary(self) -> nodes.Node:
        token = self._peek()
        if token.kind in ("number", "string"):
            self._take()
            return nodes.Literal(height=self._grown(token), value=token.value)
        if token.kind == "name":
            return self._name()
        if self._accept("("):
            inner = self._expression()
            self._expect(")")
            return nodes.Group(height=inner.height, inner=inner)
        if self._accept("["):
            items = self._items("]")
            return nodes.ArrayLiteral(height=self._grown(token, *items), items=items)
        if self._accept("{"):
            return self._object(token)
        return self._unexpected("write a value: a name, a number, a text in quotes")

    def _name(self) -> nodes.Node:
        token = self._peek()
        name = str(token.value)
        if name in RESERVED:
            self._unexpected("choose another name")
        self._take()
        if name in CONSTANTS:
            return nodes.Literal(height=self._grown(token), value=CONSTANTS[name])
        if not self._peek().is_operator("("):
            return nodes.Name(height=self._grown(token), name=name)
        return self._function_call(token, name)

    def _function_call(self, token: Token, name: str) -> nodes.Node:
        if name not in self._functions:
            self._unknown("function", name, self._functions, token)
        arguments = self._arguments()
        function = self._functions[name]
        self._check_count(token, name, len(arguments), function.least, function.most)
        height = self._grown(token, *arguments)
        return nodes.FunctionCall(height=height, function=name, arguments=arguments)

    def _arguments(self) -> tuple[nodes.Node, ...]:
        self._expect("(")
        return self._items(")")

    def _items(self, closing: str) -> tuple[nodes.Node, ...]:
        """Expressions between commas up to `closing`; a comma after the last is allowed."""
        items: list[nodes.Node] = []
        while not self._accept(closing):
            items.append(self._expression())
            if not self._accept(","):
                self._expect(closing)
                break
        return tuple(items)

    def _object(self, token: Token) -> nodes.Node:
        keys: list[str] = []
        values: list[nodes.Node] = []
        while not self._accept("}"):
            key = self._take()
            if key.kind not in ("name", "string", "number"):
                self._index -= key.kind != "end"
                self._unexpected("write a key such as name or 'name', or close with }")
            self._expect(":")
            keys.append(key.value if isinstance(key.value, str) else number_to_string(key.value))
            values.append(self._expression())
            if not self._accept(","):
                self._expect("}")
                break
        height = self._grown(token, *values)
        return nodes.ObjectLiteral(height=height, keys=tuple(keys), values=tuple(values))

    @staticmethod
    def _check_count(token: Token, name: str, given: int, least: int, most: int) -> None:
        if not least <= given <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise ExpressionSyntaxError(
                f"{name} is given {given} arguments", token.position, f"give it {wanted}"
            )

    @staticmethod
    def _unknown(what: str, name: str, known: Iterable[str], token: Token) -> NoReturn:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, 1)
        mend = f"did you mean {close[0]}?" if close else f"the {what}s are: {', '.join(names)}"
        raise ExpressionSyntaxError(f"there is no {what} {name!r}", token.position, mend)
