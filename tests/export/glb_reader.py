"""A small independent reader of .glb files: accessors as arrays, and skinning as the glTF specification states it."""

import json
import struct

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

_TYPES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_DTYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}


class Glb:
    def __init__(self, path):
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON"
        assert size % 4 == 0
        self.json = json.loads(data[20: 20 + size])
        size_bin, kind = struct.unpack_from("<I4s", data, 20 + size)
        assert kind == b"BIN\0"
        self.bin = data[28 + size:]
        assert size_bin == len(self.bin) == self.json["buffers"][0]["byteLength"]

    def view(self, index):
        view = self.json["bufferViews"][index]
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= len(self.bin)
        return self.bin[view["byteOffset"]: view["byteOffset"] + view["byteLength"]]

    def array(self, index):
        accessor = self.json["accessors"][index]
        values = np.frombuffer(self.view(accessor["bufferView"]), _DTYPES[accessor["componentType"]])
        values = values.reshape(accessor["count"], _TYPES[accessor["type"]])
        if "min" in accessor:
            assert values.min(0).tolist() == accessor["min"]
            assert values.max(0).tolist() == accessor["max"]
        return values

    def attribute(self, name):
        return self.array(self.json["meshes"][0]["primitives"][0]["attributes"][name])

    @property
    def triangles(self):
        return self.array(self.json["meshes"][0]["primitives"][0]["indices"]).reshape(-1, 3).astype(int)

    def animation(self, name):
        return next(a for a in self.json["animations"] if a["name"] == name)

    def skin(self, name=None, time=0.0):
        """Vertices at ``time`` of an animation (None: the rest pose)."""
        nodes = self.json["nodes"]
        translation = [np.array(n.get("translation", (0, 0, 0)), float) for n in nodes]
        rotation = [Rotation.identity() for _ in nodes]
        for channel in self.animation(name)["channels"] if name is not None else ():
            sampler = self.animation(name)["samplers"][channel["sampler"]]
            times, values = self.array(sampler["input"])[:, 0], self.array(sampler["output"])
            node, at = channel["target"]["node"], np.clip(time, times[0], times[-1])
            if channel["target"]["path"] == "translation":
                translation[node] = np.array([np.interp(at, times, values[:, k]) for k in range(3)])
            elif len(times) == 1:
                rotation[node] = Rotation.from_quat(values[0])
            else:
                rotation[node] = Slerp(times, Rotation.from_quat(values))(at)
        world = {}

        def visit(node, parent):
            local = np.eye(4)
            local[:3, :3], local[:3, 3] = rotation[node].as_matrix(), translation[node]
            world[node] = parent @ local
            for child in nodes[node].get("children", ()):
                visit(child, world[node])

        for root in self.json["scenes"][0]["nodes"]:
            visit(root, np.eye(4))
        skin = self.json["skins"][0]
        binds = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        matrices = np.stack([world[j] for j in skin["joints"]]) @ binds
        blended = (matrices[self.attribute("JOINTS_0")] * self.attribute("WEIGHTS_0")[..., None, None]).sum(1)
        points = np.concatenate([self.attribute("POSITION"), np.ones((len(blended), 1))], 1)
        return np.einsum("vij,vj->vi", blended, points)[:, :3]
