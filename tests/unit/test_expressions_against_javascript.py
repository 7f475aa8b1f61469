"""The expression language against a real JavaScript engine, on thousands of generated expressions."""

from __future__ import annotations

import json
import math
import random
import re
import struct
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest
import quickjs

from engine.expressions import UNDEFINED, ExpressionError, ExpressionSyntaxError, compile_expression
from engine.expressions.values import number_to_string

ENV: dict[str, Any] = {
    "zero": 0,
    "minus_zero": -0.0,
    "one": 1,
    "hour": 13,
    "half": 0.5,
    "negative": -7.25,
    "beyond": 2**53 + 1,
    "huge": 1e21,
    "tiny": 1.5e-7,
    "not_a_number": math.nan,
    "infinite": math.inf,
    "yes": True,
    "no": False,
    "nothing": None,
    "absent": UNDEFINED,
    "empty": "",
    "name": "Ana María",
    "digits": " 12 ",
    "hexadecimal": "0x1F",
    "byte_order": "\ufeff3e2\u00a0",
    "separator": "\x1c1",
    "emoji": "a😀b",
    "private": "\uffee",
    "list": [1, "b", None, 2.5],
    "none_of": [],
    "nested": [[1, 2], [], ["x", [UNDEFINED, 3]]],
    "one_text": ["12"],
    "user": {"tier": "premium", "age": 41, "tags": ["vip", "new"], "address": {"city": "Köln"}, "note": None},
}

_PRELUDE = r"""
Object.defineProperty(String.prototype, 'at', {value: function (n) {
  n = Math.trunc(n) || 0; return this[n < 0 ? n + this.length : n]; }});
Object.defineProperty(Array.prototype, 'at', {value: String.prototype.at});
var {min, max, round, floor, ceil, abs} = Math, number = Number, string = String;
var lower = v => v == null ? '' : String(v).toLowerCase();
var upper = v => v == null ? '' : String(v).toUpperCase();
var length = v => typeof v === 'string' || Array.isArray(v) ? v.length
  : v && typeof v === 'object' ? Object.keys(v).length : 0;
var contains = (c, v) => (typeof c === 'string' || Array.isArray(c)) && c.includes(v);
var view = new DataView(new ArrayBuffer(8));
function bits(n) {
  if (n !== n) return 'NaN';
  view.setFloat64(0, n);
  return [0, 1, 2, 3, 4, 5, 6, 7].map(i => view.getUint8(i).toString(16).padStart(2, '0')).join('');
}
function well_formed(s) {
  let out = '';
  for (const c of s) out += c.length === 1 && c >= '\ud800' && c <= '\udfff' ? '\ufffd' : c;
  return out;
}
function described(v) {
  if (v === undefined) return ['undefined'];
  if (v === null) return ['null'];
  if (typeof v === 'number') return ['number', bits(v)];
  if (typeof v === 'string') return ['string', well_formed(v)];
  if (Array.isArray(v)) return ['array', v.map(described)];
  if (typeof v === 'object')
    return ['object', Object.fromEntries(Object.entries(v).map(([k, x]) => [k, described(x)]))];
  return [typeof v, v];
}
function answer(source) {
  try { return described(new Function('return ' + source)()); } catch (e) { return ['error']; }
}
function answers(sources) { return JSON.stringify(JSON.parse(sources).map(answer)); }
"""

Described = list[Any]
Evaluate = Callable[[str], Any]


class Difference(NamedTuple):
    """An expression on which we and JavaScript disagree."""

    source: str
    javascript: Described
    ours: Described


def evaluate(source: str) -> Any:
    """What the language under test makes of `source`."""
    return compile_expression(source)(ENV)


def described(value: Any) -> Described:
    """A value with its type, numbers by their bits: distinguishes undefined, null, NaN and -0."""
    if value is UNDEFINED:
        return ["undefined"]
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["boolean", value]
    if isinstance(value, int | float):
        return ["number", "NaN" if value != value else struct.pack(">d", value).hex()]
    if isinstance(value, str):
        return ["string", value]
    if isinstance(value, dict):
        return ["object", {key: described(item) for key, item in value.items()}]
    return ["array", [described(item) for item in value]]


def differences(sources: Iterable[str], evaluate: Evaluate) -> tuple[list[Difference], int]:
    """Where `evaluate` and JavaScript disagree, and how many expressions have a value in both."""
    sources = list(sources)
    context = quickjs.Context()
    context.eval(_PRELUDE)
    for name, value in ENV.items():
        context.eval(f"const {name} = {literal(value)};")
    expected = json.loads(context.get("answers")(json.dumps(sources)))
    found: list[Difference] = []
    values = 0
    for source, javascript in zip(sources, expected, strict=True):
        try:
            ours = described(evaluate(source))
        except (ExpressionError, ExpressionSyntaxError):
            ours = ["error"]
        values += ours != ["error"]
        if ours != javascript:
            found.append(Difference(source, javascript, ours))
    return found, values


