"""
What promising costs: every call of a generated day takes the first offer, against planning with hindsight.

``python -m benchmarks.offer_quality [--visits 300] [--technicians 40] [--seeds 5] [--seconds 60]``. The calls
come one after the other; each is promised the first of the offers in their order (R-303), two-hour windows.
Then the day is planned as promised, and once more as if every call had been known and no window promised.
Both plans serve the same calls.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.days import generated_day
from benchmarks.runs import tail
from optimizer import Budget, Problem, cost, solve
from optimizer.booking import open_oracle
from optimizer.plan import Plan
from optimizer.problem import Window

RESULTS = Path(__file__).parent / "results" / "offer-quality.jsonl"
HOUR = 3_600
WINDOWS = tuple(Window(hour * HOUR, (hour + 2) * HOUR) for hour in range(8, 18, 2))
