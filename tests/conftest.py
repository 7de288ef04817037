import os
from pathlib import Path

from hypothesis import HealthCheck, settings

# A shared tmp_path is fine: every example writes its files anew. No deadline: machines are shared.
settings.register_profile(
    "latentia",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("latentia")

# What recorded other software's results needs that software.
_PARITY = Path(__file__).parent / "parity"
collect_ignore = [str(path) for path in _PARITY.glob("*.py") if not path.name.startswith("test_")]