def literal(value: Any) -> str:
    """`value` as JavaScript source."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return "-0" if math.copysign(1.0, value) < 0 and value == 0 else number_to_string(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"({{{', '.join(f'{json.dumps(key)}: {literal(item)}' for key, item in value.items())}}})"
    return "undefined" if value is UNDEFINED else json.dumps(value)


# What is generated. Alternatives stand two spaces apart; <x> is a hole that another entry fills.
_LITERALS = r"""
0  1  2  7  10  13  100  0.1  .5  5.  1e3  2.5e-7  1E21  0xff  0o17  0b101  9007199254740993  1e20  4294967296
NaN  Infinity
"""
_TEXTS = r"""
''  'a'  "b"  'premium'  ' 12'  '-0'  '1e2'  '0b11'  'Infinity'  '😀'  '\ud83d'  '\u{1F600}x'  '\x41\n\t\0'
"it\'s"  '\ude00'  'Σ'  'ß'  'null'  ','  '1,2'  '$&'
"""
_LEAVES = {
    "mixed": " ".join(ENV).replace(" ", "  ") + "  null  undefined  true  false" + _LITERALS + _TEXTS,
    "number": "zero  one  hour  half  negative  beyond  user.age" + _LITERALS,
    "text": "empty  name  digits  hexadecimal  emoji  private" + _TEXTS,
    "boolean": "<m> <r> <m>",
    "array": "list  none_of  nested  one_text  user.tags  []  [NaN, 0, '']",
}
_PATTERNS = {
    "mixed": """
        (<e>) ? <e> : <e>  (<e> || <e>)  (<e> && <e>)  (<e> ?? <e>)  <e> ?? <e> || <e>  (<e> && <e> && <e>)
        <e> || <e> && <e>  <a>[<i>]  <t>[<i>]  user[<t>]  user?.[<t>]?.city  user.address.city  user.tags[<s>]
        nothing?.a.b.concat(<e>)  absent?.a[<e>].b  (absent?.a).b  user.missing?.deep.er  user.note.x
        {a: <e>, 'b c': <e>, 1: <e>}  ({a: <e>}).a  (<e>)  nothing?.includes(<e>)  user.note?.length  (<e>).foo
        (<e>)?.length  (<e>)[<e>]
        """,
    "number": """
        <n> + <n>  <n> - <n>  <n> * <n>  <n> / <n>  <n> % <n>  (<n>) ** <n>  (<n>) ** (<n>)  - <n> ** 2
        -(<n>)  +(<e>)  - <n>  + <t>  <e> - <e>  <e> * <e>  <e> % <n>  <n> - <n> - <n>  min(<n>, <e>)
        max(<n>, <n>, <e>)  round(<n>)  floor(<n>)  ceil(<n>)  abs(<n>)  Math.round(<e>)  Math.trunc(<n>)
        number(<e>)  Number(<t>)  length(<e>)  parseInt(<t>)  parseInt(<e>, 10)  parseFloat(<e>)  <a>.length
        <a>.indexOf(<e>)  <a>.lastIndexOf(<e>)  <a>.indexOf(<e>, <i>)  (<t>).length  (<t>).indexOf(<t>)
        (<t>).indexOf(<t>, <i>)  (<t>).lastIndexOf(<t>)
        """,
    "text": """
        <t> + <t>  <t> + <e>  <e> + <t>  typeof <e>  typeof (<e>)  string(<e>)  lower(<e>)  upper(<e>)
        String(<n>)  (<n>).toFixed(<s>)  (<e>).toString()  <a>.join(<t>)  <a>.join()  (<t>).toLowerCase()
        (<t>).toUpperCase()  (<t>).trim()  (<t>).trimStart()  (<t>).trimEnd()  (<t>).slice(<i>)
        (<t>).slice(<i>, <i>)  (<t>).substring(<i>, <i>)  (<t>).charAt(<i>)  (<t>).at(<i>)  (<t>).concat(<e>, <t>)
        (<t>).replace(<t>, <t>)  (<t>).replaceAll(<t>, <e>)  (<t>).repeat(<s>)  (<t>).padStart(<s>, <t>)
        (<t>).padEnd(<s>)
        """,
    "boolean": """
        <e> <r> <e>  (<e>) <r> (<e>)  <n> <r> <n>  <t> <r> <t>  <a> <r> <e>  !<e>  !(<e>)  !!(<e>)  isNaN(<e>)
        hour >= <l> && hour <= <l>  <v> > <l> && <v> < <l> && one >= <l>  <v> === <l> || <v> === <t>
        digits > <l> && digits < <l>  nothing >= <l> && nothing <= <l>  absent > <l> && absent <= <l>
        <l> < <v> && <l> > <v>  <b> && <b>  <b> || <b>  <a>.includes(<e>)  contains(<e>, <e>)  Boolean(<e>)
        Array.isArray(<e>)  (<t>).includes(<t>)  (<t>).startsWith(<t>)  (<t>).endsWith(<t>)
        (<t>).includes(<e>, <i>)  (<t>).startsWith(<t>, <i>)  (<t>).endsWith(<t>, <i>)  <a>.includes(<e>, <i>)
        """,
    "array": """
        [<e>]  [<e>, <e>,]  [<n>, <t>, <e>]  (<t>).split(<t>)  (<t>).split()  <a>.slice(<i>)  <a>.slice(<i>, <i>)
        <a>.slice()  <a>.concat(<e>, <a>)  <a>.concat(<a>)
        """,
}
_TYPES = {"n": "number", "t": "text", "b": "boolean", "a": "array", "m": "mixed"}
_WORDS = {
    "l": "-1  -0  12" + _LITERALS,
    "v": " ".join(ENV).replace(" ", "  "),
    "r": "===  !==  ==  !=  <  <=  >  >=",
    "s": "0  1  2  3  5  '2'  1.9  -1",
    "i": "0  1  -1  2  -2  9  NaN  '1'  0.7  Infinity  undefined  -0",
}
_SOUP = """
hour  name  absent  1  'a'  (  )  [  ]  ?  :  .  ?.  !  -  typeof  +  *  **  &&  ||  ??  ===  <  one  -  !  hour  2
"""


def _alternatives(text: str) -> list[str]:
    return re.split(r"\s*\n\s*|\s{2,}", text.strip())


class Generator:
    """Random expressions, mostly of sensible types, over the names of `ENV`."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._leaves, self._patterns, self._words = (
            {key: _alternatives(text) for key, text in table.items()}
            for table in (_LEAVES, _PATTERNS, _WORDS)
        )

    def expression(self, depth: int, wanted: str = "") -> str:
        """An expression, mostly of the wanted type, at most `depth` operators deep."""
        wanted = wanted or self._random.choice(("number", "text", "boolean") * 2 + ("array", "mixed"))
        pattern = self._random.choice((self._patterns if depth > 0 else self._leaves)[wanted])
        return re.sub(r"<([a-z])>", lambda hole: self._fill(hole[1], depth - 1), pattern)

    def _fill(self, hole: str, depth: int) -> str:
        if hole in self._words:
            return self._random.choice(self._words[hole])
        return self.expression(depth, _TYPES.get(hole, ""))

    def soup(self) -> str:
        """Tokens in any order, most of it nonsense; nothing that would be a call."""
        chosen: list[str] = []
        for _ in range(self._random.randint(1, 9)):
            token = self._random.choice(_alternatives(_SOUP))
            follows_operand = bool(chosen) and (chosen[-1][-1] in ")]'" or chosen[-1].isalnum())
            chosen.append("+" if token == "(" and follows_operand else token)
        return " ".join(chosen)


