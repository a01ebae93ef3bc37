"""Files a person takes away: animated GLB, PLY, MP4 and tables of angles."""

from humanav.export.angles import write_angles
from humanav.export.gltf import Skinned, SkinnedMesh, write_body_glb, write_glb
from humanav.export.people import Companion, write_people_glb
from humanav.export.ply import write_ply
from humanav.export.video import write_mp4

__all__ = ["Companion", "Skinned", "SkinnedMesh", "write_angles", "write_body_glb", "write_glb", "write_mp4",
           "write_people_glb", "write_ply"]
