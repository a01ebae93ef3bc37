"""A job over a whole folder: on this machine's cores or on a Dask cluster, resumed where it stopped, with a report."""

from humanav.batch.kinds import KINDS
from humanav.batch.run import RETRIES, BatchOptions, run_batch, usual_out
from humanav.batch.state import Book, Item

__all__ = ["KINDS", "RETRIES", "BatchOptions", "Book", "Item", "run_batch", "usual_out"]
