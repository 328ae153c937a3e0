"""Measurements of this project on one machine. They are run by hand and are not part of the package.

    python -m benchmarks NAME [options]

app: seconds of each step of an analysis in the app, and peak memory for a long clip
fine_tuning: scores before and after fine-tuning on dives of another judging panel
model: seconds to score a dive, published protocol against this implementation
panel: error of scores after calibration to another judging panel
simulator: simulated clips per second
transfer: mask IoU on real clips of a small network trained on simulated clips alone
video: frames per second read, against OpenCV and FFmpeg's program, and the scan of a training session

Each module has `OPTIONS`, its dataclass of options, and `measure(options, report)`, which returns plain values
and reports lines of progress.
"""
