"""Pixels to people in 2D: reading photos, finding people, cutting them out."""

from humanav.perception.describe import Coverage, describe_people, describe_person
from humanav.perception.detector import Detector, available, make_detector
from humanav.perception.images import Photo, load_image, load_photo
from humanav.perception.keypoint_files import Keypoints, read_keypoints
from humanav.perception.keypoint_writing import write_keypoints
from humanav.perception.openpose import find_openpose, read_openpose, write_openpose
from humanav.perception.person import Person2D
from humanav.perception.sequence import KeypointSequence
from humanav.perception.takes import People, Take
from humanav.perception.video import Video, open_video

__all__ = ["Coverage", "Detector", "Followed", "KeypointSequence", "Keypoints", "MediapipeDetector", "People",
           "Person2D", "Photo", "Take", "Video", "available", "describe_people", "describe_person", "find_openpose",
           "follow_person", "load_image", "load_photo", "make_detector", "open_video", "read_keypoints",
           "read_openpose", "refine_matte", "write_keypoints", "write_openpose"]


def __getattr__(name: str) -> object:
    # mediapipe and OpenCV load only when they are used
    if name == "MediapipeDetector":
        from humanav.perception.mediapipe_detector import MediapipeDetector

        return MediapipeDetector
    if name in ("Followed", "follow_person"):
        from humanav.perception import follow

        return getattr(follow, name)
    if name == "refine_matte":
        from humanav.perception.matte import refine_matte

        return refine_matte
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
