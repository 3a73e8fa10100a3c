"""Python imports this by itself at its start, because `caveat guard` put its folder first on PYTHONPATH.

It opens the guard's doors and then hands over to whatever `sitecustomize` would have been imported without it. If the
guard itself cannot start, the program goes on, and that is said loudly; under --strict the program ends.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib costs more than all the rest
ROOMS = os.path.join(os.path.dirname(HERE), "inside")  # noqa: PTH118, PTH120


def _guard() -> None:
    if not os.environ.get("CAVEAT_GUARD"):
        return
    try:
        rooms = type(sys)("_caveat_guard")
        rooms.__path__ = [ROOMS]
        sys.modules["_caveat_guard"] = rooms
        __import__("_caveat_guard.doors")
        sys.modules["_caveat_guard.doors"].open_all()
    except Exception as fault:
        _loud(fault)


def _loud(fault: Exception) -> None:
    sys.stderr.write(f"caveat guard: cannot start in this process ({type(fault).__name__}: {fault}); "
                     "nothing is seen here\n")
    sys.stderr.flush()
    if '"strict": true' in os.environ["CAVEAT_GUARD"]:
        os._exit(1)


def _hand_over() -> None:
    """The sitecustomize that stands next on the path, if there is one; what it raises is raised as if it were first."""
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != HERE]  # noqa: PTH100
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("sitecustomize")
    if spec is None or spec.loader is None:
        return
    module = type(sys)("sitecustomize")
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_guard()
_hand_over()
