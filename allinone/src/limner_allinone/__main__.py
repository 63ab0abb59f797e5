"""The ``limner`` command."""

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop

from limner_common.errors import DomainError
from limner_common.logs import configure_logging
from limner_common.memory import limit_arenas


def main() -> int:
    """Run one command; returns the exit status. Expected failures are one line, never a traceback."""
    limit_arenas()
    try:
        arguments = _parser().parse_args()
        return int(arguments.run(arguments) or 0)
    except DomainError as error:
        from limner_allinone.secrecy import without_secrets

        print(f"limner: {without_secrets(_sentence(error))}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package.startswith("limner_"):
            raise
        advice = "Use the image of that service, or `tools`, which has all of them."
        print(f"limner: {package} is not installed here. {advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    from limner_allinone.admin.command import add_admin
    from limner_allinone.composition import SERVICE_NAMES
    from limner_allinone.home import default_home, product_version

    parser = argparse.ArgumentParser(prog="limner", description="Annotation platform for images, video and point clouds.")
    parser.add_argument("--version", action="version", version=product_version())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="run everything on this machine")
    up.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    up.add_argument("--port", type=int, default=8080, help="port to listen on (default %(default)s)")
    _add_health_port(up)
    up.add_argument("--home", type=Path, default=default_home(), help="where all data are kept (default %(default)s)")
    up.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    up.set_defaults(run=_up)

    workers = commands.add_parser("embedded-workers")
    workers.set_defaults(run=_embedded_workers)

    serve = commands.add_parser("serve", help="serve one service; settings come from LIMNER_* variables")
    serve.add_argument("service", choices=SERVICE_NAMES)
    serve.add_argument("--host", default="0.0.0.0", help="address to listen on (default %(default)s)")  # noqa: S104 a pod
    serve.add_argument("--port", type=int, default=8000, help="port to listen on (default %(default)s)")
    _add_health_port(serve)
    serve.set_defaults(run=_serve)

    work = commands.add_parser("work", help="run the workers of one service")
    work.add_argument("service", choices=SERVICE_NAMES)
    work.add_argument("--host", default="0.0.0.0", help="address of the health port (default %(default)s)")  # noqa: S104 a pod
    _add_health_port(work)
    work.set_defaults(run=_work)

    relay = commands.add_parser(
        "relay", help="publish the facts of one service, where `serve` runs with LIMNER_HAS_RELAY=false"
    )
    relay.add_argument("service", choices=SERVICE_NAMES)
    relay.add_argument("--host", default="0.0.0.0", help="address of the health port (default %(default)s)")  # noqa: S104 a pod
    _add_health_port(relay)
    relay.set_defaults(run=_relay)

    migrate = commands.add_parser("migrate", help="bring the schema of one service, or of all, to this version")
    migrate.add_argument("service", choices=[*SERVICE_NAMES, "all"])
    migrate.set_defaults(run=_migrate)

    doctor = commands.add_parser("doctor", help="check what an installation needs and say what to do")
    doctor.add_argument("--home", type=Path, default=default_home())
    doctor.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    doctor.set_defaults(run=_doctor)

    add_admin(commands)

    manifest = commands.add_parser("manifest", help="work with dataset manifests")
    manifest_commands = manifest.add_subparsers(required=True, metavar="COMMAND")
    create = manifest_commands.add_parser("create", help="write manifest.jsonl for a video, a folder or a pattern of images")
    create.add_argument("source", help="video file, folder (read recursively), or pattern with * ? []")
    create.add_argument("--output-dir", type=Path, default=Path(), help="where to write (default: here)")
    create.add_argument(
        "--sorting", default="lexicographical", choices=["lexicographical", "natural", "predefined", "random"]
    )
    create.add_argument("--force", action="store_true", help="write it even when the video has too few key frames")
    create.set_defaults(run=_create_manifest)
    return parser


def _sentence(error: DomainError) -> str:
    """Return what is wrong, with what is said of each field where the error is about fields."""
    if not error.fields:
        return error.message
    return " ".join(f"{name}: {' '.join(map(str, messages))}" for name, messages in error.fields.items())


def _add_health_port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--health-port", type=int, help="answer /health and /metrics here too, unauthenticated (default: off)"
    )


def _up(arguments: argparse.Namespace) -> int:
    from limner_allinone.embedded import Place, run_embedded

    configure_logging(arguments.log_level, as_json=False)
    announce = lambda line: print(line, flush=True)  # noqa: E731
    place = Place(arguments.host, arguments.port, arguments.health_port)
    uvloop.run(run_embedded(arguments.home, place, arguments.log_level, announce))
    return 0


def _embedded_workers(_arguments: argparse.Namespace) -> int:
    from limner_allinone.embedded import run_workers, worker_settings
    from limner_allinone.secrecy import hide_in_logs

    settings, secrets_file, metrics_socket = worker_settings()
    configure_logging(settings.log_level, as_json=settings.is_log_json, hide=hide_in_logs(settings))
    uvloop.run(run_workers(settings, secrets_file, metrics_socket))
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from limner_allinone.split import serve_service

    uvloop.run(serve_service(arguments.service, arguments.host, arguments.port, arguments.health_port))
    return 0


def _work(arguments: argparse.Namespace) -> int:
    from limner_allinone.split import work_service

    uvloop.run(work_service(arguments.service, arguments.host, arguments.health_port))
    return 0


def _relay(arguments: argparse.Namespace) -> int:
    from limner_allinone.split import relay_service

    uvloop.run(relay_service(arguments.service, arguments.host, arguments.health_port))
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    from limner_allinone.split import migrate_deployment

    names = asyncio.run(migrate_deployment(arguments.service, lambda line: print(line, flush=True)))
    print(f"Schemas up to date: {', '.join(names)}")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from limner_allinone.doctor import examine

    # Findings say what drivers say, and without their secrets.
    configure_logging("critical", as_json=False)
    return asyncio.run(examine(arguments.home, as_json=arguments.json))


def _create_manifest(arguments: argparse.Namespace) -> int:
    from limner_media.core.manifests import create_manifest

    return create_manifest(
        arguments.source, output_dir=arguments.output_dir, sorting=arguments.sorting, force=arguments.force
    )


if __name__ == "__main__":
    sys.exit(main())
