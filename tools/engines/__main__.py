"""``python -m tools.engines``: starts, stops and shows the engines of this checkout."""

import argparse
import shlex
import sys

from tools.engines.problems import EngineProblem
from tools.engines.stack import Stack, shared_supplies

_NAMES = ("postgres", "redis", "kafka", "minio")


def main() -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.engines", description=__doc__)
    parser.add_argument("command", choices=["start", "stop", "restart", "status", "environment", "fetch"])
    parser.add_argument("names", nargs="*", metavar="ENGINE", help=f"only these: {', '.join(_NAMES)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(_NAMES):
        parser.error(f"no such engine: {', '.join(sorted(unknown))}")
    try:
        return _run(arguments.command, arguments.names, Stack())
    except EngineProblem as problem:
        print(f"engines: {problem}", file=sys.stderr)
        return 1


def _run(command: str, names: list[str], stack: Stack) -> int:
    match command:
        case "fetch":
            shared_supplies().kafka()
            shared_supplies().minio()
        case "start":
            stack.start(names)
            _show(stack)
        case "stop":
            stack.stop(names)
        case "restart":
            stack.stop(names)
            stack.start(names)
            _show(stack)
        case "status":
            return _show(stack)
        case "environment":
            for name, value in stack.settings().items():
                print(f"export {name}={shlex.quote(value)}")
    return 0


def _show(stack: Stack) -> int:
    """Print where each engine is; returns 1 when one does not answer."""
    is_complete = True
    for engine in stack.engines:
        is_there = engine.is_running and engine.answers()
        is_complete &= is_there
        process = engine.daemon.process()
        state = f"127.0.0.1:{engine.port} (pid {process.pid})" if is_there and process else "not running"
        print(f"{engine.name:9} {state}")
    if is_complete:
        print(f"Addresses and passwords: {stack.state_path}; as variables: python -m tools.engines environment")
    return 0 if is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