@pytest.mark.parametrize("seed", range(4))
def test_generated_expressions_have_the_values_of_javascript(seed: int) -> None:
    generator = Generator(seed)
    sources = [generator.expression(index % 4) for index in range(3_000)]
    found, values = differences(sources, evaluate)
    assert found == [], f"{len(found)} differences"
    assert values > 2_000


def test_nonsense_is_refused_where_javascript_refuses_it() -> None:
    generator = Generator(99)
    found, values = differences([generator.soup() for _ in range(5_000)], evaluate)
    assert found == []
    assert values > 100


def _python_equality(source: str) -> Any:
    left, equal, right = source.partition(" == ")
    return evaluate(left) == evaluate(right) if equal else evaluate(source)


def _forgives_errors(source: str) -> Any:
    try:
        return evaluate(source)
    except ExpressionError:
        return UNDEFINED


def _forgets_the_sign_of_zero(source: str) -> Any:
    value = evaluate(source)
    return value + 0 if isinstance(value, float) else value


def _takes_undefined_for_null(source: str) -> Any:
    value = evaluate(source)
    return None if value is UNDEFINED else value


def _counts_code_points(source: str) -> Any:
    owner, length, rest = source.partition(".length")
    return len(evaluate(owner)) if length and not rest else evaluate(source)


@pytest.mark.parametrize(
    ("wrong", "source"),
    [
        (_python_equality, "one == '1'"),
        (_python_equality, "nothing == absent"),
        (_forgives_errors, "user.note.x"),
        (_forgets_the_sign_of_zero, "minus_zero * 1"),
        (_takes_undefined_for_null, "user.missing"),
        (_counts_code_points, "emoji.length"),
    ],
)
def test_a_wrong_evaluator_is_reported(wrong: Evaluate, source: str) -> None:
    assert differences([source], evaluate)[0] == []
    assert [difference.source for difference in differences([source], wrong)[0]] == [source]


def test_a_wrong_evaluator_is_found_by_generated_expressions() -> None:
    generator = Generator(7)
    operands = [generator.expression(0, "mixed") for _ in range(2_000)]
    sources = [f"{left} == {right}" for left, right in zip(operands, reversed(operands), strict=True)]
    assert differences(sources, evaluate)[0] == []
    assert differences(sources, _python_equality)[0] != []
