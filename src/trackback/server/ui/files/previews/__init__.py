"""Previews of files: what a page shows of one, of which it never reads more than a piece.

A file's name says what it may be, and its bytes whether it is. Whatever is shown comes as text, which templates escape,
or as an image in an ``img``; what could run is only ever shown in a frame that has no origin (``frames``).
"""

from trackback.server.ui.files.previews.previewing import Kind, Preview, preview

__all__ = ["Kind", "Preview", "preview"]
