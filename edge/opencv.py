"""OpenCV, told before its import to keep quiet and to one thread. The door to every frame."""

import os

from edge.discreet import keep_little, leave_no_dump

leave_no_dump()
keep_little()
for _name, _value in {
    "OPENCV_LOG_LEVEL": "OFF",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",  # AV_LOG_QUIET
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "5",  # s, as for streams in edge/capture.py
    "OPENCV_FFMPEG_THREADS": "1",
    "OPENCV_OPENCL_RUNTIME": "disabled",  # it would keep a cache of kernels on disk
    "GST_DEBUG": "0",
}.items():
    os.environ.setdefault(_name, _value)

import cv2  # noqa: E402  it reads its environment once, at import

cv2.setNumThreads(1)  # a Pi has other work, and frames are small

__all__ = ["cv2"]
