"""Workspace code as it is compiled: an execution that is put aside leaves it without a trace.

A run that suspends, or goes on in another process, is not cancelled: its code is unwound with `Detached`, and starts
again from its top when it resumes. A `finally` that ran on the way out would do its work in the middle of the run, and
again at its end. So each `finally`, and each handler that catches everything, first asks whether the run is leaving.
"""

from __future__ import annotations

import ast
import sys
from types import CodeType
from typing import Any

from bifrost.sdk.errors import Detached

NAME = "__bifrost_leaving__"
_EVERYTHING = frozenset({"BaseException", "GeneratorExit"})
_HINTS = (b"finally", b"except:", b"except :", b"BaseException", b"GeneratorExit")


def is_leaving() -> bool:
    """Whether the exception that unwinds the caller says that its run was put aside."""
    unwinding = sys.exc_info()[1]
    return isinstance(unwinding, Detached) and not unwinding.gone


def compiled(content: bytes, filename: str) -> CodeType:
    """The code of a file. Raises what `compile` raises."""
    code = compile(content, filename, "exec", dont_inherit=True)
    if not any(hint in content for hint in _HINTS):
        return code
    tree = _Asking().visit(ast.parse(content, filename))
    return compile(ast.fix_missing_locations(tree), filename, "exec", dont_inherit=True)


class _Asking(ast.NodeTransformer):
    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.generic_visit(node)
        if node.finalbody:
            asked = ast.If(ast.UnaryOp(ast.Not(), _question()), node.finalbody, [])
            node.finalbody = [ast.copy_location(asked, node.finalbody[0])]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        if node.type is None or any(_names_everything(name) for name in ast.walk(node.type)):
            node.body.insert(0, ast.copy_location(ast.If(_question(), [ast.Raise()], []), node.body[0]))
        return node


def _names_everything(node: Any) -> bool:
    return getattr(node, "id", None) in _EVERYTHING or getattr(node, "attr", None) in _EVERYTHING


def _question() -> ast.Call:
    return ast.Call(ast.Name(NAME, ast.Load()), [], [])
