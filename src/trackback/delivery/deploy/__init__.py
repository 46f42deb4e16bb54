"""Deployments for online predictions: as a process, under systemd, on Kubernetes.

A process and a systemd unit are moved in the same way, by ``switching``: the new server is started beside the old one
with the same listening socket, tried, given its turn, watched, and only then kept. ``kubernetes`` leaves that to the
cluster.
"""
