"""Video files to frames and back.

reader: open_source, probe, reopen, scan_frames, VideoReader
folder_reader: FolderReader, read_image, image_size
source: FrameSource, prefetch
info: VideoInfo, VideoError
limits: Limits, VIDEO_SUFFIXES
clip: Clip, read_clip, check_range
framing: Framing, resample_box
camera_motion: CameraMotion, MotionEstimator
cuts: CutDetector
writer: VideoSink, write_video
container: Container, recognise_container
decoder: Decoder, open_container
display: Orientation, RgbConverter
tone_mapping: tone_map, ToneMapper
timing: measure_timing, measure_capture
"""
