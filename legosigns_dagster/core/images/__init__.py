"""Images: decoded as a browser shows them, stored as a training reads them, and stills from videos.

May import: nothing of ours.
"""
