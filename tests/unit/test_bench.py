"""The benchmarks run, and write down what they found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.figures import quantiles

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_run_writes_a_report(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    done = bench("codec", "rules", "--quick", "--output", str(report))
    assert done.returncode == 0, done.stderr
    text = report.read_text(encoding="utf-8")
    assert text.index("## Codec") < text.index("## Rules")
    shown = done.stdout.splitlines()
    assert len(shown) > 5
    for line in shown:
        what, _, value = line.strip().partition(": ")
        assert f"| {what} | {value} |" in text


def test_an_unknown_benchmark_is_refused() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert "codec, rules, explain, replay" in " ".join(done.stderr.split())


def test_quantiles_are_samples() -> None:
    seconds = [number / 1000 for number in range(100, 0, -1)]
    assert quantiles("", seconds).value == "p50 50.0 ms, p99 99.0 ms, worst 100.0 ms (100 samples)"
    assert quantiles("", [0.002]).value == "p50 2.0 ms, p99 2.0 ms, worst 2.0 ms (1 samples)"
