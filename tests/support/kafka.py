"""Apache Kafka without Docker: jars by Maven, one KRaft node a test, gone when the test is."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from string import Template

from services.cli.guarded import GuardedProcess
from services.cli.local_broker import free_port

KAFKA_VERSION = "4.3.0"

_ROOT = Path(__file__).parents[2]
SOURCES = _ROOT / "deploy" / "kafka"
_JARS = _ROOT / ".cache" / "kafka" / KAFKA_VERSION
# A test's broker lives for seconds: start fast, stay small.
_JVM = [
    *("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
]

CLUSTER = "aG90bGluZS1yYXRlcy10ZQ"  # any 16 bytes in base64


class KafkaUnavailableError(RuntimeError):
    """Apache Kafka cannot run here; the text says why."""


@cache
def kafka_missing() -> str:
    """Return why Apache Kafka cannot run here, or "" when it can. Fetches the jars once."""
    absent = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if "java" in absent:
        return "Apache Kafka needs java"
    if _JARS.is_dir():
        return ""
    if absent:
        return "Apache Kafka needs mvn"
    return _fetch_jars()


def _fetch_jars() -> str:
    _JARS.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_JARS.parent) as scratch:
        fetched = Path(scratch) / "jars"
        command = ["mvn", "-q", "-B", "-f", str(SOURCES / "pom.xml")]
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
        done = subprocess.run([*command, *goal], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"Apache Kafka's jars cannot be fetched: {done.stdout.strip()[-300:]}"
        try:
            fetched.rename(_JARS)
        except OSError:
            if not _JARS.is_dir():  # otherwise another session fetched them just now
                raise
    return ""


def start_kafka(directory: Path) -> tuple[GuardedProcess, str]:
    """Start a node with an empty log under ``directory``; return it and its bootstrap address.

    Raises:
        KafkaUnavailableError: no Java, or no jars and no Maven.
        ProcessFailedError: it does not start.
    """
    if reason := kafka_missing():
        raise KafkaUnavailableError(reason)
    port, controller_port = free_port(), free_port()
    properties = directory / "server.properties"
    template = Template((SOURCES / "server.properties.template").read_text())
    properties.write_text(
        template.substitute(port=port, controller_port=controller_port, directory=directory)
    )
    formatted = subprocess.run(
        [
            *java("kafka.tools.StorageTool", "format"),
            *("-t", CLUSTER, "-c", str(properties), "--standalone"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if formatted.returncode != 0:
        raise KafkaUnavailableError(formatted.stderr[-500:])
    process = GuardedProcess.start(
        java("kafka.Kafka", str(properties)),
        log=directory / "kafka.log",
        ready="Kafka Server started",
        seconds=120,
        cwd=directory,
    )
    return process, f"127.0.0.1:{port}"


def java(*main: str) -> list[str]:
    """The command that runs a class of Apache Kafka, whose jars must be here."""
    return ["java", *_JVM, "-cp", f"{_JARS}/*", *main]
