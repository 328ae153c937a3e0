"""Kinematics: what a network saw of a dive, in metres, degrees and seconds, each with its error."""

from fineparser.kinematics.kinematics import EntryPicture, Kinematics, MotionSeries
from fineparser.kinematics.observation import DiveObservation, EntryObservation, MotionPrediction
from fineparser.kinematics.quantity import Choice, Quantity

__all__ = [
    "Choice",
    "DiveObservation",
    "EntryObservation",
    "EntryPicture",
    "Kinematics",
    "MotionPrediction",
    "MotionSeries",
    "Quantity",
]
