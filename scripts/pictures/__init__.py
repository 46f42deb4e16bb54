"""The pictures in docs/ui/: a server with a story in it, and a browser that goes through its pages.

`python -m scripts.pictures` trains models, promotes and deploys them as the people and the CI of a small firm would in
four weeks, and takes a picture of every kind of page. It needs the environments `.venv` and `.venvs/libraries`, git and
Debian's Chromium.
"""
