"""Typed errors. Each carries one plain sentence that says what is wrong and what to do; the app shows it as it is."""


class HumanavError(Exception):
    """Base of every error a user can cause or mend; ``str(error)`` is a sentence fit for a visitor."""


class InputError(HumanavError):
    """The input cannot be used: unreadable, of the wrong kind, too small, empty or not finite."""


class ImageError(InputError):
    """An image cannot be read or used (corrupt, not an image, too small, all black)."""


class NoPersonError(InputError):
    """No person was found in the picture."""


class SeveralPeopleError(InputError):
    """A file holds several people and it was not said which one; ``people`` maps what to ask for to a description."""

    def __init__(self, message: str, people: dict[str, str]) -> None:
        super().__init__(message)
        self.people = people


class MotionFileError(InputError):
    """A motion file (npz, BVH) cannot be read or does not describe a body's motion."""


class BodyFileError(InputError):
    """A body model file is missing arrays or has the wrong shapes."""


class CameraError(InputError):
    """Camera parameters are missing, singular or not finite."""


class MissingExtraError(HumanavError):
    """An optional package is needed for what was asked; the sentence names the install command."""


class StorageError(HumanavError):
    """A result cannot be written (disk full, folder not writable)."""


class Cancelled(HumanavError):
    """The user stopped the job."""
