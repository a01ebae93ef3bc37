"""Several views of several people, also in close contact: calibration, matching, triangulation, fit, refinement.

AvatarPose's job (Lu et al., "AvatarPose: Avatar-guided 3D Pose Estimation of Close Human Interaction from Sparse
Multi-view Videos", ECCV 2024), written anew from its idea: people are refined through avatars of their own. One file a
step, its function called like it: ``capture.find_capture``, ``footage.open_footage``, ``detect.detect``,
``doctor.examine``, ``sync.find_offsets``, ``match.match_people``, ``fit.fit_people``, ``refine.refine``,
``evaluate.evaluate``. What passes between them:
"""

from humanav.multiview.value import Fitted, FittedPerson, Matched, Person3D, Pictures, Rig, Sightings

__all__ = ["Fitted", "FittedPerson", "Matched", "Person3D", "Pictures", "Rig", "Sightings"]
