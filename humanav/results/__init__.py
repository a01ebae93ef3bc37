"""What a job leaves behind: a folder with a manifest, complete or not there at all.

The folder is filled under a temporary name beside its final place and renamed at the end, so that a reader never sees
half of one. Its id is a hash of the inputs and options: the same question has the same id.
"""

from humanav.results.identity import content_id, fingerprint, plain, weights_id
from humanav.results.licences import Licence, licence_of
from humanav.results.result import FORMAT, MANIFEST, Result, ResultFile
from humanav.results.writer import ResultWriter, is_replaceable, storage_errors

__all__ = ["FORMAT", "MANIFEST", "Licence", "Result", "ResultFile", "ResultWriter", "content_id", "fingerprint",
           "is_replaceable", "licence_of", "plain", "storage_errors", "weights_id"]
