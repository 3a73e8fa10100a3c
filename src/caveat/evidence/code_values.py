"""What a name in a program stands for, as far as its syntax tells: constants, defaults, environment, pieces of text.

Never evaluates anything. A value that depends on the run is given with `computed`; what cannot be known at all is
nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

#: How far a chain of names is followed, and how many values one name may have.
DEEPEST, MOST = 8, 12
#: Expressions looked at for one name and for a whole program, and characters kept of a text that is put together:
#: eight lines of `a = b or b or b` stand for a million million values.
FOR_ONE, FOR_ALL, LONGEST = 2_000, 400_000, 300
ARGUMENT_CALLS = frozenset({"add_argument", "option", "argument", "Option", "Argument", "Field", "field"})
ENVIRONMENT = frozenset({"get", "getenv", "pop", "setdefault"})


class Value(NamedTuple):
    """A text a name may stand for; `computed` if it is only a default, one of several, or partly known."""

    text: str
    computed: bool = False


class Names:
    """Every assignment and default of one program, by name; built in one walk."""

    def __init__(self, tree: ast.AST) -> None:
        self.assigned: dict[str, list[ast.expr]] = {}
        self.defaults: dict[str, list[ast.expr]] = {}
        self.functions: dict[str, ast.AST] = {}
        self.left_for_one, self.left_for_all = FOR_ONE, FOR_ALL
        for node in ast.walk(tree):
            self._note(node)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif (isinstance(node, ast.AnnAssign) and node.value is not None) or isinstance(node, ast.NamedExpr):
            self._assign(node.target, node.value)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.functions.setdefault(node.name, node)
            self._parameters(node.args)
        elif isinstance(node, ast.Call) and last_name(node.func) in ARGUMENT_CALLS:
            self._argument(node)

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        if value is None:
            return
        if isinstance(target, ast.Name):
            self.assigned.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Attribute):
            self.assigned.setdefault(f".{target.attr}", []).append(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for t, v in zip(target.elts, value.elts):
                self._assign(t, v)

    def _parameters(self, args: ast.arguments) -> None:
        places = [*args.posonlyargs, *args.args]
        last = places[len(places) - len(args.defaults):]
        pairs = [*zip(last, args.defaults), *zip(args.kwonlyargs, args.kw_defaults)]
        for parameter, default in pairs:
            if default is not None:
                self.defaults.setdefault(parameter.arg, []).append(default)

    def _argument(self, call: ast.Call) -> None:
        """`add_argument("--model-name", default=...)` gives the attribute `model_name` a default."""
        default = keyword(call, "default")
        flags = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if default is not None:
            for flag in flags:
                self.defaults.setdefault(flag.lstrip("-").replace("-", "_"), []).append(default)

    # Values.

    def values(self, node: ast.expr | None, depth: int = 0) -> list[Value]:
        """Every text that an expression may be, at most a dozen."""
        if node is None or depth > DEEPEST or not self._may_look(depth):
            return []
        found = list(dict.fromkeys(self._values(node, depth)))[:MOST]
        return found if len(found) < 2 else [v._replace(computed=True) for v in found]

    def _may_look(self, depth: int) -> bool:
        self.left_for_one = (FOR_ONE if depth == 0 else self.left_for_one) - 1
        self.left_for_all -= 1
        return self.left_for_one >= 0 and self.left_for_all >= 0

    def _values(self, node: ast.expr, depth: int) -> Iterable[Value]:
        if isinstance(node, ast.Constant):
            return [Value(node.value)] if isinstance(node.value, str) else []
        reading = _READ.get(type(node))
        return reading(self, node, depth + 1) if reading else []

    def named(self, name: str, depth: int) -> Iterator[Value]:
        """Values of a plain or attribute name: assignments first, then defaults."""
        for value in (*self.assigned.get(name, ())[:MOST], *self.assigned.get(f".{name}", ())[:MOST]):
            yield from self.values(value, depth)
        for value in self.defaults.get(name, ())[:MOST]:
            yield from (v._replace(computed=True) for v in self.values(value, depth))


def _name(names: Names, node: ast.Name, depth: int) -> Iterable[Value]:
    return names.named(node.id, depth)


def _attribute(names: Names, node: ast.Attribute, depth: int) -> Iterable[Value]:
    return names.named(node.attr, depth)


def _joined(names: Names, node: ast.JoinedStr, depth: int) -> Iterable[Value]:
    """An f-string; a piece that is not known stays as `{name}`."""
    pieces = [_piece(names, p, depth) for p in node.values]
    text = "".join(v.text for v in pieces)[:LONGEST]
    return [Value(text, any(v.computed for v in pieces))] if text.strip("{}") else []


def _piece(names: Names, node: ast.expr, depth: int) -> Value:
    inner = node.value if isinstance(node, ast.FormattedValue) else node
    known = names.values(inner, depth)
    return known[0] if known else Value("{" + (last_name(inner) or "...") + "}", True)


def _added(names: Names, node: ast.BinOp, depth: int) -> Iterable[Value]:
    if isinstance(node.op, ast.Mod):
        return [v._replace(computed=True) for v in names.values(node.left, depth)]
    if not isinstance(node.op, ast.Add):
        return []
    left, right = _piece(names, node.left, depth), _piece(names, node.right, depth)
    text = (left.text + right.text)[:LONGEST]
    return [Value(text, left.computed or right.computed)] if not text.startswith("{") else []


def _either(names: Names, node: ast.BoolOp, depth: int) -> Iterable[Value]:
    return [v._replace(computed=True) for part in node.values for v in names.values(part, depth)]


def _if(names: Names, node: ast.IfExp, depth: int) -> Iterable[Value]:
    return [v._replace(computed=True) for part in (node.body, node.orelse) for v in names.values(part, depth)]


def _item(names: Names, node: ast.Subscript, depth: int) -> Iterable[Value]:
    """`CONFIG["model"]`, where CONFIG is a dictionary written out."""
    key = node.slice.value if isinstance(node.slice, ast.Constant) else None
    return names_in_dict(names, node.value, key, depth)


def names_in_dict(names: Names, holder: ast.expr, key: object, depth: int) -> Iterator[Value]:
    named = names.assigned.get(holder.id, ()) if isinstance(holder, ast.Name) else (holder,)
    for d in named:
        if isinstance(d, ast.Dict):
            for k, v in zip(d.keys, d.values):
                if isinstance(k, ast.Constant) and (key is None or k.value == key):
                    yield from (x._replace(computed=x.computed or key is None) for x in names.values(v, depth))


def _called(names: Names, node: ast.Call, depth: int) -> Iterable[Value]:
    """`os.environ.get("X", default)`, `config.get("model", default)`, `str(x)`, `field(default=x)`."""
    called = last_name(node.func)
    if called in ENVIRONMENT and len(node.args) > 1:
        return [v._replace(computed=True) for v in names.values(node.args[1], depth)]
    first = node.args[0] if node.args else None
    if called == "get" and isinstance(node.func, ast.Attribute) and isinstance(first, ast.Constant):
        return names_in_dict(names, node.func.value, first.value, depth)
    if called in ("str", "Path") and len(node.args) == 1:
        return names.values(node.args[0], depth)
    if called in ("field", "Field", "Option"):
        default = keyword(node, "default") or (node.args[0] if node.args else None)
        return [v._replace(computed=True) for v in names.values(default, depth)]
    if called == "format" and isinstance(node.func, ast.Attribute):
        return [v._replace(computed=True) for v in names.values(node.func.value, depth)]
    return []


_READ: dict[type, Callable[[Names, Any, int], Iterable[Value]]] = {
    ast.Name: _name, ast.Attribute: _attribute, ast.JoinedStr: _joined, ast.BinOp: _added, ast.BoolOp: _either,
    ast.IfExp: _if, ast.Subscript: _item, ast.Call: _called,
}


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """The first of these keyword arguments."""
    return next((k.value for name in names for k in call.keywords if k.arg == name), None)


def last_name(node: ast.expr | None) -> str:
    """`a.b.c` as "c"."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.expr) -> str:
    """`client.chat.completions.create` as written; what stands before a call is left out."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif isinstance(node, ast.Call):
        parts.append(last_name(node.func) or "")
    return ".".join(reversed(parts))
