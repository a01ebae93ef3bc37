"""Photos to the body's pose, shape and place."""

from humanav.fit import PosePrior
from humanav.track.lift import Lift
from humanav.track.photo import PhotoFit, fit_photo
from humanav.track.report import FitReport

__all__ = ["FitReport", "Lift", "PhotoFit", "PosePrior", "fit_photo"]
