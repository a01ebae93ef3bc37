"""Files a person takes away: animated GLB, PLY, Gaussians, MP4, tables of angles, markers of motion laboratories."""

from humanav.export.angles import write_angles
from humanav.export.c3d import read_c3d, write_c3d
from humanav.export.gaussian_avatar import write_avatar_ply, write_avatar_splats, write_deformation_onnx
from humanav.export.gltf import Skinned, SkinnedMesh, write_body_glb, write_glb
from humanav.export.onnx import write_onnx
from humanav.export.people import Companion, write_people_glb
from humanav.export.ply import write_ply
from humanav.export.skinned_splats import SkinnedSplats, read_skinned_splats, write_skinned_splats
from humanav.export.splats import Splats, read_splat_ply, write_splat_ply
from humanav.export.trc import Markers, read_trc, write_trc
from humanav.export.video import write_mp4

__all__ = ["Companion", "Markers", "Skinned", "SkinnedMesh", "SkinnedSplats", "Splats", "read_c3d",
           "read_skinned_splats", "read_splat_ply", "read_trc", "write_angles", "write_avatar_ply",
           "write_avatar_splats", "write_body_glb", "write_c3d", "write_deformation_onnx", "write_glb", "write_mp4",
           "write_onnx", "write_people_glb", "write_ply", "write_skinned_splats", "write_splat_ply", "write_trc"]
