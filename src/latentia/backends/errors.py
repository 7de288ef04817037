"""What can go wrong with a cluster."""

from typing import final


@final
class ClusterError(ConnectionError):
    """The cluster cannot do the work: no scheduler, no workers, or workers without latentia."""
