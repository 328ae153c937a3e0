"""Video files to frames and back.

reader: open_source, probe, reopen, VideoReader
folder_reader: FolderReader, read_image, image_size
source: FrameSource, prefetch
info: VideoInfo, VideoError
limits: Limits
clip: Clip, read_clip, check_range
framing: Framing, resample_box
camera_motion: CameraMotion, MotionEstimator
cuts: find_cuts
writer: VideoSink, write_video
container: Container, read_container
"""
